#!/bin/sh
# The figures to reach, and what this machine makes of them now. `make bench` builds first.
#
# Runs every script beside it, reads its key=value lines, and prints one table. A figure that is missed
# is said and is no error: a busy machine is no fault of the program's.
set -eu
cd "$(dirname "$0")/../.."
# Where tests/setup.sh unpacked what it did not install.
PATH=$PATH:$PWD/target/bench/usr/bin:$PWD/target/bench/usr/sbin
export PATH
mkdir -p target/bench
measured=target/bench/measured
: >"$measured"
# What `pirack serve` costs is measured on the rack of one_file.sh, by serve.sh.
for name in host agent rack plan kafka cassandra memory one_file; do
    script=tests/bench/$name.sh
    echo "$script" >&2
    "$script" >>"$measured" || echo "$script: failed, exit status $?" >&2
done

# row FIGURE KEY BOUND TARGET UNIT: the target is a BOUND from above, <=, or from below, >=.
row() {
    value=$(sed -n "s/^$2=//p" "$measured")
    awk -v figure="$1" -v value="$value" -v bound="$3" -v target="$4" -v unit="$5" 'BEGIN {
        held = bound == "<=" ? value + 0 <= target + 0 : value + 0 >= target + 0
        verdict = value == "" ? "not measured" : held ? "reached" : "MISSED"
        printf "%-62s %10s %10s %-10s %s\n", figure, bound " " target, value, unit, verdict }'
}
printf '%s, %s, %s processors, %s\n' "$(date -u +%F)" \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)"
printf '%-62s %10s %10s\n' figure target measured
row 'a pass over all host sources, to a scrape of node_exporter' ratio '<=' 0.25 ''
row 'pirack demo, from start to first picture' first_picture_seconds '<=' 2 s
row '13 boards at 1 s, of one processor' rack_cpu_ratio '<=' 0.15 ''
row '13 boards at 1 s, memory in all' rack_memory_mebibytes '<=' 80 MiB
row 'a plan of 100 boards and 300 services, from bare boards' plan_bare_milliseconds '<=' 50 ms
row 'the same, of a heap change' plan_change_milliseconds '<=' 50 ms
row 'three bare boards and one file to a running rack' bare_seconds '<=' 200 s
row "of that pirack's own work" bare_own_seconds '<=' 10 s
row 'pirack apply, where nothing is to do' apply_again_seconds '<=' 3 s
row 'pirack status of three boards with both stacks' status_seconds '<=' 2 s
row 'pirack serve at rest, on a rack with Kafka and Cassandra' serve_memory_mebibytes '<=' 40 MiB
row 'the agent alone, memory 1 s after its start' agent_memory_mebibytes '<=' 16 MiB
row 'a value from the kernel to Kafka, processor' kafka_cpu_microseconds_per_value '<=' 20 us
row "the same, to collectd's with write_kafka" kafka_ratio '<=' 0.5 ''
row 'a backlog into one Cassandra node' cassandra_records_per_second '>=' 20000 records/s
row 'the agent with both sinks, largest memory at all' memory_own_peak_mebibytes '<=' 16 MiB
row 'what it grows while both sinks are away' memory_growth_mebibytes '<=' 0.5 MiB
