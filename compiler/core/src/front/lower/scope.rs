//! Lexical scopes.

use std::rc::Rc;

use super::Lowerer;
use crate::front::datum::Symbol;
use crate::ir::{Expr, ExprKind, VarId, Variable};

/// One scope: a parameter list, the names of a binding form, the local definitions of a body.
#[derive(Debug, Default)]
pub(super) struct Scope {
    names: Vec<(Symbol, VarId)>,
    /// Variables that exist from the start of the scope and hold nil until something sets them.
    nil_at_start: Vec<VarId>,
    /// Variables of local definitions whose binding has not been placed yet.
    unplaced: Vec<VarId>,
}

impl Lowerer<'_, '_> {
    /// A new variable that no name refers to yet.
    pub(super) fn variable(&mut self, name: Rc<str>) -> VarId {
        let id = VarId(u32::try_from(self.unit.variables.len()).unwrap_or(u32::MAX));
        self.unit.variables.push(Variable {
            name,
            assigned: false,
        });
        self.mentioned.push(false);
        id
    }

    /// A new variable for an intermediate value.
    pub(super) fn temporary(&mut self, name: &str) -> VarId {
        self.variable(Rc::from(name))
    }

    /// A new variable for a name of the program; it is not in scope yet.
    pub(super) fn named_variable(&mut self, symbol: Symbol) -> VarId {
        let name = self.session.text(symbol);
        self.variable(name)
    }

    /// Opens a scope with these names. Pair with [`Self::close_scope`].
    pub(super) fn open_scope(&mut self, names: Vec<(Symbol, VarId)>) {
        self.scopes.push(Scope {
            names,
            ..Scope::default()
        });
    }

    /// Closes the innermost scope and binds to nil those of its variables that are set later.
    pub(super) fn close_scope(&mut self, body: Expr) -> Expr {
        let scope = self.scopes.pop().unwrap_or_default();
        // A definition that was never reached (its form was malformed) leaves nothing to bind.
        let bound: Vec<_> = scope
            .nil_at_start
            .into_iter()
            .map(|variable| (variable, Expr::nil(body.span)))
            .collect();
        if bound.is_empty() {
            return body;
        }
        let span = body.span;
        Expr::new(ExprKind::Let(bound, Box::new(body)), span)
    }

    /// Adds a name to the innermost scope.
    pub(super) fn bind(&mut self, symbol: Symbol, variable: VarId) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.push((symbol, variable));
        }
    }

    /// Declares the local definitions of the innermost scope. A name the scope binds already (a parameter) is
    /// assigned by its definition.
    pub(super) fn declare(&mut self, symbols: &[Symbol]) {
        for &symbol in symbols {
            let known = |scope: &Scope| scope.names.iter().any(|(name, _)| *name == symbol);
            if self.scopes.last().is_some_and(known) {
                continue;
            }
            let variable = self.named_variable(symbol);
            if let Some(scope) = self.scopes.last_mut() {
                scope.names.push((symbol, variable));
                scope.unplaced.push(variable);
            }
        }
    }

    /// The variable that a name refers to, and notes that it was mentioned.
    pub(super) fn lookup(&mut self, symbol: Symbol) -> Option<VarId> {
        let variable = self.find(symbol)?;
        if let Some(mentioned) = self.mentioned.get_mut(variable.0 as usize) {
            *mentioned = true;
        }
        Some(variable)
    }

    /// Whether a name refers to a local variable.
    pub(crate) fn is_local(&self, symbol: Symbol) -> bool {
        self.find(symbol).is_some()
    }

    /// Whether the program defines a name at top level, which hides a macro of that name.
    pub(crate) fn is_hidden(&self, symbol: Symbol) -> bool {
        self.hidden.contains(&symbol)
    }

    fn find(&self, symbol: Symbol) -> Option<VarId> {
        let mut names = self
            .scopes
            .iter()
            .rev()
            .flat_map(|scope| scope.names.iter().rev());
        names
            .find(|(name, _)| *name == symbol)
            .map(|(_, variable)| *variable)
    }

    pub(super) fn is_mentioned(&self, variable: VarId) -> bool {
        self.mentioned
            .get(variable.0 as usize)
            .copied()
            .unwrap_or(true)
    }

    /// Whether a definition of this name in the innermost scope could be the variable's binding: nothing has
    /// mentioned the variable so far. If so, the caller binds it.
    pub(super) fn place(&mut self, symbol: Symbol) -> Option<VarId> {
        let variable = self.placeable(symbol)?;
        if let Some(scope) = self.scopes.last_mut() {
            scope.unplaced.retain(|unplaced| *unplaced != variable);
        }
        Some(variable)
    }

    /// Whether [`Self::place`] would give a variable.
    pub(super) fn can_place(&self, symbol: Symbol) -> bool {
        self.placeable(symbol).is_some()
    }

    fn placeable(&self, symbol: Symbol) -> Option<VarId> {
        let scope = self.scopes.last()?;
        let (_, variable) = *scope.names.iter().rev().find(|(name, _)| *name == symbol)?;
        let free = scope.unplaced.contains(&variable) && !self.is_mentioned(variable);
        free.then_some(variable)
    }

    /// The variable that a definition in the innermost scope sets. The first such definition makes the variable
    /// hold nil from the start of the scope.
    pub(super) fn definition_target(&mut self, symbol: Symbol) -> VarId {
        self.declare(&[symbol]);
        let found = self.scopes.last().and_then(|scope| {
            let mut names = scope.names.iter().rev();
            names
                .find(|(name, _)| *name == symbol)
                .map(|(_, variable)| *variable)
        });
        // `declare` has just made sure that the name is there.
        let variable = found.unwrap_or(VarId(u32::MAX));
        self.settle(variable);
        self.assign(variable);
        variable
    }

    /// Makes a local definition's variable hold nil from the start, if its binding has no better place.
    pub(super) fn settle(&mut self, variable: VarId) {
        if let Some(scope) = self.scopes.last_mut()
            && let Some(at) = scope
                .unplaced
                .iter()
                .position(|unplaced| *unplaced == variable)
        {
            scope.unplaced.remove(at);
            scope.nil_at_start.push(variable);
        }
    }

    /// Settles all definitions of the innermost scope that have no place yet but were mentioned.
    pub(super) fn settle_rest(&mut self) {
        let unplaced = self.scopes.last().map(|scope| scope.unplaced.clone());
        for variable in unplaced.unwrap_or_default() {
            self.settle(variable);
        }
    }

    /// Notes that a variable is assigned after its binding.
    pub(super) fn assign(&mut self, variable: VarId) {
        if let Some(variable) = self.unit.variables.get_mut(variable.0 as usize) {
            variable.assigned = true;
        }
    }

    /// A reference to a variable.
    pub(super) fn local(variable: VarId, span: crate::front::datum::Span) -> Expr {
        Expr::new(ExprKind::Local(variable), span)
    }
}
