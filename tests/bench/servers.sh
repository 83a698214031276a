# shellcheck shell=sh disable=SC2034,SC2154 # sourced after measure.sh; what it sets is used there
# One Kafka broker and one Cassandra node on loopback, for figures that only mean something against the
# real things.
#
# Each lives in a folder of `$scratch`, on ports that were free, as a plain Java process with defaults
# but for what is written here. `start_*` returns once it answers clients, or fails after two minutes;
# what was stopped can be started again, with its data and on its ports. On every way out both end.

# The jars that the images are made of: in the cache, each held against the checksum that is committed.
jars() { cargo run --quiet --locked -p pirack-lab -- jars "$1"; }

# A port of 127.0.0.1 that nobody listens on, above the one given.
free_port() {
    port=$1
    while grep -qi ":$(printf '%04X' "$port") [0-9A-F:]* 0A" /proc/net/tcp /proc/net/tcp6; do
        port=$((port + 1))
    done
    echo "$port"
}

# until_ready PID SAID COMMAND...: asks COMMAND until it succeeds, as long as PID lives.
until_ready() {
    server=$1 said=$2
    shift 2
    deadline=$(($(date +%s) + 120))
    until "$@" >/dev/null 2>&1; do
        if ! kill -0 "$server" 2>/dev/null || [ "$(date +%s)" -gt "$deadline" ]; then
            echo "$0: a server did not come up; the last it said:" >&2
            tail -n 20 "$said" >&2
            return 1
        fi
        sleep 0.2
    done
}

# end PID: asks it to stop, waits, and after 30 s takes it away.
end() {
    kill "$1" 2>/dev/null || true
    deadline=$(($(date +%s) + 30))
    while kill -0 "$1" 2>/dev/null; do
        if [ "$(date +%s)" -gt "$deadline" ]; then kill -9 "$1" 2>/dev/null || true; fi
        sleep 0.1
    done
    wait "$1" 2>/dev/null || true
    servers=$(for server in $servers; do [ "$server" = "$1" ] || printf '%s ' "$server"; done)
}

# --- Kafka: KRaft, broker and controller in one; sets kafka_address.

kafka_pid=''
kafka_home=$scratch/kafka
kafka_java() { java -cp "$kafka_jars/*" "$@"; }

start_kafka() {
    if [ ! -d "$kafka_home" ]; then
        kafka_jars=$(jars kafka)
        mkdir -p "$kafka_home"
        client=$(free_port 29092)
        controller=$(free_port 29193)
        kafka_address=127.0.0.1:$client
        cat >"$kafka_home/properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://$kafka_address,CONTROLLER://127.0.0.1:$controller
log.dirs=$kafka_home/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.message.timestamp.type=LogAppendTime
PROPERTIES
        kafka_java kafka.tools.StorageTool format -t bWVhc3VyZWQtYnktYQ -c "$kafka_home/properties" \
            >"$kafka_home/said" 2>&1 || { cat "$kafka_home/said" >&2; return 1; }
    fi
    java -Xmx512m -cp "$kafka_jars/*" kafka.Kafka "$kafka_home/properties" >"$kafka_home/said" 2>&1 &
    kafka_pid=$!
    servers="$servers $kafka_pid"
    until_ready "$kafka_pid" "$kafka_home/said" kcat -b "$kafka_address" -m 2 -L
}

stop_kafka() { end "$kafka_pid"; }

# create_topic NAME: with one partition, so that its offsets count its records.
create_topic() {
    kafka_java org.apache.kafka.tools.TopicCommand --bootstrap-server "$kafka_address" \
        --create --topic "$1" --partitions 1 --replication-factor 1 >"$kafka_home/topic" 2>&1 ||
        { cat "$kafka_home/topic" >&2; return 1; }
}

# The offset behind a topic's last record.
end_of() {
    kcat -b "$kafka_address" -Q -t "$1:0:-1" | sed -n 's/.*offset \([0-9]*\).*/\1/p'
}

# --- Cassandra 5.0: one node, plain text, no password; sets cassandra_address.

cassandra_pid=''
cassandra_home=$scratch/cassandra

start_cassandra() {
    if [ ! -d "$cassandra_home" ]; then
        cassandra_jars=$(jars cassandra-5.0)
        mkdir -p "$cassandra_home"
        cassandra_port=$(free_port 29042)
        cassandra_address=127.0.0.1:$cassandra_port
        storage=$(free_port 27000)
        cat >"$cassandra_home/cassandra.yaml" <<YAML
cluster_name: bench
num_tokens: 16
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: [$cassandra_home/data]
commitlog_directory: $cassandra_home/commitlog
saved_caches_directory: $cassandra_home/saved
hints_directory: $cassandra_home/hints
cdc_raw_directory: $cassandra_home/cdc
commitlog_sync: periodic
commitlog_sync_period: 10000ms
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
storage_port: $storage
native_transport_port: $cassandra_port
endpoint_snitch: GossipingPropertyFileSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{seeds: "127.0.0.1:$storage"}]
YAML
        printf 'dc=rack\nrack=rack\n' >"$cassandra_home/cassandra-rackdc.properties"
        cat >"$cassandra_home/logback.xml" <<'XML'
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
XML
    fi
    exports='' opens=''
    for package in java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch \
        java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry \
        java.rmi/sun.rmi.server java.sql/java.sql; do
        exports="$exports --add-exports $package=ALL-UNNAMED"
    done
    for package in java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref \
        java.base/jdk.internal.reflect java.base/jdk.internal.math java.base/jdk.internal.module \
        java.base/jdk.internal.util.jar jdk.management/com.sun.management.internal java.base/sun.nio.ch \
        java.base/java.io java.base/java.lang java.base/java.lang.reflect java.base/java.util \
        java.base/java.util.concurrent java.base/java.util.concurrent.atomic java.base/java.nio; do
        opens="$opens --add-opens $package=ALL-UNNAMED"
    done
    # shellcheck disable=SC2086 # one word an option
    java -Xms1g -Xmx1g $exports $opens -Djdk.attach.allowAttachSelf=true \
        -Dcassandra.config="file://$cassandra_home/cassandra.yaml" \
        -Dcassandra-rackdc.properties="file://$cassandra_home/cassandra-rackdc.properties" \
        -Dcassandra-foreground=yes -Dcassandra.storagedir="$cassandra_home" \
        -Dlogback.configurationFile="$cassandra_home/logback.xml" \
        -cp "$cassandra_home:$cassandra_jars/*" org.apache.cassandra.service.CassandraDaemon \
        >"$cassandra_home/said" 2>&1 &
    cassandra_pid=$!
    servers="$servers $cassandra_pid"
    # It listens for clients last of all.
    until_ready "$cassandra_pid" "$cassandra_home/said" \
        grep -q 'Starting listening for CQL clients' "$cassandra_home/said"
}

stop_cassandra() { end "$cassandra_pid"; }

# The rack's tables, by the manager as everywhere.
apply_schema() {
    target/release/pirack schema apply --cassandra "$cassandra_address" >"$cassandra_home/schema" 2>&1 ||
        { cat "$cassandra_home/schema" >&2; return 1; }
}
