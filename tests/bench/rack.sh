#!/bin/sh
# What `pirack demo` costs: 12 simulated boards and this machine at one record a second and source.
#
#   tests/bench/rack.sh [SECONDS]
#
# Prints key=value lines. The first picture is there when GET / answers and /api/rack holds 13 boards,
# counted from the program's start; the processor's share and the memory are those of the whole
# program, from the tenth second to the last but five.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"

seconds=${1:-60}
start=$(now)
target/release/pirack demo --headless --boards 12 --for "${seconds}s" --listen 127.0.0.1:0 \
    --scratch "$scratch/rack" >"$scratch/said" 2>&1 &
pid=$!

url=
boards=0
while [ "$boards" -ne 13 ]; do
    alive "$scratch/said"
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
