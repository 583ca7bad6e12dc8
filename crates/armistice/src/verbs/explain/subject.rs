//! What was named, and the call that would start it. It may be a program, a root folder, an image
//! archive, an image that `armistice pull` brought, or an image that a local engine has. Where
//! nothing would be started, that is a verdict as well.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;
use armistice_arch::{Arch, Platform};
use armistice_oci::{
    Archive, DirRoot, Error, FileInfo, FileKind, Found, Image, ImageConfig, Lookup, Missing,
    Reference, Root, Start, program,
};
use armistice_store as store;

use crate::judging::call::Call;
use crate::judging::place::{Place, header};
use crate::judging::verdict::Verdict;
use crate::obtain::local::{self, LocalImage, NotFound};
use crate::obtain::{self, Otherwise};
use crate::output::{Output, shown, shown_path};

/// What is to be judged.
pub(super) struct Subject {
    pub(super) kind: String,
    pub(super) platform: Option<Platform>,
    /// It is an image that names no command: what is judged is any program of its
    /// platform.
    pub(super) no_command: bool,
    /// Its programs are not what its label says. Where it names no command, they are what is judged.
    pub(super) otherwise: Option<Otherwise>,
    /// The engine that has the image.
    pub(super) engine: Option<&'static str>,
    pub(super) what: What,
}

/// What would be started.
pub(super) enum What {
    /// This.
    Call(Call),
    /// Nothing, as this verdict says.
    Nothing(Verdict),
}

/// A root folder names no program: any shell stands for all of it.
const SHELLS: [&str; 5] = [
    "/bin/sh",
    "/usr/bin/sh",
    "/bin/busybox",
    "/sbin/init",
    "/usr/bin/env",
];

impl Subject {
    /// A path that exists is meant before an image of that name; one that Armistice has
    /// before one that an engine has.
    pub(super) fn find(
        what: &Path,
        platform: Option<&Platform>,
        output: Output,
    ) -> Result<Subject> {
        let metadata = match std::fs::metadata(what) {
            Ok(metadata) => metadata,
            Err(error) => return Ok(not_a_file(what, platform, &error, output)),
        };
        let subject = match Archive::open(what) {
            Ok(archive) => of_archive(archive, platform),
            Err(Error::NotAnImage { .. }) if metadata.is_dir() => of_folder(what),
            Err(Error::NotAnImage {
                found: Found::OtherTar,
                ..
            }) => {
                let subject = of_root_tar(what, platform);
                Ok(subject.unwrap_or_else(|| of_file(what, Found::OtherTar)))
            }
            Err(Error::NotAnImage { found, .. }) => Ok(of_file(what, found)),
            // Who may not read it may still execute it.
            Err(Error::Open { .. }) if metadata.is_file() => Ok(of_file(what, Found::Other)),
            Err(error) => Err(error),
        };
        Ok(subject.unwrap_or_else(|error| {
            let text = format!("{:#}", anyhow::Error::new(error));
            Subject::nothing("an archive or a folder", "unreadable", shown(&text))
        }))
    }

    /// Not for the platform that is asked for.
    fn of_another_platform(kind: &str, found: &Platform, wanted: &Platform) -> Subject {
        Subject {
            kind: kind.to_owned(),
            platform: Some(found.clone()),
            no_command: false,
            engine: None,
            otherwise: None,
            what: What::Nothing(Verdict::of_another_platform(&found.to_string(), wanted)),
        }
    }

    fn nothing(kind: &str, code: &'static str, text: String) -> Subject {
        Subject {
            kind: kind.to_owned(),
            platform: None,
            no_command: false,
            engine: None,
            otherwise: None,
            what: What::Nothing(Verdict::no(code, text)),
        }
    }
}

/// The platform that is asked for.
pub(super) fn platform(text: &str) -> Result<Platform> {
    Platform::parse(text)
        .ok_or_else(|| crate::outcome::Usage(format!("'{}' is no platform", shown(text))).into())
}

/// A path that leads nowhere: an image's name, perhaps.
fn not_a_file(
    what: &Path,
    platform: Option<&Platform>,
    error: &std::io::Error,
    output: Output,
) -> Subject {
    let shown = shown_path(what);
    if let Ok(target) = std::fs::read_link(what) {
        let target = shown_path(&target);
        let text = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("{shown} is a symbolic link to {target}, which is not there")
            }
            _ => format!("{shown} is a symbolic link to {target}: {error}"),
        };
        return Subject::nothing("a symbolic link", "not-found", text);
    }
    let leads_nowhere = matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    );
    if !leads_nowhere {
        let text = format!("{shown} cannot be looked at: {error}");
        return Subject::nothing("a file", "unknown", text);
    }
    match what.to_str().filter(|name| could_be_an_image(name)) {
        Some(name) => of_store(name, platform).unwrap_or_else(|| of_engine(name, platform, output)),
        None => Subject::nothing("nothing", "not-found", format!("there is no file {shown}")),
    }
}

/// Whether an engine would take this for the name of an image, or its id.
fn could_be_an_image(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
        && !name.ends_with('/')
}

fn of_file(path: &Path, found: Found) -> Subject {
    let otherwise = match found {
        Found::OtherTar
        | Found::OldDocker
        | Found::Json
        | Found::Zip
        | Found::CompressedOther
        | Found::Compressed { .. } => Some(found.to_string()),
        _ => None,
    };
    if found == Found::Special {
        let text = format!(
            "{} is {found}, and neither a program nor an image",
            shown_path(path)
        );
        return Subject::nothing("no file", "not-a-program", text);
    }
    Subject {
        kind: otherwise.clone().unwrap_or_else(|| "a file".to_owned()),
        platform: None,
        no_command: false,
        otherwise: None,
        engine: None,
        what: What::Call(Call {
            path: path.to_owned(),
            argv: vec![path.as_os_str().to_owned()],
            place: Place::Here,
            otherwise,
        }),
    }
}

fn of_folder(path: &Path) -> Result<Subject, Error> {
    let kind = "a root folder";
    let root = DirRoot::open(path)?;
    for shell in SHELLS {
        let shell = Path::new(shell);
        if let Lookup::Found(file) = root.lookup(shell)?
            && file.kind == FileKind::Regular
        {
            let place = Place::Root {
                root: Box::new(root),
                working_dir: PathBuf::new(),
                folder: Some(path.to_owned()),
            };
            return Ok(Subject {
                kind: kind.to_owned(),
                platform: None,
                no_command: false,
                engine: None,
                otherwise: None,
                what: What::Call(Call {
                    path: shell.to_owned(),
                    argv: vec![shell.as_os_str().to_owned()],
                    place,
                    otherwise: None,
                }),
            });
        }
    }
    let text = format!(
        "{} is neither an image nor a root folder with a shell in it; name a program in it instead",
        shown_path(path)
    );
    Ok(Subject::nothing("a folder", "no-program", text))
}

/// A tar of a root, by its first program, as `run` takes it; `None` where it has none.
fn of_root_tar(path: &Path, platform: Option<&Platform>) -> Option<Subject> {
    let (program, found) = obtain::first_program(path).ok()??;
    let kind = "a tar of a root folder".to_owned();
    if let Some(wanted) = platform.filter(|wanted| found.distance_from(wanted).is_none()) {
        return Some(Subject::of_another_platform(&kind, &found, wanted));
    }
    Some(Subject {
        kind,
        no_command: false,
        otherwise: None,
        engine: None,
        what: by_platform(&found, Some(program)),
        platform: Some(found),
    })
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
    fn lookup(&self, path: &Path) -> Result<Lookup, Error> {
        self.image().lookup(path)
    }

    fn read_at(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, Error> {
        self.image().read_at(path, offset, len)
    }
}

fn of_archive(archive: Archive, platform: Option<&Platform>) -> Result<Subject, Error> {
    let Some(index) = choose(&archive, platform) else {
        let known = archive.images().iter().map(|i| i.platform().to_string());
        let text = format!(
            "the archive has no image for {}, but for: {}",
            platform.map_or_else(String::new, ToString::to_string),
            shown(&known.collect::<Vec<_>>().join(", "))
        );
        return Ok(Subject::nothing("an image archive", "no-platform", text));
    };
    let archived = Archived { archive, index };
    let image = archived.image();
    let kind = match image.names().first() {
        Some(name) => format!("an image archive of {}", shown(name)),
        None => "an image archive".to_owned(),
    };
    let config = image.config().clone();
    of_image(kind, &config, Box::new(archived))
}

/// An image by its configuration and its files.
fn of_image(kind: String, config: &ImageConfig, root: Box<dyn Root>) -> Result<Subject, Error> {
    let platform = config.platform.clone();
    let nothing = |code, text| What::Nothing(Verdict::no(code, text));
    let words = config.argv();
    let start = program::start(&*root, &words, config.path(), &config.working_dir)?;
    let no_command = start == Start::NoCommand;
    let mut otherwise = None;
    let what = match start {
        Start::Program(found) => What::Call(Call {
            path: found.path,
            argv: words.into_iter().map(OsString::from).collect(),
            place: Place::Root {
                root,
                working_dir: PathBuf::from(&config.working_dir),
                folder: None,
            },
            otherwise: None,
        }),
        Start::NotFound { name, tried } => nothing("not-found", not_found(&name, &tried)),
        Start::NotExecutable { name, file } => {
            nothing("not-executable", not_executable(&name, &file))
        }
        Start::NoCommand => {
            otherwise = Otherwise::in_root(&platform, &*root);
            by_platform(otherwise.as_ref().map_or(&platform, |o| &o.platform), None)
        }
    };
    Ok(Subject {
        kind,
        platform: Some(platform),
        no_command,
        engine: None,
        otherwise,
        what,
    })
}

/// An image that `armistice pull` brought: found and judged without any engine, and
/// without a network.
fn of_store(name: &str, platform: Option<&Platform>) -> Option<Subject> {
    let whole = Reference::parse(name).ok()?.to_string();
    let mut images = store::view(&obtain::folder().ok()?, &whole);
    let native = |p: &Platform| p.arch().is_some_and(|a| a.is_native_to(Arch::host()));
    let index = match platform {
        Some(wanted) => store::choose(images.iter().map(|image| &image.platform), wanted)?,
        // As of an archive: one that this machine does not run by itself.
        None => images
            .iter()
            .position(|image| !native(&image.platform))
            .unwrap_or(0),
    };
    if index >= images.len() {
        return None;
    }
    let image = images.swap_remove(index);
    let kind = "an image that armistice has".to_owned();
    let Some(files) = image.files else {
        // Its documents tell the platform and the command.
        return Some(Subject {
            kind,
            engine: None,
            otherwise: None,
            no_command: image.config.argv().is_empty(),
            what: by_platform(&image.platform, image.config.argv().into_iter().next()),
            platform: Some(image.platform),
        });
    };
    Some(
        of_image(kind, &image.config, Box::new(files)).unwrap_or_else(|error| {
            let text = format!("{:#}", anyhow::Error::new(error));
            Subject::nothing("an image that armistice has", "unreadable", shown(&text))
        }),
    )
}

fn not_found(name: &str, tried: &[(PathBuf, Missing)]) -> String {
    let name = if name.is_empty() {
        "an empty name".to_owned()
    } else {
        shown(name)
    };
    let odd = tried.iter().find(|(_, why)| *why != Missing::NoEntry);
    let odd = odd.map(|(path, why)| format!(" ({} is {why})", shown_path(path)));
    format!(
        "the image would start {name}, which it does not have{}",
        odd.unwrap_or_default()
    )
}

fn not_executable(name: &str, file: &FileInfo) -> String {
    let why = if file.kind == FileKind::Regular {
        "is not executable: a chmod +x where the image is built mends it"
    } else {
        "is no regular file"
    };
    format!("the image would start {}, which {why}", shown(name))
}

/// The image that is meant of an archive's.
fn choose(archive: &Archive, platform: Option<&Platform>) -> Option<usize> {
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
}

fn of_engine(name: &str, platform: Option<&Platform>, output: Output) -> Subject {
    let nothing = |why: &str| {
        let text = format!("there is no file {}, {why}", shown(name));
        Subject::nothing("nothing", "not-found", text)
    };
    let kind = |image: &LocalImage| format!("an image that {} has", image.engine);
    match (local::find(name, output), platform) {
        (Ok(image), Some(wanted)) if image.platform.distance_from(wanted).is_none() => {
            Subject::of_another_platform(&kind(&image), &image.platform, wanted)
        }
        (Ok(image), _) => Subject {
            kind: kind(&image),
            no_command: image.program.is_none(),
            engine: Some(image.engine),
            otherwise: None,
            what: by_platform(&image.platform, image.program),
            platform: Some(image.platform),
        },
        (Err(NotFound::NoEngine), _) => {
            nothing("and neither docker nor podman is installed to ask for an image of that name")
        }
        (Err(NotFound::NotThere(answers)), _) => nothing(&format!(
            "and no image of that name: {}",
            shown(&answers.join("; "))
        )),
    }
}

/// An image whose files are out of sight: its programs are taken to have the
/// header that its platform has.
fn by_platform(platform: &Platform, program: Option<String>) -> What {
    let Some(arch) = platform.arch() else {
        return What::Nothing(Verdict::no(
            "unknown-machine",
            format!(
                "built for {}, for which no emulator is known",
                shown(&platform.to_string())
            ),
        ));
    };
    // Where none is named it stands for any, and is not shown.
    let program = PathBuf::from(program.unwrap_or_else(|| "program".to_owned()));
    What::Call(Call {
        argv: vec![program.as_os_str().to_owned()],
        path: program.clone(),
        place: Place::Platform {
            program,
            head: header(arch),
        },
        otherwise: None,
    })
}
