//! Modules for tests: one that has everything, and random ones.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

mod random;

pub use random::*;

use sema_format::encode::{Assembler, Capture};
use sema_format::isa::{
    CAPTURE_FROM_CLOSURE, INSTRUCTIONS, Instruction, Op, Operand, Predicate, special,
};
use sema_format::model::{
    Arity, Constant, Export, ExportKind, Function, Handler, Import, InlinedCall, LineEntry,
    LocalName, Module, Part,
};
use sema_format::operands::{Field, operands};
use sema_format::{AlignedBytes, ModuleView, WriteOptions, write};

/// A fixed producer, so that golden files do not change with the crate's version.
pub fn options() -> WriteOptions {
    WriteOptions {
        producer: "semac 0.1.0".to_owned(),
        ..WriteOptions::default()
    }
}

pub fn file(module: &Module) -> AlignedBytes {
    AlignedBytes::copy_of(&write(module, &options()).unwrap())
}

pub fn with_view<T>(module: &Module, action: impl FnOnce(&ModuleView<'_>) -> T) -> T {
    let file = file(module);
    action(&ModuleView::parse(file.as_bytes()).unwrap())
}

/// A module whose main function is `code`.
pub fn main_only(code: Vec<u32>, registers: u32) -> Module {
    Module {
        name: "main.sema".to_owned(),
        functions: vec![Function {
            code,
            registers,
            ..Function::default()
        }],
        ..Module::default()
    }
}

pub fn words(instructions: &[Instruction]) -> Vec<u32> {
    instructions
        .iter()
        .flat_map(|instruction| {
            let (first, second) = instruction.encode();
            std::iter::once(first).chain(second)
        })
        .collect()
}

/// A module with at least one of everything.
pub fn everything() -> Module {
    let mut main = Assembler::new();
    main.position(0, 1, 1);
    main.emit(Instruction::LoadConst { a: 1, bx: 12 });
    main.emit(Instruction::DefineGlobal { a: 1, x: 0 });
    main.position(0, 2, 3);
    let start = main.here();
    main.closure(0, 2, &[Capture::Register(1)]);
    main.emit(Instruction::Call { a: 0, b: 1 });
    let end = main.here();
    let skip = main.new_label();
    main.jump(Instruction::JumpEqualConst { a: 0, bx: 4, sx: 0 }, skip);
    main.position(1, 40, 9);
    main.emit(Instruction::CallKnown { a: 0, b: 3, x: 1 });
    main.bind(skip);
    main.emit(Instruction::CallNative {
        a: 0,
        b: 0,
        c: 2,
        x: 1,
    });
    main.emit(Instruction::RunModule { a: 2, b: 0, x: 0 });
    main.emit(Instruction::BindImports { a: 2, x: 0 });
    main.emit(Instruction::ModuleDone {});
    main.emit(Instruction::Return { a: 0 });
    let target = main.here();
    main.emit(Instruction::Throw { a: 3 });
    main.handler(start, end, target, 3);
    main.local("näme".to_owned(), 1, start, target);
    let mut function = Function {
        name: Some("main".to_owned()),
        registers: 5,
        ..Function::default()
    };
    main.finish().unwrap().install(&mut function);
    function.inlined = vec![
        InlinedCall {
            name: Some("helper".to_owned()),
            library: false,
            file: 0,
            line: 7,
            column: 3,
            context: 0,
        },
        InlinedCall {
            name: None,
            library: true,
            file: 1,
            line: 8,
            column: 4,
            context: 3,
        },
    ];
    if let Some(last) = function.lines.last_mut() {
        last.context = 4;
    }

    let mut count = Assembler::new();
    let top = count.here();
    let out = count.new_label();
    count.position(1, 3, 5);
    count.jump(
        Instruction::JumpTest {
            a: 2,
            b: Predicate::Null as u8,
            sx: 0,
        },
        out,
    );
    count.emit(Instruction::AddImm { a: 0, b: 0, sc: -1 });
    count.emit(Instruction::Rest { a: 2, b: 2 });
    count.jump(Instruction::Loop { s24: 0 }, top);
    count.bind(out);
    count.emit(Instruction::LoadSpecial {
        a: 1,
        b: special::TRUE,
    });
    count.emit(Instruction::StoreSlot { a: 1, x: 300 });
    count.emit(Instruction::GetKeyword { a: 1, b: 0, x: 13 });
    count.emit(Instruction::Return { a: 1 });
    let mut counting = Function {
        name: Some("count".to_owned()),
        registers: 301,
        required: 1,
        parameters: 2,
        rest: true,
        library: true,
        ..Function::default()
    };
    count.finish().unwrap().install(&mut counting);

    let capturing = Function {
        code: words(&[
            Instruction::GetCapture { a: 0, bx: 0 },
            Instruction::Return { a: 0 },
        ]),
        registers: 1,
        required: 1,
        parameters: 1,
        captures: 1,
        ..Function::default()
    };

    Module {
        name: "app/main.sema".to_owned(),
        constants: vec![
            Constant::Nil,
            Constant::Bool(true),
            Constant::EmptyList,
            Constant::Int(-8_388_608),
            Constant::Int(8_388_608),
            Constant::Int(i64::MIN),
            Constant::BigInt {
                negative: true,
                magnitude: vec![1, 2, 3, 4, 5, 6, 7, 8, 9],
            },
            Constant::Ratio {
                numerator: 3,
                denominator: 4,
            },
            Constant::float(-0.0),
            Constant::float(f64::NAN),
            Constant::Complex {
                real: 7,
                imaginary: 8,
            },
            Constant::Char('\u{10ffff}'),
            Constant::Str("héllo\n".to_owned()),
            Constant::Keyword("key".to_owned()),
            Constant::Symbol("count".to_owned()),
            Constant::List(vec![0, 12, 12]),
            Constant::Vector(vec![]),
            Constant::Map(vec![(13, 15), (14, 16)]),
            Constant::Bytes(vec![1, 2, 3, 4, 5]),
            Constant::F64Array(vec![1.5f64.to_bits(), 0]),
            Constant::I64Array(vec![-1, i64::MAX]),
            Constant::Str(String::new()),
        ],
        functions: vec![function, counting, capturing],
        globals: vec!["greeting".to_owned(), "count".to_owned()],
        imports: vec![Import {
            path: "./util.sema".to_owned(),
            resolved: "app/util.sema".to_owned(),
            names: Some(vec!["helper".to_owned()]),
            bindings: vec![("helper".to_owned(), 1)],
            whole: false,
        }],
        exports: vec![
            Export {
                name: "count".to_owned(),
                kind: ExportKind::Function,
                arity: Some(Arity {
                    minimum: 1,
                    maximum: None,
                }),
                doc: Some("Counts.".to_owned()),
                line: 3,
                column: 1,
                global: 1,
            },
            Export {
                name: "greeting".to_owned(),
                kind: ExportKind::Value,
                arity: None,
                doc: None,
                line: 1,
                column: 1,
                global: 0,
            },
        ],
        natives: vec!["println".to_owned(), "string-append".to_owned()],
        capabilities: vec!["fs-read".to_owned()],
        macros: vec![1, 2, 3],
        files: vec!["app/main.sema".to_owned(), "app/other.sema".to_owned()],
        parts: Vec::new(),
    }
}

/// A module with a part, which its main function runs.
pub fn with_part() -> Module {
    let mut module = main_only(
        words(&[
            Instruction::RunModule { a: 0, b: 0, x: 0 },
            Instruction::ModuleDone {},
            Instruction::Return { a: 0 },
        ]),
        1,
    );
    module.functions.push(Function {
        code: words(&[Instruction::ModuleDone {}, Instruction::Return { a: 0 }]),
        registers: 1,
        ..Function::default()
    });
    module.imports.push(Import {
        path: "./late.sema".to_owned(),
        resolved: "late.sema".to_owned(),
        names: None,
        bindings: Vec::new(),
        whole: false,
    });
    module.parts.push(Part {
        name: "late.sema".to_owned(),
        function: 1,
    });
    module
}
