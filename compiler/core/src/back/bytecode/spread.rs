//! Calls whose arguments lie in lists: `apply`, and calls of more arguments than a window has room for.

use sema_format::isa::Instruction;

use super::Failure;
use super::calls::MOST_ARGUMENTS;
use super::function::{Dest, FunctionBuilder};
use crate::front::datum::Span;
use crate::ir::{Expr, called};

impl FunctionBuilder<'_, '_> {
    /// `apply`
    pub fn apply(
        &mut self,
        callee: &Expr,
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        match arguments.split_last() {
            Some((_, fixed)) if fixed.len() < MOST_ARGUMENTS => {
                let mark = self.next;
                let window = self.window(dest, span)?;
                self.callee_and_arguments(callee, false, arguments, window)?;
                self.finish_apply(window, arguments.len(), dest, span);
                self.next = mark;
                Ok(())
            }
            Some((sequence, fixed)) => self.call_spread(
                callee,
                false,
                std::slice::from_ref(sequence),
                fixed,
                dest,
                span,
            ),
            None => self.call_value(callee, arguments, dest, span),
        }
    }

    fn finish_apply(&mut self, window: u8, count: usize, dest: Dest, span: Span) {
        self.position(span);
        self.count_step();
        let b = count as u8;
        if dest == Dest::Tail {
            self.asm.emit(Instruction::TailApply { a: window, b });
            self.asm.emit(Instruction::Return { a: window });
        } else {
            self.asm.emit(Instruction::Apply { a: window, b });
            self.deliver(window, dest);
        }
    }

    /// A call with more arguments than a window takes: they travel in a list. `last`, if given, is
    /// a sequence of further arguments.
    pub(super) fn call_spread(
        &mut self,
        callee: &Expr,
        late: bool,
        last: &[Expr],
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        self.spread_window(
            |b, window| b.expr(callee, Dest::Reg(window)),
            late,
            last,
            arguments,
            dest,
            span,
        )
    }

    pub(super) fn spread_window(
        &mut self,
        callee: impl FnOnce(&mut Self, u8) -> Result<(), Failure>,
        late: bool,
        last: &[Expr],
        arguments: &[Expr],
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        let mark = self.next;
        let window = self.window(dest, span)?;
        let mut callee = Some(callee);
        if let Some(callee) = callee.take_if(|_| !late) {
            callee(self, window)?;
        }
        // Lists of a part each, then one list of all.
        let parts_start = self.alloc(span)?;
        self.next = u32::from(parts_start);
        for (index, part) in arguments.chunks(MOST_ARGUMENTS).enumerate() {
            let register = self.alloc(span)?;
            self.sequence(part, Dest::Reg(register), span, false)?;
            if index > 0 {
                // Joined at once, so that the number of parts costs no registers.
                let native = u32::from(self.native(called::APPEND)?);
                self.asm.emit(Instruction::CallNative {
                    a: parts_start,
                    b: parts_start,
                    c: 2,
                    x: native,
                });
                self.next -= 1;
            }
        }
        for sequence in last {
            let register = self.alloc(span)?;
            self.expr(sequence, Dest::Reg(register))?;
            self.position(span);
            let native = u32::from(self.native(called::APPEND)?);
            self.asm.emit(Instruction::CallNative {
                a: parts_start,
                b: parts_start,
                c: 2,
                x: native,
            });
        }
        if let Some(callee) = callee {
            callee(self, window)?;
        }
        self.finish_apply(window, 1, dest, span);
        self.next = mark;
        Ok(())
    }
}
