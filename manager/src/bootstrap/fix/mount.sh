# Mounts a file system by its UUID, now and after every restart.
#
#     sh mount.sh UUID PLACE
set -eu
uuid=$1 place=$2
device=$(blkid -U "$uuid")
there=$(findmnt -n -o SOURCE --mountpoint "$place" | tail -1 || true)
other=$(awk -v place="$place" '$1 !~ /^#/ && $2 == place { print $1 }' /etc/fstab)
case $other in
'') add=yes ;;
"UUID=$uuid" | "/dev/disk/by-uuid/$uuid") add=no ;;
*) echo "/etc/fstab mounts $other at $place: take that line out first" >&2; exit 1 ;;
esac
if [ -n "$there" ] && [ "$there" != "$device" ]; then
    echo "$there is mounted at $place: unmount it first" >&2; exit 1
fi
if [ -z "$there" ] && [ -d "$place" ] && [ -n "$(ls -A "$place")" ]; then
    echo "$place holds files, which a disk mounted over it would hide: move them away first" >&2; exit 1
fi
mkdir -p "$place"
if [ "$add" = yes ]; then
    [ -e /etc/fstab.pirack-before ] || cp -p /etc/fstab /etc/fstab.pirack-before
    kind=$(blkid -o value -s TYPE "$device")
    # Written beside it and moved over it: a board must never start with half a table.
    new=/etc/fstab.pirack-new
    cp -p /etc/fstab "$new"
    # A last line may have no end.
    [ -z "$(tail -c 1 "$new")" ] || echo >>"$new"
    echo "UUID=$uuid $place $kind defaults,noatime,nofail 0 2" >>"$new"
    # What was wrong in it before is none of ours to judge.
    if ! told=$(findmnt --verify --tab-file "$new" 2>&1) && findmnt --verify >/dev/null 2>&1; then
        rm -f "$new"
        echo "/etc/fstab would be wrong with $uuid at $place: $told" >&2; exit 1
    fi
    mv "$new" /etc/fstab
    echo "/etc/fstab: $uuid at $place, with nofail"
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ -z "$there" ]; then
    mount "$place"
    echo "$device is mounted at $place"
fi
