//! Names that peers choose.

use sema_machine::host::Host;
use sema_machine::memory::value::Value;

/// Names of a machine from which on peers add no further ones.
const MOST_NAMES: usize = 20_000;

/// The keyword of a name that a peer has chosen. Keywords are never forgotten, so a peer could use up the memory: once there are
/// very many names, those that no program mentions stay strings.
pub fn keyword(host: &Host, name: &str) -> Value {
    match host.symbols.find(name) {
        Some(known) => Value::keyword(known),
        None if host.symbols.len() < MOST_NAMES => host.keyword(name),
        None => host.heap.string(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;
    use sema_machine::memory::value::Kind;

    #[test]
    fn peers_do_not_use_names_up() {
        let bench = Bench::new();
        let host = &bench.host;
        for number in 0..2 * MOST_NAMES {
            keyword(host, &format!("name-{number}"));
        }
        assert!(host.symbols.len() <= MOST_NAMES);
        assert_eq!(keyword(host, "another").kind(), Kind::String);
        let known = host.keyword("known");
        assert_eq!(keyword(host, "known"), known);
    }
}
