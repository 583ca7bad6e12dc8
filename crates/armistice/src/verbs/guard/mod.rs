//! `guard`: keep the registrations in place for as long as it runs.
//!
//! It is told of every write to the table (fanotify, where the caller may) and
//! looks at it at intervals besides. What another program removed or changed
//! is put back and proven again; what it was is said as far as it was seen.
//!
//! Without names it keeps what Armistice has registered or persisted here, as it
//! was registered; where that is nothing, what `register` would.
//!
//! The main switch (`status` set to 0) is left as it is. It is for the handlers
//! of everybody, and nothing that rewrites the table by the way touches it, so it
//! is somebody's will. The guard says who it was, is not ready, and waits until
//! it is switched on again.
//!
//! The ready file exists while everything is registered and proven, and only then.

mod account;
mod kept;
mod ready;
mod stop;

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use armistice_binfmt::situation;
use armistice_binfmt::watch::{Touch, Watch, Who};
use armistice_binfmt::{Action, Entry, KernelVersion, STANDARD_PATH, Snapshot, Table, plan};

use crate::cli::Guard;
use crate::outcome::{Outcome, in_full};
use crate::output::{Output, shown};
use crate::own;
use crate::report::Report;
use crate::request::{self, Request};
use crate::verbs::register;
use stop::StopSignal;

/// How long a writer is remembered as the likely cause of a change.
const MEMORY: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &Guard, output: Output) -> Result<Outcome> {
    let stop = StopSignal::new()?;
    if let Some(path) = &args.ready_file {
        // A guard that was killed may have left it; and one that can't be written shows here, not
        // after everything is registered.
        ready::remove(path)?;
        ready::check_folder(path)?;
    }
    let request = request(args, output)?;
    let opened = situation::open_for_writing()?;
    register::say_how(&opened, output);
    let table = opened.table;
    let mut guard = Keeper {
        table: &table,
        request: &request,
        args,
        output,
        writers: VecDeque::new(),
        trouble: String::new(),
        seen: None,
    };
    let watch = guard.listen();
    let result = guard.keep(watch.as_ref(), &stop);
    guard.ready(false)?;
    if args.unregister_on_exit {
        guard.unregister()?;
    }
    result.map(|()| Outcome::Done)
}

/// The loop's state.
struct Keeper<'a> {
    table: &'a Table,
    request: &'a Request,
    args: &'a Guard,
    output: Output,
    /// Who wrote to the table lately.
    writers: VecDeque<(Instant, Touch)>,
    /// What is wrong at the moment, as it was said; empty if nothing.
    trouble: String,
    /// The table as it was when all was well.
    seen: Option<Snapshot>,
}

/// What is to be kept in place.
fn request(args: &Guard, output: Output) -> Result<Request> {
    let live = register::look()?;
    let named = &args.names;
    if named.names.is_empty() {
        if let Some(request) = kept::request(args, &live, output)? {
            return Ok(request);
        }
        output.note(
            "Nothing of Armistice's is registered here yet: keeping all that an emulator is installed for.",
        );
    }
    request::make(
        named,
        &args.emulators,
        args.flags,
        &args.force,
        &live,
        output,
    )
}

impl Keeper<'_> {
    fn listen(&self) -> Option<Watch> {
        let interval = self.args.interval;
        match Watch::new(self.table) {
            Ok(watch) if watch.names_writers() => Some(watch),
            Ok(watch) => {
                self.output.note("Not told who makes a change (that needs CAP_SYS_ADMIN on the machine): guessing.");
                Some(watch)
            }
            Err(errno) => {
                self.output.note(format!(
                    "Not told of changes ({errno}): looking every {interval} s, guessing who."
                ));
                None
            }
        }
    }

    fn keep(&mut self, watch: Option<&Watch>, stop: &StopSignal) -> Result<()> {
        let mut first = true;
        let mut healthy = false;
        loop {
            healthy = self.round(first, healthy)?;
            first = false;
            if self.wait(watch, stop)? {
                self.output.note("Told to end.");
                return Ok(());
            }
        }
    }

    /// Until somebody else writes, or the interval has passed; whether to stop.
    /// Our own reading makes events too: these alone are no reason to look again.
    fn wait(&mut self, watch: Option<&Watch>, stop: &StopSignal) -> Result<bool> {
        let deadline = Instant::now() + Duration::from_secs(self.args.interval);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if stop.or_event(watch, left)? {
                return Ok(true);
            }
            let touches = match watch {
                Some(watch) => watch
                    .wait(Duration::ZERO)
                    .context("listening to binfmt_misc")?,
                None => Vec::new(),
            };
            let written = touches.iter().any(|t| t.wrote);
            self.remember(touches);
            if written || left.is_zero() {
                return Ok(false);
            }
        }
    }

    /// Looks once, mends what is amiss; whether all is well now.
    fn round(&mut self, first: bool, healthy: bool) -> Result<bool> {
        let mut live = self.table.snapshot()?;
        if !live.enabled && !first {
            return self.switched_off(healthy);
        }
        let mut missing = self.amiss(&live);
        // Another run of this command may be in the midst of a change: as it is after that.
        if healthy
            && !missing.is_empty()
            && let Ok(_locked) = own::lock(self.table, self.output)
        {
            live = self.table.snapshot()?;
            missing = self.amiss(&live);
        }
        if missing.is_empty() && !first && healthy {
            self.seen = Some(live);
            return Ok(true);
        }
        if healthy && !missing.is_empty() {
            self.ready(false)?;
            self.accuse(&live, &missing);
        }
        match self.put_back() {
            Ok(report) if report.all_proven() => {
                self.trouble.clear();
                if !healthy {
                    report.print(self.output);
                } else {
                    self.output
                        .note(format!("Put back and verified: {}", missing.join(", ")));
                }
                self.ready(true)?;
                self.seen = self.table.snapshot().ok();
                Ok(true)
            }
            Ok(report) => {
                if self.is_news("not proven") {
                    report.print(self.output);
                }
                Ok(false)
            }
            // At the start it is the user's to mend; later it may mend itself.
            Err(error) if first => Err(error),
            Err(error) => {
                let text = in_full(&error);
                if self.is_news(&text) {
                    self.output.error(text);
                }
                Ok(false)
            }
        }
    }

    fn put_back(&self) -> Result<Report> {
        let table = own::lock(self.table, self.output)?;
        let rules = register::rules(self.args.replace);
        register::apply(&table, self.request, &rules, self.output)
    }

    /// The main switch is off: that is said once, and left so.
    fn switched_off(&mut self, healthy: bool) -> Result<bool> {
        if healthy {
            self.ready(false)?;
        }
        if self.is_news("switched off") {
            let who = self.told_culprits();
            let at = self.table.path().unwrap_or(Path::new(STANDARD_PATH));
            self.output.note(format!(
                "Somebody switched binfmt_misc off as a whole (0 in {at}/status): {who}. That is left so, since it is \
                 the switch of everybody's handlers: no foreign program runs until somebody writes 1 there.",
                at = at.display()
            ));
        }
        Ok(false)
    }

    /// Whether this trouble is another than the last: what lasts is said once.
    fn is_news(&mut self, trouble: &str) -> bool {
        let news = self.trouble != trouble;
        trouble.clone_into(&mut self.trouble);
        news
    }

    /// The names of the entries that are not as they should be.
    fn amiss(&self, live: &Snapshot) -> Vec<String> {
        let Ok(wanted) = self.request.provisional() else {
            return vec!["an emulator's file".to_owned()];
        };
        let rules = register::rules(self.args.replace);
        let mut names = Vec::new();
        for (registration, arch) in wanted.into_iter().zip(self.request.arches()) {
            // By the name that it had; a temporary one is another run's, in the midst of a change.
            let mut seen = self.seen.iter().flat_map(|seen| &seen.entries);
            let had = seen.find(|e| own::is_for(e, arch) && own::names(arch).contains(&e.name));
            let name = had.map_or_else(|| registration.name.clone(), |e| e.name.clone());
            let kept = plan(live, vec![registration], &rules, KernelVersion::running())
                .is_ok_and(|changes| changes.iter().all(|c| c.action == Action::Keep));
            if !kept {
                names.push(name);
            }
        }
        names
    }

    fn remember(&mut self, touches: Vec<Touch>) {
        let now = Instant::now();
        self.writers
            .retain(|(at, _)| now.duration_since(*at) < MEMORY);
        self.writers
            .extend(touches.into_iter().map(|touch| (now, touch)));
    }

    /// Says what happened, and who it was.
    fn accuse(&mut self, live: &Snapshot, missing: &[String]) {
        let what = account::of_entries(self.seen.as_ref(), live, missing);
        let who = self.told_culprits();
        self.output.note(format!("{what}: {who}"));
    }

    /// Who it was, in a line; who wrote so far is forgotten with that.
    fn told_culprits(&mut self) -> String {
        let who = self.culprits();
        self.writers.clear();
        if who.is_empty() {
            "nobody was seen doing it".to_owned()
        } else {
            shown(&who.join("; "))
        }
    }

    /// Who was seen writing; else a guess.
    fn culprits(&self) -> Vec<String> {
        let seen = || self.writers.iter().filter_map(|(_, t)| t.who.as_ref());
        let mut writers: Vec<&Who> = Vec::new();
        for touch in self.writers.iter().map(|(_, t)| t).filter(|t| t.wrote) {
            let Some(who) = &touch.who else { continue };
            if writers.iter().all(|w| w.pid != who.pid) {
                // It may have been gone when it wrote, but not yet when it opened.
                let best = seen().find(|w| w.pid == who.pid && !w.command.is_empty());
                writers.push(best.unwrap_or(who));
            }
        }
        if writers.is_empty() {
            account::suspects(MEMORY)
        } else {
            writers.into_iter().map(Who::to_string).collect()
        }
    }

    fn ready(&self, ready: bool) -> Result<()> {
        let Some(path) = &self.args.ready_file else {
            return Ok(());
        };
        if ready {
            ready::write(path)
        } else {
            ready::remove(path)
        }
    }

    fn unregister(&self) -> Result<()> {
        let table = own::lock(self.table, self.output)?;
        let live = table.snapshot()?;
        let ours = |e: &&Entry| self.request.arches().iter().any(|a| own::is_for(e, a));
        for entry in live.entries.iter().filter(ours) {
            table.remove(&entry.name)?;
            self.output.note(format!("Removed {}", shown(&entry.name)));
        }
        Ok(())
    }
}
