//! What may be wrong with a command line, and how that is said.

use core::ffi::CStr;
use core::fmt;

use crate::host::message::{self, Shown};

/// What is wrong with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage<'a> {
    /// There is no such option.
    Unknown(&'a CStr),
    /// The option takes no value.
    Value(&'a CStr),
    /// The option's value is missing.
    NoValue(&'a CStr),
    /// The value is no number.
    Number(&'a CStr),
    /// Neither a port nor a path.
    Place(&'a CStr),
    /// A debugger, or a file of translations or notes, for a program with rights that its user does
    /// not have.
    Rights,
    /// An option that only QEMU has, and what to do here.
    OfQemu(&'a CStr, &'static str),
    /// No `NAME=VALUE`, or no `NAME`.
    Variable(&'a CStr),
    /// Several variables in one.
    Variables(&'a CStr),
    /// There is no program.
    NoProgram,
}

impl fmt::Display for Usage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |option: &CStr, f: &mut fmt::Formatter<'_>| write!(f, "'{}'", Shown(option.to_bytes()));
        match self {
            Self::Unknown(option) => {
                f.write_str("unknown option ")?;
                shown(option, f)?;
            }
            Self::Value(option) => {
                f.write_str("a value for an option that takes none: ")?;
                shown(option, f)?;
            }
            Self::NoValue(option) => {
                f.write_str("a value is missing for ")?;
                shown(option, f)?;
            }
            Self::Number(value) => {
                f.write_str("not a descriptor: ")?;
                shown(value, f)?;
            }
            Self::Place(value) => {
                f.write_str("neither a port nor a path with a slash: ")?;
                shown(value, f)?;
            }
            Self::Rights => f.write_str(
                "no debugger and no file of translations for a program with others' rights",
            )?,
            Self::OfQemu(option, advice) => {
                shown(option, f)?;
                write!(f, " is an option of QEMU's only: {advice}")?;
            }
            Self::Variable(value) => {
                f.write_str("no variable of the environment (-E NAME=VALUE, -U NAME): ")?;
                shown(value, f)?;
            }
            Self::Variables(value) => {
                f.write_str("more than one variable (repeat -E or -U; or use env(1) for a value with this comma): ")?;
                shown(value, f)?;
            }
            Self::NoProgram => f.write_str("no program to run")?,
        }
        write!(f, "; see {} --help", message::name())
    }
}
