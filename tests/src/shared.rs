//! One engine for all tests that run at the same time: made for the first of
//! them, dropped (and with it stopped) after the last. A plain `static` would
//! never be dropped.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A slot for the one instance.
#[derive(Debug)]
pub struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    /// An empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Shared(Mutex::new(Weak::new()))
    }

    /// The instance, made where there is none.
    pub fn get(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.upgrade().unwrap_or_else(|| {
            let made = Arc::new(make());
            *slot = Arc::downgrade(&made);
            made
        })
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}
