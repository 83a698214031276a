# shellcheck shell=sh
# Makes the root tree that every board begins with. Run by sh in namespaces of its own (mount, PID), so that
# what is mounted and started here ends with it, however it ends.
#
#     sh tree.sh FOLDER SUITE [MIRROR]     packages in $PACKAGES
#
# Lines that begin with `: ` are progress, for a person; the rest is the installers' own output.
set -eu
tree=$1 suite=$2 mirror=${3:-}
umask 022
mount --make-rprivate /

echo ": Debian $suite, from debootstrap"
# shellcheck disable=SC2086 # a mirror, or none
debootstrap --variant=minbase "$suite" "$tree" $mirror

# No service starts while packages are installed: there is nobody here to serve.
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"
mountpoint -q "$tree/proc" || mount -t proc proc "$tree/proc"
cp /etc/resolv.conf "$tree/etc/resolv.conf"

echo ": packages: $PACKAGES"
# shellcheck disable=SC2086 # one word a package
chroot "$tree" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
    apt-get install -q -y --no-install-recommends $PACKAGES </dev/null

echo ': a boot that starts what is installed: here nobody was to be served, on a board they are'
# Packages' scripts start nothing where PID 1 is none of Debian's, unless they are told that they may.
printf '#!/bin/sh\nexit 0\n' >"$tree/usr/sbin/policy-rc.d"
# Whoever starts services on a Debian without systemd asks which runlevel this is.
printf '#!/bin/sh\necho N 2\n' >"$tree/sbin/runlevel"
chmod 755 "$tree/sbin/runlevel"
# The hub starts it by itself, and boards have none.
chroot "$tree" update-rc.d docker-registry remove

echo ': a user, and nothing that two boards must not share'
chroot "$tree" useradd --create-home --shell /bin/bash --groups sudo,docker pi
echo 'pi ALL=(ALL) NOPASSWD: ALL' >"$tree/etc/sudoers.d/pi"
chmod 440 "$tree/etc/sudoers.d/pi"
rm -f "$tree"/etc/ssh/ssh_host_* "$tree/etc/machine-id" "$tree/var/lib/dbus/machine-id" "$tree/etc/resolv.conf"
mkdir -p "$tree/run/sshd" "$tree/srv/small" "$tree/var/lib/docker" "$tree/var/lib/docker-registry"
chroot "$tree" apt-get clean
rm -rf "$tree"/var/lib/apt/lists/*
umount "$tree/proc"
