#!/bin/sh
# What `pirack demo` costs: 12 simulated boards and this machine at one record a second and source.
#
#   tests/bench/rack.sh [SECONDS]
#
# Prints key=value lines. The first picture is there when GET / answers and /api/rack holds 13 boards,
# counted from the program's start; the processor's share and the memory are those of the whole
# program, from the tenth second to the last but five.
set -eu

seconds=${1:-60}
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
pid=
finish() {
    status=$?
    trap - EXIT
    if [ -n "$pid" ]; then
        kill -INT "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

now() { cut -d ' ' -f 1 /proc/uptime; }
since() { echo "$(now) $1" | awk '{ printf "%.2f", $1 - $2 }'; }
# utime + stime, in ticks; the name in parentheses may hold anything, so count from its end.
ticks() { sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }'; }
memory() { awk -v field="$1:" '$1 == field { printf "%.1f", $2 / 1024 }' "/proc/$pid/status"; }

start=$(now)
target/release/pirack demo --headless --boards 12 --for "${seconds}s" --listen 127.0.0.1:0 \
    --scratch "$scratch/rack" >"$scratch/said" 2>&1 &
pid=$!

url=
boards=0
while [ "$boards" -ne 13 ]; do
    if ! kill -0 "$pid" 2>/dev/null; then
        cat "$scratch/said" >&2
        exit 1
    fi
    [ -n "$url" ] || url=$(sed -n 's/^dashboard *//p' "$scratch/said")
    if [ -n "$url" ] && curl --silent --fail --max-time 2 --output /dev/null "$url/"; then
        boards=$(curl --silent --max-time 2 "$url/api/rack" | grep -o '"simulated":' | wc -l)
    fi
    if [ "$(since "$start" | cut -d . -f 1)" -ge 20 ]; then
        echo 'rack.sh: no picture within 20 s' >&2
        exit 1
    fi
    sleep 0.02
done
echo "first_picture_seconds=$(since "$start")"

# The start is over: from here on it runs as it would for hours.
sleep 10
from=$(now)
before=$(ticks)
sleep $((seconds - 17))
after=$(ticks)
took=$(since "$from")
awk -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" -v took="$took" \
    'BEGIN { printf "rack_cpu_ratio=%.4f\n", ticks / hertz / took }'
echo "rack_memory_mebibytes=$(memory VmRSS)"
echo "rack_memory_peak_mebibytes=$(memory VmHWM)"
