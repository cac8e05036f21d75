//! The program of an archive, run once more on another thread.

use std::sync::Arc;

use sema_vfs::Archive;

use super::{Prepare, Trust, complain, machine, report};
use crate::host::Host;
use crate::host::natives::Natives;
use crate::host::program::{Common, Ended, Program};
use crate::vm::Ending;

/// All that a machine of the program is made of. The bytes of the archive are mapped once.
pub(super) struct Again {
    pub(super) archive: Archive,
    pub(super) trust: Trust,
    pub(super) arguments: Vec<String>,
    pub(super) natives: &'static Natives,
    pub(super) prepare: Prepare,
    pub(super) common: Common,
}

impl Program for Again {
    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self: Arc<Self>, prepare: &mut dyn FnMut(&Host)) -> Ended {
        let archive = self.archive.clone();
        let made = machine(
            archive.clone(),
            self.trust,
            self.arguments.clone(),
            self.natives,
            self.prepare,
        );
        let (mut vm, module) = match made {
            Ok(made) => made,
            Err(error) => {
                complain(&format!("Error: {error}\n"));
                return Ended::Failed;
            }
        };
        vm.host.program = Some(self);
        prepare(&vm.host);
        let ended = match vm.run_main(module) {
            Ending::Value(_) => Ended::Done,
            Ending::Exit(status) => Ended::Exit(status),
            Ending::Uncaught(condition) => {
                report(&vm, &archive, &condition);
                Ended::Failed
            }
        };
        vm.host.output.flush();
        vm.host.end();
        ended
    }
}
