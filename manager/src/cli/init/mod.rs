//! `pirack init`: a commented rack.toml from a few questions, or from flags.
//!
//! [`answers`] is what a rack's beginning is made of and how people write it, [`ask`] asks for what no flag
//! gave, [`page`] writes the file. What is written always passes `pirack check`.

mod answers;
mod ask;
mod page;

use std::fs::{self, Permissions};
use std::io::{ErrorKind, IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use pirack::rack;
use serde_json::json;

use super::global::{Global, Output};
use super::say;
use answers::{Answers, Boards, DataDisks, Given, Stacks};

/// Linux follows no more symlinks than this, one behind the other.
const LINKS: usize = 40;

/// The options of `init`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack init                                  asks, and writes rack.toml
  pirack init --boards b1..b3=10.0.0.11 --yes  b1 to b3, from 10.0.0.11 on
  pirack init -f booth.toml --boards b1=10.0.0.11,b2=10.0.0.27 --user orangepi
  pirack init --boards b1..b5=10.0.0.11 --stacks kafka,cassandra,stargate --yes

Without a terminal it asks nothing, and --boards must be given. Four boards and more get roles that \
suit, to be changed in the file. docs/rack.md tells of every key.

Exit status: 0 the file is written, 1 it is not (standard error says why), 2 wrong command line.")]
pub(crate) struct Init {
    /// The rack's name.
    #[arg(long, value_name = "NAME", value_parser = answers::name)]
    name: Option<String>,
    /// The boards: NAME=ADDRESS with commas between; b1..b5=10.0.0.11 is five, names and addresses counted up.
    #[arg(long, value_name = "BOARDS", value_parser = answers::boards)]
    boards: Option<Boards>,
    /// As whom ssh reaches them.
    #[arg(long, value_name = "USER", value_parser = answers::user)]
    user: Option<String>,
    /// What runs on the rack: kafka, cassandra, stargate, with commas between, or none.
    #[arg(long, value_name = "STACKS", value_parser = answers::stacks)]
    stacks: Option<Stacks>,
    /// Boards' disks for data by the UUID of their file system: NAME=UUID with commas between.
    #[arg(long, value_name = "DISKS", value_parser = answers::data_disks)]
    data_disks: Option<DataDisks>,
    /// Asks nothing: what no flag says has its default.
    #[arg(short, long)]
    yes: bool,
    /// Takes the place of a file that is there.
    #[arg(long)]
    force: bool,
}

/// Runs it.
pub(crate) fn run(options: &Init, global: &Global) -> anyhow::Result<ExitCode> {
    let file = &global.file;
    let place = place(file, options.force)?;
    let given = Given {
        name: options.name.clone(),
        boards: options.boards.clone(),
        user: options.user.clone(),
        stacks: options.stacks,
        data_disks: options.data_disks.clone(),
    };
    let answers = match screen(global.output).filter(|_| !options.yes) {
        Some(mut screen) => ask::ask(given, &mut std::io::stdin().lock(), &mut screen)?,
        None => given.or_defaults().context("no boards: give --boards b1..b3=10.0.0.11, or the like")?,
    };
    if let Some(why) = answers.data_disks.stray(&answers.boards) {
        bail!(why);
    }
    write(&answers, &place, options.force)?;
    let named = global.named();
    match global.output {
        Output::Json => say(&json!({ "file": file, "boards": answers.boards.0.len() }).to_string()),
        Output::Table => say(&format!(
            "{} is written: the rack \"{}\" of {}. Read it, change it; then: pirack check{named}, pirack preflight{named}, pirack apply{named}",
            file.display(),
            answers.name,
            match answers.boards.0.len() {
                1 => "1 board".to_owned(),
                boards => format!("{boards} boards"),
            }
        )),
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a person reads questions, if there is a person: standard output is the answer's when a program reads it.
fn screen(output: Output) -> Option<Box<dyn Write>> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let (out, err) = (std::io::stdout(), std::io::stderr());
    if out.is_terminal() && output == Output::Table {
        Some(Box::new(out))
    } else {
        err.is_terminal().then(|| Box::new(err) as Box<dyn Write>)
    }
}

/// Where the file is to be written: where a symlink leads to, for the link shall stay. Nothing but a file is ever
/// replaced, and no file unless that is asked for.
fn place(file: &Path, force: bool) -> anyhow::Result<PathBuf> {
    let mut place = file.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&place) else { break };
        place = folder(&place).join(next);
    }
    match fs::symlink_metadata(&place) {
        Ok(found) if !found.is_file() => {
            bail!("{} is no regular file: name another with --file", file.display())
        }
        // A link that leads nowhere yet is there too.
        _ if !force && fs::symlink_metadata(file).is_ok() => bail!(is_there(file)),
        Ok(_) => Ok(place),
        // Whoever is asked questions is told before them.
        Err(_) => match fs::metadata(folder(&place)) {
            Ok(folder) if folder.is_dir() => Ok(place),
            Ok(_) => bail!(trouble(ErrorKind::NotADirectory, &place)),
            Err(error) => bail!(trouble(error.kind(), &place)),
        },
    }
}

fn is_there(file: &Path) -> String {
    format!(
        "{} is there already: name another with --file, or give --force to take its place",
        file.display()
    )
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// All of the file or nothing, and never over another unless that is asked for.
fn write(answers: &Answers, file: &Path, force: bool) -> anyhow::Result<()> {
    let text = page::page(answers);
    rack::parse(&text, file)?;
    let written = || {
        let mut draft = tempfile::Builder::new()
            .prefix(".rack")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder(file))?;
        draft.write_all(text.as_bytes())?;
        draft.as_file().sync_all()?;
        let kept = if force { draft.persist(file) } else { draft.persist_noclobber(file) };
        kept.map(drop).map_err(|error| error.error)
    };
    // The reason's kind alone: its words are of the draft, which nobody knows.
    written().map_err(|error: std::io::Error| anyhow!(trouble(error.kind(), file)))
}

/// Why the file is not written, and what to do.
fn trouble(kind: ErrorKind, file: &Path) -> String {
    let folder = folder(file).display();
    match kind {
        ErrorKind::NotFound => {
            format!("cannot write {}: there is no folder {folder}: make it", file.display())
        }
        ErrorKind::NotADirectory => {
            format!("cannot write {}: {folder} is no folder: name another file with --file", file.display())
        }
        ErrorKind::AlreadyExists => is_there(file),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("cannot write {}: {kind}: make room in {folder}", file.display())
        }
        kind => format!("cannot write {}: {kind}: see who may write into {folder}", file.display()),
    }
}

#[cfg(test)]
mod tests {
    use pirack::rack::{Rack, Role};

    use super::*;

    fn answers(boards: &str, stacks: &str) -> Answers {
        Answers {
            boards: answers::boards(boards).unwrap(),
            stacks: answers::stacks(stacks).unwrap(),
            ..Given { boards: Some(answers::boards(boards).unwrap()), ..Given::default() }
                .or_defaults()
                .unwrap()
        }
    }

    /// What it writes, read back; it has nothing to be warned of.
    fn rack_of(answers: &Answers) -> Rack {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rack.toml");
        write(answers, &file, false).unwrap();
        let (rack, problems) = rack::examine(&file);
        assert!(problems.is_empty(), "{}\n{}", problems.render(100, false), page::page(answers));
        rack.unwrap()
    }

    #[test]
    fn what_it_writes_is_a_rack_without_a_warning_however_many_boards_and_whatever_stacks() {
        for count in [1, 3, 4, 5, 6, 7, 13, 40] {
            for stacks in ["kafka,cassandra", "kafka", "cassandra", "none", "kafka,cassandra,stargate"] {
                if count == 1 && stacks.ends_with("stargate") {
                    continue;
                }
                let rack = rack_of(&answers(&format!("b1..b{count}=10.0.0.11"), stacks));
                assert_eq!(rack.boards.len(), count);
                assert_eq!(rack.with_role(Role::Manager).count() % 2, 1, "{count} boards");
                assert_eq!(rack.kafka.is_some(), stacks.contains("kafka"));
                assert_eq!(rack.stargate.is_some(), stacks.contains("stargate"));
            }
        }
    }

    #[test]
    fn a_file_that_is_there_is_left_unless_it_is_forced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rack.toml");
        std::fs::write(&file, "mine").unwrap();
        let answers = answers("b1..b3=10.0.0.11", "kafka");
        assert!(write(&answers, &file, false).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
        write(&answers, &file, true).unwrap();
        assert!(rack::read(&file).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn only_a_file_is_replaced_and_a_link_stays_and_leads_to_what_is_written() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        fs::create_dir(at("kept")).unwrap();
        fs::write(at("kept/desk.toml"), "mine").unwrap();
        std::os::unix::fs::symlink("kept/desk.toml", at("link")).unwrap();
        std::os::unix::fs::symlink("kept/new.toml", at("dangling")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let answers = answers("b1..b3=10.0.0.11", "kafka");
        for (name, force, refused) in [
            ("kept", true, Some("is no regular file")),
            ("socket", true, Some("is no regular file")),
            ("loop", true, Some("is no regular file")),
            ("link", false, Some("is there already")),
            ("link", true, None),
            ("dangling", false, Some("is there already")),
            ("dangling", true, None),
        ] {
            let written = place(&at(name), force).and_then(|place| write(&answers, &place, force));
            let told = written.err().map(|error| error.to_string());
            assert_eq!(told.is_some(), refused.is_some(), "{name}: {told:?}");
            assert!(told.unwrap_or_default().contains(refused.unwrap_or_default()), "{name}");
        }
        for (link, file) in [("link", "kept/desk.toml"), ("dangling", "kept/new.toml")] {
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink() && rack::read(&at(file)).is_ok());
        }
        assert_eq!(fs::read_dir(at("kept")).unwrap().count(), 2, "no draft stays behind");
    }

    #[test]
    fn why_a_file_is_not_written_is_told_with_what_to_do_and_without_the_draft() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("plain"), "").unwrap();
        let answers = answers("b1=10.0.0.11", "none");
        for (name, letter) in [
            ("no/such/x.toml", "there is no folder"),
            ("plain/x.toml", "plain is no folder"),
            ("plain", "is there already"),
        ] {
            let file = scratch.path().join(name);
            for told in [place(&file, false).unwrap_err(), write(&answers, &file, false).unwrap_err()] {
                let told = format!("{told:#}");
                assert!(told.contains(letter) && !told.contains("/.rack"), "{told}");
            }
        }
        let denied = trouble(ErrorKind::PermissionDenied, Path::new("x.toml"));
        assert_eq!(denied, "cannot write x.toml: permission denied: see who may write into .");
    }

    #[test]
    fn users_and_disks_stand_in_the_file() {
        let uuid = "0f3c1c9e-6f0b-4c6d-9d6a-2b7a9c1e5f10";
        let answers = Answers {
            user: "orangepi".to_owned(),
            data_disks: answers::data_disks(&format!("b2={uuid}")).unwrap(),
            ..answers("b1..b3=10.0.0.11", "kafka")
        };
        let rack = rack_of(&answers);
        assert_eq!(rack.boards[1].data_disk.as_ref().unwrap().uuid, uuid);
        assert!(rack.boards[0].data_disk.is_none());
        assert!(page::page(&answers).contains("\nuser = \"orangepi\""));
    }
}
