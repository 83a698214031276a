#!/bin/sh
# The agent's package, and the manager beside it, under a real systemd, which the lab's boards have not: started, dead,
# hanging, stopped, purged.
#
#     tests/systemd.sh PACKAGE.deb PIRACK
#
# A Debian with systemd as its first process, in namespaces of its own (systemd-nspawn): nothing of this machine's is
# changed, and what is written there is in memory and goes with it. Its tree lies in the cache that all checkouts share.
set -eu
package=$(readlink -f "$1") manager=$(readlink -f "$2") unit=$(readlink -f manager/packaging/pirack.service)
tree=${XDG_CACHE_HOME:-$HOME/.cache}/pirack/root/systemd-bookworm
left_out() { echo "skipped: the agent under systemd: $1"; exit 0; }
[ "$(id -u)" -eq 0 ] || left_out 'it needs root'
command -v systemd-nspawn >/dev/null || left_out 'there is no systemd-nspawn; tests/setup.sh systemd installs it'

if [ ! -d "$tree" ]; then
    rm -rf "$tree.part"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$tree.part" >/dev/null
    mv "$tree.part" "$tree"
fi

log=$(mktemp)
systemd-nspawn --quiet --boot --directory "$tree" --volatile=overlay --bind-ro="$package:/agent.deb" \
    --bind-ro="$manager:/usr/bin/pirack" --bind-ro="$unit:/etc/systemd/system/pirack.service" \
    --private-network --register=no --keep-unit --console=pipe --machine=pirack-systemd >"$log" 2>&1 </dev/null &
nspawn=$!
ended() {
    kill -TERM "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
    rm -f "$log"
}
trap ended EXIT
trap 'exit 130' HUP INT TERM

# Waits for this line of shell to succeed, for so many seconds.
until_so() {
    seconds=$1 what=$2
    shift 2
    while ! "$@" >/dev/null 2>&1; do
        seconds=$((seconds - 1))
        [ "$seconds" -gt 0 ] || { echo "systemd: waited in vain for $what" >&2; told; exit 1; }
        sleep 1
    done
}
told() {
    cat "$log" >&2
    inside journalctl --no-pager -q -u pirack-agent -u pirack >&2 || true
}
first() { pgrep -P "$nspawn" | head -n 1; }
inside() { nsenter -t "$(first)" -m -u -i -n -p -- "$@"; }
# is PROPERTY VALUE [UNIT]
is() { [ "$(inside systemctl show -p "$1" --value "${3:-pirack-agent}")" = "$2" ]; }
serves() { inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/8088; printf "GET /healthz HTTP/1.0\r\nHost: 127.0.0.1:8088\r\n\r\n" >&3; grep -qx ok <&3'; }
healthy() { inside runuser -u pirack -- pirack-agent healthy; }
must() {
    what=$1
    shift
    "$@" || { echo "systemd: not so: $what" >&2; told; exit 1; }
    echo "so: $what"
}

until_so 60 'a system that runs' inside systemctl is-active -q multi-user.target
inside sh -c 'dpkg -i /agent.deb && printf "board = \"b1\"\ninterval_seconds = 0.5\n[kafka]\nbootstrap = [\"127.0.0.1:9\"]\n" >/etc/pirack/agent.toml' >/dev/null 2>&1
inside systemctl start pirack-agent
until_so 20 'an agent that is well' healthy
must 'it is enabled, and runs as a user of its own' inside sh -c \
    'systemctl is-enabled -q pirack-agent && [ "$(stat -c %U "/proc/$(systemctl show -p MainPID --value pirack-agent)")" = pirack ]'
must 'nothing in its unit is unknown to systemd' inside sh -c \
    '! systemd-analyze verify pirack-agent.service 2>&1 | grep -v "man pirack-agent"'
must 'systemd finds it little exposed' inside sh -c 'systemd-analyze security --threshold=30 pirack-agent.service >/dev/null'

inside sh -c 'kill -KILL "$(systemctl show -p MainPID --value pirack-agent)"'
until_so 20 'the next agent' is NRestarts 1
until_so 20 'the next agent to be well' healthy
echo 'so: one that dies is started again'
inside sh -c 'kill -STOP "$(systemctl show -p MainPID --value pirack-agent)"'
until_so 90 'the watchdog' is NRestarts 2
until_so 20 'the agent after it to be well' healthy
echo 'so: one that hangs is ended and started again'

# The admin board of a rack that is away.
inside sh -c 'mkdir -p /root/.ssh && touch /root/.ssh/desk && cat >/etc/pirack/rack.toml' <<'END'
version = 1
name = "desk"
[ssh]
user = "pi"
identity = "~/.ssh/desk"
[[board]]
name = "b1"
address = "192.0.2.1"
roles = ["admin", "manager", "worker"]
END
inside systemctl start pirack
until_so 20 'the manager' serves
echo 'so: the manager serves'
must 'nothing in its unit is unknown to systemd' inside sh -c \
    '! systemd-analyze verify pirack.service 2>&1 | grep -v "man pirack-serve"'
must 'its folder is its own, and the queue still the agent'"'"'s' inside sh -c \
    '[ "$(stat -c %U:%a /var/lib/pirack-manager)" = root:700 ] && [ "$(stat -c %U /var/lib/pirack)" = pirack ]'
inside sh -c 'kill -KILL "$(systemctl show -p MainPID --value pirack)"'
until_so 20 'the next manager' is NRestarts 1 pirack
until_so 20 'the next manager to serve' serves
echo 'so: one that dies is started again'
inside systemctl stop pirack
must 'it stops in order' is Result success pirack
inside sh -c 'rm -r /etc/pirack/rack.toml /var/lib/pirack-manager'

inside systemctl stop pirack-agent
must 'the agent stops in order' is Result success
must 'purged, it leaves nothing' inside sh -c \
    'dpkg -P pirack-agent >/dev/null 2>&1; ! find / -xdev -name "*pirack*" -not -path /usr/bin/pirack -not -path /etc/systemd/system/pirack.service -not -path "/proc/*" -not -path "/sys/*" | grep .'
