//! Any text as JSON, CSV, TOML, HTML, Markdown, a patch, a pattern or a selector: a value or a condition. What JSON, CSV and TOML
//! give is written again and read back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::memory::value::Value;
use sema_natives::NATIVES;

fn call(host: &Host, name: &str, arguments: &[Value]) -> Option<Value> {
    let native = NATIVES.get(NATIVES.find(name)?);
    (native.call)(host, arguments).ok()
}

fuzz_target!(|text: &str| {
    let host = Host::new(Output::memory(), &NATIVES);
    let value = host.heap.string(text);
    for (decode, encode) in [
        ("json/decode", "json/encode"),
        ("csv/parse", "csv/encode"),
        ("toml/decode", "toml/encode"),
    ] {
        let Some(decoded) = call(&host, decode, &[value]) else {
            continue;
        };
        // Infinite floats and large integers have no text in every format, and NaN equals nothing.
        let Some(written) = call(&host, encode, &[decoded]) else {
            continue;
        };
        let again = call(&host, decode, &[written]);
        let same = again.and_then(|again| call(&host, "equal?", &[decoded, again]));
        let shown = host.heap.as_str(written).unwrap_or_default();
        assert!(same == Some(Value::TRUE) || shown.contains("nan"), "{decode}: {shown}");
    }
    let paragraph = host.heap.string("some <b>text</b>, a=1\n--- a\n");
    for (name, arguments) in [
        ("html/parse", &[value][..]),
        ("html/text", &[value]),
        ("html/select", &[paragraph, value]),
        ("markdown/to-html", &[value]),
        ("markdown/headings", &[value]),
        ("diff/parse", &[value]),
        ("diff/apply", &[paragraph, value]),
        ("regex/match", &[value, paragraph]),
        ("text/chunk", &[value]),
        ("text/strip-html", &[value]),
    ] {
        call(&host, name, arguments);
    }
});
