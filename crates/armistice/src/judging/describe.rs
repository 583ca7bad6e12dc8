//! Files in words. Bytes that a terminal would act on are made visible.

use std::path::Path;

use armistice_arch::{Arch, ElfHeader, Shebang};
use armistice_binfmt::exec::{Loader, Program, Step};

use crate::output::{shown_bytes, shown_path};

/// A file on the way, in a line.
pub(crate) fn step(step: &Step<'_>) -> String {
    let path = shown_path(&step.path);
    format!("{path}: {}", program(&step.program))
}

pub(super) fn program(program: &Program) -> String {
    if let Some(line) = Shebang::parse(&program.head) {
        let argument = match line.argument {
            Some(argument) => format!(", with the argument {}", shown_bytes(&argument)),
            None => String::new(),
        };
        if line.interpreter.is_empty() {
            return "a script whose #! line names no interpreter".to_owned();
        }
        let interpreter = shown_bytes(&line.interpreter);
        return format!("a script for {interpreter}{argument}");
    }
    if !program.head.starts_with(b"\x7fELF") {
        return other(&program.head).to_owned();
    }
    let machine = match ElfHeader::parse(&program.head) {
        Ok(header) => match Arch::of_elf(&header) {
            Some(arch) => format!("ELF, {} bits, {}", header.class.bits(), arch.display_name()),
            None => format!(
                "ELF, {} bits, machine {}",
                header.class.bits(),
                header.machine
            ),
        },
        Err(error) => return error.to_string(),
    };
    let linking = match &program.loader {
        Loader::None => "static".to_owned(),
        Loader::At(path) => format!("its loader is {}", shown_path(path)),
        Loader::Damaged => "its program headers are damaged or cut off".to_owned(),
    };
    format!("{machine}, {linking}")
}

/// What a file that is no program of this kernel's begins like.
pub(super) fn other(head: &[u8]) -> &'static str {
    let begins = |magic: &[u8]| head.starts_with(magic);
    let text = |b: &u8| !b.is_ascii_control() || matches!(b, b'\n' | b'\r' | b'\t');
    if head.is_empty() {
        "an empty file"
    } else if begins(b"#!") {
        "a script whose first line names no interpreter within 256 bytes"
    } else if begins(b"MZ") {
        "a program of Windows or DOS"
    } else if begins(b"\xca\xfe\xba\xbe") || begins(b"\xcf\xfa\xed\xfe") {
        "a program of macOS or a class of Java"
    } else if begins(b"PK\x03\x04") {
        "a zip file"
    } else if head.iter().all(text) {
        "text without a #! line"
    } else {
        "not an ELF file, not a script"
    }
}

/// Why there is no interpreter of that path, where the path itself tells.
pub(super) fn odd_interpreter(path: &Path) -> &'static str {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    if bytes.ends_with(b"\r") {
        ": the #! line ends in a carriage return, as lines of Windows do"
    } else {
        ""
    }
}

/// A byte of a file's first ones, by what it says in an ELF header; nothing where
/// the file has none, or no ELF file is wanted.
pub(crate) fn meaning(at: usize, wanted: u8, head: &[u8]) -> &'static str {
    const ELF: &[u8] = b"\x7fELF";
    if let Some(own) = ELF.get(at) {
        return if wanted == *own {
            ": not an ELF file"
        } else {
            ""
        };
    }
    if !head.starts_with(ELF) {
        return "";
    }
    match at {
        4 => ": 32 or 64 bits",
        5 => ": byte order",
        6 => ": ELF version",
        7 => ": OS ABI",
        8 => ": ABI version (an AppImage has its mark here)",
        9..=15 => ": padding",
        16 | 17 => ": kind of file",
        18 | 19 => ": machine",
        20..=23 => ": version",
        _ => ": flags of the machine",
    }
}
