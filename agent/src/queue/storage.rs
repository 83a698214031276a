//! The edge of the world: the few things a queue asks of a disk.
//!
//! The rules a queue may rely on, and no others: bytes are safe once [`StoredFile::sync`] has said so;
//! a file's name is safe once [`Storage::sync_directory`] has said so; whatever was not yet safe may be
//! there in part, or not at all, after a power cut. An open file can be read after its name has gone.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file in a folder's listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Keeps other processes out for as long as it lives.
pub trait Lock: Send + Sync + fmt::Debug {}

/// A folder on a disk. Names are relative to it, with `/` between folders.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Where it is, for errors.
    fn place(&self) -> String;

    /// The files of a folder, `""` for the folder itself; empty when there is no such folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self, folder: &str) -> io::Result<Vec<Listed>>;

    /// Makes a new file, for reading and writing.
    ///
    /// # Errors
    /// `AlreadyExists` when there is one; otherwise what the disk says.
    fn create(&self, name: &str) -> io::Result<Box<dyn StoredFile>>;

    /// Opens a file, for reading and writing if `writable`.
    ///
    /// # Errors
    /// `NotFound` when there is none; otherwise what the disk says.
    fn open(&self, name: &str, writable: bool) -> io::Result<Box<dyn StoredFile>>;

    /// Gives a file another name, replacing what had it, and making its folder if need be.
    ///
    /// # Errors
    /// What the disk says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the disk says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes every name in the folder safe.
    ///
    /// # Errors
    /// What the disk says.
    fn sync_directory(&self) -> io::Result<()>;

    /// How many bytes more the disk would take, as it says itself; others may be writing to it too.
    ///
    /// # Errors
    /// When it does not say.
    fn free(&self) -> io::Result<u64>;

    /// Takes the lock file `name`, made if need be.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds it; otherwise what the disk says.
    fn lock(&self, name: &str) -> io::Result<Box<dyn Lock>>;
}

/// An open file.
pub trait StoredFile: Send + Sync + fmt::Debug {
    /// Reads up to `buffer.len()` bytes; fewer only at the end of the file.
    ///
    /// # Errors
    /// What the disk says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// What the disk says; some of the bytes may then be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file off.
    ///
    /// # Errors
    /// What the disk says.
    fn truncate(&self, bytes: u64) -> io::Result<()>;

    /// Makes every byte written so far safe (`fdatasync(2)`).
    ///
    /// # Errors
    /// What the disk says. The bytes are then in doubt for ever: a second call may say that all is well.
    fn sync(&self) -> io::Result<()>;
}

/// A real folder.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// A folder that is made if it is not there, for [`open`](super::open()).
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    /// A folder as it is, for [`inspect`](super::inspect()) and [`verify`](super::verify()).
    #[must_use]
    pub fn existing(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Storage for Directory {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let entries = match fs::read_dir(self.path.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_empty() => {
                return Ok(Vec::new());
            }
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let metadata = match entry.metadata() {
                // Between the listing and the question the writer has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                files.push(Listed { name, bytes: metadata.len() });
            }
        }
        Ok(files)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoredFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(self.path.join(name))?;
        Ok(Box::new(file))
    }

    fn open(&self, name: &str, writable: bool) -> io::Result<Box<dyn StoredFile>> {
        Ok(Box::new(OpenOptions::new().read(true).write(writable).open(self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let to = self.path.join(to);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(self.path.join(from), to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn free(&self) -> io::Result<u64> {
        let told = rustix::fs::statvfs(&self.path)?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }

    fn lock(&self, name: &str) -> io::Result<Box<dyn Lock>> {
        let path = self.path.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(FileLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// The lock goes with the file: the kernel lets go of it even when the process is killed.
#[derive(Debug)]
struct FileLock {
    _file: File,
}

impl Lock for FileLock {}

impl StoredFile for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match FileExt::read_at(self, &mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
