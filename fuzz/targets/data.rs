//! Any text to the reader of programs without a compiler: data or a condition. Data is printed, and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_natives::NATIVES;

fuzz_target!(|text: &str| {
    let host = Host::new(Output::memory(), &NATIVES);
    let read = NATIVES.get(NATIVES.find("%read-data").unwrap()).call;
    if let Ok(data) = read(&host, &[host.heap.string(text)]) {
        let printed: String = host.heap.list_iter(data).map(|datum| print::readable(&host, datum) + "\n").collect();
        if printed.len() < 1 << 20 {
            let again = read(&host, &[host.heap.string(&printed)]);
            assert!(again.is_ok(), "{printed}");
        }
    }
});
