# shellcheck shell=sh
# Gives the board that this runs on a flaw, or mends it. Either may be said twice.
#
#     sh flaw.sh give|mend FLAW [VALUE]
set -eu
act=$1 flaw=$2 value=${3:-}
lab=/run/lab
mkdir -p "$lab"

# Takes off what lies over a file or a folder of the kernel's.
uncover() {
    if mountpoint -q "$1"; then umount "$1"; fi
}

# Puts standard input over a file of the kernel's.
cover() {
    part=$lab/$(echo "$1" | tr / _)
    cat >"$part"
    uncover "$1"
    mount --bind "$part" "$1"
}

# Puts an empty folder of its own over one of the kernel's.
cover_folder() {
    uncover "$1"
    mount -t tmpfs -o size=1m,mode=755 tmpfs "$1"
}

# What a file was before, once.
keep() {
    [ -e "$1.lab" ] || cp -a "$1" "$1.lab"
}
restore() {
    # Written into, not put in its place: others may have it mounted.
    if [ -e "$1.lab" ]; then
        cat "$1.lab" >"$1"
        rm "$1.lab"
    fi
}

controllers=/sys/fs/cgroup/cgroup.controllers
thermal=/sys/class/thermal
drivers=/sys/bus/platform/drivers
small=/srv/small/.nearly
pid=$lab/port-$value

case $act-$flaw in
give-no-memory-group)
    uncover /proc/cgroups
    awk -v OFS='\t' '$1 == "memory" { $4 = 0 } { print }' /proc/cgroups | cover /proc/cgroups
    if [ -e "$controllers" ]; then
        uncover "$controllers"
        sed 's/\<memory\>//' "$controllers" | cover "$controllers"
    fi
    ;;
mend-no-memory-group)
    uncover /proc/cgroups
    uncover "$controllers"
    ;;
give-clock)
    # What a session begins with (pam_env); the door itself cannot bear it.
    keep /etc/environment
    cat >/etc/environment <<END
LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1)
FAKETIME=$value
FAKETIME_DONT_FAKE_MONOTONIC=1
DONT_FAKE_MONOTONIC=1
END
    # sudo lets none of that through that it has not from here.
    echo 'Defaults env_file=/etc/environment' >/etc/sudoers.d/lab-clock
    chmod 440 /etc/sudoers.d/lab-clock
    ;;
mend-clock)
    rm -f /etc/sudoers.d/lab-clock
    restore /etc/environment
    ;;
give-mtu) ip link set eth0 mtu "$value" ;;
mend-mtu) ip link set eth0 mtu 1500 ;;
give-port)
    [ ! -e "$pid" ] || exit 0
    # shellcheck disable=SC2016 # it is Perl's
    setsid perl -MSocket -e '
        socket(DOOR, PF_INET, SOCK_STREAM, 0) && setsockopt(DOOR, SOL_SOCKET, SO_REUSEADDR, 1)
            && bind(DOOR, sockaddr_in($ARGV[0], INADDR_ANY)) && listen(DOOR, 8) or die "port $ARGV[0]: $!\n";
        open(PID, ">", $ARGV[1]) && print(PID $$) && close(PID) or die "$ARGV[1]: $!\n";
        while (accept(VISITOR, DOOR)) { close(VISITOR) }
    ' "$value" "$pid" </dev/null >/dev/null 2>"$pid.said" &
    n=0
    until [ -s "$pid" ]; do
        n=$((n + 1))
        if [ "$n" -ge 100 ] || [ -s "$pid.said" ]; then cat "$pid.said" >&2; exit 1; fi
        sleep 0.02
    done
    ;;
mend-port)
    if [ -e "$pid" ]; then
        kill -KILL "$(cat "$pid")"
        rm "$pid"
    fi
    ;;
give-free-disk)
    rm -f "$small"
    room=$(df --output=avail -B1 /srv/small | tail -n 1)
    [ "$room" -le "$value" ] || head -c "$((room - value))" /dev/zero >"$small"
    ;;
mend-free-disk) rm -f "$small" ;;
give-machine-id)
    keep /etc/machine-id
    echo "$value" >/etc/machine-id
    ;;
mend-machine-id) restore /etc/machine-id ;;
give-no-names)
    keep /etc/hosts
    keep /etc/resolv.conf
    printf '127.0.0.1 localhost\n' >/etc/hosts
    # Nobody is there, and refuses at once.
    printf 'nameserver 127.0.0.2\n' >/etc/resolv.conf
    ;;
mend-no-names)
    restore /etc/hosts
    restore /etc/resolv.conf
    ;;
give-lease | mend-lease)
    life=forever
    [ "$act" = mend ] || life=3600
    address=$(ip -o -4 address show dev eth0 | awk 'NR == 1 { print $4 }')
    ip address change "$address" dev eth0 valid_lft "$life" preferred_lft "$life"
    ;;
give-hot)
    cover_folder "$thermal"
    mkdir "$thermal/thermal_zone0"
    echo cpu-thermal >"$thermal/thermal_zone0/type"
    echo "${value}000" >"$thermal/thermal_zone0/temp"
    ;;
mend-hot) uncover "$thermal" ;;
give-low-power)
    cover_folder "$drivers"
    mkdir -p "$drivers/raspberrypi-firmware/soc:firmware"
    # Now and since the start: under-voltage, and throttled for it.
    echo 50005 >"$drivers/raspberrypi-firmware/soc:firmware/get_throttled"
    ;;
mend-low-power) uncover "$drivers" ;;
*)
    echo "no such flaw: $flaw" >&2
    exit 2
    ;;
esac
