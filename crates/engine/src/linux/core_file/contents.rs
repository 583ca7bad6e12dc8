//! What of a mapping a core file holds: core(5), "Controlling which mappings are
//! written to the core dump".

use crate::linux::views::maps::Mapping;

/// The bits of `coredump_filter`.
mod filter {
    pub(super) const ANONYMOUS_PRIVATE: u64 = 1;
    pub(super) const ANONYMOUS_SHARED: u64 = 1 << 1;
    pub(super) const FILE_PRIVATE: u64 = 1 << 2;
    pub(super) const FILE_SHARED: u64 = 1 << 3;
    pub(super) const ELF_HEADERS: u64 = 1 << 4;
    pub(super) const HUGE_PRIVATE: u64 = 1 << 5;
    pub(super) const HUGE_SHARED: u64 = 1 << 6;
}

/// What a process has that nobody set: [`filter`].
pub(super) const DEFAULT_FILTER: u64 = 0x33;

/// How much of a mapping is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Nothing,
    /// The first page, if it is an ELF file's.
    Header,
    All,
}

/// How much of a mapping a filter lets through.
pub(super) fn share(mapping: &Mapping<'_>, filter: u64) -> Share {
    let all_if = |bit: u64| {
        if filter & bit != 0 {
            Share::All
        } else {
            Share::Nothing
        }
    };
    let shared = mapping.has_flag(b"sh");
    let of_kernel: [&[u8]; 3] = [b"[vdso]", b"[sigpage]", b"[vectors]"];
    if of_kernel.contains(&mapping.path) {
        return Share::All;
    }
    // MADV_DONTDUMP, MAP_DROPPABLE.
    if mapping.has_flag(b"dd") || mapping.has_flag(b"dp") {
        return Share::Nothing;
    }
    if mapping.has_flag(b"ht") {
        return all_if(if shared {
            filter::HUGE_SHARED
        } else {
            filter::HUGE_PRIVATE
        });
    }
    // A device's memory.
    if mapping.has_flag(b"io") {
        return Share::Nothing;
    }
    if shared {
        // Shared memory without a name is a file that has none.
        return all_if(if mapping.path.ends_with(b" (deleted)") {
            filter::ANONYMOUS_SHARED
        } else {
            filter::FILE_SHARED
        });
    }
    let written = mapping.is_written && filter & filter::ANONYMOUS_PRIVATE != 0;
    if written || mapping.is_file && filter & filter::FILE_PRIVATE != 0 {
        return Share::All;
    }
    let headers = filter & filter::ELF_HEADERS != 0;
    if headers && mapping.is_file && mapping.offset == 0 && mapping.permissions[0] == b'r' {
        return Share::Header;
    }
    Share::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANONYMOUS: Mapping<'_> = Mapping {
        range: 0x1000..0x3000,
        permissions: *b"rw-p",
        offset: 0,
        is_file: false,
        path: b"",
        flags: b" rd wr mr mw me ac",
        is_written: true,
    };
    const FILE: Mapping<'_> = Mapping {
        is_file: true,
        path: b"/bin/a",
        is_written: false,
        ..ANONYMOUS
    };

    #[test]
    fn by_the_filter() {
        let untouched = Mapping {
            is_written: false,
            ..ANONYMOUS
        };
        let left_out = Mapping {
            flags: b" rd wr dd",
            ..ANONYMOUS
        };
        let memory = Mapping {
            flags: b" rd wr sh",
            path: b"/dev/zero (deleted)",
            ..FILE
        };
        let shared = Mapping {
            path: b"/data",
            ..memory.clone()
        };
        let huge = Mapping {
            flags: b" rd wr ht",
            ..ANONYMOUS
        };
        let rest = Mapping {
            offset: 4096,
            ..FILE
        };
        let written = Mapping {
            is_written: true,
            ..FILE
        };
        let vdso = Mapping {
            path: b"[vdso]",
            ..untouched.clone()
        };
        for (mapping, filter, expected) in [
            (&ANONYMOUS, DEFAULT_FILTER, Share::All),
            (&ANONYMOUS, 0x32, Share::Nothing),
            (&untouched, DEFAULT_FILTER, Share::Nothing),
            (&left_out, 0xff, Share::Nothing),
            (&memory, DEFAULT_FILTER, Share::All),
            (&memory, 0x31, Share::Nothing),
            (&shared, DEFAULT_FILTER, Share::Nothing),
            (&shared, 0x3b, Share::All),
            (&huge, DEFAULT_FILTER, Share::All),
            (&huge, 0x13, Share::Nothing),
            (&FILE, DEFAULT_FILTER, Share::Header),
            (&FILE, 0x23, Share::Nothing),
            (&FILE, 0x37, Share::All),
            (&rest, DEFAULT_FILTER, Share::Nothing),
            (&written, DEFAULT_FILTER, Share::All),
            (&vdso, 0, Share::All),
        ] {
            assert_eq!(share(mapping, filter), expected, "{mapping:?} {filter:#x}");
        }
    }
}
