//! The services' folders on a board's data disk, through its shell.

use pirack_swarm::desired::AbsolutePath;

use crate::bootstrap::link::{Link, LinkError, Script};
use crate::look::disk::script;
use crate::operation::world::{WorldError, failed};
use crate::rack::{Board, DataDisk, Rack};
use crate::stack::{self, Folder};

/// `UUID PLACE FOLDER OWNER`. What lies in a folder that is another's becomes the owner's too.
const MAKE: &str = r#"set -eu
device=$(blkid -U "$1")
if [ "$(findmnt -n -o SOURCE --mountpoint "$2" | tail -n 1)" != "$device" ]; then
    echo "$device is no longer mounted at $2" >&2
    exit 1
fi
mkdir -p "$3"
chown -R "$4:$4" "$3"
chmod 0750 "$3""#;

/// `UUID PLACE FOLDER`. Nothing goes but a data service's own folder, and only where it lies on that disk itself.
const CLEAR: &str = r#"set -eu
device=$(blkid -U "$1")
if [ "$(findmnt -n -o SOURCE --mountpoint "$2" | tail -n 1)" != "$device" ]; then
    echo "$device is no longer mounted at $2" >&2
    exit 1
fi
case $3 in
"$2/pirack/kafka" | "$2/pirack/cassandra") ;;
*) echo "$3 is no folder of a data service's at $2" >&2; exit 1 ;;
esac
if [ ! -e "$3" ] && [ ! -L "$3" ]; then exit 0; fi
if [ -L "$3" ] || [ "$(stat -c %m "$3")" != "$2" ]; then
    echo "$3 leads off the disk at $2: nothing in it was removed" >&2
    exit 1
fi
rm -rf --one-file-system "$3"
rmdir --ignore-fail-on-non-empty "$2/pirack""#;

/// Time for a folder of some hundred thousand files to change its owner, or to go.
const MAKING: std::time::Duration = std::time::Duration::from_secs(300);

pub(super) async fn make(link: &Link, board: &Board, folder: &Folder) -> Result<(), WorldError> {
    let what = format!("making the folder {}", folder.path);
    let Some(disk) = &board.data_disk else {
        return Err(failed(&board.name, &what, "the file names no data disk for it"));
    };
    let script = script(&what, MAKE, disk).with(folder.path.as_str()).with(folder.owner.to_string());
    let made: Result<_, LinkError> = link.ask(&script.within(MAKING)).await;
    made.map(drop).map_err(|error| failed(&board.name, &what, error))
}

/// Removes one of the folders that the file's services have on this board.
pub(super) async fn clear(
    link: &Link,
    rack: &Rack,
    board: &Board,
    folder: &AbsolutePath,
) -> Result<(), WorldError> {
    let what = format!("removing the folder {folder}");
    let own = stack::folders(rack, board).map_err(|error| failed(&board.name, &what, error))?;
    let disk = board.data_disk.as_ref().filter(|_| own.iter().any(|own| own.path == *folder));
    let Some(disk) = disk else {
        return Err(failed(&board.name, &what, "it is no folder of this rack's services"));
    };
    let cleared = link.ask(&clearing(&what, disk, folder.as_str())).await;
    cleared.map(drop).map_err(|error| failed(&board.name, &what, error))
}

fn clearing(what: &str, disk: &DataDisk, folder: &str) -> Script {
    script(what, CLEAR, disk).with(folder).within(MAKING)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Runs it over a folder that seems to be a disk's own; `place` is where all that is in it seems to lie.
    fn clears(mount: &str, place: &str, folder: &str) -> bool {
        let disk =
            format!("blkid() {{ echo disk; }}; findmnt() {{ echo disk; }}; stat() {{ echo '{place}'; }}\n");
        let script = Script::new("clearing", disk + CLEAR).with("uuid").with(mount).with(folder);
        script.here().status.success()
    }

    #[test]
    fn nothing_but_a_services_own_folder_is_removed_and_only_from_its_disk() {
        let disk = tempfile::tempdir().unwrap();
        let mount = disk.path().to_str().unwrap();
        let path = |name: &str| format!("{mount}/{name}");
        for name in ["pirack/kafka/log", "pirack/cassandra/data", "photos/pirack/kafka"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        for other in ["", "pirack", "photos", "pirack/kafka/log", "pirack/kafka/..", "photos/pirack/kafka"] {
            assert!(!clears(mount, mount, &path(other)), "{other}");
        }
        assert!(!clears(mount, "/elsewhere", &path("pirack/kafka")));
        std::os::unix::fs::symlink(path("photos"), path("link")).unwrap();
        fs::rename(path("pirack/kafka"), path("kafka")).unwrap();
        fs::rename(path("link"), path("pirack/kafka")).unwrap();
        assert!(!clears(mount, mount, &path("pirack/kafka")), "a link leads anywhere");
        fs::remove_file(path("pirack/kafka")).unwrap();
        fs::rename(path("kafka"), path("pirack/kafka")).unwrap();
        for folder in ["pirack/kafka", "pirack/kafka", "pirack/cassandra"] {
            assert!(clears(mount, mount, &path(folder)), "{folder}");
            assert!(!fs::exists(path(folder)).unwrap());
        }
        assert!(!fs::exists(path("pirack")).unwrap() && fs::exists(path("photos/pirack/kafka")).unwrap());
    }

    #[test]
    fn without_its_disk_nothing_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mount = folder.path().to_str().unwrap().to_owned();
        fs::create_dir_all(folder.path().join("pirack/kafka")).unwrap();
        let disk = DataDisk { uuid: "0a1b2c3d-0000-4000-8000-000000000001".into(), mount, device: None };
        let kafka = format!("{}/pirack/kafka", disk.mount);
        assert!(!clearing("clearing", &disk, &kafka).here().status.success());
        assert!(fs::exists(kafka).unwrap());
    }
}
