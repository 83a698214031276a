//! What each image is made of, as plain data, and the hash that follows from it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::images::{Architecture, ImageError, Versions, base};
use crate::layout;

/// The names of all images, as the command line has them. Parents come before what is made of them.
pub const NAMES: [&str; 6] = ["jre-17", "jre-11", "kafka", "cassandra-5.0", "cassandra-4.0", "agent"];

/// What a rack runs: all of them but what they begin with.
pub const RACK: [&str; 4] = ["kafka", "cassandra-5.0", "cassandra-4.0", "agent"];

/// What an image begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parent {
    /// A Debian suite, by debootstrap.
    Debian(&'static str),
    /// Another image of ours, by name.
    Image(&'static str),
}

/// Jars of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Jars {
    /// What is wanted.
    pub(crate) pom: PathBuf,
    /// What each must be.
    pub(crate) list: PathBuf,
}

/// One image, for one processor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    name: &'static str,
    repository: &'static str,
    version: String,
    architecture: Architecture,
    hash: String,
    pub(crate) parent: Parent,
    /// The Dockerfile's argument that names the parent, and the others.
    pub(crate) parent_argument: &'static str,
    pub(crate) arguments: Vec<(String, String)>,
    pub(crate) folder: PathBuf,
    /// What of the folder goes into the build.
    pub(crate) contents: &'static [&'static str],
    pub(crate) jars: Option<Jars>,
    pub(crate) versions: Versions,
    /// A program of this project's that goes in.
    pub(crate) program: Option<PathBuf>,
}

impl Recipe {
    /// As the command line has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The processor that it is for.
    pub(crate) fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// `pirack/kafka`.
    #[must_use]
    pub fn repository(&self) -> &'static str {
        self.repository
    }

    /// Version and hash; the processor too, where it is not the usual one of a developer's machine.
    #[must_use]
    pub fn tag(&self) -> String {
        let processor = match self.architecture {
            Architecture::Amd64 => "",
            Architecture::Arm64 => "arm64-",
        };
        format!("{}-{processor}{}", self.version, self.hash)
    }

    /// As a lab's boards pull it.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}/{}:{}", layout::REGISTRY, self.repository, self.tag())
    }
}

/// The recipe of that name.
pub(crate) fn named<'a>(recipes: &'a [Recipe], name: &str) -> Result<&'a Recipe, ImageError> {
    recipes
        .iter()
        .find(|recipe| recipe.name == name)
        .ok_or_else(|| ImageError::Unknown { asked: name.to_owned(), known: NAMES.to_vec() })
}

/// Every recipe, hashed; the agent's around this program, or the one that a release build leaves.
pub(crate) fn all(
    images: &Path,
    versions: &Versions,
    architecture: Architecture,
    program: Option<&Path>,
) -> Result<Vec<Recipe>, ImageError> {
    let program = program.map_or_else(|| agent(images, architecture), Path::to_path_buf);
    let mut recipes: Vec<Recipe> = Vec::new();
    for name in NAMES {
        let mut recipe = plain(name, images, versions, architecture, &program)?;
        let parent = match recipe.parent {
            Parent::Debian(suite) => base::hash(suite, architecture),
            Parent::Image(parent) => named(&recipes, parent)?.hash.clone(),
        };
        recipe.hash = hash(&recipe, &parent)?;
        recipes.push(recipe);
    }
    Ok(recipes)
}

/// A recipe without its hash.
fn plain(
    name: &'static str,
    images: &Path,
    versions: &Versions,
    architecture: Architecture,
    program: &Path,
) -> Result<Recipe, ImageError> {
    let java = |suite| -> Result<_, ImageError> {
        let java = versions.java(suite)?.to_owned();
        Ok(("pirack/jre", java.clone(), "jre", Parent::Debian(suite), vec![("JAVA".to_owned(), java)]))
    };
    let cassandra = |jre, series: &str, key| -> Result<_, ImageError> {
        let arguments = vec![("VERSION".to_owned(), series.to_owned())];
        let version = versions.maven(key)?.to_owned();
        Ok(("pirack/cassandra", version, "cassandra", Parent::Image(jre), arguments))
    };
    let (repository, version, folder, parent, arguments) = match name {
        "jre-17" => java("bookworm")?,
        "jre-11" => java("bullseye")?,
        "kafka" => {
            ("pirack/kafka", versions.maven("kafka")?.to_owned(), "kafka", Parent::Image("jre-17"), vec![])
        }
        "cassandra-5.0" => cassandra("jre-17", "5.0", "cassandra-5_0")?,
        "cassandra-4.0" => cassandra("jre-11", "4.0", "cassandra-4_0")?,
        _ => {
            let version = env!("CARGO_PKG_VERSION").to_owned();
            ("pirack/agent", version, "agent", Parent::Debian("bookworm"), vec![])
        }
    };
    let folder = images.join(folder);
    let jars = match name {
        "kafka" => Some(("pom.xml", "jars.sha256")),
        "cassandra-5.0" => Some(("pom-5.0.xml", "jars-5.0.sha256")),
        "cassandra-4.0" => Some(("pom-4.0.xml", "jars-4.0.sha256")),
        _ => None,
    };
    Ok(Recipe {
        name,
        repository,
        version,
        architecture,
        hash: String::new(),
        parent_argument: if matches!(parent, Parent::Debian(_)) { "BASE" } else { "JRE" },
        parent,
        arguments,
        contents: match name {
            "jre-17" | "jre-11" => &["Dockerfile", "modules", "heap"],
            "kafka" => &["Dockerfile", "bin", "exporter.yaml"],
            "agent" => &["Dockerfile"],
            _ => &["Dockerfile", "bin", "conf", "exporter.yaml"],
        },
        jars: jars.map(|(pom, list)| Jars { pom: folder.join(pom), list: folder.join(list) }),
        versions: versions.clone(),
        program: (name == "agent").then(|| program.to_path_buf()),
        folder,
    })
}

/// The agent that goes into its image: `PIRACK_AGENT_BIN`, or what a release build of this tree leaves.
fn agent(images: &Path, architecture: Architecture) -> PathBuf {
    if let Some(path) = std::env::var_os("PIRACK_AGENT_BIN") {
        return path.into();
    }
    let target = images.join("../target");
    let own = Architecture::of_this_machine().is_ok_and(|own| own == architecture);
    match architecture {
        _ if own => target.join("release/pirack-agent"),
        Architecture::Arm64 => target.join("cross/aarch64-unknown-linux-gnu/release/pirack-agent"),
        Architecture::Amd64 => target.join("x86_64-unknown-linux-gnu/release/pirack-agent"),
    }
}

/// Twelve digits of the hash of everything that goes in.
fn hash(recipe: &Recipe, parent: &str) -> Result<String, ImageError> {
    let mut sum = Sha256::new();
    sum.update(format!("{} {} {parent}\n", recipe.version, recipe.architecture.name()));
    for (name, value) in &recipe.arguments {
        sum.update(format!("{name}={value}\n"));
    }
    for content in recipe.contents {
        add(&mut sum, &recipe.folder, &recipe.folder.join(content))?;
    }
    if let Some(jars) = &recipe.jars {
        add(&mut sum, &recipe.folder, &jars.list)?;
    }
    // A program that has not been built is missed when the image is made, not when another one is named.
    if let Some(program) = recipe.program.as_deref().filter(|program| program.is_file()) {
        add(&mut sum, program.parent().unwrap_or(program), program)?;
    }
    Ok(sum.finalize().iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

/// A file's or a folder's names, modes and bytes, in the order of their names.
fn add(sum: &mut Sha256, root: &Path, path: &Path) -> Result<(), ImageError> {
    let metadata = fs::metadata(path).map_err(ImageError::file("reading", path))?;
    if metadata.is_dir() {
        let mut entries = fs::read_dir(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(ImageError::file("listing", path))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        return entries.iter().try_for_each(|entry| add(sum, root, &entry.path()));
    }
    let bytes = fs::read(path).map_err(ImageError::file("reading", path))?;
    let name = path.strip_prefix(root).unwrap_or(path);
    let executable = metadata.permissions().mode() & 0o111 != 0;
    sum.update(format!("{} {executable} {}\n", name.display(), bytes.len()));
    sum.update(&bytes);
    Ok(())
}
