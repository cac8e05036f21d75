//! Reads the files of the library without understanding their code.
//!
//! A file has only these forms at its left margin; nothing else begins there but comments:
//!
//! ```text
//! (define (NAME parameter ... &opt parameter ... . rest) body ...)
//! (define-alias NEW OF)
//! (define-copy NEW OF)
//! ```
//!
//! The lines with three semicolons directly above a definition declare it. They say what
//! `sema_machine::natives!` says, in the same words: sentences, examples, and in the last line the
//! parameters, the result and the facts.

use std::fmt::{self, Write as _};

/// Where the files are, seen from this crate.
pub const FOLDER: &str = "../lib";

/// How a line of a declaration begins.
const MARK: &str = ";;;";

/// What a library function may declare besides parameters and result, and how Rust says it.
const FACTS: &[(&str, &str)] = &[
    ("pure", "pure()"),
    ("total", "total()"),
    ("reads", "reads()"),
    ("finds_modules", "finds_modules()"),
    ("posix", "posix()"),
    ("needs(FsRead)", "needs(Capability::FsRead)"),
    ("needs(FsWrite)", "needs(Capability::FsWrite)"),
    ("needs(Network)", "needs(Capability::Network)"),
    ("needs(Process)", "needs(Capability::Process)"),
    ("needs(Llm)", "needs(Capability::Llm)"),
    ("tier(Std)", "tier(Tier::Std)"),
    ("tier(Net)", "tier(Tier::Net)"),
    ("tier(Full)", "tier(Tier::Full)"),
];

/// What is wrong with a file of the library.
#[derive(Debug)]
pub struct LibraryError {
    file: String,
    line: usize,
    problem: String,
}

impl fmt::Display for LibraryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.problem)
    }
}

impl std::error::Error for LibraryError {}

/// What the files hold.
#[derive(Debug, Default)]
pub struct Library {
    files: Vec<String>,
    /// By name, in order.
    pub functions: Vec<Function>,
    /// New name and old name.
    pub aliases: Vec<(String, String)>,
    /// In the order of the files.
    pub declarations: Vec<Declaration>,
}

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The function's name.
    pub name: String,
    /// The name in the definition, which is another one for a copy.
    pub defined_as: String,
    /// Index of the file.
    pub file: usize,
    /// First byte of the definition.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// How many arguments it takes at least.
    pub min: usize,
    /// How many it takes at most, if there is a limit.
    pub max: Option<usize>,
}

/// A declaration, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The declared function.
    pub name: String,
    /// Name, kind, and whether it must be given: a variant of `Mode`.
    pub parameters: Vec<(String, String, &'static str)>,
    /// The kind of the result.
    pub result: String,
    /// Sentences and examples.
    pub doc: String,
    /// Calls of the methods that declare facts.
    pub facts: Vec<String>,
}

/// Reads files, given by name and text.
///
/// # Errors
/// One of them has a form or a declaration that it may not have.
pub fn read(files: &[(String, String)]) -> Result<Library, LibraryError> {
    let mut library = Library::default();
    // New name, old name, file and line.
    let mut copies: Vec<(String, String, &str, usize)> = Vec::new();
    for (number, (file, text)) in files.iter().enumerate() {
        library.files.push(file.clone());
        let mut block: Vec<&str> = Vec::new();
        let mut at = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let start = at;
            at += line.len();
            let line = line.trim_end();
            let wrong = |problem: String| LibraryError {
                file: file.clone(),
                line: index + 1,
                problem,
            };
            if let Some(line) = line.strip_prefix(MARK) {
                block.push(line.trim());
                continue;
            }
            let block = std::mem::take(&mut block);
            let name = if let Some(names) = line.strip_prefix("(define-alias ") {
                let (new, of) =
                    two_names(names).ok_or_else(|| wrong("two names are missing".into()))?;
                library.aliases.push((new, of));
                None
            } else if let Some(names) = line.strip_prefix("(define-copy ") {
                let (new, of) =
                    two_names(names).ok_or_else(|| wrong("two names are missing".into()))?;
                copies.push((new.clone(), of, file, index + 1));
                Some(new)
            } else if line.starts_with("(define (") {
                let form = form_at(text, start);
                let function = function(form, number, start)
                    .ok_or_else(|| wrong("the parameters are not closed".into()))?;
                let name = function.name.clone();
                library.functions.push(function);
                Some(name)
            } else if line.starts_with('(') {
                return Err(wrong(format!("`{line}` begins no definition")));
            } else {
                None
            };
            match (name, block.last()) {
                (Some(name), Some(_)) => {
                    let declaration = declaration(&name, &block).map_err(|problem| {
                        wrong(format!("the declaration of `{name}`: {problem}"))
                    })?;
                    library.declarations.push(declaration);
                }
                (None, Some(last)) => {
                    return Err(wrong(format!("no definition follows directly on `{last}`")));
                }
                (_, None) => {}
            }
        }
        if let Some(last) = block.last() {
            return Err(LibraryError {
                file: file.clone(),
                line: text.lines().count(),
                problem: format!("no definition follows directly on `{last}`"),
            });
        }
    }
    for (new, of, file, line) in copies {
        let original = library
            .functions
            .iter()
            .find(|function| function.name == of);
        let original = original.ok_or_else(|| LibraryError {
            file: file.to_owned(),
            line,
            problem: format!("`{of}` is not defined"),
        })?;
        let copy = Function {
            name: new,
            ..original.clone()
        };
        library.functions.push(copy);
    }
    library
        .functions
        .sort_by(|one, other| one.name.cmp(&other.name));
    Ok(library)
}

/// `NEW OF)`
fn two_names(text: &str) -> Option<(String, String)> {
    let mut words = text.strip_suffix(')')?.split_whitespace();
    let names = (words.next()?.to_owned(), words.next()?.to_owned());
    words.next().is_none().then_some(names)
}

/// The form that begins at an offset, which is the first of a line: up to the next line with something at its
/// left margin.
fn form_at(text: &str, start: usize) -> &str {
    let rest = &text[start..];
    let next = ["\n(", "\n;"]
        .iter()
        .filter_map(|next| rest.find(next))
        .min();
    rest[..next.unwrap_or(rest.len())].trim_end()
}

/// The function that the form `(define (NAME ...) ...)` at `start` defines.
fn function(form: &str, file: usize, start: usize) -> Option<Function> {
    let (signature, _) = form.strip_prefix("(define (")?.split_once(')')?;
    let mut words = signature.split_whitespace();
    let name = words.next()?.to_owned();
    let (mut min, mut all) = (0, 0);
    let (mut optional, mut rest) = (false, false);
    for word in words {
        match word {
            "&opt" => optional = true,
            "." => rest = true,
            _ if rest => {}
            _ => {
                all += 1;
                min += usize::from(!optional);
            }
        }
    }
    Some(Function {
        defined_as: name.clone(),
        name,
        file,
        start,
        end: start + form.len(),
        min,
        max: (!rest).then_some(all),
    })
}

/// What the lines of a block declare.
fn declaration(name: &str, block: &[&str]) -> Result<Declaration, String> {
    let (signature, doc) = block.split_last().ok_or("it is empty")?;
    let (parameters, rest) = signature
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") -> "))
        .ok_or_else(|| format!("`{signature}` is not `(parameters) -> result`"))?;
    let parameters = parameters.split(", ").filter(|one| !one.is_empty());
    let parameters = parameters.map(|one| parameter(one).ok_or(format!("`{one}` is no parameter")));
    let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
    let mut words = rest.split(", ");
    let result = words.next().unwrap_or_default();
    if !is_kind(result) {
        return Err(format!("`{result}` is no kind of a result"));
    }
    let facts = words.map(|word| fact(word, &parameters));
    Ok(Declaration {
        name: name.to_owned(),
        result: result.to_owned(),
        doc: doc.join("\n"),
        facts: facts.collect::<Result<_, _>>()?,
        parameters,
    })
}

/// How Rust declares a fact. The keys of options are those of the parameter `options`, or else of the first that is a map.
fn fact(word: &str, parameters: &[(String, String, &'static str)]) -> Result<String, String> {
    let keys = word
        .strip_prefix("options(")
        .and_then(|rest| rest.strip_suffix(')'));
    if let Some(keys) = keys {
        let named = parameters.iter().position(|(name, ..)| name == "options");
        let position = named.or_else(|| parameters.iter().position(|(_, kind, _)| kind == "Map"));
        let position = position.ok_or("there is neither a parameter `options` nor a map")?;
        let keys: Vec<&str> = keys.split(' ').collect();
        return Ok(format!("options({position}, &{keys:?})"));
    }
    let found = FACTS.iter().find(|(fact, _)| *fact == word);
    let (_, call) = found.ok_or(format!("`{word}` is no fact of a library function"))?;
    Ok((*call).to_owned())
}

/// `name: Kind`, where a `?` behind the name means that it may be left out, and a `*` any number of
/// further arguments.
fn parameter(text: &str) -> Option<(String, String, &'static str)> {
    let (name, kind) = text.split_once(": ")?;
    let (name, mode) = if let Some(name) = name.strip_suffix('?') {
        (name, "Optional")
    } else if let Some(name) = name.strip_suffix('*') {
        (name, "Rest")
    } else {
        (name, "Required")
    };
    is_kind(kind).then(|| (name.to_owned(), kind.to_owned(), mode))
}

/// Whether a text can be the name of a kind. Rust says which ones there are.
fn is_kind(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Library {
    /// The tables of the module `ir::library`, which includes this text.
    pub fn to_rust(&self) -> String {
        let mut text = String::new();
        // Writing to a string never fails.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "pub static FILES: &[File] = &[")?;
        for file in &self.files {
            writeln!(
                out,
                "File {{ name: {file:?}, text: include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \
                 \"/{FOLDER}/\", {file:?})) }},"
            )?;
        }
        writeln!(out, "];\npub static FUNCTIONS: &[Function] = &[")?;
        for one in &self.functions {
            writeln!(
                out,
                "Function {{ name: {:?}, defined_as: {:?}, file: {}, start: {}, end: {} }},",
                one.name, one.defined_as, one.file, one.start, one.end
            )?;
        }
        writeln!(out, "];\npub static ENTRIES: &[Entry] = &[")?;
        for one in &self.functions {
            let (name, min, max) = (&one.name, one.min, one.max);
            writeln!(
                out,
                "({name:?}, Arity {{ min: {min}, max: {max:?} }}, None),"
            )?;
        }
        for (new, of) in &self.aliases {
            writeln!(
                out,
                "({new:?}, Arity {{ min: 0, max: None }}, Some({of:?})),"
            )?;
        }
        writeln!(out, "];\npub static DECLARATIONS: &[Declaration] = &[")?;
        for one in &self.declarations {
            let aliases = self.aliases.iter().filter(|(_, of)| *of == one.name);
            let aliases: Vec<&String> = aliases.map(|(new, _)| new).collect();
            write!(out, "Declaration::new({:?}, &{aliases:?}, &[", one.name)?;
            for (name, kind, mode) in &one.parameters {
                write!(
                    out,
                    "Parameter {{ name: {name:?}, kind: Kind::{kind}, mode: Mode::{mode} }}, "
                )?;
            }
            write!(out, "], Kind::{}, {:?})", one.result, one.doc)?;
            for call in &one.facts {
                write!(out, ".{call}")?;
            }
            writeln!(out, ",")?;
        }
        writeln!(out, "];")
    }
}
