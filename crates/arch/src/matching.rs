//! Which of the platforms that an image has fits one that is wanted.
//!
//! As containerd's `platforms.Only`, but never another architecture: a lower
//! variant of the same one is taken, the nearest first. 32-bit Arm does not
//! stand in for arm64, nor 386 for amd64.

use crate::Platform;

impl Platform {
    /// How well this platform serves where `wanted` is asked for: 0 is the very
    /// same, more is farther off; `None` where it does not serve.
    #[must_use]
    pub fn distance_from(&self, wanted: &Platform) -> Option<u32> {
        if self.os != wanted.os || self.architecture != wanted.architecture {
            return None;
        }
        if self.variant == wanted.variant {
            return Some(0);
        }
        match self.architecture.as_str() {
            "arm64" => arm64_level(&wanted.variant)?.checked_sub(arm64_level(&self.variant)?),
            "arm" => number(&wanted.variant)?.checked_sub(number(&self.variant)?),
            "amd64" => amd64_level(&wanted.variant)?.checked_sub(amd64_level(&self.variant)?),
            _ => None,
        }
    }
}

/// The step on which a variant of arm64 stands: v9.x has all of v8.(x+5), and
/// goes before it.
fn arm64_level(variant: &str) -> Option<u32> {
    let (major, minor) = match variant.strip_prefix('v').unwrap_or(variant) {
        "" => (8, 0),
        text => match text.split_once('.') {
            Some((major, minor)) => (plain(major)?, plain(minor)?),
            None => (plain(text)?, 0),
        },
    };
    match major {
        8 => Some(minor * 2),
        9 => Some((minor + 5) * 2 + 1),
        _ => None,
    }
}

fn amd64_level(variant: &str) -> Option<u32> {
    if variant.is_empty() {
        Some(1)
    } else {
        number(variant)
    }
}

fn number(variant: &str) -> Option<u32> {
    plain(variant.strip_prefix('v')?)
}

/// A small number in digits only.
fn plain(text: &str) -> Option<u32> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
