//! What a board's shell is asked in a look: one script, one round trip.

use std::time::Duration;

use super::{NoShell, ShellLook};
use crate::bootstrap::agent::{CONFIGURATION, NOTE};
use crate::bootstrap::link::{Link, Script};
use crate::operation::lock::{self, Lock};
use crate::reach::chain;

/// What stands before the agent's own text.
const METRICS: &str = "metrics";

/// One line a fact, then all that the agent tells. Whether it runs it is asked itself: a service that dies and is
/// started again is no agent that runs.
const LOOK: &str = r#"
installed=$(dpkg-query -W -f '${Status} ${Version}' pirack-agent 2>/dev/null || true)
case $installed in
'install ok installed '*)
    note=$(cat "$1" 2>/dev/null || true)
    echo "version ${note:-${installed#install ok installed } by hand}";;
*) command -v pirack-agent >/dev/null 2>&1 && echo 'version by hand';;
esac
[ -e "$2" ] && echo "configuration $(sha256sum <"$2" | cut -d' ' -f1)"
[ -e "$3" ] && echo "lock $(cat "$3")"
echo metrics
if command -v pirack-agent >/dev/null 2>&1; then
    pirack-agent metrics 2>&1 || true
fi
exit 0"#;

pub(super) async fn look(link: &Link, within: Duration) -> Result<ShellLook, NoShell> {
    if !link.has_shell() {
        return Err(NoShell::Absent);
    }
    let script = Script::new("looking at its agent", LOOK).with(NOTE).with(CONFIGURATION).with(lock::FILE);
    let ran = link.ask(&script.within(within)).await.map_err(|error| NoShell::Failed(chain(&error)))?;
    Ok(parse(&ran.text()))
}

fn parse(text: &str) -> ShellLook {
    let mut look = ShellLook::default();
    let mut lines = text.lines();
    for line in lines.by_ref().take_while(|line| *line != METRICS) {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("version", version) => look.agent.version = Some(version.to_owned()),
            ("configuration", digest) => look.agent.configuration = Some(digest.to_owned()),
            ("lock", text) => look.lock = Lock::parse(text.as_bytes()),
            _ => {}
        }
    }
    look.agent.hear(lines);
    look
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::operation::Kind;

    #[test]
    fn one_answer_tells_of_the_package_the_lock_and_the_agent() {
        let lock = Lock::of(Uuid::from_u128(7), Kind::Apply, "ada@desk");
        let text = format!(
            "version 0.1.0-1 a1b2c3d4e5f6\nconfiguration 00ff\nlock {}\nmetrics\npirack_agent_queue_bytes 50\n",
            lock.text()
        );
        let look = parse(&text);
        assert_eq!(look.agent.version.as_deref(), Some("0.1.0-1 a1b2c3d4e5f6"));
        assert_eq!(look.agent.configuration.as_deref(), Some("00ff"));
        assert!(look.agent.running);
        assert_eq!((look.lock, look.agent.queue_bytes), (Some(lock), Some(50)));
    }

    #[test]
    fn an_agent_that_tells_nothing_does_not_run_and_says_why() {
        let absent = parse("metrics\n").agent;
        assert_eq!((absent.version, absent.silence.as_deref()), (None, Some("it is not installed")));
        let stopped =
            parse("version 0.1.0\nmetrics\npirack-agent: asking 127.0.0.1:9477 for metrics\n").agent;
        assert!(!stopped.running);
        assert_eq!(stopped.silence.as_deref(), Some("pirack-agent: asking 127.0.0.1:9477 for metrics"));
    }
}
