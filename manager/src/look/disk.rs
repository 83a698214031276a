//! A board's data disk, through its shell: whether it is in its place, and the services' folders on it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::DiskSeen;
use crate::bootstrap::link::{Link, Script};
use crate::rack::{Board, DataDisk, Rack};
use crate::reach::chain;
use crate::stack;

/// `UUID PLACE [FOLDER ...]`: a line why it is not in its place, or one for each folder that is there. The device
/// of a UUID is asked of the disks, not of a cache that udev may not have written yet.
const LOOK: &str = r#"
device=$(blkid -U "$1") || { echo "astray no disk with the UUID $1 is there"; exit 0; }
there=$(findmnt -n -o SOURCE --mountpoint "$2" | tail -n 1)
if [ -z "$there" ]; then echo "astray $device is not mounted at $2"; exit 0; fi
if [ "$there" != "$device" ]; then echo "astray $there is mounted at $2, and not $device"; exit 0; fi
shift 2
for folder in "$@"; do
    if [ -d "$folder" ]; then echo "folder $(stat -c %u "$folder") $folder"; fi
done
exit 0"#;

/// The board's data disk, where the file names one and the board has a shell.
pub(crate) async fn look(
    link: &Link,
    rack: &Rack,
    board: &Board,
    within: Duration,
) -> Result<Option<DiskSeen>, String> {
    let Some(disk) = board.data_disk.as_ref().filter(|_| link.has_shell()) else { return Ok(None) };
    let folders = stack::folders(rack, board).map_err(|error| error.to_string())?;
    let script = script("looking at its data disk", LOOK, disk).within(within);
    let script = folders.iter().fold(script, |script, folder| script.with(folder.path.as_str()));
    let ran = link.ask(&script).await.map_err(|error| chain(&error))?;
    Ok(Some(parsed(&ran.text())))
}

fn parsed(text: &str) -> DiskSeen {
    let mut seen = DiskSeen { astray: None, folders: BTreeMap::new() };
    for line in text.lines() {
        match line.split_once(' ') {
            Some(("astray", words)) => seen.astray = Some(words.to_owned()),
            Some(("folder", rest)) => {
                let (owner, path) = rest.split_once(' ').unwrap_or((rest, ""));
                seen.folders.extend(path.parse().ok().zip(owner.parse().ok()));
            }
            _ => {}
        }
    }
    seen
}

/// A script about a board's disk: its UUID and its place come first among the arguments.
pub(crate) fn script(what: &str, text: &str, disk: &DataDisk) -> Script {
    Script::new(what, text).with(&disk.uuid).with(disk.mount.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_in_its_place_with_folders_or_astray_with_words() {
        let seen = parsed("folder 1000 /srv/data/pirack/kafka\nfolder 0 /srv/data/a b\n");
        let told: Vec<(String, u32)> =
            seen.folders.iter().map(|(path, owner)| (path.to_string(), *owner)).collect();
        assert_eq!(told, [("/srv/data/a b".to_owned(), 0), ("/srv/data/pirack/kafka".to_owned(), 1000)]);
        assert_eq!(seen.astray, None);
        let words = "/dev/sda1 is not mounted at /srv/data";
        assert_eq!(parsed(&format!("astray {words}\n")).astray.as_deref(), Some(words));
    }
}
