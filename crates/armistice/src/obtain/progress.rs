//! What is shown while an image comes: bars on a terminal, a line for each
//! layer elsewhere. All of it on stderr.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use armistice_oci::Digest;
use armistice_store::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::ProgressKind;
use crate::output::{Output, megabytes};

pub(crate) struct Progress {
    output: Output,
    /// `None` where plain lines are wanted.
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    each: Mutex<HashMap<Digest, ProgressBar>>,
}

impl Progress {
    pub(crate) fn new(kind: ProgressKind, output: Output) -> Progress {
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
        let bars = match kind {
            ProgressKind::Plain | ProgressKind::None => false,
            ProgressKind::Auto => std::io::stderr().is_terminal() && !dumb && !output.is_quiet(),
        };
        Progress {
            output: match kind {
                ProgressKind::None => output.without_notes(),
                _ => output,
            },
            bars: bars.then(|| Bars {
                all: MultiProgress::new(),
                each: Mutex::default(),
            }),
        }
    }

    pub(crate) fn event(&self, event: Event<'_>) {
        match &self.bars {
            Some(bars) => bars.event(event),
            None => self.line(event),
        }
    }

    fn line(&self, event: Event<'_>) {
        match event {
            Event::Image { layers, there } => {
                self.output
                    .detail(format!("{layers} layers, {there} of them here"));
            }
            Event::Fetching {
                digest,
                size,
                there,
            } if there > 0 => self.output.note(format!(
                "{}  goes on at {} of {}",
                short(digest),
                megabytes(there),
                megabytes(size)
            )),
            Event::Again { digest } => self.output.note(format!(
                "{}  begins again: the registry can't go on in the middle",
                short(digest)
            )),
            Event::Fetched { digest } => {
                self.output
                    .note(format!("{}  fetched and verified", short(digest)));
            }
            Event::Unpacked { digest, disk } => {
                self.output
                    .note(format!("{}  unpacked, {}", short(digest), megabytes(disk)))
            }
            Event::Fetching { .. } | Event::Came { .. } => {}
        }
    }
}

impl Bars {
    fn event(&self, event: Event<'_>) {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Image { .. } => {}
            Event::Fetching {
                digest,
                size,
                there,
            } => {
                let bar = self.all.add(ProgressBar::new(size));
                bar.set_style(style(
                    "{prefix}  {bar:30} {bytes:>10} / {total_bytes:<10} {eta}",
                ));
                bar.set_prefix(short(digest));
                bar.set_position(there);
                each.insert(digest.clone(), bar);
            }
            Event::Again { digest } => {
                if let Some(bar) = each.get(digest) {
                    bar.set_position(0);
                }
            }
            Event::Came { digest, bytes } => {
                if let Some(bar) = each.get(digest) {
                    bar.inc(bytes);
                }
            }
            Event::Fetched { digest } => {
                if let Some(bar) = each.get(digest) {
                    bar.set_style(style("{prefix}  fetched, to be unpacked"));
                    bar.tick();
                }
            }
            Event::Unpacked { digest, disk } => {
                let bar = each
                    .remove(digest)
                    .unwrap_or_else(|| self.all.add(ProgressBar::new(0)));
                bar.set_style(style("{prefix}  unpacked, {msg}"));
                bar.set_prefix(short(digest));
                bar.set_message(megabytes(disk));
                bar.finish();
            }
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Enough of a digest to tell layers apart.
fn short(digest: &Digest) -> String {
    digest.hex().chars().take(12).collect()
}
