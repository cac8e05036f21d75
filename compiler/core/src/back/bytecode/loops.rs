//! Loops: their variables, and the way to the next round.

#![allow(
    clippy::indexing_slicing,
    reason = "a loop has a register and an argument for each variable"
)]

use std::rc::Rc;

use sema_format::encode::Label;
use sema_format::isa::Instruction;

use super::Failure;
use super::expr::{is_call, writes_last};
use super::function::{Dest, FunctionBuilder, Location, LoopTarget};
use crate::front::datum::Span;
use crate::ir::{Expr, ExprKind, VarId};
use crate::middle::loops::mentions;

impl FunctionBuilder<'_, '_> {
    pub fn enter_loop(
        &mut self,
        label: VarId,
        bindings: &[(VarId, Expr)],
        body: &Expr,
        dest: Dest,
    ) -> Result<(), Failure> {
        let mark = self.next;
        let mut registers = Vec::with_capacity(bindings.len());
        let mut taken = Vec::new();
        for (index, (_, init)) in bindings.iter().enumerate() {
            if let Some((variable, register)) = self.dying(init, &bindings[index + 1..], body, dest)
            {
                // It has no place from here on, so nothing takes the register for its own.
                self.locations.remove(&variable);
                taken.push((variable, register));
                registers.push(register);
                continue;
            }
            let register = self.alloc(init.span)?;
            self.expr(init, Dest::Reg(register))?;
            registers.push(register);
        }
        let innermost = std::mem::replace(&mut self.innermost, mark);
        let hoisted = self.hoist(&[body])?;
        // The loop's registers hold plain values when a round begins; boxes are made afresh.
        let head = self.asm.here();
        for ((variable, _), register) in bindings.iter().zip(&registers) {
            self.bind_in_place(*variable, *register)?;
        }
        // Registers whose variables live in slots are only used on the way to the next round.
        self.release_slotted(mark);
        let variables: Rc<[VarId]> = bindings.iter().map(|(variable, _)| *variable).collect();
        let mut counters = super::counters::of(label, bindings, body);
        counters.retain(|variable| !self.variables.is_assigned(*variable));
        let target = LoopTarget {
            head,
            variables,
            counters: counters.into(),
        };
        self.loops.insert(label, target);
        self.loop_registers.insert(label, registers.into());
        self.expr(body, dest)?;
        self.loops.remove(&label);
        self.unhoist(hoisted);
        self.innermost = innermost;
        // Code that runs instead of the loop may still mention them.
        for (variable, register) in taken {
            self.locations
                .insert(variable, Location::Register(register));
        }
        self.next = mark;
        Ok(())
    }

    /// The variable, with its register, that is a loop variable's initial value and that nothing reads
    /// afterwards. The loop variable takes over its register: otherwise it would keep its value alive
    /// as long as the function runs.
    fn dying(
        &self,
        init: &Expr,
        later: &[(VarId, Expr)],
        body: &Expr,
        dest: Dest,
    ) -> Option<(VarId, u8)> {
        let ExprKind::Local(variable) = init.kind else {
            return None;
        };
        let register = self.register_of(variable)?;
        // In an enclosing loop, it must have a value of its own in each round. After a loop in tail
        // position nothing else of the function runs.
        let dies = u32::from(register) >= self.innermost
            && !self.is_slotted(register)
            && !self.variables.is_assigned(variable)
            && (self.variables.is_mentioned_once(variable)
                || dest == Dest::Tail
                    && !mentions(body, variable)
                    && !later.iter().any(|(_, init)| mentions(init, variable)));
        dies.then_some((variable, register))
    }

    /// Whether calls and rounds of loops count steps.
    pub fn counts_steps(&self) -> bool {
        self.module.unit.stoppable
    }

    /// Counts a step of a call that has no instruction of its own to do so.
    pub fn count_step(&mut self) {
        if self.counts_steps() {
            self.asm.emit(Instruction::CountStep {});
        }
    }

    /// Counts a step of a loop. It comes before the variables get their new values, so that the last of those and
    /// the test stay together.
    pub fn count_round(&mut self, head: Label) {
        if self.counts_steps() {
            self.asm.count_round(head);
        }
    }

    pub fn recur(&mut self, label: VarId, arguments: &[Expr], span: Span) -> Result<(), Failure> {
        let (Some(target), Some(registers)) = (
            self.loops.get(&label).cloned(),
            self.loop_registers.get(&label).cloned(),
        ) else {
            return self.nil(Dest::Effect, span);
        };
        self.count_round(target.head);
        self.restart(&target.variables, &registers, arguments, &target.counters)?;
        self.asm.repeat(target.head);
        Ok(())
    }

    /// Evaluates the new values of loop variables and moves them into place.
    pub fn restart(
        &mut self,
        variables: &[VarId],
        registers: &[u8],
        arguments: &[Expr],
        counters: &[VarId],
    ) -> Result<(), Failure> {
        let mark = self.next;
        let mut moves = Vec::new();
        let mut steps = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            let (variable, register) = (variables[index], registers[index]);
            let own = self.register_of(variable) == Some(register);
            if own
                && matches!(argument.kind, ExprKind::Local(same) if same == variable)
                && !self.variables.is_assigned(variable)
            {
                continue;
            }
            // Counting raises nothing and reads nothing else: it may as well come last.
            if own && counters.contains(&variable) && !self.is_crowded() {
                steps.push((counters.last() == Some(&variable), register, argument));
                continue;
            }
            // A box in the register is still read by later arguments and must stay.
            let later = &arguments[index + 1..];
            let free = own
                && !self.is_crowded()
                && !later.iter().any(|e| mentions(e, variable))
                && (writes_last(argument) || !mentions(argument, variable) && !is_call(argument));
            if free {
                self.expr(argument, Dest::Reg(register))?;
            } else {
                let fresh = self.alloc(argument.span)?;
                self.expr(argument, Dest::Reg(fresh))?;
                moves.push((register, fresh));
            }
        }
        for (register, fresh) in moves {
            self.asm.copy(register, fresh);
        }
        // Last of all, so that a test of the counter can follow at once.
        steps.sort_by_key(|(last, ..)| *last);
        for (_, register, step) in steps {
            self.expr(step, Dest::Reg(register))?;
        }
        self.next = mark;
        Ok(())
    }
}
