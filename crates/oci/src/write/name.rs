//! Image names: what people write, and the full form that containerd and newer
//! Dockers keep them by (`docker.io/library/` before a bare name).

use crate::Error;

/// The longest name, in bytes, without its tag and with all that is left out when it is
/// written short.
pub(crate) const LONGEST: usize = 255;

/// Checks a tag as Docker's reference grammar has it, and adds `latest` where
/// the tag is left out.
fn check(tag: &str) -> Result<String, Error> {
    let with_tag = match split(tag).1 {
        Some(_) => tag.to_owned(),
        None => format!("{tag}:latest"),
    };
    match is_valid(&with_tag) {
        true => Ok(with_tag),
        false => Err(Error::BadTag {
            tag: tag.to_owned(),
        }),
    }
}

/// The full form of a name, with its tag.
pub(crate) fn full(name: &str) -> Result<String, Error> {
    let tag = name;
    let name = check(name)?;
    let full = match name.split_once('/') {
        Some((host, _)) if is_host(host) => name,
        Some(_) => format!("docker.io/{name}"),
        None => format!("docker.io/library/{name}"),
    };
    match split(&full).0.len() {
        ..=LONGEST => Ok(full),
        _ => Err(Error::BadTag {
            tag: tag.to_owned(),
        }),
    }
}

/// The part after the last colon, unless that is a registry's port.
pub(crate) fn split(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    }
}

/// Whether the first part of a name is a registry rather than a folder of Docker's.
pub(crate) fn is_host(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':'])
}

pub(crate) fn is_valid(name: &str) -> bool {
    let (repository, Some(tag)) = split(name) else {
        return false;
    };
    let path = match repository.split_once('/') {
        Some((host, path)) if is_host(host) => {
            if !is_valid_host(host) {
                return false;
            }
            path
        }
        _ => repository,
    };
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let tag_ok = tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'));
    tag_ok && repository.len() <= LONGEST && path.split('/').all(is_valid_part)
}

/// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between.
fn is_valid_part(part: &str) -> bool {
    let alnum = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(alnum)
        && part.ends_with(alnum)
        && part.split(alnum).all(|between| {
            matches!(between, "" | "." | "_" | "__") || between.bytes().all(|b| b == b'-')
        })
}

fn is_valid_host(host: &str) -> bool {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.split('.').all(label)
        && port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names() {
        for (name, full) in [
            ("a", "docker.io/library/a:latest"),
            ("a/b:1", "docker.io/a/b:1"),
            ("localhost/a:1", "localhost/a:1"),
            ("ghcr.io/a/b_c--d:V1.0-x", "ghcr.io/a/b_c--d:V1.0-x"),
            ("reg:5000/a", "reg:5000/a:latest"),
        ] {
            assert_eq!(super::full(name).unwrap(), full);
        }
    }

    #[test]
    fn bad_tags_are_refused() {
        for tag in [
            "", ":", "a:", "A", "a b", "a//b", "/a", "a/", "a:-x", "a:x y", "a___b", "-.x/a",
            "a@b", "é",
        ] {
            assert!(matches!(check(tag), Err(Error::BadTag { .. })), "{tag}");
        }
    }
}
