use super::*;
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
    writer.close().unwrap();
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
