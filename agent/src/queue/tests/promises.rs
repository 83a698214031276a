//! One promise a test.

use super::*;
use crate::queue::testing::FakeDisk;
use crate::record::GapReason;

#[test]
fn nothing_is_readable_before_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, mut reader, ..) = open_at(folder.path(), BOOT);
    append(&mut writer);
    assert!(sequences(&mut reader, 0).is_empty());
    assert_eq!(writer.commit().unwrap(), Commit { durable: 1 });
    assert_eq!(sequences(&mut reader, 0), [0]);
}

#[test]
fn records_come_back_in_order_across_segments() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, mut reader, ..) = open_at(folder.path(), BOOT);
    fill(&mut writer, 40);
    fill(&mut writer, 1);
    assert!(writer.status().segments > 2);
    assert_eq!(sequences(&mut reader, 0), (0..41).collect::<Vec<_>>());
    assert_eq!(reader.read(7, 2, usize::MAX).unwrap().entries.len(), 2);
    assert_eq!(reader.read(7, usize::MAX, 60).unwrap().entries.len(), 2);
}

#[test]
fn a_clean_close_continues_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, reader, mut cursor, first) = open_at(folder.path(), BOOT);
    assert_eq!(first.start, Start::First);
    fill(&mut writer, 5);
    cursor.advance(3).unwrap();
    writer.close().outcome.unwrap();
    drop((reader, cursor));
    let (mut writer, mut reader, cursor, second) = open_at(folder.path(), BOOT);
    assert_eq!((second.start, second.queue, second.next), (Start::Continued, first.queue, 5));
    assert_eq!(cursor.position(), 3);
    fill(&mut writer, 1);
    assert_eq!(sequences(&mut reader, 3), [3, 4, 5]);
}

#[test]
fn two_openers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let held = open_at(folder.path(), BOOT);
    let storage = Arc::new(Directory::create(folder.path()).unwrap());
    let refused = open(storage, SMALL, BOOT, &[]).unwrap_err();
    assert!(matches!(refused, QueueError::Locked { .. }));
    assert!(refused.to_string().contains(&folder.path().display().to_string()), "{refused}");
    drop(held);
    open_at(folder.path(), BOOT);
}

#[test]
fn a_full_queue_drops_the_oldest_and_says_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, mut reader, mut cursor, _) = open_at(folder.path(), BOOT);
    fill(&mut writer, 20);
    cursor.advance(5).unwrap();
    for _ in 0..200 {
        fill(&mut writer, 1);
    }
    let status = writer.status();
    assert!(status.bytes <= SMALL.max_bytes, "{status:?}");
    let losses = writer.take_losses();
    assert_eq!(losses.len(), 1, "{losses:?}");
    let lost = &losses[0];
    assert_eq!((lost.from, lost.to, lost.reason), (5, status.oldest - 1, GapReason::QueueFull));
    assert_eq!(lost.count, status.oldest - 5);
    assert_eq!(sequences(&mut reader, 5), (status.oldest..220).collect::<Vec<_>>());
    assert_eq!(writer.take_losses(), []);
}

#[test]
fn a_killed_process_begins_a_new_id_and_continues_without_a_repeat() {
    let disk = FakeDisk::default();
    let (mut writer, _, _, first) = open_on(&disk, BOOT);
    fill(&mut writer, 3);
    append(&mut writer);
    disk.kill();
    let (mut writer, mut reader, _, second) = open_on(&disk, BOOT);
    assert_eq!((second.start, second.next), (Start::Killed, 3));
    assert_ne!(second.queue, first.queue);
    fill(&mut writer, 2);
    assert_eq!(sequences(&mut reader, 0), [0, 1, 2, 3, 4]);
}

#[test]
fn a_new_boot_begins_a_new_id_and_keeps_the_sequence() {
    let disk = FakeDisk::default();
    let (mut writer, _, _, first) = open_on(&disk, BOOT);
    fill(&mut writer, 3);
    writer.close().outcome.unwrap();
    disk.cut_power(1);
    let (_, mut reader, _, second) = open_on(&disk, NEXT_BOOT);
    assert_eq!((second.start, second.next), (Start::NewBoot, 3));
    assert_ne!(second.queue, first.queue);
    assert_eq!(sequences(&mut reader, 0), [0, 1, 2]);
}

#[test]
fn a_torn_tail_begins_a_new_queue_id() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, reader, cursor, first) = open_at(folder.path(), BOOT);
    fill(&mut writer, 3);
    drop((writer, reader, cursor));
    let path = folder.path().join("00000000000000000000.segment");
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length - 1).unwrap();
    let (mut writer, mut reader, _, second) = open_at(folder.path(), BOOT);
    assert_eq!((second.start, second.next, second.torn_bytes), (Start::TornEnd, 2, 66));
    assert_ne!(second.queue, first.queue);
    fill(&mut writer, 1);
    assert_eq!(sequences(&mut reader, 0), [0, 1, 2]);
}

#[test]
fn a_flipped_bit_costs_one_record_and_is_told() {
    let disk = FakeDisk::default();
    let (mut writer, mut reader, mut cursor, _) = open_on(&disk, BOOT);
    fill(&mut writer, 40);
    let name = "00000000000000000000.segment";
    assert!(disk.flip(name, 68 + 67 * 2 + 30, 3));
    let expected: Vec<u64> = (0..40).filter(|sequence| *sequence != 2).collect();
    assert_eq!(sequences(&mut reader, 0), expected);
    let losses = writer.take_losses();
    assert_eq!((losses[0].from, losses[0].to, losses[0].count), (2, 2, 1));
    assert_eq!(losses[0].reason, GapReason::Corrupt);
    let verified = verify(&disk, &mut |_| {}).unwrap();
    assert_eq!((verified.records, verified.damage.len()), (39, 1));
    assert_eq!((verified.damage[0].from, verified.damage[0].to), (2, Some(2)));
    cursor.advance(40).unwrap();
    Hand::settle(&mut cursor);
    writer.commit().unwrap();
    assert_eq!(inspect(&disk).unwrap().set_aside, [name]);
}

/// Turns a segment's header to zeros.
fn wipe_header(disk: &FakeDisk, name: &str) {
    disk.open(name, true).unwrap().write_at(0, &[0; 68]).unwrap();
}

#[test]
fn an_unreadable_header_between_segments_of_one_queue_costs_nothing_and_its_file_is_set_aside() {
    let disk = FakeDisk::default();
    let (mut writer, ..) = open_on(&disk, BOOT);
    fill(&mut writer, 40);
    disk.kill();
    wipe_header(&disk, "00000000000000000014.segment");
    let (mut writer, mut reader, mut cursor, _) = open_on(&disk, BOOT);
    assert_eq!(sequences(&mut reader, 0), (0..40).collect::<Vec<_>>());
    assert_eq!(writer.take_losses(), []);
    let verified = verify(&disk, &mut |_| {}).unwrap();
    assert_eq!((verified.records, verified.damage.len()), (40, 1));
    cursor.advance(40).unwrap();
    Hand::settle(&mut cursor);
    writer.commit().unwrap();
    assert_eq!(inspect(&disk).unwrap().set_aside, ["00000000000000000014.segment"]);
}

#[test]
fn a_first_segment_without_a_header_is_told_under_the_one_id_of_all_others() {
    let disk = FakeDisk::default();
    let (mut writer, .., first) = open_on(&disk, BOOT);
    fill(&mut writer, 40);
    disk.kill();
    wipe_header(&disk, "00000000000000000000.segment");
    let (mut writer, mut reader, _, recovery) = open_on(&disk, BOOT);
    assert_eq!(recovery.set_aside, ["00000000000000000000.segment"]);
    let losses = writer.take_losses();
    assert_eq!((losses.len(), losses[0].queue, losses[0].from, losses[0].to), (1, first.queue, 0, 13));
    assert_eq!(sequences(&mut reader, 0), (14..40).collect::<Vec<_>>());
}

#[test]
fn damage_that_was_passed_before_a_kill_is_set_aside_after_it() {
    let disk = FakeDisk::default();
    let (mut writer, mut reader, mut cursor, _) = open_on(&disk, BOOT);
    fill(&mut writer, 40);
    let name = "00000000000000000000.segment";
    assert!(disk.flip(name, 68 + 67 * 2 + 30, 3));
    assert_eq!(sequences(&mut reader, 0).len(), 39);
    cursor.advance(40).unwrap();
    disk.kill();
    let (mut writer, _, mut cursor, _) = open_on(&disk, BOOT);
    assert_eq!(writer.take_losses(), []);
    Hand::settle(&mut cursor);
    fill(&mut writer, 1);
    assert_eq!(inspect(&disk).unwrap().set_aside, [name]);
}

#[test]
fn a_cursor_past_the_end_begins_a_new_id_behind_it() {
    let disk = FakeDisk::default();
    let (mut writer, _, mut cursor, first) = open_on(&disk, BOOT);
    fill(&mut writer, 5);
    cursor.advance(5).unwrap();
    disk.kill();
    disk.remove("00000000000000000000.segment").unwrap();
    let (mut writer, _, _, second) = open_on(&disk, BOOT);
    assert_ne!(second.queue, first.queue);
    assert_eq!(append(&mut writer).sequence, 5);
}

#[test]
fn a_failed_sync_is_never_asked_again_and_loses_nothing() {
    let disk = FakeDisk::default();
    let (mut writer, ..) = open_on(&disk, BOOT);
    fill(&mut writer, 2);
    disk.fail_syncs(1);
    fill(&mut writer, 2);
    assert_eq!(writer.status().segments, 2);
    disk.cut_power(7);
    let (_, mut reader, _, _) = open_on(&disk, NEXT_BOOT);
    assert_eq!(sequences(&mut reader, 0), [0, 1, 2, 3]);
}

#[test]
fn a_disk_without_room_gives_up_the_oldest_for_the_newest() {
    let disk = FakeDisk::default();
    let (mut writer, mut reader, ..) = open_on(&disk, BOOT);
    fill(&mut writer, 40);
    disk.set_capacity(Some(disk.used()));
    fill(&mut writer, 5);
    let losses = writer.take_losses();
    assert_eq!((losses[0].from, losses[0].to, losses[0].reason), (0, 13, GapReason::DiskFull));
    assert_eq!(sequences(&mut reader, 0), (14..45).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_gives_back_what_is_given_up_even_while_a_reader_stands_there_and_goes_on_afterwards() {
    let disk = FakeDisk::default();
    let (mut writer, mut reader, ..) = open_on(&disk, BOOT);
    fill(&mut writer, 40);
    assert_eq!(reader.read(0, 3, usize::MAX).unwrap().next, 3);
    disk.set_capacity(Some(disk.used()));
    for _ in 0..100 {
        fill(&mut writer, 1);
    }
    let told = writer.take_losses();
    let oldest = writer.status().oldest;
    assert!(writer.status().segments > 1 && oldest < 140, "{:?}", writer.status());
    assert_eq!((told[0].from, told[0].to, told[0].reason), (0, oldest - 1, GapReason::DiskFull));
    assert_eq!(sequences(&mut reader, 3), (oldest..140).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_loses_nothing_when_all_that_it_holds_is_shipped() {
    let disk = FakeDisk::default();
    let (mut writer, mut reader, mut cursor, _) = open_on(&disk, BOOT);
    fill(&mut writer, 3);
    disk.set_capacity(Some(disk.used()));
    for end in 3..50 {
        let batch = reader.read(cursor.position(), usize::MAX, usize::MAX).unwrap();
        cursor.advance(batch.next).unwrap();
        assert_eq!(cursor.position(), end);
        fill(&mut writer, 1);
    }
    assert_eq!(writer.take_losses(), []);
}

#[test]
fn a_disk_far_smaller_than_the_bound_gives_up_a_quarter_at_a_time() {
    let disk = FakeDisk::default();
    let large = Settings { max_bytes: 1 << 20, segment_bytes: 1 << 18 };
    let mut opened = open(Arc::new(disk.clone()), large, BOOT, &["kafka"]).unwrap();
    disk.set_capacity(Some(disk.used() + 36_000));
    let mut told = 0;
    for _ in 0..2000 {
        fill(&mut opened.writer, 1);
        let lost: u64 = opened.writer.take_losses().iter().map(|loss| loss.count).sum();
        assert!(lost * 67 <= 10_000, "{lost} records at once");
        told += lost;
    }
    let kept = sequences(&mut opened.readers[0].0, 0);
    assert_eq!(kept, (told..2000).collect::<Vec<_>>());
    assert!(kept.len() * 67 > 20_000, "{} records kept", kept.len());
}

#[test]
fn a_disk_that_refuses_every_write_costs_the_batch_and_says_so() {
    let disk = FakeDisk::default();
    let (mut writer, mut reader, ..) = open_on(&disk, BOOT);
    fill(&mut writer, 2);
    disk.fail_writes(9);
    append(&mut writer);
    assert!(matches!(writer.commit(), Err(QueueError::Lost { from: 2, to: 2, .. })));
    disk.fail_writes(0);
    fill(&mut writer, 1);
    let losses = writer.take_losses();
    assert_eq!((losses[0].from, losses[0].to, losses[0].reason), (2, 2, GapReason::WriteFailed));
    assert_eq!(sequences(&mut reader, 0), [0, 1, 3]);
}

#[test]
fn a_block_that_cannot_be_read_is_an_error_first_and_a_told_loss_when_it_stays_so() {
    let disk = FakeDisk::default();
    let big = Settings { max_bytes: 1 << 20, segment_bytes: 1 << 18 };
    let mut opened = open(Arc::new(disk.clone()), big, BOOT, &["kafka"]).unwrap();
    let reader = &mut opened.readers[0].0;
    fill(&mut opened.writer, 500);
    disk.break_block("00000000000000000000.segment", 8192);
    let mut tries = 0;
    while reader.read(0, usize::MAX, usize::MAX).is_err() {
        tries += 1;
        assert!(tries < 100);
    }
    assert!(tries > 1);
    let losses = opened.writer.take_losses();
    assert!(losses[0].count > 50 && losses[0].count < 70, "{losses:?}");
}

#[test]
fn a_record_too_large_to_keep_is_told_in_its_place() {
    let disk = FakeDisk::default();
    let (mut writer, mut reader, ..) = open_on(&disk, BOOT);
    append(&mut writer);
    writer.append(1, |_| vec![0; 5000]);
    fill(&mut writer, 1);
    let losses = writer.take_losses();
    assert_eq!((losses[0].from, losses[0].to, losses[0].reason), (1, 1, GapReason::Refused));
    assert_eq!(sequences(&mut reader, 0), [0, 2]);
}

#[test]
fn what_the_last_commit_gave_up_is_told_by_the_close() {
    let disk = FakeDisk::default();
    let (mut writer, _reader, _cursor, _) = open_on(&disk, BOOT);
    fill(&mut writer, 100);
    writer.take_losses();
    let oldest = writer.status().oldest;
    for _ in 0..40 {
        append(&mut writer);
    }
    let Closed { losses, status, outcome } = writer.close();
    outcome.unwrap();
    assert_eq!(status.next, 140);
    assert_eq!(losses.iter().map(|loss| loss.count).sum::<u64>(), status.oldest - oldest);
    assert!(status.oldest > oldest);
}

#[test]
fn a_sink_that_is_taken_out_holds_nothing_and_begins_at_the_oldest_record_when_it_is_back() {
    let disk = FakeDisk::default();
    let open_for = |sinks: &[&str]| open(Arc::new(disk.clone()), SMALL, BOOT, sinks).unwrap();
    let mut both = open_for(&["kafka", "cassandra"]);
    fill(&mut both.writer, 60);
    let positions =
        |opened: &Opened| opened.readers.iter().map(|(_, cursor)| cursor.position()).collect::<Vec<_>>();
    both.readers[0].1.advance(50).unwrap();
    both.readers[1].1.advance(10).unwrap();
    both.writer.close().outcome.unwrap();
    drop(both.readers);
    drop(both.refusals);
    let mut one = open_for(&["kafka"]);
    assert_eq!(positions(&one), [50]);
    assert_eq!(inspect(&disk).unwrap().cursors.len(), 1, "nobody waits for the sink that is gone");
    Hand::settle(&mut one.readers[0].1);
    append(&mut one.writer);
    one.writer.commit().unwrap();
    let oldest = one.writer.status().oldest;
    assert!(oldest > 10, "what the sink that is gone lacked is released");
    assert_eq!(one.writer.take_losses(), []);
    one.writer.close().outcome.unwrap();
    drop(one.readers);
    drop(one.refusals);
    assert_eq!(positions(&open_for(&["kafka", "cassandra"])), [50, oldest]);
}

#[test]
fn two_sinks_read_each_page_once_each_and_neither_moves_the_other() {
    let disk = FakeDisk::default();
    let large = Settings { max_bytes: 1 << 22, segment_bytes: 1 << 20 };
    let mut opened = open(Arc::new(disk.clone()), large, BOOT, &["kafka", "cassandra"]).unwrap();
    fill(&mut opened.writer, 10_000);
    let bytes = opened.writer.status().bytes;
    let before = disk.bytes_read();
    for (reader, cursor) in &mut opened.readers {
        let mut at = 0;
        while at < 10_000 {
            let batch = reader.read(at, 500, usize::MAX).unwrap();
            assert_eq!(batch.entries.len(), 500);
            at = batch.next;
            cursor.advance(at).unwrap();
        }
        assert_eq!(cursor.position(), 10_000);
    }
    // A read fills its window past the batch; the next begins where the last record ended.
    let read = disk.bytes_read() - before;
    assert!(read <= 2 * bytes + 2 * 20 * 131_072, "{read} bytes read of {bytes}, by two readers");
}
