//! `run`: a command in a container, of an image or in a root folder.
//!
//! What is typed becomes a [`Container`] (`options`); what its programs need to run
//! becomes handlers (`foreign`). The container's life is `armistice_container::run`.

pub(crate) mod foreign;
mod options;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use armistice_arch::Platform;
use armistice_container::run::{Container, Network, Root, Tmpfs, Volume, run as run_container};
use armistice_container::{IdMap, enter_identities};
use armistice_oci::{DirRoot, ImageConfig};
use armistice_store::{Held, RunFolder, Store, StoredImage, Wanted};

use crate::cli::{NetworkKind, PullWhen, Run};
use crate::inherited::Inherited;
use crate::obtain::{self, Elsewhere, Given, Keyring, Otherwise};
use crate::outcome::{self, OWN_FAILURE, Outcome, Usage};
use crate::output::{Output, shown};
use crate::remedy;
use foreign::Foreign;

pub(crate) fn run(args: &Run, inherited: &Inherited, output: Output) -> Result<Outcome> {
    let code = run_to_end(args, inherited, output).unwrap_or_else(|error| {
        outcome::failed(&error, output);
        match error.downcast_ref() {
            Some(armistice_container::Error::Container(failure)) => failure.code,
            _ => OWN_FAILURE,
        }
    });
    Ok(Outcome::Command(code))
}

/// What the container is made from.
struct Origin {
    root: Root,
    config: ImageConfig,
    platform: Platform,
    /// Keeps the layers.
    _held: Option<Held>,
}

fn run_to_end(args: &Run, inherited: &Inherited, output: Output) -> Result<u8> {
    // Paths of the machine's are read before the user namespace is entered.
    let Typed { image, mounts, env } = Typed::read(args)?;
    let outside = namespace();
    let elsewhere = Elsewhere::new(&image, output);
    let (store, keyring) = obtain::open_to_fetch(&image, &args.fetching, output)?;
    let origin = match &image {
        Given::Folder(folder) => folder_origin(folder, args)?,
        Given::Image(_) => image_origin(&store, &keyring, &image, args, output)
            .map_err(|error| elsewhere.told(error, &args.image))?,
        other => image_origin(&store, &keyring, other, args, output)?,
    };
    drop((keyring, elsewhere));
    let foreign = Foreign::of(&origin.platform, &args.emulators, output)?;
    // An ordinary user is in one of its own since the store was opened. Without one of
    // its own, a new table would take the place of somebody else's.
    if namespace() == outside {
        remedy::remember_outside();
        enter_identities(IdMap::Auto)?;
    }
    let run_folder = store.run_folder()?;
    let config = &origin.config;
    let container = container(args, config, origin.root, &run_folder, mounts, env)?;
    inherited.give_back();
    let handlers = foreign
        .as_ref()
        .map(|f| f as &dyn armistice_container::run::Handlers);
    let ended = run_container(&container, handlers);
    if let Err(error) = run_folder.remove() {
        output.error(format!("{:#}", anyhow::Error::from(error)));
    }
    Ok(ended?)
}

/// What was typed, where it needs more than the command line's definition to be read.
struct Typed {
    image: Given,
    mounts: (Vec<Volume>, Vec<Tmpfs>),
    env: Vec<String>,
}

impl Typed {
    fn read(args: &Run) -> Result<Typed> {
        if given(args.interactive)
            && given(args.tty)
            && !rustix::termios::isatty(rustix::stdio::stdin())
        {
            bail!(Usage(
                "-t wants a terminal, and the input is none; give -i alone".to_owned()
            ));
        }
        let image = Given::parse(&args.image)?;
        let volumes = options::volumes(&args.volumes)?;
        let tmpfs = options::tmpfs(&args.tmpfs)?;
        options::apart(&volumes, &tmpfs)?;
        if args.rm == Some(false) {
            bail!(Usage(
                "run has no --rm=false: a container is always removed when it ends".to_owned()
            ));
        }
        Ok(Typed {
            image,
            mounts: (volumes, tmpfs),
            env: options::env(args)?,
        })
    }
}

/// The container, from what was typed and what the image says.
fn container(
    args: &Run,
    config: &ImageConfig,
    root: Root,
    run_folder: &RunFolder,
    (volumes, tmpfs): (Vec<Volume>, Vec<Tmpfs>),
    env: Vec<String>,
) -> Result<Container> {
    let hostname = options::hostname(args, run_folder.id())?;
    Ok(Container {
        files: options::files(args, &hostname)?,
        root,
        folder: run_folder.path().to_owned(),
        read_only: given(args.read_only),
        network: match args.network {
            NetworkKind::Host => Network::Host,
            NetworkKind::None => Network::None,
        },
        volumes,
        tmpfs,
        argv: options::command(args, config)?,
        env: options::environment(config, &hostname, given(args.tty), env),
        working_dir: options::working_dir(args, config)?,
        folders: config.volumes.clone(),
        user: args.user.clone().unwrap_or_else(|| config.user.clone()),
        init: given(args.init),
        terminal: given(args.tty),
        input: given(args.interactive),
        hostname,
    })
}

/// Whether an option without or with a value is on.
fn given(option: Option<bool>) -> bool {
    option.unwrap_or(false)
}

/// Which user namespace this process is in.
fn namespace() -> Option<PathBuf> {
    std::fs::read_link("/proc/self/ns/user").ok()
}

/// The image, brought here where it is not.
fn image_origin(
    store: &Store,
    keyring: &Keyring,
    given: &Given,
    args: &Run,
    output: Output,
) -> Result<Origin> {
    let wanted = obtain::wanted(args.fetching.platform.as_deref())?;
    let there = match given {
        Given::Image(reference) if args.pull != PullWhen::Always => {
            store.find(&reference.to_string(), &wanted)?
        }
        _ => None,
    };
    let there = match there {
        None if matches!(given, Given::Image(_)) => by_digest(store, args, &wanted)?,
        named => named,
    };
    let image = match there {
        Some(image) => image,
        None => brought(store, keyring, given, args, output).map_err(|error| match given {
            Given::Image(reference) => {
                obtain::with_what_is_here(store, &reference.to_string(), error)
            }
            _ => error,
        })?,
    };
    let held = store.hold(&image)?;
    let platform = platform_of(store, &image, &wanted, output)?;
    let base = store.root().to_owned();
    let lowers: Result<Vec<PathBuf>> = held
        .lowers
        .iter()
        .map(|l| Ok(l.strip_prefix(&base)?.to_owned()))
        .collect();
    Ok(Origin {
        root: Root::Layers {
            lowers: lowers?,
            base,
        },
        config: held.config.clone(),
        platform,
        _held: Some(held),
    })
}

/// The image that has such a digest as `images` shows, if one has.
fn by_digest(store: &Store, args: &Run, wanted: &Wanted) -> Result<Option<StoredImage>> {
    let mut images = store.with_digest(&args.image)?;
    let serves = |i: &StoredImage| {
        let distance = |wanted: &Platform| i.platform.distance_from(wanted);
        i.disk.is_some()
            && wanted
                .exactly
                .as_ref()
                .is_none_or(|w| distance(w).is_some())
    };
    images.retain(serves);
    let first = images.first().map(|i| i.manifest.clone());
    if images.iter().any(|i| Some(&i.manifest) != first.as_ref()) {
        bail!(Usage(format!(
            "several images have a digest that begins with {}; write more of it",
            args.image
        )));
    }
    Ok(images.pop())
}

/// What an image's programs are made for: what its label says, unless its shell is another
/// machine's. A platform that was asked for is never silently another.
fn platform_of(
    store: &Store,
    image: &StoredImage,
    wanted: &Wanted,
    output: Output,
) -> Result<Platform> {
    let label = &image.platform;
    let otherwise = store
        .files(image)
        .and_then(|files| Otherwise::in_root(label, &files));
    let Some(otherwise) = otherwise else {
        return Ok(label.clone());
    };
    let found = &otherwise.platform;
    // This machine's own programs run in any container.
    if found.arch().is_none_or(crate::native::is_native) {
        return Ok(label.clone());
    }
    if let Some(wanted) = &wanted.exactly {
        bail!(
            "{} is {otherwise}, which {wanted} does not run; without --platform (and DOCKER_DEFAULT_PLATFORM) it \
             is run as {found}",
            image.name
        );
    }
    output.note(format!(
        "{} is {}: it is run as {found}",
        shown(&image.name),
        shown(&otherwise.to_string())
    ));
    Ok(found.clone())
}

fn brought(
    store: &Store,
    keyring: &Keyring,
    given: &Given,
    args: &Run,
    output: Output,
) -> Result<StoredImage> {
    if let (Given::Image(reference), PullWhen::Never) = (given, args.pull) {
        bail!(
            "{reference} is not here, and --pull never forbids to fetch it; run: armistice pull {reference}"
        );
    }
    let obtained = obtain::pull(store, keyring, given, None, &args.fetching, output)?;
    let name = obtained.names.first().context("the image has no name")?;
    let manifest = &obtained.pulled.manifest;
    let images = store.named(name)?;
    let same = |i: &StoredImage| i.manifest == *manifest;
    images
        .into_iter()
        .find(same)
        .with_context(|| format!("{name} has gone again; run it once more"))
}

/// A folder, whose programs tell what it is made for.
fn folder_origin(folder: &Path, args: &Run) -> Result<Origin> {
    let wanted = obtain::wanted(args.fetching.platform.as_deref())?;
    let platform = match (wanted.exactly, obtain::platform_in(&DirRoot::open(folder)?)) {
        (Some(wanted), Some(found)) if found.distance_from(&wanted).is_none() => {
            bail!("{} is made for {found}, not for {wanted}", folder.display())
        }
        (Some(wanted), _) => wanted,
        (None, Some(found)) => found,
        (None, None) => bail!(Usage(format!(
            "{} has no /bin/sh or other program that tells what it is for; say so with --platform",
            folder.display()
        ))),
    };
    let root =
        std::path::absolute(folder).with_context(|| format!("cannot find {}", folder.display()))?;
    Ok(Origin {
        root: Root::Folder(root),
        config: ImageConfig::new(platform.clone()),
        platform,
        _held: None,
    })
}
