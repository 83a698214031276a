#!/bin/sh
# What it takes from three bare boards and one file to a running rack: boards of a lab, with real engines, real SSH,
# Kafka and Cassandra, the agent's own package, and release builds of all that is ours.
#
#   tests/bench/one_file.sh [TIMES] [SECONDS]     5 times each of status, plan and apply; 600 s of rest for serve
#
# An apply's own work is what it takes less what it waited: for services to be well, for nodes to drain, for the agents'
# records. It tells both itself. `serve` is measured by serve.sh on the same rack.
#
# Prints key=value lines; the figures to reach are bare_seconds <= 200, of which bare_own_seconds <= 10,
# apply_again_seconds <= 3, status_seconds <= 2 and serve_memory_mebibytes <= 40.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"

times=${1:-5}
rest=${2:-600}
export PIRACK_LAB=bench
# A lab needs root for its namespaces.
lab() { ${SUDO:+sudo --preserve-env=HOME,XDG_CACHE_HOME,XDG_STATE_HOME,PIRACK_LAB} target/debug/lab "$@"; }
[ "$(id -u)" -eq 0 ] || SUDO=1
# Nobody's own history.
export XDG_STATE_HOME="$scratch/state"

finish_all() {
    lab down >&2 || true
    finish
}
trap finish_all EXIT

image() { awk -v "name=$1" '$1 == name { print $NF }' "$scratch/images"; }
pirack() { lab enter -- target/release/pirack --file "$scratch/rack.toml" "$@"; }
# median FILE: of one number a line.
median() { sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
# timed NAME STATUS COMMAND...: its seconds to $scratch/NAME.
timed() {
    name=$1 expected=$2
    shift 2
    began=$(now) status=0
    "$@" >"$scratch/said" 2>&1 || status=$?
    printf "%s\n" "$(since "$began")" >>"$scratch/$name"
    [ "$status" -eq "$expected" ] || {
        echo "one_file.sh: $*: exit status $status" >&2
        cat "$scratch/said" >&2
        return 1
    }
}

lab images kafka cassandra-5.0 >"$scratch/images"
lab up --boards 3 >&2
FAST=1 agent/packaging/deb.sh "$(dpkg --print-architecture)" target/release/pirack-agent 0.1.0 "$scratch/packages" >&2
ssh=/run/pirack-lab/$PIRACK_LAB/ssh
cat >"$scratch/rack.toml" <<EOF
version = 1
name = "bench"
[ssh]
user = "pi"
identity = "$ssh/id_ed25519"
known_hosts = "$ssh/known_hosts"
[network]
insecure_registries = ["10.77.0.1:5000"]
[agent]
packages = "$scratch/packages"
[kafka]
image = "$(image kafka)"
heap = "256MiB"
limit = "640MiB"
[cassandra]
version = "5.0"
image = "$(image cassandra-5.0)"
heap = "384MiB"
young = "96MiB"
limit = "900MiB"
EOF
for board in 1 2 3; do
    printf '[[board]]\nname = "b%s"\naddress = "10.77.0.1%s"\nmemory = "2GiB"\n' "$board" "$board" >>"$scratch/rack.toml"
done

timed bare 0 pirack apply
sed 's/^/    /' "$scratch/said" >&2
echo "bare_seconds=$(median "$scratch/bare")"
# "48 steps in 95.3 s, 87.0 s of it waiting"
sed -n 's/.* steps in \([0-9.]*\) s, \([0-9.]*\) s of it waiting$/\1 \2/p' "$scratch/said" |
    awk '{ printf "bare_own_seconds=%.1f\n", $1 - $2 }'
timed healthy 0 pirack status
for _ in $(seq "$times"); do
    timed status 0 pirack status
    timed plan 0 pirack plan
    timed again 0 pirack apply
done
echo "status_seconds=$(median "$scratch/status")"
echo "plan_seconds=$(median "$scratch/plan")"
echo "apply_again_seconds=$(median "$scratch/again")"
lab enter -- env "RACK=$scratch/rack.toml" tests/bench/serve.sh "$rest"
