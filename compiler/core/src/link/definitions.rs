//! Definitions of the library: from their texts to lowered functions.

use crate::hashing::HashMap;
use std::rc::Rc;

use crate::front::datum::{Datum, DatumKind, FileId, Interner, Span, Symbol};
use crate::front::expand::host::NoHost;
use crate::front::lower;
use crate::front::reader;
use crate::ir::builtins::Builtins;
use crate::ir::library::{self, FILES, Function};
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Builtin, Expr, ExprKind, Global, Lambda, Variable};
use crate::middle::frames;

/// Why the embedded library cannot be used: a defect of this compiler.
#[derive(Debug, thiserror::Error)]
#[error("the embedded library is damaged: {0}")]
pub struct LibraryError(String);

/// A lowered function.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// Its code.
    pub lambda: Rc<Lambda>,
    /// The variables that it is numbered with, and more.
    pub variables: Rc<[Variable]>,
}

/// Reads and lowers functions, as one unit. `files` are the numbers of the library's files in the source map.
///
/// # Errors
/// A definition is not valid, or doubtful: whatever a warning is about would go wrong in every program.
pub fn lower(
    functions: &[&'static Function],
    files: &[FileId],
    interner: &mut Interner,
    builtins: &Builtins,
) -> Result<HashMap<Builtin, Lowered>, LibraryError> {
    let marker = interner.get_or_intern_static("&opt");
    let mut optional = HashMap::default();
    let mut forms = Vec::with_capacity(functions.len());
    for function in functions {
        let datum = read(function, files, interner)?;
        forms.push(without_markers(&datum, marker, &mut optional));
    }
    let mut host = NoHost::default();
    let lowered = lower::lower_program("<library>", &forms, interner, builtins, &mut host)
        .map_err(|problems| {
            let problems = problems.iter().map(|problem| format!("{problem:?}"));
            LibraryError(problems.collect::<Vec<_>>().join("; "))
        })?;
    if let Some(problem) = lowered.warnings.first() {
        let (message, place) = (&problem.message, &problem.primary);
        return Err(LibraryError(format!("{message} at {place:?}")));
    }
    let mut unit = lowered.unit;
    for form in &mut unit.body {
        mark(form, &optional, &unit.globals);
        frames::mark_expr(form);
    }
    let variables: Rc<[Variable]> = unit.variables.into();
    let mut found = HashMap::with_capacity_and_hasher(functions.len(), Default::default());
    for (function, form) in functions.iter().zip(unit.body) {
        let ExprKind::DefineGlobal(_, value) = form.kind else {
            return Err(no_function(function));
        };
        let (ExprKind::Lambda(lambda), Some(builtin)) = (value.kind, Builtin::find(function.name))
        else {
            return Err(no_function(function));
        };
        let variables = variables.clone();
        found.insert(builtin, Lowered { lambda, variables });
    }
    Ok(found)
}

fn no_function(function: &Function) -> LibraryError {
    LibraryError(format!("`{}` is not defined as a function", function.name))
}

/// The form that defines a function.
fn read(
    function: &Function,
    files: &[FileId],
    interner: &mut Interner,
) -> Result<Datum, LibraryError> {
    let file = FILES.get(function.file).zip(files.get(function.file));
    let Some((file, &id)) = file else {
        return Err(no_function(function));
    };
    let data = reader::read_part(interner, id, file.text, function.start, function.end);
    let mut data = data.map_err(|errors| {
        let errors = errors.iter().map(|error| error.located_message(file.text));
        LibraryError(format!(
            "{}: {}",
            file.name,
            errors.collect::<Vec<_>>().join("; ")
        ))
    })?;
    match (data.pop(), data.is_empty()) {
        (Some(datum), true) if function.name == function.defined_as => Ok(datum),
        (Some(datum), true) => {
            let name = interner.get_or_intern_static(function.name);
            renamed(&datum, name).ok_or_else(|| no_function(function))
        }
        _ => Err(no_function(function)),
    }
}

/// The definition `(define (OLD ...) ...)` under another name.
fn renamed(form: &Datum, name: Symbol) -> Option<Datum> {
    let DatumKind::List(items) = &form.kind else {
        return None;
    };
    let mut items = items.to_vec();
    let definition = items.get_mut(1)?;
    let DatumKind::List(signature) = &definition.kind else {
        return None;
    };
    let mut signature = signature.to_vec();
    signature.first_mut()?.kind = DatumKind::Symbol(name);
    definition.kind = DatumKind::List(signature.into());
    Some(Datum {
        kind: DatumKind::List(items.into()),
        span: form.span,
    })
}

/// Removes `&opt` from parameter lists and notes, by the span of the function, how many parameters
/// follow it.
fn without_markers(datum: &Datum, marker: Symbol, optional: &mut HashMap<Span, usize>) -> Datum {
    let DatumKind::List(items) = &datum.kind else {
        return datum.clone();
    };
    let mut items: Vec<Datum> = items
        .iter()
        .map(|item| without_markers(item, marker, optional))
        .collect();
    if let Some(parameters) = items.get_mut(1)
        && let DatumKind::List(list) = &parameters.kind
        && let Some(position) = list
            .iter()
            .position(|item| matches!(item.kind, DatumKind::Symbol(name) if name == marker))
    {
        optional.insert(datum.span, list.len() - position - 1);
        let kept: Vec<Datum> = list
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != position)
            .map(|(_, item)| item.clone())
            .collect();
        parameters.kind = DatumKind::List(kept.into());
    }
    Datum {
        kind: DatumKind::List(items.into()),
        span: datum.span,
    }
}

/// Marks the functions of the library as such, with the numbers of their optional parameters. The functions of
/// the unit become builtins again, as which others name them.
fn mark(expr: &mut Expr, optional: &HashMap<Span, usize>, globals: &[Global]) {
    match &mut expr.kind {
        ExprKind::Lambda(lambda) => {
            let count = optional.get(&lambda.span).copied();
            let lambda = Rc::make_mut(lambda);
            lambda.library = true;
            lambda.optional = count.unwrap_or_default();
        }
        ExprKind::Global(id) => {
            let global = globals.get(id.0 as usize);
            if let Some(global) = global
                && library::find(&global.name).is_some()
                && let Some(builtin) = Builtin::find(&global.name)
            {
                expr.kind = ExprKind::Builtin(builtin);
            }
        }
        _ => {}
    }
    for_each_child_mut(expr, &mut |child| mark(child, optional, globals));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::datum::new_interner;
    use crate::front::source::SourceMap;
    use crate::ir::builtins::CONSTANT_NAMES;
    use crate::ir::library::{ENTRIES, FUNCTIONS};
    use crate::middle::rename;

    /// The code of a function, variables numbered in the order of their appearance.
    fn code(lowered: &Lowered) -> String {
        let lambda = ExprKind::Lambda(lowered.lambda.clone());
        let mut lambda = Expr::new(lambda, lowered.lambda.span);
        let mut seen = Vec::new();
        rename::variables(&mut lambda, &mut |variable| {
            let number = seen.iter().position(|one| one == variable);
            let number = number.unwrap_or_else(|| {
                seen.push(*variable);
                seen.len() - 1
            });
            *variable = crate::ir::VarId(number as u32);
        });
        let names = seen.iter().map(|variable| {
            let variable = &lowered.variables[variable.0 as usize];
            format!("{} {}", variable.name, variable.assigned)
        });
        format!("{:?} {lambda:?}", names.collect::<Vec<_>>())
    }

    /// A function that is lowered when it is reached is what lowering the whole library makes of it.
    #[test]
    fn each_function_is_lowered_as_the_whole_library_is() {
        let mut interner = new_interner();
        let mut sources = SourceMap::new();
        let files = FILES.iter().map(|file| sources.add(file.name, file.text));
        let files: Vec<_> = files.collect();
        let builtins = Builtins::with_library(ENTRIES, CONSTANT_NAMES);
        let functions: Vec<_> = FUNCTIONS.iter().collect();
        let whole = lower(&functions, &files, &mut interner, &builtins).unwrap();
        assert!(whole.len() > 100 && whole.len() == FUNCTIONS.len());
        for function in FUNCTIONS {
            let alone = lower(&[function], &files, &mut interner, &builtins).unwrap();
            let name = Builtin::find(function.name).unwrap();
            assert_eq!(code(&alone[&name]), code(&whole[&name]), "{name:?}");
        }
    }

    #[test]
    fn what_is_no_function_is_refused() {
        let mut interner = new_interner();
        let files = [FileId(0)];
        let builtins = Builtins::default();
        let mut refusal = |function: &'static Function| {
            lower(&[function], &files, &mut interner, &builtins)
                .unwrap_err()
                .to_string()
        };
        static NOWHERE: Function = Function {
            name: "nowhere",
            defined_as: "nowhere",
            file: 99,
            start: 0,
            end: 1,
        };
        static EMPTY: Function = Function {
            name: "empty",
            defined_as: "empty",
            file: 0,
            start: 0,
            end: 0,
        };
        assert!(refusal(&NOWHERE).contains("`nowhere` is not defined"));
        assert!(refusal(&EMPTY).contains("`empty` is not defined"));
    }
}
