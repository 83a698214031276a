//! What a destroy leaves, for people.

use std::fmt;

use super::Stays;

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what stays: Docker itself, with its images")?;
        for (board, volumes) in &self.volumes {
            let names: Vec<&str> = volumes.iter().map(String::as_str).collect();
            write!(f, "\n  volumes on {board}: {} (destroy --volumes takes them)", names.join(", "))?;
        }
        for (board, folders) in &self.folders {
            let paths: Vec<&str> = folders.iter().map(String::as_str).collect();
            write!(f, "\n  folders on {board}: {} (destroy --volumes takes them)", paths.join(", "))?;
        }
        if !self.agents.is_empty() {
            let names: Vec<&str> = self.agents.iter().map(|name| name.as_str()).collect();
            write!(f, "\n  agents on {} (destroy --agents takes them)", names.join(", "))?;
        }
        if !self.silent.is_empty() {
            let names: Vec<&str> = self.silent.iter().map(|name| name.as_str()).collect();
            write!(f, "\n  whatever is on {}, which did not answer", names.join(", "))?;
        }
        Ok(())
    }
}
