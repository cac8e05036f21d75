//! Chains of comparisons of one variable with constants: decided at once instead of one after the other.
//!
//! `case`, `cond` and `match` with many integers arrive as chains of `if`. Whatever the variable holds, the
//! outcome is that of the chain: an integer is searched for by halves, anything else goes through the
//! comparisons as they were written if they can succeed (a float may be `=` to an integer).
//!
//! Where the constants are keywords, symbols, strings and the like, one instruction looks the value up in
//! a table. The branches may have further conditions: each then goes on with the next branch of the chain
//! for the same constant, because those in between compare with others.

#![allow(
    clippy::indexing_slicing,
    reason = "numbers of clauses are their places"
)]

use crate::hashing::{HashMap, HashSet};

use sema_format::encode::Label;
use sema_format::isa::{Instruction, Op, Predicate};
use sema_format::model::Constant;

use super::Failure;
use super::branch::{atom, symbolic};
use super::function::{Dest, FunctionBuilder};
use crate::front::datum::DatumKind;
use crate::ir::{Expr, ExprKind, VarId};
use crate::middle::matches::ENOUGH_KEYS;

/// Integers in a chain that make searching worth it.
const ENOUGH: usize = 8;
/// This many and fewer are tried one after the other.
const FEW: usize = 3;

/// One branch: the integers that lead to it, and its code.
struct Case<'e> {
    keys: Vec<i16>,
    body: &'e Expr,
}

/// One branch of a chain that a table decides.
struct Clause<'e> {
    /// The constants one of which the variable must be equal to.
    keys: Vec<&'e DatumKind>,
    /// What must be true besides. Then there is one constant.
    tests: Vec<&'e Expr>,
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
        Ok(self.switch_of_integers(test, then, other, dest)?
            || self.switch_of_keys(test, then, other, dest)?)
    }

    fn switch_of_keys(
        &mut self,
        test: &Expr,
        then: &Expr,
        other: &Expr,
        dest: Dest,
    ) -> Result<bool, Failure> {
        let Some((variable, first)) = clause(test, then) else {
            return Ok(false);
        };
        let mut clauses = vec![first];
        let mut default = other;
        while let ExprKind::If(test, then, other) = &default.kind
            && let Some((same, further)) = clause(test, then)
            && same == variable
        {
            clauses.push(further);
            default = other;
        }
        // A condition that fails may have changed the variable.
        let plain = |clause: &Clause<'_>| clause.tests.is_empty();
        if self.variables.is_assigned(variable) && !clauses.iter().all(plain) {
            return Ok(false);
        }
        // For each constant the branches that it leads to, until one is certain.
        let mut keys: Vec<u32> = Vec::new();
        let mut chains: HashMap<u32, Vec<usize>> = HashMap::default();
        for (number, clause) in clauses.iter().enumerate() {
            for key in &clause.keys {
                let key = self.constant(key)?;
                let chain = chains.entry(key).or_insert_with(|| {
                    keys.push(key);
                    Vec::new()
                });
                let open = |last: &usize| !clauses[*last].tests.is_empty();
                if chain.last().is_none_or(open) {
                    chain.push(number);
                }
            }
        }
        if keys.len() < ENOUGH_KEYS {
            return Ok(false);
        }
        let table = self.module.constants.add(Constant::Vector(keys.clone()));
        let Ok(bx) = u16::try_from(table) else {
            return Ok(false);
        };
        let chains: Vec<Vec<usize>> = keys.iter().filter_map(|key| chains.remove(key)).collect();
        let mark = self.next;
        let subject = Expr::new(ExprKind::Local(variable), test.span);
        let a = self.value(&subject)?;
        self.next = mark;
        self.asm.emit(Instruction::Switch { a, bx });
        self.clauses(&clauses, &chains, default, dest)?;
        Ok(true)
    }

    /// What follows `switch`: its jumps, and the code of the branches.
    fn clauses(
        &mut self,
        clauses: &[Clause<'_>],
        chains: &[Vec<usize>],
        default: &Expr,
        dest: Dest,
    ) -> Result<(), Failure> {
        let [otherwise, end] = [(); 2].map(|()| self.asm.new_label());
        let mut labels: Vec<Option<Label>> = vec![None; clauses.len()];
        let mut next = vec![otherwise; clauses.len()];
        for chain in chains {
            let mut after = otherwise;
            for &number in chain.iter().rev() {
                next[number] = after;
                after = match labels[number] {
                    Some(label) => label,
                    None => *labels[number].insert(self.asm.new_label()),
                };
            }
            self.asm.jump(Instruction::Jump { s24: 0 }, after);
        }
        let mark = self.next;
        self.asm.bind(otherwise);
        self.expr(default, dest)?;
        for ((clause, label), next) in clauses.iter().zip(labels).zip(next) {
            // Some are behind others that are certain.
            let Some(label) = label else {
                continue;
            };
            self.next = mark;
            if dest != Dest::Tail && self.asm.falls_through() {
                self.asm.jump(Instruction::Jump { s24: 0 }, end);
            }
            self.asm.bind(label);
            for test in &clause.tests {
                self.branch(test, false, next)?;
            }
            self.expr(clause.body, dest)?;
        }
        self.asm.bind(end);
        self.next = mark;
        Ok(())
    }

    fn switch_of_integers(
        &mut self,
        test: &Expr,
        then: &Expr,
        other: &Expr,
        dest: Dest,
    ) -> Result<bool, Failure> {
        let Some((variable, operation, keys)) = comparisons(test) else {
            return Ok(false);
        };
        let mut cases = vec![Case { keys, body: then }];
        let mut default = other;
        while let ExprKind::If(test, then, other) = &default.kind
            && let Some((same, also, keys)) = comparisons(test)
            && same == variable
            && also == operation
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
        self.cases(register, operation, &cases, default, dest)?;
        self.next = mark;
        Ok(true)
    }

    fn cases(
        &mut self,
        register: u8,
        test: Op,
        cases: &[Case<'_>],
        default: &Expr,
        dest: Dest,
    ) -> Result<(), Failure> {
        let [otherwise, one_by_one, end] = [(); 3].map(|()| self.asm.new_label());
        let labels: Vec<Label> = cases.iter().map(|_| self.asm.new_label()).collect();
        // An integer that occurs twice leads to the first place.
        let mut seen = HashSet::default();
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
        if test == Op::NumEqual {
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

/// The variable whose equality with constants a test asks for first, and the branch.
fn clause<'e>(test: &'e Expr, body: &'e Expr) -> Option<(VarId, Clause<'e>)> {
    let mut tests = Vec::new();
    conjuncts(test, &mut tests);
    let mut keys = Vec::new();
    let variable = equality(tests.first()?, &mut keys)?;
    tests.remove(0);
    if keys.len() > 1 && !tests.is_empty() {
        return None;
    }
    Some((variable, Clause { keys, tests, body }))
}

/// The conditions that must all be true, in order.
fn conjuncts<'e>(test: &'e Expr, found: &mut Vec<&'e Expr>) {
    match &test.kind {
        ExprKind::And(parts) => parts.iter().for_each(|part| conjuncts(part, found)),
        _ => found.push(test),
    }
}

/// The variable that a test compares with constants, which are added to `keys`.
fn equality<'e>(test: &'e Expr, keys: &mut Vec<&'e DatumKind>) -> Option<VarId> {
    match &test.kind {
        ExprKind::Or(parts) => {
            let (first, rest) = parts.split_first()?;
            let variable = equality(first, keys)?;
            rest.iter()
                .all(|part| equality(part, keys) == Some(variable))
                .then_some(variable)
        }
        _ => {
            // A number that is `=` to an integer need not be that integer.
            let (constant, arguments): (fn(&Expr) -> Option<&DatumKind>, _) =
                match test.operation()? {
                    (Op::Equal, arguments) => (atom, arguments),
                    (Op::NumEqual, arguments) => (symbolic, arguments),
                    _ => return None,
                };
            let [left, right] = arguments else {
                return None;
            };
            let (variable, key) = match (&left.kind, &right.kind) {
                (ExprKind::Local(variable), _) => (*variable, constant(right)?),
                (_, ExprKind::Local(variable)) => (*variable, constant(left)?),
                _ => return None,
            };
            keys.push(key);
            Some(variable)
        }
    }
}

/// The variable that a test compares with integers, the test, and the integers.
fn comparisons(test: &Expr) -> Option<(VarId, Op, Vec<i16>)> {
    match &test.kind {
        ExprKind::Or(parts) => {
            let mut found: Option<(VarId, Op, Vec<i16>)> = None;
            for part in parts {
                let (variable, operation, keys) = comparisons(part)?;
                match &mut found {
                    None => found = Some((variable, operation, keys)),
                    Some((same, test, all)) if *same == variable && *test == operation => {
                        all.extend(keys);
                    }
                    Some(_) => return None,
                }
            }
            found
        }
        _ => match test.operation()? {
            (name @ (Op::NumEqual | Op::Equal), [left, right]) => match (&left.kind, &right.kind) {
                (ExprKind::Local(variable), ExprKind::Const(DatumKind::Int(key)))
                | (ExprKind::Const(DatumKind::Int(key)), ExprKind::Local(variable)) => {
                    Some((*variable, name, vec![i16::try_from(*key).ok()?]))
                }
                _ => None,
            },
            _ => None,
        },
    }
}
