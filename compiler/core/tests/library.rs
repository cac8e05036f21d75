//! What the build script notes of the library is what the reader finds in its files.

#[path = "../build/library.rs"]
mod prepared;

use prepared::LibraryError;
use sema_machine::host::native::Arity;
use semac_core::front::datum::{Datum, DatumKind, FileId, Interner, new_interner};
use semac_core::front::reader::read_all;
use semac_core::ir::library::{ENTRIES, FILES, FUNCTIONS};

/// A definition as the reader sees it: name, file, first byte, end, number of arguments.
type Definition = (String, usize, u32, u32, Arity);

fn symbols<'d>(items: &'d [Datum], interner: &'d Interner) -> Vec<&'d str> {
    let names = items.iter().map(|item| match &item.kind {
        DatumKind::Symbol(name) => interner.resolve(name),
        other => panic!("{other:?}"),
    });
    names.collect()
}

fn list(datum: &Datum) -> &[Datum] {
    match &datum.kind {
        DatumKind::List(items) => items,
        other => panic!("{other:?}"),
    }
}

fn arity(parameters: &[&str]) -> Arity {
    let count = |end: Option<usize>| u8::try_from(end.unwrap_or(parameters.len())).unwrap();
    let optional = parameters.iter().position(|name| *name == "&opt");
    let rest = parameters.iter().position(|name| *name == ".");
    let max = count(None) - u8::from(optional.is_some());
    Arity {
        min: count(optional.or(rest)),
        max: rest.is_none().then_some(max),
    }
}

#[test]
fn the_index_is_what_the_reader_finds() {
    let mut interner = new_interner();
    let mut definitions: Vec<Definition> = Vec::new();
    let mut aliases = Vec::new();
    let mut copies = Vec::new();
    for (number, file) in FILES.iter().enumerate() {
        for form in read_all(&mut interner, FileId(number as u32), file.text).unwrap() {
            let items = list(&form);
            match symbols(&items[..1], &interner)[0] {
                "define" => {
                    let signature = symbols(list(&items[1]), &interner);
                    let (start, end) = (form.span.start, form.span.end);
                    let name = signature[0].to_owned();
                    definitions.push((name, number, start, end, arity(&signature[1..])));
                }
                "define-alias" => {
                    let names = symbols(&items[1..], &interner);
                    aliases.push((names[0].to_owned(), names[1].to_owned()));
                }
                "define-copy" => {
                    let names = symbols(&items[1..], &interner);
                    copies.push((names[0].to_owned(), names[1].to_owned()));
                }
                other => panic!("{other}"),
            }
        }
    }
    for (new, of) in copies {
        let original = definitions.iter().find(|one| one.0 == of).unwrap();
        definitions.push((new, original.1, original.2, original.3, original.4));
    }
    definitions.sort_by(|one, other| one.0.cmp(&other.0));
    let entry = |name: &str| ENTRIES.iter().find(|entry| entry.0 == name).unwrap();
    let noted = FUNCTIONS.iter().map(|function| {
        let (name, arity, alias) = entry(function.name);
        assert_eq!(*alias, None);
        let place = (function.file, function.start, function.end);
        ((*name).to_owned(), place.0, place.1, place.2, *arity)
    });
    assert_eq!(noted.collect::<Vec<_>>(), definitions);
    let noted = ENTRIES
        .iter()
        .filter_map(|(new, _, of)| Some((*new, (*of)?)));
    let noted = noted.map(|(new, of)| (new.to_owned(), of.to_owned()));
    assert_eq!(noted.collect::<Vec<_>>(), aliases);
}

#[test]
fn no_function_has_the_name_of_a_native() {
    for function in FUNCTIONS {
        let native = sema_natives::NATIVES.find(function.name);
        assert!(native.is_none(), "`{}` is a native", function.name);
    }
}

fn read(text: &str) -> Result<prepared::Library, LibraryError> {
    prepared::read(&[("a.sema".to_owned(), text.to_owned())])
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
    let library = read(text).unwrap();
    let [f, h] = &library.declarations[..] else {
        panic!("{library:?}");
    };
    assert_eq!((f.name.as_str(), h.name.as_str()), ("f", "h"));
    assert_eq!(library.aliases, [("g".to_owned(), "f".to_owned())]);
    assert_eq!(f.doc, "One.\nAnd two.\n(f 1) => 2");
    let parameters: Vec<_> = (f.parameters.iter())
        .map(|(name, kind, mode)| (name.as_str(), kind.as_str(), *mode))
        .collect();
    assert_eq!(
        parameters,
        [
            ("a", "Int", "Required"),
            ("b", "OptionalString", "Optional"),
            ("c", "Any", "Rest")
        ]
    );
    assert_eq!((f.result.as_str(), h.result.as_str()), ("Count", "Nil"));
    assert_eq!(
        f.facts,
        ["pure()", "needs(Capability::FsRead)", "tier(Tier::Net)"]
    );
    let functions: Vec<_> = (library.functions.iter())
        .map(|one| (one.name.as_str(), one.defined_as.as_str(), one.min, one.max))
        .collect();
    assert_eq!(
        functions,
        [
            ("%internal", "%internal", 0, Some(0)),
            ("f", "f", 1, Some(2)),
            ("h", "f", 1, Some(2))
        ]
    );
    let f = &library.functions[1];
    assert_eq!(&text[f.start..f.end], "(define (f a &opt b)\n  a)");
    let rust = library.to_rust();
    assert!(
        rust.contains("Declaration::new(\"f\", &[\"g\"], &["),
        "{rust}"
    );
    assert!(
        rust.contains(".pure().needs(Capability::FsRead).tier(Tier::Net),\n"),
        "{rust}"
    );
}

#[test]
fn what_cannot_be_read_is_named() {
    for (text, expected) in [
        (
            ";;; text\n(define (f) 1)",
            "a.sema:2: the declaration of `f`: `text` is not `(parameters) -> result`",
        ),
        (
            ";;; (a: thing) -> Nil\n(define (f a) 1)",
            "a.sema:2: the declaration of `f`: `a: thing` is no parameter",
        ),
        (
            ";;; () -> a thing\n(define (f) 1)",
            "a.sema:2: the declaration of `f`: `a thing` is no kind of a result",
        ),
        (
            ";;; () -> Nil, fast\n(define (f) 1)",
            "a.sema:2: the declaration of `f`: `fast` is no fact of a library function",
        ),
        (
            ";;; () -> Nil\n\n(define (f) 1)",
            "a.sema:2: no definition follows directly on `() -> Nil`",
        ),
        (
            "(define (f) 1)\n;;; () -> Nil",
            "a.sema:2: no definition follows directly on `() -> Nil`",
        ),
        (
            "(define x 1)",
            "a.sema:1: `(define x 1)` begins no definition",
        ),
        ("(define-copy a b)", "a.sema:1: `b` is not defined"),
        ("(define-alias a)", "a.sema:1: two names are missing"),
        ("(define (a b", "a.sema:1: the parameters are not closed"),
    ] {
        let problem = read(text).unwrap_err().to_string();
        assert_eq!(problem, expected);
    }
}

#[test]
fn nothing_of_the_library_is_called_like_a_native() {
    // The one would silently take the place of the other.
    for function in FUNCTIONS {
        assert!(
            sema_natives::NATIVES.find(function.name).is_none(),
            "{} is a native, too",
            function.name
        );
    }
}
