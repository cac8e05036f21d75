//! Expressions.

#![allow(
    clippy::indexing_slicing,
    reason = "`index` is the place of an expression"
)]

use sema_format::isa::{Instruction, special};

use super::Failure;
use super::function::{Dest, FunctionBuilder};
use crate::front::datum::Span;
use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, GlobalId, VarId};
use crate::middle::frames;
use crate::middle::loops::mentions;

impl FunctionBuilder<'_, '_> {
    /// Generates an expression whose value goes to `dest`.
    pub fn expr(&mut self, expr: &Expr, dest: Dest) -> Result<(), Failure> {
        match &expr.kind {
            ExprKind::Const(datum) => match dest {
                Dest::Effect => Ok(()),
                _ => self.deliver_to(dest, expr.span, |b, register| {
                    let loaded = b.load_constant(datum, register);
                    let span = expr.span;
                    loaded.map_err(|failure| Failure { span, ..failure })
                }),
            },
            ExprKind::Local(variable) => match dest {
                Dest::Effect => Ok(()),
                Dest::Tail => {
                    let register = self.value(expr)?;
                    self.asm.emit(Instruction::Return { a: register });
                    Ok(())
                }
                Dest::Reg(register) => {
                    self.load_variable(*variable, register);
                    Ok(())
                }
            },
            ExprKind::SetLocal(variable, value) => {
                self.set_local(*variable, value, dest, expr.span)
            }
            ExprKind::Global(global) => self.deliver_to(dest, expr.span, |b, register| {
                b.position(expr.span);
                b.asm.emit(Instruction::GetGlobal {
                    a: register,
                    x: global.0,
                });
                Ok(())
            }),
            ExprKind::SetGlobal(global, value) => {
                self.deliver_to(dest, expr.span, |b, register| {
                    b.expr(value, Dest::Reg(register))?;
                    b.position(expr.span);
                    b.asm.emit(Instruction::SetGlobal {
                        a: register,
                        x: global.0,
                    });
                    Ok(())
                })
            }
            ExprKind::DefineGlobal(global, value) => {
                let known = self.module.known.get(global).map(|known| known.index);
                if let Some(index) = known
                    && matches!(value.kind, ExprKind::Lambda(_))
                {
                    return self.define_known(*global, index, dest, expr.span);
                }
                let mark = self.next;
                let register = self.value(value)?;
                self.asm.emit(Instruction::DefineGlobal {
                    a: register,
                    x: global.0,
                });
                self.next = mark;
                self.nil(dest, expr.span)
            }
            ExprKind::Builtin(builtin) => match dest {
                Dest::Effect => Ok(()),
                _ => self.deliver_to(dest, expr.span, |b, register| {
                    b.load_builtin(*builtin, register)
                }),
            },
            ExprKind::Lambda(lambda) => match dest {
                Dest::Effect => Ok(()),
                _ => self.deliver_to(dest, expr.span, |b, register| b.closure(lambda, register)),
            },
            ExprKind::Call(..) | ExprKind::Apply(..)
                if dest == Dest::Tail && !frames::is_tail(expr.span, &self.module.unit.inlined) =>
            {
                // It was not written in tail position: the caller's frame stays.
                self.deliver_to(dest, expr.span, |b, register| {
                    b.expr(expr, Dest::Reg(register))
                })
            }
            ExprKind::Call(callee, arguments) => self.call(callee, arguments, dest, expr.span),
            ExprKind::Apply(callee, arguments) => self.apply(callee, arguments, dest, expr.span),
            ExprKind::If(test, then, other) => self.conditional(test, then, other, dest),
            ExprKind::And(exprs) => self.short_circuit(exprs, false, dest, expr.span),
            ExprKind::Or(exprs) => self.short_circuit(exprs, true, dest, expr.span),
            ExprKind::Seq(exprs) => match exprs.split_last() {
                Some((last, init)) => {
                    for part in init {
                        self.expr(part, Dest::Effect)?;
                    }
                    self.expr(last, dest)
                }
                None => self.nil(dest, expr.span),
            },
            ExprKind::Let(bindings, body) => {
                let mark = self.next;
                // All initial values first: none of them sees the variables.
                let mut registers = Vec::with_capacity(bindings.len());
                for (_, init) in bindings {
                    let register = self.alloc(init.span)?;
                    self.expr(init, Dest::Reg(register))?;
                    if self.is_slotted(register) {
                        break;
                    }
                    registers.push(register);
                }
                let in_registers = registers.len();
                for ((variable, _), register) in bindings.iter().zip(registers) {
                    self.bind_in_place(*variable, register)?;
                }
                // No initial value mentions a variable of the group, so these may have their places
                // while the rest is computed. The first of them is in the top register.
                for (index, (variable, init)) in bindings.iter().enumerate().skip(in_registers) {
                    if index > in_registers {
                        let register = self.alloc(init.span)?;
                        self.expr(init, Dest::Reg(register))?;
                    }
                    let register = (self.next - 1) as u8;
                    self.bind_in_place(*variable, register)?;
                    self.next -= 1;
                }
                self.next = self.next.max(mark);
                self.expr(body, dest)?;
                self.next = mark;
                Ok(())
            }
            ExprKind::Letrec(bindings, body) => {
                let mark = self.next;
                self.letrec(bindings)?;
                self.expr(body, dest)?;
                self.next = mark;
                Ok(())
            }
            ExprKind::While(test, body) => {
                let mark = self.next;
                let innermost = std::mem::replace(&mut self.innermost, mark);
                let hoisted = self.hoist(&[test, body])?;
                let head = self.asm.here();
                let end = self.asm.new_label();
                self.branch(test, false, end)?;
                self.expr(body, Dest::Effect)?;
                self.count_round(head);
                self.asm.repeat(head);
                self.asm.bind(end);
                self.unhoist(hoisted);
                self.innermost = innermost;
                self.next = mark;
                self.nil(dest, expr.span)
            }
            ExprKind::Loop(label, bindings, body) => self.enter_loop(*label, bindings, body, dest),
            ExprKind::Recur(label, arguments) => self.recur(*label, arguments, expr.span),
            ExprKind::Try(body, variable, handler) => {
                self.protected(body, *variable, handler, dest, expr.span)
            }
            ExprKind::Throw(value) => {
                let mark = self.next;
                let register = self.value(value)?;
                self.position(expr.span);
                self.asm.emit(Instruction::Throw { a: register });
                self.next = mark;
                Ok(())
            }
            ExprKind::Import(import) => self.deliver_to(dest, expr.span, |b, register| {
                b.run_module(import.0, expr.span)?;
                b.asm.emit(Instruction::BindImports {
                    a: register,
                    x: import.0,
                });
                Ok(())
            }),
        }
    }

    /// Runs the module of an import unless it has run.
    pub fn run_module(&mut self, import: u32, span: Span) -> Result<(), Failure> {
        let mark = self.next;
        let window = self.alloc(span)?;
        self.position(span);
        self.asm.emit(Instruction::RunModule {
            a: window,
            b: 0,
            x: import,
        });
        self.next = mark;
        Ok(())
    }

    /// Runs `generate` with a register for the result and delivers it to `dest`.
    pub fn deliver_to(
        &mut self,
        dest: Dest,
        span: Span,
        generate: impl FnOnce(&mut Self, u8) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match dest {
            Dest::Reg(register) => generate(self, register),
            Dest::Effect | Dest::Tail => {
                let mark = self.next;
                let register = self.alloc(span)?;
                generate(self, register)?;
                if dest == Dest::Tail {
                    self.asm.emit(Instruction::Return { a: register });
                }
                self.next = mark;
                Ok(())
            }
        }
    }

    /// The definition of a known function: its code exists already. A function that programs
    /// cannot name and that is only ever called needs no value.
    fn define_known(
        &mut self,
        global: GlobalId,
        index: u32,
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        if !self.module.globals.is_hidden(global) || self.module.used_as_values.contains(&global) {
            let mark = self.next;
            let register = self.alloc(span)?;
            self.asm.closure(register, index, &[]);
            self.asm.emit(Instruction::DefineGlobal {
                a: register,
                x: global.0,
            });
            self.next = mark;
        }
        self.nil(dest, span)
    }

    pub fn nil(&mut self, dest: Dest, span: Span) -> Result<(), Failure> {
        if dest == Dest::Effect {
            return Ok(());
        }
        self.deliver_to(dest, span, |b, register| {
            b.asm.emit(Instruction::LoadSpecial {
                a: register,
                b: special::NIL,
            });
            Ok(())
        })
    }

    /// The register that holds an expression's value: a variable's own, or a new one at the top.
    pub fn value(&mut self, expr: &Expr) -> Result<u8, Failure> {
        if let ExprKind::Local(variable) = &expr.kind
            && let Some(register) = self.register_of(*variable)
        {
            return Ok(register);
        }
        if let Some(register) = self.hoisted(expr) {
            return Ok(register);
        }
        let register = self.alloc(expr.span)?;
        self.expr(expr, Dest::Reg(register))?;
        Ok(register)
    }

    /// Like [`FunctionBuilder::value`] for the only operand of something whose result goes to `dest`.
    pub fn operand(&mut self, expr: &Expr, dest: u8) -> Result<u8, Failure> {
        if !self.is_crowded() || is_trivial(expr) {
            return self.value(expr);
        }
        let register = self.scratch(dest, expr.span)?;
        self.expr(expr, Dest::Reg(register))?;
        Ok(register)
    }

    /// Evaluates expressions into consecutive fresh registers; `scratch` is the top register, which may
    /// be overwritten.
    pub fn consecutive(&mut self, exprs: &[Expr], scratch: u8) -> Result<(), Failure> {
        if !self.is_crowded() || exprs.iter().all(is_trivial) {
            for expr in exprs {
                let register = self.alloc(expr.span)?;
                self.expr(expr, Dest::Reg(register))?;
            }
            return Ok(());
        }
        let mut slots = Vec::with_capacity(exprs.len());
        for expr in exprs {
            self.expr(expr, Dest::Reg(scratch))?;
            slots.push(self.spill(scratch));
        }
        self.reload(&slots, self.span)
    }

    /// Registers of several operands that are evaluated in order, of something whose result goes to
    /// `dest`. A variable's own register is used only if nothing that is evaluated later can assign it.
    pub fn operands(&mut self, exprs: &[&Expr], dest: Option<u8>) -> Result<Vec<u8>, Failure> {
        if self.is_crowded() && !exprs.iter().all(|expr| is_trivial(expr)) {
            let scratch = match dest {
                Some(dest) => self.scratch(dest, self.span)?,
                None => self.alloc(self.span)?,
            };
            let mut slots = Vec::with_capacity(exprs.len());
            for expr in exprs {
                self.expr(expr, Dest::Reg(scratch))?;
                slots.push(self.spill(scratch));
            }
            let first = self.next;
            self.reload(&slots, self.span)?;
            return Ok((first..self.next).map(|register| register as u8).collect());
        }
        let mut registers = Vec::with_capacity(exprs.len());
        for (index, expr) in exprs.iter().enumerate() {
            let stable = match &expr.kind {
                ExprKind::Local(variable) => {
                    !self.variables.is_assigned(*variable)
                        || !exprs[index + 1..].iter().any(|e| assigns(e, *variable))
                }
                _ => true,
            };
            if stable {
                registers.push(self.value(expr)?);
            } else {
                let register = self.alloc(expr.span)?;
                self.expr(expr, Dest::Reg(register))?;
                registers.push(register);
            }
        }
        Ok(registers)
    }

    fn set_local(
        &mut self,
        variable: VarId,
        value: &Expr,
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        let mark = self.next;
        let register = match self.register_of(variable) {
            Some(register)
                if !self.is_crowded()
                    && (writes_last(value) || !mentions(value, variable) && !is_call(value)) =>
            {
                self.expr(value, Dest::Reg(register))?;
                register
            }
            _ => {
                let register = self.value(value)?;
                self.store_variable(variable, register, span)?;
                register
            }
        };
        match dest {
            Dest::Reg(into) if into != register => self.asm.copy(into, register),
            Dest::Tail => self.asm.emit(Instruction::Return { a: register }),
            _ => {}
        }
        self.next = mark;
        Ok(())
    }

    fn conditional(
        &mut self,
        test: &Expr,
        then: &Expr,
        other: &Expr,
        dest: Dest,
    ) -> Result<(), Failure> {
        if self.switch(test, then, other, dest)? {
            return Ok(());
        }
        let otherwise = self.asm.new_label();
        let end = self.asm.new_label();
        self.branch(test, false, otherwise)?;
        self.expr(then, dest)?;
        if dest != Dest::Tail
            && !(dest == Dest::Effect && is_trivial(other))
            && self.asm.falls_through()
        {
            self.asm.jump(Instruction::Jump { s24: 0 }, end);
        }
        self.asm.bind(otherwise);
        self.expr(other, dest)?;
        self.asm.bind(end);
        Ok(())
    }

    /// `and` (`on` false) and `or` (`on` true).
    fn short_circuit(
        &mut self,
        exprs: &[Expr],
        on: bool,
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        let Some((last, init)) = exprs.split_last() else {
            return self.nil(dest, span);
        };
        let end = self.asm.new_label();
        match dest {
            Dest::Effect => {
                for part in init {
                    self.branch(part, on, end)?;
                }
                self.expr(last, Dest::Effect)?;
                self.asm.bind(end);
            }
            Dest::Reg(register) => {
                for part in init {
                    self.expr(part, Dest::Reg(register))?;
                    self.jump_if(register, on, end);
                }
                self.expr(last, dest)?;
                self.asm.bind(end);
            }
            Dest::Tail => {
                let mark = self.next;
                let register = self.alloc(span)?;
                for part in init {
                    self.expr(part, Dest::Reg(register))?;
                    self.jump_if(register, on, end);
                }
                self.next = mark;
                self.expr(last, Dest::Tail)?;
                if !init.is_empty() {
                    self.asm.bind(end);
                    self.asm.emit(Instruction::Return { a: register });
                } else {
                    self.asm.bind(end);
                }
                self.next = mark;
            }
        }
        Ok(())
    }

    fn protected(
        &mut self,
        body: &Expr,
        variable: VarId,
        handler: &Expr,
        dest: Dest,
        span: Span,
    ) -> Result<(), Failure> {
        let mark = self.next;
        // The body is not in tail position: its handler must still be there.
        let result = match dest {
            Dest::Reg(register) => register,
            _ => self.alloc(span)?,
        };
        let caught = self.alloc(span)?;
        let [start, end, target, after] = [(); 4].map(|()| self.asm.new_label());
        self.asm.bind(start);
        // A loop's next round is outside the protected range: `Recur` never occurs in here.
        self.expr(
            body,
            if dest == Dest::Effect {
                Dest::Effect
            } else {
                Dest::Reg(result)
            },
        )?;
        self.asm.bind(end);
        if dest == Dest::Tail {
            self.asm.emit(Instruction::Return { a: result });
        } else {
            self.asm.jump(Instruction::Jump { s24: 0 }, after);
        }
        self.asm.bind(target);
        self.bind_in_place(variable, caught)?;
        self.expr(handler, dest)?;
        self.asm.bind(after);
        self.asm.handler(start, end, target, caught);
        self.next = mark;
        Ok(())
    }
}

/// Whether evaluating the expression neither runs code nor changes anything.
pub(crate) fn is_trivial(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Const(_) | ExprKind::Local(_) | ExprKind::Builtin(_)
    )
}

/// Whether the expression assigns a variable that lives in a register.
fn assigns(expr: &Expr, variable: VarId) -> bool {
    match &expr.kind {
        ExprKind::SetLocal(found, _) if *found == variable => true,
        // It would live in a box.
        ExprKind::Lambda(_) => false,
        _ => {
            let mut found = false;
            for_each_child(expr, &mut |child| found = found || assigns(child, variable));
            found
        }
    }
}

/// Whether the last instruction of the expression's code is the only one that writes its
/// destination, after it has read its operands.
pub(super) fn writes_last(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Local(_) => true,
        ExprKind::Call(callee, arguments) => match callee.kind {
            ExprKind::Builtin(builtin) => {
                super::primitives::is_instruction(builtin, arguments.len())
            }
            _ => false,
        },
        // The test is computed elsewhere.
        ExprKind::If(_, then, other) => writes_last(then) && writes_last(other),
        ExprKind::Seq(parts) => parts.last().is_some_and(writes_last),
        _ => false,
    }
}

/// Whether the expression's code may use its destination as the base of a call window.
pub(super) fn is_call(expr: &Expr) -> bool {
    !matches!(
        expr.kind,
        ExprKind::Const(_) | ExprKind::Local(_) | ExprKind::Global(_) | ExprKind::Lambda(_)
    )
}
