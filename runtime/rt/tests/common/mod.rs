//! Modules and programs made by hand, so that the runtime's tests need no compiler.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sema_format::encode::Assembler;
use sema_format::isa::Instruction;
use sema_format::model::{Arity, Constant, Export, ExportKind, Function, Import};
use sema_format::{Module, WriteOptions, write};
use sema_machine::launch;
use sema_vfs::{ArchiveBuilder, EntryKind, VfsPath};

/// A function of these instructions, all of them on line 3 of the module's first file.
pub fn function(name: &str, registers: u32, instructions: &[Instruction]) -> Function {
    let mut assembler = Assembler::new();
    assembler.position(0, 3, 5);
    for instruction in instructions {
        assembler.emit(*instruction);
    }
    let mut function = Function {
        name: Some(name.to_owned()),
        registers,
        ..Function::default()
    };
    assembler.finish().unwrap().install(&mut function);
    function
}

/// A module whose main function is `main`.
pub fn module(name: &str, main: Function) -> Module {
    Module {
        name: name.to_owned(),
        files: vec![name.replace(".semac", ".sema")],
        functions: vec![main],
        ..Module::default()
    }
}

/// `(NATIVE CONSTANT...)`
pub fn calling(name: &str, native: &str, constants: Vec<Constant>) -> Module {
    let count = constants.len() as u8;
    let mut instructions: Vec<Instruction> = (0..count)
        .map(|index| Instruction::LoadConst {
            a: index,
            bx: index.into(),
        })
        .collect();
    instructions.push(Instruction::CallNative {
        a: 0,
        b: 0,
        c: count,
        x: 0,
    });
    instructions.push(Instruction::Return { a: 0 });
    Module {
        constants,
        natives: vec![native.to_owned()],
        ..module(name, function("main", 8, &instructions))
    }
}

/// `(throw NUMBER)`
pub fn throwing(name: &str, number: i64) -> Module {
    let main = function(
        "main",
        1,
        &[
            Instruction::LoadConst { a: 0, bx: 0 },
            Instruction::Throw { a: 0 },
        ],
    );
    Module {
        constants: vec![Constant::Int(number)],
        ..module(name, main)
    }
}

/// `(module m (export answer) (define answer NUMBER))`
pub fn exporting(name: &str, number: i16) -> Module {
    let main = function(
        "main",
        1,
        &[
            Instruction::LoadInt { a: 0, sbx: number },
            Instruction::DefineGlobal { a: 0, x: 0 },
            Instruction::ModuleDone {},
            Instruction::Return { a: 0 },
        ],
    );
    Module {
        globals: vec!["answer".to_owned()],
        exports: vec![Export {
            name: "answer".to_owned(),
            kind: ExportKind::Value,
            arity: None::<Arity>,
            doc: None,
            line: 1,
            column: 1,
            global: 0,
        }],
        ..module(name, main)
    }
}

/// `(import "PATH") (throw answer)`
pub fn importing(name: &str, path: &str) -> Module {
    let main = function(
        "main",
        8,
        &[
            Instruction::RunModule { a: 0, b: 0, x: 0 },
            Instruction::BindImports { a: 0, x: 0 },
            Instruction::GetGlobal { a: 0, x: 0 },
            Instruction::Throw { a: 0 },
        ],
    );
    Module {
        globals: vec!["answer".to_owned()],
        imports: vec![Import {
            path: path.to_owned(),
            resolved: path.to_owned(),
            names: None,
            bindings: vec![("answer".to_owned(), 0)],
            whole: true,
        }],
        ..module(name, main)
    }
}

/// The file of a module.
pub fn file(module: &Module) -> Vec<u8> {
    write(module, &WriteOptions::default()).unwrap()
}

/// An archive of these modules; the first is the program.
pub fn archive(modules: &[Module]) -> ArchiveBuilder {
    let mut builder = ArchiveBuilder::new();
    for module in modules {
        let path = VfsPath::new(&module.name).unwrap();
        builder
            .add_bytes(EntryKind::Module, path, file(module))
            .unwrap();
    }
    let entry = VfsPath::metadata(launch::ENTRY).unwrap();
    builder
        .add_bytes(
            EntryKind::Metadata,
            entry,
            launch::entry_metadata(&modules[0].name),
        )
        .unwrap();
    builder
}

/// The runtime that was built with this test.
pub fn runtime() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_sema-rt"))
}

/// An empty directory of its own for a test.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Directory {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("empty")).unwrap();
        Directory(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Builds an executable.
    pub fn executable(&self, name: &str, modules: &[Module]) -> PathBuf {
        let path = self.path(name);
        archive(modules)
            .write_executable(&std::fs::read(runtime()).unwrap(), &path)
            .unwrap();
        path
    }

    /// Runs a program in an empty directory with an empty environment.
    pub fn run(&self, program: &Path, arguments: &[&OsStr]) -> Output {
        output(self.command(program).args(arguments))
    }

    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path("empty"));
        command
    }
}

/// Runs a command. A program that was just written may be busy: a process that another test is starting
/// still holds the file open for writing, until it executes.
pub fn output(command: &mut Command) -> Output {
    loop {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            result => return result.unwrap(),
        }
    }
}

/// Status, standard output, standard error.
pub fn result(output: &Output) -> (Option<i32>, String, String) {
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}
