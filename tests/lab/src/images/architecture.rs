//! Processors that images are made for, and whether this machine can make them.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use crate::images::ImageError;

const HANDLERS: &str = "/proc/sys/fs/binfmt_misc";

/// A processor, by Debian's and Docker's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit Intel and AMD.
    Amd64,
    /// 64-bit Arm: the Raspberry Pi and Orange Pi boards of a rack.
    Arm64,
}

impl FromStr for Architecture {
    type Err = ImageError;

    fn from_str(name: &str) -> Result<Self, ImageError> {
        match name {
            "amd64" | "x86_64" => Ok(Self::Amd64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            other => Err(ImageError::Architecture(other.to_owned())),
        }
    }
}

impl Architecture {
    /// This machine's.
    ///
    /// # Errors
    /// When no image is made for it.
    pub fn of_this_machine() -> Result<Self, ImageError> {
        std::env::consts::ARCH.parse()
    }

    /// Debian's name, which is Docker's as well.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// As Docker writes it.
    pub(crate) fn platform(self) -> &'static str {
        match self {
            Self::Amd64 => "linux/amd64",
            Self::Arm64 => "linux/arm64",
        }
    }

    fn qemu(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// A build runs programs of the image: they are this machine's, or the kernel hands them to qemu.
    pub(crate) fn can_be_built_here(self) -> Result<(), ImageError> {
        let host = Self::of_this_machine()?;
        if self == host {
            return Ok(());
        }
        let handler = Path::new(HANDLERS).join(format!("qemu-{}", self.qemu()));
        let told = fs::read_to_string(&handler).ok();
        match lacking(told.as_deref()) {
            None => Ok(()),
            Some(lacks) => Err(ImageError::Emulation {
                wanted: self.name(),
                host: host.name(),
                qemu: self.qemu(),
                lacks: lacks.to_owned(),
            }),
        }
    }
}

/// What a handler, as the kernel shows it, lacks to run in a container.
fn lacking(handler: Option<&str>) -> Option<&'static str> {
    let Some(text) = handler else {
        return Some("the kernel has no binfmt_misc handler for that processor");
    };
    if text.lines().next() != Some("enabled") {
        return Some("the kernel's binfmt_misc handler for that processor is disabled");
    }
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default();
    if flags.contains('F') {
        return None;
    }
    Some(
        "the kernel's binfmt_misc handler for that processor lacks the flag F, so that no container finds it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_serves_containers_only_when_it_is_enabled_and_holds_its_interpreter_open() {
        let handler = |state: &str, flags: &str| {
            format!(
                "{state}\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: {flags}\noffset 0\n"
            )
        };
        assert_eq!(lacking(Some(&handler("enabled", "POCF"))), None);
        assert!(lacking(Some(&handler("enabled", "POC"))).unwrap().contains("flag F"));
        assert!(lacking(Some(&handler("disabled", "POCF"))).unwrap().contains("disabled"));
        assert!(lacking(None).unwrap().contains("no binfmt_misc handler"));
    }

    #[test]
    fn a_processor_that_no_board_of_a_rack_has_is_refused_by_name() {
        assert_eq!("aarch64".parse::<Architecture>().unwrap(), Architecture::Arm64);
        let refused = "riscv64".parse::<Architecture>().unwrap_err().to_string();
        assert!(refused.contains("riscv64"), "{refused}");
    }
}
