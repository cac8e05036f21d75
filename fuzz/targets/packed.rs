//! Any bytes as gzip data, a ZIP and a tar archive: unpacked below a directory, or a condition.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::memory::value::Value;
use sema_natives::NATIVES;

/// Most bytes that come out.
const LIMIT: i32 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let host = Host::new(Output::memory(), &NATIVES);
    let call = |name: &str, arguments: &[Value]| {
        let _ = (NATIVES.get(NATIVES.find(name).unwrap()).call)(&host, arguments);
    };
    call("gzip/decompress-limited", &[host.heap.bytevector(bytes), Value::small(LIMIT)]);
    let folder = std::env::temp_dir().join(format!("sema-fuzz-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| host.heap.string(folder.join(name).to_str().unwrap());
    std::fs::write(folder.join("archive"), bytes).unwrap();
    let limits = [
        (host.keyword("max-bytes"), Value::small(LIMIT)),
        (host.keyword("max-entries"), Value::small(100)),
    ];
    let limits = sorted_map::from_entries(&host, &limits);
    call("zip/list", &[path("archive")]);
    call("zip/extract", &[path("archive"), path("out"), limits]);
    call("tar/extract", &[path("archive"), path("out"), limits]);
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    for name in names {
        assert!(name == "archive" || name == "out", "{name:?} lies outside");
    }
    let _ = std::fs::remove_dir_all(&folder);
});
