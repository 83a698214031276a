//! What is done on a board through its shell: the agent's package and configuration.

use pirack_swarm::host::Host as _;

use crate::bootstrap::agent::{CONFIGURATION, NOTE};
use crate::bootstrap::link::{Link, Script};
use crate::operation::world::{WorldError, failed};
use crate::rack::BoardName;

use super::RealWorld;

/// The package itself, while it is being installed.
const PACKAGE: &str = "/var/cache/pirack-agent.deb";
/// Time for dpkg on a slow card.
const INSTALLING: std::time::Duration = std::time::Duration::from_secs(300);

/// Time for an agent to ship what it has: a minute and a half by its own unit.
const STOPPING: std::time::Duration = std::time::Duration::from_secs(120);

/// The new file takes the old one's place only if the agent can read it.
const CONFIGURE: &str = r#"set -eu
mkdir -p /etc/pirack
cat >"$1.new"
pirack-agent --config "$1.new" check >&2
mv -f "$1.new" "$1"
if [ -d /run/systemd/system ]; then
    systemctl enable --quiet pirack-agent
    systemctl restart pirack-agent
else
    # It may have been stopped for good, when its board left a rack.
    update-rc.d pirack-agent defaults >&2
    update-rc.d pirack-agent enable >&2
    service pirack-agent restart >&2
fi
tries=0
until pirack-agent healthy >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge 100 ]; then
        echo 'it was started, and is not well:' >&2
        { journalctl -q -n 3 -u pirack-agent 2>/dev/null || tail -n 3 /var/log/pirack-agent.log; } >&2
        exit 1
    fi
    sleep 0.2
done"#;

const INSTALL: &str = r#"set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg --force-confold -i "$1" >&2 || { apt-get install -q -y -f >&2 && dpkg --force-confold -i "$1" >&2; }
rm -f "$1"
mkdir -p "${3%/*}"
printf '%s' "$2" >"$3""#;

/// An agent that stops ships what it can first; one that could not goes on, and so does one whose queue cannot be read:
/// what is not known to be delivered waits. Done in one go, for whoever asked for it may be killed in between.
const RETIRE: &str = r#"set -eu
if [ -d /run/systemd/system ]; then
    ask() { systemctl --quiet "$1" pirack-agent >&2; }
else
    ask() {
        case $1 in
        disable) update-rc.d pirack-agent disable >&2 ;;
        *) service pirack-agent "$1" >&2 ;;
        esac
    }
fi
ask stop
if ! said=$(pirack-agent --config "$1" buffer status 2>&1); then
    case $said in
    # It has never had anything to deliver.
    *'no queue lies in'*) said= ;;
    *)
        ask start
        echo "$said" >&2
        exit 1
        ;;
    esac
fi
left=$(printf '%s\n' "$said" |
    awk '$2 == "at" && $4 > 0 { print $4 " for " $1 } $2 == "unreadable:" { print "all for " $1 }')
if [ -n "$left" ]; then
    ask start
    echo "$left"
else
    ask disable
fi"#;

pub(super) async fn install(world: &RealWorld, board: &BoardName) -> Result<(), WorldError> {
    let what = "installing the agent";
    let link = world.link(board).await?;
    let facts = world.engine_of(board).await?.facts().await;
    let facts = facts.map_err(|error| failed(board, "asking its engine", error))?;
    let Some(package) = world.packages.of(&facts.architecture) else {
        return Err(failed(board, what, world.packages.missing(&facts.architecture)));
    };
    let bytes = std::fs::read(package.path()).map_err(|error| failed(board, what, error))?;
    link.put(PACKAGE, 0o644, &bytes).await.map_err(|error| failed(board, what, error))?;
    let script =
        Script::new(what, INSTALL).with(PACKAGE).with(package.version()).with(NOTE).within(INSTALLING);
    link.ask(&script).await.map(drop).map_err(|error| failed(board, what, error))
}

pub(super) async fn configure(link: &Link, content: &str) -> Result<(), WorldError> {
    let what = "configuring the agent";
    let script = Script::new(what, CONFIGURE).with(CONFIGURATION).reading(content);
    link.ask(&script).await.map(drop).map_err(|error| failed(&link.board().name, what, error))
}

/// The agent delivers all that it has and stops; busy as long as something waits.
pub(super) async fn retire(link: &Link) -> Result<(), WorldError> {
    let (what, board) = ("stopping the agent", &link.board().name);
    let script = Script::new(what, RETIRE).with(CONFIGURATION).within(STOPPING);
    let ran = link.ask(&script).await.map_err(|error| failed(board, what, error))?;
    let text = ran.text();
    match text.trim() {
        "" => Ok(()),
        left => {
            let left = left.lines().collect::<Vec<_>>().join(", ");
            let why = format!("records still wait in its queue, {left}: see that it reaches those");
            Err(WorldError::Busy { board: board.clone(), what: what.to_owned(), why })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Output};

    use super::*;

    /// Retires an agent that answers so, and tells what its service was asked for besides.
    fn retired(answer: &str) -> (Output, String) {
        let folder = tempfile::tempdir().unwrap();
        let asked = folder.path().join("asked");
        let note = format!(
            "for word; do case $word in start|stop|disable) echo $word >>{} ;; esac; done",
            asked.display()
        );
        for (program, text) in
            [("pirack-agent", answer), ("systemctl", &note), ("service", &note), ("update-rc.d", &note)]
        {
            let path = folder.path().join(program);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
        let ran = Command::new("sh").args(["-c", RETIRE, "pirack", CONFIGURATION]).env("PATH", path).output();
        (ran.unwrap(), std::fs::read_to_string(asked).unwrap().replace('\n', " ").trim_end().to_owned())
    }

    #[test]
    fn an_agent_stops_for_good_only_when_its_queue_is_known_to_be_empty() {
        let delivered = "echo 'queue      none yet'; echo 'kafka      at 7, 0 records wait'";
        let none = "echo 'pirack-agent: no queue lies in /var/lib/pirack: name its folder' >&2; exit 1";
        for answer in [delivered, none] {
            let (ran, asked) = retired(answer);
            assert!(ran.status.success() && ran.stdout.is_empty(), "{answer}: {ran:?}");
            assert_eq!(asked, "stop disable", "{answer}");
        }
        let (ran, asked) =
            retired("echo 'kafka      at 7, 3 records wait'; echo 'cassandra  unreadable: it begins anew'");
        assert_eq!(
            (String::from_utf8(ran.stdout).unwrap().as_str(), asked.as_str()),
            ("3 for kafka\nall for cassandra\n", "stop start")
        );
    }

    #[test]
    fn an_agent_whose_queue_cannot_be_read_goes_on_and_says_why() {
        let (ran, asked) =
            retired("echo 'pirack-agent: cannot read the queue: Input/output error' >&2; exit 1");
        assert!(!ran.status.success() && ran.stdout.is_empty(), "{ran:?}");
        assert!(String::from_utf8(ran.stderr).unwrap().contains("Input/output error"));
        assert_eq!(asked, "stop start");
    }
}
