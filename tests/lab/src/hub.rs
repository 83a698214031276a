//! The hub: the boards' switch, their router, their image registry and their way out.
//!
//! The switch is there as long as the lab. The registry and the way out can be taken away and given back: a rack at
//! a booth has neither, and its boards see each other all the same.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::error::LabError;
use crate::lab::Lab;
use crate::lock::Lock;
use crate::machine::{self, Machine, Parts};
use crate::place::Place;
use crate::{layout, tool};

pub(crate) const HUB: &str = "hub";
const SCRIPT: &str = include_str!("hub.sh");
const REGISTRY: &str = "setsid docker-registry serve /etc/docker/registry/config.yml \
                        >>/var/log/registry.log 2>&1 </dev/null &";
/// slirp4netns lives among the hub's processes, so that it ends with them, but in this machine's network.
const WAY_OUT: &str = r#"log=$1; shift; setsid slirp4netns "$@" >"$log" 2>&1 </dev/null &"#;
/// Only the hub's own processes can be seen here.
const END: &str = "pkill -KILL -x 'slirp4netns|docker-registry' || [ $? -eq 1 ]";
const DEADLINE: Duration = Duration::from_secs(20);
const REGISTRY_PORT: u16 = 5000;

/// Makes the hub of a lab of so many boards, its registry and its way out.
pub(crate) fn make(place: &Place, lock: &Lock, tree: &Path, boards: usize) -> Result<Machine, LabError> {
    let mut files = layout::machine_files(HUB, &machine::new_id(), boards);
    files.extend(layout::hub_files());
    let data = place.registry();
    let parts = Parts {
        name: HUB,
        tree,
        files: &files,
        data: &data,
        target: "/var/lib/docker-registry",
        image: None,
    };
    let hub = Machine::start(place, lock, &parts)?;
    let network = format!("{}/{}", layout::HUB, layout::PREFIX);
    hub.script("making the network", SCRIPT, &[&network])?;
    open(place, &hub)?;
    Ok(hub)
}

/// Starts the registry and the way out, whichever is not there.
fn open(place: &Place, hub: &Machine) -> Result<(), LabError> {
    if !hub.listens(REGISTRY_PORT) {
        hub.script("starting the registry", REGISTRY, &[])?;
    }
    if !has_way_out(hub) {
        let mut out = Command::new("nsenter");
        out.arg(format!("--target={}", hub.pid())).args(["--pid", "--", "sh", "-c", WAY_OUT, "sh"]);
        out.arg(place.machine(HUB).join("slirp4netns.log"));
        out.args(["--configure", "--mtu=1500", "--disable-host-loopback", "--netns-type=path"]);
        tool::run("making the way out", out.arg(hub.proc("ns/net")).arg("tap0"))?;
    }
    tool::wait_until("the lab's way out", DEADLINE, || Ok(has_way_out(hub)))?;
    hub.wait_listening("the registry", REGISTRY_PORT)
}

/// Whether what no board has an address of is routed to this machine's network.
pub(crate) fn has_way_out(hub: &Machine) -> bool {
    let routes = fs::read_to_string(hub.proc("net/route")).unwrap_or_default();
    routes.lines().any(|line| line.starts_with("tap0\t00000000"))
}

impl Lab {
    /// Takes the registry and the way out away, as at a booth without internet: the registry's port refuses, names
    /// are not resolved, nothing beyond the boards can be reached. Boards reach each other as before.
    ///
    /// # Errors
    /// When either lives on.
    pub fn isolate(&self) -> Result<(), LabError> {
        self.ground.hub.script("ending the registry and the way out", END, &[])?;
        tool::wait_until("the end of the lab's registry and way out", DEADLINE, || {
            Ok(!has_way_out(&self.ground.hub) && !self.ground.hub.listens(REGISTRY_PORT))
        })
    }

    /// Gives back what [`Lab::isolate`] took.
    ///
    /// # Errors
    /// When either does not come up.
    pub fn reconnect(&self) -> Result<(), LabError> {
        open(&self.ground.place, &self.ground.hub)
    }
}
