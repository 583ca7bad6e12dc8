//! Whose programs what is to be warmed has, found as `run` finds it: in a root folder or a tar of one
//! its programs say so, an image is for what it is labelled as, unless its programs say otherwise.
//! Of several platforms the one is taken that was asked for, else the first that an engine of ours
//! runs.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use armistice_arch::Platform;
use armistice_oci::{Archive, DirRoot, Reference};
use armistice_store::view;

use super::{GUESTS, Guest};
use crate::obtain::{self, Given, Otherwise};
use crate::outcome::Usage;
use crate::output::{Output, quoted, shown};

/// What is to be warmed, for one guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// As it was typed.
    pub(super) what: String,
    pub(super) guest: Guest,
    /// What `run` is to be told with it; nothing where it finds that by itself.
    pub(super) platform: Option<String>,
}

/// What was found.
enum Found {
    /// It has no other.
    Only(Platform),
    /// One of these.
    OneOf(Vec<Platform>),
    /// It is to be told.
    Unknown,
}

/// What is to be done with what was typed; `asked` are architectures and platforms, of which each
/// is wanted that there is.
///
/// # Errors
/// Where none of our engines runs it, or nothing tells what it is for.
pub(super) fn items(what: &str, asked: &[&str], output: Output) -> Result<Vec<Item>> {
    let guests: Result<Vec<Guest>> = asked.iter().map(|name| Guest::of(name)).collect();
    let guests = guests?;
    let item = |guest, platform: Option<&str>| Item {
        what: what.to_owned(),
        guest,
        platform: platform.map(str::to_owned),
    };
    let told = |guest: &Guest, name: &str| {
        // A variant counts, which only a platform's name has.
        let is_platform = name.contains('/');
        item(
            *guest,
            Some(if is_platform { name } else { guest.platform }),
        )
    };
    match look(what, !asked.is_empty(), output)? {
        Found::Only(platform) if asked.is_empty() => {
            let guest = guest_of(what, &platform)?;
            Ok(vec![item(guest, None)])
        }
        Found::Only(platform) => {
            let same = |guest: &Guest| guest.runs(&platform);
            match guests.iter().position(same) {
                Some(at) => {
                    let platform = Some(asked[at]).filter(|name| name.contains('/'));
                    Ok(vec![item(guests[at], platform)])
                }
                None => bail!(Usage(format!(
                    "{} is for {platform}, not for {}",
                    quoted(what),
                    asked.join(" or ")
                ))),
            }
        }
        Found::OneOf(platforms) if asked.is_empty() => {
            let first = GUESTS.iter().find_map(|guest| {
                let own = platforms.iter().find(|platform| guest.runs(platform))?;
                Some(item(*guest, Some(&own.to_string())))
            });
            let all: Vec<String> = platforms.iter().map(ToString::to_string).collect();
            Ok(vec![
                first.ok_or_else(|| is_not_kept(what, &all.join(", ")))?,
            ])
        }
        Found::Unknown if asked.is_empty() => Ok(vec![item(GUESTS[0], None)]),
        Found::OneOf(_) | Found::Unknown => {
            let all = guests.iter().zip(asked);
            Ok(all.map(|(guest, name)| told(guest, name)).collect())
        }
    }
}

/// The platforms that translations are kept for, in words.
pub(super) fn kept_for() -> String {
    let platforms = GUESTS.map(|guest| guest.platform).join(" or ");
    format!("translations are kept for {platforms}")
}

fn guest_of(what: &str, platform: &Platform) -> Result<Guest> {
    let found = GUESTS.into_iter().find(|guest| guest.runs(platform));
    found.ok_or_else(|| is_not_kept(what, &platform.to_string()).into())
}

fn is_not_kept(what: &str, platforms: &str) -> Usage {
    let (what, platforms) = (quoted(what), shown(platforms));
    Usage(format!("{what} is for {platforms}; {}", kept_for()))
}

/// Looks at what was typed. An image that is not here is fetched, unless a platform is told.
fn look(what: &str, is_told: bool, output: Output) -> Result<Found> {
    let unknown = |path: &Path| {
        Usage(format!(
            "{} has no /bin/sh or other program that tells what it is for; say so with --platform",
            path.display()
        ))
    };
    let by_programs = |path: &Path, found: Option<Platform>| match found {
        Some(platform) => Ok(Found::Only(platform)),
        None if is_told => Ok(Found::Unknown),
        None => bail!(unknown(path)),
    };
    match Given::parse(what)? {
        Given::Folder(path) => by_programs(&path, obtain::platform_in(&DirRoot::open(&path)?)),
        Given::RootTar(path) => {
            let first = obtain::first_program(&path);
            let first = first.with_context(|| format!("can't read {}", path.display()))?;
            by_programs(&path, first.map(|(_, platform)| platform))
        }
        Given::Archive(path) => {
            let archive = Archive::open(&path)?;
            let images = archive.images().iter();
            Ok(of_images(images.map(|image| {
                let label = image.platform();
                Otherwise::in_root(label, image).map_or_else(|| label.clone(), |o| o.platform)
            })))
        }
        // Its registry may have it for more platforms than are here.
        Given::Image(_) if is_told => Ok(Found::Unknown),
        Given::Image(reference) => {
            let found = here(&reference)?;
            // A digest is no name, though it is read as one.
            if found.is_some() || is_digest(what) {
                return Ok(found.unwrap_or(Found::Unknown));
            }
            fetch(what, output)?;
            Ok(here(&reference)?.unwrap_or(Found::Unknown))
        }
    }
}

fn of_images(platforms: impl Iterator<Item = Platform>) -> Found {
    let mut all: Vec<Platform> = Vec::new();
    for platform in platforms {
        if !all.contains(&platform) {
            all.push(platform);
        }
    }
    match all.len() {
        1 => Found::Only(all.remove(0)),
        _ => Found::OneOf(all),
    }
}

/// What an image is for that is here.
fn here(reference: &Reference) -> Result<Option<Found>> {
    let images = view(&obtain::folder()?, &reference.to_string());
    let whole = images.iter().filter_map(|image| {
        let files = image.files.as_ref()?;
        let otherwise = Otherwise::in_root(&image.platform, files);
        Some(otherwise.map_or_else(|| image.platform.clone(), |o| o.platform))
    });
    Ok(match of_images(whole) {
        Found::OneOf(none) if none.is_empty() => None,
        found => Some(found),
    })
}

/// Whether `run` takes this for the beginning of a digest.
fn is_digest(what: &str) -> bool {
    let hex = what.strip_prefix("sha256:").unwrap_or(what);
    hex.len() >= 12 && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Brings an image here. In a child, since this process would have to enter a user namespace.
fn fetch(image: &str, output: Output) -> Result<()> {
    let mut pull = Command::new("/proc/self/exe");
    pull.args(["pull", "--output", "name"]).arg(image);
    pull.env_remove("DOCKER_DEFAULT_PLATFORM");
    if output.is_quiet() {
        pull.arg("--quiet");
    }
    let pulled = pull.stdin(Stdio::null()).stdout(Stdio::null()).status();
    if !pulled.context("armistice pull can't be started")?.success() {
        // Its own error says why.
        bail!("nothing was warmed, and what was kept stays");
    }
    Ok(())
}
