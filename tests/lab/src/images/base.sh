# Makes a Debian base and archives it:  sh base.sh SUITE ARCHITECTURE SCRATCH-FOLDER ARCHIVE
# The mirror is the one that this machine's own apt uses for Debian, or else debootstrap's.
set -eu
suite=$1 architecture=$2 tree=$3/tree archive=$4
umask 022
mount --make-rprivate /
mirror=$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(SITE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 == "main" && $NF ~ /\/debian\/?$/ { print $NF; exit }' || true)
# shellcheck disable=SC2086 # a mirror, or none
debootstrap --variant=minbase --arch="$architecture" "$suite" "$tree" $mirror
mirror=$(awk '$1 == "deb" { print $2; exit }' "$tree/etc/apt/sources.list")
echo "deb ${mirror%/}-security $suite-security main" >>"$tree/etc/apt/sources.list"
# Nobody can be asked, and what is recommended is not wanted.
printf 'APT::Install-Recommends "false";\nDPkg::Options:: "--force-confold";\n' >"$tree/etc/apt/apt.conf.d/90image"
rm -f "$tree/etc/resolv.conf" "$tree/etc/hostname"
tar -C "$tree" -c --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
    --exclude='./usr/share/info/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
    --exclude='./var/log/*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' -f "$archive" .
