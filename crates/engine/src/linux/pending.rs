//! Signals of [`taken::TAKEN`] that somebody sent and that wait: the engine keeps
//! them, since the host never blocks them for it.
//!
//! As in the kernel there are two places for each: the process's, which all
//! its threads share, and each thread's own. A place holds one signal; the
//! same once more is dropped, as the kernel drops it.
//!
//! Invariants. The places are changed under the lock; the words of bits that
//! speak of them ([`Pending::bits`]) are read without it. Who fills a place
//! writes the bit, then looks at what threads block and whether they observe;
//! a thread that changes either writes that, then looks at the bits. So one of
//! the two sees the other, and a signal waits only while nobody can have it.

use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use super::signals;
use crate::host::lock::{Held, Lock};
use crate::host::signal::{self, SI_TKILL, SignalInfo, bit};
use crate::thread::attention::{Attention, WAITS};
use crate::thread::handlers;
use crate::thread::taken::{self, TAKEN_LIST};

/// `si_code` of a timer.
const SI_TIMER: i32 = -2;

/// A place for each of [`TAKEN_LIST`].
type Places = [Option<SignalInfo>; TAKEN_LIST.len()];

/// The signals that have a place.
fn bits_of(places: &Places) -> u64 {
    places
        .iter()
        .zip(TAKEN_LIST)
        .filter(|(place, _)| place.is_some())
        .fold(0, |bits, (_, signal)| bits | bit(signal))
}

/// A thread of the process, with the signals that are sent to it alone.
#[derive(Debug)]
struct Member {
    attention: &'static Attention,
    own: Places,
}

impl Member {
    fn is(&self, attention: &Attention) -> bool {
        ptr::eq(self.attention, attention)
    }

    fn thread(&self) -> u32 {
        self.attention.thread.load(Ordering::Relaxed)
    }

    /// Whether the signals in the set come to the guest when they come here.
    fn lets_through(&self, set: u64) -> bool {
        self.attention.blocked.load(Ordering::SeqCst) & set == 0
    }

    /// Whether it is in a call that can see signals which it blocks.
    fn observes(&self, set: u64) -> bool {
        self.attention.observes.load(Ordering::SeqCst) & set != 0
    }

    /// Whether it is in a call that takes such a signal.
    fn waits_for(&self, set: u64) -> bool {
        let observes = self.attention.observes.load(Ordering::SeqCst);
        observes & WAITS != 0 && observes & set != 0
    }

    fn publish(&self) {
        let bits = bits_of(&self.own);
        self.attention.kept.store(bits, Ordering::SeqCst);
    }
}

/// What is kept under the lock.
#[derive(Debug)]
pub struct Sets {
    process: Places,
    members: Vec<Member>,
    /// Timers whose signals are for one thread (`SIGEV_THREAD_ID`).
    timers: Vec<u32>,
}

/// What waits in a process.
#[derive(Debug)]
pub struct Pending {
    sets: Lock<Sets>,
    /// The signals that have a place of the process's.
    process: AtomicU64,
}

/// One thread of the process, as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadSignals {
    /// Its number.
    pub thread: u32,
    /// What waits for it alone.
    pub pending: u64,
    /// What it blocks.
    pub blocked: u64,
}

impl Pending {
    /// Nothing, in a process without threads.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sets: Lock::new(Sets {
                process: [None; TAKEN_LIST.len()],
                members: Vec::new(),
                timers: Vec::new(),
            }),
            process: AtomicU64::new(0),
        }
    }

    /// A thread is there. It has claimed its attention.
    pub fn join(&self, attention: &'static Attention) {
        let own = [None; TAKEN_LIST.len()];
        let mut sets = self.sets.hold();
        sets.members.push(Member { attention, own });
    }

    /// A thread ends: what is its own is lost, what is the process's is for
    /// the others.
    pub fn leave(&self, attention: &Attention) {
        let mut sets = self.sets.hold();
        sets.members.retain(|member| !member.is(attention));
        sets.offer(bits_of(&sets.process), attention);
    }

    /// Keeps all as it is over a `fork`.
    #[must_use]
    pub fn hold(&self) -> Held<'_, Sets> {
        self.sets.hold()
    }

    /// In a child of `fork`, whose only thread this is: nothing waits.
    pub fn forked(&self, attention: &'static Attention) {
        let mut sets = self.sets.hold();
        sets.members.retain(|member| member.is(attention));
        sets.timers.clear();
        sets.empty(!0);
        self.publish(&sets);
    }

    fn publish(&self, sets: &Sets) {
        self.process.store(bits_of(&sets.process), Ordering::SeqCst);
    }

    /// What waits for the thread: its own and the process's.
    #[must_use]
    #[inline]
    pub fn bits(&self, attention: &Attention) -> u64 {
        self.process.load(Ordering::SeqCst) | attention.kept.load(Ordering::SeqCst)
    }

    /// What waits for the process.
    #[must_use]
    pub fn of_process(&self) -> u64 {
        self.process.load(Ordering::SeqCst)
    }

    /// What the attention of the thread with that number says.
    pub fn of_thread<T>(&self, thread: u32, read: impl FnOnce(&Attention) -> T) -> Option<T> {
        let sets = self.sets.hold();
        let member = sets.members.iter().find(|member| member.thread() == thread);
        member.map(|member| read(member.attention))
    }

    /// All threads.
    #[must_use]
    pub fn threads(&self) -> Vec<ThreadSignals> {
        let sets = self.sets.hold();
        let members = sets.members.iter();
        members
            .map(|member| ThreadSignals {
                thread: member.thread(),
                pending: bits_of(&member.own),
                blocked: member.attention.blocked.load(Ordering::SeqCst),
            })
            .collect()
    }

    /// A signal that the kernel has given to this thread. Whether it is the
    /// process's its code says; `ignored` is what the process does on it.
    pub fn arrived(&self, attention: &Attention, info: &SignalInfo, ignored: bool) {
        let mut sets = self.sets.hold();
        let thread = match info.code() {
            SI_TKILL => true,
            SI_TIMER => sets.timers.contains(&info.timer()),
            _ => false,
        };
        if thread {
            sets.keep_own(attention, info, ignored);
        } else {
            sets.keep(attention, info, ignored);
            self.publish(&sets);
            sets.offer(bit(info.signal()), attention);
        }
    }

    /// A thread of the process sends a signal to the process.
    pub fn send(&self, by: &Attention, info: &SignalInfo, ignored: bool) {
        let mut sets = self.sets.hold();
        sets.keep(by, info, ignored);
        self.publish(&sets);
        sets.offer(bit(info.signal()), by);
    }

    /// A thread of the process sends a signal to one of them. Returns whether
    /// there is such a thread.
    pub fn send_to(&self, thread: u32, by: &Attention, info: &SignalInfo, ignored: bool) -> bool {
        let mut sets = self.sets.hold();
        let found = sets.members.iter().find(|to| to.thread() == thread);
        let Some(attention) = found.map(|member| member.attention) else {
            return false;
        };
        sets.keep_own(attention, info, ignored);
        let set = bit(info.signal());
        if let Some(to) = sets.members.iter().find(|to| to.is(attention))
            && !to.is(by)
            && attention.kept.load(Ordering::SeqCst) & set != 0
            && (to.lets_through(set) || to.observes(set))
        {
            handlers::ask_to_look(attention, info.signal());
        }
        true
    }

    /// Takes a signal of the set out, for the thread: its own first, of these
    /// the lowest.
    #[must_use]
    pub fn take(&self, attention: &Attention, set: u64) -> Option<SignalInfo> {
        if self.bits(attention) & set == 0 {
            return None;
        }
        let mut sets = self.sets.hold();
        let wanted = |n: &usize| set & bit(TAKEN_LIST[*n]) != 0;
        if let Some(member) = sets.member(attention)
            && let Some(n) = (0..TAKEN_LIST.len())
                .filter(wanted)
                .find(|&n| member.own[n].is_some())
        {
            let info = member.own[n].take();
            member.publish();
            return info;
        }
        let n = (0..TAKEN_LIST.len())
            .filter(wanted)
            .find(|&n| sets.process[n].is_some())?;
        let info = sets.process[n].take();
        self.publish(&sets);
        info
    }

    /// What the thread lets through becomes its own, so that no other takes
    /// it, but for what is ignored, which is dropped. Returns whether there is
    /// any.
    #[must_use]
    pub fn claim(&self, attention: &Attention, ignored: impl FnOnce() -> u64) -> bool {
        let blocked = attention.blocked.load(Ordering::SeqCst);
        if self.bits(attention) & !blocked == 0 {
            return false;
        }
        let ignored = ignored() & !blocked;
        let mut sets = self.sets.hold();
        sets.empty_process(ignored);
        let process = sets.process;
        let Some(member) = sets.member(attention) else {
            return false;
        };
        empty(&mut member.own, ignored);
        let mut claimed = 0;
        for (n, signal) in TAKEN_LIST.into_iter().enumerate() {
            if process[n].is_some() && blocked & bit(signal) == 0 && member.own[n].is_none() {
                member.own[n] = process[n];
                claimed |= bit(signal);
            }
        }
        member.publish();
        sets.empty_process(claimed);
        self.publish(&sets);
        attention.kept.load(Ordering::SeqCst) & !blocked != 0
    }

    /// The thread was to take some of the set, or waited for it. What it blocks by
    /// now it tells others of.
    pub fn offer_again(&self, attention: &Attention, set: u64) {
        let set = set & self.of_process() & attention.blocked.load(Ordering::SeqCst);
        if set != 0 {
            self.sets.hold().offer(set, attention);
        }
    }

    /// The signal is ignored from now on: what waits of it is gone.
    pub fn discard(&self, signal: i32) {
        let mut sets = self.sets.hold();
        sets.empty(bit(signal));
        self.publish(&sets);
    }

    /// A timer was made for one of the signals: for one thread, or not.
    pub fn timer_made(&self, timer: u32, for_thread: bool) {
        let mut sets = self.sets.hold();
        sets.timers.retain(|&other| other != timer);
        if for_thread {
            sets.timers.push(timer);
        }
    }

    /// Gives what waits to the kernel for as long as the call takes, as the
    /// thread's own, so that a signalfd shows it; what the call has not taken
    /// stays here. The call must not wait, since all signals are blocked and
    /// the lock is held. It says beside its result which of them it has not
    /// taken, but others in their place. Returns nothing when none of the set
    /// is there any more, or the thread is wanted before.
    ///
    /// Another process that sends the same signal to this thread meanwhile
    /// finds it pending; the kernel drops it.
    pub fn lend<R>(
        &self,
        attention: &Attention,
        set: u64,
        call: impl FnOnce() -> (R, u64),
    ) -> Option<R> {
        let mut sets = self.sets.hold();
        let mask = signal::set_whole_mask(!0);
        let lent = sets.given(attention);
        // The kernel would drop what is lent. Nobody wakes the thread while the
        // lock is held.
        for signal in TAKEN_LIST {
            while let Some(info) = taken_back(signal) {
                handlers::note(attention, &info);
            }
        }
        let result = if attention.wanted() || bits_of(&lent) & set == 0 {
            None
        } else {
            for info in lent.iter().flatten() {
                signals::put_back(attention, info);
            }
            let (result, not_taken) = call();
            for (n, info) in lent.iter().enumerate() {
                let signal = TAKEN_LIST[n];
                let gone = info.is_some() && taken_back(signal).is_none();
                if gone && not_taken & bit(signal) == 0 {
                    sets.used(attention, n);
                }
            }
            self.publish(&sets);
            Some(result)
        };
        let _ = signal::set_whole_mask(mask);
        result
    }

    /// Gives what waits to the kernel, for the next program. All signals are
    /// blocked; of the three, those stay blocked that wait.
    pub fn hand_over(&self, attention: &Attention) {
        let sets = self.sets.hold();
        let alone = sets.members.len() <= 1;
        let own = sets.own_of(attention);
        own.iter()
            .flatten()
            .for_each(|info| signals::put_back(attention, info));
        for (n, info) in sets.process.iter().enumerate() {
            match info {
                // Another thread would get it meanwhile.
                Some(info) if !alone && own[n].is_none() => signals::put_back(attention, info),
                Some(info) => signals::put_back_for_process(attention, info),
                None => {}
            }
        }
    }

    /// Takes back what was handed over, and keeps what came since. The signals
    /// are still blocked.
    pub fn take_back(&self, attention: &Attention, ignored: impl Fn(i32) -> bool) {
        for (n, signal) in TAKEN_LIST.into_iter().enumerate() {
            while let Some(info) = taken_back(signal) {
                let sets = self.sets.hold();
                let known = [sets.own_of(attention)[n], sets.process[n]];
                drop(sets);
                if !known.contains(&Some(info)) {
                    self.arrived(attention, &info, ignored(signal));
                }
            }
        }
    }
}

impl Default for Pending {
    fn default() -> Self {
        Self::new()
    }
}

impl Sets {
    fn member(&mut self, attention: &Attention) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.is(attention))
    }

    fn own_of(&self, attention: &Attention) -> Places {
        let mut members = self.members.iter();
        members
            .find(|member| member.is(attention))
            .map_or([None; TAKEN_LIST.len()], |member| member.own)
    }

    /// Keeps a signal for one thread.
    fn keep_own(&mut self, attention: &Attention, info: &SignalInfo, ignored: bool) {
        let Some(n) = taken::taken_index(info.signal()) else {
            return;
        };
        let Some(member) = self.member(attention) else {
            return;
        };
        let set = bit(info.signal());
        if ignored && member.lets_through(set) && !member.waits_for(set) {
            return;
        }
        member.own[n].get_or_insert(*info);
        member.publish();
    }

    /// Keeps a signal for the process. Whether one that is ignored is dropped
    /// the first thread's mask decides.
    fn keep(&mut self, by: &Attention, info: &SignalInfo, ignored: bool) {
        let Some(n) = taken::taken_index(info.signal()) else {
            return;
        };
        let set = bit(info.signal());
        if ignored {
            let process = by.process.load(Ordering::Relaxed);
            let mut members = self.members.iter();
            let first = members.find(|member| member.thread() == process);
            if first.is_none_or(|first| first.lets_through(set) && !first.waits_for(set)) {
                return;
            }
        }
        self.process[n].get_or_insert(*info);
    }

    /// Empties the process's places and all threads' own of these signals.
    fn empty(&mut self, set: u64) {
        self.empty_process(set);
        for member in &mut self.members {
            empty(&mut member.own, set);
            member.publish();
        }
    }

    fn empty_process(&mut self, set: u64) {
        empty(&mut self.process, set);
    }

    /// Tells a thread of each of these that may have it, or all that may see
    /// it. The calling thread looks by itself.
    fn offer(&self, set: u64, by: &Attention) {
        for signal in TAKEN_LIST {
            let one = set & bit(signal) & bits_of(&self.process);
            if one == 0 || self.offer_to_one(signal, by) {
                continue;
            }
            let others = self.members.iter().filter(|member| !member.is(by));
            for member in others.filter(|member| member.observes(one)) {
                handlers::ask_to_look(member.attention, signal);
            }
        }
    }

    /// Tells a thread that lets the signal through, if there is one: the first
    /// thread rather than the calling one, that rather than others. Where the
    /// first thread waits for it, no other is to have it.
    fn offer_to_one(&self, signal: i32, by: &Attention) -> bool {
        let set = bit(signal);
        let process = by.process.load(Ordering::Relaxed);
        let takes = |member: &&Member| member.lets_through(set);
        let leads = |member: &&Member| member.thread() == process;
        let mut members = self.members.iter();
        if members.any(|member| leads(&member) && member.waits_for(set)) {
            return false;
        }
        let find = |which: &dyn Fn(&&Member) -> bool| {
            let mut members = self.members.iter().filter(takes);
            members.find(|member| which(member))
        };
        let chosen = find(&leads)
            .or_else(|| find(&|member| member.is(by)))
            .or_else(|| find(&|_| true));
        if let Some(chosen) = chosen
            && !chosen.is(by)
        {
            handlers::ask_to_take(chosen.attention, signal);
        }
        chosen.is_some()
    }

    /// What the kernel is given for this thread: of each signal one.
    fn given(&self, attention: &Attention) -> Places {
        let mut places = self.own_of(attention);
        for (place, info) in places.iter_mut().zip(self.process) {
            *place = place.or(info);
        }
        places
    }

    /// What the kernel was given of a signal is gone.
    fn used(&mut self, attention: &Attention, n: usize) {
        if let Some(member) = self.member(attention)
            && member.own[n].take().is_some()
        {
            member.publish();
        } else {
            self.process[n] = None;
        }
    }
}

fn empty(places: &mut Places, set: u64) {
    for (place, signal) in places.iter_mut().zip(TAKEN_LIST) {
        if set & bit(signal) != 0 {
            *place = None;
        }
    }
}

/// Takes a signal out of the kernel that the calling thread blocks there.
fn taken_back(signal: i32) -> Option<SignalInfo> {
    signals::without_waiting(bit(signal))
}
