//! An image by tag or digest; `latest`, written or implied, is not a version and is refused.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::NameError;

/// `[registry[:port]/]path[:tag][@sha256:digest]`, with a tag that is not `latest`, or a digest, or both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Image(String);

impl Image {
    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest, `sha256:` and 64 hexadecimal digits, where there is one.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        parts(&self.0).2
    }

    /// Its repository as Docker tells it in digests: its own registry goes without saying, and so does `library/` there.
    #[must_use]
    pub fn repository(&self) -> &str {
        let (path, ..) = parts(&self.0);
        let own = path.strip_prefix("docker.io/").or_else(|| path.strip_prefix("index.docker.io/"));
        let path = own.unwrap_or(path);
        path.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(path)
    }
}

/// A reference's path, tag and digest.
fn parts(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    // A ':' before the last '/' is a registry's port, not a tag.
    match rest.rfind(':') {
        Some(colon) if !rest[colon..].contains('/') => (&rest[..colon], Some(&rest[colon + 1..]), digest),
        _ => (rest, None, digest),
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Image {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = |remedy| Err(NameError::new(text, "an image", remedy));
        let (path, tag, digest) = parts(text);
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return refuse("write the digest as @sha256: and 64 hexadecimal digits");
        }
        match tag {
            None if digest.is_none() => {
                return refuse("name a version: a tag or a digest, for example kafka:4.1.0");
            }
            Some("latest") => return refuse("name a version: latest is whatever was pushed last"),
            Some(tag) if !is_tag(tag) => return refuse("use letters, digits, '_', '.' and '-' in its tag"),
            _ => {}
        }
        if is_path(path) {
            Ok(Self(text.to_owned()))
        } else {
            refuse("write it as [registry/]name:tag in lower case, for example apache/kafka:4.1.0")
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')))
}

/// The reference grammar's tag: a word character, then up to 127 of word characters, `.` and `-`.
fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'))
        && !text.starts_with(['.', '-'])
}

fn is_path(text: &str) -> bool {
    let mut parts = text.split('/').peekable();
    // As Docker reads it: a first part with a '.' or ':' in it, or localhost, is a registry.
    if let Some(first) = parts.peek().copied()
        && text.contains('/')
        && (first.contains(['.', ':']) || first == "localhost")
    {
        if !is_registry(first) {
            return false;
        }
        parts.next();
    }
    parts.all(|part| {
        let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        end(part.chars().next())
            && end(part.chars().next_back())
            && part
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'_' | b'-'))
    })
}

fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "443"));
    host.parse::<super::HostName>().is_ok() && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_its_version() {
        let digest = format!("cassandra@sha256:{}", "a1".repeat(32));
        let both = format!("registry.local:5000/rack/kafka:4.1@sha256:{}", "0".repeat(64));
        for good in ["kafka:4.1.0", "apache/kafka:4.1.0", "localhost:5000/a/b:1", &digest, &both] {
            assert_eq!(good.parse::<Image>().map(|image| image.to_string()), Ok(good.to_owned()));
        }
        assert_eq!(digest.parse::<Image>().unwrap().digest().map(str::len), Some(71));
    }

    #[test]
    fn a_repository_has_one_name_however_the_file_spells_dockers_own_registry() {
        let digest = format!("docker.io/library/cassandra@sha256:{}", "a1".repeat(32));
        for (image, repository) in [
            ("cassandra:5.0.6", "cassandra"),
            ("library/cassandra:5.0.6", "cassandra"),
            ("index.docker.io/cassandra:5.0.6", "cassandra"),
            (&digest, "cassandra"),
            ("docker.io/apache/kafka:4.1.0", "apache/kafka"),
            ("docker.io/library/a/b:1", "library/a/b"),
            ("r1b1:5000/apache/kafka:4.1.0", "r1b1:5000/apache/kafka"),
            ("localhost:5000/library/kafka:4.1.0", "localhost:5000/library/kafka"),
        ] {
            assert_eq!(image.parse::<Image>().unwrap().repository(), repository);
        }
    }

    #[test]
    fn latest_is_refused_whether_written_or_implied() {
        for bad in ["cassandra:latest", "cassandra", "localhost:5000/cassandra"] {
            let error = bad.parse::<Image>().unwrap_err().to_string();
            assert!(error.contains("name a version"), "{error}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for bad in ["", ":1", "Kafka:1", "a//b:1", "a:b c", "a@sha256:12", "-a:1", "x:y/z:1", "a:1@md5:2"] {
            assert!(bad.parse::<Image>().is_err(), "{bad:?} passed");
        }
    }
}
