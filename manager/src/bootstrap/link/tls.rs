//! An engine over TLS: its client, and what a handshake that failed meant.
//!
//! The words are those of rustls; they are not translated. bollard says nothing of a key or a certificate of ours
//! that it cannot use, and nothing of an authority without a certificate: all three are looked at first.

use std::path::Path;

use bollard::{API_DEFAULT_VERSION, Docker};

use super::engine::{ANSWER_SECONDS, agreed};
use super::error::{LinkError, chain};
use crate::rack::{Board, TlsAccess};

/// A client over TLS.
pub(super) async fn over_tls(board: &Board, access: &TlsAccess) -> Result<Docker, LinkError> {
    let TlsAccess { key, certificate, authority, port } = access;
    for (path, kind) in [(authority, "CERTIFICATE"), (certificate, "CERTIFICATE"), (key, "PRIVATE KEY")] {
        holds(board, path, kind)?;
    }
    let address = format!("tcp://{}:{port}", board.address);
    let client =
        Docker::connect_with_ssl(&address, key, certificate, authority, ANSWER_SECONDS, API_DEFAULT_VERSION);
    agreed(&board.name, client).await.map_err(|error| letter(board, access, error))
}

/// Whether a PEM file has something of that kind.
fn holds(board: &Board, path: &Path, kind: &'static str) -> Result<(), LinkError> {
    let file = |source| LinkError::File { board: board.name.clone(), path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(file)?;
    let begins =
        |line: &str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{kind}-----"));
    if String::from_utf8_lossy(&text).lines().any(begins) {
        return Ok(());
    }
    Err(file(std::io::Error::other(format!("it has no PEM block of a {}", kind.to_lowercase()))))
}

/// What to do, where the handshake or the way there failed; any other error as it is.
fn letter(board: &Board, access: &TlsAccess, error: LinkError) -> LinkError {
    let LinkError::Engine { source, .. } = &error else { return error };
    let said = chain(source);
    match remedy(&said, board, access) {
        Some(remedy) => {
            let said = said.rsplit(": ").take(2).collect::<Vec<_>>();
            let said = said.into_iter().rev().collect::<Vec<_>>().join(": ");
            LinkError::Tls {
                board: board.name.clone(),
                address: board.address,
                port: access.port,
                said,
                remedy,
            }
        }
        None => error,
    }
}

fn remedy(said: &str, board: &Board, access: &TlsAccess) -> Option<String> {
    let has = |sign: &str| said.contains(sign);
    let ours = || access.certificate.display();
    Some(if has("UnknownIssuer") || has("BadSignature") {
        format!(
            "its certificate is not signed by `authority` {}: name the one that signed it, or find out who answers there",
            access.authority.display()
        )
    } else if has("not valid for name") || has("NotValidForName") {
        format!(
            "its certificate is for somebody else: it needs the subject alternative name IP:{}",
            board.address
        )
    } else if has("certificate expired") || has("Expired") && has("peer certificate") {
        "its certificate is past its time: sign it a new one (and see that this machine's clock is right)"
            .to_owned()
    } else if has("not valid yet") || has("NotValidYet") {
        "its certificate is not valid yet: see that this machine's clock is right".to_owned()
    } else if has("received fatal alert") {
        format!(
            "it does not take our certificate {}: have it signed by the authority that the engine knows (--tlscacert)",
            ours()
        )
    } else if has("InvalidContentType") || has("corrupt message") {
        "it does not speak TLS there: start dockerd with --tlsverify, or name its TLS port".to_owned()
    } else if has("Connection refused") || has("No route to host") || has("tcp connect error") {
        "is it on, is the address right, does dockerd listen there (-H tcp://0.0.0.0:2376 --tlsverify)?"
            .to_owned()
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bootstrap::link::testing::board;

    fn access() -> TlsAccess {
        TlsAccess {
            port: 2376,
            authority: "/c/ca.pem".into(),
            certificate: "/c/me.pem".into(),
            key: "/c/key.pem".into(),
        }
    }

    #[test]
    fn each_way_that_a_handshake_fails_has_its_own_remedy() {
        let (board, _) = board("b1", "10.77.0.11");
        for (said, part) in [
            ("invalid peer certificate: UnknownIssuer", "/c/ca.pem"),
            ("invalid peer certificate: certificate not valid for name \"10.77.0.11\"", "IP:10.77.0.11"),
            ("invalid peer certificate: certificate expired: verification time 2", "past its time"),
            ("received fatal alert: CertificateRequired", "/c/me.pem"),
            ("received corrupt message of type InvalidContentType", "does not speak TLS"),
            ("tcp connect error: Connection refused (os error 111)", "dockerd listen"),
        ] {
            let remedy = remedy(said, &board, &access()).unwrap_or_else(|| panic!("{said}"));
            assert!(remedy.contains(part), "{said}: {remedy}");
        }
        assert_eq!(remedy("something new", &board, &access()), None);
    }

    #[test]
    fn a_file_without_what_it_should_have_is_named_before_anybody_is_asked() {
        let (board, _) = board("b1", "10.77.0.11");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let error = holds(&board, &path, "CERTIFICATE").unwrap_err();
        assert!(error.to_string().contains("ca.pem"), "{error}");
        std::fs::write(&path, "-----BEGIN EC PRIVATE KEY-----\n").unwrap();
        assert!(
            chain(&holds(&board, &path, "CERTIFICATE").unwrap_err())
                .contains("no PEM block of a certificate")
        );
        assert!(holds(&board, &path, "PRIVATE KEY").is_ok());
    }
}
