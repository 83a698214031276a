//! What every command takes: which rack, and how the answer is written.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, Resettable, TypedValueParser};
use clap::parser::ValueSource;
use clap::{Arg, Args, Command, ValueEnum};
use pirack::bootstrap::link::quoted;
use pirack::rack::{self, Problems, Rack};
pub(crate) use pirack::tui::colour;

/// The rack's file where nobody names another.
const DEFAULT: &str = "rack.toml";
/// Wider lines than this nobody reads with pleasure.
const WIDEST: u16 = 120;

/// Options that stand before or after any command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// The rack's file.
    #[arg(short, long, global = true, env = "PIRACK_FILE", default_value = DEFAULT, value_name = "FILE",
          value_parser = RackFile)]
    pub(crate) file: PathBuf,
    /// How the answer is written: for people, or as one JSON document.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table, value_name = "HOW")]
    pub(crate) output: Output,
}

/// The path of the rack's file. A variable that is set to nothing says nothing, as everywhere else.
#[derive(Clone)]
struct RackFile;

impl TypedValueParser for RackFile {
    type Value = PathBuf;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<PathBuf, clap::Error> {
        PathBufValueParser::new().parse_ref(command, arg, value)
    }

    fn parse_ref_(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<PathBuf, clap::Error> {
        let unset = source == ValueSource::EnvVariable && value.is_empty();
        self.parse_ref(command, arg, if unset { OsStr::new(DEFAULT) } else { value })
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Tables and sentences.
    Table,
    /// One JSON document on standard output; all else goes to standard error.
    Json,
}

impl Output {
    /// How an answer was asked for on a command line that is otherwise wrong: whoever wrote `-o json` reads no other.
    pub(crate) fn asked(given: &[OsString]) -> Self {
        let words = || {
            given
                .iter()
                .skip(1)
                .map(|word| word.to_str().unwrap_or_default())
                .take_while(|word| *word != "--")
        };
        let joined = words().any(|word| ["--output=json", "-o=json", "-ojson"].contains(&word));
        let parted = words()
            .zip(words().skip(1))
            .any(|(name, how)| ["--output", "-o"].contains(&name) && how == "json");
        if joined || parted { Self::Json } else { Self::Table }
    }
}

impl Global {
    /// The rack's file by `-f` alone, for a command that has another `--file`.
    pub(crate) fn short_file() -> Arg {
        let all = Self::augment_args(Command::new("pirack"));
        let file = all.get_arguments().find(|arg| arg.get_id() == "file");
        file.cloned().unwrap_or_default().long(Resettable::Reset)
    }

    /// What a further command needs to be about the same file, with a blank before it; nothing where that is the
    /// file that nobody need name.
    pub(crate) fn named(&self) -> String {
        if self.file == Path::new(DEFAULT) {
            return String::new();
        }
        format!(" -f {}", quoted(&self.file.display().to_string()))
    }

    /// The rack, for a command that can do without: nothing where there is no file and none was named.
    pub(crate) fn rack_if_any(&self) -> Result<Option<Rack>, Problems> {
        if self.file == Path::new(DEFAULT) && !self.file.exists() {
            return Ok(None);
        }
        rack::read(&self.file).map(Some)
    }
}

/// How wide lines of prose may be: as the terminal, where standard output is one.
pub(crate) fn width() -> usize {
    terminal_width().unwrap_or(100)
}

/// How wide lines may be where a terminal cuts them; a pipe takes all.
pub(crate) fn terminal_width() -> Option<usize> {
    let terminal = std::io::stdout().is_terminal().then(crossterm::terminal::size).and_then(Result::ok);
    terminal.map(|(columns, _)| columns.min(WIDEST).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_command_names_the_file_unless_it_is_the_one_that_nobody_need_name() {
        let named = |file: &str| Global { file: file.into(), output: Output::Table }.named();
        assert_eq!((named(DEFAULT).as_str(), named("booth.toml").as_str()), ("", " -f booth.toml"));
        assert_eq!(named("my rack's.toml"), r" -f 'my rack'\''s.toml'", "as a shell takes it");
    }

    #[test]
    fn one_who_asks_for_json_on_a_wrong_command_line_is_understood() {
        let asked = |line: &str| Output::asked(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in
            ["pirack -o json frob", "pirack check a b --output=json", "pirack --output json", "p -ojson"]
        {
            assert_eq!(asked(line), Output::Json, "{line}");
        }
        for line in
            ["pirack frob", "pirack -o table json", "pirack json", "pirack frob -- -o json", "pirack -o"]
        {
            assert_eq!(asked(line), Output::Table, "{line}");
        }
    }

    #[test]
    fn a_variable_that_is_set_to_nothing_names_no_file() {
        let command = Command::new("pirack");
        let read = |text: &str, source| RackFile.parse_ref_(&command, None, OsStr::new(text), source).ok();
        assert_eq!(read("", ValueSource::EnvVariable), Some(DEFAULT.into()));
        assert_eq!(read("booth.toml", ValueSource::EnvVariable), Some("booth.toml".into()));
        assert_eq!(read("", ValueSource::CommandLine), None, "somebody meant to name one");
    }
}
