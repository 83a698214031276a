//! Embeds the dashboard's bundle: lists `web/dist` into a table that `src/web` includes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=web/dist");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo names no manifest folder")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no output folder")?);
    let dist = root.join("web/dist");
    let files = list(&dist).unwrap_or_default();
    if !files.iter().any(|(name, _)| name == "index.html") {
        println!("cargo::error=the dashboard's bundle is not built: run `make web` (needs npm)");
        return Err(format!("{} has no index.html", dist.display()));
    }
    fs::write(out.join("bundle.rs"), table(&files))
        .map_err(|error| format!("cannot write the table: {error}"))
}

/// The bundle's files, by name; it has no folders.
fn list(dist: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dist)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && path.is_file()
        {
            files.push((name.to_owned(), path.clone()));
        }
    }
    files.sort();
    Ok(files)
}

fn table(files: &[(String, PathBuf)]) -> String {
    let mut text = String::from("pub(super) static BUNDLE: &[(&str, &[u8])] = &[\n");
    for (name, path) in files {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "    ({name:?}, include_bytes!({path:?})),");
    }
    text + "];\n"
}
