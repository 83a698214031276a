//! Random histories of a queue, held against the model, each kind with what may go wrong in it.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::model::{Op, ROOMY, World, Wrongs, ops};
use super::*;

fn on_fake(wrongs: Wrongs, settings: Settings, ops: &[Op]) -> Vec<Loss> {
    let fake = FakeDisk::default();
    let mut world = World::new(Arc::new(fake.clone()), Some(fake), wrongs, settings);
    for op in ops {
        world.run(op);
    }
    world.finish()
}

/// On a disk that is made smaller: the room that is there ends its segments.
const WIDE: Settings = Settings { max_bytes: 1 << 16, segment_bytes: 1 << 14 };

const POWER: Wrongs = Wrongs { power: true, errors: false, full: false, flips: false, lies: false };
const ALL: Wrongs = Wrongs { power: true, errors: true, full: true, flips: true, lies: false };
/// The same histories at every run, so that a test fails for what was changed and not by chance. A campaign
/// sets PROPTEST_CASES, and PROPTEST_RNG_SEED to another number each time.
fn sample() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    match config.rng_seed {
        RngSeed::Random => ProptestConfig { rng_seed: RngSeed::Fixed(1), ..config },
        RngSeed::Fixed(_) => config,
    }
}

/// A disk that lies about flushes and refuses writes as well is beyond proof: see [`super::super::recovery`].
const LYING: Wrongs = Wrongs { power: true, errors: false, full: false, flips: true, lies: true };

proptest! {
    #![proptest_config(sample())]

    #[test]
    fn kills_and_power_cuts_lose_nothing_and_repeat_no_name(ops in ops(POWER)) {
        prop_assert_eq!(on_fake(POWER, ROOMY, &ops), []);
    }

    #[test]
    fn whatever_is_lost_to_a_full_queue_is_told(ops in ops(POWER)) {
        on_fake(POWER, SMALL, &ops);
    }

    #[test]
    fn whatever_breaks_is_told(ops in ops(ALL)) {
        on_fake(ALL, SMALL, &ops);
    }

    #[test]
    fn whatever_breaks_on_a_disk_smaller_than_its_queue_is_told(ops in ops(ALL)) {
        on_fake(ALL, WIDE, &ops);
    }

    #[test]
    fn a_disk_that_lies_never_gives_one_name_to_two_records(ops in ops(LYING)) {
        on_fake(LYING, SMALL, &ops);
    }
}

/// Found by earlier random runs.
#[test]
fn histories_that_once_lost_a_record_in_silence_or_repeated_a_name_do_so_no_more() {
    let lying = [
        Op::Append(3),
        Op::Commit,
        Op::FailSyncs(1),
        Op::FailWrites(3),
        Op::Append(6),
        Op::Commit,
        Op::Commit,
        Op::Kill,
        Op::Append(1),
        Op::Commit,
        Op::CutPower(11_889_850_194_614_933_448),
    ];
    on_fake(Wrongs { lies: true, ..ALL }, SMALL, &lying);
    let mut honest: Vec<Op> = [1, 1, 1, 1, 4, 5].map(Op::Append).into();
    honest.extend([Op::Close { reboot: false }, Op::Append(1), Op::Capacity(Some(25_400))]);
    honest.extend([Op::FailSyncs(3), Op::FailWrites(2), Op::Append(1), Op::Append(1), Op::Append(1)]);
    on_fake(ALL, SMALL, &honest);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..sample() })]

    #[test]
    fn a_real_folder_keeps_the_same_promises(ops in ops(Wrongs::default())) {
        let folder = tempfile::tempdir().unwrap();
        let storage = Arc::new(Directory::create(folder.path()).unwrap());
        let mut world = World::new(storage, None, Wrongs::default(), ROOMY);
        for op in &ops {
            world.run(op);
        }
        prop_assert_eq!(world.finish(), []);
    }
}
