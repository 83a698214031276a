//! What goes into a bundle, asked of everybody at once: what does not answer says why in its place.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::{ListContainersOptionsBuilder, LogsOptionsBuilder};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::timeout;

use crate::bootstrap::link::{Link, Script};
use crate::look::Look;
use crate::rack::{BoardName, Rack};
use crate::reach::{Boards, Reached, chain};
use crate::report::{Report, show};

/// How long a board may take for each thing that it is asked.
const WITHIN: Duration = Duration::from_secs(15);
/// Lines of each service's log.
const LINES: &str = "500";
/// Bytes of each, at most: half a thousand lines may be long ones.
const MOST: usize = 1 << 20;
/// Docker's label of a service's containers.
const SERVICE: &str = "com.docker.swarm.service.name";

/// A board's own state, and the last words of its agent and engine.
const STATE: &str = r#"
say() { echo; echo "== $*"; "$@" 2>&1 || true; }
say uname -a; say cat /etc/os-release; say uptime; say date -u; say free -m; say df -h; say ip -brief address
say dpkg-query -W docker.io docker-ce pirack-agent
if command -v pirack-agent >/dev/null 2>&1; then say pirack-agent buffer status; say pirack-agent metrics; fi
[ -e /etc/pirack/agent.toml ] && say cat /etc/pirack/agent.toml
if [ -d /run/systemd/system ]; then
    say journalctl --no-pager -n 500 -u pirack-agent; say journalctl --no-pager -n 300 -u docker
else
    for log in /var/log/pirack-agent.log /var/log/dockerd.log; do [ -e "$log" ] && say tail -n 300 "$log"; done
fi
exit 0"#;

/// A text that is to be cleaned and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its path in the bundle.
    pub name: String,
    /// All of it, as it was found.
    pub content: String,
}

impl Text {
    /// A text of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, content: impl Into<String>) -> Self {
        Self { name: name.into(), content: content.into() }
    }

    fn json(name: impl Into<String>, value: &impl Serialize) -> Self {
        let content = serde_json::to_string_pretty(value);
        Self::new(name, content.unwrap_or_else(|error| format!("cannot be written: {error}")) + "\n")
    }
}

/// The report, the services and every board.
pub async fn gather(rack: &Rack, boards: &Boards, look: &Look, report: &Report) -> Vec<Text> {
    let page: String = show::lines(report).iter().map(|line| format!("{}\n", line.text)).collect();
    let mut texts = vec![Text::new("status.txt", page), Text::json("status.json", report)];
    texts.extend(swarm(look));
    let each = rack.boards.iter().map(|one| board(boards, &one.name));
    texts.extend(join_all(each).await.into_iter().flatten());
    texts
}

/// Nodes and tasks in Docker's words, and each service as the swarm holds it.
fn swarm(look: &Look) -> Vec<Text> {
    let swarm = match &look.swarm {
        Ok(swarm) => swarm,
        Err(words) => return vec![Text::new("swarm.txt", format!("nobody speaks for the swarm: {words}\n"))],
    };
    let nodes = swarm.observed.nodes.iter().map(|node| format!("{node:#?}\n"));
    let tasks = swarm.tasks.iter().map(|task| format!("{task:#?}\n"));
    let identity = format!("id: {}\nidentity: {:#?}\nlock: {:#?}\n", swarm.id, swarm.identity, swarm.lock);
    let services = swarm
        .observed
        .services
        .iter()
        .map(|held| Text::json(format!("services/{}/spec.json", held.spec.name), &held.spec));
    let told = [
        Text::new("swarm.txt", identity + &nodes.collect::<String>()),
        Text::new("tasks.txt", tasks.collect::<String>()),
    ];
    told.into_iter().chain(services).collect()
}

async fn board(boards: &Boards, name: &BoardName) -> Vec<Text> {
    let reached = match boards.reach(name).await {
        Ok(reached) => reached,
        Err(words) => return vec![Text::new(format!("boards/{name}/silent.txt"), words + "\n")],
    };
    let Reached { link, engine } = reached;
    let asked = async {
        match engine {
            Ok(engine) => of_engine(name, engine.client()).await,
            Err(words) => vec![Text::new(format!("boards/{name}/engine.txt"), words + "\n")],
        }
    };
    let (state, mut texts) = tokio::join!(state(&link), asked);
    texts.push(Text::new(format!("boards/{name}/state.txt"), state));
    texts
}

async fn state(link: &Link) -> String {
    if !link.has_shell() {
        return "the board is reached without a shell\n".to_owned();
    }
    let script = Script::new("gathering what helps", STATE).within(WITHIN);
    match link.run(&script).await {
        Ok(ran) => ran.text(),
        Err(error) => chain(&error) + "\n",
    }
}

async fn of_engine(name: &BoardName, docker: &Docker) -> Vec<Text> {
    let facts = async {
        match timeout(WITHIN, docker.info()).await {
            Ok(Ok(info)) => Text::json(format!("boards/{name}/engine.json"), &info),
            Ok(Err(error)) => Text::new(format!("boards/{name}/engine.txt"), chain(&error) + "\n"),
            Err(_) => Text::new(format!("boards/{name}/engine.txt"), late()),
        }
    };
    let (facts, mut logs) = tokio::join!(facts, logs(name, docker));
    logs.push(facts);
    logs
}

fn late() -> String {
    format!("no answer within {} s\n", WITHIN.as_secs())
}

/// The last lines of every container that a service of the swarm has here, those that ended among them: asked of
/// the board itself, for a swarm without a majority tells nothing.
async fn logs(name: &BoardName, docker: &Docker) -> Vec<Text> {
    let filters = HashMap::from([("label", vec![SERVICE.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let containers = match timeout(WITHIN, docker.list_containers(Some(options))).await {
        Ok(Ok(containers)) => containers,
        Ok(Err(error)) => {
            return vec![Text::new(format!("boards/{name}/containers.txt"), chain(&error) + "\n")];
        }
        Err(_) => return vec![Text::new(format!("boards/{name}/containers.txt"), late())],
    };
    let each = containers.iter().filter_map(|container| {
        let service = container.labels.as_ref()?.get(SERVICE)?.clone();
        let id = container.id.clone()?;
        let said = container.status.clone().unwrap_or_default();
        Some(async move {
            let short: String = id.chars().take(12).collect();
            let head = format!("== {service} on {name}, container {short}: {said}\n");
            let log = match timeout(WITHIN, log(docker, &id)).await {
                Ok(log) => log,
                Err(_) => late(),
            };
            Text::new(format!("services/{service}/{name}-{short}.log"), head + &log)
        })
    });
    join_all(each).await
}

async fn log(docker: &Docker, id: &str) -> String {
    let options =
        LogsOptionsBuilder::default().stdout(true).stderr(true).timestamps(true).tail(LINES).build();
    let mut lines = docker.logs(id, Some(options));
    let mut text = String::new();
    while let Some(piece) = lines.next().await {
        match piece {
            Ok(
                LogOutput::StdOut { message }
                | LogOutput::StdErr { message }
                | LogOutput::Console { message },
            ) => {
                text.push_str(&String::from_utf8_lossy(&message));
            }
            Ok(LogOutput::StdIn { .. }) => {}
            Err(error) => {
                text.push_str(&format!("\n== the log ends here: {error}\n"));
                break;
            }
        }
        if text.len() > MOST {
            text.push_str("\n== more of it was left out\n");
            break;
        }
    }
    text
}
