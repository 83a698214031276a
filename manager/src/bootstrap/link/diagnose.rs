//! What ssh meant: from its last words to the letter that says what to do. Pure.
//!
//! Its words are those of OpenSSH's `sshconnect.c` and `sshconnect2.c`; they are not translated.

use super::error::LinkError;
use super::host_key::{Fingerprint, Known};
use crate::rack::{Board, SshAccess};

/// The letter, without what only a question to the board can tell: an unknown key's fingerprints.
pub(super) fn diagnose(board: &Board, access: &SshAccess, known: &Known, words: &str) -> LinkError {
    let (name, address) = (board.name.clone(), board.address);
    let said = last_line(words);
    if words.contains("HOST IDENTIFICATION HAS CHANGED") {
        let known_in = offending(words);
        let remedy = remedy(board, access, known);
        let fingerprints = fingerprint(words).into_iter().collect();
        return LinkError::ChangedKey { board: name, address, fingerprints, known_in, remedy };
    }
    if words.contains("Host key verification failed") || words.contains("host key is known for") {
        return match known {
            Known::Files(_) => LinkError::UnknownKey { board: name, address, fingerprints: vec![] },
            Known::Pinned(_) => {
                let remedy = remedy(board, access, known);
                let known_in = Some("the rack file".to_owned());
                LinkError::ChangedKey { board: name, address, fingerprints: vec![], known_in, remedy }
            }
        };
    }
    if words.contains("Permission denied (") || words.contains("Too many authentication failures") {
        let said =
            words.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        return LinkError::NotLetIn { board: name, address, user: access.user.clone(), said };
    }
    let nobody =
        ["ssh: connect to host", "Connection closed by", "Connection reset by", "Connection timed out"];
    if nobody.iter().any(|sign| words.contains(sign)) || words.contains("kex_exchange_identification") {
        return LinkError::Unreachable { board: name, address, port: access.port, said };
    }
    LinkError::Refused { board: name, address, said }
}

fn remedy(board: &Board, access: &SshAccess, known: &Known) -> String {
    match known {
        Known::Pinned(_) => format!("put its new key into {}'s `host_keys` in the rack file", board.name),
        Known::Files(_) => {
            let host = super::host_key::host(board.address, access.port);
            format!("forget the old key (`ssh-keygen -R '{host}'`), then `pirack trust {}`", board.name)
        }
    }
}

/// "The fingerprint for the ED25519 key sent by the remote host is", and on the next line itself.
fn fingerprint(words: &str) -> Option<Fingerprint> {
    let (_, rest) = words.split_once("The fingerprint for the ")?;
    let (kind, rest) = rest.split_once(" key sent by")?;
    let hash = rest.split_whitespace().find(|word| word.starts_with("SHA256:"))?;
    Some(Fingerprint { kind: kind.to_owned(), hash: hash.trim_end_matches('.').to_owned() })
}

/// "Offending ED25519 key in FILE:LINE".
fn offending(words: &str) -> Option<String> {
    let line = words.lines().find(|line| line.starts_with("Offending "))?;
    line.split_once(" key in ").map(|(_, place)| place.trim().to_owned())
}

fn last_line(words: &str) -> String {
    let line = words.lines().map(str::trim).rfind(|line| !line.is_empty());
    line.map_or_else(|| "it said nothing".to_owned(), |line| line.trim_start_matches("ssh: ").to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::bootstrap::link::testing::board;

    fn letter(words: &str, pinned: bool) -> LinkError {
        let (board, access) = board("b1", "10.77.0.11");
        let file = PathBuf::from("/tmp/known");
        let known = if pinned { Known::Pinned(file) } else { Known::Files(vec![file]) };
        diagnose(&board, &access, &known, words)
    }

    const CHANGED: &str = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
The fingerprint for the ED25519 key sent by the remote host is\r
SHA256:wgGH1D3a7bR9pCCqXgiNneEvLcr5Ols6LYMm0KFwtUw.\r
Offending ED25519 key in /home/ann/.ssh/known_hosts:2\r
Host key verification failed.\r\n";

    #[test]
    fn a_changed_key_says_where_the_old_one_is_and_which_the_new_one_is() {
        let said = letter(CHANGED, false).to_string();
        for part in [
            "ED25519 SHA256:wgGH1D3a7bR9pCCqXgiNneEvLcr5Ols6LYMm0KFwtUw)",
            "/home/ann/.ssh/known_hosts:2",
            "ssh-keygen -R '10.77.0.11'",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(letter(CHANGED, true).to_string().contains("`host_keys` in the rack file"));
    }

    #[test]
    fn an_unknown_key_is_one_to_confirm_and_another_than_the_pinned_one_is_a_changed_one() {
        let words = "No ED25519 host key is known for 10.77.0.11 and you have requested strict checking.\r\nHost key verification failed.\r\n";
        let said = letter(words, false).to_string();
        assert!(said.contains("pirack trust b1"), "{said}");
        assert!(matches!(letter(words, true), LinkError::ChangedKey { .. }));
    }

    #[test]
    fn who_is_not_let_in_hears_of_the_key_that_ssh_could_not_use() {
        let words = "Load key \"/k\": Permission denied\r\npi@10.77.0.11: Permission denied (publickey).\r\n";
        let said = letter(words, false).to_string();
        assert!(said.contains("Load key") && said.contains("authorized_keys"), "{said}");
    }

    #[test]
    fn a_board_that_is_off_is_told_from_one_that_refuses() {
        for words in [
            "ssh: connect to host 10.77.0.11 port 22: Connection refused\r\n",
            "ssh: connect to host 10.77.0.11 port 22: No route to host\r\n",
            "kex_exchange_identification: read: Connection reset by peer\r\n",
            "Connection timed out during banner exchange\r\n",
        ] {
            let letter = letter(words, false);
            assert!(matches!(letter, LinkError::Unreachable { .. }) && letter.is_passing(), "{letter}");
        }
        assert!(matches!(letter("Bad configuration option: x\r\n", false), LinkError::Refused { .. }));
    }
}
