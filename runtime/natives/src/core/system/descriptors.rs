//! The files that streams have open.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::core::system::device::{self, FileIdentity, Shared, lock};
use sema_machine::platform::files::most_descriptors;

/// The files that streams have open, an extension of the host.
///
/// Streams that nobody holds keep their descriptors until they are collected. So a collection is asked for whenever half
/// of the descriptors that were free after the last one are in use: there are always some left.
#[derive(Default)]
pub(super) struct Open {
    reading: Vec<Weak<Mutex<device::Source>>>,
    /// Descriptors of streams, those of garbage included.
    count: Arc<AtomicUsize>,
    /// At how many a collection is asked for; 0: nobody has asked how many there are.
    most: usize,
}

/// Descriptors that are left for other purposes, at most; if there are few in all, a quarter of them.
const SPARE_DESCRIPTORS: u64 = 32;
/// As many streams may be open without a collection in any case, if there are so many descriptors.
const FEW: usize = 64;

impl Open {
    pub(super) fn add(&mut self, source: &Shared<device::Source>) {
        if self.reading.len() == self.reading.capacity() {
            self.reading.retain(|source| source.strong_count() > 0);
        }
        self.reading.push(Arc::downgrade(source));
    }

    pub(super) fn is_read(&self, file: FileIdentity) -> bool {
        (self.reading.iter().filter_map(Weak::upgrade))
            .any(|source| lock(&source).identity() == Some(file))
    }

    /// One more descriptor is in use; whether garbage should be collected before the next one is.
    pub(super) fn begin(&mut self) -> (InUse, bool) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let in_use = InUse(self.count.clone());
        if count < self.most {
            return (in_use, false);
        }
        let limit = most_descriptors().map_or(usize::MAX, |limit| {
            let spare = SPARE_DESCRIPTORS.min(limit / 4);
            usize::try_from(limit - spare).unwrap_or(usize::MAX)
        });
        let is_first = self.most == 0;
        self.most = (count + limit.saturating_sub(count) / 2).max(FEW.min(limit / 2));
        (in_use, !is_first)
    }
}

/// A descriptor of a stream, as long as it is open.
pub(super) struct InUse(Arc<AtomicUsize>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
