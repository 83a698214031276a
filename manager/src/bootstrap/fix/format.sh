# Makes an ext4 with a given UUID on a disk that the rack file names. Whatever was on it is gone; a disk that is
# in use, or a part of which is, is refused all the same.
#
#     sh format.sh DEVICE UUID
set -eu
device=$1 uuid=$2
[ -b "$device" ] || { echo "$device is no disk" >&2; exit 1; }
if blkid -U "$uuid" >/dev/null; then exit 0; fi
real=$(readlink -f "$device")
used=$(lsblk -n -r -o MOUNTPOINT "$real" | grep . | head -1 || true)
[ -z "$used" ] || { echo "$device, or a part of it, is mounted at $used" >&2; exit 1; }
if grep -q "^$real" /proc/swaps; then echo "$device, or a part of it, is swapped to" >&2; exit 1; fi
for holder in /sys/class/block/"${real##*/}"/holders/* /sys/class/block/"${real##*/}"/*/holders/*; do
    [ ! -e "$holder" ] || { echo "$device is a part of ${holder##*/}" >&2; exit 1; }
done
held=$(wipefs -n --noheadings -o TYPE "$real" 2>/dev/null | tr '\n' ' ' || true)
wipefs -a -f "$real" >/dev/null
mkfs.ext4 -q -F -U "$uuid" "$real"
udevadm settle 2>/dev/null || true
echo "$device is an ext4 with the UUID $uuid now${held:+; it held: $held}"
