//! The newest health as metrics: the record's own fields, each with its own name.
//!
//! One name is not the field's: `cpu_count` is `cpus`, for `_count` is a histogram's ending.

use super::families::{Kind, Labels, Value};
use crate::record::{DockerState, Health};

/// The fields that are texts.
pub(super) const FACTS: &str = "pirack_health_info";
/// The state of Docker's engine.
pub(super) const DOCKER: &str = "pirack_health_docker";

/// One field that is a number.
pub(super) struct Told {
    /// Its name, without `_total`.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) value: Value,
}

/// Every field that is a number and that the board has.
pub(super) fn values(health: &Health) -> impl Iterator<Item = Told> + use<> {
    // Without `..`: a field that is added must be told here, or left out here.
    let Health {
        cpu_ratio,
        cpu_count,
        load_1m,
        load_5m,
        load_15m,
        memory_used_bytes,
        memory_total_bytes,
        swap_used_bytes,
        swap_total_bytes,
        cpu_temperature_celsius,
        storage_free_bytes,
        storage_total_bytes,
        data_free_bytes,
        data_total_bytes,
        network_receive_bytes_total,
        network_transmit_bytes_total,
        uptime_seconds,
        supply_volts,
        supply_amperes,
        supply_watts,
        under_voltage,
        throttled,
        docker: _,
        containers,
        hostname: _,
        address: _,
        os: _,
        kernel: _,
    } = health;
    let real = |value: &Option<f64>| value.map(Value::Real);
    let whole = |value: &Option<u64>| value.map(Value::Whole);
    let count = |value: &Option<u32>| value.map(|value| Value::Whole(value.into()));
    let truth = |value: &Option<bool>| value.map(|value| Value::Whole(value.into()));
    let rows = [
        ("pirack_health_cpu_ratio", "Share of all processors' time in use, 0 to 1.", real(cpu_ratio)),
        ("pirack_health_cpus", "Processors online.", count(cpu_count)),
        ("pirack_health_load_1m", "Load, averaged over 1 minute.", real(load_1m)),
        ("pirack_health_load_5m", "Load, averaged over 5 minutes.", real(load_5m)),
        ("pirack_health_load_15m", "Load, averaged over 15 minutes.", real(load_15m)),
        ("pirack_health_memory_used_bytes", "Memory in use.", whole(memory_used_bytes)),
        ("pirack_health_memory_total_bytes", "Memory in all.", whole(memory_total_bytes)),
        ("pirack_health_swap_used_bytes", "Swap in use.", whole(swap_used_bytes)),
        ("pirack_health_swap_total_bytes", "Swap in all.", whole(swap_total_bytes)),
        (
            "pirack_health_cpu_temperature_celsius",
            "The processor's temperature.",
            real(cpu_temperature_celsius),
        ),
        ("pirack_health_storage_free_bytes", "Free on the root file system.", whole(storage_free_bytes)),
        ("pirack_health_storage_total_bytes", "The root file system's size.", whole(storage_total_bytes)),
        ("pirack_health_data_free_bytes", "Free on the data disk.", whole(data_free_bytes)),
        ("pirack_health_data_total_bytes", "The data disk's size.", whole(data_total_bytes)),
        (
            "pirack_health_network_receive_bytes",
            "Bytes received by all physical interfaces since boot.",
            whole(network_receive_bytes_total),
        ),
        (
            "pirack_health_network_transmit_bytes",
            "Bytes sent by all physical interfaces since boot.",
            whole(network_transmit_bytes_total),
        ),
        ("pirack_health_uptime_seconds", "Seconds since boot.", real(uptime_seconds)),
        ("pirack_health_supply_volts", "Supply voltage.", real(supply_volts)),
        ("pirack_health_supply_amperes", "Supply current.", real(supply_amperes)),
        ("pirack_health_supply_watts", "Supply power.", real(supply_watts)),
        ("pirack_health_under_voltage", "1 while the supply is too low, else 0.", truth(under_voltage)),
        ("pirack_health_throttled", "1 while the processor is slowed down, else 0.", truth(throttled)),
        ("pirack_health_containers", "Running containers.", count(containers)),
    ];
    let counters = ["pirack_health_network_receive_bytes", "pirack_health_network_transmit_bytes"];
    rows.into_iter().filter_map(move |(name, help, value)| {
        let kind = if counters.contains(&name) { Kind::Counter } else { Kind::Gauge };
        Some(Told { name, help, kind, value: value? })
    })
}

/// The fields that are texts, as labels; nothing when the board has none of them.
pub(super) fn facts(health: &Health) -> Option<Labels<'_>> {
    let fields = [
        ("hostname", &health.hostname),
        ("address", &health.address),
        ("os", &health.os),
        ("kernel", &health.kernel),
    ];
    let labels: Vec<_> =
        fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
    (!labels.is_empty()).then_some(labels)
}

/// Each state of Docker's engine, 1 at the one it is in; nothing where it is not installed.
pub(super) fn docker(health: &Health) -> Option<[(Labels<'static>, Value); 3]> {
    let current = health.docker?;
    let states = [
        (DockerState::Active, "active"),
        (DockerState::Inactive, "inactive"),
        (DockerState::Failed, "failed"),
    ];
    Some(states.map(|(state, name)| (vec![("state", name)], Value::Whole((state == current).into()))))
}
