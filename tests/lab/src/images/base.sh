# shellcheck shell=sh
# Makes a Debian base and archives it. Run by sh in namespaces of its own (mount, PID), so that what is mounted and
# started here ends with it, however it ends.
#
#     sh base.sh ARCHIVE SUITE MIRROR ARCHITECTURE     MIRROR may be empty: debootstrap has its own
set -eu
archive=$1 suite=$2 mirror=$3 architecture=$4
tree=$archive.tree
umask 022
mount --make-rprivate /
debootstrap --variant=minbase --arch="$architecture" "$suite" "$tree" ${mirror:+"$mirror"}
mirror=$(awk '$1 == "deb" { print $2; exit }' "$tree/etc/apt/sources.list")
echo "deb ${mirror%/}-security $suite-security main" >>"$tree/etc/apt/sources.list"
# Nobody can be asked, and what is recommended is not wanted.
printf 'APT::Install-Recommends "false";\nDPkg::Options:: "--force-confold";\n' >"$tree/etc/apt/apt.conf.d/90image"
rm -f "$tree/etc/resolv.conf" "$tree/etc/hostname"
tar -C "$tree" -c --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
    --exclude='./usr/share/info/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
    --exclude='./var/log/*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' -f "$archive" .
