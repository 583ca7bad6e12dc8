//! `images`, `rmi` and `prune`: list what the store has, and remove it.

use anyhow::Result;
use armistice_arch::Platform;
use armistice_store::{Pruned, Store, StoredImage, What};
use serde::Serialize;

use crate::cli::{Format, Images, Prune, Rmi};
use crate::obtain;
use crate::outcome::Outcome;
use crate::output::{Columns, ODD, Output, megabytes, plain, shown};

/// The answer for programs.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    store: String,
    images: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    platform: String,
    digest: String,
    /// What the name led to where it came from.
    source_digest: String,
    /// Seconds since 1970.
    pulled: u64,
    /// Of its layers on disk; null where some are missing.
    bytes: Option<u64>,
}

pub(crate) fn run(args: &Images, output: Output) -> Result<Outcome> {
    let store = obtain::open(output)?;
    let mut images = store.images()?;
    if let Some(name) = &args.name {
        let wanted = obtain::reference(name)?.to_string();
        images.retain(|i| i.name == wanted);
    }
    let found = !images.is_empty() || args.name.is_none();
    match args.output {
        Format::Json => output.json(&Answer {
            schema: 1,
            store: store.root().display().to_string(),
            images: images.into_iter().map(line).collect(),
        })?,
        Format::Name => images.iter().for_each(|i| output.data(&i.name)),
        // As docker's -q, for `rmi $(armistice images -q)`: each name once, whatever its platforms.
        Format::Table if output.is_quiet() => {
            let mut names: Vec<&str> = images.iter().map(|i| i.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            names.iter().for_each(|name| output.data(name));
        }
        Format::Table => print(&images, args.name.as_deref(), output),
    }
    Ok(if found {
        Outcome::Done
    } else {
        Outcome::NotWorking
    })
}

fn line(image: StoredImage) -> Line {
    Line {
        platform: image.platform.to_string(),
        digest: image.manifest.to_string(),
        source_digest: image.top,
        pulled: image.pulled,
        bytes: image.disk,
        name: image.name,
    }
}

fn print(images: &[StoredImage], name: Option<&str>, output: Output) {
    if images.is_empty() {
        output.note(match name {
            Some(name) => format!(
                "{} is not here; 'armistice images' lists what is.",
                shown(name)
            ),
            None => "No images here; 'armistice pull NAME' brings one.".to_owned(),
        });
        return;
    }
    let mut table = Columns::new(&["NAME", "PLATFORM", "DIGEST", "SIZE", "PULLED"]);
    for image in images {
        table.row(vec![
            plain(shown(&image.name)),
            plain(shown(&image.platform.to_string())),
            plain(image.manifest.hex().get(..12).unwrap_or_default()),
            match image.disk {
                Some(bytes) => plain(megabytes(bytes)),
                None => ("incomplete: pull it again".to_owned(), ODD),
            },
            plain(ago(image.pulled)),
        ]);
    }
    table.print(output);
}

/// How long ago a time was, roughly.
fn ago(then: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = now.map_or(0, |d| d.as_secs()).saturating_sub(then);
    in_words(seconds)
}

fn in_words(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => return "now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

pub(crate) fn remove(args: &Rmi, output: Output) -> Result<Outcome> {
    for typed in &args.images {
        obtain::reference(typed)?;
    }
    let platform = obtain::platform(args.platform.as_deref())?;
    let store = obtain::open(output)?;
    let mut outcome = Outcome::Done;
    for (name, platform) in meant(&store, args, platform.as_ref())? {
        match store.remove(&name, platform.as_ref()) {
            Ok(pruned) => print_pruned(&pruned, false, output),
            Err(error @ armistice_store::Error::NoSuchImage { .. }) => {
                output.error(error);
                outcome = Outcome::NotWorking;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(outcome)
}

/// What is to go, by name and platform: what is typed is a name, or else the digest of an image
/// that goes under all its names.
fn meant(
    store: &Store,
    args: &Rmi,
    platform: Option<&Platform>,
) -> Result<Vec<(String, Option<Platform>)>> {
    let mut all = Vec::new();
    for typed in &args.images {
        let name = obtain::reference(typed)?.to_string();
        let mut images = match store.named(&name)?.is_empty() {
            true => store.with_digest(typed)?,
            false => Vec::new(),
        };
        images.retain(|i| platform.is_none_or(|p| i.platform == *p));
        if images.is_empty() {
            all.push((name, platform.cloned()));
        }
        all.extend(images.into_iter().map(|i| (i.name, Some(i.platform))));
    }
    Ok(all)
}

pub(crate) fn prune(args: &Prune, output: Output) -> Result<Outcome> {
    let store = obtain::open(output)?;
    let pruned = store.prune(args.all, args.dry_run)?;
    print_pruned(&pruned, args.dry_run, output);
    Ok(Outcome::Done)
}

fn print_pruned(pruned: &[Pruned], dry_run: bool, output: Output) {
    let verb = if dry_run { "would go" } else { "gone" };
    for one in pruned {
        let what = match one.what {
            What::Name => "name",
            What::Layer => "layer",
            What::Document => "document",
            What::Partial => "unfinished layer",
            What::Leftover => "left by a killed run",
        };
        output.report(format!(
            "{verb}: {what} {}  {}",
            shown(&one.name),
            megabytes(one.bytes)
        ));
    }
    let total = pruned.iter().map(|p| p.bytes).sum();
    let verb = if dry_run { "Would free" } else { "Freed" };
    output.report(format!("{verb} {}", megabytes(total)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_minute_is_no_plural() {
        let words = [59, 60, 120, 3600, 7200, 172_800].map(in_words);
        let wanted = [
            "now",
            "1 minute ago",
            "2 minutes ago",
            "1 hour ago",
            "2 hours ago",
            "2 days ago",
        ];
        assert_eq!(words, wanted);
    }
}
