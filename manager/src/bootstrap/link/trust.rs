//! The rack's own file of known hosts: what a person confirmed once.

use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;

use super::host_key::{HostKey, host};

/// How a key stands to what the file has for that board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing of that board is in it.
    New,
    /// That key is in it.
    Known,
    /// Another key is in it.
    Changed,
}

/// How this key stands to the file; a file that is not there has none.
///
/// # Errors
/// When the file cannot be read.
pub fn standing(file: &Path, address: Ipv4Addr, port: u16, key: &HostKey) -> io::Result<Standing> {
    let text = text(file)?;
    let host = host(address, port);
    let mut lines = text.lines().filter(|line| is_of(line, &host)).peekable();
    if lines.peek().is_none() {
        return Ok(Standing::New);
    }
    let own = key.line(address, port);
    Ok(if lines.any(|line| line.trim() == own) { Standing::Known } else { Standing::Changed })
}

/// Writes the key into the file, in place of any other of that board's. Whoever reads it meanwhile sees the old
/// file or the new one.
///
/// # Errors
/// When the file cannot be read or written.
pub fn confirm(file: &Path, address: Ipv4Addr, port: u16, key: &HostKey) -> io::Result<()> {
    let host = host(address, port);
    let mut lines: Vec<String> =
        text(file)?.lines().filter(|line| !is_of(line, &host)).map(str::to_owned).collect();
    lines.push(key.line(address, port));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all((lines.join("\n") + "\n").as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn text(file: &Path) -> io::Result<String> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other,
    }
}

fn is_of(line: &str, host: &str) -> bool {
    line.split_whitespace().next().is_some_and(|hosts| hosts.split(',').any(|other| other == host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmed_key_is_known_and_takes_the_place_of_the_board_s_old_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rack.known_hosts");
        let key = |text: &str| HostKey { kind: "ssh-ed25519".to_owned(), key: text.to_owned() };
        let (one, other) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 11));
        assert_eq!(standing(&file, one, 22, &key("A")).unwrap(), Standing::New);
        confirm(&file, one, 22, &key("A")).unwrap();
        confirm(&file, other, 22, &key("B")).unwrap();
        confirm(&file, one, 2222, &key("C")).unwrap();
        assert_eq!(standing(&file, one, 22, &key("A")).unwrap(), Standing::Known);
        assert_eq!(standing(&file, one, 22, &key("D")).unwrap(), Standing::Changed);
        confirm(&file, one, 22, &key("D")).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text, "10.0.0.11 ssh-ed25519 B\n[10.0.0.1]:2222 ssh-ed25519 C\n10.0.0.1 ssh-ed25519 D\n");
    }
}
