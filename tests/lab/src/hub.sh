# shellcheck shell=sh
# The lab's switch and router, in the hub's own network namespace: no rule, route or link of this machine changes.
#
#     sh hub.sh ADDRESS/PREFIX
set -eu
ip link set lo up
# An address of its own: else it takes that of a cable, and another one's when that board loses its power.
ip link add lab0 address 02:42:0a:4d:00:01 type bridge
ip address add "$1" dev lab0
ip link set lab0 up
echo 1 >/proc/sys/net/ipv4/ip_forward
iptables -t nat -A POSTROUTING -s "$1" ! -d "$1" -j MASQUERADE
