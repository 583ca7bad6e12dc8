//! Paths inside archives and roots: bytes split at slashes, made plain without looking at any
//! file. A path that would lead out of the root has no such form.

/// The longest path Linux takes (`PATH_MAX`, with its final NUL).
pub(crate) const PATH_MAX: usize = 4096;

/// The components of an entry's name, `.` left out and `..` applied, with a
/// leading slash ignored. `None` where `..` leads out of the root, where the
/// path is longer than Linux takes, or holds a NUL.
pub(crate) fn clean(name: &[u8]) -> Option<Vec<&[u8]>> {
    if name.len() >= PATH_MAX || name.contains(&0) {
        return None;
    }
    let mut out = Vec::new();
    for part in name.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                out.pop()?;
            }
            _ => out.push(part),
        }
    }
    Some(out)
}

/// [`clean`], joined again; the root is empty.
pub(crate) fn clean_joined(name: &[u8]) -> Option<Vec<u8>> {
    Some(clean(name)?.join(&b'/'))
}

/// For messages.
pub(crate) fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_keeps_inside_the_root() {
        assert_eq!(clean_joined(b"./a//b/").unwrap(), b"a/b");
        assert_eq!(clean_joined(b"/a/../b").unwrap(), b"b");
        assert_eq!(clean_joined(b".").unwrap(), b"");
        assert_eq!(clean_joined(b"../a"), None);
        assert_eq!(clean_joined(b"a/../../b"), None);
        assert_eq!(clean_joined(b"a\0b"), None);
        assert_eq!(clean_joined(&[b'a'; PATH_MAX]), None);
    }
}
