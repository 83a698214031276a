#!/bin/sh
# What the agent costs a board: its memory one second after its start, with no broker to be found.
#
#   tests/bench/agent.sh
#
# Prints key=value lines.
set -eu

cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
pid=
finish() {
    status=$?
    trap - EXIT
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nobody listens on port 9: the queue fills, and the client keeps trying.
cat >"$scratch/agent.toml" <<TOML
board = "bench"
interval_seconds = 1.0
[queue]
directory = "$scratch/queue"
[kafka]
bootstrap = ["127.0.0.1:9"]
TOML
target/release/pirack-agent run --config "$scratch/agent.toml" >"$scratch/out" 2>&1 &
pid=$!
sleep 1
if ! kill -0 "$pid" 2>/dev/null; then
    cat "$scratch/out" >&2
    exit 1
fi
awk '$1 == "VmRSS:" { printf "agent_memory_mebibytes=%.1f\n", $2 / 1024 }' "/proc/$pid/status"
