//! Any text: the reader gives data or errors with positions inside of the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use semac_core::front::datum::new_interner;
use semac_core::front::reader::read_all;
use semac_core::front::source::SourceMap;

fuzz_target!(|text: &str| {
    let file = SourceMap::new().add("fuzz.sema", text.to_owned());
    if let Err(errors) = read_all(&mut new_interner(), file, text) {
        assert!(!errors.is_empty());
        for error in errors {
            assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len());
        }
    }
});
