//! The foundry: a lab of one board whose engine builds images and pushes them to the lab's registry.
//!
//! What its engine has built it keeps in the cache, so that a changed script does not make a new Java.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bollard::query_parameters::{BuildImageOptions, ImportImageOptions, PushImageOptions};
use bollard::{Docker, body_full};
use futures_util::StreamExt as _;

use crate::images::recipe::{self, Parent};
use crate::images::registry::{self, Stored};
use crate::images::{Architecture, ImageError, Recipe, base, context};
use crate::{Lab, Spec, place, tool};

/// The foundry's engine, in the cache, and its lab.
const FOUNDRY: &str = "foundry";
/// A Java by a slow line, linked under emulation.
const BUILD_DEADLINE: Duration = Duration::from_secs(2400);
const ANSWER_DEADLINE: Duration = Duration::from_secs(300);
const PUSH_DEADLINE: Duration = Duration::from_secs(600);

/// How an image came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Kept,
    /// It was built now.
    Built,
}

/// An image that the registry has.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Its name on the command line.
    pub name: &'static str,
    /// As a lab's boards pull it.
    pub reference: String,
    /// Whether it was built now.
    pub origin: Origin,
    /// What a board that has nothing of it pulls, in bytes.
    pub pulled_bytes: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Made {
    pub(crate) fn kept(recipe: &Recipe, stored: Stored) -> Self {
        Self::of(recipe, Origin::Kept, stored.pulled_bytes, 0.0)
    }

    fn of(recipe: &Recipe, origin: Origin, pulled_bytes: u64, seconds: f64) -> Self {
        Self { name: recipe.name(), reference: recipe.reference(), origin, pulled_bytes, seconds }
    }
}

/// A lab that builds images while this value lives.
pub(crate) struct Foundry<'a> {
    architecture: Architecture,
    recipes: &'a [Recipe],
    runtime: tokio::runtime::Runtime,
    engine: Docker,
    logs: PathBuf,
    /// References that the engine is known to have.
    here: RefCell<Vec<String>>,
    _lab: Lab,
}

impl<'a> Foundry<'a> {
    /// Brings it up.
    pub(crate) fn open(architecture: Architecture, recipes: &'a [Recipe]) -> Result<Self, ImageError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ImageError::file("starting the runtime of", FOUNDRY))?;
        let lab = Lab::begin(&Spec::new(1).named(FOUNDRY).keeping_engines(FOUNDRY).waiting())?;
        let engine = {
            let _inside = runtime.enter();
            lab.board(1).engine()?
        };
        let logs = place::cache_folder().join("images");
        fs::create_dir_all(&logs).map_err(ImageError::file("making", &logs))?;
        Ok(Self { architecture, recipes, runtime, engine, logs, here: RefCell::default(), _lab: lab })
    }

    /// Builds an image, after its parents, and pushes it.
    pub(crate) fn make(&self, recipe: &Recipe) -> Result<Made, ImageError> {
        let began = Instant::now();
        let parent = match recipe.parent {
            Parent::Debian(suite) => self.debian(suite)?,
            Parent::Image(name) => {
                let parent = recipe::named(self.recipes, name)?;
                if !self.has(&parent.reference())? {
                    self.make(parent)?;
                }
                parent.reference()
            }
        };
        tool::say(&format!("{}: building {}", recipe.name(), recipe.reference()));
        self.runtime.block_on(self.build(recipe, &parent))?;
        self.runtime.block_on(self.push(recipe))?;
        self.here.borrow_mut().push(recipe.reference());
        let stored = registry::stored(recipe).ok_or_else(|| ImageError::Build {
            image: recipe.reference(),
            said: "the registry took it and does not have it".to_owned(),
            log: self.log(recipe.name()),
        })?;
        Ok(Made::of(recipe, Origin::Built, stored.pulled_bytes, began.elapsed().as_secs_f64()))
    }

    /// The Debian of that suite, loaded.
    fn debian(&self, suite: &str) -> Result<String, ImageError> {
        let tag = format!("{suite}-{}-{}", self.architecture.name(), base::hash(suite, self.architecture));
        let reference = format!("pirack/base:{tag}");
        if !self.has(&reference)? {
            let layer = base::ensure(suite, self.architecture)?;
            let image = context::image(&reference, self.architecture, &layer)?;
            self.runtime.block_on(self.load(&reference, image))?;
            self.here.borrow_mut().push(reference.clone());
        }
        Ok(reference)
    }

    fn has(&self, reference: &str) -> Result<bool, ImageError> {
        if self.here.borrow().iter().any(|known| known == reference) {
            return Ok(true);
        }
        let what = format!("asking the foundry for {reference}");
        let answer = async {
            match self.engine.inspect_image(reference).await {
                Ok(_) => Ok(true),
                Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
                Err(error) => Err(ImageError::engine(what.clone())(error)),
            }
        };
        self.runtime.block_on(within(&what, ANSWER_DEADLINE, answer))
    }

    async fn load(&self, reference: &str, image: Vec<u8>) -> Result<(), ImageError> {
        let what = format!("loading {reference}");
        let answers = async {
            let options = ImportImageOptions::default();
            let mut stream = self.engine.import_image(options, body_full(image.into()), None);
            while let Some(answer) = stream.next().await {
                answer.map_err(ImageError::engine(what.clone()))?;
            }
            Ok(())
        };
        within(&what, ANSWER_DEADLINE, answers).await
    }

    async fn build(&self, recipe: &Recipe, parent: &str) -> Result<(), ImageError> {
        let archive = context::archive(recipe)?;
        let mut arguments: HashMap<String, String> = recipe.arguments.iter().cloned().collect();
        arguments.insert(recipe.parent_argument.to_owned(), parent.to_owned());
        let options = BuildImageOptions {
            dockerfile: "Dockerfile".to_owned(),
            t: Some(recipe.reference()),
            buildargs: Some(arguments),
            // Through the board's own network, which has the lab's way out.
            networkmode: Some("host".to_owned()),
            platform: self.architecture.platform().to_owned(),
            rm: true,
            forcerm: true,
            ..BuildImageOptions::default()
        };
        let log = self.log(recipe.name());
        let mut output = File::create(&log).map_err(ImageError::file("writing", &log))?;
        let what = format!("building {}", recipe.reference());
        let failed = |said: String| ImageError::Build { image: recipe.reference(), said, log: log.clone() };
        let steps = async {
            let mut stream = self.engine.build_image(options, None, Some(body_full(archive.into())));
            while let Some(answer) = stream.next().await {
                let answer = answer.map_err(|error| failed(error.to_string()))?;
                if let Some(detail) = answer.error_detail {
                    return Err(failed(detail.message.unwrap_or_default()));
                }
                let text = answer.stream.unwrap_or_default();
                output.write_all(text.as_bytes()).map_err(ImageError::file("writing", &log))?;
            }
            Ok(())
        };
        within(&what, BUILD_DEADLINE, steps).await
    }

    async fn push(&self, recipe: &Recipe) -> Result<(), ImageError> {
        let what = format!("pushing {}", recipe.reference());
        let name = recipe.reference();
        let name = name.strip_suffix(&format!(":{}", recipe.tag())).unwrap_or(&name);
        let options = PushImageOptions { tag: Some(recipe.tag()), ..PushImageOptions::default() };
        let answers = async {
            let mut stream = self.engine.push_image(name, Some(options), None);
            while let Some(answer) = stream.next().await {
                let answer = answer.map_err(ImageError::engine(what.clone()))?;
                if let Some(detail) = answer.error_detail {
                    return Err(ImageError::Build {
                        image: recipe.reference(),
                        said: detail.message.unwrap_or_default(),
                        log: self.log(recipe.name()),
                    });
                }
            }
            Ok(())
        };
        within(&what, PUSH_DEADLINE, answers).await
    }

    fn log(&self, name: &str) -> PathBuf {
        Path::new(&self.logs).join(format!("{name}-{}.log", self.architecture.name()))
    }
}

async fn within<T>(
    what: &str,
    deadline: Duration,
    work: impl Future<Output = Result<T, ImageError>>,
) -> Result<T, ImageError> {
    tokio::time::timeout(deadline, work)
        .await
        .map_err(|_| ImageError::Late { what: what.to_owned(), deadline })?
}
