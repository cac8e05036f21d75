//! `prompt`, `message`, `deftool`, `defagent`.

use std::rc::Rc;

use super::literals::make;
use super::{Lowerer, shape};
use crate::front::datum::{Datum, DatumKind, Span, Symbol};
use crate::front::diagnostic::{Condition, Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, Lambda};

/// The roles that may stand at the head of a prompt entry.
const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];

/// What the options of an agent may say.
const AGENT_KEYS: [&str; 4] = ["max-turns", "model", "system", "tools"];

/// What may be said of a parameter of a tool.
const PARAMETER_KEYS: [&str; 7] = [
    "default",
    "description",
    "enum",
    "message",
    "optional",
    "type",
    "validate",
];

/// Definitions and calls that are followed to find a function.
const MOST_STEPS: u32 = 16;

impl Lowerer<'_, '_> {
    /// Entries are messages; the run time refuses anything else.
    pub(super) fn prompt(&mut self, entries: &[Datum], span: Span) -> Expr {
        let entries = entries
            .iter()
            .map(|entry| self.prompt_entry(entry))
            .collect();
        let entries = make("%list", "%append-list", entries, span);
        Self::call_builtin("%make-prompt", vec![entries], span)
    }

    fn prompt_entry(&mut self, entry: &Datum) -> Expr {
        let DatumKind::List(items) = &entry.kind else {
            return self.expr(entry);
        };
        let role = items.split_first().and_then(|(head, parts)| {
            let role = shape::as_symbol(head)?;
            let text = self.session.interner.resolve(&role);
            ROLES.contains(&text).then_some((role, parts))
        });
        let Some((role, parts)) = role else {
            return self.expr(entry);
        };
        let role = Expr::new(ExprKind::Const(DatumKind::Keyword(role)), entry.span);
        let mut arguments = vec![role];
        arguments.extend(self.exprs(parts));
        Self::call_builtin("%make-message", arguments, entry.span)
    }

    pub(super) fn message(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("message", operands, 2, None, span)?;
        let arguments = self.exprs(operands);
        Ok(Self::call_builtin("%make-message", arguments, span))
    }

    pub(super) fn deftool(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        shape::count("deftool", operands, 4, Some(5), span)?;
        let (Some((name, parts)), Some(handler)) = (operands.split_first(), operands.last()) else {
            return Ok(Expr::nil(span));
        };
        let symbol = shape::symbol("deftool", name, span)?;
        let mut values = self.exprs(parts);
        if values.len() == 3 {
            // Without options.
            values.insert(2, Expr::nil(span));
        }
        let parameters = match values
            .last()
            .and_then(|handler| self.made_function(handler, 0))
        {
            Some(lambda) => self.parameter_names(&lambda, handler.span),
            None => Expr::nil(handler.span),
        };
        if let (Some(described), Some(handler)) = (parts.get(1), values.last()) {
            self.check_tool(described, handler);
            self.check_parameters(described);
        }
        if let [.., options, _] = parts
            && parts.len() == 4
        {
            let hint = "it is an error when the program runs; a tool has :policy-subjects";
            self.check_keys(
                options,
                &["policy-subjects"],
                "deftool: unknown option",
                hint,
            );
        }
        let mut arguments = vec![self.text_constant(symbol, name.span)];
        // The schema of constant parameters is computed while compiling.
        let schema = match values.get(1).map(|described| &described.kind) {
            Some(ExprKind::Const(described)) => {
                let described = Expr::new(ExprKind::Const(described.clone()), span);
                Self::call_builtin("%tool-schema", vec![described], span)
            }
            _ => Expr::nil(span),
        };
        arguments.extend(values);
        arguments.push(parameters);
        arguments.push(schema);
        let value = Self::call_builtin("%make-tool", arguments, span);
        Ok(self.define_everywhere(symbol, value, span))
    }

    pub(super) fn defagent(&mut self, operands: &[Datum], span: Span) -> Fallible<Expr> {
        let [name, options] = shape::exactly("defagent", operands, span)?;
        self.check_agent(options);
        let symbol = shape::symbol("defagent", name, span)?;
        let arguments = vec![self.text_constant(symbol, name.span), self.expr(options)];
        let value = Self::call_builtin("%make-agent", arguments, span);
        Ok(self.define_everywhere(symbol, value, span))
    }

    /// Defines a global, also from inside a function; the value is the value defined.
    fn define_everywhere(&mut self, symbol: Symbol, value: Expr, span: Span) -> Expr {
        let define = self.define_global(symbol, value, span);
        let id = self.global(symbol, span);
        let value = Expr::new(ExprKind::Global(id), span);
        Expr::new(ExprKind::Seq(vec![define, value]), span)
    }

    /// The function that an expression gives, as far as its text tells: it is one, the name of one that is
    /// defined before, or a call of a function that ends with one.
    fn made_function(&self, expression: &Expr, depth: u32) -> Option<Rc<Lambda>> {
        if depth > MOST_STEPS {
            return None;
        }
        match &expression.kind {
            ExprKind::Lambda(lambda) => Some(lambda.clone()),
            ExprKind::Global(id) => self.unit.body.iter().rev().find_map(|form| {
                let ExprKind::DefineGlobal(defined, value) = &form.kind else {
                    return None;
                };
                (defined == id).then(|| self.made_function(value, depth + 1))?
            }),
            ExprKind::Call(callee, _) => {
                let maker = self.made_function(callee, depth + 1)?;
                self.made_function(&maker.body, depth + 1)
            }
            ExprKind::Seq(parts) => self.made_function(parts.last()?, depth + 1),
            ExprKind::Let(_, body) | ExprKind::Letrec(_, body) => {
                self.made_function(body, depth + 1)
            }
            _ => None,
        }
    }

    /// Warns of parameters of a handler for which a model cannot give a value.
    fn check_tool(&mut self, described: &Datum, handler: &Expr) {
        let (DatumKind::Map(entries), ExprKind::Lambda(lambda)) = (&described.kind, &handler.kind)
        else {
            return;
        };
        let mut keys = Vec::new();
        for (key, _) in entries.iter() {
            match &key.kind {
                DatumKind::Keyword(name) => {
                    keys.push(self.session.interner.resolve(name).to_owned())
                }
                DatumKind::Str(name) => keys.push(name.to_string()),
                _ => return,
            }
        }
        let parameters = lambda.parameters.iter();
        let unknown: Vec<Rc<str>> = parameters
            .filter_map(|parameter| self.unit.variables.get(parameter.0 as usize))
            .map(|variable| variable.name.clone())
            .filter(|name| !name.starts_with([' ', '_']) && !keys.iter().any(|key| **key == **name))
            .collect();
        for name in unknown {
            let message =
                format!("deftool: the handler's parameter `{name}` is none of the tool's");
            let hint = match keys.first() {
                Some(_) => format!("it gets nil; the tool declares {}", keys.join(", ")),
                None => "it gets nil; the tool declares no parameters".to_owned(),
            };
            let problem = Diagnostic::warning(lambda.span, "W0211", Condition::Eval, message);
            self.report(problem.with_hint(hint));
        }
    }

    /// Warns of what is said of parameters and does not reach models.
    fn check_parameters(&mut self, described: &Datum) {
        let DatumKind::Map(entries) = &described.kind else {
            return;
        };
        let hint = format!(
            "models are not told it; a parameter has {}",
            PARAMETER_KEYS.map(|key| format!(":{key}")).join(", ")
        );
        for (_, parameter) in entries.iter() {
            let message = "deftool: a parameter has an unknown key";
            self.check_keys(parameter, &PARAMETER_KEYS, message, &hint);
        }
    }

    /// Warns of the keys of a map that are not among these.
    fn check_keys(&mut self, map: &Datum, known: &[&str], message: &str, hint: &str) {
        let DatumKind::Map(entries) = &map.kind else {
            return;
        };
        let mut unknown = Vec::new();
        for (key, _) in entries.iter() {
            if let DatumKind::Keyword(name) = &key.kind {
                let name = self.session.interner.resolve(name);
                if !known.contains(&name) {
                    unknown.push((key.span, format!("{message} :{name}")));
                }
            }
        }
        for (span, message) in unknown {
            let problem = Diagnostic::warning(span, "W0214", Condition::Eval, message);
            self.report(problem.with_hint(hint));
        }
    }

    /// Warns of keys that an agent does not have, and of tools that it names twice.
    fn check_agent(&mut self, options: &Datum) {
        let DatumKind::Map(entries) = &options.kind else {
            return;
        };
        let mut problems = Vec::new();
        for (key, value) in entries.iter() {
            let DatumKind::Keyword(name) = &key.kind else {
                continue;
            };
            let name = self.session.interner.resolve(name);
            if !AGENT_KEYS.contains(&name) {
                let message = format!("defagent: unknown key :{name}");
                let problem = Diagnostic::warning(key.span, "W0212", Condition::Eval, message);
                problems.push(problem.with_hint(format!(
                    "an agent has {}",
                    AGENT_KEYS.map(|key| format!(":{key}")).join(", ")
                )));
            }
            if name == "tools"
                && let Some(tools) = self.listed(value)
            {
                let mut seen = Vec::new();
                for tool in tools.iter() {
                    let Some(symbol) = shape::as_symbol(tool) else {
                        continue;
                    };
                    if seen.contains(&symbol) {
                        let name = self.session.interner.resolve(&symbol);
                        let message = format!("defagent: the tool `{name}` is named twice");
                        let problem =
                            Diagnostic::warning(tool.span, "W0213", Condition::Eval, message);
                        problems.push(problem.with_hint("one is enough"));
                    }
                    seen.push(symbol);
                }
            }
        }
        for problem in problems {
            self.report(problem);
        }
    }

    /// The elements of a vector, or of a call of `list`.
    fn listed<'d>(&self, value: &'d Datum) -> Option<&'d [Datum]> {
        match &value.kind {
            DatumKind::Vector(elements) => Some(elements),
            DatumKind::List(call) => {
                let (head, elements) = call.split_first()?;
                let name = self.session.interner.resolve(&shape::as_symbol(head)?);
                (name == "list").then_some(elements)
            }
            _ => None,
        }
    }

    /// A model's arguments are given to a handler by name, so the names of its parameters are kept. Of a handler
    /// whose text is not known they are not; it gets the arguments in the order of their keys.
    fn parameter_names(&mut self, lambda: &Lambda, span: Span) -> Expr {
        let names = lambda.parameters.iter().map(|parameter| {
            let variable = self.unit.variables.get(parameter.0 as usize);
            let name = variable.map_or_else(|| "".into(), |variable| variable.name.clone());
            Datum {
                kind: DatumKind::Str(name),
                span,
            }
        });
        Expr::new(ExprKind::Const(DatumKind::List(names.collect())), span)
    }
}
