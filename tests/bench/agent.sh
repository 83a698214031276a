#!/bin/sh
# What the agent costs a board: its memory one second after its start, with no broker to be found, and
# once more SECONDS after its start where they are given.
#
#   tests/bench/agent.sh [SECONDS]        3600 for the figure to reach; `make bench` asks for the first only
#
# Prints key=value lines.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"

# Nobody listens on port 9: the queue fills, and the client keeps trying.
cat >"$scratch/agent.toml" <<TOML
board = "bench"
interval_seconds = 1.0
[queue]
directory = "$scratch/queue"
[kafka]
bootstrap = ["127.0.0.1:9"]
TOML
target/release/pirack-agent run --config "$scratch/agent.toml" >"$scratch/said" 2>&1 &
pid=$!
sleep 1
alive "$scratch/said"
echo "agent_memory_mebibytes=$(memory VmRSS)"
if [ $# -gt 0 ]; then
    sleep $(($1 - 1))
    alive "$scratch/said"
    echo "agent_memory_mebibytes_after=$(memory VmRSS)"
fi
