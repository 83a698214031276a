#!/bin/sh
# The agent's memory through an outage of both its sinks: a minute with both, then neither, then both again
# until the backlog is out.
#
#   tests/bench/memory.sh [OUTAGE SECONDS] [INTERVAL]      $OUTAGE or 600 s, at an interval of 1 s
#
# Takes its resident memory every 5 s. What it grows in the outage is the mean of its last quarter, less that of
# its second: the first is when both clients notice. At 0.1 s the outage makes what ten times its length makes
# at 1 s.
#
# Prints key=value lines; the figures to reach are memory_own_peak_mebibytes <= 16, which is the most there ever
# was (VmHWM), and memory_growth_mebibytes <= 0.5.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"
# shellcheck source-path=SCRIPTDIR source=servers.sh
. tests/bench/servers.sh

outage=${1:-${OUTAGE:-600}}
interval=${2:-1.0}

start_kafka
for topic in rack.readings rack.health; do create_topic "$topic"; done
start_cassandra
apply_schema
cat >"$scratch/agent.toml" <<TOML
board = "bench"
interval_seconds = $interval
[queue]
directory = "$scratch/queue"
[kafka]
bootstrap = ["$kafka_address"]
[cassandra]
contact_points = ["$cassandra_address"]
[metrics]
listen = "127.0.0.1:$(free_port 29477)"
TOML
target/release/pirack-agent run --config "$scratch/agent.toml" >"$scratch/said" 2>&1 &
pid=$!

# sample PHASE SECONDS: one line each 5 s, of the time, the phase and the memory.
sample() {
    until=$(($(date +%s) + $2))
    while [ "$(date +%s)" -lt "$until" ]; do
        alive "$scratch/said"
        echo "$(now) $1 $(memory VmRSS)" | tee -a "$scratch/samples" >&2
        sleep 5
    done
}
# How many records wait for the sink that is furthest behind.
backlog() {
    target/release/pirack-agent --config "$scratch/agent.toml" buffer status |
        sed -n 's/.* at [0-9]*, \([0-9]*\) records wait$/\1/p' | sort -n | tail -n 1
}

sample up 60
stop_kafka
stop_cassandra
sample outage "$outage"
waited=$(backlog)
start_kafka
start_cassandra
# Until the backlog is out, at the sinks' own rates, and a quarter of an hour at most.
back=$(date +%s)
while sample after 5 && [ "$(backlog)" -gt 20 ]; do
    if [ $(($(date +%s) - back)) -gt 900 ]; then
        echo "memory.sh: $(backlog) records still wait" >&2
        exit 1
    fi
done
alive "$scratch/said"
echo "memory_backlog_records=$waited"
awk -v from="$(awk '$2 == "outage" { print $1; exit }' "$scratch/samples")" -v outage="$outage" '
    NR == 1 { first = $3 }
    $3 > peak { peak = $3 }
    { last = $3 }
    $2 == "outage" { quarter = int(($1 - from) / outage * 4); n[quarter]++; sum[quarter] += $3 }
    END {
        printf "memory_start_mebibytes=%.1f\nmemory_peak_mebibytes=%.1f\nmemory_end_mebibytes=%.1f\n", first, peak, last
        if (n[1] && n[3]) printf "memory_growth_mebibytes=%.2f\n", sum[3] / n[3] - sum[1] / n[1]
    }' "$scratch/samples"
echo "memory_own_peak_mebibytes=$(memory VmHWM)"
