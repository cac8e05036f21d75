//! A program that was just compiled, on machines of this process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use sema_format::Module;
use sema_machine::host::Host;
use sema_machine::host::native::{Capabilities, Capability};
use sema_machine::host::output::Output;
use sema_machine::host::policy::Policy;
use sema_machine::launch;
use sema_machine::vm::{
    FoundModule, Limits, LoadError, ModuleImage, ModuleSource, Vm, find_plugin,
};
use sema_natives::NATIVES;
use sema_vfs::Overlay;

use super::program::{self, Compiled};
use semac_core::front::source::SourceMap;
use semac_core::live::dynamic::{DynamicCompiler, Setup};

/// A program that can be started, as often as one likes.
pub(super) struct Runnable {
    modules: Arc<HashMap<String, Module>>,
    capabilities: Vec<Capability>,
    policy: Policy,
    /// The files that it finds in itself.
    files: Overlay,
    /// The capabilities of the program, as an archive would hold them.
    granted: String,
    entry: String,
    macros: Option<Module>,
    /// The files of its modules, by key.
    paths: HashMap<String, PathBuf>,
    /// The texts that it was made from.
    pub(super) sources: SourceMap,
}

/// The modules of a program.
struct Memory {
    modules: Arc<HashMap<String, Module>>,
    granted: String,
    files: Overlay,
}

impl ModuleSource for Memory {
    /// Imports of other modules of the program were resolved when it was compiled; what is left are
    /// paths that were computed at run time, which may name compiled modules on disk.
    fn module(&self, path: &str, importer: &str) -> Result<Option<FoundModule>, LoadError> {
        if let Some(module) = self.modules.get(path) {
            return Ok(Some(FoundModule {
                key: path.to_owned(),
                image: ModuleImage::from(module.clone()),
            }));
        }
        let Some(plugin) = find_plugin(&self.files, path, importer)? else {
            return Ok(None);
        };
        launch::admit(&plugin, &NATIVES, Some(&self.granted))?;
        Ok(Some(FoundModule {
            key: plugin.path,
            image: plugin.image,
        }))
    }
}

impl Runnable {
    /// The program, left with these capabilities, within these rules, and with these files in it.
    pub(super) fn new(
        compiled: Compiled,
        capabilities: Vec<Capability>,
        policy: Policy,
        files: Overlay,
    ) -> Runnable {
        let Compiled {
            program, sources, ..
        } = compiled;
        let granted = launch::capabilities_metadata(&capabilities);
        let modules = program.modules.into_iter();
        let modules = modules
            .map(|module| (module.name.clone(), module))
            .collect();
        Runnable {
            modules: Arc::new(modules),
            granted: String::from_utf8_lossy(&granted).into_owned(),
            capabilities,
            policy,
            files,
            entry: program.entry,
            macros: program.macros,
            paths: program.paths.into_iter().collect(),
            sources,
        }
    }

    /// A machine with the program loaded, and the number of its first module.
    ///
    /// # Errors
    /// Why it cannot be loaded, with the machine whose output says so.
    pub(super) fn load(
        &self,
        output: Output,
        arguments: Vec<String>,
        limits: Limits,
    ) -> (Vm, Result<usize, String>) {
        let mut host = Host::new(output, &NATIVES);
        host.arguments = arguments;
        host.files = self.files.clone();
        host.heap.stress_from_environment();
        host.restrict(Capabilities::of(&self.capabilities), self.policy.clone());
        let memory = Memory {
            modules: self.modules.clone(),
            granted: self.granted.clone(),
            files: self.files.clone(),
        };
        let mut vm = Vm::new(host, Box::new(memory));
        let main = self.paths.get(&self.entry);
        vm.set_dynamic(Rc::new(DynamicCompiler::new(Setup {
            macros: self.macros.clone().map(ModuleImage::from),
            program_directory: main.and_then(|path| Some(path.parent()?.to_owned())),
            sources: self.paths.clone(),
            package_root: program::package_root(),
            embedded_only: false,
        })));
        vm.set_limits(limits);
        let number = match vm.load_from_source(&self.entry, "") {
            Ok(Some(number)) => Ok(number),
            Ok(None) => Err(format!("the compiler made no module '{}'", self.entry)),
            Err(error) => Err(error.to_string()),
        };
        (vm, number)
    }
}
