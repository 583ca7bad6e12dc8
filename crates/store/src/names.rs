//! The names that a store makes. What has another name is not the store's, and stays.

use armistice_oci::Digest;

/// How many bytes of chance are in a container's name.
pub(crate) const RUN_BYTES: usize = 6;

/// The digest that a file or a folder is named by.
pub(crate) fn digest(name: &str) -> Option<Digest> {
    Digest::parse(&format!("sha256:{name}"))
}

fn is_hex(name: &str, len: usize) -> bool {
    name.len() == len && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A folder of layers: identities under which they were unpacked.
pub(crate) fn is_ids(name: &str) -> bool {
    matches!(name, "all" | "one") || name.strip_prefix("map-").is_some_and(|n| is_hex(n, 16))
}

/// A layer that is being unpacked, or its lock.
pub(crate) fn is_work(name: &str) -> bool {
    name.strip_suffix(".new")
        .or_else(|| name.strip_suffix(".lock"))
        .and_then(|name| name.rsplit_once('-'))
        .is_some_and(|(ids, hex)| is_ids(ids) && is_hex(hex, 64))
}

/// A name's file.
pub(crate) fn is_ref(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|n| is_hex(n, 64))
}

/// A container's folder.
pub(crate) fn is_run(name: &str) -> bool {
    is_hex(name, 2 * RUN_BYTES)
}

/// The name under which a process writes a file before it is whole.
pub(crate) fn unwritten(name: &str) -> String {
    format!(".{name}.{}", std::process::id())
}

/// What file such a name was to become.
pub(crate) fn becomes(name: &str) -> Option<&str> {
    let (name, process) = name.strip_prefix('.')?.rsplit_once('.')?;
    let is_number = !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_being_written_tells_what_it_becomes() {
        assert_eq!(becomes(&unwritten("a.json")), Some("a.json"));
        for other in ["a.json", ".a", ".a.", ".a.x", ".a.1x"] {
            assert_eq!(becomes(other), None, "{other}");
        }
    }
}
