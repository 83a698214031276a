//! `pirack completions SHELL` and `pirack man [DIR]`: what shells and manual readers want to know of the
//! commands, from the commands' own definition.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

use super::answer;

/// The options of `completions`.
#[derive(Args)]
#[command(after_help = "Examples:
  pirack completions bash | sudo tee /usr/share/bash-completion/completions/pirack > /dev/null
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
pub(crate) fn man(options: &Man, command: Command) -> anyhow::Result<ExitCode> {
    let Some(folder) = &options.dir else {
        let mut page = vec![];
        clap_mangen::Man::new(command).render(&mut page)?;
        answer::write(&page);
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("cannot write the pages into {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
