//! The environment variables as the program sees them: the process's own, with the changes the
//! program made laid over them. The process's environment itself is never changed: other threads
//! may read it.

use crate::table::Table;
use sema_machine::host::Host;

/// The changes a program made, an extension of the host.
#[derive(Default)]
struct Changes(Table<String, String>);

/// The value of a variable.
pub fn lookup(host: &Host, name: &str) -> Option<String> {
    let changed = host.with_extension(|changes: &mut Changes| changes.0.get(name).cloned());
    if changed.is_some() {
        return changed;
    }
    // Names that no variable can have are unset, not errors.
    if name.is_empty() || name.contains(['=', '\0']) {
        return None;
    }
    std::env::var(name).ok()
}

/// Sets a variable for this program and the processes it starts.
pub fn set(host: &Host, name: &str, value: &str) {
    host.with_extension(|changes: &mut Changes| {
        changes.0.insert(name.to_owned(), value.to_owned())
    });
}

/// What the program set, for the environment of processes it starts.
pub fn changes(host: &Host) -> Vec<(String, String)> {
    host.with_extension(|changes: &mut Changes| {
        changes
            .0
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    })
}

/// All variables whose names and values are valid UTF-8.
pub(crate) fn all(host: &Host) -> Table<String, String> {
    let own = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    own.chain(changes(host)).collect()
}
