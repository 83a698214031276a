//! Faults by the row: those of a system, which are really there, and those of a kernel or a device, which boards here
//! have of this machine. For those, what a Raspberry Pi tells stands where preflight looks, in its own form, so that it
//! is gathered and read as there. Many are looked at in one go; none of them hides another.

use std::collections::BTreeSet;
use std::fs;

use pirack_lab::{Board, Flaw, Lab, Outcome};

use crate::boards::{said, shell};
use crate::checks::Found;
use crate::disk::Disk;
use crate::rack::File;

use Given::{Before, By, Done, Over};

/// How a board is given a fault, and how it is rid of it.
enum Given {
    /// This text lies over a file.
    Over(&'static str, &'static str),
    /// This script stands before the program of that name.
    Before(&'static str, &'static str),
    /// One script gives it, the other mends it.
    By(&'static str, &'static str),
    /// The same of what is done from outside the board.
    Done(fn(&Board), fn(&Board)),
}

impl Given {
    fn give(&self, of: &Board) {
        let script = match self {
            Over(path, text) => format!(
                "part=/run/over$(echo {path} | tr / _); cat >$part <<'END'\n{text}\nEND\nmount --bind $part {path}"
            ),
            Before(name, script) => {
                format!("cd /usr/local/sbin; cat >{name} <<'END'\n#!/bin/sh\n{script}\nEND\nchmod 755 {name}")
            }
            By(give, _) => (*give).to_owned(),
            Done(give, _) => return give(of),
        };
        said(of, "sh", &["-ec", &script]);
    }

    fn mend(&self, of: &Board) {
        let script = match self {
            Over(path, _) => format!("umount {path}"),
            Before(name, _) => format!("rm /usr/local/sbin/{name}"),
            By(_, mend) => (*mend).to_owned(),
            Done(_, mend) => return mend(of),
        };
        said(of, "sh", &["-ec", &script]);
    }
}

/// On which board, what, and who is found with it; nobody where it takes another row to be one.
type Fault = (usize, Given, &'static [Found]);

/// What `/sys` has of an SD card; of eMMC it has `MMC`.
const CARD: Given = By(
    "mount -t tmpfs tmpfs /sys/block; mkdir -p /sys/block/mmcblk0/device; echo SD >/sys/block/mmcblk0/device/type",
    "umount /sys/block",
);
/// A kernel has modules where this folder is.
const MODULES: Given = By("mkdir -p /lib/modules/$(uname -r)", "rmdir /lib/modules/$(uname -r) /lib/modules");

const OF_THE_SYSTEM: &[Fault] = &[
    // Not even an empty folder can be made.
    (
        1,
        By(
            "for place in /tmp /dev/shm; do mount -t tmpfs -o nr_inodes=1 tmpfs $place; done",
            "umount /tmp /dev/shm",
        ),
        &[("b1", "PF005", "No space left on device")],
    ),
    // Raspberry Pi OS with the kernel of 32 bits.
    (
        2,
        Before(
            "uname",
            "case $1 in -m) echo armv7l ;; -r) echo 6.1.21-v7+ ;; *) exec /usr/bin/uname \"$@\" ;; esac",
        ),
        &[("b2", "PF006", "it is armv7l")],
    ),
    // The same with the kernel of 64 bits, which it starts by itself since 2023.
    (
        3,
        Before(
            "uname",
            "case $1 in -m) echo aarch64 ;; -r) echo 6.12.47+rpt-rpi-v8 ;; *) exec /usr/bin/uname \"$@\" ;; esac",
        ),
        &[],
    ),
    (
        3,
        Before("dpkg", "[ \"$1\" = --print-architecture ] || exec /usr/bin/dpkg \"$@\"\necho armhf"),
        &[("b3", "PF007", "its kernel is aarch64, its packages are armhf")],
    ),
    (
        2,
        Over(
            "/etc/os-release",
            "NAME=\"Arch Linux ARM\"\nPRETTY_NAME=\"Arch Linux ARM\"\nID=archarm\nID_LIKE=arch\nBUILD_ID=rolling\nANSI_COLOR=\"0;36\"",
        ),
        &[("b2", "PF008", "Arch Linux ARM")],
    ),
    // A Zero 2 W: what the firmware and the kernel leave of 512 MiB.
    (
        2,
        Over(
            "/proc/meminfo",
            "MemTotal:         436224 kB\nMemFree:          123456 kB\nMemAvailable:     298712 kB",
        ),
        &[("b2", "PF009", "the file says 1GiB, and it reports 426 MiB")],
    ),
    (
        2,
        Over(
            "/proc/swaps",
            "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/zram0                              partition\t2097136\t\t0\t\t100\n/var/swap                               file\t\t524272\t\t0\t\t-2",
        ),
        &[("b2", "PF010", "it swaps to /var/swap")],
    ),
    (3, MODULES, &[]),
    (
        3,
        Over("/proc/filesystems", "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n\text3\n\text2\n\text4\n\tvfat"),
        &[("b3", "PF011", "no overlay file system")],
    ),
    // The card of a system has failed: nothing can be written, in no folder but those in memory.
    (3, CARD, &[]),
    (
        3,
        Before(
            "findmnt",
            "/usr/bin/findmnt \"$@\" | sed 's|^TARGET=\"/\" SOURCE=\"[^\"]*\" FSTYPE=\"[^\"]*\" OPTIONS=\"[^\"]*\"|TARGET=\"/\" SOURCE=\"/dev/mmcblk0p2\" FSTYPE=\"ext4\" OPTIONS=\"ro,noatime\"|'",
        ),
        &[("b3", "PF017", "the SD card mmcblk0"), ("b3", "PF019", "/dev/mmcblk0p2 at / is mounted with ro")],
    ),
    (3, By("mount --bind /tmp /tmp; mount -o remount,bind,ro /tmp", "umount /tmp"), &[]),
    // A radio's folder; its speed is there and cannot be read. Its address is another board's: really so, none of the
    // two would be reached.
    (
        2,
        By(
            "wlan=/run/wlan; cd /sys/class/net/eth0; mkdir -p $wlan/wireless $wlan/speed; cp mtu $wlan; echo dc:a6:32:01:02:03 >$wlan/address; mount --bind $wlan \"$(pwd -P)\"",
            "umount /sys/class/net/eth0",
        ),
        &[("b2", "PF027", "eth0")],
    ),
    (
        3,
        Over("/sys/class/net/eth0/address", "dc:a6:32:01:02:03"),
        &[("b3", "PF049", "dc:a6:32:01:02:03 is b2's too")],
    ),
    // A cable of which two wires of eight are left.
    (3, Over("/sys/class/net/eth0/speed", "10"), &[("b3", "PF028", "eth0 runs at 10 Mbit/s")]),
    (
        2,
        By(
            "cp /etc/hosts /tmp/hosts; sed 's/^10.77.0.13 /10.9.9.9 /' /tmp/hosts >/etc/hosts",
            "cat /tmp/hosts >/etc/hosts",
        ),
        &[("b2", "PF032", "b3 leads to 10.9.9.9, not 10.77.0.13")],
    ),
    (
        2,
        By(
            "mkdir -p /snap/bin; touch /usr/bin/snap; ln -s /usr/bin/snap /snap/bin/docker",
            "rm -r /snap /usr/bin/snap",
        ),
        &[("b2", "PF046", "/snap/bin/docker")],
    ),
    (
        3,
        By("hostname b2", "hostname b3"),
        &[("b3", "PF030", "it is called b2"), ("b3", "PF048", "b2 is b2's too")],
    ),
    (
        2,
        By("mv /usr/bin/ping /usr/bin/ping.away", "mv /usr/bin/ping.away /usr/bin/ping"),
        &[("b2", "PF051", "no ping")],
    ),
    (
        2,
        By(
            "cp /etc/docker/daemon.json /tmp/daemon.json; echo '{ \"debug\": true,, }' >/etc/docker/daemon.json",
            "cp /tmp/daemon.json /etc/docker/daemon.json",
        ),
        &[("b2", "PF052", "line 1 column 17")],
    ),
];

const OF_ONE_BOARD: &[Fault] = &[
    (2, MODULES, &[]),
    (2, By("mount -t tmpfs tmpfs /sys/module", "umount /sys/module"), &[("b2", "PF011", "no VXLAN")]),
    (2, CARD, &[("b2", "PF016", "/dev/mmcblk0p3 is a part of the SD card mmcblk0")]),
    (2, Done(disk_fails, disk_is_well), &[("b2", "PF019", "/dev/mmcblk0p3 at /srv/data is mounted with ")]),
    // A router stands before it.
    (
        1,
        By(
            "ip address add 10.77.0.99/24 dev eth0; iptables -I FORWARD -j ACCEPT; iptables -t nat -A PREROUTING -d 10.77.0.99 -j DNAT --to-destination 10.77.0.12; iptables -t nat -A POSTROUTING -d 10.77.0.12 -j MASQUERADE",
            "ip address delete 10.77.0.99/24 dev eth0; iptables -D FORWARD -j ACCEPT; iptables -t nat -D PREROUTING -d 10.77.0.99 -j DNAT --to-destination 10.77.0.12; iptables -t nat -D POSTROUTING -d 10.77.0.12 -j MASQUERADE",
        ),
        &[("b2", "PF025", "10.77.0.12, "), ("b2", "PF031", "b2 leads to 10.77.0.12")],
    ),
    (2, Done(engine_is_old, engine_is_well), &[("b2", "PF040", "it is 19.03.")]),
    (
        2,
        Done(|of| of.give(&Flaw::Clock(5)).unwrap(), |of| of.mend(&Flaw::Clock(5)).unwrap()),
        &[("rack", "PF053", "b2 is 5.")],
    ),
];

/// What the kernel makes of it when a disk takes a write no more.
fn disk_fails(of: &Board) {
    let number = said(of, "stat", &["-c", "%T", "/dev/mmcblk0p3"]);
    let number = u32::from_str_radix(number.trim(), 16).unwrap();
    fs::write(format!("/sys/fs/ext4/loop{number}/trigger_fs_error"), "the lab").unwrap();
}

fn disk_is_well(of: &Board) {
    shell(of, "umount /srv/data; mount -o errors=remount-ro /dev/mmcblk0p3 /srv/data");
}

/// Debian has no older one any more: the same one, that takes itself for it.
fn engine_is_old(of: &Board) {
    shell(
        of,
        "own=$(docker version --format '{{.Server.Version}}'); sed \"s/$own/19.03${own#20.10}/g\" /usr/sbin/dockerd >/opt/dockerd; chmod 755 /opt/dockerd",
    );
    of.kill_engine().unwrap();
    shell(of, "mount --bind /opt/dockerd /usr/sbin/dockerd");
    of.start_engine().unwrap();
}

fn engine_is_well(of: &Board) {
    of.kill_engine().unwrap();
    shell(of, "umount /usr/sbin/dockerd; rm /opt/dockerd");
    of.start_engine().unwrap();
}

/// That each of them is found where it is looked for, nothing else is, and nothing is any more once all are mended.
fn hold(lab: &Lab, faults: &[Fault], well: &File, wrong: &File) {
    let before = well.preflight(&[]);
    for (on, given, _) in faults {
        given.give(lab.board(*on));
    }
    let report = wrong.preflight(&[]);
    for (on, given, _) in faults.iter().rev() {
        given.mend(lab.board(*on));
    }
    let after = well.preflight(&[]);
    let all: Vec<&Found> = faults.iter().flat_map(|(_, _, found)| *found).collect();
    for board in ["b1", "b2", "b3", "rack"] {
        let own = all.iter().filter(|found| found.0 == board);
        let expected: BTreeSet<String> = own.map(|(_, code, _)| (*code).to_owned()).collect();
        let found: BTreeSet<String> = report.codes(board).difference(&before.codes(board)).cloned().collect();
        assert_eq!(found, expected, "on {board}: {:#}\n{}", report.json, report.err);
        assert_eq!(after.codes(board), before.codes(board), "{:#}", after.json);
    }
    for (board, code, part) in all {
        let seen = report.seen(board, code);
        assert!(seen.contains(part), "{code} of {board}: {seen}");
    }
}

pub(crate) fn of_the_system(lab: &Lab) -> Outcome {
    let file = File::of(lab, &[1, 2, 3], "");
    hold(lab, OF_THE_SYSTEM, &file, &file);
    Ok(())
}

pub(crate) fn of_one_board(lab: &Lab) -> Outcome {
    const UUID: &str = "0a1b2c3d-0000-4000-8000-00000000000c";
    let of = lab.board(2);
    let disk = Disk::given_to(of, 2 << 30);
    let (fstab, by_uuid) = ("/etc/fstab", format!("/dev/disk/by-uuid/{UUID}"));
    shell(
        of,
        &format!(
            "mkfs.ext4 -q -F -U {UUID} {}; cp -a {} /dev/mmcblk0p3; mkdir -p /dev/disk/by-uuid /srv/data; ln -s ../../mmcblk0p3 {by_uuid}; touch {fstab}; cp {fstab} /tmp/fstab; echo 'UUID={UUID} /srv/data ext4 defaults,noatime,nofail 0 2' >>{fstab}",
            disk.node, disk.node
        ),
    );
    shell(of, "mount -o errors=remount-ro /dev/mmcblk0p3 /srv/data");
    let key = said(of, "ssh-keygen", &["-yf", "/etc/ssh/ssh_host_ed25519_key"]);
    let more = format!(
        "data_disk = {{ uuid = \"{UUID}\", mount = \"/srv/data\" }}\n[board.ssh]\nhost_keys = [\"{}\"]\n[[app]]\nname = \"web\"\nimage = \"web:1\"\nnetworks = [\"front\"]\n",
        key.trim()
    );
    let (well, wrong) = (File::of(lab, &[2], &more), File::of(lab, &[2], &more));
    let text = fs::read_to_string(wrong.path("rack.toml"))?;
    wrong.write(&text.replace("\"10.77.0.12\"", "\"10.77.0.99\""));
    hold(lab, OF_ONE_BOARD, &well, &wrong);
    shell(of, &format!("umount /srv/data; rm /dev/mmcblk0p3 {by_uuid} {}; cp /tmp/fstab {fstab}", disk.node));
    Ok(())
}
