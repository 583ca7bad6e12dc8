//! The guest whose programs a suite or a benchmark runs: what they are run by, and which
//! architecture shows natively what they should do.

use std::path::PathBuf;

use anyhow::Result;

use crate::setup;
use crate::step;

/// What a program is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arch {
    Amd64,
    Arm64,
    I386,
    Armhf,
}

/// One architecture, as each calls it.
struct Names {
    debian: &'static str,
    go: &'static str,
    /// What its compiler is called by, and Debian's folders.
    gnu: &'static str,
    /// glibc's loader.
    loader: &'static str,
    musl: &'static str,
    /// musl's loader.
    musl_loader: &'static str,
}

impl Arch {
    const fn names(self) -> Names {
        match self {
            Self::Amd64 => Names {
                debian: "amd64",
                go: "amd64",
                gnu: "x86_64-linux-gnu",
                loader: "ld-linux-x86-64.so.2",
                musl: "x86_64-linux-musl",
                musl_loader: "ld-musl-x86_64.so.1",
            },
            Self::Arm64 => Names {
                debian: "arm64",
                go: "arm64",
                gnu: "aarch64-linux-gnu",
                loader: "ld-linux-aarch64.so.1",
                musl: "aarch64-linux-musl",
                musl_loader: "ld-musl-aarch64.so.1",
            },
            Self::I386 => Names {
                debian: "i386",
                go: "386",
                gnu: "i686-linux-gnu",
                loader: "ld-linux.so.2",
                musl: "i386-linux-musl",
                musl_loader: "ld-musl-i386.so.1",
            },
            Self::Armhf => Names {
                debian: "armhf",
                go: "arm",
                gnu: "arm-linux-gnueabihf",
                loader: "ld-linux-armhf.so.3",
                musl: "arm-linux-musleabihf",
                musl_loader: "ld-musl-armhf.so.1",
            },
        }
    }

    /// As Debian calls it.
    pub(crate) const fn name(self) -> &'static str {
        self.names().debian
    }

    pub(crate) const fn go(self) -> &'static str {
        self.names().go
    }

    pub(crate) const fn gnu(self) -> &'static str {
        self.names().gnu
    }

    pub(crate) const fn loader(self) -> &'static str {
        self.names().loader
    }

    pub(crate) const fn musl(self) -> &'static str {
        self.names().musl
    }

    pub(crate) const fn musl_loader(self) -> &'static str {
        self.names().musl_loader
    }
}

/// Whose programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Guest {
    #[default]
    Arm64,
    Arm,
}

impl Guest {
    pub(crate) const ALL: [Self; 2] = [Self::Arm64, Self::Arm];

    /// As `--guest` has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::Arm => "arm",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|guest| guest.name() == name)
    }

    /// What pages, outcomes and known failures of a suite are called.
    pub(crate) fn titled(self, suite: &str) -> String {
        match self {
            Self::Arm64 => suite.to_owned(),
            Self::Arm => format!("{suite}-arm"),
        }
    }

    /// What the host runs, with the same width of words; and the guest's own.
    pub(crate) const fn both(self) -> [Arch; 2] {
        match self {
            Self::Arm64 => [Arch::Amd64, Arch::Arm64],
            Self::Arm => [Arch::I386, Arch::Armhf],
        }
    }

    pub(crate) const fn native(self) -> Arch {
        let [native, _] = self.both();
        native
    }

    pub(crate) const fn own(self) -> Arch {
        let [_, own] = self.both();
        own
    }

    /// What GCC's programs are compiled by.
    pub(crate) const fn compilers(self) -> &'static [&'static str] {
        match self {
            Self::Arm64 => &["aarch64-linux-gnu-gcc"],
            Self::Arm => &["arm-linux-gnueabihf-gcc", "arm-linux-gnueabi-gcc"],
        }
    }

    /// The file that its engine is.
    pub(crate) const fn engine_name(self) -> &'static str {
        match self {
            Self::Arm64 => "armistice-aarch64",
            Self::Arm => "armistice-arm",
        }
    }

    /// The engine, brought up to date.
    pub(crate) fn engine(self) -> Result<PathBuf> {
        Ok(step::engine()?.with_file_name(self.engine_name()))
    }

    pub(crate) fn newest_qemu(self) -> Result<PathBuf> {
        match self {
            Self::Arm64 => setup::newest_qemu(),
            Self::Arm => setup::newest_qemu_arm(),
        }
    }
}
