//! The files that a program reads under names that stand in its text.

use crate::hashing::{HashMap, HashSet};
use std::collections::BTreeSet;
use std::rc::Rc;

use sema_machine::host::declaration::{Declaration, Kind};
use sema_machine::host::native::{Capability, Touches};

use crate::front::datum::{DatumKind, Interner, Span};
use crate::front::diagnostic::{Condition, Diagnostic};
use crate::front::lower::{visit, visit_mut};
use crate::front::source::SourceMap;
use crate::ir::{Builtin, Expr, ExprKind, GlobalId, Unit};
use crate::middle::evaluate::Evaluator;

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
    /// A directory that a router serves.
    fn of_router(path: &str, span: Span) -> LiteralRead {
        LiteralRead {
            path: path.to_owned(),
            builtin: "a route :static",
            span,
        }
    }

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

/// Embedded files, by their paths.
#[derive(Clone, Debug, Default)]
pub struct Embedded(BTreeSet<String>);

impl Embedded {
    /// These files.
    pub fn new(paths: impl IntoIterator<Item = String>) -> Embedded {
        Embedded(paths.into_iter().collect())
    }

    /// Whether there is a file, or a directory with one, at a path.
    fn has(&self, path: &str) -> bool {
        let below = format!("{path}/");
        let mut rest = self.0.range(below.clone()..);
        self.0.contains(path) || rest.next().is_some_and(|next| next.starts_with(&below))
    }

    /// The path of what a source file with these names, the one in the program and the one from the current directory, means
    /// by a path: that, if it says something else.
    fn beside(&self, names: [&str; 2], path: &str) -> Option<String> {
        let as_written = sema_vfs::normalize(path);
        if as_written.is_some_and(|written| self.has(&written)) {
            return None;
        }
        let beside = names.map(|name| sema_vfs::normalize_relative(name, path));
        beside.into_iter().flatten().find(|path| self.has(path))
    }
}

/// Lets what reads files see those that are embedded beside the source file that asks: their paths take the place of literal
/// ones. Which file asks is known only here, for modules become one, and programs need no line tables.
pub fn resolve(units: &mut [Unit], embedded: &Embedded, sources: &SourceMap, interner: &Interner) {
    if embedded.0.is_empty() {
        return;
    }
    for unit in units {
        let texts = texts(unit, interner);
        for form in &mut unit.body {
            visit_mut(form, &mut |expr| {
                let ExprKind::Call(callee, arguments) = &mut expr.kind else {
                    return;
                };
                let ExprKind::Builtin(builtin) = callee.kind else {
                    return;
                };
                let place = sees_embedded(builtin).and_then(|place| arguments.get_mut(place));
                let Some(argument) = place else { return };
                let path = text_of(argument, &texts);
                let file = sources.file(argument.span.file);
                let found = path.zip(file).and_then(|(path, file)| {
                    embedded.beside([file.program_name(), file.name()], &path)
                });
                if let Some(path) = found {
                    argument.kind = ExprKind::Const(DatumKind::Str(path.into()));
                }
            });
        }
    }
}

/// The files that the units read and do not write, in the order of the places. A path is literal if it is a string, made of
/// such, or a global that is defined once, as a string. What is in functions that nothing leads to does not count.
pub fn literal(units: &[Unit], interner: &Interner) -> Vec<LiteralRead> {
    let mut reads = Vec::new();
    let mut written = HashSet::default();
    for unit in units {
        let texts = texts(unit, interner);
        for form in used(unit, units.len() == 1) {
            visit(form, &mut |expr| {
                reads.extend(read_by(expr, &texts));
                reads.extend(served_by(expr, &texts, interner));
                written.extend(written_by(expr, &texts));
            });
        }
    }
    reads.retain(|read| !written.contains(&*read.path));
    reads.sort_by_key(|read| (read.span.file.0, read.span.start));
    reads
}

/// The forms of a unit without the definitions of functions that nothing mentions. A program of several units has them all:
/// code of run time may.
fn used(unit: &Unit, alone: bool) -> Vec<&Expr> {
    if !alone || unit.dynamic {
        return unit.body.iter().collect();
    }
    let mut functions: HashMap<GlobalId, Vec<&Expr>> = HashMap::default();
    let mut pending: Vec<&Expr> = Vec::new();
    let exported: HashSet<GlobalId> = match unit.exports {
        Some(_) => {
            let exports = unit.all_exports().into_iter();
            exports.map(|(_, global, _)| global).collect()
        }
        None => HashSet::default(),
    };
    for form in &unit.body {
        match &form.kind {
            ExprKind::DefineGlobal(global, value)
                if matches!(value.kind, ExprKind::Lambda(_)) && !exported.contains(global) =>
            {
                functions.entry(*global).or_default().push(form);
            }
            _ => pending.push(form),
        }
    }
    for part in &unit.parts {
        pending.extend(functions.remove(&part.function).into_iter().flatten());
    }
    let mut found = Vec::new();
    while let Some(form) = pending.pop() {
        found.push(form);
        visit(form, &mut |expr| {
            if let ExprKind::Global(global) = &expr.kind {
                pending.extend(functions.remove(global).into_iter().flatten());
            }
        });
    }
    found
}

/// What is known of the texts of a unit.
struct Texts<'n> {
    /// The globals that are texts and nothing else.
    globals: HashMap<GlobalId, Rc<str>>,
    evaluator: Evaluator<'n>,
}

fn texts<'n>(unit: &Unit, interner: &'n Interner) -> Texts<'n> {
    let mut globals = HashMap::default();
    for form in &unit.body {
        visit(form, &mut |expr| {
            if let ExprKind::DefineGlobal(id, value) = &expr.kind
                && let ExprKind::Const(DatumKind::Str(text)) = &value.kind
                && let Some(global) = unit.globals.get(id.0 as usize)
                && global.definitions == 1
                && !global.mutable
            {
                globals.insert(*id, text.clone());
            }
        });
    }
    Texts {
        globals,
        evaluator: Evaluator::new(interner),
    }
}

fn called(expr: &Expr) -> Option<(Builtin, &[Expr])> {
    let ExprKind::Call(callee, arguments) = &expr.kind else {
        return None;
    };
    match callee.kind {
        ExprKind::Builtin(builtin) => Some((builtin, arguments)),
        _ => None,
    }
}

/// The text that an expression gives: as it stands there, by a global, or by a pure builtin of such texts.
fn text_of(expr: &Expr, texts: &Texts<'_>) -> Option<Rc<str>> {
    match &expr.kind {
        ExprKind::Const(DatumKind::Str(text)) => Some(text.clone()),
        ExprKind::Global(id) => texts.globals.get(id).cloned(),
        _ => {
            let (builtin, parts) = called(expr)?;
            let parts = parts.iter().map(|part| {
                let text = text_of(part, texts)?;
                Some(Expr::new(ExprKind::Const(DatumKind::Str(text)), part.span))
            });
            let parts: Vec<Expr> = parts.collect::<Option<_>>()?;
            match texts.evaluator.call(builtin, &parts)? {
                DatumKind::Str(text) => Some(text),
                _ => None,
            }
        }
    }
}

/// The directories of routes `[:static PATH DIRECTORY]`, perhaps with options.
fn served_by(expr: &Expr, texts: &Texts<'_>, interner: &Interner) -> Vec<LiteralRead> {
    let mut found = Vec::new();
    match &expr.kind {
        ExprKind::Const(datum) => {
            found.extend(served_in(datum, interner));
            // Routes stand in a vector. Further in nothing is looked for: what macros make may have parts without end.
            if let DatumKind::Vector(routes) = datum {
                found.extend(
                    routes
                        .iter()
                        .filter_map(|route| served_in(&route.kind, interner)),
                );
            }
        }
        _ => {
            if let Some((builtin, [method, _, directory, ..])) = called(expr)
                && builtin.facts().result == Kind::Vector
                && let ExprKind::Const(method) = &method.kind
                && is_static(method, interner)
                && let Some(path) = text_of(directory, texts)
            {
                found.push(LiteralRead::of_router(&path, directory.span));
            }
        }
    }
    found
}

/// The directory of a constant that is such a route.
fn served_in(datum: &DatumKind, interner: &Interner) -> Option<LiteralRead> {
    match datum {
        DatumKind::Vector(items) => match &**items {
            [method, _, directory, ..] if is_static(&method.kind, interner) => {
                match &directory.kind {
                    DatumKind::Str(path) => Some(LiteralRead::of_router(path, directory.span)),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_static(method: &DatumKind, interner: &Interner) -> bool {
    matches!(method, DatumKind::Keyword(name) if interner.resolve(name) == "static")
}

/// The texts that a builtin which writes is given, but for what it reads.
fn written_by(expr: &Expr, texts: &Texts<'_>) -> Vec<Rc<str>> {
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

fn read_by(expr: &Expr, texts: &Texts<'_>) -> Option<LiteralRead> {
    let (builtin, arguments) = called(expr)?;
    let argument = arguments.get(path_parameter(builtin)?)?;
    Some(LiteralRead {
        path: text_of(argument, texts)?.to_string(),
        builtin: builtin.name(),
        span: argument.span,
    })
}

/// Which argument of a builtin names a file that may be an embedded one.
fn sees_embedded(builtin: Builtin) -> Option<usize> {
    let facts = builtin.facts();
    let asks = facts.capabilities.contains(&Capability::FsRead) && facts.result == Kind::Bool;
    let place = match asks && facts.name.starts_with("file/") {
        true => position(facts, &["path"]),
        false => path_parameter(builtin),
    };
    // Links are on disk. What is given a name first, and then a path, writes there later.
    let is_entry = builtin
        .native()
        .is_some_and(|native| native.touches == Touches::Entry);
    place.filter(|place| *place == 0 && !is_entry)
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
        false => &["path", "stream", "archive", "file", "directory", "pattern"],
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
    fn what_sees_embedded_files() {
        for (name, place) in [
            ("file/exists?", Some(0)),
            ("file/is-directory?", Some(0)),
            ("file/info", Some(0)),
            ("file/copy", Some(0)),
            ("csv/fold", Some(0)),
            ("http/file", Some(0)),
            ("file/is-symlink?", None),
            ("file/rename", None),
            ("file/delete", None),
            ("file/write", None),
            ("kv/open", None),
            ("vector-store/open", None),
            ("path/canonicalize", None),
        ] {
            assert_eq!(Builtin::find(name).and_then(sees_embedded), place, "{name}");
        }
    }

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
            ("file/glob", Some(0)),
            ("http/file", Some(0)),
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
