//! Sorting by names: of keys and columns. One function for all, because each kind of sort is six kilobytes of code.

use std::borrow::Cow;

use sema_machine::memory::value::Value;

/// Sorts places by the names of what stands there.
pub(super) fn sort_places<'n>(places: &mut [usize], name: &dyn Fn(usize) -> &'n str) {
    places.sort_by(|a, b| name(*a).cmp(name(*b)));
}

/// Sorts entries by their names, which is the order of their bytes; the name of two entries, if there is one.
pub(super) fn sort_entries<'n, 'e>(entries: &'e mut [(Cow<'n, str>, Value)]) -> Option<&'e str> {
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.windows(2).find_map(|two| match two {
        [a, b] if a.0 == b.0 => Some(a.0.as_ref()),
        _ => None,
    })
}
