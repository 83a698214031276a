# shellcheck shell=sh
# A board's address and services, once its cable is in.
#
#     sh board.sh ADDRESS/PREFIX GATEWAY
set -eu
ip link set lo up
ip address add "$1" dev eth0
ip link set eth0 up
ip route add default via "$2"
setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &
setsid /usr/sbin/sshd -D -e >/var/log/sshd.log 2>&1 </dev/null &
