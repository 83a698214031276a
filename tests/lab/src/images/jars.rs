//! Jars, fetched by Maven into the cache and held against the checksums that are committed.
//!
//! No jar enters a build that is not on its list with its checksum, and no build goes on with one missing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::images::recipe::Jars;
use crate::images::{ImageError, Recipe};
use crate::making::Making;
use crate::{place, requirements, tool};

/// A hundred jars over a slow line.
const DEADLINE: Duration = Duration::from_secs(900);

/// The list of the recipe's jars, and the folder that holds exactly those, once they have been fetched.
struct Kept {
    list: String,
    folder: PathBuf,
}

/// Where the recipe's jars lie.
pub(crate) fn folder(recipe: &Recipe, jars: &Jars) -> Result<PathBuf, ImageError> {
    Kept::of(recipe, jars).map(|kept| kept.folder)
}

impl Kept {
    fn of(recipe: &Recipe, jars: &Jars) -> Result<Self, ImageError> {
        let list = fs::read_to_string(&jars.list).map_err(ImageError::file("reading", &jars.list))?;
        let digest = Sha256::digest(&list);
        let key = digest.iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let folder = place::cache_folder().join("jars").join(format!("{}-{key}", recipe.name()));
        Ok(Self { list, folder })
    }

    fn is_whole(&self) -> Result<bool, ImageError> {
        Ok(self.folder.is_dir() && compare(&self.list, &sums(&self.folder)?).is_none())
    }
}

/// Whether Maven has to fetch any of the recipe's jars.
pub(crate) fn lacks(recipe: &Recipe) -> Result<bool, ImageError> {
    recipe.jars.as_ref().map_or(Ok(false), |jars| Ok(!Kept::of(recipe, jars)?.is_whole()?))
}

/// A folder that holds the recipe's jars, exactly those of its list.
pub(crate) fn ensure(recipe: &Recipe, jars: &Jars) -> Result<PathBuf, ImageError> {
    let kept = Kept::of(recipe, jars)?;
    if kept.is_whole()? {
        return Ok(kept.folder);
    }
    requirements::check_maven()?;
    let making = Making::begin(&kept.folder).map_err(ImageError::Cache)?;
    if kept.is_whole()? {
        return Ok(kept.folder);
    }
    fetch(recipe, jars, &making)?;
    let found = sums(making.part())?;
    if let Some(differences) = compare(&kept.list, &found) {
        let path = kept.folder.with_file_name(format!("{}.found", recipe.name()));
        fs::write(&path, render(&found)).map_err(ImageError::file("writing", &path))?;
        return Err(ImageError::Jars { list: jars.list.clone(), differences, found: path });
    }
    let part = making.part().to_owned();
    making.finish(&part).map_err(ImageError::Cache)
}

fn fetch(recipe: &Recipe, jars: &Jars, making: &Making) -> Result<(), ImageError> {
    tool::say(&format!("{}: fetching its jars with Maven, once", recipe.name()));
    let log = place::cache_folder().join("jars").join(format!("{}.log", recipe.name()));
    let mut command = Command::new("mvn");
    command
        .args(["--batch-mode", "--no-transfer-progress", "--file"])
        .arg(&jars.pom)
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", making.part().display()))
        .args(recipe.versions.properties());
    let status = making.run(DEADLINE, &log, &command).map_err(ImageError::Cache)?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(&log).unwrap_or_default();
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).take(2).collect();
    Err(ImageError::Tool {
        what: format!("fetching the jars of {}", recipe.name()),
        program: "mvn",
        said: format!("{} ({status}); all of it is in {}", errors.join("; "), log.display()),
    })
}

/// The checksum of every file of a folder.
fn sums(folder: &Path) -> Result<BTreeMap<String, String>, ImageError> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(ImageError::file("listing", folder))? {
        let path = entry.map_err(ImageError::file("listing", folder))?.path();
        let mut sum = Sha256::new();
        let mut file = File::open(&path).map_err(ImageError::file("opening", &path))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = io::Read::read(&mut file, &mut buffer).map_err(ImageError::file("reading", &path))?;
            if count == 0 {
                break;
            }
            sum.update(&buffer[..count]);
        }
        let hex = sum.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.insert(name, hex);
    }
    Ok(found)
}

/// As `sha256sum` writes it.
fn render(sums: &BTreeMap<String, String>) -> String {
    sums.iter().fold(String::new(), |text, (name, sum)| format!("{text}{sum}  {name}\n"))
}

/// How what was found differs from the list, or nothing.
fn compare(list: &str, found: &BTreeMap<String, String>) -> Option<String> {
    let wanted: BTreeMap<&str, &str> =
        list.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name, sum)).collect();
    let mut differences = Vec::new();
    for (name, sum) in &wanted {
        match found.get(*name) {
            None => differences.push(format!("{name} is missing")),
            Some(other) if other != sum => differences.push(format!("{name} has another checksum")),
            Some(_) => {}
        }
    }
    let unknown = found.keys().filter(|name| !wanted.contains_key(name.as_str()));
    differences.extend(unknown.map(|name| format!("{name} is not on the list")));
    (!differences.is_empty()).then(|| differences.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_that_was_changed_added_or_left_out_is_told_by_its_name() {
        let sums = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned())).collect()
        };
        let list = "aa  one.jar\nbb  two.jar\n";
        assert_eq!(compare(list, &sums(&[("one.jar", "aa"), ("two.jar", "bb")])), None);
        let told = compare(list, &sums(&[("one.jar", "a0"), ("three.jar", "cc")])).unwrap();
        for part in ["one.jar has another checksum", "two.jar is missing", "three.jar is not on the list"] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(render(&sums(&[("two.jar", "bb"), ("one.jar", "aa")])), list);
    }
}
