//! The same work on many things, several at once, in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many CPUs there are.
pub(crate) fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What `work` makes of each, in their order; on as many threads as may be had
/// of those wanted.
pub(crate) fn map<T: Sync, R: Send>(
    things: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(things.len()));
    let take = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(thing) = things.get(at)
        {
            let result = work(thing);
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((at, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(things.len()) {
            // Where no further thread may be had, this one does it all.
            let _ = std::thread::Builder::new().spawn_scoped(scope, take);
        }
        take();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_in_order_on_any_number_of_threads() {
        let things: Vec<u32> = (0..100).collect();
        for threads in [0, 1, 3, 1000] {
            let done = map(&things, threads, |n| n * 2);
            assert!(done.iter().zip(&things).all(|(d, t)| *d == t * 2));
            assert_eq!(done.len(), things.len());
        }
        assert!(map(&[] as &[u32], 4, |n| *n).is_empty());
    }
}
