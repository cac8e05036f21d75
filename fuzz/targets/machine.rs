//! Any bytes as a `.semac` file whose checksum is then set right: what the verifier accepts, the
//! machine runs without a crash. The seeds count their steps, so programs that do not end are ended by the
//! machine's own limit of time. What goes on longer than the fuzzer allows is a loop whose counting was mutated away, or
//! a builtin that takes too long: the input says which.
//!
//! Only modules without natives that reach outside are run.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sema_format::container::layout::content_hash;
use sema_format::{AlignedBytes, ModuleView};
use sema_machine::host::Host;
use sema_machine::host::native::Capability;
use sema_machine::host::output::Output;
use sema_natives::NATIVES;
use sema_machine::vm::{FoundModule, Limits, LoadError, ModuleImage, ModuleSource, Vm};

const STACK_BYTES: usize = 4 << 20;
const HEAP_BYTES: usize = 512 << 20;
/// A fraction of what the fuzzer allows.
const TIME: Duration = Duration::from_secs(1);
/// What needs no capability, and yet ends the process, waits, or is about its streams and its terminal.
const REACHING_OUT: &[&str] = &[
    "file/", "sys/", "stream/", "path/", "exit", "env", "shell", "sleep", "io/", "term/", "%on-signal",
    "%event-select",
];

fn reaches_out(name: &str) -> bool {
    let needs = NATIVES.find(name).map(|number| NATIVES.get(number).capabilities);
    needs.is_some_and(|needs| needs.iter().any(|need| *need != Capability::None))
        || REACHING_OUT.iter().any(|prefix| name.starts_with(prefix))
}

struct Nothing;

impl ModuleSource for Nothing {
    fn module(&self, _: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
        Ok(None)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut sealed = bytes.to_vec();
    if sealed.len() < 32 {
        return;
    }
    let hash = content_hash(&sealed);
    sealed[16..24].copy_from_slice(&hash.to_le_bytes());
    let copy = AlignedBytes::copy_of(&sealed);
    let natives = ModuleView::parse(copy.as_bytes()).and_then(|view| view.to_module());
    match natives {
        Ok(module)
            if !module.natives.iter().any(|name| reaches_out(name)) => {}
        _ => return,
    }
    let Ok(image) = ModuleImage::from_bytes("fuzz.sema", &sealed) else {
        return;
    };
    let mut vm = Vm::new(Host::new(Output::memory(), &NATIVES), Box::new(Nothing));
    vm.set_limits(Limits {
        stack: Some(STACK_BYTES),
        heap: Some(HEAP_BYTES),
    });
    vm.set_time_limit(Some(TIME));
    if let Ok(module) = vm.load("fuzz.sema", image) {
        let _ = vm.run_main(module);
    }
});
