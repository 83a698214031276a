#!/bin/sh
# The figures to reach, and what this machine makes of them now. `make bench` builds first.
#
# Runs every script beside it, reads its key=value lines, and prints one table. A figure that is missed
# is said and is no error: a busy machine is no fault of the program's.
set -eu
cd "$(dirname "$0")/../.."
# Where tests/setup.sh unpacked what it did not install.
PATH=$PATH:$PWD/target/bench/usr/bin
export PATH
mkdir -p target/bench
measured=target/bench/measured
: >"$measured"
for script in tests/bench/host.sh tests/bench/agent.sh tests/bench/rack.sh; do
    echo "$script" >&2
    "$script" >>"$measured" || echo "$script: failed, exit status $?" >&2
done

# row FIGURE KEY TARGET UNIT: the target is a bound from above.
row() {
    value=$(sed -n "s/^$2=//p" "$measured")
    awk -v figure="$1" -v value="$value" -v target="$3" -v unit="$4" 'BEGIN {
        verdict = value == "" ? "not measured" : value + 0 <= target + 0 ? "reached" : "MISSED"
        printf "%-58s %10s %10s %-6s %s\n", figure, "<= " target, value, unit, verdict }'
}
printf '%s, %s, %s processors, %s\n' "$(date -u +%F)" \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)"
printf '%-58s %10s %10s\n' figure target measured
row 'a pass over all host sources, to a scrape of node_exporter' ratio 0.25 ''
row 'pirack demo, from start to first picture' first_picture_seconds 2 s
row '13 boards at 1 s, of one processor' rack_cpu_ratio 0.15 ''
row '13 boards at 1 s, memory in all' rack_memory_mebibytes 80 MiB
row 'the agent alone, memory 1 s after its start' agent_memory_mebibytes 16 MiB
