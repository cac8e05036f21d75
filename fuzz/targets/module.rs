//! Any bytes as a `.semac` file: refused, or accepted and then readable to the last entry.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sema_format::{AlignedBytes, ModuleView, disasm, verify};

fuzz_target!(|bytes: &[u8]| {
    let copy = AlignedBytes::copy_of(bytes);
    let Ok(view) = ModuleView::parse(copy.as_bytes()) else {
        return;
    };
    let _ = view.check_content();
    let _ = view.to_module();
    let _ = disasm::module(&view);
    if verify(&view).is_ok() {
        for index in 0..view.function_count() {
            let entry = view.function(index).expect("verified");
            view.function_code(&entry).expect("verified");
        }
        for index in 0..view.constant_count() {
            view.constant(index).expect("verified");
        }
    }
});
