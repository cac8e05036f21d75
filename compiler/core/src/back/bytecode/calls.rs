//! Calls.

#![allow(
    clippy::indexing_slicing,
    reason = "the number of operands has been compared with that of the instruction"
)]

use sema_format::isa::{Instruction, Op, special};

use super::function::{Dest, FunctionBuilder, MAX_PARAMETERS};
use super::primitives;
use super::{Failure, KnownFunction};
use crate::front::datum::{DatumKind, Span};
use crate::ir::{Builtin, Expr, ExprKind};

/// Arguments that a call window or a range takes at most; further ones travel in a list.
pub(super) const MOST_ARGUMENTS: usize = 48;

/// Operands of `+`, `-` and `*` at most that are instructions.
const MOST_CHAINED: usize = 8;

impl FunctionBuilder<'_, '_> {
    pub fn call(
        &mut self,
        callee: &Expr,
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        match &callee.kind {
            ExprKind::Builtin(builtin) => self.call_builtin(*builtin, arguments, dest, span),
            ExprKind::Global(global) => {
                if let Some(itself) = self.itself.clone()
                    && itself.global == *global
                    && dest == Dest::Tail
                    && self.exact(*global, arguments.len())
                {
                    let registers: Vec<u8> = (0..itself.variables.len() as u8).collect();
                    self.count_round(itself.head);
                    self.restart(&itself.variables, &registers, arguments, &[])?;
                    self.asm.repeat(itself.head);
                    return Ok(());
                }
                match self.module.known.get(global).cloned() {
                    Some(known) if accepts(&known, arguments.len()) => {
                        self.call_known(&known, arguments, dest, span)
                    }
                    _ => self.call_value(callee, arguments, dest, span),
                }
            }
            // A keyword applied to one map.
            ExprKind::Const(keyword @ DatumKind::Keyword(_)) if arguments.len() == 1 => {
                let key = self.constant(keyword)?;
                self.deliver_to(dest, span, |b, register| {
                    let mark = b.next;
                    let map = b.operand(&arguments[0], register)?;
                    b.position(span);
                    b.asm.emit(Instruction::GetKeyword {
                        a: register,
                        b: map,
                        x: key,
                    });
                    b.next = mark;
                    Ok(())
                })
            }
            _ => self.call_value(callee, arguments, dest, span),
        }
    }

    /// Whether a global is a known function of exactly this many parameters.
    fn exact(&self, global: crate::ir::GlobalId, count: usize) -> bool {
        self.module.known.get(&global).is_some_and(|known| {
            known.lambda.rest.is_none()
                && known.lambda.optional == 0
                && known.lambda.parameters.len() == count
        })
    }

    /// A call of whatever the callee's value is.
    pub(super) fn call_value(
        &mut self,
        callee: &Expr,
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        if arguments.len() > MOST_ARGUMENTS {
            let late = matches!(callee.kind, ExprKind::Global(_));
            return self.call_spread(callee, late, &[], arguments, dest, span);
        }
        let mark = self.next;
        let window = self.window(dest, span)?;
        // The operator first, unless it is a global: then it is looked up after the arguments.
        let late = matches!(callee.kind, ExprKind::Global(_))
            || matches!(callee.kind, ExprKind::Local(v) if !self.variables.is_assigned(v));
        self.callee_and_arguments(callee, late, arguments, window)?;
        self.position(span);
        let b = arguments.len() as u8;
        if dest == Dest::Tail {
            self.asm.emit(if self.counts_steps() {
                Instruction::CountedTailCall { a: window, b }
            } else {
                Instruction::TailCall { a: window, b }
            });
            self.asm.emit(Instruction::Return { a: window });
        } else {
            self.asm.emit(if self.counts_steps() {
                Instruction::CountedCall { a: window, b }
            } else {
                Instruction::Call { a: window, b }
            });
            self.deliver(window, dest);
        }
        self.next = mark;
        Ok(())
    }

    /// Fills a call window: the callee first or `late`.
    pub(super) fn callee_and_arguments(
        &mut self,
        callee: &Expr,
        late: bool,
        arguments: &[Expr],
        window: u8,
    ) -> Result<(), Failure> {
        if late {
            self.consecutive(arguments, window)?;
            return self.expr(callee, Dest::Reg(window));
        }
        self.expr(callee, Dest::Reg(window))?;
        if self.is_crowded() {
            let function = self.spill(window);
            self.consecutive(arguments, window)?;
            self.asm.emit(Instruction::LoadSlot {
                a: window,
                x: function,
            });
            return Ok(());
        }
        self.consecutive(arguments, window)
    }

    /// The base of a call window: the destination itself if it is the top register.
    pub(super) fn window(&mut self, dest: Dest, span: Span) -> Result<u8, Failure> {
        match dest {
            Dest::Reg(register) if u32::from(register) + 1 == self.next => Ok(register),
            _ => self.alloc(span),
        }
    }

    pub(super) fn deliver(&mut self, result: u8, dest: Dest) {
        if let Dest::Reg(register) = dest
            && register != result
        {
            self.asm.copy(register, result);
        }
    }

    fn call_known(
        &mut self,
        known: &KnownFunction,
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        let fixed = known.lambda.parameters.len();
        if arguments.len() > MOST_ARGUMENTS.max(fixed)
            || fixed > MAX_PARAMETERS
            || !self.has_room(fixed.max(arguments.len()) + 4)
        {
            let index = known.index;
            return self.spread_window(
                |b, window| {
                    b.asm.closure(window, index, &[]);
                    Ok(())
                },
                false,
                &[],
                arguments,
                dest,
                span,
            );
        }
        let mark = self.next;
        let window = self.window(dest, span)?;
        let after_window = self.next;
        self.consecutive(arguments, window)?;
        for _ in arguments.len()..fixed {
            let register = self.alloc(span)?;
            self.asm.emit(Instruction::LoadSpecial {
                a: register,
                b: special::MISSING,
            });
        }
        let mut slots = fixed;
        if known.lambda.rest.is_some() {
            let start = (after_window as usize + fixed) as u8;
            let extra = arguments.len().saturating_sub(fixed);
            if extra == 0 {
                let register = self.alloc(span)?;
                self.asm.emit(Instruction::LoadSpecial {
                    a: register,
                    b: special::EMPTY_LIST,
                });
            } else {
                self.asm.emit(Instruction::MakeList {
                    a: start,
                    b: start,
                    c: extra as u8,
                });
            }
            slots += 1;
        }
        self.position(span);
        let (b, x) = (slots as u8, known.index);
        if dest == Dest::Tail {
            self.asm.emit(if self.counts_steps() {
                Instruction::CountedTailCallKnown { a: window, b, x }
            } else {
                Instruction::TailCallKnown { a: window, b, x }
            });
        } else {
            self.asm.emit(if self.counts_steps() {
                Instruction::CountedCallKnown { a: window, b, x }
            } else {
                Instruction::CallKnown { a: window, b, x }
            });
            self.deliver(window, dest);
        }
        self.next = mark;
        Ok(())
    }

    fn call_builtin(
        &mut self,
        builtin: Builtin,
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        if builtin == Builtin::RUN_PART
            && let [argument] = arguments
            && let ExprKind::Global(part) = argument.kind
            && let Some(import) = self.module.import_of_part(part)
        {
            return self.deliver_to(dest, span, |b, register| {
                b.run_module(import, span)?;
                b.nil(Dest::Reg(register), span)
            });
        }
        let operation = builtin.operation(arguments.len());
        match (operation, arguments) {
            (Some(made @ (Op::MakeList | Op::MakeVector)), items)
                if items.len() <= MOST_ARGUMENTS =>
            {
                return self.sequence(items, dest, span, made == Op::MakeVector);
            }
            (Some(Op::ArraySet | Op::CellSet), _) => {
                return self.store_element(arguments, dest, span);
            }
            (Some(Op::Element), [sequence, index]) => {
                if let Some(c) = primitives::small_index(index) {
                    return self.deliver_to(dest, span, |b, register| {
                        let mark = b.next;
                        let sequence = b.operand(sequence, register)?;
                        b.position(span);
                        b.asm.emit(Instruction::Element {
                            a: register,
                            b: sequence,
                            c,
                        });
                        b.next = mark;
                        Ok(())
                    });
                }
            }
            (Some(record @ (Op::MakeRecord | Op::RecordTest | Op::RecordRef)), _) => {
                if let Some(operation) = self.record_operation(record, arguments) {
                    return self.deliver_to(dest, span, |b, register| {
                        b.record(&operation, register, span)
                    });
                }
            }
            // Given a constant keyword, `get` is the keyword applied to the map.
            (Some(Op::Get), [map, keyword])
                if matches!(keyword.kind, ExprKind::Const(DatumKind::Keyword(_))) =>
            {
                return self.call(keyword, std::slice::from_ref(map), dest, span);
            }
            (None, _) if (3..=MOST_CHAINED).contains(&arguments.len()) => {
                if let Some(of_two) = builtin.operation(2)
                    && primitives::in_chain(of_two, 0, 0, 0).is_some()
                {
                    return self.chained(of_two, arguments, dest, span);
                }
            }
            _ => {}
        }
        if primitives::is_instruction(builtin, arguments.len()) {
            return self.deliver_to(dest, span, |b, register| {
                b.primitive(builtin, arguments, register, span)
            });
        }
        let facts = builtin.facts();
        let accepted = builtin.is_native() && facts.arity().accepts(arguments.len());
        if !accepted || arguments.len() > MOST_ARGUMENTS || facts.calls_back {
            let callee = Expr::new(ExprKind::Builtin(builtin), span);
            return self.call_value(&callee, arguments, dest, span);
        }
        self.deliver_to(dest, span, |b, register| {
            let mark = b.next;
            let start = b.range(arguments, register)?;
            let native = u32::from(b.native(builtin)?);
            b.position(span);
            b.asm.emit(Instruction::CallNative {
                a: register,
                b: start,
                c: arguments.len() as u8,
                x: native,
            });
            b.next = mark;
            Ok(())
        })
    }

    /// The instruction for an operation on records whose type is in a global.
    fn record_operation<'e>(
        &self,
        operation: Op,
        arguments: &'e [Expr],
    ) -> Option<RecordOperation<'e>> {
        let (record_type, operands) = arguments.split_first()?;
        let ExprKind::Global(global) = record_type.kind else {
            return None;
        };
        if !self.module.globals.hidden.contains(&global) {
            return None;
        }
        let kind = match (operation, operands) {
            (Op::MakeRecord, fields) if fields.len() <= MOST_ARGUMENTS => RecordKind::Make(fields),
            (Op::RecordTest, [value]) => RecordKind::Test(value),
            (Op::RecordRef, [index, _, record]) => {
                RecordKind::Field(record, primitives::small_index(index)?)
            }
            _ => return None,
        };
        Some(RecordOperation { x: global.0, kind })
    }

    fn record(
        &mut self,
        operation: &RecordOperation<'_>,
        a: u8,
        span: Span,
    ) -> Result<(), Failure> {
        let (mark, x) = (self.next, operation.x);
        let instruction = match operation.kind {
            RecordKind::Make(fields) => {
                let b = self.range(fields, a)?;
                let c = fields.len() as u8;
                Instruction::MakeRecord { a, b, c, x }
            }
            RecordKind::Test(value) => {
                let b = self.operand(value, a)?;
                Instruction::RecordTest { a, b, x }
            }
            RecordKind::Field(record, c) => {
                let b = self.operand(record, a)?;
                Instruction::RecordRef { a, b, c, x }
            }
        };
        self.position(span);
        self.asm.emit(instruction);
        self.next = mark;
        Ok(())
    }

    /// Evaluates expressions into consecutive registers and gives the first. The result of what uses
    /// them goes to `dest`.
    fn range(&mut self, arguments: &[Expr], dest: u8) -> Result<u8, Failure> {
        match arguments {
            [] => Ok(0),
            [single] => self.operand(single, dest),
            _ => {
                let scratch = match self.is_crowded() {
                    true => self.scratch(dest, self.span)?,
                    false => dest,
                };
                let start = self.next as u8;
                self.consecutive(arguments, scratch)?;
                Ok(start)
            }
        }
    }

    pub(super) fn sequence(
        &mut self,
        items: &[Expr],
        dest: Dest,
        span: Span,
        vector: bool,
    ) -> Result<(), Failure> {
        self.deliver_to(dest, span, |b, register| {
            let mark = b.next;
            let start = b.range(items, register)?;
            let (a, c) = (register, items.len() as u8);
            b.asm.emit(match vector {
                true => Instruction::MakeVector { a, b: start, c },
                false if items.is_empty() => Instruction::LoadSpecial {
                    a,
                    b: special::EMPTY_LIST,
                },
                false => Instruction::MakeList { a, b: start, c },
            });
            b.next = mark;
            Ok(())
        })
    }

    fn primitive(
        &mut self,
        builtin: Builtin,
        arguments: &[Expr],
        register: u8,
        span: Span,
    ) -> Result<(), Failure> {
        let mark = self.next;
        // Sums with a small constant.
        if let [left, right] = arguments
            && let Some((value, instruction, n)) = small_addend(builtin, left, right)
        {
            let b = self.operand(value, register)?;
            self.position(span);
            self.asm.emit(instruction(register, b, n));
            self.next = mark;
            return Ok(());
        }
        let operands = match arguments {
            [only] => vec![self.operand(only, register)?],
            _ => self.operands(&arguments.iter().collect::<Vec<_>>(), Some(register))?,
        };
        self.position(span);
        if let Some(mut instruction) = primitives::instruction(builtin, register, &operands) {
            if let [left, right] = arguments
                && self.module.likely.computes_floats(left, right)
            {
                instruction = primitives::float_first(instruction);
            }
            self.asm.emit_using_up(instruction, mark);
        }
        self.next = mark;
        Ok(())
    }

    /// `+`, `-`, `*` of three and more: pairs from the left. Errors name the wrong operand alone.
    fn chained(
        &mut self,
        operation: Op,
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        self.deliver_to(dest, span, |b, register| {
            let mark = b.next;
            let operands = b.operands(&arguments.iter().collect::<Vec<_>>(), Some(register))?;
            b.position(span);
            let mut sum = operands[0];
            for &c in operands.iter().skip(1) {
                if let Some(instruction) = primitives::in_chain(operation, register, sum, c) {
                    b.asm.emit_using_up(instruction, mark);
                }
                sum = register;
            }
            b.next = mark;
            Ok(())
        })
    }

    fn store_element(&mut self, arguments: &[Expr], dest: Dest, span: Span) -> Result<(), Failure> {
        let mark = self.next;
        let operands = self.operands(&arguments.iter().collect::<Vec<_>>(), None)?;
        self.position(span);
        let instruction = match operands[..] {
            [a, b, c] => Instruction::ArraySet { a, b, c },
            _ => Instruction::CellSet {
                a: operands[0],
                b: operands[1],
            },
        };
        self.asm.emit_using_up(instruction, mark);
        match dest {
            Dest::Reg(register) if register != operands[0] => self.asm.copy(register, operands[0]),
            Dest::Tail => self.asm.emit(Instruction::Return { a: operands[0] }),
            _ => {}
        }
        self.next = mark;
        Ok(())
    }
}

/// An operation on records whose type is in global `x`.
struct RecordOperation<'e> {
    x: u32,
    kind: RecordKind<'e>,
}

enum RecordKind<'e> {
    Make(&'e [Expr]),
    Test(&'e Expr),
    Field(&'e Expr, u8),
}

/// Whether a known function takes this many arguments.
pub(super) fn accepts(known: &KnownFunction, count: usize) -> bool {
    let parameters = known.lambda.parameters.len();
    count >= parameters - known.lambda.optional
        && (known.lambda.rest.is_some() || count <= parameters)
}

/// An instruction with destination, register and small constant.
type WithSmall = fn(u8, u8, i8) -> Instruction;

/// The other operand, and what becomes of `(+ x n)`, `(+ n x)` or `(- x n)` with a small constant.
fn small_addend<'e>(
    builtin: Builtin,
    left: &'e Expr,
    right: &'e Expr,
) -> Option<(&'e Expr, WithSmall, i8)> {
    let small = |expr: &Expr| match expr.kind {
        ExprKind::Const(DatumKind::Int(value)) => i8::try_from(value).ok(),
        _ => None,
    };
    // Each order has its own instruction: errors name the operands as they were written.
    match builtin.operation(2)? {
        Op::Add => match (small(right), small(left)) {
            (Some(n), _) => Some((left, |a, b, sc| Instruction::AddImm { a, b, sc }, n)),
            (_, Some(n)) => Some((right, |a, b, sc| Instruction::ImmAdd { a, b, sc }, n)),
            _ => None,
        },
        Op::Subtract => Some((
            left,
            |a, b, sc| Instruction::SubtractImm { a, b, sc },
            small(right)?,
        )),
        _ => None,
    }
}
