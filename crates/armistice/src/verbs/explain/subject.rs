//! What was named: a program, a root folder, an image archive, or an image
//! that a local engine has; and the program in it that would start.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use armistice_arch::{Arch, ElfHeader, Platform};
use armistice_binfmt::Snapshot;
use armistice_oci::{
    Archive, DirRoot, Image, Interpreter, Lookup, Program as Found, ProgramKind, Root, Start,
    program,
};

use super::engine::{self, NotFound};
use super::verdict::{self, EntryAnswer, Facts, Program, Verdict};
use crate::output::shown;

/// How many scripts may run one another; as in the kernel.
const SCRIPTS_MAX: usize = 4;

/// What is to be judged.
pub(super) struct Subject {
    pub(super) kind: String,
    pub(super) platform: Option<Platform>,
    pub(super) steps: Vec<String>,
    program: Program,
    /// Where the program runs; `None` where its files cannot be looked at.
    root: Option<Box<dyn Root>>,
}

impl Subject {
    /// A path that exists is meant before an image of that name.
    pub(super) fn find(what: &Path, platform: Option<&str>) -> Result<Subject> {
        if let Ok(metadata) = std::fs::metadata(what) {
            let platform = platform.map(parse_platform).transpose()?;
            return match Archive::open(what) {
                Ok(archive) => of_archive(archive, platform.as_ref()),
                Err(armistice_oci::Error::NotAnImage { .. }) if metadata.is_dir() => {
                    of_folder(what)
                }
                Err(armistice_oci::Error::NotAnImage { .. }) => of_file(what),
                Err(error) => {
                    Err(error).with_context(|| format!("cannot explain {}", what.display()))
                }
            };
        }
        of_engine(what)
    }

    /// The verdict, and what each handler said.
    pub(super) fn judge(&self, live: &Snapshot) -> (Verdict, Vec<EntryAnswer>) {
        let verdict = verdict::on(&self.program, live, self);
        (verdict, verdict::answers(live, &self.program))
    }

    /// The verdict where the table in which exec looks is out of sight: exec is
    /// asked whether it has a handler.
    pub(super) fn ask_exec(&self, verdict: Verdict) -> Verdict {
        match armistice_binfmt::lookup::takes_one(&self.program.head) {
            Some(takes) => verdict.out_of_sight(takes),
            None => verdict,
        }
    }
}

impl Facts for Subject {
    fn exists_for_program(&self, path: &Path) -> bool {
        self.root
            .as_ref()
            .is_some_and(|root| root.lookup(path).is_ok_and(|l| l.found().is_some()))
    }

    fn loader_of_emulator(&self, path: &Path) -> Option<String> {
        let host = DirRoot::open(Path::new("/")).ok()?;
        match program::inspect(&host, path).ok()??.kind {
            ProgramKind::Elf(Interpreter::At { path, .. }) => {
                Some(path.to_string_lossy().into_owned())
            }
            _ => None,
        }
    }
}

fn parse_platform(text: &str) -> Result<Platform> {
    Platform::parse(text)
        .ok_or_else(|| crate::outcome::Usage(format!("'{}' is no platform", shown(text))).into())
}

fn of_file(path: &Path) -> Result<Subject> {
    // Through links, also those of /proc, which lead where no path does.
    let absolute = path.canonicalize().or_else(|_| std::path::absolute(path))?;
    let root = DirRoot::open(Path::new("/"))?;
    let found = program::inspect(&root, &absolute)?
        .with_context(|| format!("{} is no regular file", path.display()))?;
    follow(Box::new(root), found, "a file".to_owned(), None, false)
}

fn of_folder(path: &Path) -> Result<Subject> {
    let root = DirRoot::open(path)?;
    // A root folder names no program: any shell stands for all of it.
    for shell in [
        "/bin/sh",
        "/usr/bin/sh",
        "/bin/busybox",
        "/sbin/init",
        "/usr/bin/env",
    ] {
        if let Some(found) = program::inspect(&root, Path::new(shell))? {
            return follow(
                Box::new(root),
                found,
                "a root folder".to_owned(),
                None,
                true,
            );
        }
    }
    bail!(
        "{} is neither an image nor a root folder with a shell in it; name a program in it instead",
        path.display()
    )
}

/// An image, with the archive that it is in.
struct Archived {
    archive: Archive,
    index: usize,
}

impl Archived {
    fn image(&self) -> &Image {
        &self.archive.images()[self.index]
    }
}

impl Root for Archived {
    fn lookup(&self, path: &Path) -> Result<Lookup, armistice_oci::Error> {
        self.image().lookup(path)
    }

    fn read_at(
        &self,
        path: &Path,
        offset: u64,
        len: usize,
    ) -> Result<Vec<u8>, armistice_oci::Error> {
        self.image().read_at(path, offset, len)
    }
}

fn of_archive(archive: Archive, platform: Option<&Platform>) -> Result<Subject> {
    let index = choose(&archive, platform)?;
    let archived = Archived { archive, index };
    let image = archived.image();
    let kind = match image.names().first() {
        Some(name) => format!("an image archive of {}", shown(name)),
        None => "an image archive".to_owned(),
    };
    let platform = image.platform().clone();
    match image.start()? {
        Start::Program(found) => follow(Box::new(archived), found, kind, Some(platform), true),
        Start::NotFound { name, .. } => bail!(
            "the image would start {}, which it does not have",
            shown(&name)
        ),
        Start::NotExecutable { name, .. } => bail!(
            "the image would start {}, which is not executable",
            shown(&name)
        ),
        Start::NoCommand => by_platform(kind, platform, None),
    }
}

/// The image that is meant of an archive's.
fn choose(archive: &Archive, platform: Option<&Platform>) -> Result<usize> {
    let images = archive.images();
    let wanted = |image: &Image| platform.is_none_or(|p| image.platform() == p);
    // Without a choice, one that this machine does not run by itself: there lies the question.
    let native = |image: &Image| {
        image
            .platform()
            .arch()
            .is_some_and(|a| a.is_native_to(Arch::host()))
    };
    images
        .iter()
        .position(|i| wanted(i) && !native(i))
        .or_else(|| images.iter().position(wanted))
        .with_context(|| {
            let known: Vec<String> = images.iter().map(|i| i.platform().to_string()).collect();
            format!(
                "the archive has no image for that platform, but for: {}",
                known.join(", ")
            )
        })
}

fn of_engine(what: &Path) -> Result<Subject> {
    let name = what.to_string_lossy();
    match engine::find(&name) {
        Ok(image) => by_platform(
            format!("an image that {} has", image.engine),
            image.platform,
            image.program,
        ),
        Err(NotFound::NoEngine) => {
            bail!(
                "there is no file {name}, and neither docker nor podman is installed to ask for an image of that name"
            )
        }
        Err(NotFound::NotThere(answers)) => {
            bail!(
                "there is no file {name}, and no image of that name: {}",
                answers.join("; ")
            )
        }
    }
}

/// An image whose files are out of sight: its programs are taken to have the
/// header that its platform has.
fn by_platform(kind: String, platform: Platform, program: Option<String>) -> Result<Subject> {
    let arch = platform
        .arch()
        .with_context(|| format!("built for {platform}, for which no emulator is known"))?;
    let path = program.unwrap_or_else(|| "/".to_owned());
    Ok(Subject {
        kind,
        steps: Vec::new(),
        program: Program {
            path,
            head: arch.sample_header(3, 0).to_vec(),
            executable: None,
            setuid: false,
            loader: None,
            own_root: true,
        },
        platform: Some(platform),
        root: None,
    })
}

/// Follows scripts to the program that runs them.
fn follow(
    root: Box<dyn Root>,
    mut found: Found,
    kind: String,
    platform: Option<Platform>,
    own_root: bool,
) -> Result<Subject> {
    let mut steps = vec![describe(&found)];
    let executable = found.file.is_executable();
    for _ in 0..SCRIPTS_MAX {
        let ProgramKind::Script { interpreter, .. } = &found.kind else {
            break;
        };
        let interpreter: PathBuf = interpreter.clone();
        found = program::inspect(root.as_ref(), &interpreter)?.with_context(|| {
            format!(
                "{} wants {}, which is not there",
                found.path.display(),
                interpreter.display()
            )
        })?;
        steps.push(describe(&found));
    }
    let loader = match &found.kind {
        ProgramKind::Elf(Interpreter::At { path, lookup }) => Some((
            path.to_string_lossy().into_owned(),
            lookup.clone().found().is_some(),
        )),
        _ => None,
    };
    let program = Program {
        path: found.path.to_string_lossy().into_owned(),
        executable: Some(executable && found.file.is_executable()),
        setuid: found.file.mode & 0o6000 != 0,
        head: found.first,
        loader,
        own_root,
    };
    let platform = platform.or_else(|| platform_of(&program.head));
    Ok(Subject {
        kind,
        platform,
        steps,
        program,
        root: Some(root),
    })
}

/// The platform that a program's header says.
fn platform_of(head: &[u8]) -> Option<Platform> {
    let arch = ElfHeader::parse(head).ok().and_then(|h| Arch::of_elf(&h))?;
    Platform::parse(arch.platforms.first()?)
}

/// A program in a line.
fn describe(found: &Found) -> String {
    let path = shown(&found.path.to_string_lossy());
    match &found.kind {
        ProgramKind::Script { interpreter, .. } => {
            format!(
                "{path}: a script for {}",
                shown(&interpreter.to_string_lossy())
            )
        }
        ProgramKind::Other => match ElfHeader::parse(&found.first) {
            Err(error) => format!("{path}: {error}"),
            Ok(_) => format!("{path}: a file"),
        },
        ProgramKind::Elf(interpreter) => {
            let machine = match ElfHeader::parse(&found.first) {
                Ok(header) => match Arch::of_elf(&header) {
                    Some(arch) => {
                        format!("ELF, {} bits, {}", header.class.bits(), arch.display_name())
                    }
                    None => format!(
                        "ELF, {} bits, machine {}",
                        header.class.bits(),
                        header.machine
                    ),
                },
                Err(error) => error.to_string(),
            };
            let linking = match interpreter {
                Interpreter::None => "static".to_owned(),
                Interpreter::At { path, .. } => {
                    format!("its loader is {}", shown(&path.to_string_lossy()))
                }
                Interpreter::Unreadable(why) => (*why).to_owned(),
            };
            format!("{path}: {machine}, {linking}")
        }
    }
}
