//! How the local variables of a unit are used.

use crate::ir::walk::for_each_child;
use crate::ir::{Expr, ExprKind, Unit, VarId};

/// Counts of uses. Passes that rewrite code keep them up to date.
#[derive(Default)]
pub struct Census {
    uses: Vec<u32>,
    calls: Vec<u32>,
    assigned: Vec<bool>,
}

impl Census {
    /// Counts all uses in a unit.
    pub fn of(unit: &Unit) -> Census {
        let count = unit.variables.len();
        let mut census = Census {
            uses: vec![0; count],
            calls: vec![0; count],
            assigned: vec![false; count],
        };
        for form in &unit.body {
            census.add(form);
        }
        census
    }

    /// How often a variable is read; for the label of a loop, how many jumps go to it.
    pub fn uses(&self, variable: VarId) -> u32 {
        self.uses.get(variable.0 as usize).copied().unwrap_or(0)
    }

    /// How often the variable is what a call calls.
    pub fn calls(&self, variable: VarId) -> u32 {
        self.calls.get(variable.0 as usize).copied().unwrap_or(0)
    }

    /// Whether the variable is assigned after its binding. Once true, always true.
    pub fn is_assigned(&self, variable: VarId) -> bool {
        self.assigned
            .get(variable.0 as usize)
            .copied()
            .unwrap_or(true)
    }

    /// Notes a read of a variable.
    pub fn read(&mut self, variable: VarId) {
        if let Some(uses) = self.uses.get_mut(variable.0 as usize) {
            *uses += 1;
        }
    }

    /// Notes that a read of a variable has gone.
    pub fn unread(&mut self, variable: VarId) {
        if let Some(uses) = self.uses.get_mut(variable.0 as usize) {
            *uses = uses.saturating_sub(1);
        }
    }

    /// Notes that a call of a variable has gone, with its read.
    pub fn uncall(&mut self, variable: VarId) {
        self.unread(variable);
        if let Some(calls) = self.calls.get_mut(variable.0 as usize) {
            *calls = calls.saturating_sub(1);
        }
    }

    /// Notes that a read of a variable is a call.
    pub fn called(&mut self, variable: VarId) {
        if let Some(calls) = self.calls.get_mut(variable.0 as usize) {
            *calls += 1;
        }
    }

    /// Notes a new variable that is called once and never assigned.
    pub fn add_operator(&mut self) {
        self.uses.push(1);
        self.calls.push(1);
        self.assigned.push(false);
    }

    /// Counts the uses in an expression.
    pub fn add(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Local(variable) | ExprKind::Recur(variable, _) => self.read(*variable),
            ExprKind::SetLocal(variable, _) => {
                if let Some(assigned) = self.assigned.get_mut(variable.0 as usize) {
                    *assigned = true;
                }
            }
            ExprKind::Call(callee, _) => {
                if let ExprKind::Local(variable) = callee.kind
                    && let Some(calls) = self.calls.get_mut(variable.0 as usize)
                {
                    *calls += 1;
                }
            }
            _ => {}
        }
        for_each_child(expr, &mut |child| self.add(child));
    }

    /// Takes back the uses in an expression that is about to go.
    pub fn remove(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Local(variable) | ExprKind::Recur(variable, _) => self.unread(*variable),
            ExprKind::Call(callee, _) => {
                if let ExprKind::Local(variable) = callee.kind
                    && let Some(calls) = self.calls.get_mut(variable.0 as usize)
                {
                    *calls = calls.saturating_sub(1);
                }
            }
            _ => {}
        }
        for_each_child(expr, &mut |child| self.remove(child));
    }
}
