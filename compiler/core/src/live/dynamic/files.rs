//! Files that a program loads and imports while it runs.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use sema_machine::host::condition::{Condition, ConditionKind, Outcome, Signal, eval_error};
use sema_machine::vm::{Vm, missing};

use super::compiler::Compiler;
use super::state::{Source, State};
use crate::front::datum::{Datum, DatumKind, Interner, Span};
use crate::front::modules::os_path::{path_of, shown as shown_path, text_of};
use crate::front::modules::paths::{join, parent, relative};
use crate::front::modules::{FileError, Files, PackageRoot};
use crate::front::reader::read_all;

/// The file that a path means.
pub(super) struct Located {
    /// Its one path: absolute, or that of an embedded file.
    pub(super) path: String,
    embedded: bool,
}

struct Disk;

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, FileError> {
        let text = std::fs::read_to_string(path_of(path)).map_err(|error| FileError {
            message: error.to_string(),
        })?;
        Ok(without_mark(text))
    }

    fn canonical(&self, path: &str) -> Option<String> {
        let path = std::fs::canonicalize(path_of(path)).ok()?;
        Some(text_of(&path))
    }

    fn is_directory(&self, path: &str) -> bool {
        path_of(path).is_dir()
    }
}

/// A text without the byte order mark that it may begin with.
fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// The directory that relative paths in a module start from.
pub(super) fn directory_of(vm: &Vm, state: &State, module: usize) -> String {
    if let Some(origin) = state.origins.get(&module) {
        return origin.directory.to_string();
    }
    match state.files.get(vm.module_key(module)) {
        Some(path) => parent(&text_of(path)).to_owned(),
        None => working_directory(),
    }
}

fn working_directory() -> String {
    let directory = std::env::current_dir().unwrap_or_default();
    text_of(&directory)
}

/// The key of the compiled module that a path means, if one may be meant.
pub(super) fn compiled_key(vm: &Vm, state: &State, requester: usize, path: &str) -> Option<String> {
    if state.files.is_empty() {
        return Some(path.to_owned());
    }
    let is_compiled = path.ends_with(".semac");
    if is_compiled {
        let importer = Some(vm.module_key(requester));
        if let Some(entry) = vm.host.files.embedded(path, importer) {
            return Some(entry.path().to_owned());
        }
    }
    let full = join(&directory_of(vm, state, requester), path);
    if is_compiled {
        return Some(full);
    }
    let canonical = std::fs::canonicalize(path_of(&full)).ok()?;
    let mut files = state.files.iter();
    files
        .find(|(_, file)| **file == canonical)
        .map(|(key, _)| key.clone())
}

/// The file that `path` means in a module.
///
/// # Errors
/// There is none.
pub(super) fn locate(
    vm: &Vm,
    state: &State,
    requester: usize,
    form: &str,
    path: &str,
) -> Outcome<Located> {
    let text = |path: &Option<std::path::PathBuf>| path.as_deref().map(text_of);
    let packages = PackageRoot {
        directory: text(&state.package_root),
        program: text(&state.program_directory),
    };
    if state.embedded_only
        && vm
            .host
            .files
            .embedded(path, Some(vm.module_key(requester)))
            .is_none()
    {
        let message = format!(
            "{form} {path}: this runtime runs code of one key only, and source files have no signatures"
        );
        return Err(Condition::new(ConditionKind::PermissionDenied, message).signal());
    }
    if !state.embedded_only && packages.is_package(path, &Disk) {
        let found = packages.locate(path, &Disk, Span::default());
        let found = found.map_err(|problem| problem.machine_condition().signal())?;
        return Ok(Located {
            path: found.path,
            embedded: false,
        });
    }
    if let Some(entry) = vm.host.files.embedded(path, Some(vm.module_key(requester))) {
        return Ok(Located {
            path: entry.path().to_owned(),
            embedded: true,
        });
    }
    let full = join(&directory_of(vm, state, requester), path);
    let shown = if form == "load" { &full } else { path };
    match std::fs::canonicalize(path_of(&full)) {
        Ok(canonical) => Ok(Located {
            path: text_of(&canonical),
            embedded: false,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(form, shown)),
        Err(error) => Err(io_error(form, shown, &error)),
    }
}

fn io_error(form: &str, path: &str, error: &dyn std::fmt::Display) -> Box<Signal> {
    Condition::new(ConditionKind::Io, format!("{form} {path}: {error}")).signal()
}

/// Refuses a file whose code is running already.
///
/// # Errors
/// A cycle.
pub(super) fn check_cycle(vm: &Vm, state: &State, path: &str) -> Outcome<()> {
    let mut running: Vec<Rc<str>> = Vec::new();
    for (depth, module) in vm.running_modules().into_iter().enumerate() {
        // The program itself is not a file that is being loaded.
        if depth == 0 && !state.origins.contains_key(&module) {
            continue;
        }
        if let Some(file) = state.path_of(vm, module)
            && running.last() != Some(&file)
        {
            running.push(file);
        }
    }
    let Some(start) = running.iter().position(|file| **file == *path) else {
        return Ok(());
    };
    let cycle = running.get(start..).unwrap_or_default().join(" -> ");
    Err(eval_error(format!(
        "cyclic import detected: {cycle} -> {path}"
    )))
}

/// Reads a file for running it in a namespace.
///
/// # Errors
/// It cannot be read, or is no sequence of data.
pub(super) fn open(
    vm: &Vm,
    compiler: &mut Compiler,
    located: &Located,
    form: &str,
    namespace: usize,
) -> Outcome<Source> {
    let path = located.path.as_str();
    let text = if located.embedded {
        let bytes = vm.host.files.read(path, None);
        let bytes = bytes.map_err(|error| io_error(form, path, &error))?;
        String::from_utf8(bytes.into_owned())
            .map_err(|_| io_error(form, path, &"stream did not contain valid UTF-8"))?
    } else {
        std::fs::read_to_string(path_of(path)).map_err(|error| io_error(form, path, &error))?
    };
    let text = without_mark(text);
    let shown: Rc<str> = if located.embedded {
        Rc::from(path)
    } else {
        Rc::from(shown_path(&relative(&working_directory(), path)))
    };
    let file = compiler.sources.add(&*shown, text.clone());
    let forms = read_all(&mut compiler.interner, file, &text).map_err(|errors| {
        let message = match errors.first() {
            Some(error) => error.located_message(&text),
            None => format!("{form} {path}: cannot be read"),
        };
        Condition::new(ConditionKind::Reader, message).signal()
    })?;
    let directory = if located.embedded {
        working_directory()
    } else {
        parent(path).to_owned()
    };
    Ok(Source {
        path: Rc::from(path),
        shown,
        directory: Rc::from(directory),
        forms: parts_of_modules(forms, &mut compiler.interner),
        namespace,
        exports: None,
        is_import: form == "import",
        is_done: false,
        latest: None,
    })
}

/// The body of a `module` form is run form by form too: what is left of the form is its head.
fn parts_of_modules(forms: Vec<Datum>, interner: &mut Interner) -> VecDeque<Datum> {
    let module = interner.get_or_intern_static("module");
    let mut parts = VecDeque::with_capacity(forms.len());
    for form in forms {
        let DatumKind::List(items) = &form.kind else {
            parts.push_back(form);
            continue;
        };
        let is_module = items
            .first()
            .is_some_and(|head| matches!(head.kind, DatumKind::Symbol(name) if name == module));
        match items.split_at_checked(3) {
            Some((head, body)) if is_module && !body.is_empty() => {
                let head = DatumKind::List(head.into());
                let span = form.span;
                parts.push_back(Datum { kind: head, span });
                parts.extend(body.iter().cloned());
            }
            _ => parts.push_back(form),
        }
    }
    parts
}
