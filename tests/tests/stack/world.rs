//! Three boards in one swarm, and the plainest runner of turns that there can be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bollard::query_parameters::RemoveVolumeOptions;
use pirack::rack::identity::settle;
use pirack::rack::{Identity, Rack, Secrets, parse};
use pirack::stack::cassandra::{CassandraHealth, Question};
use pirack::stack::exec::Engines;
use pirack::stack::roll::{Part, Turn, round, well};
use pirack::stack::{Answer, Memory, StackHealth, cassandra, desired, kafka};
use pirack_lab::{Failed, Lab, Spec, images};
use pirack_swarm::docker::{Deadlines, DockerEngine};
use pirack_swarm::engine::{Engine, observe};
use pirack_swarm::member::{Birth, Entry, Member, PORT};
use pirack_swarm::observed::{Observed, TaskState};
use pirack_swarm::plan::{Plan, plan};
use pirack_swarm::spec::Role;
use pirack_tests::{rack, wait};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// How long one gate may take on two processors.
pub(crate) const GATE: Duration = Duration::from_secs(900);
/// How long one question of health may take.
const QUESTION: Duration = Duration::from_secs(10);
/// How long news may take through a ring.
const NEWS: Duration = Duration::from_secs(300);

pub(crate) struct World {
    runtime: Runtime,
    engines: BTreeMap<String, DockerEngine>,
    identity: Option<Identity>,
    /// Last, so that it is taken down last.
    pub(crate) lab: Lab,
}

impl World {
    pub(crate) fn spec() -> Spec {
        Spec::new(3).with_images(&["kafka", "cassandra-5.0"])
    }

    /// One swarm of three managers.
    pub(crate) fn begin(lab: Lab) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let deadlines = Deadlines::default();
        let mut engines = BTreeMap::new();
        for board in lab.boards() {
            let socket = board.path("/run/docker.sock");
            let engine = runtime.block_on(DockerEngine::on_socket(board.name(), &socket, deadlines))?;
            engines.insert(board.name().to_owned(), engine);
        }
        let address = |number: usize| IpAddr::from(lab.board(number).address());
        runtime.block_on(async {
            let first = &engines["b1"];
            first.init(&Birth::new(address(1))).await?;
            let token = first.join_token(Role::Manager).await?;
            for number in [2, 3] {
                let managers = vec![(address(1), PORT).into()];
                let entry = Entry::new(managers, token.clone(), address(number));
                engines[&format!("b{number}")].join(&entry).await?;
            }
            Ok::<_, Failed>(())
        })?;
        Ok(Self { runtime, engines, identity: None, lab })
    }

    /// A rack of the lab's boards, with this on it.
    pub(crate) fn rack(&self, stacks: &str) -> Rack {
        let mut text = rack::head(&self.lab);
        for board in self.lab.boards() {
            text += &rack::board(board, &["manager", "worker"], "memory = \"2GiB\"");
        }
        let stacks = stacks
            .replace("KAFKA", &images::reference("kafka").unwrap())
            .replace("CASSANDRA", &images::reference("cassandra-5.0").unwrap());
        let checked = parse(&(text + &stacks), std::path::Path::new("rack.toml"));
        checked.unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn engine(&self) -> &DockerEngine {
        &self.engines["b1"]
    }

    pub(crate) fn identity(&mut self) -> &mut Identity {
        self.identity.as_mut().unwrap()
    }

    pub(crate) fn health(&self, rack: &Rack) -> StackHealth {
        self.runtime.block_on(self.asked(rack)).1
    }

    async fn asked(&self, rack: &Rack) -> (Observed, StackHealth) {
        let observed = observe(self.engine()).await.unwrap();
        let tasks = self.engine().tasks().await.unwrap();
        let running = tasks.iter().filter(|task| task.state == TaskState::Running && task.is_wanted());
        let mut health = StackHealth {
            running: running.map(|task| task.service.clone()).collect(),
            ..StackHealth::default()
        };
        let identity = self.identity.as_ref().unwrap();
        if let (Some(wanted), Some(known)) = (&rack.kafka, &identity.kafka) {
            let cluster = kafka::Where::of(rack, wanted, known);
            health.kafka = Some(kafka::health(&cluster, QUESTION).await);
        }
        let ring = cassandra::Ring::of(rack, &observed);
        if !ring.nodes.is_empty() {
            let clients = self.engines.iter().map(|(name, engine)| (name.clone(), engine.client().clone()));
            let exec = Engines(clients.collect());
            health.cassandra = Some(cassandra::health(&ring, &exec, Question::Shares, QUESTION).await);
        }
        (observed, health)
    }

    /// Takes every turn that leads to this rack, and waits until it is well. The turns that were taken.
    pub(crate) fn apply(&mut self, rack: &Rack) -> Vec<String> {
        let (identity, wrong) = settle(self.identity.as_ref(), rack, Uuid::new_v4);
        assert_eq!(wrong, vec![]);
        self.identity = Some(identity);
        let began = Instant::now();
        let mut taken = vec![];
        loop {
            let (observed, health) = self.runtime.block_on(self.asked(rack));
            let plan = self.plan(rack, &observed);
            let Some(turn) = round(rack, &plan, &observed, &health).turns.into_iter().next() else { break };
            let told = format!("{:?} {}", turn.step.r#move, turn.step.object.name);
            eprintln!("{:>4} s  {told}: {}", began.elapsed().as_secs(), turn.step.reasons.join("; "));
            self.take(rack, &turn);
            taken.push(told);
        }
        for gate in well(rack) {
            self.pass(rack, &Part::Wait(gate));
        }
        eprintln!("{:>4} s  well", began.elapsed().as_secs());
        taken
    }

    fn plan(&self, rack: &Rack, observed: &Observed) -> Plan {
        let identity = self.identity.as_ref().unwrap();
        plan(&desired(rack, identity, &Memory::new(), &Secrets::new()).unwrap(), observed)
    }

    fn take(&self, rack: &Rack, turn: &Turn) {
        turn.before.iter().for_each(|part| self.pass(rack, part));
        let one = Plan { steps: vec![turn.step.clone()] };
        let applied =
            pirack_swarm::apply::apply(&one, self.engine(), |_| std::ops::ControlFlow::Continue(()));
        self.runtime.block_on(applied).unwrap();
        turn.after.iter().for_each(|part| self.pass(rack, part));
    }

    fn pass(&self, rack: &Rack, part: &Part) {
        match part {
            Part::Wait(gate) => {
                let mut why = String::new();
                let until = Instant::now() + GATE;
                while let Err(waiting) = gate.holds(&self.health(rack)) {
                    if why != waiting.to_string() {
                        why = waiting.to_string();
                        eprintln!("        {gate}: {why}");
                    }
                    assert!(Instant::now() < until, "waited {GATE:?} in vain for {gate}: {why}");
                }
            }
            // This world plans once.
            Part::Learn(gate) => panic!("planned without having heard of the ring: {gate}"),
            Part::Do(act) => {
                let began = Instant::now();
                let clients =
                    self.engines.iter().map(|(name, engine)| (name.clone(), engine.client().clone()));
                let known = self.identity.as_ref().and_then(|identity| identity.kafka.as_ref());
                let cluster = rack.kafka.as_ref().zip(known);
                let cluster = cluster.map(|(kafka, known)| kafka::Where::of(rack, kafka, known));
                self.runtime.block_on(act.run(&Engines(clients.collect()), cluster.as_ref())).unwrap();
                eprintln!("        {act}: {:.1} s", began.elapsed().as_secs_f64());
            }
        }
    }

    /// A card that is written anew: the service and its volume are gone, and nobody was told.
    pub(crate) fn loses_its_disk(&self, board: &str) {
        let engine = &self.engines[board];
        let service = format!("cassandra-{board}");
        self.runtime.block_on(async {
            let held = self.engine().services().await.unwrap();
            let held = held.into_iter().find(|held| held.spec.name == service).unwrap();
            self.engine().remove_service(&held.id).await.unwrap();
            // Docker holds the volume until the container is gone.
            let gone =
                async || engine.client().remove_volume(&service, None::<RemoveVolumeOptions>).await.ok();
            wait::until_async("the volume to go", GATE, gone).await;
        });
    }

    /// What remains to be planned.
    pub(crate) fn left(&self, rack: &Rack) -> usize {
        let observed = self.runtime.block_on(observe(self.engine())).unwrap();
        self.plan(rack, &observed).steps.len()
    }

    /// The nodes of a ring that is well, by board, in nodetool's letters; over CQL they tell the same without it.
    pub(crate) fn ring(&self, rack: &Rack) -> BTreeMap<String, String> {
        let told = letters(self.health(rack).cassandra);
        let over_cql = || {
            let ring = cassandra::Ring::of(rack, &self.runtime.block_on(observe(self.engine())).unwrap());
            let nobody = Engines(BTreeMap::new());
            let asked = cassandra::health(&ring, &nobody, Question::State, QUESTION);
            letters(Some(self.runtime.block_on(asked)))
        };
        wait::until("the same told over CQL", NEWS, || (over_cql() == told).then_some(()));
        told
    }

    /// The tokens that a seed's service is told, and those that its node took.
    pub(crate) fn tokens_of_seed(&self, board: &str) -> (BTreeSet<i64>, BTreeSet<i64>) {
        let service = format!("cassandra-{board}");
        let held = self.runtime.block_on(self.engine().services()).unwrap();
        let held = held.into_iter().find(|held| held.spec.name == service).unwrap();
        let options = &held.spec.env["JVM_EXTRA_OPTS"];
        let told =
            options.split_whitespace().find_map(|option| option.strip_prefix("-Dcassandra.initial_token="));
        let asks = format!("docker exec $(docker ps --quiet --filter name={service}) nodetool info --tokens");
        let board = self.lab.boards().iter().find(|known| known.name() == board).unwrap();
        let said = board.command("sh").args(["-c", &asks]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        // "Token                  : -8935141660703064064"
        let taken = said.lines().filter_map(|line| line.strip_prefix("Token ")?.rsplit_once(' '));
        let number = |token: &str| token.parse().unwrap();
        (told.unwrap().split(',').map(number).collect(), taken.map(|(_, token)| number(token)).collect())
    }

    pub(crate) fn brokers(&self, rack: &Rack) -> BTreeSet<String> {
        self.health(rack).kafka().unwrap().brokers.clone()
    }
}

fn letters(health: Option<Answer<CassandraHealth>>) -> BTreeMap<String, String> {
    let ring = match health {
        Some(Answer::Said(ring)) => ring,
        other => panic!("{other:?}"),
    };
    let told = ring.nodes.iter();
    told.filter_map(|(board, node)| Some((board.clone(), node.gossip.as_ref()?.letters()))).collect()
}
