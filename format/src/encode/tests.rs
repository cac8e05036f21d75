use super::*;
use crate::isa::INSTRUCTIONS;

#[test]
fn every_branch_has_an_opposite() {
    for info in INSTRUCTIONS {
        if info.flow == crate::isa::Flow::Branch {
            let mut item = Item {
                op: info.op,
                first: info.op as u32,
                second: 0,
                target: None,
                captures: 0,
                long: true,
                dropped: false,
            };
            item.invert();
            assert_ne!(item.op, info.op, "{}", info.mnemonic);
            item.invert();
            assert_eq!(item.op, info.op, "{}", info.mnemonic);
        }
    }
}

#[test]
fn forward_and_backward_jumps() {
    let mut assembler = Assembler::new();
    let top = assembler.here();
    let out = assembler.new_label();
    assembler.jump(
        Instruction::JumpNotLessImm {
            a: 0,
            sbx: 10,
            sx: 0,
        },
        out,
    );
    assembler.emit(Instruction::AddImm { a: 0, b: 0, sc: 1 });
    assembler.jump(Instruction::Loop { s24: 0 }, top);
    assembler.bind(out);
    assembler.emit(Instruction::Return { a: 0 });
    let code = assembler.finish().unwrap().code;
    assert_eq!(code[1], 2);
    assert_eq!(
        Instruction::decode(code[3], None),
        Some(Instruction::Loop { s24: -4 })
    );
}

#[test]
fn the_test_of_a_loop_is_repeated_at_its_end() {
    let test = |sx| Instruction::JumpNotLess { a: 0, b: 1, sx };
    let mut assembler = Assembler::new();
    let head = assembler.here();
    let out = assembler.new_label();
    assembler.position(0, 7, 1);
    assembler.jump(test(0), out);
    assembler.position(0, 8, 1);
    assembler.emit(Instruction::AddImm { a: 0, b: 0, sc: 1 });
    assembler.repeat(head);
    assembler.bind(out);
    assembler.emit(Instruction::Return { a: 0 });
    let done = assembler.finish().unwrap();
    assert_eq!(
        Instruction::decode(done.code[3], Some(done.code[4])),
        Some(Instruction::JumpLess { a: 0, b: 1, sx: -3 })
    );
    assert_eq!(
        Instruction::decode(done.code[5], None),
        Some(Instruction::Jump { s24: 0 })
    );
    assert_eq!((done.lines[2].pc, done.lines[2].line), (3, 7));

    // A branch into the loop.
    let mut assembler = Assembler::new();
    let head = assembler.here();
    let body = assembler.new_label();
    assembler.jump(test(0), body);
    assembler.emit(Instruction::Return { a: 0 });
    assembler.bind(body);
    assembler.emit(Instruction::AddImm { a: 0, b: 0, sc: 1 });
    assembler.repeat(head);
    let code = assembler.finish().unwrap().code;
    assert_eq!(Instruction::decode(code[4], Some(code[5])), Some(test(-3)));
    assert_eq!(
        Instruction::decode(code[6], None),
        Some(Instruction::Jump { s24: -5 })
    );

    // No test at the beginning.
    let mut assembler = Assembler::new();
    let head = assembler.here();
    assembler.emit(Instruction::Return { a: 0 });
    assembler.repeat(head);
    let code = assembler.finish().unwrap().code;
    assert_eq!(
        Instruction::decode(code[1], None),
        Some(Instruction::Loop { s24: -2 })
    );
}

#[test]
fn far_branches_are_inverted_over_a_jump() {
    for padding in [32_765u32, 32_766, 32_767, 32_768, 40_000] {
        let mut assembler = Assembler::new();
        let end = assembler.new_label();
        assembler.jump(Instruction::JumpTrue { a: 7, sbx: 0 }, end);
        let protected = assembler.here();
        for _ in 0..padding {
            assembler.position(0, 1, 1);
            assembler.emit(Instruction::Move { a: 0, b: 1 });
        }
        assembler.bind(end);
        assembler.handler(protected, end, end, 2);
        assembler.emit(Instruction::Return { a: 0 });
        let done = assembler.finish().unwrap();
        let long = padding > 32_767;
        let start = if long { 2 } else { 1 };
        assert_eq!(done.code.len() as u32, padding + start + 1);
        assert_eq!(done.handlers[0].start, start);
        assert_eq!(done.handlers[0].end, start + padding);
        assert_eq!(done.lines[0].pc, start);
        if long {
            assert_eq!(
                Instruction::decode(done.code[0], None),
                Some(Instruction::JumpFalse { a: 7, sbx: 1 })
            );
            assert_eq!(
                Instruction::decode(done.code[1], None),
                Some(Instruction::Jump {
                    s24: padding as i32
                })
            );
        }
    }
}

#[test]
fn far_backward_branches() {
    let mut assembler = Assembler::new();
    let top = assembler.here();
    for _ in 0..40_000 {
        assembler.emit(Instruction::Move { a: 0, b: 1 });
    }
    assembler.jump(Instruction::JumpFalse { a: 1, sbx: 0 }, top);
    assembler.emit(Instruction::Return { a: 0 });
    let code = assembler.finish().unwrap().code;
    assert_eq!(
        Instruction::decode(code[40_001], None),
        Some(Instruction::Jump { s24: -40_002 })
    );
}

#[test]
fn closures_carry_their_capture_words() {
    let mut assembler = Assembler::new();
    assembler.closure(4, 9, &[Capture::Register(3), Capture::Captured(1)]);
    assembler.emit(Instruction::Return { a: 4 });
    let code = assembler.finish().unwrap().code;
    assert_eq!(code[1..4], [9, 3, CAPTURE_FROM_CLOSURE | 1]);
}

#[test]
fn two_copies_become_one_instruction_unless_something_jumps_between() {
    let mut assembler = Assembler::new();
    assembler.copy(1, 2);
    assembler.copy(3, 4);
    assembler.copy(5, 6);
    let between = assembler.here();
    assembler.copy(7, 8);
    assembler.jump(Instruction::Loop { s24: 0 }, between);
    let code = assembler.finish().unwrap().code;
    let copies = Instruction::Move2 {
        a: 1,
        b: 2,
        c: 3,
        x: 4,
    };
    assert_eq!(Instruction::decode(code[0], Some(code[1])), Some(copies));
    let single = Instruction::Move { a: 5, b: 6 };
    assert_eq!(Instruction::decode(code[2], None), Some(single));
    assert_eq!(code.len(), 5);
}

#[test]
fn what_the_next_instruction_uses_up_is_combined_with_it() {
    let multiply = |a, b, c| Instruction::FloatMultiply { a, b, c };
    let add = |a, b, c| Instruction::FloatAdd { a, b, c };
    let opcodes = |code: &[Instruction], temporaries| -> Vec<Op> {
        let mut assembler = Assembler::new();
        assembler.emit(Instruction::ModuleDone {});
        for instruction in code {
            assembler.emit_using_up(*instruction, temporaries);
        }
        let code = assembler.finish().unwrap().code;
        let opcodes = code.iter().skip(1);
        opcodes
            .filter_map(|word| Op::from_byte(*word as u8))
            .collect()
    };
    use Op::{FloatAdd, FloatMultiply, MultiplyThenAdd, MultiplyThenMultiply};
    assert_eq!(
        opcodes(&[multiply(4, 1, 2), add(3, 1, 4)], 4),
        [MultiplyThenAdd, FloatAdd]
    );
    // The product is a variable's value, not used, or both operands.
    for second in [add(5, 1, 3), add(5, 1, 2), add(5, 3, 3)] {
        let temporaries = if second == add(5, 3, 3) { 0 } else { 4 };
        assert_eq!(
            opcodes(&[multiply(3, 1, 2), second], temporaries),
            [FloatMultiply, FloatAdd]
        );
    }
    // Overwritten.
    assert_eq!(
        opcodes(&[multiply(3, 1, 2), add(3, 1, 3)], 4),
        [MultiplyThenAdd, FloatAdd]
    );
    // An element that is changed in its place, and one that is not.
    let get = |a, c| Instruction::ArrayGet { a, b: 1, c };
    let update = |place| {
        let set = Instruction::ArraySet {
            a: 1,
            b: place,
            c: 4,
        };
        opcodes(&[get(5, 2), add(4, 5, 3), set], 4)
    };
    use Op::{ArraySet, ElementThenAdd, ElementThenAddThenSet};
    assert_eq!(update(2), [ElementThenAddThenSet, FloatAdd, ArraySet]);
    assert_eq!(update(3), [ElementThenAdd, FloatAdd, ArraySet]);
    // Three in a row are a pair and one.
    let three = [multiply(4, 1, 2), multiply(5, 4, 3), add(3, 5, 1)];
    assert_eq!(
        opcodes(&three, 4),
        [MultiplyThenMultiply, FloatMultiply, FloatAdd]
    );
}

#[test]
fn tests_of_sums_are_combined_with_them() {
    let step = |a| Instruction::AddImm { a, b: 0, sc: 1 };
    for (counter, expected) in [(0, Op::StepThenJumpLess), (1, Op::AddImm)] {
        let mut assembler = Assembler::new();
        let top = assembler.here();
        assembler.emit(step(counter));
        assembler.jump(Instruction::JumpLess { a: 0, b: 2, sx: 0 }, top);
        assembler.emit(Instruction::Return { a: 0 });
        let code = assembler.finish().unwrap().code;
        assert_eq!(Op::from_byte(code[0] as u8), Some(expected));
        let test = Instruction::JumpLess { a: 0, b: 2, sx: -3 };
        assert_eq!(Instruction::decode(code[1], Some(code[2])), Some(test));
    }
}

#[test]
fn comparisons_of_a_register_with_itself_read_it_after_the_step() {
    for jump in [
        Instruction::JumpLess { a: 0, b: 0, sx: 0 },
        Instruction::JumpNotGreater { a: 0, b: 0, sx: 0 },
        Instruction::JumpNotGreaterEqual { a: 0, b: 0, sx: 0 },
        Instruction::JumpNotEqual { a: 0, b: 0, sx: 0 },
    ] {
        let mut assembler = Assembler::new();
        let top = assembler.here();
        assembler.emit(Instruction::AddImm { a: 0, b: 0, sc: 1 });
        assembler.jump(jump, top);
        assembler.emit(Instruction::Return { a: 0 });
        let code = assembler.finish().unwrap().code;
        assert_eq!(Op::from_byte(code[0] as u8), Some(Op::AddImm), "{jump:?}");
    }
    // The second operand of these is no register.
    let mut assembler = Assembler::new();
    let top = assembler.here();
    assembler.emit(Instruction::SubtractImm { a: 0, b: 0, sc: 1 });
    assembler.jump(
        Instruction::JumpNotEqualImm {
            a: 0,
            sbx: 0,
            sx: 0,
        },
        top,
    );
    assembler.emit(Instruction::Return { a: 0 });
    let code = assembler.finish().unwrap().code;
    let op = Op::from_byte(code[0] as u8);
    assert_eq!(op, Some(Op::StepThenJumpNotEqualImm));
}

#[test]
fn mistakes_are_reported() {
    let mut unbound = Assembler::new();
    let label = unbound.new_label();
    unbound.jump(Instruction::Jump { s24: 0 }, label);
    assert_eq!(unbound.finish(), Err(AssembleError::Unbound(label)));

    let mut twice = Assembler::new();
    let label = twice.here();
    twice.bind(label);
    assert_eq!(twice.finish(), Err(AssembleError::BoundTwice(label)));

    let mut misused = Assembler::new();
    misused.emit(Instruction::Jump { s24: 0 });
    assert_eq!(misused.finish(), Err(AssembleError::Misused("jump")));
}

#[test]
fn equal_positions_share_an_entry() {
    let mut assembler = Assembler::new();
    assembler.position(0, 1, 1);
    assembler.position(0, 2, 1);
    assembler.emit(Instruction::Move { a: 0, b: 1 });
    assembler.position(0, 2, 1);
    assembler.emit(Instruction::Return { a: 0 });
    assembler.position(0, 3, 1);
    let lines = assembler.finish().unwrap().lines;
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].pc, lines[0].line), (0, 2));
}

/// A loop with a branch in its body: a counted call on one side, and on the other side if `both`; `guarded`: what raises
/// before the call leads to the end of the round.
fn counted_loop(both: bool, guarded: bool) -> usize {
    let mut assembler = Assembler::new();
    let call = Instruction::CountedCall { a: 1, b: 0 };
    let head = assembler.here();
    let (other, joined, caught) = (
        assembler.new_label(),
        assembler.new_label(),
        assembler.new_label(),
    );
    let start = assembler.here();
    assembler.jump(Instruction::JumpFalse { a: 0, sbx: 0 }, other);
    assembler.emit(call);
    assembler.jump(Instruction::Jump { s24: 0 }, joined);
    assembler.bind(other);
    if both {
        assembler.emit(call);
    }
    assembler.bind(joined);
    let end = assembler.here();
    assembler.bind(caught);
    assembler.count_round(head);
    assembler.jump(Instruction::Loop { s24: 0 }, head);
    if guarded {
        assembler.handler(start, end, caught, 0);
    }
    let code = assembler.finish().unwrap().code;
    let counts = |word: &&u32| **word as u8 == Op::CountStep as u8;
    code.iter().filter(counts).count()
}

#[test]
fn rounds_that_always_call_do_not_count_themselves() {
    assert_eq!(counted_loop(true, false), 0);
    assert_eq!(counted_loop(false, false), 1);
    assert_eq!(counted_loop(true, true), 1);
}
