//! `pirack completions SHELL` and `pirack man [DIR]`: what shells and manual readers want to know of the
//! commands, from the commands' own definition.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::Resettable;
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};
use serde_json::json;

use super::global::Output;
use super::{answer, say};

/// How the parts begin of what the help tells behind a command's options.
const EXAMPLES: &str = "Examples:";
const STATUS: &str = "Exit status:";

/// The options of `completions`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack completions bash | sudo tee /etc/bash_completion.d/pirack > /dev/null
  pirack completions zsh > ~/.zfunc/_pirack
  pirack completions fish > ~/.config/fish/completions/pirack.fish

Exit status: 0 well, 2 no such shell.")]
pub(crate) struct Completions {
    /// For which shell.
    shell: Shell,
}

/// The options of `man`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack man | man -l -                             pirack's own page
  sudo pirack man /usr/local/share/man/man1         a page for each command
  man pirack-check

Exit status: 0 well, 1 a page cannot be written, 2 wrong command line.")]
pub(crate) struct Man {
    /// The folder for a page of each command; without it pirack's own goes to standard output.
    dir: Option<PathBuf>,
}

/// Runs `completions`.
pub(crate) fn completions(options: &Completions, mut command: Command) -> anyhow::Result<ExitCode> {
    let mut script = vec![];
    clap_complete::generate(options.shell, &mut command, "pirack", &mut script);
    answer::write(&script);
    Ok(ExitCode::SUCCESS)
}

/// Runs `man`.
pub(crate) fn man(options: &Man, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let Some(folder) = &options.dir else {
        answer::write(page(command)?.as_bytes());
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let commands = with_those_below(&command);
    for command in &commands {
        let path = folder.join(format!("{}.1", command.get_display_name().unwrap_or("pirack")));
        std::fs::write(&path, page(command.clone())?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if output == Output::Json {
        say(&json!({ "folder": folder, "pages": commands.len() }).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn with_those_below(command: &Command) -> Vec<Command> {
    let below = command.get_subcommands().flat_map(with_those_below);
    std::iter::once(command.clone()).chain(below).collect()
}

/// A command's page: what the help tells behind its options has sections of its own, and examples their own lines.
fn page(command: Command) -> anyhow::Result<String> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut more = Roff::new();
    let (examples, paragraphs): (Vec<&str>, Vec<&str>) =
        after.split("\n\n").partition(|part| part.starts_with(EXAMPLES));
    let (status, notes): (Vec<&str>, Vec<&str>) =
        paragraphs.into_iter().partition(|part| part.starts_with(STATUS));
    section(&mut more, "NOTES", notes);
    section(&mut more, "EXIT STATUS", status.iter().filter_map(|part| part.strip_prefix(STATUS)));
    more.control("SH", ["ENVIRONMENT"]);
    for (name, what) in variables(&command) {
        more.control("TP", []).text([bold(name)]).text([roman(what)]);
    }
    more.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.iter().flat_map(|part| part.lines().skip(1)) {
        more.text([roman(line.trim_start())]);
    }
    more.control("fi", []);
    let mut page = vec![];
    clap_mangen::Man::new(command.after_help(Resettable::Reset)).render(&mut page)?;
    // These would come out as typographers' marks, which no shell takes.
    let more = more.render().replace('~', r"\(ti").replace('^', r"\(ha").replace('`', r"\(ga");
    Ok(String::from_utf8(page)? + &more)
}

fn section<'a>(page: &mut Roff, title: &str, paragraphs: impl IntoIterator<Item = &'a str>) {
    let mut title = Some(title);
    for paragraph in paragraphs {
        match title.take() {
            Some(title) => page.control("SH", [title]),
            None => page.control("PP", []),
        };
        page.text([roman(paragraph.trim())]);
    }
}

/// The variables that stand in for options, of the commands below too.
fn variables(command: &Command) -> BTreeMap<String, String> {
    let own = command.get_arguments().filter_map(|option| {
        let name = option.get_env()?.to_string_lossy().into_owned();
        let long = option.get_long().map(|long| format!("--{long}"));
        let flag = long.or_else(|| option.get_short().map(|short| format!("-{short}"))).unwrap_or_default();
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        Some((name, format!("In place of {flag}: {help}.")))
    });
    let colours = ("NO_COLOR".to_owned(), "Takes the colours out, unless it is empty.".to_owned());
    let below = command.get_subcommands().flat_map(variables);
    std::iter::once(colours).chain(below).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn a_page_keeps_each_example_in_a_line_of_its_own_and_names_every_variable() {
        let file = Arg::new("file").long("file").env("PIRACK_FILE").help("The rack's file");
        let look = Command::new("look").arg(file).after_help(
            "Examples:\n  pirack look -o json > ~/it   all of it\n  pirack look 'a b'\n\nIt looks.\n\nIt tells.\n\nExit status: 0 well.",
        );
        let mut all = Command::new("pirack").subcommand(look).disable_help_subcommand(true);
        all.build();
        let pages: Vec<String> =
            with_those_below(&all).into_iter().map(|command| page(command).unwrap()).collect();
        assert!(pages[0].contains("\\fBPIRACK_FILE\\fR\n"), "{}", pages[0]);
        let told = "It looks.\n.PP\nIt tells.\n.SH \"EXIT STATUS\"\n0 well.\n.SH ENVIRONMENT\n";
        let examples =
            ".nf\npirack look \\-o json > \\(ti/it   all of it\npirack look \\*(Aqa b\\*(Aq\n.fi\n";
        let variable = "\\fBPIRACK_FILE\\fR\nIn place of \\-\\-file: The rack\\*(Aqs file.\n";
        for part in [told, examples, variable, "\\fBNO_COLOR\\fR\n"] {
            assert!(pages[1].contains(part), "{part}\nis not in\n{}", pages[1]);
        }
        assert!(!pages[1].contains("EXTRA"), "{}", pages[1]);
    }
}
