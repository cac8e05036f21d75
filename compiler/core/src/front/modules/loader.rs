//! Finding, reading and lowering the files that a program refers to.

use crate::hashing::HashMap;
use std::rc::Rc;

use super::files::Files;
use super::os_path::shown;
use super::packages::PackageRoot;
use super::paths::{join, parent, relative};
use crate::front::datum::{Datum, FileId, Span, Symbol};
use crate::front::diagnostic::{Condition, Diagnostic, Severity};
use crate::front::expand::table::MacroEntry;
use crate::front::lower::session::Cycle;
use crate::front::lower::{AT_RUN_TIME, CYCLE, Lowerer, Session};
use crate::front::reader::read_all;
use crate::front::source::SourceMap;
use crate::ir::Unit;
use crate::phases;

/// The modules of a program, made as they are met.
pub(crate) struct Loader<'s> {
    files: &'s dyn Files,
    pub(crate) sources: &'s mut SourceMap,
    packages: &'s PackageRoot,
    /// Directory of the entry file.
    directory: Rc<str>,
    /// The directory that names in messages are relative to.
    working_directory: Rc<str>,
    modules: HashMap<Rc<str>, State>,
    /// Finished modules, each after those it imports.
    pub(crate) order: Vec<Rc<str>>,
    /// Modules being lowered, the entry first.
    stack: Vec<Rc<str>>,
    /// Files that cannot be read as data.
    unreadable: HashMap<Rc<str>, Box<Diagnostic>>,
    /// Files that have been read.
    texts: HashMap<Rc<str>, SourceText>,
    /// Whether mistakes in a module fail the build; else they are raised by its import.
    strict: bool,
}

/// What is known about a module.
enum State {
    /// It is being lowered; its forms say what it will export.
    Running(SourceText),
    /// It is finished.
    Done(Rc<Finished>),
    /// It cannot be used.
    Broken(Box<Diagnostic>),
}

/// A finished module.
pub(crate) struct Finished {
    pub(crate) unit: Rc<Unit>,
    macros: Vec<(Symbol, MacroEntry)>,
    exports: Vec<Rc<str>>,
    pub(crate) file: FileId,
    pub(crate) path: Rc<str>,
}

/// The forms of a file.
#[derive(Clone)]
pub(crate) struct SourceText {
    pub(crate) key: Rc<str>,
    /// What relative paths in it start from.
    pub(crate) directory: Rc<str>,
    pub(crate) forms: Rc<[Datum]>,
    file: FileId,
    path: Rc<str>,
}

/// What an importer needs to know about a module.
pub(crate) struct Imported {
    pub(crate) key: Rc<str>,
    pub(crate) exports: Vec<Rc<str>>,
    pub(crate) macros: Vec<(Symbol, MacroEntry)>,
    /// Whether nothing else can be exported.
    pub(crate) complete: bool,
}

/// Why a file cannot be used.
pub(crate) enum Failure {
    /// It is not there now; it is looked for again when the program runs.
    Missing(Box<Diagnostic>),
    /// It is there and has mistakes; using it raises this.
    Broken(Box<Diagnostic>),
}

impl<'s> Loader<'s> {
    pub(crate) fn new(
        files: &'s dyn Files,
        sources: &'s mut SourceMap,
        packages: &'s PackageRoot,
        strict: bool,
    ) -> Loader<'s> {
        Loader {
            files,
            sources,
            packages,
            directory: Rc::from(""),
            working_directory: Rc::from(""),
            modules: HashMap::default(),
            order: Vec::new(),
            stack: Vec::new(),
            unreadable: HashMap::default(),
            texts: HashMap::default(),
            strict,
        }
    }

    /// The code of a finished module.
    pub(crate) fn unit(&self, key: &str) -> Option<Rc<Unit>> {
        self.finished(key).map(|module| module.unit.clone())
    }

    pub(crate) fn finished(&self, key: &str) -> Option<Rc<Finished>> {
        match self.modules.get(key) {
            Some(State::Done(module)) => Some(module.clone()),
            _ => None,
        }
    }

    /// The files that were read, in that order: name in messages and forms.
    pub(crate) fn files_read(&self) -> Vec<(String, &[Datum])> {
        let mut texts: Vec<&SourceText> = self.texts.values().collect();
        texts.sort_by_key(|text| text.file);
        let named = texts.into_iter().map(|text| {
            let name = self.sources.name(text.file).to_owned();
            (name, &*text.forms)
        });
        named.collect()
    }

    pub(crate) fn directory(&self) -> &str {
        &self.directory
    }

    /// Makes a file the entry of the program. Names in messages are relative to `working_directory`, else to
    /// the directory of the entry.
    pub(crate) fn set_entry(&mut self, path: &str, working_directory: Option<&str>) {
        self.directory = Rc::from(parent(path));
        self.working_directory = working_directory.map_or_else(|| self.directory.clone(), Rc::from);
    }

    /// The name of a file in messages. One that has nothing but the root in common with the working directory
    /// is known by its whole path.
    fn name_in_messages(&self, full: &str) -> String {
        let first = |path: &str| {
            path.split('/')
                .find(|part| !part.is_empty())
                .map(str::to_owned)
        };
        shown(&if first(full) == first(&self.working_directory) {
            relative(&self.working_directory, full)
        } else {
            full.to_owned()
        })
    }

    /// The absolute path and the key of a file of the program or of a package.
    fn locate(
        &self,
        form: &str,
        directory: &str,
        path: &str,
        span: Span,
    ) -> Result<(String, Rc<str>), Failure> {
        if form == "import" && self.packages.is_package(path, self.files) {
            let located = self.packages.locate(path, self.files, span);
            let located = located.map_err(Failure::Broken)?;
            return Ok((located.path, Rc::from(format!("@packages/{}", located.key))));
        }
        let full = join(directory, path);
        let missing = |text: &str| {
            let shown = if form == "load" {
                relative(&self.directory, &full)
            } else {
                path.to_string()
            };
            Failure::Missing(Diagnostic::file(span, format!("{form} {shown}: {text}")))
        };
        if path.ends_with(".semac") {
            return Err(missing(AT_RUN_TIME));
        }
        let canonical = self.files.canonical(&full);
        let canonical = canonical.ok_or_else(|| missing(&self.files.why_missing(&full)))?;
        let key = self.key_of(&canonical);
        Ok((canonical, key))
    }

    fn key_of(&self, canonical: &str) -> Rc<str> {
        if let Some(root) = &self.packages.directory
            && let Some(inside) = canonical.strip_prefix(&format!("{root}/"))
        {
            return Rc::from(shown(&format!("@packages/{inside}")));
        }
        Rc::from(shown(&relative(&self.directory, canonical)))
    }
}

impl Session<'_> {
    /// Reads a file of the program.
    fn source_text(
        &mut self,
        form: &str,
        directory: &str,
        path: &str,
        span: Span,
    ) -> Result<SourceText, Failure> {
        let Some(loader) = &mut self.loader else {
            let message = format!("{form} {path}: No such file or directory (os error 2)");
            return Err(Failure::Missing(Diagnostic::file(span, message)));
        };
        let (full, key) = loader.locate(form, directory, path, span)?;
        if let Some(text) = loader.texts.get(&key) {
            return Ok(text.clone());
        }
        if let Some(problem) = loader.unreadable.get(&key) {
            return Err(Failure::Broken(problem.clone()));
        }
        self.phases.begin(phases::READ);
        let text = loader.files.read(&full).map_err(|error| {
            // The entry is known by its whole path.
            let name = match span == Span::default() {
                true => loader.name_in_messages(&full),
                false => path.to_owned(),
            };
            let message = format!("{form} {name}: {}", error.message);
            Failure::Missing(Diagnostic::file(span, message))
        })?;
        let name = loader.name_in_messages(&full);
        let file = loader.sources.add_with_names(name, &*key, text.clone());
        let forms = read_all(self.interner, file, &text);
        self.phases.begin(phases::LOWER);
        match forms {
            Ok(forms) => {
                let text = SourceText {
                    key: key.clone(),
                    directory: Rc::from(parent(&full)),
                    forms: forms.into(),
                    file,
                    path: Rc::from(full),
                };
                loader.texts.insert(key, text.clone());
                Ok(text)
            }
            Err(errors) => {
                let errors = errors.iter();
                let found: Vec<_> = errors
                    .map(|error| Diagnostic::reader(error, &text))
                    .collect();
                let first = found.first().cloned();
                let strict = loader.strict;
                for diagnostic in found {
                    let diagnostic = if strict {
                        diagnostic
                    } else {
                        diagnostic.as_warning()
                    };
                    self.diagnostics.push(*diagnostic);
                }
                let fallback = || Diagnostic::module(span, format!("{path} cannot be read"));
                let first = first.unwrap_or_else(fallback);
                loader.unreadable.insert(key, first.clone());
                Err(Failure::Broken(first))
            }
        }
    }

    /// The forms of a file that is loaded.
    pub(crate) fn load_file(
        &mut self,
        directory: &str,
        path: &str,
        span: Span,
    ) -> Result<SourceText, Failure> {
        self.source_text("load", directory, path, span)
    }

    /// A module that is imported; it is lowered when it is met first.
    pub(crate) fn import_module(
        &mut self,
        directory: &str,
        path: &str,
        span: Span,
    ) -> Result<Imported, Failure> {
        let known = match &self.loader {
            Some(loader) => match loader.locate("import", directory, path, span) {
                Ok((_, key)) => key,
                Err(failure) => {
                    if let Failure::Broken(problem) = &failure {
                        let mut problem = problem.clone().as_warning();
                        problem.code = "W0407";
                        self.diagnostics.push(*problem);
                    }
                    return Err(failure);
                }
            },
            None => Rc::from(""),
        };
        let state = self
            .loader
            .as_ref()
            .and_then(|loader| loader.modules.get(&known));
        match state {
            Some(State::Done(module)) => return Ok(module.imported(known)),
            Some(State::Broken(problem)) => return Err(Failure::Broken(problem.clone())),
            Some(State::Running(text)) => {
                let text = text.clone();
                return Ok(self.cyclic_import(text, span));
            }
            None => {}
        }
        let text = match self.source_text("import", directory, path, span) {
            Ok(text) => text,
            Err(Failure::Broken(problem)) => {
                if let Some(loader) = &mut self.loader {
                    loader.modules.insert(known, State::Broken(problem.clone()));
                }
                return Err(Failure::Broken(problem));
            }
            Err(missing) => return Err(missing),
        };
        match self.lower_module(text) {
            Ok(module) => Ok(module.imported(known)),
            Err(problem) => Err(Failure::Broken(problem)),
        }
    }

    /// Lowers a module and remembers it.
    ///
    /// # Errors
    /// The first mistake in it; all have been recorded.
    pub(crate) fn lower_module(
        &mut self,
        text: SourceText,
    ) -> Result<Rc<Finished>, Box<Diagnostic>> {
        let key = text.key.clone();
        if let Some(loader) = &mut self.loader {
            loader
                .modules
                .insert(key.clone(), State::Running(text.clone()));
            loader.stack.push(key.clone());
        }
        let mark = self.diagnostics.len();
        let mut lowerer = Lowerer::new(self, key.clone());
        lowerer.directory = text.directory.clone();
        let lowered = lowerer.program(&text.forms);
        let own = self.diagnostics.get(mark..).unwrap_or_default();
        let in_file =
            |problem: &&Diagnostic| problem.is_error() && problem.span().file == text.file;
        let broken = own.iter().find(in_file).cloned().map(Box::new);
        let Some(loader) = &mut self.loader else {
            return Err(Diagnostic::module(
                Span::default(),
                "no modules".to_string(),
            ));
        };
        loader.stack.pop();
        if let Some(problem) = broken {
            let is_entry = loader.stack.is_empty();
            if !loader.strict && !is_entry {
                for problem in self.diagnostics.iter_mut().skip(mark) {
                    problem.severity = Severity::Warning;
                }
            }
            loader.modules.insert(key, State::Broken(problem.clone()));
            return Err(problem);
        }
        let macros = lowered.macros.defined();
        let exports = exported_values(&lowered.unit, &macros, self.interner);
        let macros = exported_macros(&lowered.unit, macros, self.interner);
        let module = Rc::new(Finished {
            unit: Rc::new(lowered.unit),
            macros,
            exports,
            file: text.file,
            path: text.path,
        });
        loader.order.push(key.clone());
        loader.modules.insert(key, State::Done(module.clone()));
        Ok(module)
    }

    /// Imports a module that is being lowered: an error when it is reached while that module runs, fine later
    /// (inside a function). What it exports is taken from the text.
    fn cyclic_import(&mut self, text: SourceText, span: Span) -> Imported {
        if let Some(loader) = &self.loader {
            let at = loader
                .stack
                .iter()
                .position(|key| *key == text.key)
                .unwrap_or(0);
            let modules = loader.stack.get(at..).unwrap_or_default();
            let cycle = modules.join(" -> ");
            self.cycles.push(Cycle {
                span,
                modules: modules.to_vec(),
                certain: false,
            });
            let message = format!("cyclic import detected: {cycle} -> {}", text.key);
            let problem = Diagnostic::warning(span, CYCLE, Condition::Eval, message)
                .with_hint("this fails if it is reached while the modules are being started");
            self.diagnostics.push(*problem);
        }
        let key = text.key.clone();
        let exports = Lowerer::new(self, key.clone()).exports_of_text(&text.forms);
        Imported {
            key,
            exports,
            macros: Vec::new(),
            complete: false,
        }
    }

    /// Reads the entry file.
    pub(crate) fn entry_text(&mut self, path: &str) -> Result<SourceText, Failure> {
        self.source_text("load", "/", path, Span::default())
    }
}

impl Finished {
    fn imported(&self, key: Rc<str>) -> Imported {
        Imported {
            key,
            exports: self.exports.clone(),
            macros: self.macros.clone(),
            complete: !self.unit.dynamic,
        }
    }
}

/// The names of the values that a module exports: those it lists, else all it binds.
fn exported_values(
    unit: &Unit,
    macros: &[(Symbol, MacroEntry)],
    interner: &crate::front::datum::Interner,
) -> Vec<Rc<str>> {
    let is_macro = |name: &str| {
        macros
            .iter()
            .any(|(symbol, _)| interner.resolve(symbol) == name)
    };
    let imported: Vec<u32> = unit
        .imports
        .iter()
        .flat_map(|import| import.bindings.iter().map(|(_, id)| id.0))
        .collect();
    let bound = unit.globals.iter().zip(0u32..).filter(|(global, id)| {
        (global.definitions > 0 || imported.contains(id))
            && !global.name.starts_with(' ')
            && !is_macro(&global.name)
    });
    let names = bound.map(|(global, _)| global.name.clone());
    match &unit.exports {
        None => names.collect(),
        Some(listed) => {
            let bound: Vec<Rc<str>> = names.collect();
            let mut exports: Vec<Rc<str>> = Vec::new();
            for (name, _) in listed {
                if bound.contains(name) && !exports.contains(name) {
                    exports.push(name.clone());
                }
            }
            exports
        }
    }
}

fn exported_macros(
    unit: &Unit,
    macros: Vec<(Symbol, MacroEntry)>,
    interner: &crate::front::datum::Interner,
) -> Vec<(Symbol, MacroEntry)> {
    match &unit.exports {
        None => macros,
        Some(listed) => macros
            .into_iter()
            .filter(|(symbol, _)| {
                let name = interner.resolve(symbol);
                listed.iter().any(|(listed, _)| **listed == *name)
            })
            .collect(),
    }
}
