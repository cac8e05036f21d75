//! Random modules that are valid.

use super::*;

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
