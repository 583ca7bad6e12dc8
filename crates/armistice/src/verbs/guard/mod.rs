//! `guard`: keep the registrations in place for as long as it runs.
//!
//! The kernel tells the guard of every write to the table (fanotify, where the caller may listen),
//! and the guard looks at the table at intervals besides. It puts back and proves again what another
//! program removed or changed, and says who that was as far as it was seen.
//!
//! Without names it keeps what Armistice has registered or persisted here, as that
//! was registered; where there is nothing, what `register` would take.
//!
//! The main switch (`status` set to 0) is left as it is. The switch is for the handlers
//! of everybody, and no program that rewrites the table changes it by the way, so it
//! is somebody's will. The guard says who it was, is not ready, and waits until
//! the switch is on again.
//!
//! Where another program wants something else of an entry, a fight would never end:
//! `brake` gives way. Such an entry is not in place meanwhile. Both show that: there is no
//! ready file, and a guard that is ended then exits with 1.
//!
//! The ready file exists while everything is registered and proven, and only then.

mod account;
mod brake;
mod joined;
mod kept;
mod lives;
mod ready;
mod stop;

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use armistice_arch::Arch;
use armistice_binfmt::watch::{Touch, Watch, Who};
use armistice_binfmt::{
    self as binfmt, Action, Entry, KernelVersion, Registration, STANDARD_PATH, Snapshot, Table,
    replay,
};

use crate::cli::{Guard, Names};
use crate::outcome::{self, Outcome, in_full};
use crate::output::{Output, shown};
use crate::own;
use crate::registration::apply::{Overtaken, apply};
use crate::registration::report::Report;
use crate::registration::request::{self, Request};
use crate::registration::{live, plan};
use crate::rootless;
use crate::rootless::choice::{self, Purpose};
use brake::{Brake, Leave};
use joined::Held;
use stop::StopSignal;

/// How long a writer is remembered as the likely cause of a change.
const MEMORY: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &Guard, output: Output) -> Result<Outcome> {
    match choice::choose(args.about.whose, Purpose::Change, output)? {
        // In a namespace that this process is in already, as anywhere.
        Some(keeper) if keeper.joined => {
            rootless::enter(&keeper)?;
            here(&args.names, args, None, output)
        }
        Some(keeper) => lives::run(args, keeper, output),
        None => here(&args.names, args, None, output),
    }
}

/// Guards in the namespace that this process is in. Where a rootless engine's has just been joined,
/// `outside` are the architectures that run outside of it, for who reads where the registration holds.
///
/// # Errors
/// Where it can't begin, or a system call fails.
pub(crate) fn here(
    names: &Names,
    args: &Guard,
    outside: Option<&[&'static Arch]>,
    output: Output,
) -> Result<Outcome> {
    let stop = StopSignal::new()?;
    if let Some(path) = &args.ready_file {
        // A guard that was killed may have left it; and one that can't be written shows here, not
        // after everything is registered.
        ready::remove(path)?;
        ready::check_folder(path)?;
    }
    let request = request(names, args, output)?;
    let table = match rootless::joined() {
        None => live::open(output)?,
        Some(joined) => match joined::open(joined, &request, args, &stop, output)? {
            Held::Own(table) => {
                if let Some(outside) = outside {
                    rootless::outside::tell(joined, &request, outside, output);
                }
                table
            }
            Held::None { ran } => return Ok(ended(ran, output)),
        },
    };
    let mut guard = Guarding {
        table: &table,
        request: &request,
        args,
        output,
        writers: VecDeque::new(),
        trouble: String::new(),
        seen: None,
        wards: request.arches().iter().map(|_| Ward::new(args)).collect(),
    };
    let watch = guard.listen();
    let kept = guard.keep(watch.as_ref(), &stop);
    // Whatever fails at the end, the rest of it is done.
    let not_ready = guard.ready(false);
    let unregistered = if args.unregister_on_exit {
        guard.unregister()
    } else {
        Ok(())
    };
    let ends = [
        kept.map(Some),
        not_ready.map(|()| None),
        unregistered.map(|()| None),
    ];
    let mut outcome = Outcome::Done;
    for end in ends {
        match end {
            Ok(Some(in_place)) => outcome = ended(in_place, output),
            Ok(None) => {}
            Err(error) => outcome = outcome::failed(&error, output),
        }
    }
    Ok(outcome)
}

/// How a guard ends that was told to.
fn ended(in_place: bool, output: Output) -> Outcome {
    if in_place {
        return Outcome::Done;
    }
    output.error("told to end while not all of it was in place");
    Outcome::NotWorking
}

/// The loop's state.
struct Guarding<'a> {
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
    /// One for each architecture of the request.
    wards: Vec<Ward>,
}

/// What is known of one entry that is kept in place.
struct Ward {
    /// It is in place, and proven.
    in_place: bool,
    /// It was in place once.
    known: bool,
    brake: Brake,
}

impl Ward {
    fn new(args: &Guard) -> Ward {
        Ward {
            in_place: false,
            known: false,
            brake: Brake::new(Duration::from_secs(args.interval)),
        }
    }
}

/// What is to be kept in place.
fn request(named: &Names, args: &Guard, output: Output) -> Result<Request> {
    let live = live::look()?.or_nothing();
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

impl Guarding<'_> {
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

    /// Until told to end; whether all was in place then.
    fn keep(&mut self, watch: Option<&Watch>, stop: &StopSignal) -> Result<bool> {
        self.round(true)?;
        while !self.wait(watch, stop)? {
            self.round(false)?;
        }
        self.output.note("Told to end.");
        Ok(self.all_in_place())
    }

    /// Until somebody else writes, the interval has passed, or a contested entry may be
    /// put in place again; whether to stop.
    /// Our own reading makes events too: these alone are no reason to look again.
    fn wait(&mut self, watch: Option<&Watch>, stop: &StopSignal) -> Result<bool> {
        let looks = Instant::now() + Duration::from_secs(self.args.interval);
        let tries = self.wards.iter().filter_map(|ward| ward.brake.until());
        let deadline = tries.fold(looks, Instant::min);
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

    /// Looks once, and mends what is amiss and may be mended.
    fn round(&mut self, first: bool) -> Result<()> {
        let mut live = self.table.snapshot()?;
        if !live.enabled && !first {
            return self.switched_off();
        }
        let mut amiss = self.amiss(&live);
        // Another run of this command may be in the midst of a change: as it is after that.
        if !self.lost(&amiss).is_empty()
            && let Ok(_locked) = own::lock(self.table, self.output)
        {
            live = self.table.snapshot()?;
            amiss = self.amiss(&live);
        }
        let lost = self.lost(&amiss);
        if !lost.is_empty() {
            self.ready(false)?;
            self.accuse(&live, &lost);
        }
        for (ward, amiss) in self.wards.iter_mut().zip(&amiss) {
            ward.in_place &= amiss.is_none();
        }
        let due = self.due(&live, &amiss);
        if due.is_empty() {
            if self.all_in_place() {
                self.seen = Some(live);
            }
            return Ok(());
        }
        self.mend(&due, &amiss, first)
    }

    /// The names of the entries that were in place and are not any more.
    fn lost(&self, amiss: &[Option<String>]) -> Vec<String> {
        let wards = self.wards.iter().zip(amiss);
        wards
            .filter(|(ward, _)| ward.in_place)
            .filter_map(|(_, amiss)| amiss.clone())
            .collect()
    }

    /// Which of the entries are to be put in place or proven now: those that are not
    /// in place, but for the contested, which are left alone for a while.
    fn due(&mut self, live: &Snapshot, amiss: &[Option<String>]) -> Vec<usize> {
        let now = Instant::now();
        let mut due = Vec::new();
        for (at, (ward, amiss)) in self.wards.iter_mut().zip(amiss).enumerate() {
            let Some(name) = amiss else {
                if !ward.in_place {
                    due.push(at);
                }
                continue;
            };
            let arch = self.request.arches()[at];
            let absent = replay::winner(live, &arch.sample_header(2, 0), "").is_none();
            match ward.brake.ask(now, absent) {
                Leave::Granted => due.push(at),
                Leave::Waiting(_) => {}
                Leave::Braked {
                    wait,
                    changes,
                    within,
                } => self.output.error(format!(
                    "{} was changed by somebody else {changes} times within {} s, each time soon after it had been put \
                     in place: another program wants something else of it. It is left as it is for {} s, and for longer \
                     after each further try; it is not ready meanwhile. There now: {}.{} End one of the two, or let both \
                     want the same emulator and flags",
                    shown(name),
                    within.as_secs() + 1,
                    wait.as_secs(),
                    account::standing(live, arch),
                    match &account::other_guards()[..] {
                        [] => String::new(),
                        others => format!(" Other guards here: {}.", shown(&others.join("; "))),
                    }
                )),
            }
        }
        due
    }

    /// Puts some of the entries in place, and proves them.
    fn mend(&mut self, due: &[usize], amiss: &[Option<String>], first: bool) -> Result<()> {
        let names: Vec<&str> = due.iter().filter_map(|at| amiss[*at].as_deref()).collect();
        let result = self.request.part(due).and_then(|part| self.put_back(&part));
        let now = Instant::now();
        let changed = match &result {
            Ok(report) => report.all_proven(),
            Err(error) => error.is::<Overtaken>(),
        };
        for at in due.iter().filter(|at| changed && amiss[**at].is_some()) {
            self.wards[*at].brake.set(now);
        }
        match result {
            Ok(report) if report.all_proven() => {
                self.trouble.clear();
                let known = due.iter().all(|at| self.wards[*at].known);
                if known && !names.is_empty() {
                    self.output
                        .note(format!("Put back and verified: {}", names.join(", ")));
                } else {
                    report.print(self.output);
                }
                for at in due {
                    self.wards[*at].in_place = true;
                    self.wards[*at].known = true;
                }
                if self.all_in_place() {
                    self.ready(true)?;
                    self.seen = self.table.snapshot().ok();
                }
                Ok(())
            }
            Ok(report) => {
                if self.is_news("not proven") {
                    report.print(self.output);
                }
                Ok(())
            }
            // At the start it is the user's to mend; later it may mend itself.
            Err(error) if first => Err(error),
            Err(error) => {
                let text = in_full(&error);
                if self.is_news(&text) {
                    self.output.error(text);
                }
                Ok(())
            }
        }
    }

    fn put_back(&self, part: &Request) -> Result<Report> {
        let table = own::lock(self.table, self.output)?;
        let rules = plan::rules(self.args.replace);
        apply(&table, part, &rules, self.output)
    }

    fn all_in_place(&self) -> bool {
        self.wards.iter().all(|ward| ward.in_place)
    }

    /// The main switch is off: that is said once, and left so.
    fn switched_off(&mut self) -> Result<()> {
        self.ready(false)?;
        // All are proven again once it is on.
        self.wards.iter_mut().for_each(|ward| ward.in_place = false);
        if self.is_news("switched off") {
            let who = self.told_culprits();
            let at = self.table.path().unwrap_or(Path::new(STANDARD_PATH));
            self.output.note(format!(
                "Somebody switched binfmt_misc off as a whole (0 in {at}/status): {who}. That is left so, since it is \
                 the switch of everybody's handlers: no foreign program runs until somebody writes 1 there.",
                at = at.display()
            ));
        }
        Ok(())
    }

    /// Whether this trouble is another than the last: what lasts is said once.
    fn is_news(&mut self, trouble: &str) -> bool {
        let news = self.trouble != trouble;
        trouble.clone_into(&mut self.trouble);
        news
    }

    /// For each architecture: the name of its entry, if that is not as it should be.
    fn amiss(&self, live: &Snapshot) -> Vec<Option<String>> {
        let Ok(wanted) = self.request.provisional() else {
            return vec![Some("an emulator's file".to_owned()); self.wards.len()];
        };
        let rules = plan::rules(self.args.replace);
        let pairs = wanted.into_iter().zip(self.request.arches());
        let name = |(registration, arch): (Registration, &&'static Arch)| {
            // By the name that it had; a temporary one is another run's, in the midst of a change.
            let mut seen = self.seen.iter().flat_map(|seen| &seen.entries);
            let had = seen.find(|e| own::is_for(e, arch) && own::names(arch).contains(&e.name));
            let name = had.map_or_else(|| registration.name.clone(), |e| e.name.clone());
            let kept = binfmt::plan(live, vec![registration], &rules, KernelVersion::running())
                .is_ok_and(|changes| changes.iter().all(|c| c.action == Action::Keep));
            (!kept).then_some(name)
        };
        pairs.map(name).collect()
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
