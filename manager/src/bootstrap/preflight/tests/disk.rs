//! Disks, and what data lie on.

use super::*;

#[test]
fn pf013_to_pf016_the_data_disk_is_there_in_its_place_and_no_card() {
    let data = |facts: &mut Facts| facts.mounts.iter().position(|mount| mount.target == "/srv/data").unwrap();
    only(Check::NoDataDisk, "0a1b2c3d", |facts| facts.labelled = None);
    only(Check::DataNotMounted, "/dev/sda1 is not mounted", |facts| {
        let at = data(facts);
        facts.mounts.remove(at);
    });
    only(Check::DataNotMounted, "/dev/sdb1 is mounted", |facts| {
        let at = data(facts);
        facts.mounts[at].source = "/dev/sdb1".to_owned();
    });
    only(Check::DataNotLasting, "fstab", |facts| facts.fstab.retain(|line| line[1] != "/srv/data"));
    only(Check::DataOnCard, "mmcblk0", |facts| {
        let at = data(facts);
        facts.mounts[at].source = "/dev/mmcblk0p3".to_owned();
        facts.labelled = Some("/dev/mmcblk0p3".to_owned());
    });
}

#[test]
fn pf017_data_without_a_disk_of_their_own_are_on_the_card() {
    let mut rack = desk();
    rack.boards[0].data_disk = None;
    let findings = findings_of(&rack, |world| {
        let root = &mut world.get_mut("b1").unwrap().facts.as_mut().unwrap().mounts[0];
        (root.target, root.source) = ("/".to_owned(), "/dev/mmcblk0p2".to_owned());
    });
    assert_eq!(findings.iter().map(|finding| finding.check).collect::<Vec<_>>(), [Check::SystemOnCard]);
    // eMMC, or a board whose data are nowhere.
    let mut rack = desk();
    rack.boards[3].data_disk = None;
    let findings = findings_of(&rack, |world| {
        world.get_mut("b4").unwrap().facts.as_mut().unwrap().mounts[0].source = "/dev/mmcblk0p2".to_owned();
    });
    assert_eq!(findings, []);
}

#[test]
fn pf018_and_pf019_a_disk_that_is_full_or_cannot_be_written() {
    only(Check::DiskFull, "/srv/data has 900", |facts| {
        let mount = facts.mounts.iter_mut().find(|mount| mount.target == "/srv/data").unwrap();
        mount.available = Some(Bytes::mebibytes(900));
    });
    only(Check::DiskFull, "/ has 2000", |facts| {
        let size = Some(Bytes::mebibytes(60_000));
        facts.mounts[0] = Mount { size, available: Some(Bytes::mebibytes(2000)), ..facts.mounts[0].clone() };
    });
    for (options, stopped) in [
        ("ro,noatime", "with ro"),
        ("rw,noatime,errors=remount-ro,emergency_ro", "with emergency_ro"),
        ("rw,relatime,shutdown", "with shutdown"),
    ] {
        only(Check::ReadOnly, stopped, |facts| {
            facts.mounts[0].options = options.split(',').map(str::to_owned).collect();
        });
    }
}
