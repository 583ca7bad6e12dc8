//! When to give way: two programs that want different things of one entry would
//! put it right after each other for ever.
//!
//! An entry that was changed by somebody else [`LIMIT`] times, each time soon after
//! it had been put in place, is contested. It is then left alone for a while, and
//! for twice as long after each further try, up to an hour where somebody else's
//! runs the same programs. Where nobody does, putting it back harms nobody, and the
//! waiting stays short. What stays in place for longer than that is contested no more.
//!
//! Time is given from outside; nothing here looks at a clock or a table.

use std::time::{Duration, Instant};

/// How often in a row somebody else may change it.
const LIMIT: u32 = 5;
/// What is changed within this time was changed soon, however often is looked.
const SOON: Duration = Duration::from_secs(30);
/// A look that comes this much later counts still, so that seldom looks see a fight, too.
const LOOKS: u32 = 3;
/// The longest interval between looks that is allowed for so.
const INTERVAL_MAX: Duration = Duration::from_secs(120);
/// The first time of waiting.
const FIRST: Duration = Duration::from_secs(15);
/// The longest, where somebody else's runs the same programs.
const LONGEST: Duration = Duration::from_secs(3600);
/// The longest, where nothing does.
const LONGEST_ABSENT: Duration = Duration::from_secs(60);

/// What may be done about an entry that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It may be put in place.
    Granted,
    /// It is left alone from now on, for this long.
    Braked {
        wait: Duration,
        /// How often somebody else has changed it in a row, and within which time.
        changes: u32,
        within: Duration,
    },
    /// It is still to be left alone, for this long.
    Waiting(Duration),
}

/// One entry's.
#[derive(Debug)]
pub(super) struct Brake {
    soon: Duration,
    /// How often it was put in place since it last stayed there.
    sets: u32,
    first_set: Option<Instant>,
    last_set: Option<Instant>,
    /// How long was waited last.
    wait: Duration,
    until: Option<Instant>,
}

impl Brake {
    /// For one who looks at least this often.
    pub(super) fn new(interval: Duration) -> Brake {
        Brake {
            soon: SOON.max(interval.min(INTERVAL_MAX) * LOOKS),
            sets: 0,
            first_set: None,
            last_set: None,
            wait: Duration::ZERO,
            until: None,
        }
    }

    /// It has been put in place, where it was not as it should be.
    pub(super) fn set(&mut self, now: Instant) {
        self.sets = self.sets.saturating_add(1);
        self.first_set.get_or_insert(now);
        self.last_set = Some(now);
    }

    /// Whether it may be put in place, now that it is not. `absent` says that nothing
    /// else runs its programs.
    pub(super) fn ask(&mut self, now: Instant, absent: bool) -> Leave {
        if let Some(until) = self.until {
            if now < until {
                return Leave::Waiting(until.saturating_duration_since(now));
            }
            self.until = None;
            // One try; if that does not last, it is left alone for longer. Where it was well
            // in between, it is contested no more.
            if now.saturating_duration_since(until) > self.soon.max(self.wait) {
                self.forget();
            }
            return Leave::Granted;
        }
        let since = self
            .last_set
            .map(|last| now.saturating_duration_since(last));
        if since.is_none_or(|since| since > self.soon.max(self.wait)) {
            self.forget();
            return Leave::Granted;
        }
        if self.sets < LIMIT {
            return Leave::Granted;
        }
        let longest = if absent { LONGEST_ABSENT } else { LONGEST };
        self.wait = (self.wait * 2).clamp(FIRST, longest);
        self.until = Some(now + self.wait);
        let first = self.first_set.unwrap_or(now);
        Leave::Braked {
            wait: self.wait,
            changes: self.sets,
            within: now.saturating_duration_since(first),
        }
    }

    fn forget(&mut self) {
        self.sets = 0;
        self.first_set = None;
        self.wait = Duration::ZERO;
    }

    /// When it may be put in place again.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Changed by somebody else this long after each time it was put in place: when
    /// it was put in place, and how often it was braked, in so much time.
    fn fight(after: Duration, time: Duration, interval: Duration, absent: bool) -> (u32, u32) {
        let start = Instant::now();
        let mut brake = Brake::new(interval);
        brake.set(start);
        let (mut now, mut sets, mut braked) = (start + after, 0, 0);
        while now < start + time {
            match brake.ask(now, absent) {
                Leave::Granted => {
                    brake.set(now);
                    sets += 1;
                    now += after;
                }
                Leave::Braked { wait, changes, .. } => {
                    assert!(changes >= LIMIT);
                    braked += 1;
                    now += wait;
                }
                Leave::Waiting(left) => now += left,
            }
        }
        (sets, braked)
    }

    #[test]
    fn a_fight_ends_in_a_few_tries_however_fast_it_is() {
        let day = SECOND * 86_400;
        for after in [Duration::ZERO, SECOND / 1000, SECOND, 20 * SECOND] {
            // Nothing moves the clock of a test where it takes no time at all.
            let after = after.max(Duration::from_micros(1));
            let (sets, braked) = fight(after, day, 5 * SECOND, false);
            assert!(sets < 40 && braked > 5, "{after:?}: {sets} {braked}");
        }
        // Seen only at the looks, by both.
        let (sets, _) = fight(120 * SECOND, day, 60 * SECOND, false);
        assert!(sets < 60, "{sets}");
    }

    #[test]
    fn what_stands_alone_is_put_back_at_least_every_minute() {
        let (sets, _) = fight(SECOND, SECOND * 3600, 5 * SECOND, true);
        assert!((50..100).contains(&sets), "{sets}");
    }

    /// A package's trigger, a unit that is restarted, a timer.
    #[test]
    fn changes_now_and_then_are_put_back_at_once() {
        let hour = SECOND * 3600;
        let (sets, braked) = fight(SECOND * 31, hour, 5 * SECOND, false);
        assert_eq!((sets, braked), (116, 0));
        let mut brake = Brake::new(SECOND);
        let start = Instant::now();
        brake.set(start);
        for _ in 1..LIMIT {
            assert_eq!(brake.ask(start, false), Leave::Granted);
            brake.set(start);
        }
        assert!(matches!(brake.ask(start, false), Leave::Braked { .. }));
    }

    /// The waiting grows, and is forgotten once the entry has stayed.
    #[test]
    fn the_waiting_doubles_and_is_forgotten() {
        let mut brake = Brake::new(SECOND);
        let mut now = Instant::now();
        let mut waits = Vec::new();
        brake.set(now);
        while waits.len() < 12 {
            now += SECOND / 10;
            match brake.ask(now, false) {
                Leave::Granted => brake.set(now),
                Leave::Waiting(left) => now += left,
                Leave::Braked { wait, .. } => {
                    waits.push(wait.as_secs());
                    assert_eq!(brake.until(), Some(now + wait));
                }
            }
        }
        assert_eq!(
            waits,
            [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
        );
        assert!(matches!(brake.ask(now + SECOND, false), Leave::Waiting(_)));
        now += LONGEST;
        assert_eq!(brake.ask(now, false), Leave::Granted);
        brake.set(now);
        now += LONGEST + SECOND;
        for _ in 0..LIMIT {
            assert_eq!(brake.ask(now, false), Leave::Granted);
            brake.set(now);
        }
    }
}
