#!/bin/sh
# What the board's health costs: one pass over all host sources of the agent, against one scrape of
# Debian's prometheus-node-exporter, both in processor time, on this machine, in this run.
#
#   tests/bench/host.sh [SCRAPES] [PASSES]
#
# Prints key=value lines; the figure to reach is ratio <= 0.25. The exporter is scraped without pauses,
# which favours it: its caches stay warm, while the agent's passes lie 0.25 s apart.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"

scrapes=${1:-200}
passes=${2:-100}
exporter=$(command -v prometheus-node-exporter || true)

if [ -z "$exporter" ]; then
    echo "host.sh: prometheus-node-exporter is not installed: apt-get install prometheus-node-exporter" >&2
    exit 69
fi

cargo build --quiet --release -p pirack-agent --example host_pass

# The kernel gives a free port, so that nothing else on this machine is in the way.
"$exporter" --web.listen-address=127.0.0.1:0 >"$scratch/said" 2>&1 &
pid=$!

# The socket's inode leads from the process to its port.
port=
tries=0
while [ -z "$port" ]; do
    tries=$((tries + 1))
    alive "$scratch/said"
    if [ "$tries" -gt 100 ]; then
        echo "host.sh: the exporter listens nowhere:" >&2
        cat "$scratch/said" >&2
        exit 1
    fi
    inodes=$(ls -l "/proc/$pid/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\].*/\1/p')
    for inode in $inodes; do
        # Fields of /proc/net/tcp: local address, state (0A listens), inode.
        hex=$(awk -v inode="$inode" '$10 == inode && $4 == "0A" { split($2, a, ":"); print a[2] }' /proc/net/tcp)
        if [ -n "$hex" ]; then port=$(printf '%d' "0x$hex"); fi
    done
    if [ -z "$port" ]; then sleep 0.1; fi
done

url="http://127.0.0.1:$port/metrics"

# Once before counting: the first scrape also starts the exporter's collectors.
curl --silent --fail --output /dev/null --max-time 10 "$url"
before=$(ticks)
n=0
while [ "$n" -lt "$scrapes" ]; do
    curl --silent --fail --output /dev/null --max-time 10 "$url"
    n=$((n + 1))
done
after=$(ticks)

pass=$(target/release/examples/host_pass "$passes" 250)
echo "$pass" >&2
pass=$(echo "$pass" | sed -n 's/.*"cpu_microseconds_per_pass":\([0-9.]*\).*/\1/p')

awk -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" -v scrapes="$scrapes" -v pass="$pass" 'BEGIN {
    scrape = ticks / hertz / scrapes * 1e6
    printf "node_exporter_cpu_microseconds_per_scrape=%.1f\n", scrape
    printf "host_pass_cpu_microseconds=%.1f\n", pass
    if (scrape <= 0) { print "host.sh: the exporter spent no measurable time: scrape more often" > "/dev/stderr"; exit 1 }
    printf "ratio=%.3f\n", pass / scrape
}'
