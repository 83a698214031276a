# The host name, now and after a restart.
#
#     sh hostname.sh NAME
set -eu
[ "$(uname -n)" = "$1" ] && [ "$(cat /etc/hostname 2>/dev/null)" = "$1" ] && exit 0
old=$(uname -n)
if [ -d /run/systemd/system ]; then hostnamectl set-hostname "$1"; else
    echo "$1" >/etc/hostname
    hostname "$1"
fi
echo "its host name is $1; it was $old"
