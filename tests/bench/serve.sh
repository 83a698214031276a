#!/bin/sh
# What `pirack serve` keeps in memory at rest: a rack that runs, watched, held against its file every 10 s, with a
# chart read of each board; then nobody looks.
#
#   RACK=rack.toml tests/bench/serve.sh [SECONDS]
#   target/debug/lab enter -- env RACK=rack.toml tests/bench/serve.sh      where the rack is a lab's
#
# Prints key=value lines; the figure to reach is serve_memory_mebibytes <= 40, its resident memory at the end.
# shellcheck source-path=SCRIPTDIR source=measure.sh
RACK=$(realpath "${RACK:?say which rack: RACK=rack.toml}")
. "$(dirname "$0")/measure.sh"

seconds=${1:-180}
target/release/pirack --file "$RACK" serve --listen 127.0.0.1:0 --state "$scratch/state" --look-every 10s \
    >"$scratch/said" 2>&1 &
pid=$!

url=
until [ -n "$url" ] && curl --silent --max-time 2 "$url/api/rack" >"$scratch/rack" &&
    grep -q '"drift":{"state":"same"' "$scratch/rack" && ! grep -q '"last_seen_seconds":null' "$scratch/rack"; do
    alive "$scratch/said"
    url=$(sed -n 's/^dashboard *//p' "$scratch/said")
    waited=$((${waited:-0} + 1))
    if [ "$waited" -gt 120 ]; then
        echo 'serve.sh: no healthy rack within 120 s' >&2
        exit 1
    fi
    sleep 1
done
for board in $(sed -n 's/^name *= *"\(.*\)"/\1/p' "$RACK" | tail -n +2); do
    curl --silent --fail --max-time 10 --output /dev/null \
        "$url/api/boards/$board/history?series=health.cpu_ratio&seconds=3600"
done
sleep "$seconds"
alive "$scratch/said"
echo "serve_memory_mebibytes=$(memory VmRSS)"
echo "serve_memory_peak_mebibytes=$(memory VmHWM)"
