//! Faults, as verbs on a board, each with the verb that mends it. Either may be said twice.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::process::Command;

use crate::board::Board;
use crate::error::LabError;
use crate::tool;

/// A file system of every board that is small enough to be filled: 64 MiB, of its own.
pub const SMALL_DISK: &str = "/srv/small";

const FILLER: &str = "/srv/small/.filled";
const CLOCK: &str = "/run/lab-clock";
/// The last of 2099, in UTC.
const LAST_SECOND: i64 = 4_102_444_799;
/// In bytes a second: a token bucket counts its time and its size in 32 bits each.
const SLOWEST: i128 = 1_000;
const FASTEST: i128 = 10_000_000_000;

/// Says what the engine's processes are: dockerd, and the containerd that it started.
const ENGINE: &str = r#"
engine() {
    for file in /run/docker.pid /run/docker/containerd/containerd.pid; do
        read -r pid 2>/dev/null <"$file" || [ -n "${pid:-}" ] || continue
        read -r name 2>/dev/null <"/proc/$pid/comm" || continue
        case $name in dockerd|containerd) echo "$pid" ;; esac
        pid=
    done
}
"#;
const SIGNAL: &str = r#"pids=$(engine); [ -z "$pids" ] || kill -"$1" $pids"#;
const GONE: &str = r#"
n=0
while [ -n "$(engine)" ]; do
    n=$((n + 1)); [ "$n" -lt 200 ] || { echo 'the engine lives on' >&2; exit 1; }
    sleep 0.05
done"#;
const START: &str = r#"
[ -n "$(engine)" ] && exit 0
rm -f /run/docker.pid /run/docker-ssd.pid /run/docker/containerd/containerd.pid
service docker start >>/var/log/boot.log 2>&1 </dev/null"#;

fn within(what: &'static str, asked: i128, least: i128, most: i128) -> Result<(), LabError> {
    if (least..=most).contains(&asked) { Ok(()) } else { Err(LabError::Range { what, least, most, asked }) }
}

impl Board {
    /// Pulls the network cable: the board's `eth0` loses its carrier.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn unplug(&self) -> Result<(), LabError> {
        self.cable("down")
    }

    /// Puts the network cable back.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn plug(&self) -> Result<(), LabError> {
        self.cable("up")
    }

    fn cable(&self, state: &str) -> Result<(), LabError> {
        let mut ip = self.ground.hub.beside("ip");
        ip.args(["link", "set", self.name(), state]);
        tool::run(&format!("setting the cable of {} {state}", self.name()), &mut ip).map(drop)
    }

    /// Stops the engine where it stands (SIGSTOP to dockerd and its containerd): its socket takes connections and
    /// answers none. Containers run on.
    ///
    /// # Errors
    /// When the board is gone.
    pub fn pause_engine(&self) -> Result<(), LabError> {
        self.engine_script("pausing the engine", SIGNAL, &["STOP"])
    }

    /// Lets the engine go on.
    ///
    /// # Errors
    /// When the board is gone, or the engine does not answer.
    pub fn resume_engine(&self) -> Result<(), LabError> {
        self.engine_script("resuming the engine", SIGNAL, &["CONT"])?;
        self.wait_engine()
    }

    /// Kills the engine (SIGKILL). Containers run on, with nobody to look after them.
    ///
    /// # Errors
    /// When the board is gone, or the engine lives on.
    pub fn kill_engine(&self) -> Result<(), LabError> {
        self.engine_script("killing the engine", &format!("{SIGNAL}\n{GONE}"), &["KILL"])
    }

    /// Starts the engine, and waits until it answers. It ends what ran before it was killed and starts it anew.
    ///
    /// # Errors
    /// When the board is gone, or the engine does not answer.
    pub fn start_engine(&self) -> Result<(), LabError> {
        self.engine_script("starting the engine", START, &[])?;
        self.wait_engine()
    }

    fn engine_script(&self, what: &str, script: &str, arguments: &[&str]) -> Result<(), LabError> {
        self.machine.script(what, &format!("{ENGINE}\n{script}"), arguments).map(drop)
    }

    /// Writes into [`SMALL_DISK`] until nothing more fits.
    ///
    /// # Errors
    /// When writing fails for another reason than that.
    pub fn fill_disk(&self) -> Result<(), LabError> {
        let path = self.path(FILLER);
        let fill = |file: &mut File| -> io::Result<()> {
            for size in [1 << 16, 1 << 12, 1] {
                let block = vec![0; size];
                loop {
                    match file.write_all(&block) {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                        Err(error) => return Err(error),
                    }
                }
            }
            Ok(())
        };
        OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .and_then(|mut file| fill(&mut file))
            .map_err(LabError::file("filling the disk with", &path))
    }

    /// Gives back what [`Board::fill_disk`] took.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn free_disk(&self) -> Result<(), LabError> {
        let path = self.path(FILLER);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LabError::file("removing", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Sets the time of day, so many seconds off, for all programs that [`Board::command_with_shifted_time`]
    /// started or will start: they see it at their next look. 0 is the true time.
    ///
    /// # Errors
    /// When that is before 1970 or after 2099, which no board's C library is asked to stand; or when the file that
    /// they look into cannot be written.
    pub fn shift_time(&self, seconds: i64) -> Result<(), LabError> {
        let now = jiff::Timestamp::now().as_second();
        let what = "shift_time takes a number of seconds";
        within(what, i128::from(seconds), i128::from(-now), i128::from(LAST_SECOND - now))?;
        let path = self.path(CLOCK);
        // Renamed into its place: they look while it is written.
        let beside = path.with_extension("new");
        fs::write(&beside, format!("{seconds:+}\n"))
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(LabError::file("writing", &path))
    }

    /// A program as by [`Board::command`] whose time of day follows [`Board::shift_time`]. Its monotonic clocks,
    /// and so its waits, stay true. By libfaketime: the program must call the board's own C library.
    ///
    /// # Errors
    /// As [`Board::shift_time`].
    pub fn command_with_shifted_time(&self, program: &str) -> Result<Command, LabError> {
        if !self.path(CLOCK).exists() {
            self.shift_time(0)?;
        }
        let mut command = self.command("env");
        let library = "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1";
        command.args([library, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]);
        command.arg("DONT_FAKE_MONOTONIC=1").arg(format!("FAKETIME_TIMESTAMP_FILE={CLOCK}")).arg(program);
        Ok(command)
    }

    /// Lets through so many bytes a second, each way, and no more.
    ///
    /// # Errors
    /// When that is less than 1 kB or more than 10 GB a second, or when the kernel refuses.
    pub fn slow_link(&self, bytes_per_second: u64) -> Result<(), LabError> {
        let what = "slow_link takes bytes a second";
        within(what, i128::from(bytes_per_second), SLOWEST, FASTEST)?;
        // A bucket smaller than a full segment of the sender's would let nothing through.
        let burst = (bytes_per_second / 50).max(64 << 10);
        let rate =
            ["rate", &format!("{bytes_per_second}bps"), "burst", &format!("{burst}b"), "latency", "200ms"];
        self.each_end(|end, device| {
            let mut tc = end.beside("tc");
            tc.args(["qdisc", "replace", "dev", device, "root", "tbf"]).args(rate);
            tool::run(&format!("slowing the link of {}", self.name()), &mut tc).map(drop)
        })
    }

    /// Lets everything through again.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn restore_link(&self) -> Result<(), LabError> {
        self.each_end(|end, device| {
            let mut tc = end.beside("tc");
            // `replace` by what a virtual cable has without any: no error when nothing was slowed.
            tc.args(["qdisc", "replace", "dev", device, "root", "noqueue"]);
            tool::run(&format!("restoring the link of {}", self.name()), &mut tc).map(drop)
        })
    }

    fn each_end(
        &self,
        act: impl Fn(&crate::machine::Machine, &str) -> Result<(), LabError>,
    ) -> Result<(), LabError> {
        act(&self.ground.hub, self.name())?;
        act(&self.machine, "eth0")
    }
}
