//! The checks by their codes: what each finds wrong, how bad that is, and what to do. A code never changes its
//! meaning, and one that goes is never given again. docs/preflight.md has this table; a test holds it to that.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rack works, and would be better off otherwise.
    Warning,
    /// The rack, or a part of it, will not work or not last.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! checks {
    ($($name:ident $code:literal $severity:ident $finds:literal, $remedy:literal $(, fix $fix:literal)?;)*) => {
        /// What preflight looks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $(#[doc = $finds] $name,)*
        }

        impl Check {
            /// All of them, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its code: `PF001`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What it finds wrong.
            #[must_use]
            pub const fn finds(self) -> &'static str {
                match self { $(Self::$name => $finds,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }

            /// What `--fix` does about it, where it does anything.
            #[must_use]
            pub const fn fix(self) -> Option<&'static str> {
                match self { $(Self::$name => checks!(@fix $($fix)?),)* }
            }
        }
    };
    (@fix) => { None };
    (@fix $fix:literal) => { Some($fix) };
}

checks! {
    NoAnswer "PF001" Error "the board does not answer",
        "see that it is on, its cable is in and its address is right";
    HostKey "PF002" Error "the board's host key is unknown or has changed",
        "compare the fingerprint with what the board itself says, then `pirack trust BOARD`";
    NotLetIn "PF003" Error "the board does not let us in",
        "put this machine's public key into ~/.ssh/authorized_keys there, or name the right `user` and `identity`";
    NoRoot "PF004" Error "the user is not root and has no sudo without a password",
        "allow it: USER ALL=(ALL) NOPASSWD: ALL in /etc/sudoers.d/USER";
    NoFacts "PF005" Error "the board could not be looked at",
        "see what it says; a board that answers and cannot run a script is out of memory, of disk, or broken";
    Architecture "PF006" Error "its processor is neither aarch64 nor x86_64",
        "use a board of 64 bits: neither Kafka nor Cassandra runs on another";
    Userland "PF007" Error "its system is of 32 bits",
        "flash a 64-bit system: engines pull images for the system's architecture";
    System "PF008" Warning "its system is none of Debian's kind",
        "use Debian, Raspberry Pi OS, Ubuntu or Armbian: what `--fix` installs comes from there";
    Memory "PF009" Error "it has less memory than its services want",
        "move a service to another board, or write smaller limits";
    Swap "PF010" Warning "it swaps to a disk",
        "turn swap off (`systemctl disable --now dphys-swapfile` on Raspberry Pi OS): a JVM that is swapped out stops for seconds, and a card wears out; zram is well";
    Overlay "PF011" Error "its kernel lacks overlay file systems, or VXLAN while apps share networks",
        "use a kernel that has them: Debian's, Raspberry Pi OS's, Armbian's and Ubuntu's own have";
    MemoryCgroup "PF012" Error "its kernel does not limit memory",
        "add cgroup_enable=memory cgroup_memory=1 to the kernel's command line and restart the board",
        fix "adds the flags to cmdline.txt or armbianEnv.txt, with a backup; the board must be restarted";
    NoDataDisk "PF013" Error "no disk has the UUID that the file names",
        "plug it in, or write the right UUID (`blkid`)",
        fix "only with `--format`, and only the device that the file names: makes an ext4 with that UUID";
    DataNotMounted "PF014" Error "the data disk is not mounted at its place",
        "mount it there, by UUID, in /etc/fstab",
        fix "adds it to /etc/fstab by UUID with nofail, and mounts it";
    DataNotLasting "PF015" Warning "the data disk will not be mounted after a restart",
        "add it to /etc/fstab by its UUID, with nofail",
        fix "adds it to /etc/fstab by UUID with nofail";
    DataOnCard "PF016" Error "the data disk is an SD card",
        "put data on USB or NVMe: a card is slow to sync and wears out within months";
    SystemOnCard "PF017" Warning "data services have no disk but the system's SD card",
        "give the board a data disk and name it as `data_disk`";
    DiskFull "PF018" Error "a disk is nearly full",
        "free some: below 1 GiB, or 5 of 100 where that is less than 4 GiB, engines fail to pull and Cassandra stops";
    ReadOnly "PF019" Error "a disk can be read only",
        "look at `dmesg`: a card or a cable that fails makes Linux stop writing; replace it";
    ClockOffset "PF020" Error "its clock is further from the other boards' than the file allows",
        "let chrony keep the time: skewed clocks lose writes",
        fix "installs chrony with the admin board as the rack's time server, and sets the clock";
    NoTimeDaemon "PF021" Warning "nothing keeps its time",
        "install chrony: a Pi has no clock of its own, and wakes up in the past",
        fix "installs chrony with the admin board as the rack's time server";
    Mtu "PF022" Error "its network device has another MTU than the rack",
        "set its MTU to `network.mtu`, or `network.mtu` to what all of them have";
    PathMtu "PF023" Error "packets of the rack's size do not reach a neighbour",
        "look for a switch or a tunnel in between with a smaller MTU, or lower `network.mtu`";
    Neighbour "PF024" Error "a neighbour does not answer it",
        "see that both are in one network and no switch or firewall keeps them apart";
    Address "PF025" Error "it does not have the address that the file gives it",
        "write its own address into the file: behind a translated one no swarm forms";
    Lease "PF026" Warning "its address is a lease",
        "reserve it in the router and say `network.addresses_reserved = true`, or give it a static one: a manager that moves breaks the swarm";
    Wireless "PF027" Warning "its address is on a wireless device",
        "use a cable: Wi-Fi's pauses look like failures to Kafka and Cassandra";
    SlowLink "PF028" Warning "its cable gives less than 100 Mbit/s",
        "replace the cable, or the port";
    PortTaken "PF029" Error "a port that its services want is taken",
        "stop what has it, or give it another port";
    HostName "PF030" Error "its host name is not the board's name",
        "rename it (`hostnamectl set-hostname NAME`): the swarm knows boards by it",
        fix "sets the host name, and its line in /etc/hosts";
    OwnName "PF031" Warning "its own name does not lead to its own address",
        "give /etc/hosts a line with its address and its name",
        fix "adds that line to /etc/hosts";
    OtherName "PF032" Warning "it takes another board's name for another address",
        "correct /etc/hosts or the name server";
    Firewall "PF033" Error "its firewall closes ports that the rack needs",
        "open them to the other boards (`ufw allow from 192.168.1.0/24`, with the boards' own network)";
    DockerUser "PF034" Warning "the chain DOCKER-USER drops packets",
        "see that its rules let the other boards through: apps' published ports pass there, not through ufw's";
    Hot "PF035" Warning "it is hotter than 75 degrees",
        "cool it: at 80 to 85 degrees the processor is slowed down";
    UnderVoltage "PF036" Error "its supply is too weak now",
        "use its maker's supply and a short cable: a board that browns out corrupts its disk";
    WasWeak "PF037" Warning "since its start its supply was too weak, or its processor was slowed down",
        "use its maker's supply, and cool it";
    NoEngine "PF038" Error "it has no Docker engine",
        "install docker.io",
        fix "installs docker.io from its own system's packages";
    EngineSilent "PF039" Error "its engine does not answer",
        "look at `journalctl -u docker`",
        fix "starts it where it does not run";
    EngineOld "PF040" Error "its engine is older than 20.10",
        "install docker.io of Debian 12 or newer";
    LiveRestore "PF041" Error "its engine has live-restore, which no swarm takes",
        "take live-restore out of /etc/docker/daemon.json and restart the engine",
        fix "turns it off in daemon.json and has the engine read it again";
    Registry "PF042" Error "its engine does not know a registry without TLS that the file names",
        "add it to insecure-registries of /etc/docker/daemon.json",
        fix "adds it to daemon.json and has the engine read it again";
    LogBounds "PF043" Warning "its engine keeps containers' logs without a bound",
        "set log-opts max-size and max-file in /etc/docker/daemon.json",
        fix "sets them in daemon.json; they hold from the engine's next start on";
    DockerGroup "PF044" Warning "the user is in no group docker: the engine is reached through sudo",
        "add the user to it (`usermod -aG docker USER`); whoever is in it is as good as root",
        fix "adds the user to it";
    OtherSwarm "PF045" Error "it is in a swarm that is none of this rack's",
        "let it leave (`docker swarm leave --force` there) if that swarm may lose it";
    Snap "PF046" Error "its engine comes from a snap",
        "remove it (`snap remove docker`) and install docker.io: a snap's engine sees neither data disks nor host names";
    MachineId "PF047" Error "another board has the same machine-id",
        "make a new one on the copy: rm /etc/machine-id && systemd-machine-id-setup, then restart it";
    SameHostName "PF048" Error "another board has the same host name",
        "give each its own, the board's name";
    SameMac "PF049" Error "another board has the same hardware address",
        "replace one of the devices, or set another address: two of the same take each other's packets";
    EvenManagers "PF050" Warning "the number of managers is even",
        "have 1, 3 or 5: the one that makes it even adds a board that may fail, and no failure that is survived";
    NoPing "PF051" Warning "there is no `ping`, so its network was not measured",
        "install iputils-ping";
    DaemonFile "PF052" Error "its /etc/docker/daemon.json is no JSON",
        "correct it: the engine will not start again";
    OwnClock "PF053" Warning "the boards' clocks are further from this machine's than the file allows",
        "set this machine's clock, or the admin's if that is the wrong one: times on both are compared by people";
    TimeServer "PF054" Warning "the admin serves the others no time",
        "let chrony answer them (`allow ADDRESS`): away from the internet they have no other time to agree on",
        fix "installs chrony there as the rack's time server, for every board of the file";
    TimeSource "PF055" Warning "it does not ask the admin for the time",
        "name the admin's address as its time server: away from the internet it has no other",
        fix "installs chrony with the admin board as the rack's time server";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// All of them as docs/preflight.md has them.
#[must_use]
pub fn table() -> String {
    let mut text =
        String::from("| code | severity | what is wrong | what to do | `--fix` |\n|---|---|---|---|---|\n");
    for check in Check::ALL {
        let fix = check.fix().unwrap_or("-");
        let row = format!(
            "| {} | {} | {} | {} | {fix} |\n",
            check.code(),
            check.severity(),
            check.finds(),
            check.remedy()
        );
        text.push_str(&row);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_a_gap() {
        for (index, check) in Check::ALL.iter().enumerate() {
            assert_eq!(check.code(), format!("PF{:03}", index + 1));
        }
    }

    #[test]
    fn the_document_has_this_table() {
        let document = include_str!("../../../../docs/preflight.md");
        assert!(document.contains(&table()), "docs/preflight.md should have:\n{}", table());
    }
}
