//! Golden tests of rendered diagnostics; `diagnostics/README.md` says how to change them.

use std::fs;
use std::path::{Path, PathBuf};

use semac_core::front::datum::{FileId, Span, new_interner};
use semac_core::front::diagnostic::render::Renderer;
use semac_core::front::diagnostic::suggest::unbound_hint;
use semac_core::front::diagnostic::{Condition, Diagnostic};
use semac_core::front::reader::read_all;
use semac_core::front::source::SourceMap;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

#[track_caller]
fn check(name: &str, actual: &str) {
    let path = directory().join(format!("{name}.expected"));
    if std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run with SEMAC_BLESS=1 to make it",
            path.display()
        )
    });
    assert!(
        expected == actual,
        "{name}: expected\n{expected}\nbut got\n{actual}"
    );
}

fn source(text: &str) -> (SourceMap, FileId) {
    let mut sources = SourceMap::new();
    let file = sources.add("main.sema", text.to_owned());
    (sources, file)
}

/// The span of the first occurrence of `part`.
fn span_of(sources: &SourceMap, file: FileId, part: &str) -> Span {
    let start = u32::try_from(sources.text(file).find(part).unwrap()).unwrap();
    Span {
        file,
        start,
        end: start + u32::try_from(part.len()).unwrap(),
        ..Span::default()
    }
}

#[test]
fn reader_errors() {
    let mut inputs: Vec<PathBuf> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "sema")
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty());
    for path in inputs {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let mut sources = SourceMap::new();
        let file = sources.add(format!("{name}.sema"), fs::read_to_string(&path).unwrap());
        let errors = read_all(&mut new_interner(), file, sources.text(file)).expect_err(name);
        let diagnostics = errors
            .iter()
            .map(|error| *Diagnostic::reader(error, sources.text(file)))
            .collect::<Vec<_>>();
        check(
            name,
            &Renderer::new(false).render_all(&sources, &diagnostics),
        );
    }
}

#[test]
fn unbound_name() {
    let (sources, file) = source("(define total 0)\n(setq total 1)\n(println totl)\n");
    let names = ["total", "println", "define"];
    let diagnostics = ["setq", "totl"].map(|name| {
        let condition = Condition::Unbound(name.to_owned());
        let span = span_of(&sources, file, name);
        let message = format!("Unbound variable: {name}");
        *Diagnostic::warning(span, "W0201", condition, message)
            .at_labelled(span, "nothing defines this")
            .with_optional_hint(unbound_hint(name, names))
    });
    check(
        "unbound-name",
        &Renderer::new(false).render_all(&sources, &diagnostics),
    );
}

#[test]
fn several_files_and_places() {
    let (mut sources, file) = source("(import \"lib/shapes.sema\")\n\n\n\n(area 1 2 3)\n; end\n");
    let library = sources.add(
        "lib/shapes.sema",
        "(module shapes (export area)\n  (define (area r)\n    (* r r)))\n",
    );
    let diagnostic = Diagnostic::error("E0301", "area expects 1 argument, got 3")
        .at_labelled(
            span_of(&sources, file, "(area 1 2 3)"),
            "called with 3 arguments",
        )
        .with_secondary(
            span_of(&sources, file, "(import \"lib/shapes.sema\")"),
            "imported here",
        )
        .with_secondary(
            span_of(&sources, library, "(define (area r)\n    (* r r))"),
            "defined with 1 parameter",
        )
        .with_note("the call is reached when the program starts")
        .with_hint("remove the last 2 arguments");
    check(
        "several-files",
        &Renderer::new(false).render(&sources, &diagnostic),
    );
}

#[test]
fn without_a_place() {
    let sources = SourceMap::new();
    let diagnostic =
        Diagnostic::error("E0001", "cannot read main.sema").with_note("permission denied");
    check(
        "without-place",
        &Renderer::new(false).render(&sources, &diagnostic),
    );
}

#[test]
fn any_span_can_be_rendered() {
    let (sources, file) = source("aé\n✓b");
    let offsets = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, u32::MAX];
    for start in offsets {
        for end in offsets {
            for file in [file, FileId(9)] {
                let span = Span {
                    file,
                    start,
                    end,
                    ..Span::default()
                };
                let diagnostic = Diagnostic::error("E0001", "x")
                    .at_labelled(span, "y")
                    .with_secondary(span, "z");
                let text = Renderer::new(false).render(&sources, &diagnostic);
                assert!(text.starts_with("Error: x\n"), "{text}");
            }
        }
    }
}

#[test]
fn colours_only_when_asked_for() {
    let (sources, file) = source("(a)");
    let diagnostic = Diagnostic::error("E0001", "x").at(span_of(&sources, file, "a"));
    assert!(
        Renderer::new(true)
            .render(&sources, &diagnostic)
            .contains('\u{1b}')
    );
    assert!(
        !Renderer::new(false)
            .render(&sources, &diagnostic)
            .contains('\u{1b}')
    );
}
