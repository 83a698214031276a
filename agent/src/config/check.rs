//! [`File`] to [`Config`]: every value checked once, every problem with its place and remedy.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::file::File;
use super::problem::{Origins, Problem, Problems};
use super::{Config, DEFAULT_INTERVAL, DEFAULT_LOG, DEFAULT_QUEUE_BYTES, DEFAULT_QUEUE_DIRECTORY};
use crate::record::BoardName;
use crate::source::host::HostSettings;

/// The least a queue may be bounded to: a handful of segments.
const LEAST_QUEUE_BYTES: i64 = 1 << 20;
/// Sources are read at most ten times a second and at least once an hour.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.1..=3600.0;

pub(super) struct Checker<'a> {
    pub(super) origins: Origins<'a>,
    pub(super) problems: Vec<Problem>,
    /// What is no problem, and should be known.
    pub(super) warnings: Vec<String>,
    /// The machine's host name, the board's name where the file gives none.
    pub(super) hostname: Option<String>,
}

impl Checker<'_> {
    pub(super) fn config(mut self, file: &File) -> Result<Config, Problems> {
        // What could not be read at all has been told; it is not missing as well.
        let whole = self.problems.is_empty();
        let interval = self.interval(file.interval_seconds.as_ref()).unwrap_or(DEFAULT_INTERVAL);
        let board = self.board(file);
        let (kafka, cassandra) = self.sinks(file, board.as_ref(), whole);
        let sensors: Vec<_> = file.sensor.iter().map(|section| self.sensor(section, interval)).collect();
        self.twins(&file.sensor);
        let queue_directory =
            self.path(file.queue.directory.as_ref()).unwrap_or_else(|| DEFAULT_QUEUE_DIRECTORY.into());
        let queue_max_bytes = self.queue_bytes(file.queue.max_bytes.as_ref());
        let metrics = self.metrics(file.metrics.listen.as_ref());
        let log = self.log(file.log.as_ref());
        let host = HostSettings {
            data_disk: self.path(file.host.data_disk.as_ref()),
            docker_socket: self.path(file.host.docker_socket.as_ref()),
        };
        match (board, sensors.into_iter().collect::<Option<Vec<_>>>()) {
            (Some(board), Some(sensors)) if self.problems.is_empty() => Ok(Config {
                board,
                kafka,
                cassandra,
                metrics,
                warnings: self.warnings,
                interval,
                log,
                queue_directory,
                queue_max_bytes,
                host,
                sensors,
            }),
            _ => {
                self.problems.sort_by(|a, b| a.place.rank().cmp(&b.place.rank()));
                Err(Problems(self.problems))
            }
        }
    }

    pub(super) fn say(
        &mut self,
        span: Option<Range<usize>>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let place = span.as_ref().map_or_else(|| self.origins.whole(), |span| self.origins.place(span));
        self.problems.push(Problem { place, span, what: what.into(), remedy: remedy.into() });
    }

    fn board(&mut self, file: &File) -> Option<BoardName> {
        if let Some(written) = &file.board {
            return match written.get_ref().parse() {
                Ok(name) => Some(name),
                Err(error) => {
                    self.say(
                        Some(written.span()),
                        format!("board: {error}"),
                        "set board = \"w3\", or the like",
                    );
                    None
                }
            };
        }
        let host = self.hostname.clone().unwrap_or_default();
        let name = BoardName::of_host(&host).ok();
        if name.is_none() {
            self.say(
                None,
                format!("the host name \"{host}\" cannot be a board's name"),
                "set board = \"w3\", or the like",
            );
        }
        name
    }

    pub(super) fn interval(&mut self, written: Option<&Spanned<f64>>) -> Option<Duration> {
        let written = written?;
        let seconds = *written.get_ref();
        if !INTERVALS.contains(&seconds) {
            self.say(
                Some(written.span()),
                format!(
                    "interval_seconds: {seconds} is not between {} and {}",
                    INTERVALS.start(),
                    INTERVALS.end()
                ),
                "10 suits a rack, 1 a demonstration",
            );
            return None;
        }
        Some(Duration::from_secs_f64(seconds))
    }

    pub(super) fn path(&mut self, written: Option<&Spanned<String>>) -> Option<PathBuf> {
        let written = written?;
        let path = PathBuf::from(written.get_ref());
        if path.is_absolute() {
            return Some(path);
        }
        self.say(
            Some(written.span()),
            format!("\"{}\" is not an absolute path", written.get_ref()),
            "begin it with '/': a service has no folder of its own to start from",
        );
        None
    }

    fn log(&mut self, written: Option<&Spanned<String>>) -> String {
        let Some(written) = written else { return DEFAULT_LOG.to_owned() };
        let text = written.get_ref();
        // A word that is no level would silently be taken for a target, and nothing be logged.
        let level = |part: &str| part.parse::<LevelFilter>().is_ok();
        let words = text.split(',').filter(|part| !part.contains('='));
        if EnvFilter::try_new(text).is_err() || words.into_iter().any(|part| !level(part.trim())) {
            self.say(
                Some(written.span()),
                format!("log: \"{text}\" is no filter"),
                "use error, warn, info, debug or trace, or a list such as \"info,pirack_agent::ship=debug\"",
            );
        }
        text.clone()
    }

    fn queue_bytes(&mut self, written: Option<&Spanned<i64>>) -> u64 {
        let Some(written) = written else { return DEFAULT_QUEUE_BYTES };
        let bytes = *written.get_ref();
        if bytes < LEAST_QUEUE_BYTES {
            self.say(
                Some(written.span()),
                format!("max_bytes: {bytes} is less than {LEAST_QUEUE_BYTES}"),
                "give the queue at least 1_048_576; 1_073_741_824 keeps a board's records for weeks",
            );
        }
        u64::try_from(bytes).unwrap_or(DEFAULT_QUEUE_BYTES)
    }
}
