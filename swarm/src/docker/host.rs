//! The real engine as a [`Host`].

use std::collections::BTreeMap;

use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;

use super::DockerEngine;
use super::call::{Failure, within};
use crate::desired::Image;
use crate::host::{HeldImage, Host, HostError, HostFacts, Pulled, RepoDigest};

impl DockerEngine {
    fn host_error(&self, about: &str, failure: Failure) -> HostError {
        let (engine, about) = (self.name.clone(), about.to_owned());
        match failure {
            Failure::Refused(_, words) => HostError::Refused { engine, about, words },
            Failure::NoAnswer(source) => HostError::Unreachable { engine, about, source },
        }
    }
}

impl Host for DockerEngine {
    async fn facts(&self) -> Result<HostFacts, HostError> {
        let info = self.call(self.docker.info()).await.map_err(|error| self.host_error("itself", error))?;
        let version = self.call(self.docker.version()).await;
        let version = version.map_err(|error| self.host_error("its version", error))?;
        let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        Ok(HostFacts {
            name: info.name.unwrap_or_default(),
            id: info.id.unwrap_or_default(),
            version: info.server_version.unwrap_or_default(),
            api: version.api_version.unwrap_or_default(),
            architecture: info.architecture.unwrap_or_default(),
            operating_system: info.operating_system.unwrap_or_default(),
            kernel: info.kernel_version.unwrap_or_default(),
            memory_bytes: number(info.mem_total),
            cpus: number(info.ncpu),
            data_folder: info.docker_root_dir.unwrap_or_default(),
            warnings: info.warnings.unwrap_or_default(),
        })
    }

    async fn held(&self, image: &Image) -> Result<Option<HeldImage>, HostError> {
        match self.call(self.docker.inspect_image(image.as_str())).await {
            Ok(found) => {
                let names = found.repo_digests.unwrap_or_default().into_iter();
                let digests = names.filter_map(|name| {
                    let (repository, digest) = name.split_once('@')?;
                    Some(RepoDigest { repository: repository.to_owned(), digest: digest.to_owned() })
                });
                let digests = digests.collect();
                Ok(Some(HeldImage { digests, architecture: found.architecture.unwrap_or_default() }))
            }
            Err(Failure::Refused(404, _)) => Ok(None),
            Err(error) => Err(self.host_error(image.as_str(), error)),
        }
    }

    async fn pull(&self, image: &Image, mut progress: impl FnMut(Pulled) + Send) -> Result<(), HostError> {
        let options = CreateImageOptionsBuilder::new().from_image(image.as_str()).build();
        let mut signs = self.docker.create_image(Some(options), None, None);
        let mut layers = BTreeMap::new();
        loop {
            let sign = within(self.deadlines.pull_silence, signs.next()).await;
            let sign =
                sign.map_err(|late| self.host_error(image.as_str(), Failure::NoAnswer(late.into())))?;
            match sign {
                None => return Ok(()),
                Some(Ok(info)) => {
                    let detail = info.progress_detail.unwrap_or_default();
                    if let (Some(layer), Some(current), Some(total)) = (info.id, detail.current, detail.total)
                    {
                        layers.insert(layer, (current, total));
                    }
                    let sum = |part: fn(&(i64, i64)) -> i64| {
                        u64::try_from(layers.values().map(part).sum::<i64>()).unwrap_or(0)
                    };
                    let words = info.status.unwrap_or_default();
                    progress(Pulled { bytes: sum(|layer| layer.0), of: sum(|layer| layer.1), words });
                }
                Some(Err(error)) => return Err(self.pull_error(image, error)),
            }
        }
    }
}

impl DockerEngine {
    fn pull_error(&self, image: &Image, error: Error) -> HostError {
        let words = match error {
            Error::DockerResponseServerError { message, .. } => message,
            Error::DockerStreamError { error } => error,
            other => return self.host_error(image.as_str(), Failure::NoAnswer(other.into())),
        };
        HostError::NoImage { engine: self.name.clone(), image: image.to_string(), words }
    }
}
