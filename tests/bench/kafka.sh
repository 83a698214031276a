#!/bin/sh
# What a value costs on its way from the kernel to a Kafka broker: pirack-agent and Debian's collectd with
# write_kafka, side by side, over the same span, to the same broker.
#
#   tests/bench/kafka.sh [SECONDS] [INTERVAL]      60 s, at an interval of 0.1 s
#
# Both read this machine's processors, load, memory, file systems, interfaces, temperatures and uptime at
# the same interval; the agent reads more (Docker, power, names), which is at its own cost. collectd has the
# defaults of its plugins, of write_kafka (Format JSON) and of librdkafka; the agent has its own, among them
# the queue on disk with its fsync, compression, and every record acknowledged before its cursor moves.
#
# A value is one number that arrived at the broker: one of a value list of collectd's, a reading's value or a
# number among the fields of a health record. Text and heads (sequence, time, uptime in the head) are none.
# Counted are the messages between the topics' ends at the span's beginning and end. Processor time is user and
# system time of either whole process over that span.
#
# Prints key=value lines; the figures to reach are kafka_cpu_microseconds_per_value <= 20 and
# kafka_ratio <= 0.5.
# shellcheck source-path=SCRIPTDIR source=measure.sh
. "$(dirname "$0")/measure.sh"
# shellcheck source-path=SCRIPTDIR source=servers.sh
. tests/bench/servers.sh

seconds=${1:-60}
interval=${2:-0.1}

# Where tests/setup.sh unpacked it, or where Debian installed it.
collectd=$(command -v collectd || true)
if [ -z "$collectd" ]; then
    echo 'kafka.sh: collectd is not here: tests/setup.sh bench' >&2
    exit 69
fi
debian=${collectd%/usr/sbin/collectd}

start_kafka
for topic in rack.readings rack.health collectd; do create_topic "$topic"; done

cat >"$scratch/agent.toml" <<TOML
board = "bench"
interval_seconds = $interval
[queue]
directory = "$scratch/queue"
[kafka]
bootstrap = ["$kafka_address"]
TOML
target/release/pirack-agent run --config "$scratch/agent.toml" >"$scratch/agent" 2>&1 &
agent=$!
servers="$agent $servers"

{
    cat <<CONF
Hostname "bench"
FQDNLookup false
BaseDir "$scratch"
PIDFile "$scratch/collectd.pid"
PluginDir "$debian/usr/lib/collectd"
TypesDB "$debian/usr/share/collectd/types.db"
Interval $interval
CONF
    for plugin in cpu load memory df interface thermal uptime write_kafka; do
        echo "LoadPlugin $plugin"
    done
    # The same file systems and interfaces as the agent: those on disks, and those of hardware.
    cat <<CONF
<Plugin df>
$(sed -n 's,^/dev/[^ ]* \([^ ]*\) .*,  MountPoint "\1",p' /proc/self/mounts)
</Plugin>
<Plugin interface>
$(for device in /sys/class/net/*/device; do
        [ -e "$device" ] && basename "${device%/device}"
    done | sed 's/.*/  Interface "&"/')
</Plugin>
<Plugin write_kafka>
  Property "metadata.broker.list" "$kafka_address"
  <Topic "collectd">
    Format JSON
  </Topic>
</Plugin>
CONF
} >"$scratch/collectd.conf"
LD_LIBRARY_PATH=$(echo "$debian"/usr/lib/*-linux-gnu | tr ' ' ':') \
    "$collectd" -f -C "$scratch/collectd.conf" >"$scratch/collectd" 2>&1 &
other=$!
servers="$other $servers"

# Ready when both have records at the broker, and ten seconds more, so that neither's start counts.
arrived() { [ "$(end_of rack.health)" -gt 0 ] && [ "$(end_of collectd)" -gt 0 ]; }
until_ready "$agent" "$scratch/agent" arrived
sleep 10

# Offsets and clocks, each pair in one moment.
look() {
    for name in agent other; do
        eval "cpu_microseconds \"\$$name\"" >"$scratch/$1.$name"
    done
    for topic in rack.readings rack.health collectd; do end_of "$topic" >"$scratch/$1.$topic"; done
}
look from
sleep "$seconds"
pid=$agent alive "$scratch/agent"
pid=$other alive "$scratch/collectd"
look to

of() { cat "$scratch/$1.$2"; }
# records TOPIC: those that arrived within the span, one a line.
records() {
    count=$(($(of to "$1") - $(of from "$1")))
    [ "$count" -eq 0 ] || kcat -b "$kafka_address" -C -q -t "$1" -p 0 -o "$(of from "$1")" -c "$count"
}
records rack.readings >"$scratch/ours"
records rack.health >>"$scratch/ours"
records collectd >"$scratch/theirs"

# The numbers behind the head, and those of a value list.
values() {
    awk '/"kind":"reading"/ { n++; next }
        /"kind":"health"/ { sub(/.*"boottime_seconds":[0-9.]*/, ""); n += gsub(/":-?[0-9]/, ""); next }
        /"values":\[/ { sub(/.*"values":\[/, ""); sub(/\].*/, ""); n += gsub(/,/, "") + 1 }
        END { print n + 0 }' "$1"
}

report() {
    awk -v who="$1" -v cpu=$(($(of to "$2") - $(of from "$2"))) -v values="$(values "$3")" \
        -v records="$(wc -l <"$3")" -v seconds="$seconds" 'BEGIN {
        if (values == 0) { print who ": nothing arrived at the broker" > "/dev/stderr"; exit 1 }
        printf "%s_cpu_microseconds_per_value=%.1f\n", who, cpu / values
        printf "%s_cpu_microseconds_per_record=%.1f\n", who, cpu / records
        printf "%s_cpu_ratio=%.5f\n", who, cpu / seconds / 1e6
        printf "%s_values_per_second=%.1f\n", who, values / seconds
        printf "%s_records_per_second=%.1f\n", who, records / seconds }'
}
report kafka agent "$scratch/ours" >"$scratch/figures"
report collectd other "$scratch/theirs" >>"$scratch/figures"
cat "$scratch/figures"
awk -F = '{ figure[$1] = $2 } END { printf "kafka_ratio=%.3f\n",
    figure["kafka_cpu_microseconds_per_value"] / figure["collectd_cpu_microseconds_per_value"] }' "$scratch/figures"
