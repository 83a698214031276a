//! One small file of the kernel's, opened once and read again and again.
//!
//! sysfs makes the text anew for every read at offset zero (`fs/kernfs/file.c`), so a file that stays
//! open gives fresh values for one system call instead of three and a path walk. When its device goes,
//! reads fail with `ENODEV`, for ever: the file of a device that came back is another one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::str::FromStr;

/// The longest value here is a 64-bit counter or a firmware's word of flags.
const LONGEST: usize = 64;

#[derive(Debug)]
pub(super) struct KernelFile(File);

impl KernelFile {
    /// Opens it, where there is one.
    pub(super) fn open(path: &Path) -> Option<Self> {
        File::open(path).ok().map(Self)
    }

    /// Its number, in decimal.
    pub(super) fn number<T: FromStr>(&self) -> io::Result<T> {
        self.parsed(|text| text.parse().ok())
    }

    /// Its first line, through `parse`; text that does not parse is `InvalidData`.
    pub(super) fn parsed<T>(&self, parse: impl Fn(&str) -> Option<T>) -> io::Result<T> {
        let mut buffer = [0; LONGEST];
        let length = self.0.read_at(&mut buffer, 0)?;
        let text = buffer.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.map(str::trim).and_then(parse).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// Whether the error says that the device behind a file is gone.
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}

/// The names in a folder, sorted; none where there is no such folder.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

/// A file's first line, for what is read once.
pub(super) fn line(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_gives_the_value_of_now_not_of_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("temp");
        std::fs::write(&path, "47231\n").unwrap();
        let file = KernelFile::open(&path).unwrap();
        assert_eq!(file.number::<i32>().unwrap(), 47231);
        std::fs::write(&path, "-5000\n").unwrap();
        assert_eq!(file.number::<i32>().unwrap(), -5000);
    }

    #[test]
    fn text_that_is_no_number_is_an_error_and_no_zero() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("temp");
        for text in ["", "\n", "warm", "12 34", "\u{fffd}", &"9".repeat(80)] {
            std::fs::write(&path, text).unwrap();
            let error = KernelFile::open(&path).unwrap().number::<u64>().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{text:?}");
            assert!(!is_gone(&error));
        }
        assert!(KernelFile::open(&folder.path().join("absent")).is_none());
    }

    #[test]
    fn a_device_that_left_is_told_from_one_that_is_busy() {
        assert!(is_gone(&io::Error::from_raw_os_error(rustix::io::Errno::NODEV.raw_os_error())));
        assert!(!is_gone(&io::Error::from_raw_os_error(rustix::io::Errno::AGAIN.raw_os_error())));
    }
}
