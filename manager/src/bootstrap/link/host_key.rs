//! Host keys: which are taken, and what an unknown one looks like.
//!
//! Nobody is accepted silently. Where the rack file has a board's keys, those alone are taken; else whatever
//! the access's own file, the rack's (`pirack trust`) and the user's own files vouch for.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{fmt, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;
use tokio::time::timeout;

use crate::rack::{Board, SshAccess};

/// How long a board may take to show its keys, all of them.
const SCAN: Duration = Duration::from_secs(15);

/// A key as people compare it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint {
    /// What kind of key, as `ssh-keygen -l` says it: `ED25519`.
    pub kind: String,
    /// `SHA256:` and 43 characters.
    pub hash: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.hash)
    }
}

/// A key that a board showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Its type as files have it: `ssh-ed25519`.
    pub kind: String,
    /// The key itself, in base64.
    pub key: String,
}

impl HostKey {
    /// Reads `TYPE BASE64`, whatever stands behind it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (kind, key) = (words.next()?, words.next()?);
        let bytes = STANDARD.decode(key).ok()?;
        // RFC 4253, section 6.6: a key's first field is its type, with a length of four bytes before it.
        let length = u32::try_from(kind.len()).ok()?.to_be_bytes();
        let named = bytes.strip_prefix(&length)?.starts_with(kind.as_bytes());
        named.then(|| Self { kind: kind.to_owned(), key: key.to_owned() })
    }

    /// As people compare it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let hash = Sha256::digest(STANDARD.decode(&self.key).unwrap_or_default());
        Fingerprint { kind: spoken(&self.kind), hash: format!("SHA256:{}", STANDARD_NO_PAD.encode(hash)) }
    }

    /// Its line in a file of known hosts.
    #[must_use]
    pub fn line(&self, address: Ipv4Addr, port: u16) -> String {
        format!("{} {} {}", host(address, port), self.kind, self.key)
    }
}

/// How a board stands in a file of known hosts.
#[must_use]
pub fn host(address: Ipv4Addr, port: u16) -> String {
    if port == 22 { address.to_string() } else { format!("[{address}]:{port}") }
}

/// A key's type as `ssh-keygen -l` says it.
fn spoken(kind: &str) -> String {
    let kind = kind.strip_prefix("ssh-").or_else(|| kind.strip_prefix("sk-ssh-")).unwrap_or(kind);
    if kind.contains("ecdsa") { "ECDSA".to_owned() } else { kind.to_uppercase() }
}

/// The file that `pirack trust` writes: beside the rack's, `rack.toml` gives `rack.known_hosts`.
#[must_use]
pub fn beside(rack_file: &Path) -> PathBuf {
    rack_file.with_extension("known_hosts")
}

/// The files whose keys are taken, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// The rack file's own, written into this file.
    Pinned(PathBuf),
    /// These, first the nearest, and the system's.
    Files(Vec<PathBuf>),
}

/// Decides which; pinned keys are written to `pinned`.
pub(super) fn known(
    board: &Board,
    access: &SshAccess,
    trusted: Option<&Path>,
    pinned: &Path,
) -> io::Result<Known> {
    if access.host_keys.is_empty() {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let own = home
            .iter()
            .flat_map(|home| ["known_hosts", "known_hosts2"].map(|file| home.join(".ssh").join(file)));
        let files = access.known_hosts.iter().cloned().chain(trusted.map(Path::to_owned)).chain(own);
        return Ok(Known::Files(files.collect()));
    }
    let host = host(board.address, access.port);
    let lines: String = access.host_keys.iter().map(|key| format!("{host} {key}\n")).collect();
    fs::write(pinned, lines)?;
    Ok(Known::Pinned(pinned.to_owned()))
}

/// Asks a board for its keys. Whatever answers may lie: they are for a person to compare.
///
/// # Errors
/// When `ssh-keyscan` cannot be run. A board that does not answer shows none.
pub async fn scan(address: Ipv4Addr, port: u16) -> io::Result<Vec<HostKey>> {
    let mut scan = Command::new("ssh-keyscan");
    scan.args(["-T", "5", "-p", &port.to_string(), &address.to_string()]);
    scan.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let Ok(output) = timeout(SCAN, scan.output()).await else { return Ok(vec![]) };
    Ok(scanned(&String::from_utf8_lossy(&output?.stdout)))
}

/// What `ssh-keyscan` printed: `HOST TYPE BASE64` a line, the strongest first.
fn scanned(text: &str) -> Vec<HostKey> {
    let keys = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    let mut keys: Vec<HostKey> = keys.filter_map(|(_, key)| HostKey::parse(key)).collect();
    keys.sort_by_key(|key| (key.kind != "ssh-ed25519", key.kind.clone()));
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made for this test with ssh-keygen, which gave the fingerprint too.
    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN6Xs4J+BrtdUrT+e1Lo2X24oNyTsg8Bm7gxxGQ610j5";

    #[test]
    fn a_fingerprint_is_the_one_that_ssh_keygen_prints() {
        let key = HostKey::parse(&format!("{ED25519} b1")).unwrap();
        let expected = "ED25519 SHA256:wgGH1D3a7bR9pCCqXgiNneEvLcr5Ols6LYMm0KFwtUw";
        assert_eq!(key.fingerprint().to_string(), expected);
        assert_eq!(key.line(Ipv4Addr::LOCALHOST, 2222), format!("[127.0.0.1]:2222 {ED25519}"));
        assert_eq!(key.line(Ipv4Addr::LOCALHOST, 22), format!("127.0.0.1 {ED25519}"));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIN6X", "a b"] {
            assert_eq!(HostKey::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_scan_gives_every_key_once_and_the_strongest_first() {
        let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==";
        let text = format!("# 10.0.0.1:22 SSH-2.0\n10.0.0.1 {rsa}\n10.0.0.1 {ED25519}\n10.0.0.1 {ED25519}\n");
        let kinds: Vec<String> = scanned(&text).into_iter().map(|key| key.fingerprint().kind).collect();
        assert_eq!(kinds, ["ED25519", "RSA"]);
    }
}
