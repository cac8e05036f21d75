//! Each rule of the verifier has a module that breaks it and nothing else.

mod common;

use common::{everything, main_only, with_part, with_view, words};
use sema_format::container::layout::Section;
use sema_format::decode::DecodeError;
use sema_format::isa::{CAPTURE_FROM_CLOSURE, INSTRUCTIONS, Instruction, Op, special};
use sema_format::model::{Constant, Function, Handler, MAX_REGISTERS, Module};
use sema_format::verify::{Rule, VerifyError, verify, verify_with};

fn error(module: &Module) -> VerifyError {
    with_view(module, |view| verify(view).unwrap_err())
}

fn rule(module: &Module) -> Rule {
    match error(module) {
        VerifyError::Function { rule, .. } | VerifyError::Instruction { rule, .. } => rule,
        other => panic!("{other}"),
    }
}

/// The rule that `instruction` breaks at the start of the main function of `everything`.
fn broken(instruction: Instruction) -> Rule {
    let mut module = everything();
    let main = &mut module.functions[0];
    main.code = words(&[instruction, Instruction::Return { a: 0 }]);
    main.handlers.clear();
    rule(&module)
}

fn accepted(instruction: Instruction) {
    let mut module = everything();
    let main = &mut module.functions[0];
    main.code = words(&[instruction, Instruction::Return { a: 0 }]);
    main.handlers.clear();
    with_view(&module, |view| verify(view).unwrap());
}

#[test]
fn registers_lie_in_the_window() {
    let outside = Rule::Register {
        register: 5,
        registers: 5,
    };
    accepted(Instruction::Move { a: 4, b: 4 });
    assert_eq!(broken(Instruction::Move { a: 5, b: 0 }), outside);
    assert_eq!(broken(Instruction::Move { a: 0, b: 5 }), outside);
    assert_eq!(broken(Instruction::Add { a: 0, b: 0, c: 5 }), outside);
    assert_eq!(broken(Instruction::LoadSlot { a: 0, x: 5 }), outside);
    assert_eq!(broken(Instruction::StoreSlot { a: 0, x: 5 }), outside);
    assert_eq!(
        broken(Instruction::PatchCapture { a: 0, b: 0, c: 5 }),
        outside
    );
}

#[test]
fn windows_and_ranges_lie_in_the_window() {
    accepted(Instruction::Call { a: 2, b: 2 });
    assert_eq!(
        broken(Instruction::Call { a: 2, b: 3 }),
        Rule::Range {
            start: 2,
            end: 5,
            registers: 5
        }
    );
    accepted(Instruction::MakeList { a: 0, b: 1, c: 4 });
    accepted(Instruction::MakeList { a: 0, b: 5, c: 0 });
    for instruction in [
        Instruction::MakeList { a: 0, b: 2, c: 4 },
        Instruction::MakeVector { a: 0, b: 2, c: 4 },
        Instruction::CallNative {
            a: 0,
            b: 2,
            c: 4,
            x: 0,
        },
        Instruction::RunModule { a: 5, b: 0, x: 0 },
        Instruction::Apply { a: 4, b: 1 },
    ] {
        assert!(
            matches!(broken(instruction), Rule::Range { .. }),
            "{instruction:?}"
        );
    }
}

#[test]
fn indices_exist() {
    let missing = |section, index, count| Rule::Index {
        section,
        index,
        count,
    };
    let cases = [
        (
            Instruction::LoadConst { a: 0, bx: 22 },
            missing(Section::Constants, 22, 22),
        ),
        (
            Instruction::LoadConstWide { a: 0, x: 22 },
            missing(Section::Constants, 22, 22),
        ),
        (
            Instruction::GetGlobal { a: 0, x: 2 },
            missing(Section::Globals, 2, 2),
        ),
        (
            Instruction::CallKnown { a: 0, b: 0, x: 3 },
            missing(Section::Functions, 3, 3),
        ),
        (
            Instruction::Closure { a: 0, bx: 0, x: 3 },
            missing(Section::Functions, 3, 3),
        ),
        (
            Instruction::LoadNative { a: 0, bx: 2 },
            missing(Section::Natives, 2, 2),
        ),
        (
            Instruction::CallNative {
                a: 0,
                b: 0,
                c: 0,
                x: 2,
            },
            missing(Section::Natives, 2, 2),
        ),
        (
            Instruction::BindImports { a: 0, x: 1 },
            missing(Section::Imports, 1, 1),
        ),
        (
            Instruction::GetKeyword { a: 0, b: 0, x: 22 },
            missing(Section::Constants, 22, 22),
        ),
        (
            Instruction::GetCapture { a: 0, bx: 0 },
            Rule::Capture { index: 0, count: 0 },
        ),
    ];
    for (instruction, rule) in cases {
        assert_eq!(broken(instruction), rule, "{instruction:?}");
    }
}

#[test]
fn special_operands_are_known() {
    accepted(Instruction::LoadSpecial {
        a: 0,
        b: special::COUNT - 1,
    });
    assert_eq!(
        broken(Instruction::LoadSpecial {
            a: 0,
            b: special::COUNT
        }),
        Rule::Special(u32::from(special::COUNT))
    );
    assert_eq!(
        broken(Instruction::Test { a: 0, b: 0, c: 99 }),
        Rule::Predicate(99)
    );
    assert_eq!(
        broken(Instruction::JumpTest { a: 0, b: 99, sx: 0 }),
        Rule::Predicate(99)
    );
    assert_eq!(
        broken(Instruction::GetKeyword { a: 0, b: 0, x: 12 }),
        Rule::Keyword(12)
    );
}

#[test]
fn a_jump_follows_for_each_key_of_a_switch() {
    // See `everything`: a list, a map.
    for bx in [15, 17] {
        assert_eq!(
            broken(Instruction::Switch { a: 0, bx }),
            Rule::SwitchConstant(u32::from(bx))
        );
    }
    let code = |instructions: &[Instruction]| {
        let mut module = everything();
        module.constants[16] = Constant::Vector(vec![0, 12]);
        module.functions[0].code = words(instructions);
        module.functions[0].handlers.clear();
        module
    };
    let switch = Instruction::Switch { a: 0, bx: 16 };
    let jump = Instruction::Jump { s24: 0 };
    let back = Instruction::Jump { s24: -2 };
    let leave = Instruction::Return { a: 0 };
    let complete = code(&[switch, back, jump, leave]);
    with_view(&complete, |view| verify(view).unwrap());
    for incomplete in [
        &[switch, jump, leave][..],
        &[switch, jump, leave, jump, leave],
        &[switch, leave],
        &[switch, jump, jump],
    ] {
        assert!(matches!(
            rule(&code(incomplete)),
            Rule::SwitchJumps(2) | Rule::FallsOff
        ));
    }
    let loose = code(&[switch, Instruction::Jump { s24: 7 }, jump, leave]);
    assert_eq!(rule(&loose), Rule::JumpTarget(9));
    let mut nested = complete.clone();
    nested.constants[16] = Constant::Vector(vec![15, 15]);
    assert_eq!(rule(&nested), Rule::SwitchConstant(16));
}

#[test]
fn compared_constants_are_atoms() {
    // Nil, a float, a ratio, a string, a keyword; see `everything`.
    for bx in [0, 7, 8, 12, 13] {
        accepted(Instruction::JumpEqualConst { a: 0, bx, sx: 0 });
    }
    // The empty list, a NaN, a list, a vector, a map, bytes, arrays.
    for bx in [2, 9, 15, 16, 17, 18, 19, 20] {
        let equal = Instruction::JumpEqualConst { a: 0, bx, sx: 0 };
        let different = Instruction::JumpNotEqualConst { a: 0, bx, sx: 0 };
        assert_eq!(broken(equal), Rule::ComparedConstant(u32::from(bx)));
        assert_eq!(broken(different), Rule::ComparedConstant(u32::from(bx)));
    }
    let mut module = everything();
    module.constants[8] = Constant::float(f64::NAN);
    module.functions[0].code = words(&[
        Instruction::JumpEqualConst {
            a: 0,
            bx: 10,
            sx: 0,
        },
        Instruction::Return { a: 0 },
    ]);
    module.functions[0].handlers.clear();
    assert_eq!(rule(&module), Rule::ComparedConstant(10));
}

#[test]
fn known_calls_have_the_exact_frame() {
    accepted(Instruction::CallKnown { a: 0, b: 3, x: 1 });
    for instruction in [
        Instruction::CallKnown { a: 0, b: 2, x: 1 },
        Instruction::TailCallKnown { a: 0, b: 2, x: 1 },
    ] {
        assert_eq!(
            broken(instruction),
            Rule::KnownArguments {
                function: 1,
                expected: 3,
                given: 2
            }
        );
    }
    assert_eq!(
        broken(Instruction::CallKnown { a: 0, b: 1, x: 2 }),
        Rule::KnownCaptures(2)
    );
}

#[test]
fn closures_have_their_captures() {
    let closure = |captures: &[u32], count: u16| {
        let mut module = everything();
        let mut code = words(&[Instruction::Closure {
            a: 0,
            bx: count,
            x: 2,
        }]);
        code.extend(captures);
        code.extend(words(&[Instruction::Return { a: 0 }]));
        module.functions[0].code = code;
        module.functions[0].handlers.clear();
        module
    };
    with_view(&closure(&[4], 1), |view| verify(view).unwrap());
    assert!(matches!(
        rule(&closure(&[5], 1)),
        Rule::Register { register: 5, .. }
    ));
    assert_eq!(
        rule(&closure(&[CAPTURE_FROM_CLOSURE], 1)),
        Rule::Capture { index: 0, count: 0 }
    );
    assert_eq!(
        rule(&closure(&[0, 0], 2)),
        Rule::CaptureCount {
            function: 2,
            expected: 1,
            given: 2
        }
    );
    assert_eq!(rule(&closure(&[], 9)), Rule::Decode(DecodeError::CutOff));
}

#[test]
fn apply_has_something_to_spread() {
    accepted(Instruction::Apply { a: 0, b: 1 });
    for instruction in [
        Instruction::Apply { a: 0, b: 0 },
        Instruction::TailApply { a: 0, b: 0 },
    ] {
        assert_eq!(broken(instruction), Rule::NothingToSpread);
    }
}

#[test]
fn natives_are_asked_for_their_arity() {
    with_view(&everything(), |view| {
        let mut asked = Vec::new();
        verify_with(view, |native, arguments| {
            asked.push((native, arguments));
            true
        })
        .unwrap();
        assert_eq!(asked, [(1, 2)]);
        assert!(matches!(
            verify_with(view, |_, _| false),
            Err(VerifyError::Instruction {
                rule: Rule::NativeArguments {
                    native: 1,
                    arguments: 2
                },
                ..
            })
        ));
    });
}

#[test]
fn jumps_hit_instructions() {
    // Word 1 is the second word of the first instruction.
    for (sx, target) in [
        (-1, 1),
        (-3, -1),
        (1, 3),
        (i32::MIN, i64::from(i32::MIN) + 2),
    ] {
        assert_eq!(
            broken(Instruction::JumpEqual { a: 0, b: 0, sx }),
            Rule::JumpTarget(target)
        );
    }
    accepted(Instruction::JumpEqual { a: 0, b: 0, sx: -2 });
    accepted(Instruction::Loop { s24: -1 });
    assert_eq!(broken(Instruction::Loop { s24: 0 }), Rule::LoopForward);
    assert_eq!(broken(Instruction::Jump { s24: 5 }), Rule::JumpTarget(6));
}

#[test]
fn combined_instructions_stand_before_what_they_are_combined_with() {
    let (a, b, c) = (0, 0, 0);
    let first = Instruction::MultiplyThenAdd { a, b, c };
    assert_eq!(broken(first), Rule::Combined("fadd"));
    let second = Instruction::FloatAdd { a, b, c };
    let end = Instruction::Return { a };
    let pair = main_only(words(&[first, second, end]), 1);
    with_view(&pair, |view| verify(view).unwrap());
    // The same operation, but not the instruction that its handler expects.
    let other = main_only(words(&[first, Instruction::Add { a, b, c }, end]), 1);
    assert_eq!(rule(&other), Rule::Combined("fadd"));
    // At the end of the function nothing follows.
    let open = main_only(words(&[first]), 1);
    assert_eq!(rule(&open), Rule::FallsOff);
}

#[test]
fn code_is_whole_and_ends() {
    let unknown = main_only(vec![0xff], 1);
    assert_eq!(
        rule(&unknown),
        Rule::Decode(DecodeError::UnknownOpcode(0xff))
    );
    let cut = main_only(vec![Op::GetGlobal as u32], 1);
    assert_eq!(rule(&cut), Rule::Decode(DecodeError::CutOff));
    let open = main_only(words(&[Instruction::ModuleDone {}]), 1);
    assert_eq!(rule(&open), Rule::FallsOff);
    let branch = main_only(words(&[Instruction::JumpTrue { a: 0, sbx: -1 }]), 1);
    assert_eq!(rule(&branch), Rule::FallsOff);
    let endless = main_only(words(&[Instruction::Loop { s24: -1 }]), 0);
    with_view(&endless, |view| verify(view).unwrap());
    assert_eq!(rule(&main_only(vec![], 1)), Rule::NoCode);
    assert_eq!(rule(&Module::default()), Rule::NoMain);
}

#[test]
fn signatures_are_consistent() {
    let mut module = everything();
    module.functions[0].parameters = 1;
    assert_eq!(rule(&module), Rule::MainSignature);
    let mut module = everything();
    module.functions[1].required = 3;
    assert!(matches!(rule(&module), Rule::Required { .. }));
    let mut module = everything();
    module.functions[1].registers = 2;
    assert!(matches!(
        rule(&module),
        Rule::Parameters { parameters: 3, .. }
    ));
    let mut module = everything();
    module.functions[1].registers = MAX_REGISTERS + 1;
    assert_eq!(rule(&module), Rule::Window(MAX_REGISTERS + 1));
}

#[test]
fn handlers_cover_and_hit_instructions() {
    let with = |handler: Handler| {
        let mut module = everything();
        module.functions[0].handlers = vec![handler];
        module
    };
    let good = everything().functions[0].handlers[0];
    let end = everything().functions[0].code.len() as u32;
    with_view(&with(Handler { end, ..good }), |view| verify(view).unwrap());
    for wrong in [
        Handler { start: 2, ..good },
        Handler {
            end: good.start,
            ..good
        },
        Handler {
            end: end + 1,
            ..good
        },
        Handler {
            end: good.start + 1,
            ..good
        },
    ] {
        assert_eq!(rule(&with(wrong)), Rule::HandlerRange(0), "{wrong:?}");
    }
    assert_eq!(
        rule(&with(Handler { target: 2, ..good })),
        Rule::HandlerTarget(0)
    );
    assert_eq!(
        rule(&with(Handler {
            target: end,
            ..good
        })),
        Rule::HandlerTarget(0)
    );
    assert!(matches!(
        rule(&with(Handler {
            register: 5,
            ..good
        })),
        Rule::HandlerRegister { register: 5, .. }
    ));
}

#[test]
fn constants_and_interfaces_are_consistent() {
    let with = |index: usize, constant: Constant| {
        let mut module = everything();
        module.constants[index] = constant;
        error(&module)
    };
    let zero = with(4, Constant::Int(0));
    assert!(matches!(zero, VerifyError::Constant { index: 7, .. }));
    let text = with(3, Constant::Nil);
    assert!(matches!(text, VerifyError::Constant { index: 7, .. }));
    let complex = with(8, Constant::Nil);
    assert!(matches!(complex, VerifyError::Constant { index: 10, .. }));
    let padded = with(
        6,
        Constant::BigInt {
            negative: false,
            magnitude: vec![1, 0],
        },
    );
    assert!(matches!(padded, VerifyError::Constant { index: 6, .. }));

    let mut module = everything();
    module.exports[0].global = 2;
    assert!(matches!(error(&module), VerifyError::Interface { .. }));
    let mut module = everything();
    module.exports[0].arity.as_mut().unwrap().maximum = Some(0);
    assert!(matches!(error(&module), VerifyError::Interface { .. }));
    let mut module = everything();
    module.imports[0].bindings[0].1 = 2;
    assert!(matches!(error(&module), VerifyError::Interface { .. }));
}

#[test]
fn parts_have_functions_that_can_run_alone() {
    with_view(&with_part(), |view| verify(view).unwrap());
    let mut module = with_part();
    module.parts[0].function = 2;
    assert_eq!(
        error(&module).to_string(),
        "the part of `late.sema` is not valid: its function does not exist"
    );
    for change in [
        |function: &mut Function| function.captures = 1,
        |function: &mut Function| function.rest = true,
        |function: &mut Function| {
            function.parameters = 1;
            function.required = 1;
        },
    ] {
        let mut module = with_part();
        module.functions[1].registers = 2;
        change(&mut module.functions[1]);
        assert_eq!(
            error(&module).to_string(),
            "the part of `late.sema` is not valid: its function takes arguments or captures variables"
        );
    }
}

#[test]
fn messages_name_function_place_instruction_and_rule() {
    let mut module = everything();
    module.functions[0].registers = 4;
    module.functions[1].code[2] = words(&[Instruction::LoadConst { a: 0, bx: 600 }])[0];
    module.functions[0].code[0] = words(&[Instruction::LoadConst { a: 9, bx: 0 }])[0];
    assert_eq!(
        error(&module).to_string(),
        "function 0 `main`, word 0: `load_const r9, c0`: register 9 is outside the window of 4"
    );
}

/// An instruction with all fields at their maximum refers to something that does not exist, unless
/// it has no operand that refers to anything.
#[test]
fn every_instruction_is_checked() {
    for info in INSTRUCTIONS {
        let first = 0xffff_ff00 | info.op as u32;
        let code = match info.words {
            1 => vec![first],
            _ => vec![first, 0x7fff_ffff],
        };
        let mut code = code;
        code.extend(words(&[Instruction::Return { a: 0 }]));
        let mut module = everything();
        module.functions[0].code = code;
        module.functions[0].handlers.clear();
        let refused = with_view(&module, |view| verify(view).is_err());
        // A jump by -1 word is an endless loop, and that is allowed.
        let harmless = matches!(
            info.op,
            Op::ModuleDone | Op::Jump | Op::Loop | Op::CountStep
        );
        assert_eq!(refused, !harmless, "{}", info.mnemonic);
    }
}
