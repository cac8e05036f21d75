//! The runtime executable that contains the compiler: runs the program that is appended to it, in
//! which `eval`, `read`, and `load` and `import` of computed paths work.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]

use std::alloc::System;
use std::process::ExitCode;
use std::rc::Rc;

use sema_machine::launch;
use sema_machine::platform::exhausted::OrExit;
use sema_machine::vm::{ModuleImage, Vm};
use sema_vfs::Archive;

use semac_core::live::dynamic::{DynamicCompiler, MACROS, STACK_BYTES, Setup, on_large_stack};

sema_machine::runtime_note!(sema_natives::TIER);
sema_machine::no_unwinding!();

#[global_allocator]
static ALLOCATOR: OrExit<System> = OrExit(System);

fn main() -> ExitCode {
    let run = || {
        launch::run_with(
            std::env::args_os(),
            &sema_natives::NATIVES,
            &NOTE,
            &attach_compiler,
        )
    };
    match on_large_stack(run) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("Error: cannot start the thread of the program: {error}");
            ExitCode::FAILURE
        }
    }
}

fn attach_compiler(vm: &mut Vm, archive: &Archive) {
    let macros = archive.metadata(MACROS).and_then(|entry| {
        // The archive was checked when it was opened: without this entry the program has no macros
        // that code at run time can use, which is what using one says.
        let bytes = entry.bytes().ok()?;
        ModuleImage::from_bytes(MACROS, &bytes).ok()
    });
    vm.host.stack_bytes = STACK_BYTES;
    vm.set_dynamic(Rc::new(DynamicCompiler::new(Setup {
        macros,
        embedded_only: archive.is_vouched(),
        ..Setup::default()
    })));
}
