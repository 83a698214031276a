//! The rack's images: what each is made of, and how it is made in a lab of one board.
//!
//! An image's tag ends in the hash of all that goes into it: its folder's files, the checksums of its jars, its
//! arguments, its processor, and its parent's hash. So what the registry has under that tag is never built or
//! pushed again, and a test that names an image gets the one that this tree describes or none.
//!
//! A build goes: base (debootstrap, loaded) → `jre` → the image → the lab's registry. Jars come by Maven and
//! enter a build only when each has the checksum that is committed. All of it lies in the cache, outside the tree.

mod architecture;
mod base;
mod build;
mod context;
mod error;
mod jars;
mod recipe;
mod registry;
mod report;
mod unused;
mod versions;

use std::path::{Path, PathBuf};
use std::time::Instant;

pub use architecture::Architecture;
pub use build::{Made, Origin};
pub use error::ImageError;
pub use recipe::{NAMES, RACK, Recipe};
pub use report::table;
pub(crate) use unused::{unused, used};
pub use versions::Versions;

use crate::{Lab, requirements};

/// The tree's `images` folder.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images")
}

/// The recipes of the tree, for that processor; parents come before what is made of them.
///
/// # Errors
/// When a file of them cannot be read or does not say what it should.
pub fn recipes(architecture: Architecture) -> Result<Vec<Recipe>, ImageError> {
    recipes_around(architecture, None)
}

fn recipes_around(architecture: Architecture, agent: Option<&Path>) -> Result<Vec<Recipe>, ImageError> {
    let folder = folder();
    let versions = Versions::read(&folder)?;
    recipe::all(&folder, &versions, architecture, agent)
}

/// The image of that name for this machine, as a lab's boards pull it: `ADDRESS:PORT/pirack/kafka:TAG`.
///
/// # Errors
/// When there is no such image, or the tree's recipes cannot be read.
pub fn reference(name: &str) -> Result<String, ImageError> {
    let recipes = recipes(Architecture::of_this_machine()?)?;
    recipe::named(&recipes, name).map(Recipe::reference)
}

/// As [`reference`], with this program for the agent's: for tests, which have one of the dev profile.
///
/// # Errors
/// As there.
pub fn reference_with(name: &str, architecture: Architecture, agent: &Path) -> Result<String, ImageError> {
    let recipes = recipes_around(architecture, Some(agent))?;
    recipe::named(&recipes, name).map(Recipe::reference)
}

/// The folder of the jars of the image of that name, fetched where they are not in the cache, and held against
/// the list that is committed: for whoever runs those programs without an image.
///
/// # Errors
/// When there is no such image, or its jars cannot be had.
pub fn jars(name: &str) -> Result<Option<PathBuf>, ImageError> {
    let recipes = recipes(Architecture::of_this_machine()?)?;
    let recipe = recipe::named(&recipes, name)?;
    recipe.jars.as_ref().map(|jars| jars::ensure(recipe, jars)).transpose()
}

/// What this machine lacks to make those of the images named that the registry has not got.
///
/// # Errors
/// With all of it; or when the tree's recipes cannot be read.
pub fn requirements(
    names: &[&str],
    architecture: Architecture,
    agent: Option<&Path>,
) -> Result<(), ImageError> {
    let recipes = recipes_around(architecture, agent)?;
    let wanted = names.iter().map(|name| recipe::named(&recipes, name)).collect::<Result<Vec<_>, _>>()?;
    can_be_made(&wanted.into_iter().filter(|recipe| registry::stored(recipe).is_none()).collect::<Vec<_>>())
}

fn can_be_made(absent: &[&Recipe]) -> Result<(), ImageError> {
    let Some(first) = absent.first() else { return Ok(()) };
    Lab::requirements()?;
    for recipe in absent {
        if jars::lacks(recipe)? {
            requirements::check_maven()?;
        }
    }
    first.architecture().can_be_built_here()
}

/// Makes the images named, with their parents, unless the registry has them; says on standard error what it does.
/// `agent` is the program that goes into the agent's, where it is not the release build: tests have another.
///
/// # Errors
/// When this machine cannot, or a step of it fails.
pub fn make(
    names: &[&str],
    architecture: Architecture,
    agent: Option<&Path>,
) -> Result<Vec<Made>, ImageError> {
    let recipes = recipes_around(architecture, agent)?;
    let wanted = names.iter().map(|name| recipe::named(&recipes, name)).collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    let mut made: Vec<Option<Made>> = wanted
        .iter()
        .map(|recipe| registry::stored(recipe).map(|stored| Made::kept(recipe, stored)))
        .collect();
    let absent: Vec<&Recipe> =
        wanted.iter().zip(&made).filter(|(_, made)| made.is_none()).map(|(recipe, _)| *recipe).collect();
    if !absent.is_empty() {
        can_be_made(&absent)?;
        let foundry = build::Foundry::open(architecture, &recipes)?;
        for (slot, recipe) in made.iter_mut().zip(&wanted).filter(|(slot, _)| slot.is_none()) {
            // Whoever had the foundry before may have made it.
            *slot = Some(match registry::stored(recipe) {
                Some(stored) => Made::kept(recipe, stored),
                None => foundry.make(recipe)?,
            });
        }
        tracing::debug!(seconds = began.elapsed().as_secs_f64(), "images made");
    }
    Ok(made.into_iter().flatten().collect())
}
