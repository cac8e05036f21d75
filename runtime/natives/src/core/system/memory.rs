//! Figures about the heap, and collecting it.

use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::task::Operation;

fn gc_stats(host: &Host, _: &[Value]) -> Outcome {
    let stats = host.heap.stats();
    let entry = |name: &str, number: u64| (host.keyword(name), host.heap.int(number as i64));
    Ok(sema_machine::data::collections::sorted_map::from_entries(
        host,
        &[
            entry("minor-collections", stats.minor_collections),
            entry("major-collections", stats.major_collections),
            entry("old-bytes", stats.old_bytes as u64),
            entry("young-bytes", stats.young_bytes as u64),
            entry("longest-pause-ns", stats.longest_pause),
            entry("total-pause-ns", stats.total_pause),
        ],
    ))
}

/// The collection itself happens at the safepoint after this call.
fn gc_collect(host: &Host, _: &[Value]) -> Outcome {
    host.suspend(Operation::Collect)
}

fn interner_stats(host: &Host, _: &[Value]) -> Outcome {
    let count = Value::index(host.symbols.len());
    Ok(sema_machine::data::collections::sorted_map::from_entries(
        host,
        &[(host.keyword("count"), count)],
    ))
}

natives! {
    /// Figures about the heap: numbers of collections so far, bytes in use, pauses in nanoseconds.
    /// (>= (:minor-collections (gc/stats)) 0) => #t
    "gc/stats" () -> Map => gc_stats;

    /// Collects all garbage now, and gives figures about it, among them the bytes that it freed.
    /// (>= (:freed-bytes (gc/collect)) 0) => #t
    "gc/collect" () -> Map => gc_collect;

    /// How many names of symbols and keywords there are, as `:count`.
    /// (> (:count (sys/interner-stats)) 0) => #t
    "sys/interner-stats" () -> Map => interner_stats;
}
