//! What a tar says of an entry beside its bytes: owner, time and extended
//! attributes. The header's fields hold whole seconds; a PAX record has the
//! fraction, and wins. What can't be understood is left at the header's.

/// Owner, time and extended attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The owner's number.
    pub uid: u64,
    /// The group's number.
    pub gid: u64,
    /// Seconds since 1970 of the last change; may be negative.
    pub mtime: i64,
    /// The nanoseconds beside them.
    pub mtime_nanos: u32,
    /// Extended attributes by name, in the archive's order.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Attributes {
    pub(crate) fn of_header(header: &tar::Header) -> Attributes {
        Attributes {
            uid: header.uid().unwrap_or(0),
            gid: header.gid().unwrap_or(0),
            mtime: header
                .mtime()
                .ok()
                .and_then(|t| i64::try_from(t).ok())
                .unwrap_or(0),
            ..Attributes::default()
        }
    }

    /// Takes over what a PAX record says. (Owners are in the header by now.)
    pub(crate) fn record(&mut self, key: &[u8], value: &[u8]) {
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            self.xattrs.retain(|(old, _)| old != name);
            self.xattrs.push((name.to_vec(), value.to_vec()));
        } else if key == b"mtime"
            && let Some((seconds, nanos)) = decimal(value)
        {
            self.mtime = seconds;
            self.mtime_nanos = nanos;
        }
    }
}

/// Seconds with a fraction: `-1.5` is half a second after second -2.
fn decimal(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let nanos: u32 = digits.parse().ok()?;
    if text.starts_with('-') && nanos > 0 {
        return Some((seconds.checked_sub(1)?, 1_000_000_000 - nanos));
    }
    Some((seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, time) in [
            ("12", Some((12, 0))),
            ("12.5", Some((12, 500_000_000))),
            ("12.1234567891", Some((12, 123_456_789))),
            ("-1.5", Some((-2, 500_000_000))),
            ("-0.25", Some((-1, 750_000_000))),
            ("", None),
            ("1.x", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(decimal(text.as_bytes()), time, "{text}");
        }
    }
}
