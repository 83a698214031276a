//! A service from Docker's structure to ours: every part that has a field here is taken out; what is left is told.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models;

use super::{health, unmodelled};
use crate::spec::{
    EndpointMode, FailureAction, FileUse, HealthCheck, LogSpec, MountKind, MountSpec, PortSpec, Probe,
    ProbeTest, Protocol, Resources, Restart, RestartCondition, Scale, ServiceSpec, Span, Ulimit, Update,
    UpdateOrder,
};

/// `networks` has names by id.
pub(super) fn service(mut spec: models::ServiceSpec, networks: &BTreeMap<String, String>) -> ServiceSpec {
    let mut task = spec.task_template.take().unwrap_or_default();
    let mut container = task.container_spec.take().unwrap_or_default();
    health::read(&mut container);
    let mut resources = task.resources.take().unwrap_or_default();
    let mut endpoint = spec.endpoint_spec.take().unwrap_or_default();
    let mut update = spec.update_config.take().unwrap_or_default();
    let mut restart = task.restart_policy.take().unwrap_or_default();
    let mut placement = task.placement.take().unwrap_or_default();
    let mut limits = resources.limits.take().unwrap_or_default();
    let mut reservations = resources.reservations.take().unwrap_or_default();
    let mut read = ServiceSpec {
        name: spec.name.take().unwrap_or_default(),
        labels: sorted(spec.labels.take()),
        image: container.image.take().unwrap_or_default(),
        entrypoint: container.command.take().unwrap_or_default(),
        command: container.args.take().unwrap_or_default(),
        env: env(&mut container.env),
        user: container.user.take().filter(|user| !user.is_empty()),
        init: container.init.take(),
        read_only_root: container.read_only.take().unwrap_or(false),
        health: health_check(&mut container.health_check),
        ulimits: kept(&mut container.ulimits, ulimit).into_iter().collect(),
        capabilities_added: container.capability_add.take().unwrap_or_default().into_iter().collect(),
        capabilities_dropped: container.capability_drop.take().unwrap_or_default().into_iter().collect(),
        log: log(&mut task),
        mounts: kept(&mut container.mounts, mount).into_iter().collect(),
        networks: kept(&mut task.networks, |network| attachment(network, networks)).into_iter().collect(),
        hosts: container.hosts.take().unwrap_or_default().into_iter().collect(),
        constraints: placement.constraints.take().unwrap_or_default().into_iter().collect(),
        scale: scale(&mut spec.mode),
        endpoint: endpoint_mode(&mut endpoint),
        ports: kept(&mut endpoint.ports, port).into_iter().collect(),
        limits: resource(&mut limits.nano_cpus, &mut limits.memory_bytes),
        reservations: resource(&mut reservations.nano_cpus, &mut reservations.memory_bytes),
        restart: self::restart(&mut restart),
        update: self::update(&mut update),
        stop_signal: container.stop_signal.take().filter(|signal| !signal.is_empty()),
        stop_grace: span(container.stop_grace_period.take()),
        configs: kept(&mut container.configs, config).into_iter().collect(),
        secrets: kept(&mut container.secrets, secret).into_iter().collect(),
        forced: task.force_update.take().unwrap_or(0),
        unmodelled: BTreeMap::new(),
    };
    resources.limits = Some(limits);
    resources.reservations = Some(reservations);
    task.container_spec = Some(container);
    task.resources = Some(resources);
    task.restart_policy = Some(restart);
    task.placement = Some(placement);
    spec.task_template = Some(task);
    spec.endpoint_spec = Some(endpoint);
    spec.update_config = Some(update);
    // Docker's structures have keys of text throughout, and so always serialise.
    read.unmodelled = serde_json::to_value(&spec).map(|rest| unmodelled::of(&rest)).unwrap_or_default();
    read
}

/// Takes those elements of a list out that a field here holds wholly; the rest stays in it.
fn kept<T, U>(list: &mut Option<Vec<T>>, take: impl Fn(&T) -> Option<U>) -> Vec<U> {
    let mut taken = vec![];
    let rest: Vec<T> = (list.take().unwrap_or_default().into_iter())
        .filter_map(|element| match take(&element) {
            Some(one) => {
                taken.push(one);
                None
            }
            None => Some(element),
        })
        .collect();
    *list = (!rest.is_empty()).then_some(rest);
    taken
}

fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}

fn env(list: &mut Option<Vec<String>>) -> BTreeMap<String, String> {
    let pair = |line: &String| line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    kept(list, pair).into_iter().collect()
}

/// Nanoseconds, Docker's unit; 0 is not said.
fn span(nanos: Option<i64>) -> Option<Span> {
    zero_span(nanos).filter(|Span(span)| !span.is_zero())
}

/// The same where 0 says something.
fn zero_span(nanos: Option<i64>) -> Option<Span> {
    nanos.and_then(|nanos| u64::try_from(nanos).ok()).map(|nanos| Span(Duration::from_nanos(nanos)))
}

fn health_check(health: &mut Option<models::HealthConfig>) -> Option<HealthCheck> {
    let config = health.clone()?;
    let read = match config.test.as_deref()? {
        [none] if none == "NONE" => HealthCheck::Off,
        [kind, rest @ ..] if kind == "CMD" || kind == "CMD-SHELL" => {
            let test = match (kind.as_str(), rest) {
                ("CMD", words) => ProbeTest::Command(words.to_vec()),
                (_, [line]) => ProbeTest::Shell(line.clone()),
                _ => return None,
            };
            HealthCheck::Probe(Probe {
                test,
                interval: span(config.interval),
                timeout: span(config.timeout),
                start_period: span(config.start_period),
                retries: config.retries.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0),
            })
        }
        _ => return None,
    };
    // A start interval has no field here: the whole check then stays what Docker has.
    if config.start_interval.unwrap_or(0) != 0 {
        return None;
    }
    *health = None;
    Some(read)
}

fn ulimit(limit: &models::ResourcesUlimits) -> Option<(String, Ulimit)> {
    Some((limit.name.clone()?, Ulimit { soft: limit.soft.unwrap_or(0), hard: limit.hard.unwrap_or(0) }))
}

fn log(task: &mut models::TaskSpec) -> Option<LogSpec> {
    let driver = task.log_driver.take()?;
    let name = driver.name.filter(|name| !name.is_empty())?;
    Some(LogSpec { driver: name, options: sorted(driver.options) })
}

fn mount(mount: &models::Mount) -> Option<(String, MountSpec)> {
    let kind = match mount.typ? {
        models::MountType::VOLUME => MountKind::Volume,
        models::MountType::BIND => MountKind::Bind,
        models::MountType::TMPFS => MountKind::Tmpfs,
        _ => return None,
    };
    let memory = mount.tmpfs_options.clone().unwrap_or_default();
    let plain = models::Mount {
        target: mount.target.clone(),
        source: mount.source.clone(),
        typ: mount.typ,
        read_only: mount.read_only,
        tmpfs_options: mount.tmpfs_options.clone().filter(|options| options.options.is_none()),
        ..models::Mount::default()
    };
    let spec = MountSpec {
        kind,
        source: mount.source.clone().unwrap_or_default(),
        read_only: mount.read_only.unwrap_or(false),
        size_bytes: memory.size_bytes.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0),
        mode: memory.mode.and_then(|mode| u32::try_from(mode).ok()).filter(|mode| *mode > 0),
    };
    (plain == *mount).then_some((mount.target.clone()?, spec))
}

fn attachment(network: &models::NetworkAttachmentConfig, names: &BTreeMap<String, String>) -> Option<String> {
    let plain = network.aliases.as_ref().is_none_or(Vec::is_empty)
        && network.driver_opts.as_ref().is_none_or(HashMap::is_empty);
    let target = network.target.as_ref()?;
    plain.then(|| names.get(target).unwrap_or(target).clone())
}

fn scale(mode: &mut Option<models::ServiceSpecMode>) -> Scale {
    let read = mode.as_ref().and_then(|mode| match (&mode.replicated, &mode.global) {
        (Some(replicated), None) => {
            Some(Scale::Replicas(replicated.replicas.and_then(|n| u64::try_from(n).ok()).unwrap_or(1)))
        }
        (None, Some(_)) => Some(Scale::Global),
        _ => None,
    });
    if read.is_some() {
        *mode = None;
    }
    // A job is neither; its mode is left among the rest.
    read.unwrap_or(Scale::Replicas(1))
}

fn endpoint_mode(endpoint: &mut models::EndpointSpec) -> Option<EndpointMode> {
    match endpoint.mode.take()? {
        models::EndpointSpecModeEnum::VIP => Some(EndpointMode::Vip),
        models::EndpointSpecModeEnum::DNSRR => Some(EndpointMode::Dnsrr),
        models::EndpointSpecModeEnum::EMPTY => None,
    }
}

fn port(port: &models::EndpointPortConfig) -> Option<PortSpec> {
    let protocol = match port.protocol {
        Some(models::EndpointPortConfigProtocolEnum::UDP) => Protocol::Udp,
        Some(models::EndpointPortConfigProtocolEnum::SCTP) => return None,
        _ => Protocol::Tcp,
    };
    let on_host = port.publish_mode == Some(models::EndpointPortConfigPublishModeEnum::HOST);
    let unnamed = port.name.as_ref().is_none_or(String::is_empty);
    let number = |port: Option<i64>| port.and_then(|port| u16::try_from(port).ok());
    (on_host && unnamed).then_some(())?;
    Some(PortSpec { published: number(port.published_port)?, target: number(port.target_port)?, protocol })
}

fn resource(nano_cpus: &mut Option<i64>, memory_bytes: &mut Option<i64>) -> Resources {
    let some = |value: &mut Option<i64>| value.take().and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0);
    Resources { nano_cpus: some(nano_cpus), memory_bytes: some(memory_bytes) }
}

fn restart(policy: &mut models::TaskSpecRestartPolicy) -> Restart {
    use models::TaskSpecRestartPolicyConditionEnum as Condition;
    Restart {
        condition: match policy.condition.take() {
            Some(Condition::NONE) => Some(RestartCondition::None),
            Some(Condition::ON_FAILURE) => Some(RestartCondition::OnFailure),
            Some(Condition::ANY) => Some(RestartCondition::Any),
            Some(Condition::EMPTY) | None => None,
        },
        delay: zero_span(policy.delay.take()),
        max_attempts: policy.max_attempts.take().and_then(|n| u64::try_from(n).ok()),
        window: zero_span(policy.window.take()),
    }
}

fn update(config: &mut models::ServiceSpecUpdateConfig) -> Update {
    use models::{
        ServiceSpecUpdateConfigFailureActionEnum as Action, ServiceSpecUpdateConfigOrderEnum as Order,
    };
    Update {
        parallelism: config.parallelism.take().and_then(|n| u64::try_from(n).ok()),
        delay: zero_span(config.delay.take()),
        monitor: span(config.monitor.take()),
        failure_action: match config.failure_action.take() {
            Some(Action::CONTINUE) => Some(FailureAction::Continue),
            Some(Action::PAUSE) => Some(FailureAction::Pause),
            Some(Action::ROLLBACK) => Some(FailureAction::Rollback),
            Some(Action::EMPTY) | None => None,
        },
        order: match config.order.take() {
            Some(Order::STOP_FIRST) => Some(UpdateOrder::StopFirst),
            Some(Order::START_FIRST) => Some(UpdateOrder::StartFirst),
            Some(Order::EMPTY) | None => None,
        },
    }
}

/// Docker takes a path that is not absolute from the root, for a config.
fn config(used: &models::TaskSpecContainerSpecConfigs) -> Option<(String, FileUse)> {
    let file = used.file.as_ref()?;
    let path = absolute(file.name.as_deref()?, "/");
    let (uid, gid, mode) = (file.uid.clone(), file.gid.clone(), file.mode);
    Some((path, FileUse { source: used.config_name.clone()?, uid, gid, mode }))
}

/// And from `/run/secrets`, for a secret.
fn secret(used: &models::TaskSpecContainerSpecSecrets) -> Option<(String, FileUse)> {
    let file = used.file.as_ref()?;
    let path = absolute(file.name.as_deref()?, "/run/secrets/");
    let (uid, gid, mode) = (file.uid.clone(), file.gid.clone(), file.mode);
    Some((path, FileUse { source: used.secret_name.clone()?, uid, gid, mode }))
}

fn absolute(path: &str, from: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{from}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_service_says_nothing_and_leaves_nothing() {
        let spec = models::ServiceSpec { name: Some("web".into()), ..models::ServiceSpec::default() };
        let read = service(spec, &BTreeMap::new());
        assert!(read.unmodelled.is_empty(), "{:?}", read.unmodelled);
        assert_eq!((read.scale, read.endpoint, read.stop_grace), (Scale::Replicas(1), None, None));
    }
}
