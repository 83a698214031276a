//! Promises of what is kept of refused records.

use jiff::Timestamp;

use super::*;

fn record(sequence: u64, bytes: usize) -> RefusedRecord {
    RefusedRecord {
        time: Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
        identity: Identity { queue: Uuid::from_u128(7), sequence },
        tag: 1,
        reason: format!("too large: {sequence}"),
        payload: vec![b'x'; bytes],
    }
}

fn refusals(disk: &FakeDisk) -> Refusals {
    open(Arc::new(disk.clone()), SMALL, BOOT, &["kafka"]).unwrap().refusals.remove(0)
}

fn kept(disk: &FakeDisk) -> (u64, Vec<RefusedRecord>) {
    let mut all = refused(disk).unwrap();
    assert_eq!(all.len(), 1);
    let RefusedBySink { sink, gone, records } = all.remove(0);
    assert_eq!(sink, "kafka");
    (gone, records)
}

#[test]
fn a_refused_record_is_kept_whole_and_once_however_often_it_is_refused() {
    let disk = FakeDisk::default();
    let mut files = refusals(&disk);
    let records = [record(3, 10), record(5, 0)];
    files.keep(&records[..1]).unwrap();
    files.keep(&records).unwrap();
    drop(files);
    refusals(&disk).keep(&records).unwrap();
    assert_eq!(kept(&disk), (0, records.to_vec()));
}

#[test]
fn a_power_cut_takes_nothing_that_was_kept() {
    let disk = FakeDisk::default();
    for sequence in 0..20 {
        refusals(&disk).keep(&[record(sequence, 10)]).unwrap();
        disk.cut_power(sequence);
        assert_eq!(kept(&disk).1.len() as u64, sequence + 1);
    }
}

#[test]
fn what_is_kept_is_bounded_and_what_had_to_go_is_counted() {
    let disk = FakeDisk::default();
    let mut files = refusals(&disk);
    for sequence in 0..50 {
        files.keep(&[record(sequence, 100_000)]).unwrap();
        let (gone, records) = kept(&disk);
        assert_eq!(gone + records.len() as u64, sequence + 1);
        assert!(records.iter().map(|record| record.payload.len()).sum::<usize>() < 2_300_000);
        assert_eq!(records.last().unwrap().identity.sequence, sequence);
    }
    assert!(kept(&disk).0 > 0);
}

#[test]
fn a_write_cut_short_is_written_over_and_costs_no_other() {
    let disk = FakeDisk::default();
    refusals(&disk).keep(&[record(0, 10), record(1, 10)]).unwrap();
    let file = disk.open("kafka.refused", true).unwrap();
    let torn =
        disk.list("").unwrap().into_iter().find(|file| file.name == "kafka.refused").unwrap().bytes - 5;
    file.truncate(torn).unwrap();
    drop(file);
    assert_eq!(kept(&disk).1.len(), 1);
    refusals(&disk).keep(&[record(1, 10)]).unwrap();
    assert_eq!(kept(&disk).1, [record(0, 10), record(1, 10)]);
}

#[test]
fn a_disk_that_fails_promises_nothing_and_the_next_try_keeps_all() {
    let disk = FakeDisk::default();
    let mut files = refusals(&disk);
    disk.fail_writes(1);
    assert!(files.keep(&[record(0, 10)]).is_err());
    files.keep(&[record(0, 10), record(1, 10)]).unwrap();
    assert_eq!(kept(&disk).1.len(), 2);
}

#[test]
fn a_record_that_went_into_the_older_file_is_not_kept_once_more() {
    let disk = FakeDisk::default();
    let mut refusals = refusals(&disk);
    for sequence in 0..3 {
        refusals.keep(&[record(sequence, 600 << 10)]).unwrap();
    }
    let before = kept(&disk);
    refusals.keep(&[record(1, 600 << 10)]).unwrap();
    assert_eq!(kept(&disk), before);
}
