//! `cache`: translations that were made before they are needed, in an engine of their own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use armistice_emulators::{Emulator, baked};
use serde::Serialize;

use crate::cli::{Cache, CacheShow, CacheWarm, Emulators, Format};
use crate::outcome::Outcome;
use crate::output::{Columns, ODD, Output, megabytes, plain, shown, shown_path};
use crate::warm::{self, GUESTS, Guest, folder};

/// What is kept, for programs.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    kept: Vec<Line>,
}

/// A baked engine.
#[derive(Debug, Serialize)]
struct Line {
    path: String,
    bytes: u64,
    /// What was run for it; nothing where that is not known.
    of: Vec<String>,
    sha256: Option<String>,
    /// Why it is not used; null where it is.
    fault: Option<String>,
}

pub(crate) fn run(what: &Cache, output: Output) -> Result<Outcome> {
    match what {
        Cache::Warm(args) => warm(args, output),
        Cache::Show(args) => show(args, output),
        Cache::Verify(args) => verify(args, output),
        Cache::Clear => clear(output),
    }
}

fn emulators(dirs: &[PathBuf]) -> Emulators {
    Emulators {
        dirs: dirs.to_vec(),
        ..Emulators::default()
    }
}

fn warm(args: &CacheWarm, output: Output) -> Result<Outcome> {
    let emulators = emulators(&args.dirs);
    let platforms: Vec<&str> = args.platform.iter().map(String::as_str).collect();
    for baked in warm::warm(&args.what, &platforms, &emulators, output)? {
        let size = fs::metadata(&baked)?.len();
        output.report(format!(
            "Kept in {} ({}); 'armistice register' and 'armistice run' take it from now on.",
            shown_path(&baked),
            megabytes(size)
        ));
    }
    Ok(Outcome::Done)
}

/// What lies in the folders. A digest is looked at where `whole` says so: it takes as long as
/// reading all of it.
fn lines(args: &CacheShow, whole: bool) -> Result<Vec<Line>> {
    let emulators = emulators(&args.dirs);
    let engines = GUESTS.map(|guest| (guest, warm::engine(guest, &emulators)));
    let mut lines = Vec::new();
    for folder in folder::all() {
        for (guest, engine) in &engines {
            lines.extend(line(&folder, *guest, engine.as_ref(), whole)?);
        }
    }
    Ok(lines)
}

/// A guest's engine in a folder, if there is one.
fn line(
    folder: &Path,
    guest: Guest,
    engine: Result<&Emulator, &anyhow::Error>,
    whole: bool,
) -> Result<Option<Line>> {
    let path = folder.join(guest.engine);
    let Ok(metadata) = fs::symlink_metadata(&path) else {
        return Ok(None);
    };
    let made = folder::read(folder, guest);
    let fits = match engine {
        Ok(engine) => baked::of(folder, engine).map_err(|why| why.to_string()),
        Err(why) => Err(format!("{why:#}")),
    };
    let fault = match (fits, &made) {
        (Err(why), _) => Some(why),
        (Ok(_), None) => Some("what it was made of is not known".to_owned()),
        (Ok(_), Some(made)) if whole && warm::digest(&path)? != made.sha256 => {
            Some("it is not what was written".to_owned())
        }
        _ => None,
    };
    Ok(Some(Line {
        path: shown_path(&path),
        bytes: metadata.len(),
        sha256: made.as_ref().map(|made| made.sha256.clone()),
        of: made.map(|made| made.of).unwrap_or_default(),
        fault,
    }))
}

fn show(args: &CacheShow, output: Output) -> Result<Outcome> {
    print(lines(args, false)?, args.output, output)?;
    Ok(Outcome::Done)
}

fn verify(args: &CacheShow, output: Output) -> Result<Outcome> {
    let lines = lines(args, true)?;
    let good = !lines.is_empty() && lines.iter().all(|line| line.fault.is_none());
    print(lines, args.output, output)?;
    Ok(if good {
        Outcome::Done
    } else {
        Outcome::NotWorking
    })
}

fn print(kept: Vec<Line>, format: Format, output: Output) -> Result<()> {
    match format {
        Format::Json => output.json(&Answer { schema: 1, kept })?,
        Format::Name => kept.iter().for_each(|line| output.data(&line.path)),
        Format::Table if kept.is_empty() => {
            output.note("Nothing is kept; 'armistice cache warm IMAGE' makes something.");
        }
        Format::Table => {
            let mut table = Columns::new(&["ENGINE", "SIZE", "MADE OF", "STATE"]);
            for line in kept {
                table.row(vec![
                    plain(line.path),
                    plain(megabytes(line.bytes)),
                    plain(shown(&line.of.join(", "))),
                    match line.fault {
                        None => plain("used".to_owned()),
                        Some(why) => (format!("not used: {why}"), ODD),
                    },
                ]);
            }
            table.print(output);
        }
    }
    Ok(())
}

fn clear(output: Output) -> Result<Outcome> {
    let folder = folder::own()?;
    match folder::clear(&folder)? {
        0 => output.note(format!("Nothing is kept in {}.", shown_path(&folder))),
        bytes => output.report(format!(
            "Removed {} in {}; what is registered stays as it is.",
            megabytes(bytes),
            shown_path(&folder)
        )),
    }
    Ok(Outcome::Done)
}
