# shellcheck shell=sh
# The lab's switch and router, in the hub's own network namespace: no rule, route or link of this machine changes.
#
#     sh hub.sh ADDRESS/PREFIX
set -eu
ip link set lo up
ip link add lab0 type bridge
ip address add "$1" dev lab0
ip link set lab0 up
echo 1 >/proc/sys/net/ipv4/ip_forward
iptables -t nat -A POSTROUTING -s "$1" ! -d "$1" -j MASQUERADE
setsid docker-registry serve /etc/docker/registry/config.yml >/var/log/registry.log 2>&1 </dev/null &
