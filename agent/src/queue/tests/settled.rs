//! Promises of what is offered again once the sinks may have lost their power too, and of what is not.

use super::*;
use crate::queue::testing::FakeDisk;
use crate::record::GapReason;

const FILE: &str = "kafka.cursor";

/// One agent's life, by a time of its own: a record and its acknowledgement a second.
struct Life {
    time: Hand,
    writer: Writer,
    reader: Reader,
    cursor: Cursor,
    recovery: Recovery,
}

impl Life {
    fn on(disk: &FakeDisk, boot: Uuid) -> Self {
        let (writer, reader, mut cursor, recovery) = open_on(disk, boot);
        let time = Hand::new();
        time.keep(&mut cursor);
        Self { time, writer, reader, cursor, recovery }
    }

    /// So many seconds pass, with a record and its acknowledgement each.
    fn ship(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.time.pass(1);
            fill(&mut self.writer, 1);
            let end = self.writer.status().next;
            self.cursor.advance(end).unwrap();
        }
    }

    fn stop(self) {
        self.writer.close().outcome.unwrap();
    }

    /// What is there to ship.
    fn offered(&mut self) -> Vec<u64> {
        sequences(&mut self.reader, self.cursor.position())
    }
}

/// A queue that is never full.
fn open_roomy(disk: &FakeDisk, boot: Uuid, sinks: &[&str]) -> Opened {
    let roomy = Settings { max_bytes: 1 << 20, segment_bytes: 1024 };
    open(Arc::new(disk.clone()), roomy, boot, sinks).unwrap()
}

fn positions(opened: &Opened) -> Vec<u64> {
    opened.readers.iter().map(|(_, cursor)| cursor.position()).collect()
}

/// Overwrites a slot of the cursor's file as a torn write does.
fn tear(disk: &FakeDisk, offset: u64) {
    disk.open(FILE, true).unwrap().write_at(offset, &[0xff; 9]).unwrap();
}

/// A queue of 80 records, one a second, all of them shipped and 20 settled.
fn shipped() -> FakeDisk {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(80);
    life.stop();
    disk
}

/// Begins to open the queue and is killed after so many changes of the disk; false where it was not.
fn killed_while_it_opens(disk: &FakeDisk, boot: Uuid, after: u32) -> bool {
    disk.kill_after(after);
    let opened = open(Arc::new(disk.clone()), SMALL, boot, &["kafka"]);
    disk.kill();
    opened.is_err()
}

#[test]
fn a_power_cut_offers_the_last_minute_again_and_little_more() {
    for seed in 0..50 {
        let disk = FakeDisk::default();
        let mut life = Life::on(&disk, BOOT);
        life.ship(90 + seed % 7);
        let end = 90 + seed % 7;
        disk.cut_power(seed);
        let mut life = Life::on(&disk, NEXT_BOOT);
        let begins = life.cursor.position();
        assert!(begins <= end - 60, "{begins} of {end}: a part of the last minute is lost");
        assert!(begins + 75 >= end, "{begins} of {end}: more than the last minute");
        assert_eq!(life.offered(), (begins..life.recovery.next).collect::<Vec<_>>());
        assert!(life.recovery.again > 0 && life.recovery.losses.is_empty(), "{:?}", life.recovery);
    }
}

#[test]
fn what_is_offered_again_has_the_name_that_it_had() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(10);
    disk.cut_power(1);
    let mut life = Life::on(&disk, NEXT_BOOT);
    fill(&mut life.writer, 1);
    let entries = life.reader.read(0, usize::MAX, usize::MAX).unwrap().entries;
    let (before, after) = entries.split_at(10);
    assert!(before.iter().all(|entry| entry.identity.queue != after[0].identity.queue));
    assert!(before.iter().map(|entry| entry.identity.sequence).eq(0..10));
}

#[test]
fn a_clean_shutdown_before_the_power_goes_offers_the_last_minute_again_too() {
    let disk = shipped();
    let life = Life::on(&disk, NEXT_BOOT);
    assert_eq!((life.recovery.start, life.recovery.next), (Start::NewBoot, 80));
    assert_eq!((life.recovery.waiting, life.recovery.again), (60, 60));
    assert!(life.recovery.to_string().contains(", 60 offered again that a sink had acknowledged"));
    assert_eq!(life.cursor.position(), 20);
}

#[test]
fn within_a_boot_nothing_is_offered_again_however_the_agent_ended() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(33);
    life.stop();
    let mut life = Life::on(&disk, BOOT);
    assert_eq!((life.cursor.position(), life.recovery.again), (33, 0));
    life.ship(33);
    disk.kill();
    let life = Life::on(&disk, BOOT);
    assert_eq!((life.cursor.position(), life.recovery.again), (66, 0));
}

#[test]
fn an_agent_that_is_started_again_does_not_settle_what_its_sinks_have_just_acknowledged() {
    let disk = FakeDisk::default();
    for seconds in [64, 30, 1] {
        let mut life = Life::on(&disk, BOOT);
        life.ship(seconds);
        life.stop();
    }
    let begins = Life::on(&disk, NEXT_BOOT).cursor.position();
    assert!(0 < begins && begins <= 4, "{begins}: nothing was settled by the last two");
}

#[test]
fn an_agent_that_was_idle_for_a_minute_offers_nothing_again_after_a_stop_and_a_minute_after_a_power_cut() {
    let idle = |stop: bool| {
        let disk = FakeDisk::default();
        let mut life = Life::on(&disk, BOOT);
        life.ship(90);
        life.time.pass(3600);
        if stop {
            life.stop();
        }
        disk.cut_power(1);
        Life::on(&disk, NEXT_BOOT).recovery.again
    };
    assert_eq!(idle(true), 0);
    assert!((60..75).contains(&idle(false)), "{}", idle(false));
}

#[test]
fn a_second_power_cut_before_all_was_offered_again_takes_nothing_of_it_back() {
    let disk = shipped();
    let mut life = Life::on(&disk, NEXT_BOOT);
    life.cursor.advance(50).unwrap();
    life.cursor.sync().unwrap();
    disk.cut_power(1);
    let mut life = Life::on(&disk, Uuid::from_u128(0xb009));
    assert_eq!((life.cursor.position(), life.recovery.again), (20, 60));
    assert_eq!(life.offered(), (20..80).collect::<Vec<_>>());
}

#[test]
fn an_agent_that_is_killed_while_it_offers_again_goes_on_where_it_was() {
    let disk = shipped();
    let mut life = Life::on(&disk, NEXT_BOOT);
    fill(&mut life.writer, 1);
    life.cursor.advance(50).unwrap();
    disk.kill();
    let life = Life::on(&disk, NEXT_BOOT);
    assert_eq!((life.cursor.position(), life.recovery.again), (50, 30));
}

#[test]
fn an_agent_that_is_killed_or_cut_off_while_it_opens_takes_nothing_back_of_what_a_new_boot_does() {
    let mut killed = 0;
    for after in 0..20 {
        let disk = shipped();
        killed += u32::from(killed_while_it_opens(&disk, BOOT, after));
        assert_eq!(Life::on(&disk, BOOT).cursor.position(), 80, "in the same boot, after {after}");

        let disk = shipped();
        killed_while_it_opens(&disk, NEXT_BOOT, after);
        let life = Life::on(&disk, NEXT_BOOT);
        assert_eq!((life.cursor.position(), life.recovery.again), (20, 60), "after {after}");

        for seed in 0..20 {
            let disk = shipped();
            killed_while_it_opens(&disk, NEXT_BOOT, after);
            disk.cut_power(seed);
            let life = Life::on(&disk, Uuid::from_u128(0xb009));
            assert_eq!((life.cursor.position(), life.recovery.again), (20, 60), "after {after}, seed {seed}");
        }
    }
    assert!(killed > 5 && killed < 20, "{killed} openings were cut short");
}

#[test]
fn how_far_a_sink_came_is_not_forgotten_with_the_position_that_is_set_back() {
    let disk = shipped();
    drop(Life::on(&disk, NEXT_BOOT));
    let last = disk.list("").unwrap().into_iter().rfind(|file| file.name.ends_with(".segment")).unwrap();
    disk.remove(&last.name).unwrap();
    let mut life = Life::on(&disk, NEXT_BOOT);
    assert_eq!(life.recovery.start, Start::CursorAhead);
    assert_eq!(append(&mut life.writer).sequence, 80, "a sequence is never given again");
    assert_eq!(life.writer.take_losses(), [], "the sink had it all");
}

#[test]
fn damage_in_what_is_offered_again_is_no_loss_and_the_rest_is_offered() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(30);
    life.stop();
    assert!(disk.flip("00000000000000000014.segment", 68 + 67 * 2 + 30, 3));
    let mut life = Life::on(&disk, NEXT_BOOT);
    assert_eq!(life.offered(), (0..30).filter(|sequence| *sequence != 16).collect::<Vec<_>>());
    assert_eq!(life.writer.take_losses(), []);
    assert_eq!(life.writer.status().dropped, 0);
    life.ship(1);
    assert!(disk.flip("00000000000000000030.segment", 68 + 30, 3));
    fill(&mut life.writer, 1);
    assert_eq!(sequences(&mut life.reader, 30), [31]);
    assert_eq!(life.writer.take_losses(), [], "the sink had that too");
}

#[test]
fn each_cursor_begins_at_its_own() {
    let disk = FakeDisk::default();
    let time = Hand::new();
    let mut opened = open_roomy(&disk, BOOT, &["kafka", "cassandra"]);
    for (_, cursor) in &mut opened.readers {
        time.keep(cursor);
    }
    fill(&mut opened.writer, 100);
    for (to, seconds) in [([40, 10], 60), ([90, 11], 30)] {
        for ((_, cursor), to) in opened.readers.iter_mut().zip(to) {
            cursor.advance(to).unwrap();
        }
        time.pass(seconds);
    }
    opened.writer.close().outcome.unwrap();
    drop((opened.readers, opened.refusals));
    let found: Vec<_> = inspect(&disk).unwrap().cursors.iter().map(|c| (c.position, c.unsettled)).collect();
    assert_eq!(found, [(11, 1), (90, 50)]);
    let opened = open_roomy(&disk, NEXT_BOOT, &["kafka", "cassandra"]);
    assert_eq!(positions(&opened), [40, 10]);
    assert_eq!((opened.recovery.waiting, opened.recovery.again), (90, 50));
}

#[test]
fn a_torn_slot_costs_no_more_than_the_one_before_it() {
    for torn in [0, 4096, 8192, 12288] {
        let disk = FakeDisk::default();
        let mut life = Life::on(&disk, BOOT);
        life.ship(90);
        disk.kill();
        tear(&disk, torn);
        let begins = Life::on(&disk, NEXT_BOOT).cursor.position();
        assert!((15..=30).contains(&begins), "{begins}, without the slot at {torn}");
    }
}

#[test]
fn where_nothing_tells_what_is_settled_a_new_boot_begins_at_the_oldest_record() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(90);
    let oldest = life.writer.status().oldest;
    disk.kill();
    tear(&disk, 8192);
    tear(&disk, 12288);
    let life = Life::on(&disk, NEXT_BOOT);
    assert!(0 < oldest && oldest < 30, "{oldest}");
    assert_eq!((life.cursor.position(), life.recovery.again), (oldest, 90 - oldest));
}

#[test]
fn where_nothing_tells_a_position_a_cursor_begins_at_what_is_settled() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(90);
    disk.kill();
    tear(&disk, 0);
    tear(&disk, 4096);
    let begins = Life::on(&disk, BOOT).cursor.position();
    assert!((15..=30).contains(&begins), "{begins}");
}

#[test]
fn a_file_of_an_earlier_version_keeps_its_position_and_is_settled_a_minute_later() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(20);
    disk.kill();
    disk.open(FILE, true).unwrap().truncate(4096 + 20).unwrap();
    let before = life.recovery.queue;
    let mut life = Life::on(&disk, BOOT);
    assert_eq!((life.cursor.position(), life.recovery.again), (20, 0), "the agent is upgraded");
    assert_ne!(before, life.recovery.queue);
    life.ship(60);
    life.stop();
    assert_eq!(Life::on(&disk, NEXT_BOOT).cursor.position(), 20);
}

#[test]
fn a_disk_too_full_for_what_is_settled_keeps_no_cursor_from_its_moves() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    fill(&mut life.writer, 20);
    disk.kill();
    disk.open(FILE, true).unwrap().truncate(4096 + 20).unwrap();
    disk.set_capacity(Some(disk.used()));
    let mut life = Life::on(&disk, BOOT);
    life.cursor.advance(15).unwrap();
    life.cursor.sync().unwrap();
    disk.cut_power(1);
    disk.set_capacity(None);
    let mut life = Life::on(&disk, NEXT_BOOT);
    assert_eq!(life.offered(), (0..20).collect::<Vec<_>>(), "nobody knows since when it is there");
}

#[test]
fn segments_go_once_they_are_settled_and_not_before() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    life.ship(59);
    assert_eq!(life.writer.status().oldest, 0);
    life.ship(60);
    let (oldest, settled) = (life.writer.status().oldest, 119 - 60);
    assert!(oldest <= settled && oldest + 14 + 10 >= settled, "{oldest} is the oldest");
    assert_eq!(life.writer.status().dropped, 0);
}

#[test]
fn a_full_queue_gives_up_what_sinks_had_before_anything_that_they_lack_and_tells_no_loss_of_it() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    fill(&mut life.writer, 60);
    life.cursor.advance(60).unwrap();
    // What is not shipped fits beside the newest of what is, and beside no more.
    fill(&mut life.writer, 90);
    let status = life.writer.status();
    assert!(status.bytes <= SMALL.max_bytes && status.oldest > 0 && status.oldest <= 60, "{status:?}");
    assert_eq!((life.writer.take_losses(), status.dropped), (vec![], 0));
    assert_eq!(status.cursors[0].backlog, 90, "none of them is unsettled only");
    assert_eq!(life.offered(), (60..150).collect::<Vec<_>>());
    life.stop();
    let mut life = Life::on(&disk, NEXT_BOOT);
    assert_eq!(life.offered(), (status.oldest..150).collect::<Vec<_>>(), "all that there is");
    assert_eq!((life.recovery.again, life.recovery.losses.len()), (60 - status.oldest, 0));
    fill(&mut life.writer, 40);
    let oldest = life.writer.status().oldest;
    assert!(oldest > 60, "{oldest}");
    let losses = life.writer.take_losses();
    assert_eq!((losses[0].from, losses[0].to, losses[0].reason), (60, oldest - 1, GapReason::QueueFull));
}

#[test]
fn a_full_disk_gives_up_all_that_sinks_had_before_it_loses_a_record() {
    let disk = FakeDisk::default();
    // An agent that ends again and again leaves small segments, more than are given up of a backlog.
    for end in 1..=12 {
        let mut life = Life::on(&disk, BOOT);
        fill(&mut life.writer, 1);
        life.cursor.advance(end).unwrap();
        disk.kill();
    }
    let mut life = Life::on(&disk, BOOT);
    disk.set_capacity(Some(disk.used()));
    for _ in 0..10 {
        append(&mut life.writer);
    }
    life.writer.commit().unwrap();
    assert_eq!(life.writer.take_losses(), []);
    assert_eq!(life.offered(), (12..22).collect::<Vec<_>>());
}

#[test]
fn what_sinks_had_does_not_count_for_what_a_full_disk_may_cost_of_a_backlog() {
    let disk = FakeDisk::default();
    for end in 1..=5 {
        let mut life = Life::on(&disk, BOOT);
        fill(&mut life.writer, 1);
        life.cursor.advance(end).unwrap();
        disk.kill();
    }
    let mut life = Life::on(&disk, BOOT);
    // A whole segment, and another that the five do not make room for.
    fill(&mut life.writer, 14);
    disk.set_capacity(Some(disk.used()));
    fill(&mut life.writer, 14);
    let losses = life.writer.take_losses();
    assert_eq!(
        (losses.len(), losses[0].from, losses[0].to, losses[0].reason),
        (1, 5, 18, GapReason::DiskFull)
    );
    assert_eq!(life.offered(), (19..33).collect::<Vec<_>>());
}

#[test]
fn a_sync_that_fails_settles_nothing_and_is_not_believed_when_it_is_asked_again() {
    let disk = FakeDisk::default();
    let mut life = Life::on(&disk, BOOT);
    fill(&mut life.writer, 60);
    life.cursor.advance(60).unwrap();
    life.time.pass(60);
    disk.fail_syncs(1);
    assert!(life.cursor.sync().is_err());
    life.writer.commit().unwrap();
    assert_eq!(life.writer.status().oldest, 0, "a power cut now would set the cursor back to there");
    life.cursor.sync().unwrap();
    life.writer.commit().unwrap();
    assert!(life.writer.status().oldest > 0);
    disk.cut_power(1);
    assert_eq!(Life::on(&disk, NEXT_BOOT).cursor.position(), 60);
}
