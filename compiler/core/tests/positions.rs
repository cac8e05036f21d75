//! Every mistake has a place: many wrong programs, each in line 3, column 5 of a file, and what is said
//! about them. `SEMAC_BLESS=1` writes the expected texts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use semac_core::driver::{FileSystem, Options, Surroundings, World, compile_program};
use semac_core::front::diagnostic::Severity;
use semac_core::front::diagnostic::render::Renderer;
use semac_core::front::source::SourceMap;
use semac_core::phases::Unobserved;

/// One program per line; lines that begin with `;;` are comments.
const PROGRAMS: &str = include_str!("positions/programs.txt");

struct Files(BTreeMap<PathBuf, String>);

impl FileSystem for Files {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.clone().into_bytes())
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.read(path).map(|_| path.to_owned())
    }
    fn is_directory(&self, _: &Path) -> bool {
        false
    }
}

/// What the compiler says about a program, one line for each diagnostic: place, code, message.
fn said(program: &str) -> String {
    let files = [
        ("/p/main.sema", format!("; a comment\n\n    {program}\n")),
        ("/p/broken.sema", "(define fine 1)\n  (if)\n".to_owned()),
        ("/p/unread.sema", "(define fine 1)\n  (f))\n".to_owned()),
        (
            "/p/cycle.sema",
            "(import \"main.sema\")\n(define x 1)\n".to_owned(),
        ),
        (
            "/p/module.sema",
            "(module m (export known) (define known 1))\n".to_owned(),
        ),
    ];
    let files = files.map(|(path, text)| (PathBuf::from(path), text));
    let options = Options {
        working_directory: None,
        allowed: Vec::new(),
        externs: Vec::new(),
        optimize: 0,
        package_root: None,
        surroundings: Surroundings::Runtime,
        stoppable: false,
        macro_steps: 100_000,
        macro_time: std::time::Duration::from_secs(60),
        printed: Default::default(),
        macro_effects: true,
        world: World::PROGRAM,
        expand: false,
        service: None,
        cassette: None,
        embedded: Default::default(),
    };
    let mut sources = SourceMap::new();
    let entry = Path::new("/p/main.sema");
    let files = Files(files.into_iter().collect());
    let diagnostics = match compile_program(&files, entry, &options, &mut sources, &Unobserved) {
        Ok(program) => program.warnings,
        Err(diagnostics) => diagnostics,
    };
    let mut lines = String::new();
    if diagnostics.is_empty() {
        lines.push_str("  nothing before it runs\n");
    }
    for diagnostic in &diagnostics {
        let shown = Renderer::new(false).render_all(&sources, std::slice::from_ref(diagnostic));
        let place = shown
            .lines()
            .find_map(|line| line.trim_start().strip_prefix("--> "))
            .unwrap_or_else(|| panic!("no place: {program}\n{shown}"));
        let mut parts = place.rsplitn(3, ':');
        let column: u32 = parts.next().unwrap().parse().unwrap();
        let line: u32 = parts.next().unwrap().parse().unwrap();
        let file = parts.next().unwrap();
        assert!(file.ends_with(".sema"), "{place}: {program}");
        if file.ends_with("main.sema") {
            assert!(
                line >= 3 && column >= 5,
                "{place} is not in the program: {program}"
            );
        }
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let file = file.rsplit('/').next().unwrap();
        writeln!(
            lines,
            "  {file}:{line}:{column} {severity} {} {}",
            diagnostic.code, diagnostic.message
        )
        .unwrap();
    }
    lines
}

#[test]
fn every_mistake_has_a_place() {
    let mut got = String::new();
    for program in PROGRAMS.lines() {
        if program.is_empty() || program.starts_with(";;") {
            continue;
        }
        writeln!(got, "{program}\n{}", said(program)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/positions/expected.txt");
    if std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, &got).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    for (got, expected) in got.lines().zip(expected.lines()) {
        assert_eq!(got, expected);
    }
    assert_eq!(got.lines().count(), expected.lines().count());
}
