# shellcheck shell=sh
# A board's boot, once its cable is in: its address, then whatever it starts by itself, as Debian's own init does
# for runlevel 2. A service that does not start keeps no other from it.
#
#     sh board.sh ADDRESS/PREFIX GATEWAY
set -eu
ip link set lo up
ip address add "$1" dev eth0
ip link set eth0 up
ip route add default via "$2"
mount -a >>/var/log/boot.log 2>&1 || echo "mount -a: exit status $?" >>/var/log/boot.log
export runlevel=2 previous=N
for service in /etc/rc2.d/S*; do
    [ -x "$service" ] || continue
    "$service" start </dev/null || echo "$service: exit status $?"
done >>/var/log/boot.log 2>&1
