//! Many tests, some at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};

/// As many as there are processors.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Does the work for each item, `threads` of them at a time; what comes of it is in
/// the items' order. After an error nothing more is begun.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(usize, &T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let some = || -> Result<Vec<(usize, R)>> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return Ok(done);
            };
            match work(number, item) {
                Ok(result) => done.push((number, result)),
                Err(error) => {
                    next.store(items.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
        threads.into_iter().try_for_each(|thread| {
            let done = thread.join();
            all.extend(done.unwrap_or_else(|_| bail!("a thread panicked"))?);
            anyhow::Ok(())
        })
    })?;
    all.sort_by_key(|&(number, _)| number);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        let items: Vec<usize> = (0..100).rev().collect();
        let squares = each(&items, 3, |number, item| Ok((number, item * item))).unwrap();
        let expected = items.iter().map(|item| item * item).enumerate();
        assert_eq!(squares, expected.collect::<Vec<_>>());
    }

    #[test]
    fn an_error_is_the_last() {
        let begun = AtomicUsize::new(0);
        let error = each(&[1, 2, 3, 4], 1, |_, item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 2 {
                bail!("no {item}");
            }
            Ok(())
        });
        assert_eq!(error.unwrap_err().to_string(), "no 2");
        assert_eq!(begun.into_inner(), 2);
    }
}
