//! A service from our structure to Docker's: every field is written, and what has none is put back.

use std::collections::{BTreeMap, HashMap};

use bollard::models;

use super::names::Ids;
use super::{health, unmodelled};
use crate::spec::{
    EndpointMode, FailureAction, FileUse, HealthCheck, LogSpec, MountKind, MountSpec, PortSpec, ProbeTest,
    Protocol, Resources, Restart, RestartCondition, Scale, ServiceSpec, Span, Ulimit, Update, UpdateOrder,
};

/// The service as Docker takes it; `ids` has all configs and secrets that it names.
///
/// # Errors
/// When what is put back is nothing that Docker knows.
pub(super) fn service(spec: &ServiceSpec, ids: &Ids) -> Result<models::ServiceSpec, serde_json::Error> {
    let is_job = spec.unmodelled.contains_key("Mode");
    let written = models::ServiceSpec {
        name: Some(spec.name.clone()),
        labels: Some(unsorted(&spec.labels)),
        task_template: Some(task(spec, ids)),
        mode: (!is_job).then(|| mode(spec.scale)),
        update_config: Some(update(spec.update)),
        endpoint_spec: Some(models::EndpointSpec {
            mode: spec.endpoint.map(|mode| match mode {
                EndpointMode::Vip => models::EndpointSpecModeEnum::VIP,
                EndpointMode::Dnsrr => models::EndpointSpecModeEnum::DNSRR,
            }),
            ports: list(spec.ports.iter().map(port)),
        }),
        ..models::ServiceSpec::default()
    };
    let mut whole = written;
    if !spec.unmodelled.is_empty() {
        let mut value = serde_json::to_value(&whole)?;
        unmodelled::put_back(&mut value, &spec.unmodelled);
        whole = serde_json::from_value(value)?;
    }
    if let Some(container) = whole.task_template.as_mut().and_then(|task| task.container_spec.as_mut()) {
        health::label(&mut container.labels, container.health_check.as_ref())?;
    }
    Ok(whole)
}

fn task(spec: &ServiceSpec, ids: &Ids) -> models::TaskSpec {
    models::TaskSpec {
        container_spec: Some(container(spec, ids)),
        resources: Some(models::TaskSpecResources {
            limits: Some(models::Limit {
                nano_cpus: spec.limits.nano_cpus.map(signed),
                memory_bytes: spec.limits.memory_bytes.map(signed),
                ..models::Limit::default()
            }),
            reservations: Some(reservations(spec.reservations)),
            ..models::TaskSpecResources::default()
        }),
        restart_policy: Some(restart(spec.restart)),
        placement: Some(models::TaskSpecPlacement {
            constraints: list(spec.constraints.iter().cloned()),
            ..models::TaskSpecPlacement::default()
        }),
        force_update: Some(spec.forced),
        networks: list(spec.networks.iter().map(|name| models::NetworkAttachmentConfig {
            target: Some(name.clone()),
            ..models::NetworkAttachmentConfig::default()
        })),
        log_driver: spec.log.as_ref().map(log),
        ..models::TaskSpec::default()
    }
}

fn container(spec: &ServiceSpec, ids: &Ids) -> models::TaskSpecContainerSpec {
    models::TaskSpecContainerSpec {
        image: Some(spec.image.clone()),
        command: list(spec.entrypoint.iter().cloned()),
        args: list(spec.command.iter().cloned()),
        env: list(spec.env.iter().map(|(key, value)| format!("{key}={value}"))),
        user: spec.user.clone(),
        init: spec.init,
        read_only: spec.read_only_root.then_some(true),
        health_check: spec.health.as_ref().map(health_check),
        ulimits: list(spec.ulimits.iter().map(|(name, limit)| ulimit(name, *limit))),
        capability_add: list(spec.capabilities_added.iter().cloned()),
        capability_drop: list(spec.capabilities_dropped.iter().cloned()),
        mounts: list(spec.mounts.iter().map(|(target, spec)| mount(target, spec))),
        hosts: list(spec.hosts.iter().cloned()),
        stop_signal: spec.stop_signal.clone(),
        stop_grace_period: spec.stop_grace.map(nanos),
        configs: list(spec.configs.iter().map(|(path, file)| config(path, file, &ids.configs))),
        secrets: list(spec.secrets.iter().map(|(path, file)| secret(path, file, &ids.secrets))),
        ..models::TaskSpecContainerSpec::default()
    }
}

/// Docker's numbers are signed; none of ours comes near the difference.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn nanos(Span(span): Span) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// An empty list is not said at all.
fn list<T>(elements: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let elements: Vec<T> = elements.collect();
    (!elements.is_empty()).then_some(elements)
}

pub(super) fn unsorted(map: &BTreeMap<String, String>) -> HashMap<String, String> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn mode(scale: Scale) -> models::ServiceSpecMode {
    match scale {
        Scale::Replicas(count) => models::ServiceSpecMode {
            replicated: Some(models::ServiceSpecModeReplicated { replicas: Some(signed(count)) }),
            ..models::ServiceSpecMode::default()
        },
        Scale::Global => {
            models::ServiceSpecMode { global: Some(HashMap::new()), ..models::ServiceSpecMode::default() }
        }
    }
}

fn health_check(health: &HealthCheck) -> models::HealthConfig {
    let words = |kind: &str, rest: &[String]| Some([&[kind.to_owned()], rest].concat());
    match health {
        HealthCheck::Off => {
            models::HealthConfig { test: words("NONE", &[]), ..models::HealthConfig::default() }
        }
        HealthCheck::Probe(probe) => models::HealthConfig {
            test: match &probe.test {
                ProbeTest::Command(command) => words("CMD", command),
                ProbeTest::Shell(line) => words("CMD-SHELL", std::slice::from_ref(line)),
            },
            interval: probe.interval.map(nanos),
            timeout: probe.timeout.map(nanos),
            start_period: probe.start_period.map(nanos),
            retries: probe.retries.map(i64::from),
            ..models::HealthConfig::default()
        },
    }
}

fn ulimit(name: &str, limit: Ulimit) -> models::ResourcesUlimits {
    models::ResourcesUlimits { name: Some(name.to_owned()), soft: Some(limit.soft), hard: Some(limit.hard) }
}

fn log(log: &LogSpec) -> models::TaskSpecLogDriver {
    models::TaskSpecLogDriver { name: Some(log.driver.clone()), options: Some(unsorted(&log.options)) }
}

fn mount(target: &str, mount: &MountSpec) -> models::Mount {
    let memory = models::MountTmpfsOptions {
        size_bytes: mount.size_bytes.map(signed),
        mode: mount.mode.map(i64::from),
        ..models::MountTmpfsOptions::default()
    };
    models::Mount {
        target: Some(target.to_owned()),
        source: Some(mount.source.clone()).filter(|source| !source.is_empty()),
        typ: Some(match mount.kind {
            MountKind::Volume => models::MountType::VOLUME,
            MountKind::Bind => models::MountType::BIND,
            MountKind::Tmpfs => models::MountType::TMPFS,
        }),
        read_only: mount.read_only.then_some(true),
        tmpfs_options: (mount.kind == MountKind::Tmpfs).then_some(memory),
        ..models::Mount::default()
    }
}

fn reservations(resources: Resources) -> models::ResourceObject {
    models::ResourceObject {
        nano_cpus: resources.nano_cpus.map(signed),
        memory_bytes: resources.memory_bytes.map(signed),
        ..models::ResourceObject::default()
    }
}

fn port(port: &PortSpec) -> models::EndpointPortConfig {
    models::EndpointPortConfig {
        protocol: Some(match port.protocol {
            Protocol::Tcp => models::EndpointPortConfigProtocolEnum::TCP,
            Protocol::Udp => models::EndpointPortConfigProtocolEnum::UDP,
        }),
        target_port: Some(i64::from(port.target)),
        published_port: Some(i64::from(port.published)),
        publish_mode: Some(models::EndpointPortConfigPublishModeEnum::HOST),
        ..models::EndpointPortConfig::default()
    }
}

fn restart(restart: Restart) -> models::TaskSpecRestartPolicy {
    use models::TaskSpecRestartPolicyConditionEnum as Condition;
    models::TaskSpecRestartPolicy {
        condition: restart.condition.map(|condition| match condition {
            RestartCondition::None => Condition::NONE,
            RestartCondition::OnFailure => Condition::ON_FAILURE,
            RestartCondition::Any => Condition::ANY,
        }),
        delay: restart.delay.map(nanos),
        max_attempts: restart.max_attempts.map(signed),
        window: restart.window.map(nanos),
    }
}

fn update(update: Update) -> models::ServiceSpecUpdateConfig {
    use models::{
        ServiceSpecUpdateConfigFailureActionEnum as Action, ServiceSpecUpdateConfigOrderEnum as Order,
    };
    // Docker reads an update that says some of this and no parallelism as "all at once": its default is said.
    let update = update.filled();
    models::ServiceSpecUpdateConfig {
        parallelism: update.parallelism.map(signed),
        delay: update.delay.map(nanos),
        monitor: update.monitor.map(nanos),
        failure_action: update.failure_action.map(|action| match action {
            FailureAction::Pause => Action::PAUSE,
            FailureAction::Continue => Action::CONTINUE,
            FailureAction::Rollback => Action::ROLLBACK,
        }),
        order: update.order.map(|order| match order {
            UpdateOrder::StopFirst => Order::STOP_FIRST,
            UpdateOrder::StartFirst => Order::START_FIRST,
        }),
        ..models::ServiceSpecUpdateConfig::default()
    }
}

fn config(
    path: &str,
    file: &FileUse,
    ids: &BTreeMap<String, String>,
) -> models::TaskSpecContainerSpecConfigs {
    models::TaskSpecContainerSpecConfigs {
        file: Some(models::TaskSpecContainerSpecFile1 {
            name: Some(path.to_owned()),
            uid: Some(file.uid.clone().unwrap_or_else(|| "0".into())),
            gid: Some(file.gid.clone().unwrap_or_else(|| "0".into())),
            mode: Some(file.mode.unwrap_or(0o444)),
        }),
        config_id: ids.get(&file.source).cloned(),
        config_name: Some(file.source.clone()),
        ..models::TaskSpecContainerSpecConfigs::default()
    }
}

fn secret(
    path: &str,
    file: &FileUse,
    ids: &BTreeMap<String, String>,
) -> models::TaskSpecContainerSpecSecrets {
    models::TaskSpecContainerSpecSecrets {
        file: Some(models::TaskSpecContainerSpecFile {
            name: Some(path.to_owned()),
            uid: Some(file.uid.clone().unwrap_or_else(|| "0".into())),
            gid: Some(file.gid.clone().unwrap_or_else(|| "0".into())),
            mode: Some(file.mode.unwrap_or(0o444)),
        }),
        secret_id: ids.get(&file.source).cloned(),
        secret_name: Some(file.source.clone()),
    }
}
