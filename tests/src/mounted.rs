//! A file system that is soon full.

use std::path::Path;
use std::process::Command;

/// A small file system over a folder, taken down again with the value.
pub struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    /// One of this size, as `mount` writes it: `64k`. Only root can.
    ///
    /// # Errors
    /// With what `mount` says.
    pub fn small(folder: &'a Path, size: &str) -> Result<Self, String> {
        let size = format!("size={size}");
        let mount = ["-t", "tmpfs", "-o", &size, "tmpfs"];
        let output = Command::new("mount").args(mount).arg(folder).output().map_err(|e| e.to_string())?;
        if output.status.success() {
            Ok(Self(folder))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg(self.0).status();
        // Said, not panicked: the test may be unwinding already.
        if !ended.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.display());
        }
    }
}
