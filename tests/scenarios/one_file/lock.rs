//! One apply at a time, from whichever machine.

use pirack_tests::wait;

use crate::Promise;
use crate::kill;
use crate::rack::{APPLY, Rack};

pub(crate) const PROMISES: &[Promise] = &[(
    "lock::of_two_applies_one_is_refused_and_whoever_breaks_the_lock_finishes_what_the_other_leaves",
    Rack::lock_is_broken,
)];

impl Rack {
    fn lock_is_broken(&mut self) {
        self.raise_heaps();
        let ours = self.start(&["apply"]);
        wait::until("an apply within its roll", APPLY, || ours.said().lines().any(kill::waits).then_some(()));
        let refused = self.start_elsewhere(&["apply"]).end(APPLY);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.err.join("\n").contains("changes this rack now"), "{refused:#?}");
        let theirs = self.start_elsewhere(&["apply", "--break-lock"]);
        let ended = ours.end(APPLY);
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(ended.err.join("\n").contains("has taken the lock"), "{ended:#?}");
        let ended = theirs.end(APPLY);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        self.when_healthy();
        self.ends_with(&["plan"], 0);
    }
}
