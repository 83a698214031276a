//! Files of a board: written whole or not at all, read within a bound.

use super::Link;
use super::command::Script;
use super::error::LinkError;

/// What `get` ends with where there is no such file.
const ABSENT: i32 = 66;

/// A connection that breaks halfway looks like the end of the input: so its length is compared before the file
/// takes its place.
const PUT: &str = r#"set -eu
path=$1 mode=$2 size=$3
folder=$(dirname -- "$path")
umask 022
mkdir -p -- "$folder"
umask 077
temp=$(mktemp -- "$folder/.pirack.XXXXXX")
trap 'rm -f -- "$temp"' EXIT
trap 'exit 143' HUP INT TERM
cat >"$temp"
came=$(wc -c <"$temp")
[ "$came" -eq "$size" ] || { echo "only $came of $size bytes came" >&2; exit 1; }
chmod -- "$mode" "$temp"
sync -- "$temp" 2>/dev/null || sync
mv -fT -- "$temp" "$path"
trap - EXIT"#;

const GET: &str = r#"[ -e "$1" ] || exit 66
exec cat -- "$1""#;

impl Link {
    /// Writes a file as root's, with all folders above it, in one step: whoever reads it sees the old one or
    /// the new one. `mode` are its permissions, `0o644`.
    ///
    /// # Errors
    /// When it cannot be written; then the old one stands.
    pub async fn put(&self, path: &str, mode: u32, bytes: &[u8]) -> Result<(), LinkError> {
        let script = Script::new(format!("writing {path}"), PUT).with(path).with(format!("{mode:o}"));
        let script = script.with(bytes.len().to_string()).reading(bytes);
        self.ask(&script).await.map(drop)
    }

    /// Reads a file as root, of 4 MiB at most; nothing where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, LinkError> {
        let script = Script::new(format!("reading {path}"), GET).with(path);
        let ran = self.run(&script).await?;
        match ran.status {
            0 => Ok(Some(ran.stdout)),
            ABSENT => Ok(None),
            status => {
                let (board, what) = (self.board().name.clone(), format!("reading {path}"));
                Err(LinkError::Failed { board, what, status, said: ran.stderr })
            }
        }
    }
}
