//! What people call an image: `debian`, `ghcr.io/a/b:1`, `name@sha256:...`;
//! normalised as Docker does it.

use crate::Error;
use crate::digest::Digest;
use crate::write::name;

/// An image's name, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The registry, with its port: `docker.io` where none was given.
    pub registry: String,
    /// The repository: `library/debian`.
    pub repository: String,
    /// The tag; `latest` where neither tag nor digest was given.
    pub tag: Option<String>,
    /// The digest, which counts where there is a tag as well.
    pub digest: Option<Digest>,
}

impl Reference {
    /// From what a person types.
    ///
    /// # Errors
    /// [`Error::BadTag`].
    pub fn parse(text: &str) -> Result<Reference, Error> {
        let bad = || Error::BadTag {
            tag: text.to_owned(),
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).ok_or_else(bad)?)),
            None => (text, None),
        };
        let had_tag = name::split(rest).1.is_some();
        let full = name::full(rest).map_err(|_| bad())?;
        let (path, tag) = name::split(&full);
        let (registry, repository) = path.split_once('/').ok_or_else(bad)?;
        let registry = match registry {
            "index.docker.io" | "registry-1.docker.io" => "docker.io",
            other => other,
        };
        let repository = if registry == "docker.io" && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        if registry.len() + "/".len() + repository.len() > name::LONGEST {
            return Err(bad());
        }
        Ok(Reference {
            registry: registry.to_owned(),
            repository,
            tag: tag
                .filter(|_| had_tag || digest.is_none())
                .map(str::to_owned),
            digest,
        })
    }

    /// What to ask a registry for: the digest, else the tag.
    #[must_use]
    pub fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fault once: a name was taken whose whole form was not.
    #[test]
    fn a_name_is_as_long_as_its_whole_form() {
        for prefix in ["", "a/", "docker.io/", "docker.io/a/", "r.io/"] {
            for length in 220..260 {
                let name = format!("{prefix}{}", "a".repeat(length));
                if let Ok(parsed) = Reference::parse(&name) {
                    assert_eq!(Reference::parse(&parsed.to_string()).ok(), Some(parsed));
                }
            }
        }
        Reference::parse(&"a".repeat(237)).unwrap();
        Reference::parse(&"a".repeat(238)).unwrap_err();
    }

    #[test]
    fn dockers_normalisation() {
        let hex = "a".repeat(64);
        for (text, full) in [
            ("debian", "docker.io/library/debian:latest".to_owned()),
            ("a/b:1", "docker.io/a/b:1".to_owned()),
            (
                "docker.io/debian:x",
                "docker.io/library/debian:x".to_owned(),
            ),
            (
                "index.docker.io/debian",
                "docker.io/library/debian:latest".to_owned(),
            ),
            ("localhost:5000/a", "localhost:5000/a:latest".to_owned()),
            (
                &format!("a@sha256:{hex}"),
                format!("docker.io/library/a@sha256:{hex}"),
            ),
            (
                &format!("r.io/a:t@sha256:{hex}"),
                format!("r.io/a:t@sha256:{hex}"),
            ),
        ] {
            let parsed = Reference::parse(text).unwrap();
            assert_eq!(parsed.to_string(), full);
            assert_eq!(Reference::parse(&full).unwrap(), parsed);
        }
        for text in [
            "",
            "A",
            "a@",
            "a@sha256:12",
            "a:@x",
            "http://a/b",
            "../a",
            "a/../b",
            "a b",
        ] {
            Reference::parse(text).unwrap_err();
        }
    }
}
