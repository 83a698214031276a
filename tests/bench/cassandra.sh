#!/bin/sh
# How fast the Cassandra sink stores records: a queue filled beforehand, into one local node.
#
#   tests/bench/cassandra.sh [RECORDS]       200,000: eight readings to a health, as a board makes them
#
# A record counts once, with the rows of all its tables. It is counted when its batch is acknowledged; the rows
# of the tables that keep every record are then read back from the node and must be as many. The time goes from
# the sink's connection to the last acknowledgement; the node and the sink share this machine's processors.
#
# Prints key=value lines; the figure to reach is cassandra_records_per_second >= 20000.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"
# shellcheck source-path=SCRIPTDIR source=servers.sh
. tests/bench/servers.sh

records=${1:-200000}
cargo build --quiet --release --locked -p pirack-agent \
    --example fill_queue --example drain_queue --example count_rows

start_cassandra
apply_schema
target/release/examples/fill_queue "$scratch/warm" $((records / 4))
target/release/examples/fill_queue "$scratch/queue" "$records"

# A node that has just begun runs interpreted code: a quarter as many records first, of another queue.
target/release/examples/drain_queue "$scratch/warm" "$cassandra_address" >&2
rows() { target/release/examples/count_rows "$cassandra_address" node_health_by_node_date readings_by_sensor_date; }
before=$(rows)
drained=$(target/release/examples/drain_queue "$scratch/queue" "$cassandra_address")
after=$(rows)
echo "$drained" >&2
if [ $((after - before)) -ne "$records" ]; then
    echo "cassandra.sh: $records records went, and $((after - before)) rows came" >&2
    exit 1
fi
figure() { echo "$drained" | sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }
echo "cassandra_records_per_second=$(figure records_per_second)"
echo "cassandra_cpu_microseconds_per_record=$(figure cpu_us_per_record)"
