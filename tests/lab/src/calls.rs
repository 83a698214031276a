//! What a board's engine was asked to change, counted at the engine.
//!
//! A lab's engines log every request as they take it (`--debug`: moby 20.10, `api/server/middleware/debug.go`), before
//! they act on it: whoever has an answer finds its request logged. The log is on the board's disk and so goes on
//! over a power cut.

use std::fs;
use std::io;

use crate::board::Board;
use crate::error::LabError;

const LOG: &str = "/var/log/dockerd.log";
/// How a line of the log tells of a request.
const CALLING: &str = "msg=\"Calling ";
/// Ends of paths that are posted to and change nothing that stays: what runs in a container, and looking at it.
const HARMLESS: [&str; 5] = ["/exec", "/attach", "/resize", "/wait", "/top"];
/// The same, by how they begin.
const HARMLESS_ROOTS: [&str; 4] = ["/exec/", "/auth", "/session", "/grpc"];

impl Board {
    /// Every change that its engine was asked for since the board was made, in order, as `POST /services/create`:
    /// pulls of images, and what creates, updates, deletes, starts or stops anything. Questions, pings and programs
    /// run in containers (`exec`) are none, nor is what a swarm's managers tell each other. Two looks with nothing
    /// between them that changes anything are equal.
    ///
    /// # Errors
    /// When the engine's log cannot be read; a board that has had no engine yet has been asked for nothing.
    pub fn api_calls(&self) -> Result<Vec<String>, LabError> {
        let path = match self.machine.init() {
            Some(_) => self.path(LOG),
            None => {
                self.ground.place.disks().join(self.name()).join("upper").join(LOG.trim_start_matches('/'))
            }
        };
        match fs::read(&path) {
            Ok(log) => Ok(String::from_utf8_lossy(&log).lines().filter_map(change).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(LabError::file("reading", path)(error)),
        }
    }
}

/// The change that a line of the log tells of, if it does.
fn change(line: &str) -> Option<String> {
    let (_, request) = line.split_once(CALLING)?;
    let (method, url) = request.trim_end_matches('"').split_once(' ')?;
    if !matches!(method, "POST" | "PUT" | "PATCH" | "DELETE") {
        return None;
    }
    let path = url.split('?').next()?;
    let path = match path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) {
        Some((version, rest)) if version.starts_with(|c: char| c.is_ascii_digit()) => format!("/{rest}"),
        _ => path.to_owned(),
    };
    let harmless = HARMLESS.iter().any(|end| path.ends_with(end))
        || HARMLESS_ROOTS.iter().any(|root| path.starts_with(root));
    (!harmless).then(|| format!("{method} {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_without_version_and_query_and_a_question_is_none() {
        let line =
            |request: &str| format!("time=\"2026-11-21T19:05:20.33Z\" level=debug msg=\"Calling {request}\"");
        for (request, told) in [
            ("POST /v1.41/services/create", "POST /services/create"),
            ("POST /v1.41/services/x1/update?version=11", "POST /services/x1/update"),
            ("POST /images/create?fromImage=a&tag=1", "POST /images/create"),
            ("POST /v1.41/volumes/create", "POST /volumes/create"),
            ("DELETE /v1.41/containers/a?force=1", "DELETE /containers/a"),
            ("PUT /v1.41/containers/a/archive?path=%2F", "PUT /containers/a/archive"),
        ] {
            assert_eq!(change(&line(request)).as_deref(), Some(told));
        }
        for request in [
            "GET /v1.41/services",
            "HEAD /_ping",
            "POST /v1.41/containers/a/exec",
            "POST /v1.41/exec/b/start",
            "POST /v1.41/containers/a/wait?condition=removed",
            "POST /v1.41/auth",
        ] {
            assert_eq!(change(&line(request)), None, "{request}");
        }
        assert_eq!(change("level=debug msg=\"memberlist: Stream connection from=10.77.0.12\""), None);
    }
}
