//! Promise: the functions on memory that the binary brings itself do what C's
//! do, at every size, alignment and overlap.
//!
//! The file of the binary is compiled into this test as well, where it takes
//! the place of the C library's.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

#[path = "../src/start/memory.rs"]
mod memory;

use std::cmp::Ordering;
use std::ffi::{c_char, c_int, c_void};

// SAFETY: C's functions, by their own types.
unsafe extern "C" {
    fn memcpy(to: *mut c_void, from: *const c_void, length: usize) -> *mut c_void;
    fn memmove(to: *mut c_void, from: *const c_void, length: usize) -> *mut c_void;
    fn memset(to: *mut c_void, value: c_int, length: usize) -> *mut c_void;
    fn memcmp(a: *const c_void, b: *const c_void, length: usize) -> c_int;
    fn bcmp(a: *const c_void, b: *const c_void, length: usize) -> c_int;
    fn strlen(string: *const c_char) -> usize;
}

/// All small sizes, and some around the limits of each path and of pages.
fn sizes() -> impl Iterator<Item = usize> {
    (0..300).chain([511, 512, 513, 4095, 4096, 4097, 10_000])
}

/// Bytes that differ from their neighbours and from those 256 further.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (i * 7 + i / 256 * 3 + 1).to_le_bytes()[0])
        .collect()
}

/// Copied by hand, since the code under test may be what copies otherwise.
fn copied(bytes: &[u8], from: usize, to: usize, length: usize) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len());
    for i in 0..bytes.len() {
        let inside = (to..to + length).contains(&i);
        result.push(std::hint::black_box(
            bytes[if inside { i - to + from } else { i }],
        ));
    }
    result
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| std::hint::black_box(a) == b)
}

#[test]
fn copies() {
    for size in sizes() {
        for (from, to) in [(0, 0), (1, 0), (0, 5), (15, 17)] {
            let source = pattern(size + 64);
            let mut target = vec![0xee_u8; size + 64];
            // SAFETY: both vectors are larger.
            let result = unsafe {
                memcpy(
                    target.as_mut_ptr().add(to).cast(),
                    source.as_ptr().add(from).cast(),
                    size,
                )
            };
            assert_eq!(result, target[to..].as_mut_ptr().cast());
            for (i, &byte) in target.iter().enumerate() {
                let inside = (to..to + size).contains(&i);
                let expected = if inside { source[i - to + from] } else { 0xee };
                assert!(
                    byte == expected,
                    "{size} bytes from {from} to {to}, byte {i}"
                );
            }
        }
    }
}

#[test]
fn moves_with_any_overlap() {
    for size in sizes() {
        for (from, to) in [
            (0, 0),
            (0, 1),
            (1, 0),
            (0, 8),
            (8, 0),
            (3, 19),
            (19, 3),
            (0, 64),
            (64, 0),
            (0, 200),
            (200, 0),
        ] {
            let before = pattern(size + 264);
            let mut bytes = before.clone();
            // SAFETY: the vector is larger than both ranges.
            let result = unsafe {
                memmove(
                    bytes.as_mut_ptr().add(to).cast(),
                    bytes.as_ptr().add(from).cast(),
                    size,
                )
            };
            assert_eq!(result, bytes[to..].as_mut_ptr().cast());
            let expected = copied(&before, from, to, size);
            assert!(same(&bytes, &expected), "{size} bytes from {from} to {to}");
        }
    }
}

#[test]
fn sets() {
    for size in sizes() {
        for at in [0, 1, 9] {
            for value in [0, 0x5a, 0xff, 0x1a5] {
                let mut bytes = vec![0xee_u8; size + 32];
                // SAFETY: the vector is larger.
                let result = unsafe { memset(bytes.as_mut_ptr().add(at).cast(), value, size) };
                assert_eq!(result, bytes[at..].as_mut_ptr().cast());
                for (i, &byte) in bytes.iter().enumerate() {
                    let inside = (at..at + size).contains(&i);
                    let expected = if inside { value.to_le_bytes()[0] } else { 0xee };
                    assert!(byte == expected, "{size} bytes at {at}, byte {i}");
                }
            }
        }
    }
}

#[test]
fn compares() {
    let compare = |a: &[u8], b: &[u8]| {
        // SAFETY: both are as long as said.
        let results =
            unsafe { [memcmp, bcmp].map(|f| f(a.as_ptr().cast(), b.as_ptr().cast(), a.len())) };
        assert_eq!(results[0] == 0, results[1] == 0);
        results[0].cmp(&0)
    };
    for size in (0..70).chain([1000]) {
        let bytes = pattern(size);
        assert_eq!(compare(&bytes, &bytes.clone()), Ordering::Equal);
        for at in 0..size {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut other = bytes.clone();
                other[at] = value;
                // What comes later must not matter.
                if at + 1 < size {
                    other[at + 1] = !bytes[at + 1];
                }
                let expected = match bytes[at].cmp(&value) {
                    Ordering::Equal if at + 1 < size => bytes[at + 1].cmp(&other[at + 1]),
                    order => order,
                };
                assert_eq!(compare(&bytes, &other), expected, "{size} bytes, byte {at}");
            }
        }
    }
}

#[test]
fn lengths() {
    let mut bytes = [b'x'; 100];
    for at in (0..100).rev() {
        bytes[at] = 0;
        // SAFETY: there is a zero.
        assert_eq!(unsafe { strlen(bytes.as_ptr().cast()) }, at);
    }
}
