# shellcheck shell=sh
# Becomes PID 1 of a machine of the lab: a board, or the hub. Run by sh as the first process of namespaces of
# its own (mount, PID, network, UTS, IPC), so that every mount here is gone when it is.
#
#     sh machine.sh NAME TREE DISK ROOT DATA TARGET NEVER [IMAGE]
#
# ROOT is an empty folder to mount on; DISK holds the overlay's own side (upper, work); DATA, a folder of a real
# file system, appears as TARGET: Docker cannot put its overlays onto an overlay. NEVER are the
# capabilities that nobody here has, as setpriv writes it. IMAGE is a file that the machine has as a disk.
set -eu
name=$1 tree=$2 disk=$3 root=$4 data=$5 target=$6 never=$7 image=${8:-}
exec </dev/null
mount --make-rprivate /
echo "$name" >/proc/sys/kernel/hostname
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$disk/upper,workdir=$disk/work" "$root"
cd "$root"

# The kernel's settings are everybody's, those of this network alone excepted.
mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,rw proc/sys/net
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -o remount,bind,ro sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup

# No disk, no bus and no other device of this machine.
mount -t tmpfs -o nosuid,mode=755,size=1m tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o nosuid,nodev tmpfs dev/shm
for node in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
    # shellcheck disable=SC2086 # a name and two numbers
    set -- $node
    mknod -m 666 "dev/$1" c "$2" "$3"
done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr

if [ -n "$image" ]; then
    loop=$(losetup --find --show "$image")
    # Held by PID 1, and let go: it is there as long as anybody has it open, and so goes with the machine.
    exec 9<>"$loop"
    losetup --detach "$loop"
    cp -a "$loop" dev/
    ln -s "${loop##*/}" dev/data
    if uuid=$(blkid -s UUID -o value "$loop"); then
        mkdir -p dev/disk/by-uuid
        ln -s "../../${loop##*/}" "dev/disk/by-uuid/$uuid"
    fi
fi

mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs run
mkdir -m 1777 run/lock
mkdir -m 755 run/sshd
mount -t tmpfs -o nosuid,nodev,mode=1777,size=64m tmpfs srv/small
mount --bind "$data" "${target#/}"

# From here on the machine that this runs on cannot be seen any more.
pivot_root . .
umount -l .
cd /
exec setpriv --inh-caps "$never" --bounding-set "$never" \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root tini -- sleep infinity
