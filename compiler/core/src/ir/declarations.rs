//! The declarations of all builtins: those of the natives, and those of the functions that the
//! library defines in Sema.
//!
//! A function of the library is declared by the lines with three semicolons directly above its
//! definition. They say what [`natives!`](sema_machine::natives) says, in the same words: sentences,
//! examples, and in the last line the parameters, the result and the facts.
//!
//! ```text
//! ;;; The sum of what a function gives for each element.
//! ;;; (sum-of length '("a" "bc")) => 3
//! ;;; (f: Function, seq: Sequence, start?: Number) -> Number, tier(Std)
//! (define (sum-of f seq &opt start) ...)
//! ```
//!
//! `(define-alias NEW OF)` gives the function `OF` another name; `(define-copy NEW OF)` has a
//! declaration of its own.

use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use sema_machine::host::declaration::{Declaration, Kind, Mode, Parameter};
use sema_machine::host::native::{Capability, Tier};

/// The files of the library.
pub static LIBRARY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../lib");

/// How a line of a declaration begins.
const MARK: &str = ";;;";

/// A declaration in a library file that cannot be read: a defect of this compiler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the declaration of `{name}`: {problem}")]
pub struct DeclarationError {
    name: String,
    problem: String,
}

/// The declarations of the library's functions.
///
/// # Errors
/// One of them cannot be read.
pub fn library() -> Result<&'static [Declaration], DeclarationError> {
    // What is computed once is a function of the embedded files, and lives as long as they do.
    static DECLARATIONS: OnceLock<Result<Vec<Declaration>, DeclarationError>> = OnceLock::new();
    let declarations = DECLARATIONS.get_or_init(|| {
        let texts: Vec<&str> = (LIBRARY.files())
            .filter(|file| file.path().extension().is_some_and(|end| end == "sema"))
            .filter_map(|file| file.contents_utf8())
            .collect();
        of_texts(&texts)
    });
    match declarations {
        Ok(declarations) => Ok(declarations),
        Err(error) => Err(error.clone()),
    }
}

/// The declarations of all builtins that are functions: natives, then library.
///
/// # Errors
/// One of the library cannot be read.
pub fn all() -> Result<impl Iterator<Item = &'static Declaration>, DeclarationError> {
    let natives = sema_natives::DECLARATIONS.iter().copied().flatten();
    Ok(natives.chain(library()?))
}

/// The declarations in the texts of library files.
fn of_texts(texts: &[&str]) -> Result<Vec<Declaration>, DeclarationError> {
    let mut declarations = Vec::new();
    let mut aliases: Vec<(&str, &str)> = Vec::new();
    for text in texts {
        let mut block: Vec<&str> = Vec::new();
        for line in text.lines() {
            if let Some(line) = line.strip_prefix(MARK) {
                block.push(line.trim());
                continue;
            }
            let block = std::mem::take(&mut block);
            if let Some(names) = line.strip_prefix("(define-alias ") {
                let mut words = names.trim_end_matches(')').split_whitespace();
                aliases.extend(words.next().zip(words.next()));
            } else if let Some(name) = defined(line) {
                if !block.is_empty() {
                    declarations.push(declaration(name, &block)?);
                }
            } else if let Some(last) = block.last() {
                return Err(stray(last));
            }
        }
        if let Some(last) = block.last() {
            return Err(stray(last));
        }
    }
    for declaration in &mut declarations {
        let names: Vec<&'static str> = (aliases.iter())
            .filter(|(_, of)| *of == declaration.name)
            .map(|(new, _)| kept(new))
            .collect();
        declaration.aliases = names.leak();
    }
    Ok(declarations)
}

/// There is no definition below the block that ends with this line.
fn stray(line: &str) -> DeclarationError {
    DeclarationError {
        name: line.to_owned(),
        problem: "no definition follows directly".to_owned(),
    }
}

/// The name that a line begins to define.
fn defined(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("(define (")
        .or_else(|| line.strip_prefix("(define-copy "))?;
    rest.split([' ', ')']).next()
}

/// Declarations live as long as the process: there is one library.
fn kept(text: &str) -> &'static str {
    text.to_owned().leak()
}

fn declaration(name: &str, block: &[&str]) -> Result<Declaration, DeclarationError> {
    let wrong = |problem: String| DeclarationError {
        name: name.to_owned(),
        problem,
    };
    let (signature, doc) = block
        .split_last()
        .ok_or_else(|| wrong("it is empty".to_owned()))?;
    let (parameters, rest) = signature
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") -> "))
        .ok_or_else(|| wrong(format!("`{signature}` is not `(parameters) -> result`")))?;
    let parameters: Vec<Parameter> = parameters
        .split(", ")
        .filter(|one| !one.is_empty())
        .map(|one| parameter(one).ok_or_else(|| wrong(format!("`{one}` is no parameter"))))
        .collect::<Result<_, _>>()?;
    let mut words = rest.split(", ");
    let result = words.next().unwrap_or_default();
    let result =
        Kind::named(result).ok_or_else(|| wrong(format!("`{result}` is no kind of a result")))?;
    let doc = kept(&doc.join("\n"));
    let mut declaration = Declaration::new(kept(name), &[], parameters.leak(), result, doc);
    for word in words {
        declaration = with_fact(declaration, word)
            .ok_or_else(|| wrong(format!("`{word}` is no fact of a library function")))?;
    }
    Ok(declaration)
}

/// `name: Kind`, where a `?` behind the name means that it may be left out, and a `*` any number of
/// further arguments.
fn parameter(text: &str) -> Option<Parameter> {
    let (name, kind) = text.split_once(": ")?;
    let (name, mode) = if let Some(name) = name.strip_suffix('?') {
        (name, Mode::Optional)
    } else if let Some(name) = name.strip_suffix('*') {
        (name, Mode::Rest)
    } else {
        (name, Mode::Required)
    };
    Some(Parameter {
        name: kept(name),
        kind: Kind::named(kind)?,
        mode,
    })
}

fn with_fact(declaration: Declaration, fact: &str) -> Option<Declaration> {
    Some(match fact {
        "pure" => declaration.pure(),
        "total" => declaration.total(),
        "reads" => declaration.reads(),
        "needs(FsRead)" => declaration.needs(Capability::FsRead),
        "needs(FsWrite)" => declaration.needs(Capability::FsWrite),
        "needs(Network)" => declaration.needs(Capability::Network),
        "needs(Process)" => declaration.needs(Capability::Process),
        "needs(Llm)" => declaration.needs(Capability::Llm),
        "tier(Std)" => declaration.tier(Tier::Std),
        "tier(Net)" => declaration.tier(Tier::Net),
        "tier(Full)" => declaration.tier(Tier::Full),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        of_texts(&[text])
            .map(|_| String::new())
            .unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn a_block_above_a_definition_declares_it() {
        let text = ";; A comment.\n\
            ;;; One.\n\
            ;;; And two.\n\
            ;;; (f 1) => 2\n\
            ;;; (a: Int, b?: OptionalString, c*: Any) -> Count, pure, needs(FsRead), tier(Net)\n\
            (define (f a &opt b)\n  a)\n\
            (define (%internal) nil)\n\
            (define-alias g f)\n\
            ;;; () -> Nil\n\
            (define-copy h f)\n";
        let declarations = of_texts(&[text]).unwrap();
        let [f, h] = &declarations[..] else {
            panic!("{declarations:?}");
        };
        assert_eq!((f.name, f.aliases, h.name), ("f", &["g"][..], "h"));
        assert_eq!(f.text(), "One. And two.");
        assert_eq!(f.examples().collect::<Vec<_>>(), [("(f 1)", "2")]);
        let parameters: Vec<_> = (f.parameters.iter())
            .map(|one| (one.name, one.kind, one.mode))
            .collect();
        assert_eq!(
            parameters,
            [
                ("a", Kind::Int, Mode::Required),
                ("b", Kind::OptionalString, Mode::Optional),
                ("c", Kind::Any, Mode::Rest)
            ]
        );
        assert_eq!((f.result, f.pure, f.total), (Kind::Count, true, false));
        assert_eq!(f.capabilities, [Capability::FsRead, Capability::None]);
        assert_eq!((f.tier, h.tier), (Tier::Net, Tier::Core));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, expected) in [
            (
                ";;; text\n(define (f) 1)",
                "the declaration of `f`: `text` is not `(parameters) -> result`",
            ),
            (
                ";;; (a: Thing) -> Nil\n(define (f a) 1)",
                "the declaration of `f`: `a: Thing` is no parameter",
            ),
            (
                ";;; () -> Thing\n(define (f) 1)",
                "the declaration of `f`: `Thing` is no kind of a result",
            ),
            (
                ";;; () -> Nil, fast\n(define (f) 1)",
                "the declaration of `f`: `fast` is no fact of a library function",
            ),
            (
                ";;; () -> Nil\n\n(define (f) 1)",
                "the declaration of `() -> Nil`: no definition follows directly",
            ),
            (
                "(define (f) 1)\n;;; () -> Nil",
                "the declaration of `() -> Nil`: no definition follows directly",
            ),
        ] {
            assert_eq!(problem(text), expected);
        }
    }
}
