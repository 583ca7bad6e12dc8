//! From what a person types to an image in the store, or a folder: what `pull`
//! does, and what `run` begins with.
//!
//! - `given`: what the words mean. `source`: where the bytes come from.
//! - `instead`: what to write instead of words that are no image's name.
//! - `local`: what docker and podman have here. `elsewhere`: which of them has what was typed.
//! - `keyring`: who the user is to registries.
//! - `label`: what an image's programs are, where its label says otherwise.
//! - `progress`: what is shown while they come.

mod elsewhere;
mod given;
mod instead;
mod keyring;
mod label;
pub(crate) mod local;
mod progress;
mod source;

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Error, Result};
use armistice_arch::Platform;
use armistice_container::IdMap;
use armistice_registry::Lookup;
use armistice_store::{Ids, Owners, Pulled, Source, Store, Wanted};

use crate::cli::Fetching;
use crate::outcome::Usage;
use crate::output::{Output, shown};
use crate::remedy;
pub(crate) use elsewhere::Elsewhere;
pub(crate) use given::{Given, reference};
pub(crate) use instead::saved;
pub(crate) use keyring::Keyring;
pub(crate) use label::{Otherwise, platform_in};
use progress::Progress;
use source::RegistrySource;
pub(crate) use source::first_program;

/// What is taken where an image has several platforms and none was asked for.
const OTHERWISE: &str = "linux/arm64";

/// An image that is in the store now.
#[derive(Debug)]
pub(crate) struct Obtained {
    /// Its names, whole; at least one.
    pub(crate) names: Vec<String>,
    pub(crate) pulled: Pulled,
}

/// The platform that is written; of none, none.
pub(crate) fn platform(text: Option<&str>) -> Result<Option<Platform>> {
    let parse = |text: &str| {
        let bad = || {
            Usage(format!(
                "'{text}' is not a platform; write it like linux/arm64 or arm/v7"
            ))
        };
        Platform::parse(text).ok_or_else(bad)
    };
    Ok(text.filter(|p| !p.is_empty()).map(parse).transpose()?)
}

/// Which platform is meant: one that some machine has.
pub(crate) fn wanted(text: Option<&str>) -> Result<Wanted> {
    let exactly = platform(text)?;
    if let Some(unknown) = exactly.as_ref().filter(|p| p.arch().is_none()) {
        let known = armistice_arch::ARCHES.iter().filter_map(Platform::of);
        let known: Vec<String> = known.map(|p| p.to_string()).collect();
        return Err(Usage(format!(
            "there is no platform {unknown}; there are {}",
            known.join(", ")
        ))
        .into());
    }
    let otherwise = Platform::parse(OTHERWISE).context("a platform")?;
    Ok(Wanted { exactly, otherwise })
}

/// An error about an image that could not be had, with what is here under its name.
pub(crate) fn with_what_is_here(store: &Store, name: &str, error: Error) -> Error {
    let there = store.named(name).unwrap_or_default();
    let whole: Vec<String> = there
        .iter()
        .filter(|image| image.disk.is_some())
        .map(|image| image.platform.to_string())
        .collect();
    if !whole.is_empty() {
        return error.context(format!("{name} is here for {} only", whole.join(", ")));
    }
    match (there.is_empty(), WITHOUT_RANGES.get()) {
        (false, Some(why)) => error.context(format!(
            "{name} is here, but not for this run, which has not this user's ranges of identities ({why})"
        )),
        (false, None) => error.context(format!("{name} is here, but not whole, or unpacked under other identities than this process has")),
        (true, _) => error,
    }
}

/// Where the user's images are.
pub(crate) fn folder() -> Result<PathBuf> {
    use etcetera::BaseStrategy;
    if let Some(named) = std::env::var_os("ARMISTICE_STORE").filter(|v| !v.is_empty()) {
        let named = PathBuf::from(named);
        return std::path::absolute(&named)
            .with_context(|| format!("can't find {}", named.display()));
    }
    let user = etcetera::base_strategy::Xdg::new().context(
        "can't tell where this user's data go; set HOME, XDG_DATA_HOME or ARMISTICE_STORE",
    )?;
    Ok(user.data_dir().join("armistice"))
}

/// Opens the store under this user's identities: an ordinary user enters a user
/// namespace, where the files of its images have their owners. The process must have one
/// thread.
pub(crate) fn open(output: Output) -> Result<Store> {
    let folder = folder()?;
    if !rustix::process::geteuid().is_root() {
        enter_identities(output)?;
    }
    Store::open(&folder, Ids::of_this_process()).map_err(|error| {
        let unwritable = is_unwritable(&error);
        let error = anyhow::Error::from(error);
        match unwritable {
            true => error.context(
                "images can't be kept there; name a folder that this user may write to in ARMISTICE_STORE \
                 (or XDG_DATA_HOME)",
            ),
            false => error,
        }
    })
}

/// Why the user's ranges of identities are not used, where they exist.
static WITHOUT_RANGES: OnceLock<String> = OnceLock::new();

/// Enters a user namespace, where the system lets this user have one.
fn enter_identities(output: Output) -> Result<()> {
    let namespace = || std::fs::read_link("/proc/self/ns/user").ok();
    let before = namespace();
    remedy::remember_outside();
    let error = match armistice_container::enter_identities(IdMap::Auto) {
        Ok(identities) => {
            remedy::ranges_are_entered();
            if let Some(why) = identities.without_ranges {
                let _ = WITHOUT_RANGES.set(why.to_string());
            }
            return Ok(());
        }
        Err(error) => error,
    };
    // Anything else than that it is forbidden may be otherwise the next time, and the images of
    // then would not be found now. Nor is there a way back out of a namespace.
    let is_forbidden = matches!(error, armistice_container::Error::Forbidden(_));
    let error = Error::from(error);
    if !is_forbidden || namespace() != before {
        return Err(error.context("this user's identities for the files of images can't be had"));
    }
    output.detail(format!(
        "No user namespace for the files' owners: {error:#}"
    ));
    Ok(())
}

/// Whether the store's folder cannot be made or written to by this user.
fn is_unwritable(error: &armistice_store::Error) -> bool {
    use std::io::ErrorKind;
    let armistice_store::Error::Files { source, .. } = error else {
        return false;
    };
    matches!(
        source.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::AlreadyExists
    )
}

/// The same for who may fetch: with what is to be had only before the user namespace is
/// entered.
pub(crate) fn open_to_fetch(
    given: &Given,
    args: &Fetching,
    output: Output,
) -> Result<(Store, Keyring)> {
    let keyring = match given {
        Given::Image(_) => Keyring::new(args.authfile.as_deref())?,
        _ => Keyring::default(),
    };
    let store = open(output)?.with_layer_max(args.max_layer);
    Ok((store, keyring))
}

/// Brings an image into the store.
pub(crate) fn pull(
    store: &Store,
    keyring: &Keyring,
    given: &Given,
    name: Option<&str>,
    args: &Fetching,
    output: Output,
) -> Result<Obtained> {
    let wanted = wanted(args.platform.as_deref())?;
    let lookup: &Lookup<'_> = &|registry, repository| keyring.find(registry, repository);
    let (source, mut names): (Box<dyn Source + '_>, Vec<String>) = match given {
        Given::Image(reference) => {
            let source = RegistrySource::new(reference, args, lookup, output)?;
            (Box::new(source), vec![reference.to_string()])
        }
        Given::Archive(path) => {
            let (source, names) = source::archive(path, &wanted)?;
            let names = given::names(path, &names);
            (Box::new(source), names)
        }
        Given::RootTar(path) => {
            let source = source::root_tar(path, &wanted)?;
            (Box::new(source), given::names(path, &[]))
        }
        Given::Folder(path) => {
            return Err(Usage(format!(
                "{} is a root folder, which is used where it is and not pulled",
                path.display()
            ))
            .into());
        }
    };
    if let Some(name) = name {
        names = vec![given::reference(name)?.to_string()];
    }
    let progress = Progress::new(args.progress, output);
    let pulled = store.pull(&*source, &names, &wanted, &|event| progress.event(event))?;
    drop(progress);
    tell(store, &pulled, output);
    Ok(Obtained { names, pulled })
}

/// What people should know of an image that is not as its makers have it.
fn tell(store: &Store, pulled: &Pulled, output: Output) {
    let left = &pulled.left_out;
    // Said when it happens, and not for each container.
    if left.devices > 0 && pulled.new_layers > 0 {
        let more = if left.devices > left.device_names.len() as u64 {
            ", ..."
        } else {
            ""
        };
        let names: Vec<String> = left.device_names.iter().map(|n| shown(n)).collect();
        output.note(format!(
            "Left out: {} devices ({}{more}), which a container gets from this machine",
            left.devices,
            names.join(", ")
        ));
    }
    if left.xattrs > 0 {
        output.detail(format!("Left out: {} extended attributes", left.xattrs));
    }
    if store.ids().owners == Owners::Lost && pulled.new_layers > 0 {
        output.note(
            "All files belong to the container's root: this user has no ranges of identities \
             (/etc/subuid and /etc/subgid, newuidmap)",
        );
    }
}
