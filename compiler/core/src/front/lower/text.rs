//! A listing of the core language, for tests and for people.

use std::fmt::Write;

use crate::front::datum::{Datum, DatumKind, Interner};
use crate::front::reader::datum_to_text;
use crate::ir::{Expr, ExprKind, Global, GlobalId, Unit, VarId};

/// Lines longer than this are broken.
const WIDTH: usize = 96;

/// The listing of a unit.
#[must_use]
pub fn unit_text(unit: &Unit, interner: &Interner) -> String {
    let mut text = String::new();
    for (index, global) in unit.globals.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "global {index} {}", global_text(global));
    }
    for (index, import) in unit.imports.iter().enumerate() {
        let bindings: Vec<String> = import
            .bindings
            .iter()
            .map(|(name, id)| format!("{name}={}", id.0))
            .collect();
        let names = import
            .names
            .as_ref()
            .map(|names| format!(" only ({})", names.join(" ")));
        let _ = writeln!(
            text,
            "import {index} {:?} as {:?}{} binds ({})",
            import.path,
            import.module,
            names.unwrap_or_default(),
            bindings.join(" ")
        );
    }
    if let Some(exports) = &unit.exports {
        let names: Vec<&str> = exports.iter().map(|(name, _)| &**name).collect();
        let _ = writeln!(text, "exports ({})", names.join(" "));
    }
    if unit.dynamic {
        text.push_str("dynamic\n");
    }
    let printer = Printer { unit, interner };
    for form in &unit.body {
        printer.node(&printer.tree(form), 0, &mut text);
        text.push('\n');
    }
    text
}

fn global_text(global: &Global) -> String {
    let mut text = global.name.to_string();
    if let Some(builtin) = global.shadows {
        let _ = write!(text, " shadows {}", builtin.name());
    }
    let _ = write!(text, " definitions={}", global.definitions);
    if global.mutable {
        text.push_str(" mutable");
    }
    text
}

struct Printer<'a> {
    unit: &'a Unit,
    interner: &'a Interner,
}

enum Tree {
    Leaf(String),
    Node(Vec<Tree>),
}

impl Printer<'_> {
    fn variable(&self, id: VarId) -> String {
        let variable = self.unit.variables.get(id.0 as usize);
        let (name, mark) = match variable {
            Some(variable) => (&*variable.name, if variable.assigned { "!" } else { "" }),
            None => ("?", ""),
        };
        format!("{name}.{}{mark}", id.0)
    }

    fn global(&self, id: GlobalId) -> String {
        let global = self.unit.globals.get(id.0 as usize);
        format!("@{}", global.map_or("?", |global| &global.name))
    }

    fn tree(&self, expr: &Expr) -> Tree {
        let leaf = |text: &str| Tree::Leaf(text.to_string());
        let node = |head: &str, parts: Vec<Tree>| {
            let mut all = vec![Tree::Leaf(head.to_string())];
            all.extend(parts);
            Tree::Node(all)
        };
        let all = |exprs: &[Expr]| exprs.iter().map(|expr| self.tree(expr)).collect::<Vec<_>>();
        match &expr.kind {
            ExprKind::Const(kind) => Tree::Leaf(self.constant(kind, expr)),
            ExprKind::Local(id) => Tree::Leaf(self.variable(*id)),
            ExprKind::Global(id) => Tree::Leaf(self.global(*id)),
            ExprKind::Builtin(builtin) => leaf(builtin.name()),
            ExprKind::SetLocal(id, value) => node(
                "set",
                vec![Tree::Leaf(self.variable(*id)), self.tree(value)],
            ),
            ExprKind::SetGlobal(id, value) => {
                node("set", vec![Tree::Leaf(self.global(*id)), self.tree(value)])
            }
            ExprKind::DefineGlobal(id, value) => node(
                "define",
                vec![Tree::Leaf(self.global(*id)), self.tree(value)],
            ),
            ExprKind::Lambda(lambda) => {
                let mut parameters: Vec<Tree> = lambda
                    .parameters
                    .iter()
                    .map(|id| Tree::Leaf(self.variable(*id)))
                    .collect();
                if let Some(rest) = lambda.rest {
                    parameters.push(leaf("."));
                    parameters.push(Tree::Leaf(self.variable(rest)));
                }
                let head = match &lambda.name {
                    Some(name) => format!("lambda {name}"),
                    None => "lambda".to_string(),
                };
                node(&head, vec![Tree::Node(parameters), self.tree(&lambda.body)])
            }
            ExprKind::Call(callee, arguments) => {
                let mut parts = vec![self.tree(callee)];
                parts.extend(all(arguments));
                Tree::Node(parts)
            }
            ExprKind::If(condition, then, otherwise) => node(
                "if",
                vec![self.tree(condition), self.tree(then), self.tree(otherwise)],
            ),
            ExprKind::And(parts) => node("and", all(parts)),
            ExprKind::Or(parts) => node("or", all(parts)),
            ExprKind::Seq(parts) => node("seq", all(parts)),
            ExprKind::Let(bound, body) => node("let", vec![self.bound(bound), self.tree(body)]),
            ExprKind::Letrec(bound, body) => {
                node("letrec", vec![self.bound(bound), self.tree(body)])
            }
            ExprKind::While(condition, body) => {
                node("while", vec![self.tree(condition), self.tree(body)])
            }
            ExprKind::Try(body, variable, handler) => node(
                "try",
                vec![
                    self.tree(body),
                    Tree::Leaf(self.variable(*variable)),
                    self.tree(handler),
                ],
            ),
            ExprKind::Throw(value) => node("throw", vec![self.tree(value)]),
            ExprKind::Apply(function, arguments) => {
                let mut parts = vec![self.tree(function)];
                parts.extend(all(arguments));
                node("apply", parts)
            }
            ExprKind::Import(id) => Tree::Leaf(format!("(import {})", id.0)),
            ExprKind::Loop(label, bound, body) => node(
                "loop",
                vec![
                    Tree::Leaf(self.variable(*label)),
                    self.bound(bound),
                    self.tree(body),
                ],
            ),
            ExprKind::Recur(label, arguments) => {
                let mut parts = vec![Tree::Leaf(self.variable(*label))];
                parts.extend(all(arguments));
                node("recur", parts)
            }
        }
    }

    fn constant(&self, kind: &DatumKind, expr: &Expr) -> String {
        let datum = Datum {
            kind: kind.clone(),
            span: expr.span,
        };
        let text = datum_to_text(self.interner, &datum);
        match kind {
            DatumKind::Symbol(_) | DatumKind::List(_) => format!("'{text}"),
            _ => text,
        }
    }

    fn bound(&self, bound: &[(VarId, Expr)]) -> Tree {
        let pairs = bound.iter().map(|(variable, value)| {
            Tree::Node(vec![Tree::Leaf(self.variable(*variable)), self.tree(value)])
        });
        Tree::Node(pairs.collect())
    }

    fn node(&self, tree: &Tree, indent: usize, text: &mut String) {
        let line = flat(tree);
        let Tree::Node(parts) = tree else {
            text.push_str(&line);
            return;
        };
        if indent + line.chars().count() <= WIDTH {
            text.push_str(&line);
            return;
        }
        text.push('(');
        let mut parts = parts.iter();
        if let Some(head) = parts.next() {
            self.node(head, indent + 1, text);
        }
        for part in parts {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent + 2));
            self.node(part, indent + 2, text);
        }
        text.push(')');
    }
}

fn flat(tree: &Tree) -> String {
    match tree {
        Tree::Leaf(text) => text.clone(),
        Tree::Node(parts) => {
            let parts: Vec<String> = parts.iter().map(flat).collect();
            format!("({})", parts.join(" "))
        }
    }
}
