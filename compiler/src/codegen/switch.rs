//! Chains of comparisons of one variable with integers: found by halves instead of one after the other.
//!
//! `case`, `cond` and `match` with many integers arrive as chains of `if`. Whatever the variable holds, the
//! outcome is that of the chain: an integer is searched for, anything else goes through the
//! comparisons as they were written if they can succeed (a float may be `=` to an integer).

use std::collections::HashSet;

use sema_format::encode::Label;
use sema_format::isa::{Instruction, Predicate};

use super::Failure;
use super::function::{Dest, FunctionBuilder};
use crate::datum::DatumKind;
use crate::ir::{Builtin, Expr, ExprKind, VarId};

/// Integers in a chain that make searching worth it.
const ENOUGH: usize = 8;
/// This many and fewer are tried one after the other.
const FEW: usize = 3;

/// One branch: the integers that lead to it, and its code.
struct Case<'e> {
    keys: Vec<i16>,
    body: &'e Expr,
}

impl FunctionBuilder<'_, '_> {
    /// Generates a conditional that is such a chain; false if it is none.
    pub fn switch(
        &mut self,
        test: &Expr,
        then: &Expr,
        other: &Expr,
        dest: Dest,
    ) -> Result<bool, Failure> {
        let Some((variable, test_name, keys)) = comparisons(test) else {
            return Ok(false);
        };
        let mut cases = vec![Case { keys, body: then }];
        let mut default = other;
        while let ExprKind::If(test, then, other) = &default.kind
            && let Some((same, name, keys)) = comparisons(test)
            && same == variable
            && name == test_name
        {
            cases.push(Case { keys, body: then });
            default = other;
        }
        let count: usize = cases.iter().map(|case| case.keys.len()).sum();
        if count < ENOUGH {
            return Ok(false);
        }
        let mark = self.next;
        let subject = Expr::new(ExprKind::Local(variable), test.span);
        let register = self.value(&subject)?;
        self.cases(register, test_name, &cases, default, dest)?;
        self.next = mark;
        Ok(true)
    }

    fn cases(
        &mut self,
        register: u8,
        test: &str,
        cases: &[Case<'_>],
        default: &Expr,
        dest: Dest,
    ) -> Result<(), Failure> {
        let [otherwise, one_by_one, end] = [(); 3].map(|()| self.asm.new_label());
        let labels: Vec<Label> = cases.iter().map(|_| self.asm.new_label()).collect();
        // An integer that occurs twice leads to the first place.
        let mut seen = HashSet::new();
        let mut in_order = Vec::new();
        for (case, label) in cases.iter().zip(&labels) {
            let new = case.keys.iter().filter(|key| seen.insert(**key));
            in_order.extend(new.map(|key| (*key, *label)));
        }
        let mut sorted = in_order.clone();
        sorted.sort_by_key(|(key, _)| *key);
        let not_integer = Instruction::JumpNotTest {
            a: register,
            b: Predicate::ExactInteger as u8,
            sx: 0,
        };
        if test == "=" {
            self.asm.jump(not_integer, one_by_one);
            self.search(register, &sorted, otherwise);
            self.asm.bind(one_by_one);
            self.try_each(register, &in_order, otherwise);
        } else {
            // Only an integer is `equal?` to one.
            self.asm.jump(not_integer, otherwise);
            self.search(register, &sorted, otherwise);
        }
        let mark = self.next;
        for (case, label) in cases.iter().zip(labels) {
            self.asm.bind(label);
            self.expr(case.body, dest)?;
            self.next = mark;
            if dest != Dest::Tail && self.asm.falls_through() {
                self.asm.jump(Instruction::Jump { s24: 0 }, end);
            }
        }
        self.asm.bind(otherwise);
        self.expr(default, dest)?;
        self.asm.bind(end);
        Ok(())
    }

    /// Jumps to the place of the integer in a register, by halves.
    fn search(&mut self, register: u8, keys: &[(i16, Label)], otherwise: Label) {
        if keys.len() <= FEW {
            return self.try_each(register, keys, otherwise);
        }
        let (low, high) = keys.split_at(keys.len() / 2);
        let below = self.asm.new_label();
        if let Some((least, _)) = high.first() {
            let less = Instruction::JumpLessImm {
                a: register,
                sbx: *least,
                sx: 0,
            };
            self.asm.jump(less, below);
        }
        self.search(register, high, otherwise);
        self.asm.bind(below);
        self.search(register, low, otherwise);
    }

    fn try_each(&mut self, register: u8, keys: &[(i16, Label)], otherwise: Label) {
        for (key, label) in keys {
            let equal = Instruction::JumpEqualImm {
                a: register,
                sbx: *key,
                sx: 0,
            };
            self.asm.jump(equal, *label);
        }
        self.asm.jump(Instruction::Jump { s24: 0 }, otherwise);
    }
}

/// The variable that a test compares with integers, the test, and the integers.
fn comparisons(test: &Expr) -> Option<(VarId, &'static str, Vec<i16>)> {
    match &test.kind {
        ExprKind::Or(parts) => {
            let mut found: Option<(VarId, &'static str, Vec<i16>)> = None;
            for part in parts {
                let (variable, name, keys) = comparisons(part)?;
                match &mut found {
                    None => found = Some((variable, name, keys)),
                    Some((same, test, all)) if *same == variable && *test == name => {
                        all.extend(keys);
                    }
                    Some(_) => return None,
                }
            }
            found
        }
        ExprKind::Call(callee, arguments) => {
            let ExprKind::Builtin(Builtin(name @ ("=" | "equal?" | "eq?"))) = callee.kind else {
                return None;
            };
            match &arguments[..] {
                [left, right] => match (&left.kind, &right.kind) {
                    (ExprKind::Local(variable), ExprKind::Const(DatumKind::Int(key)))
                    | (ExprKind::Const(DatumKind::Int(key)), ExprKind::Local(variable)) => {
                        Some((*variable, name, vec![i16::try_from(*key).ok()?]))
                    }
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}
