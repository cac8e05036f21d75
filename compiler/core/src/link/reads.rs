//! The files that a program reads under names that stand in its text.

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use sema_machine::host::declaration::{Declaration, Kind};
use sema_machine::host::native::Capability;

use crate::front::datum::{DatumKind, Span};
use crate::front::diagnostic::{Condition, Diagnostic};
use crate::front::lower::visit;
use crate::ir::{Builtin, Expr, ExprKind, GlobalId, Unit};

/// Code of the warning about a file that is there when the program is built and is not embedded.
pub const NOT_EMBEDDED: &str = "W0410";

/// A place that reads a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralRead {
    /// The file's path as it is written.
    pub path: String,
    /// The builtin that reads it.
    pub builtin: &'static str,
    /// Where its path is handed to the builtin.
    pub span: Span,
}

impl LiteralRead {
    /// The warning that the file is not embedded. `include` is what `--include` takes to embed it.
    pub fn not_embedded(&self, include: &str) -> Diagnostic {
        let Self { path, builtin, .. } = self;
        let message = format!("{builtin} reads '{path}', which is here now but not in the program");
        let hint = format!(
            "`--include {include}` puts it in; `--exclude {path}` says that it is to be read from disk when the program runs"
        );
        *Diagnostic::warning(self.span, NOT_EMBEDDED, Condition::Io, message).with_hint(hint)
    }
}

/// The files that the units read and do not write, in the order of the places. A path is literal if it is a string, or a
/// global that is defined once, as a string.
pub fn literal<'u>(units: impl IntoIterator<Item = &'u Unit>) -> Vec<LiteralRead> {
    let mut reads = Vec::new();
    let mut written = HashSet::default();
    for unit in units {
        let texts = texts(unit);
        for form in &unit.body {
            visit(form, &mut |expr| {
                reads.extend(read_by(expr, &texts));
                written.extend(written_by(expr, &texts));
            });
        }
    }
    reads.retain(|read| !written.contains(&*read.path));
    reads
}

/// The globals that are texts and nothing else.
fn texts(unit: &Unit) -> Texts {
    let mut texts = HashMap::default();
    for form in &unit.body {
        visit(form, &mut |expr| {
            if let ExprKind::DefineGlobal(id, value) = &expr.kind
                && let ExprKind::Const(DatumKind::Str(text)) = &value.kind
                && let Some(global) = unit.globals.get(id.0 as usize)
                && global.definitions == 1
                && !global.mutable
            {
                texts.insert(*id, text.clone());
            }
        });
    }
    texts
}

type Texts = HashMap<GlobalId, Rc<str>>;

fn called(expr: &Expr) -> Option<(Builtin, &[Expr])> {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return None;
    };
    match callee.kind {
        ExprKind::Builtin(builtin) => Some((builtin, arguments)),
        _ => None,
    }
}

fn text_of(expr: &Expr, texts: &Texts) -> Option<Rc<str>> {
    match &expr.kind {
        ExprKind::Const(DatumKind::Str(text)) => Some(text.clone()),
        ExprKind::Global(id) => texts.get(id).cloned(),
        _ => None,
    }
}

/// The texts that a builtin which writes is given, but for what it reads.
fn written_by(expr: &Expr, texts: &Texts) -> Vec<Rc<str>> {
    let Some((builtin, arguments)) = called(expr) else {
        return Vec::new();
    };
    if !builtin.facts().capabilities.contains(&Capability::FsWrite) {
        return Vec::new();
    }
    let read = path_parameter(builtin);
    let others = arguments.iter().enumerate();
    let others = others.filter(|(place, _)| Some(*place) != read);
    others
        .filter_map(|(_, argument)| text_of(argument, texts))
        .collect()
}

fn read_by(expr: &Expr, texts: &Texts) -> Option<LiteralRead> {
    let (builtin, arguments) = called(expr)?;
    let argument = arguments.get(path_parameter(builtin)?)?;
    Some(LiteralRead {
        path: text_of(argument, texts)?.to_string(),
        builtin: builtin.name(),
        span: argument.span,
    })
}

/// Which argument of a builtin names a file that the builtin reads, by its declaration.
fn path_parameter(builtin: Builtin) -> Option<usize> {
    let facts = builtin.facts();
    let needs = |capability| facts.capabilities.contains(&capability);
    // Tests and names of files say nothing of what is in them.
    if !needs(Capability::FsRead) || facts.result == Kind::Bool || facts.name.starts_with("path/") {
        return None;
    }
    // What also writes may only read one of its files.
    let names: &[&str] = match needs(Capability::FsWrite) {
        false => &["path", "stream", "archive", "file", "directory"],
        true if facts.name.ends_with("/extract") => &["archive"],
        true => &["from"],
    };
    position(facts, names)
}

fn position(facts: &Declaration, names: &[&str]) -> Option<usize> {
    let mut parameters = facts.parameters.iter();
    parameters.position(|parameter| names.contains(&parameter.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtins_that_read_are_known_by_their_declarations() {
        for (name, place) in [
            ("file/read", Some(0)),
            ("file/read-bytes", Some(0)),
            ("file/read-lines", Some(0)),
            ("file/fold-lines", Some(0)),
            ("stream/open-input", Some(0)),
            ("json/fold", Some(0)),
            ("file/list", Some(0)),
            ("file/copy", Some(0)),
            ("tar/extract", Some(0)),
            ("zip/list", Some(0)),
            ("tar/create", None),
            ("file/exists?", None),
            ("file/write", None),
            ("path/absolute", None),
            ("string-length", None),
        ] {
            assert_eq!(
                Builtin::find(name).and_then(path_parameter),
                place,
                "{name}"
            );
        }
    }
}
