//! How a board is reached: by SSH, by its engine's TLS door, or not at all since it is this machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use toml::Spanned;

use super::super::code::Code;
use super::super::file::{BoardSection, BoardSshSection, List, SshSection, TlsSection};
use super::super::{Access, SshAccess, TlsAccess};
use super::Checker;

/// Whom Raspberry Pi's own documents and imager call the first user.
const USER: &str = "pi";
const SSH_PORT: u16 = 22;
const TLS_PORT: u16 = 2376;

impl Checker<'_> {
    pub(super) fn access(
        &mut self,
        table: &[&str; 2],
        board: &BoardSection,
        rack: &SshAccess,
    ) -> Option<Access> {
        let local = board.local.as_ref().filter(|written| *written.get_ref());
        let excluded = match (local, &board.tls, &board.ssh) {
            (Some(local), Some(_), _) => Some((local.span(), "local", "tls")),
            (Some(local), None, Some(_)) => Some((local.span(), "local", "ssh")),
            (None, Some(tls), Some(_)) => Some((tls.span(), "tls", "ssh")),
            _ => None,
        };
        if let Some((span, one, other)) = excluded {
            let what = format!("the board has both {one} and {other}");
            self.say(Code::Contradiction, span, what, "a board is reached in one way: take one of them out");
            return None;
        }
        match (local, &board.tls, &board.ssh) {
            (Some(_), ..) => Some(Access::Local),
            (None, Some(tls), _) => self.tls(table, tls).map(Access::Tls),
            (None, None, Some(ssh)) => Some(Access::Ssh(self.board_ssh(ssh.get_ref(), rack))),
            (None, None, None) => Some(Access::Ssh(rack.clone())),
        }
    }

    /// How boards are reached that say nothing else.
    pub(super) fn rack_ssh(&mut self, section: Option<&Spanned<SshSection>>) -> SshAccess {
        let default = SshAccess {
            user: USER.to_owned(),
            port: SSH_PORT,
            identity: None,
            known_hosts: None,
            host_keys: vec![],
        };
        let Some(section) = section.map(Spanned::get_ref) else { return default };
        SshAccess {
            user: self.user(section.user.as_ref(), default.user),
            port: self.port(&section.port, default.port),
            identity: self.path(&section.identity),
            known_hosts: self.path(&section.known_hosts),
            host_keys: vec![],
        }
    }

    fn board_ssh(&mut self, section: &BoardSshSection, rack: &SshAccess) -> SshAccess {
        SshAccess {
            user: self.user(section.user.as_ref(), rack.user.clone()),
            port: self.port(&section.port, rack.port),
            identity: self.path(&section.identity).or_else(|| rack.identity.clone()),
            known_hosts: self.path(&section.known_hosts).or_else(|| rack.known_hosts.clone()),
            host_keys: self.host_keys(&section.host_keys),
        }
    }

    /// A user's name as Debian's `adduser` takes one, or the older capital letters and dots.
    fn user(&mut self, written: Option<&Spanned<String>>, otherwise: String) -> String {
        let Some(written) = written else { return otherwise };
        let user = written.get_ref();
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let first = user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !first || user.len() > 32 || !user.chars().all(inner) {
            let what = format!("\"{user}\" is no user's name");
            self.say(
                Code::Name,
                written.span(),
                what,
                "write the name that you would give ssh, for example \"pi\"",
            );
        }
        user.clone()
    }

    fn tls(&mut self, [part, at]: &[&str; 2], section: &Spanned<TlsSection>) -> Option<TlsAccess> {
        let TlsSection { port, authority, certificate, key } = section.get_ref();
        let files = [("authority", authority), ("certificate", certificate), ("key", key)];
        for (name, _) in files.iter().filter(|(_, written)| written.is_none()) {
            let what = format!("the engine's door has no {name}");
            self.missing(
                (&[part, at, "tls"], name),
                Some(section.span()),
                &what,
                "name the three PEM files: authority, certificate, key",
            );
        }
        let port = self.port(port, TLS_PORT);
        let [authority, certificate, key] = files.map(|(_, written)| self.path(written));
        Some(TlsAccess { port, authority: authority?, certificate: certificate?, key: key? })
    }

    fn host_keys(&mut self, list: &List) -> Vec<String> {
        let mut keys = vec![];
        for item in list.iter().flat_map(|list| list.get_ref()) {
            match host_key(item.get_ref()) {
                Some(key) => keys.push(key),
                None => self.say(
                    Code::HostKey,
                    item.span(),
                    "this is no host key",
                    "write it as ssh-keyscan tells it, without the address: \"ssh-ed25519 AAAAC3...\"",
                ),
            }
        }
        keys
    }
}

/// A host key without its comment: its type, and in base64 its type again and the rest (RFC 4253, 6.6).
fn host_key(text: &str) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    let (kind, encoded) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(encoded).ok()?;
    let (length, rest) = blob.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let within = rest.get(..length)? == kind.as_bytes() && rest.len() > length;
    within.then(|| format!("{kind} {encoded}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_key_says_its_type_twice_and_alike() {
        let blob = |kind: &str| {
            let mut blob = u32::try_from(kind.len()).unwrap().to_be_bytes().to_vec();
            blob.extend(kind.bytes().chain([0, 0, 0, 1, 7]));
            STANDARD.encode(blob)
        };
        let encoded = blob("ssh-ed25519");
        let written = format!("ssh-ed25519 {encoded} root@b1");
        assert_eq!(host_key(&written), Some(format!("ssh-ed25519 {encoded}")));
        let other = format!("ssh-ed25519 {}", blob("ssh-rsa"));
        for wrong in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "SHA256:abcdef", &encoded, &other] {
            assert_eq!(host_key(wrong), None, "{wrong:?}");
        }
    }
}
