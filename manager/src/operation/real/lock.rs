//! The lock's file on a board, through its shell.

use crate::bootstrap::agent::digest;
use crate::bootstrap::link::{Link, Script};
use crate::operation::lock::{self, Lock};
use crate::operation::world::{WorldError, failed};

/// What is said of a file that is not there, in place of its digest.
const ABSENT: &str = "absent";

/// `FILE DIGEST`, and the lock as input. It is written if the file's SHA-256 is that one, by one writer at a time. It is
/// on the disk before it has its name: whoever reads it, also after a power cut, reads all of it.
const WRITE: &str = r#"set -eu
mkdir -p "${1%/*}"
exec 9<"${1%/*}"
flock -w 10 9
cat >"$1.new"
sync "$1.new"
found=absent
if [ -e "$1" ]; then found=$(sha256sum <"$1" | cut -d' ' -f1); fi
if [ "$found" = "$2" ]; then
    mv -f "$1.new" "$1"
    echo ours
else
    rm -f "$1.new"
    echo theirs
fi"#;

/// `FILE OPERATION`. It goes if it is that operation's, while no writer puts another in its place.
const DROP: &str = r#"set -eu
if [ ! -e "$1" ]; then exit 0; fi
exec 9<"${1%/*}"
flock -w 10 9
if grep -qF "$2" "$1" 2>/dev/null; then rm -f "$1"; fi"#;

pub(super) async fn read(link: &Link) -> Result<Option<Vec<u8>>, WorldError> {
    link.get(lock::FILE).await.map_err(|error| failed(&link.board().name, "reading the lock", error))
}

pub(super) async fn write(link: &Link, lock: &Lock, over: Option<&[u8]>) -> Result<bool, WorldError> {
    let ran = link.ask(&writing(lock::FILE, lock, over)).await;
    let ran = ran.map_err(|error| failed(&link.board().name, "taking the lock", error))?;
    Ok(ran.text().trim() == "ours")
}

fn writing(file: &str, lock: &Lock, over: Option<&[u8]>) -> Script {
    let over = over.map_or_else(|| ABSENT.to_owned(), digest);
    Script::new("taking the lock", WRITE).with(file).with(over).reading(lock.text())
}

pub(super) async fn remove(link: &Link, lock: &Lock) -> Result<(), WorldError> {
    let ran = link.ask(&removing(lock::FILE, lock)).await;
    ran.map(drop).map_err(|error| failed(&link.board().name, "giving the lock back", error))
}

fn removing(file: &str, lock: &Lock) -> Script {
    Script::new("giving the lock back", DROP).with(file).with(lock.operation.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;
    use std::{fs, thread};

    use uuid::Uuid;

    use super::*;
    use crate::operation::Kind;

    #[test]
    fn a_lock_is_written_over_just_what_was_there_be_it_a_lock_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock.json");
        let file = path.to_str().unwrap();
        let lock = Lock::of(Uuid::from_u128(1), Kind::Apply, "ada@desk");
        let takes = |lock: &Lock, over: Option<&[u8]>| {
            let ran = writing(file, lock, over).here();
            assert!(ran.status.success(), "{ran:?}");
            String::from_utf8(ran.stdout).unwrap().trim() == "ours"
        };
        assert!(takes(&lock, None));
        assert!(!takes(&lock.next(), None), "there is one");
        assert!(!takes(&lock.next(), Some(b"")));
        assert_eq!(fs::read_to_string(&path).unwrap(), lock.text());
        assert!(takes(&lock.next(), Some(lock.text().as_bytes())));
        // As a power cut leaves it, or an editor.
        for broken in [&b""[..], b"\0\0\0\0", b"{}\n\n"] {
            fs::write(&path, broken).unwrap();
            assert!(!takes(&lock, None), "{broken:?}");
            assert!(takes(&lock, Some(broken)), "{broken:?}");
        }
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing else is left: {left:?}");
    }
    #[test]
    fn a_lock_is_taken_away_by_whoever_has_it_and_by_nobody_while_another_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock.json");
        let file = path.to_str().unwrap();
        let lock = Lock::of(Uuid::from_u128(1), Kind::Apply, "ada@desk");
        let removes = |lock: &Lock| {
            let ran = removing(file, lock).here();
            assert!(ran.status.success(), "{ran:?}");
        };
        removes(&lock);
        let theirs = Lock { operation: Uuid::from_u128(2), ..lock.clone() };
        fs::write(&path, theirs.text()).unwrap();
        removes(&lock);
        assert_eq!(fs::read_to_string(&path).unwrap(), theirs.text());
        removes(&theirs);
        assert!(!path.exists());
        // Whoever reads a pipe waits for its words: meanwhile nobody else may write in the folder.
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        thread::scope(|scope| {
            scope.spawn(|| removes(&lock));
            let mut words = fs::OpenOptions::new().write(true).open(&path).unwrap();
            let free = Command::new("flock").args(["-n".as_ref(), folder.path(), "true".as_ref()]).status();
            words.write_all(lock.text().as_bytes()).unwrap();
            assert!(!free.unwrap().success(), "another could have written its own");
        });
        assert!(!path.exists());
    }
}
