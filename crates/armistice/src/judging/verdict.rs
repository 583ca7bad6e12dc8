//! How a call ends: a code, a sentence, and the command that mends it.

use armistice_arch::{Arch, Platform};
use serde::Serialize;

use crate::output::shown;

/// How a call ends.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    /// Whether it would run.
    pub(crate) runs: bool,
    /// A word that stays the same between versions.
    pub(crate) code: &'static str,
    /// In a sentence.
    pub(crate) text: String,
    /// What execve(2) fails with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<&'static str>,
    /// The command that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
    /// The command changes the kernel's table, and so is the host's where this
    /// is a container.
    #[serde(skip)]
    pub(crate) remedy_changes_table: bool,
    /// What of the command changes files.
    #[serde(skip)]
    pub(crate) remedy_of_files: Vec<String>,
    /// What runs it for who is not root, where the command is root's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) without_root: Option<String>,
    /// Things to know even so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

impl Verdict {
    pub(crate) fn no(code: &'static str, text: String) -> Verdict {
        Verdict {
            runs: false,
            code,
            text,
            error: None,
            remedy: None,
            remedy_changes_table: false,
            remedy_of_files: Vec::new(),
            without_root: None,
            warnings: Vec::new(),
        }
    }

    pub(super) fn yes(code: &'static str, text: String) -> Verdict {
        Verdict {
            runs: true,
            ..Verdict::no(code, text)
        }
    }

    /// The same, of an image that names no command: any program of its platform was judged.
    pub(crate) fn of_any_program(self, platform: Option<&Platform>) -> Verdict {
        let whose =
            platform.map_or_else(String::new, |p| format!(" for {}", shown(&p.to_string())));
        Verdict {
            text: format!(
                "given a command{whose}, as the image names none (no Entrypoint, no Cmd): {}",
                self.text
            ),
            ..self
        }
    }

    /// For what is made for something else than the platform that is asked for.
    pub(crate) fn of_another_platform(found: &str, wanted: &Platform) -> Verdict {
        let [found, wanted] = [found, &wanted.to_string()].map(shown);
        let text = format!("it is made for {found}, not for {wanted}");
        Verdict::no("no-platform", text)
    }

    /// The same, of a program that is to be for a platform. Its header says what it is made
    /// for, without a variant.
    pub(crate) fn of_program_for(mut self, arch: Option<&Arch>, wanted: &Platform) -> Verdict {
        match arch {
            Some(arch) if wanted.arch().is_some_and(|w| w.name == arch.name) => self,
            Some(arch) => {
                let platform = Platform::of(arch).map(|p| p.to_string());
                let found = platform.as_deref().unwrap_or(arch.name);
                Verdict::of_another_platform(found, wanted)
            }
            None => {
                let wanted = shown(&wanted.to_string());
                let warning = format!("nothing in it says whether it is for {wanted}");
                self.warnings.push(warning);
                self
            }
        }
    }

    /// The same, of a table that is out of sight, by whether it has a handler.
    pub(crate) fn out_of_sight(self, takes: bool) -> Verdict {
        if takes {
            let text = "a handler takes it, of a table that cannot be read from here (an outer user namespace's)";
            let mut verdict = Verdict::yes("handled", text.to_owned());
            let warning = "whether its emulator works, armistice verify shows";
            verdict.warnings.push(warning.to_owned());
            return verdict;
        }
        match self.code {
            "no-handler" => Verdict {
                text: format!(
                    "{}, nor does one of the table that cannot be read from here",
                    self.text
                ),
                ..self
            },
            _ => self,
        }
    }
}
