//! `pirack trust`: a board's host key, compared by a person once.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use pirack::bootstrap::link::host_key::{self, HostKey};
use pirack::bootstrap::link::trust::{self, Standing};
use pirack::rack::{self, Access, Board, BoardName};

use super::global::{Global, Output};

/// The options of `trust`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack trust b1                     shows its keys and asks
  pirack trust b1 --yes SHA256:...    with the fingerprint that you compared

The board itself says its fingerprint: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

The key goes into a file beside the rack file: rack.toml has rack.known_hosts.

Exit status: 0 the key is known now, 1 it is not.")]
pub(crate) struct Trust {
    /// The board.
    board: BoardName,
    /// The fingerprint that you have compared; nothing is asked then.
    #[arg(long, value_name = "FINGERPRINT")]
    yes: Option<String>,
}

/// Runs it.
pub(crate) fn run(options: &Trust, global: &Global) -> anyhow::Result<ExitCode> {
    let rack = rack::read(&global.file)?;
    let known: Vec<&str> = rack.boards.iter().map(|board| board.name.as_str()).collect();
    let board = rack.board(&options.board).with_context(|| {
        format!("the rack file has no board {}: it has {}", options.board, known.join(", "))
    })?;
    let keys = keys(board)?;
    for key in &keys {
        eprintln!("{} at {}: {}", board.name, board.address, key.fingerprint());
    }
    let key = match &options.yes {
        Some(hash) => keys.iter().find(|key| key.fingerprint().hash == *hash).with_context(|| {
            format!("{} shows no key with the fingerprint {hash}: nothing was written", board.name)
        })?,
        None => asked(board, &keys)?,
    };
    let port = port(board)?;
    let file = host_key::beside(&global.file);
    let cannot = || format!("cannot use {}", file.display());
    let standing = trust::standing(&file, board.address, port, key).with_context(cannot)?;
    if standing != Standing::Known {
        trust::confirm(&file, board.address, port, key).with_context(cannot)?;
    }
    let fingerprint = key.fingerprint();
    let said = match (global.output, standing) {
        (Output::Json, _) => serde_json::json!({
            "board": board.name.as_str(),
            "fingerprint": fingerprint.hash,
            "file": file,
            "written": standing != Standing::Known,
        })
        .to_string(),
        (Output::Table, Standing::Known) => format!("{}: {fingerprint} was known already", board.name),
        (Output::Table, Standing::New) => {
            format!("{}: {fingerprint} is in {} now", board.name, file.display())
        }
        (Output::Table, Standing::Changed) => {
            format!("{}: {fingerprint} is in {} now, in place of the old key", board.name, file.display())
        }
    };
    super::say(&said);
    Ok(ExitCode::SUCCESS)
}

fn port(board: &Board) -> anyhow::Result<u16> {
    match &board.access {
        Access::Ssh(access) => Ok(access.port),
        Access::Tls(_) | Access::Local => {
            bail!("{} is not reached by SSH, and so has no host key", board.name)
        }
    }
}

fn keys(board: &Board) -> anyhow::Result<Vec<HostKey>> {
    let port = port(board)?;
    if let Access::Ssh(access) = &board.access
        && !access.host_keys.is_empty()
    {
        bail!(
            "the rack file itself has {}'s `host_keys`, and no other is taken: write the new one there",
            board.name
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let scanned = runtime.block_on(host_key::scan(board.address, port));
    let keys = scanned.context("cannot run `ssh-keyscan`: install OpenSSH's client (openssh-client)")?;
    if keys.is_empty() {
        bail!(
            "{} shows no host key at {} port {port}: is it on, is the address right?",
            board.name,
            board.address
        );
    }
    Ok(keys)
}

/// The strongest key, if somebody at the terminal says yes to it.
fn asked<'a>(board: &Board, keys: &'a [HostKey]) -> anyhow::Result<&'a HostKey> {
    let Some(key) = keys.first().filter(|_| std::io::stdin().is_terminal()) else {
        bail!(
            "there is nobody to ask: compare the fingerprint, then `pirack trust {} --yes FINGERPRINT`",
            board.name
        );
    };
    let fingerprint = key.fingerprint();
    eprint!("Does {} itself say {fingerprint}? Type yes, or the fingerprint: ", board.name);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    let answer = answer.trim();
    if answer != "yes" && answer != fingerprint.hash {
        bail!("{} was not trusted: nothing was written", board.name);
    }
    Ok(key)
}
