//! Which mounts are file systems that can fill up, from `/proc/self/mountinfo`.
//!
//! A line of it (`proc_pid_mountinfo(5)`), fields parted by one space:
//!
//! ```text
//! 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//! id parent major:minor root mount-point options optional... - type source super-options
//! ```
//!
//! Spaces, tabs, newlines and backslashes in names are written as `\040` and the like.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Where a file system's blocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On this board: asking answers.
    Local,
    /// Behind a network: asking may hang.
    Network,
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// `major:minor`, the same for every mount of one file system.
    device: String,
    /// Whether all of the file system is mounted here, or a folder of it.
    whole: bool,
    kind: String,
}

/// File systems that have no block device of their own and yet hold data on this board.
const LOCAL_WITHOUT_DEVICE: [&str; 7] = ["9p", "bcachefs", "btrfs", "jffs2", "ubifs", "virtiofs", "zfs"];

/// Images that are full by nature.
const IMAGES: [&str; 5] = ["cramfs", "erofs", "iso9660", "squashfs", "udf"];

const NETWORK: [&str; 11] = [
    "afs",
    "ceph",
    "cifs",
    "fuse.ceph-fuse",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "nfs",
    "nfs4",
    "smb3",
];

impl Mount {
    /// Where its blocks are; none for a file system that holds no data.
    pub(super) fn place(&self) -> Option<Place> {
        let kind = self.kind.as_str();
        if NETWORK.contains(&kind) {
            return Some(Place::Network);
        }
        // Major number 0 stands for "no device" (`Documentation/admin-guide/devices.txt`). The root counts
        // whatever it is: an overlay above a read-only card fills up all the same.
        let device = !self.device.starts_with("0:") && !IMAGES.contains(&kind);
        let local = device || LOCAL_WITHOUT_DEVICE.contains(&kind) || self.point == Path::new("/");
        local.then_some(Place::Local)
    }
}

/// The file systems at `place`, each once, at the mount that shows most of it and has the shortest path.
/// Lines that are no mounts are passed over.
pub(super) fn file_systems(mountinfo: &str, place: Place) -> Vec<Mount> {
    let mut visible: Vec<Mount> = Vec::new();
    for mount in mountinfo.lines().filter_map(parse) {
        // A later mount at the same point hides the earlier one.
        visible.retain(|earlier| earlier.point != mount.point);
        visible.push(mount);
    }
    let mut chosen: Vec<Mount> = Vec::new();
    for mount in visible.into_iter().filter(|mount| mount.place() == Some(place)) {
        match chosen.iter_mut().find(|other| other.device == mount.device) {
            Some(other) if rank(&mount) < rank(other) => *other = mount,
            Some(_) => {}
            None => chosen.push(mount),
        }
    }
    chosen
}

fn rank(mount: &Mount) -> (bool, bool, usize) {
    (mount.point != Path::new("/"), !mount.whole, mount.point.as_os_str().len())
}

fn parse(line: &str) -> Option<Mount> {
    let (head, tail) = line.split_once(" - ")?;
    let mut head = head.split(' ').skip(2);
    let device = head.next().filter(|device| device.contains(':'))?;
    let whole = head.next()? == "/";
    let point = unescape(head.next().filter(|point| point.starts_with('/'))?);
    let kind = tail.split(' ').next()?;
    Some(Mount { point, device: device.to_owned(), whole, kind: kind.to_owned() })
}

/// Undoes the kernel's `\ooo` (`mangle_path` in `fs/seq_file.c`).
fn unescape(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match octal(rest) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

fn octal(text: &[u8]) -> Option<u8> {
    let digits = text.strip_prefix(b"\\")?.get(..3)?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PI: &str = "\
22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
23 22 0:5 / /dev rw,relatime shared:2 - devtmpfs udev rw,size=3784764k
24 22 0:20 / /proc rw,relatime shared:3 - proc proc rw
25 22 0:21 / /sys rw,nosuid shared:4 - sysfs sysfs rw
26 22 0:22 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=806372k
30 22 179:1 / /boot/firmware rw,relatime shared:30 - vfat /dev/mmcblk0p1 rw,fmask=0022
31 22 8:1 / /srv/data rw,noatime shared:31 - ext4 /dev/sda1 rw
32 22 8:1 /cassandra /var/lib/cassandra rw,noatime shared:31 - ext4 /dev/sda1 rw
33 22 0:44 / /var/lib/docker/overlay2/5d2/merged rw,relatime - overlay overlay rw,lowerdir=/a
34 22 0:51 / /mnt/nas rw,relatime - nfs4 10.0.0.9:/export rw,vers=4.2,hard
35 22 7:0 / /snap/core/1 ro,nodev - squashfs /dev/loop0 ro
36 22 179:2 /home /home ro,relatime - ext4 /dev/mmcblk0p2 rw
";

    fn points(text: &str, place: Place) -> Vec<String> {
        file_systems(text, place).iter().map(|mount| mount.point.display().to_string()).collect()
    }

    #[test]
    fn a_pi_has_its_card_its_boot_partition_and_its_disk_each_once() {
        assert_eq!(points(PI, Place::Local), ["/", "/boot/firmware", "/srv/data"]);
    }

    #[test]
    fn what_may_hang_is_kept_apart_from_what_answers() {
        assert_eq!(points(PI, Place::Network), ["/mnt/nas"]);
    }

    #[test]
    fn a_bind_mount_listed_first_gives_way_to_the_mount_of_the_whole() {
        let text = "\
40 22 8:1 /x /a rw - ext4 /dev/sda1 rw
41 22 8:1 / /much/longer/path rw - ext4 /dev/sda1 rw
";
        assert_eq!(points(text, Place::Local), ["/much/longer/path"]);
    }

    #[test]
    fn the_root_counts_even_as_an_overlay_and_a_container_s_overlay_does_not() {
        let text = "\
22 1 0:2 / / rw - rootfs rootfs rw
23 1 0:30 / / rw,relatime - overlay overlay rw,lowerdir=/lower,upperdir=/upper
24 23 0:31 / /var/lib/docker/overlay2/1/merged rw - overlay overlay rw
25 23 0:32 /@home /home rw - btrfs /dev/nvme0n1p3 rw,subvol=/@home
";
        assert_eq!(points(text, Place::Local), ["/", "/home"]);
    }

    #[test]
    fn names_with_spaces_and_backslashes_come_back_whole() {
        let text = r"40 22 8:1 / /media/my\040disk\134x rw - ext4 /dev/sda1 rw";
        assert_eq!(points(text, Place::Local), [r"/media/my disk\x"]);
        assert_eq!(unescape(r"a\04"), Path::new(r"a\04"), "cut short: left as it is");
        assert_eq!(unescape(r"a\999"), Path::new(r"a\999"), "not octal: left as it is");
    }

    #[test]
    fn lines_that_are_no_mounts_are_passed_over() {
        for text in
            ["", "\n", "garbage", "1 2 3", "1 2 8:1 / rel rw - ext4 x rw", "1 2 81 / /x rw - ext4 x", " - "]
        {
            assert_eq!(points(text, Place::Local), [""; 0], "{text:?}");
        }
        assert_eq!(points(&format!("nonsense\n{PI}"), Place::Local).len(), 3);
    }
}
