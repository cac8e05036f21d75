//! Modules for tests: one that has everything, and random ones.
#![allow(dead_code, reason = "each test file uses a part")]

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

/// xorshift64*: enough for tests, the same on all machines.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `limit`, which must not be 0.
    pub fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 33) as usize) % limit
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn text(&mut self) -> String {
        const LETTERS: [char; 8] = ['a', 'b', '-', 'é', '!', '語', '\n', '😀'];
        (0..self.below(9)).map(|_| LETTERS[self.below(8)]).collect()
    }

    pub fn texts(&mut self, limit: usize) -> Vec<String> {
        (0..self.below(limit)).map(|_| self.text()).collect()
    }
}

/// How often randomised tests repeat; `SEMA_FORMAT_ROUNDS` overrides.
pub fn rounds(default: u64) -> u64 {
    std::env::var("SEMA_FORMAT_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// A random module that the verifier must accept.
pub fn random_module(random: &mut Random) -> Module {
    let constants = random_constants(random);
    let globals = random.texts(6);
    let natives = random.texts(6);
    let files = random.texts(3);
    let imports: Vec<Import> = (0..random.below(3))
        .map(|_| Import {
            path: random.text(),
            resolved: random.text(),
            names: random.chance(2).then(|| random.texts(4)),
            bindings: match globals.len() {
                0 => vec![],
                count => (0..random.below(4))
                    .map(|_| (random.text(), random.below(count) as u32))
                    .collect(),
            },
            whole: random.chance(2),
        })
        .collect();
    let exports = match globals.len() {
        0 => vec![],
        count => (0..random.below(4))
            .map(|_| Export {
                name: random.text(),
                kind: [ExportKind::Function, ExportKind::Value, ExportKind::Macro][random.below(3)],
                arity: random.chance(2).then(|| Arity {
                    minimum: 2,
                    maximum: random.chance(2).then_some(700),
                }),
                doc: random.chance(2).then(|| random.text()),
                line: random.below(1000) as u32,
                column: random.below(100) as u32,
                global: random.below(count) as u32,
            })
            .collect(),
    };
    let mut functions: Vec<Function> = (0..1 + random.below(5))
        .map(|number| random_signature(random, number))
        .collect();
    let mut module = Module {
        name: random.text(),
        constants,
        functions: functions.clone(),
        globals,
        imports,
        exports,
        natives,
        capabilities: random.texts(3),
        macros: random.text().into_bytes(),
        files,
        parts: Vec::new(),
    };
    for function in &mut functions {
        random_code(random, &module, function);
    }
    module.functions = functions;
    module
}

fn random_constants(random: &mut Random) -> Vec<Constant> {
    let mut constants = vec![Constant::Int(3)];
    for index in 1..1 + random.below(24) {
        let child = |random: &mut Random| random.below(index) as u32;
        let count = random.below(4);
        constants.push(match random.below(17) {
            0 => Constant::Nil,
            1 => Constant::Bool(random.chance(2)),
            2 => Constant::EmptyList,
            3 => Constant::Int(random.next() as i64 >> random.below(64)),
            4 => Constant::BigInt {
                negative: random.chance(2),
                magnitude: (0..=random.below(20)).map(|byte| byte as u8 + 1).collect(),
            },
            5 => Constant::Ratio {
                numerator: 0,
                denominator: 0,
            },
            6 => Constant::Float(random.next()),
            7 => Constant::Complex {
                real: 0,
                imaginary: 0,
            },
            8 => Constant::Char(['a', '語', '\0'][random.below(3)]),
            9 => Constant::Str(random.text()),
            10 => Constant::Symbol(random.text()),
            11 => Constant::Keyword(random.text()),
            12 => Constant::List((0..count).map(|_| child(random)).collect()),
            13 => Constant::Map((0..count).map(|_| (child(random), child(random))).collect()),
            14 => Constant::Bytes(random.text().into_bytes()),
            15 => Constant::F64Array((0..count).map(|_| random.next()).collect()),
            _ => Constant::I64Array((0..count).map(|_| random.next() as i64).collect()),
        });
    }
    constants
}

fn random_signature(random: &mut Random, number: usize) -> Function {
    let parameters = if number == 0 {
        0
    } else {
        random.below(4) as u16
    };
    Function {
        name: random.chance(2).then(|| random.text()),
        registers: 8 + random.below(600) as u32,
        required: parameters / 2,
        parameters,
        rest: number > 0 && random.chance(2),
        captures: if number > 0 && random.chance(2) { 2 } else { 0 },
        library: random.chance(2),
        ..Function::default()
    }
}

fn random_code(random: &mut Random, module: &Module, function: &mut Function) {
    let mut code = Vec::new();
    let mut starts = Vec::new();
    let mut jumps = Vec::new();
    for _ in 0..random.below(40) {
        let op = INSTRUCTIONS[random.below(INSTRUCTIONS.len())].op;
        // What it is combined with must follow.
        let then = op.combined().map_or(&[][..], |(_, then)| then);
        let before = (code.len(), starts.len(), jumps.len());
        for op in std::iter::once(op).chain(then.iter().copied()) {
            let start = code.len();
            if random_instruction(random, module, function, op, &mut code) {
                starts.push(start);
                if operands(op).any(|(_, kind)| kind == Operand::Jump) {
                    jumps.push((op, start));
                }
            } else {
                code.truncate(before.0);
                starts.truncate(before.1);
                jumps.truncate(before.2);
                break;
            }
        }
        if op == Op::Switch && code.len() > before.0 {
            let constant = Field::Bx.read(code[before.0], 0) as usize;
            for _ in 0..switched(module, constant).unwrap().len() {
                starts.push(code.len());
                jumps.push((Op::Jump, code.len()));
                code.push(Op::Jump as u32);
            }
        }
    }
    starts.push(code.len());
    code.extend(words(&[Instruction::Return { a: 0 }]));
    for (op, start) in jumps {
        let reachable: Vec<usize> = starts
            .iter()
            .copied()
            .filter(|target| op != Op::Loop || *target <= start)
            .collect();
        let target = reachable[random.below(reachable.len())] as i64;
        let next = start as i64 + i64::from(op.info().words);
        let (field, _) = operands(op)
            .find(|(_, kind)| *kind == Operand::Jump)
            .unwrap();
        let mut second = code[start + 1];
        assert!(field.write(&mut code[start], &mut second, target - next));
        if op.info().words > 1 {
            code[start + 1] = second;
        }
    }
    for _ in 0..random.below(3) {
        let first = random.below(starts.len());
        let last = first + random.below(starts.len() - first);
        function.handlers.push(Handler {
            start: starts[first] as u32,
            end: starts.get(last + 1).map_or(code.len(), |end| *end) as u32,
            target: starts[random.below(starts.len())] as u32,
            register: random.below(8) as u8,
        });
    }
    if !module.files.is_empty() {
        function.inlined = (0..random.below(4))
            .map(|number| InlinedCall {
                name: (random.below(2) == 0).then(|| random.text()),
                library: random.below(2) == 0,
                file: random.below(module.files.len()) as u32,
                line: random.below(10_000) as u32,
                column: random.below(200) as u32,
                context: random.below(2 * number + 2) as u32,
            })
            .collect();
        let contexts = 2 * function.inlined.len() + 2;
        function.lines = starts
            .iter()
            .map(|start| LineEntry {
                pc: *start as u32,
                file: random.below(module.files.len()) as u32,
                line: random.below(10_000) as u32,
                column: random.below(200) as u32,
                context: random.below(contexts) as u32,
            })
            .collect();
        function.locals = (0..random.below(3))
            .map(|register| LocalName {
                name: random.text(),
                register: register as u32,
                start: 0,
                end: code.len() as u32,
            })
            .collect();
    }
    function.code = code;
}

/// The elements of a constant that `switch` can take.
fn switched(module: &Module, constant: usize) -> Option<&[u32]> {
    let Constant::Vector(items) = &module.constants[constant] else {
        return None;
    };
    let plain = |item: &u32| {
        matches!(
            module.constants[*item as usize],
            Constant::Int(_) | Constant::Str(_)
        )
    };
    items.iter().all(plain).then_some(items)
}

/// `false` when the module has nothing that the instruction could refer to.
fn random_instruction(
    random: &mut Random,
    module: &Module,
    function: &Function,
    op: Op,
    code: &mut Vec<u32>,
) -> bool {
    let (mut first, mut second) = (op as u32, 0);
    for (field, kind) in operands(op) {
        let limit = match kind {
            Operand::Dst | Operand::Src | Operand::CallBase | Operand::RangeStart => 4,
            Operand::Count | Operand::Imm => 4,
            Operand::SlotSrc | Operand::SlotDst => function.registers as usize,
            Operand::Const => module.constants.len(),
            Operand::Global => module.globals.len(),
            Operand::Function => module.functions.len(),
            Operand::Native => module.natives.len(),
            Operand::Import => module.imports.len(),
            Operand::Capture => usize::from(function.captures),
            Operand::Special => usize::from(special::COUNT),
            Operand::Predicate => Predicate::ALL.len(),
            Operand::Jump | Operand::CaptureCount => 1,
        };
        if limit == 0 {
            return false;
        }
        assert!(field.write(&mut first, &mut second, random.below(limit) as i64));
    }
    let mut captures = Vec::new();
    match op {
        Op::CallKnown | Op::TailCallKnown | Op::CountedCallKnown | Op::CountedTailCallKnown => {
            let target = &module.functions[second as usize];
            if target.captures > 0 {
                return false;
            }
            let frame = i64::from(target.parameters) + i64::from(target.rest);
            assert!(Field::B.write(&mut first, &mut second, frame));
        }
        Op::Closure => {
            let count = module.functions[second as usize].captures;
            assert!(Field::Bx.write(&mut first, &mut second, i64::from(count)));
            let own = u32::from(function.captures);
            captures.extend((0..count).map(|_| match own {
                0 => random.below(8) as u32,
                own => random.below(own as usize) as u32 | CAPTURE_FROM_CLOSURE,
            }));
        }
        Op::Apply | Op::TailApply => {
            let arguments = 1 + random.below(3) as i64;
            assert!(Field::B.write(&mut first, &mut second, arguments));
        }
        Op::GetKeyword => {
            return match module.constants[second as usize] {
                Constant::Keyword(_) => {
                    code.extend([first, second]);
                    true
                }
                _ => false,
            };
        }
        Op::JumpEqualConst | Op::JumpNotEqualConst => {
            let constant = &module.constants[Field::Bx.read(first, second) as usize];
            if !matches!(constant, Constant::Int(_) | Constant::Str(_)) {
                return false;
            }
        }
        Op::Switch if switched(module, Field::Bx.read(first, 0) as usize).is_none() => {
            return false;
        }
        _ => {}
    }
    code.push(first);
    if op.info().words > 1 {
        code.push(second);
    }
    code.extend(captures);
    true
}
