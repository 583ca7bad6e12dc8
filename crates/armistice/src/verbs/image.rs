//! `image build`: the container image, written without a builder or a registry.
//!
//! One layer for this command and one for each emulator, so that images of
//! different versions share what is the same. The same input gives the same bytes.
//! Where Armistice has an engine of its own, QEMU's goes in beside it: the
//! processor of the machine that the image will run on may be too old for it.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result, bail};
use armistice_arch::{Arch, Platform};
use armistice_emulators::search::has_own;
use armistice_emulators::{
    Emulator, Engine, Error as EmulatorError, Found, Maker, Processor, Search,
};
use armistice_oci::{Content, ImageConfig, ImageSpec, Layer};

use crate::cli::{Image, ImageBuild};
use crate::engine::{file_name, say_choice};
use crate::inherited::had_output;
use crate::outcome::{Outcome, Usage};
use crate::output::Output;
use crate::registration::request;
use crate::select::{self, Wanted};

/// Where the command lies in the image.
const COMMAND: &str = "/usr/bin/armistice";
/// Where the emulators lie; the first place of Armistice's own that is searched.
const EMULATORS: &str = "/usr/libexec/armistice";

pub(crate) fn run(verb: &Image, output: Output) -> Result<Outcome> {
    let Image::Build(args) = verb;
    build(args, output)
}

fn build(args: &ImageBuild, output: Output) -> Result<Outcome> {
    let emulators = find(args, output)?;
    let spec = ImageSpec {
        layers: layers(&emulators)?,
        config: config(),
        tags: vec![args.tag.clone()],
        timestamp: args.timestamp,
    };
    let to_stdout = args.output == Path::new("-");
    if to_stdout {
        if !to_pipe(&spec)? {
            return Ok(Outcome::NotWorking);
        }
    } else {
        spec.write_file(&args.output)?;
    }
    let mut names: Vec<&str> = emulators.iter().map(|(a, _)| a.display_name()).collect();
    names.dedup();
    output.note(format!(
        "Wrote {} as {}, with emulators for {}",
        if to_stdout {
            "the archive to standard output".into()
        } else {
            args.output.display().to_string()
        },
        args.tag,
        names.join(", ")
    ));
    if to_stdout {
        return Ok(Outcome::Done);
    }
    output.note(format!(
        "Load it with: docker load -i {file} (or podman load -i {file})",
        file = crate::output::quoted(&args.output.to_string_lossy())
    ));
    Ok(Outcome::Done)
}

/// Writes the archive to standard output. `false`: whoever read it went away.
fn to_pipe(spec: &ImageSpec) -> Result<bool> {
    let stdout = std::io::stdout();
    if stdout.is_terminal() {
        bail!(Usage(
            "an archive is not for a terminal; pipe it (armistice image build -o - | docker load), \
             redirect it, or name a file"
                .to_owned()
        ));
    }
    if !had_output() {
        bail!("cannot write the archive: standard output is not open");
    }
    let mut out = std::io::BufWriter::with_capacity(256 * 1024, stdout.lock());
    let written = spec.write_to(&mut out);
    let written = written.and_then(|()| {
        let flushed = out.flush();
        flushed.map_err(|source| armistice_oci::Error::Stream { source })
    });
    // What could not be written is not tried again.
    let _ = out.into_parts();
    match written {
        Ok(()) => Ok(true),
        Err(armistice_oci::Error::Stream { source })
            if source.kind() == std::io::ErrorKind::BrokenPipe =>
        {
            Ok(false)
        }
        Err(armistice_oci::Error::Stream { source }) => {
            Err(source).context("cannot write the archive to standard output")
        }
        Err(error) => Err(error.into()),
    }
}

/// Those named; else those of all platforms that containers come in and an
/// emulator is installed for.
fn find(args: &ImageBuild, output: Output) -> Result<Vec<(&'static Arch, Emulator)>> {
    let mut search = request::search(&args.emulators);
    search.processor = Processor::Any;
    let arches: Vec<&'static Arch> = match Wanted::read(&args.arches)? {
        Wanted::These(arches) => {
            if arches.contains(&Arch::host()) {
                bail!(
                    "the image is for {name} machines, which run {name} programs by themselves; leave {name} out",
                    name = Arch::host().display_name()
                );
            }
            let mut found = Vec::new();
            for arch in arches {
                take(arch, search.find(arch)?, &search, &mut found, output)?;
            }
            return Ok(found);
        }
        Wanted::Default => select::foreign_everywhere()
            .filter(|a| !a.platforms.is_empty() && a.debian.is_some())
            .collect(),
        Wanted::All => select::foreign_everywhere().collect(),
    };
    let mut found = Vec::new();
    let mut miss = None;
    for arch in arches {
        match search.find(arch) {
            Ok(one) => take(arch, one, &search, &mut found, output)?,
            Err(error @ EmulatorError::NotFound { .. }) => {
                output.note(format!(
                    "Without {}: no emulator for it is installed",
                    arch.display_name()
                ));
                miss.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    match (found.is_empty(), miss) {
        (true, Some(error)) => Err(error.into()),
        _ => Ok(found),
    }
}

/// Takes what was found, and beside an engine of Armistice's own QEMU, or the other way round.
fn take(
    arch: &'static Arch,
    found: Found,
    search: &Search,
    all: &mut Vec<(&'static Arch, Emulator)>,
    output: Output,
) -> Result<()> {
    say_choice(arch, &found, search, output);
    let both = has_own(arch) && search.engine == Engine::Any;
    let engine = match found.maker {
        Maker::Armistice => Engine::Qemu,
        _ => Engine::Armistice,
    };
    all.push((arch, found.emulator));
    if !both {
        return Ok(());
    }
    let other = Search {
        engine,
        ..search.clone()
    };
    match other.find(arch) {
        Ok(second) => all.push((arch, second.emulator)),
        // Why is said above.
        Err(EmulatorError::NoEngine { .. }) => {}
        Err(EmulatorError::NotFound { .. }) => output.note(format!(
            "Without QEMU for {}: it will not run on processors older than x86-64-v3",
            arch.display_name()
        )),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn layers(emulators: &[(&'static Arch, Emulator)]) -> Result<Vec<Layer>> {
    let own = std::env::current_exe().context("cannot find this command's own file")?;
    let mut base = Layer::new("armistice");
    base.file(COMMAND, 0o755, Content::File(own))?;
    // Where the proof makes its empty root, and where the kernel's files are mounted.
    for (folder, mode) in [
        ("/proc", 0o555),
        ("/sys", 0o555),
        ("/dev", 0o755),
        ("/run", 0o755),
        ("/tmp", 0o1777),
    ] {
        base.directory(folder, mode)?;
    }
    let mut layers = vec![base];
    for (arch, emulator) in emulators {
        let name = file_name(emulator.path(), arch.emulator);
        let mut layer = Layer::new(&name);
        let path = Path::new(EMULATORS).join(&name);
        layer.file(
            &path.to_string_lossy(),
            0o755,
            Content::File(emulator.path().to_owned()),
        )?;
        layers.push(layer);
    }
    Ok(layers)
}

fn config() -> ImageConfig {
    let mut config = ImageConfig::new(Platform::new("linux", "amd64", ""));
    config.entrypoint = vec![COMMAND.to_owned(), "entrypoint".to_owned()];
    config.env = vec!["PATH=/usr/bin:/bin".to_owned()];
    for (key, value) in [
        ("org.opencontainers.image.title", "armistice"),
        (
            "org.opencontainers.image.description",
            "Run Arm containers, and other foreign ones, on an Intel machine",
        ),
        (
            "org.opencontainers.image.version",
            env!("CARGO_PKG_VERSION"),
        ),
        ("org.opencontainers.image.licenses", "MIT OR Apache-2.0"),
    ] {
        config.labels.insert(key.to_owned(), value.to_owned());
    }
    config
}
