# What a board is like, all in one go and without changing anything: sections that `facts.rs` reads.
#
#     sh gather.sh MARK USER UUID PAYLOAD 'NEIGHBOUR ...' 'NAME ...' 'CLIENT ...'
#
# Clients are the addresses that the board serves time to.
#
# Each section begins with a line `MARK name`. A tool that is not there leaves its section empty.
mark=$1 user=$2 uuid=$3 payload=$4 neighbours=$5 names=$6 clients=$7
section() { echo "$mark $1"; }
show() { [ -r "$1" ] && cat "$1"; }

# In memory: a board whose disk can no longer be written is to be looked at too. What keeps it from that is heard.
waiting=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) || exit 1
exec 2>/dev/null

# What waits for others goes first, beside everything else.
trap 'rm -rf "$waiting"' EXIT
trap 'exit 143' HUP INT TERM
for one in $neighbours; do
    { ping -c 2 -i 0.3 -W 1 "$one" >"$waiting/small.$one" && small=yes || small=no
        ping -c 2 -i 0.3 -W 1 -M do -s "$payload" "$one" >"$waiting/big.$one" 2>&1 && big=yes || big=no
        echo "$one $small $big" >"$waiting/ping.$one"; } &
done
for one in $names; do
    echo "$one $(timeout 3 getent ahostsv4 "$one" | awk '$2 == "STREAM" { print $1 }' | tr '\n' ' ')" >"$waiting/name.$one" &
done

section uname; uname -s; uname -m; uname -r; uname -n
section userland; dpkg --print-architecture
section os; show /etc/os-release
section machine-id; show /etc/machine-id
section memory; show /proc/meminfo
section swaps; show /proc/swaps
section cgroups; show /proc/cgroups
section controllers; if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo unified; show /sys/fs/cgroup/cgroup.controllers; fi
section mounts; findmnt -P -b -o TARGET,SOURCE,FSTYPE,OPTIONS,SIZE,AVAIL
section disks; lsblk -P -b -o NAME,PKNAME,TYPE,SIZE,FSTYPE,UUID,MOUNTPOINT
section cards
for one in /sys/block/mmcblk*/device/type; do
    disk=${one%/device/type}; [ -e "$one" ] && echo "${disk##*/} $(cat "$one")"
done
section labelled; [ "$uuid" = - ] || blkid -U "$uuid"
section fstab; show /etc/fstab
section addresses; ip -o -4 address show
section links
for one in /sys/class/net/*; do
    wireless=no; [ -e "$one/wireless" ] && wireless=yes
    [ -e "$one/address" ] && echo "${one##*/} $(show "$one/mtu") $(show "$one/address") $wireless $(show "$one/speed" || echo -1)"
done
section listeners
if command -v ss >/dev/null; then
    ss -H -l -n -t -u -p | while read -r kind _ _ _ local _ program; do
        pid=$(echo "$program" | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
        name=$(echo "$program" | sed -n 's/^users:(("\([^"]*\)".*/\1/p')
        container=
        [ -n "$pid" ] && container=$(grep -o '[0-9a-f]\{64\}' "/proc/$pid/cgroup" | head -1)
        echo "$kind $local ${name:--} ${container:--}"
    done
fi
section time-daemons
for one in /proc/[0-9]*/comm; do show "$one"; done | grep -x -e chronyd -e ntpd -e openntpd -e systemd-timesyn | sort -u
section time-sources
if asked=$(timeout 3 chronyc -n -c sources); then echo chronyd; echo "$asked" | cut -d, -f3
elif asked=$(timeout 3 timedatectl show-timesync --value -p SystemNTPServers -p LinkNTPServers -p FallbackNTPServers); then
    echo systemd-timesyncd; echo "$asked"
fi
section time-served
[ -n "$clients" ] && timeout 3 chronyc tracking >/dev/null &&
    for one in $clients; do echo "$one $(timeout 3 chronyc accheck "$one")"; done
section thermal; for one in /sys/class/thermal/thermal_zone*/temp; do show "$one"; done
section voltage
for one in /sys/class/hwmon/*; do [ "$(show "$one/name")" = rpi_volt ] && show "$one/in0_lcrit_alarm"; done
section throttled
for one in /sys/bus/platform/drivers/raspberrypi-firmware/*/get_throttled; do show "$one"; done
[ -e /dev/vcio ] && vcgencmd get_throttled
section filesystems; show /proc/filesystems
section vxlan
release=$(uname -r)
if [ -d /sys/module/vxlan ] || modprobe -n -q vxlan; then echo yes
elif [ -d "/lib/modules/$release" ] || zcat /proc/config.gz | grep -q '# CONFIG_VXLAN is not set'; then echo no; fi
section overlay
if grep -qw overlay /proc/filesystems || modprobe -n -q overlay; then echo yes
elif [ -d "/lib/modules/$release" ]; then echo no; fi
section groups; id -nG "$user"
section docker-group; getent group docker
section ufw; command -v ufw >/dev/null && ufw status verbose
section firewall; iptables -S INPUT
section docker-user; iptables -S DOCKER-USER
section nftables; command -v nft >/dev/null && nft -j list ruleset
section daemon; show /etc/docker/daemon.json
section hosts; show /etc/hosts
section snap; [ -e /snap/bin/docker ] && echo yes
section ping; command -v ping >/dev/null && echo yes
section dockerd; command -v dockerd >/dev/null && echo yes
section socket; [ -S /var/run/docker.sock ] && echo yes
section booted; if [ -d /run/systemd/system ]; then echo systemd; fi
wait
section names; cat "$waiting"/name.*
section pings; cat "$waiting"/ping.*
section end
