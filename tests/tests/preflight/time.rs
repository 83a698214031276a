//! The rack's time: the admin serves it, the others ask it, at a booth too. All boards have one clock here, which
//! nobody may set, so what is held to is who serves whom.

use std::collections::BTreeSet;

use pirack::bootstrap::fix::{Deed, carry_out};
use pirack_lab::{Board, Lab, Outcome};
use pirack_tests::rack::RECOVERY;
use pirack_tests::wait;

use crate::boards::{on, shell};
use crate::fixes::link;
use crate::rack::File;

const CONF: &str = "/etc/chrony/conf.d/pirack.conf";

/// A lab without a way out, for as long as this lives.
struct Away<'a>(&'a Lab);

impl<'a> Away<'a> {
    fn of(lab: &'a Lab) -> Self {
        lab.isolate().unwrap();
        Self(lab)
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.reconnect().unwrap();
    }
}

pub(crate) fn served(lab: &Lab) -> Outcome {
    let (file, admin, other) = (File::of(lab, &[1, 2], ""), lab.board(1), lab.board(2));
    assert!(file.preflight(&[]).seen("b1", "PF054").contains("nothing answers there at udp 123"));
    all_is_mended(&file);
    at_a_booth(&Away::of(lab), admin, other);
    assert!(file.preflight(&[]).seen("b1", "PF054").contains("nothing answers"));

    // As a system that asks its maker's servers only.
    shell(other, &format!("sed -i /^server/d {CONF}; service chrony restart"));
    wait::until("b2 to tell whom it asks", RECOVERY, || {
        file.preflight(&["b2"]).codes("b2").contains("PF055").then_some(())
    });
    shell(admin, "service chrony start");
    all_is_mended(&file);
    // A board that came into the file later is none that the admin answers yet.
    let grown = File::of(lab, &[1, 2, 3], "").preflight(&["b1"]);
    assert!(grown.seen("b1", "PF054").contains("does not answer b3"), "{:#}", grown.json);
    Ok(())
}

fn all_is_mended(file: &File) {
    let report = file.preflight(&["--fix"]);
    let time = BTreeSet::from(["PF020", "PF021", "PF054", "PF055"].map(str::to_owned));
    for name in ["b1", "b2"] {
        assert!(report.codes(name).is_disjoint(&time), "{:#}\n{}", report.json, report.err);
    }
}

/// Leaves the admin without its time server.
fn at_a_booth(_: &Away, admin: &Board, other: &Board) {
    let again = |of: &Board| {
        let conf = shell(of, &format!("cat {CONF}"));
        shell(of, "service chrony restart");
        on(async { carry_out(&*link(of).await, &Deed::Time(conf)).await })
    };
    assert_eq!(again(admin).unwrap(), ["chrony serves its own clock: no server outside has answered"]);
    assert_eq!(again(other).unwrap(), [format!("chrony keeps the time of {}", admin.address())]);
    shell(admin, "service chrony stop");
    let told = again(other).unwrap_err().to_string();
    assert!(told.contains("no time from any server"), "{told}");
}
