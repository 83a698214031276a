//! Boards without SSH: the engine over TLS, and the machine that pirack itself runs on.

use std::fs;
use std::path::Path;
use std::process::Command;

use pirack_lab::{Board, Lab, Outcome};
use pirack_tests::program;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::boards::said;

/// The engine's own file.
const DAEMON: &str = "/etc/docker/daemon.json";

/// Certificates as `openssl` makes them, in a folder that goes with them.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let all = Self(tempfile::tempdir().unwrap());
        for authority in ["ca", "other"] {
            all.key(authority);
            let subject = format!("/CN={authority}");
            let (key, out) = (format!("{authority}.key"), format!("{authority}.pem"));
            all.openssl(&[
                "req", "-x509", "-new", "-key", &key, "-subj", &subject, "-days", "2", "-out", &out,
            ]);
        }
        all
    }

    fn key(&self, name: &str) {
        let out = format!("{name}.key");
        self.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &out]);
    }

    /// One that this authority signed, for this alternative name, and so many days; none of them is one that has
    /// just ended.
    fn signed(&self, name: &str, authority: &str, alternative: &str, days: u32) {
        self.key(name);
        let subject = format!("/CN={name}");
        let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
        let uses = "extendedKeyUsage=serverAuth,clientAuth";
        fs::write(self.0.path().join("more"), format!("subjectAltName={alternative}\n{uses}\n")).unwrap();
        self.openssl(&["req", "-new", "-key", &key, "-subj", &subject, "-out", "request"]);
        let (by, with) = (format!("{authority}.pem"), format!("{authority}.key"));
        let request = ["x509", "-req", "-in", "request", "-CA", &by, "-CAkey", &with, "-CAcreateserial"];
        self.openssl(
            &[&request[..], &["-days", &days.to_string(), "-extfile", "more", "-out", &out]].concat(),
        );
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl").args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// The board's engine listens for TLS with this certificate, and takes whom `ca` signed.
    fn door_of(&self, board: &Board, certificate: &str) {
        for (from, to) in [
            ("ca.pem", "ca.pem"),
            (&format!("{certificate}.pem"), "own.pem"),
            (&format!("{certificate}.key"), "own.key"),
        ] {
            fs::copy(self.path(from), board.path(&format!("/etc/docker/{to}"))).unwrap();
        }
        let mut daemon: Value = serde_json::from_slice(&fs::read(board.path(DAEMON)).unwrap()).unwrap();
        daemon["hosts"] = json!(["unix:///var/run/docker.sock", "tcp://0.0.0.0:2376"]);
        daemon["tlsverify"] = json!(true);
        for (key, path) in [("tlscacert", "ca.pem"), ("tlscert", "own.pem"), ("tlskey", "own.key")] {
            daemon[key] = json!(format!("/etc/docker/{path}"));
        }
        restarted(board, &daemon.to_string());
    }

    /// A rack of this board, reached with this authority and this certificate of ours.
    fn rack(&self, board: &Board, authority: &str, own: &str) -> String {
        let (authority, certificate, key) = (
            self.path(&format!("{authority}.pem")),
            self.path(&format!("{own}.pem")),
            self.path(&format!("{own}.key")),
        );
        let tls = format!(
            "[board.tls]\nauthority = \"{authority}\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
        );
        rack(board, &tls)
    }
}

fn rack(board: &Board, door: &str) -> String {
    let (name, address) = (board.name(), board.address());
    format!(
        "version = 1\nname = \"desk\"\n[agent]\nenabled = false\n[[board]]\nname = \"{name}\"\naddress = \"{address}\"\nmemory = \"1GiB\"\n{door}"
    )
}

/// The board's engine, started anew with this file.
fn restarted(board: &Board, daemon: &str) {
    fs::write(board.path(DAEMON), daemon).unwrap();
    board.kill_engine().unwrap();
    board.start_engine().unwrap();
}

/// What `pirack` says of a rack's one board: its exit status, and the status as JSON.
fn status(file: &Path) -> (Option<i32>, Value) {
    let output = Command::new(program::pirack())
        .arg("--file")
        .arg(file)
        .args(["status", "-o", "json"])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {err}"));
    (output.status.code(), json)
}

pub(crate) fn tls(lab: &Lab) -> Outcome {
    let board = lab.board(3);
    let file = tempfile::NamedTempFile::new()?;
    let says = |rack: &str| {
        fs::write(file.path(), rack).unwrap();
        status(file.path())
    };
    let all = Certificates::new();
    let own = format!("IP:{}", board.address());
    all.signed("good", "ca", &own, 2);
    all.signed("elsewhere", "ca", "IP:10.99.0.1", 2);
    all.signed("expired", "ca", &own, 0);
    all.signed("stranger", "other", &own, 2);
    all.signed("me", "ca", "DNS:me", 2);

    // Nobody listens yet.
    let (code, json) = says(&all.rack(board, "ca", "me"));
    assert_eq!(code, Some(4), "{json}");
    assert!(silence(&json).contains("does dockerd listen there"), "{json}");

    let before = fs::read_to_string(board.path(DAEMON))?;
    all.door_of(board, "good");
    let (code, json) = says(&all.rack(board, "ca", "me"));
    assert_eq!(code, Some(4), "it is in no swarm: {json}");
    let seen = &json["boards"][0];
    assert!(seen["silence"].is_null() && seen["engine_version"].is_string(), "{json}");
    assert_eq!(seen["membership"], "its engine is in no swarm");
    // Of a plan the engine alone is needed, as long as no agent is wanted.
    let plan = Command::new(program::pirack()).arg("--file").arg(file.path()).arg("plan").output()?;
    let text = String::from_utf8_lossy(&plan.stdout);
    assert_eq!(plan.status.code(), Some(2), "{text}{}", String::from_utf8_lossy(&plan.stderr));
    assert!(text.contains(board.name()), "{text}");

    for (authority, me, part) in [
        ("other", "me", "is not signed by `authority`"),
        ("ca", "stranger", "does not take our certificate"),
        ("me.key", "me", "cannot use"),
    ] {
        let (code, json) = says(&all.rack(board, authority, me));
        assert_eq!(code, Some(4));
        assert!(silence(&json).contains(part), "{authority}, {me}: {json}");
    }
    for (certificate, part) in [
        ("elsewhere", "it needs the subject alternative name IP:10.77.0.13"),
        ("expired", "is past its time"),
        ("stranger", "is not signed by `authority`"),
    ] {
        all.door_of(board, certificate);
        let (code, json) = says(&all.rack(board, "ca", "me"));
        assert_eq!(code, Some(4));
        assert!(silence(&json).contains(part), "{certificate}: {json}");
    }
    restarted(board, &before);
    Ok(())
}

fn silence(json: &Value) -> String {
    json["boards"][0]["silence"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn local(lab: &Lab) -> Outcome {
    let board = lab.board(2);
    fs::copy(program::pirack(), board.path("/usr/local/bin/pirack"))?;
    fs::write(board.path("/root/rack.toml"), rack(board, "local = true\n"))?;
    let run = |arguments: &[&str]| {
        let all = [&["--file", "/root/rack.toml"], arguments].concat();
        let output = board.command("/usr/local/bin/pirack").args(all).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, text) = run(&["status", "-o", "json"]);
    assert_eq!(code, Some(4), "{text}");
    let json: Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
    assert_eq!(json["boards"][0]["membership"], "its engine is in no swarm", "{json}");
    let (code, text) = run(&["plan"]);
    assert_eq!(code, Some(2), "{text}");
    // One board is a rack; and it is one by the same command as any.
    let (code, text) = run(&["apply"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&["status"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(run(&["destroy", "--yes", "desk"]).0, Some(0));
    assert!(said(board, "docker", &["info", "--format", "{{.Swarm.LocalNodeState}}"]).contains("inactive"));
    Ok(())
}
