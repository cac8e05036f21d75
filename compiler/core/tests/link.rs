//! A program behaves the same whether its modules are merged or stay apart, at every level of optimisation.
//!
//! Each file of `tests/link` holds the files of a program behind lines `;; file: NAME`; the first is the entry.
//! What it prints, and how it ends, is in its `.expected`. Lines in the first file that begin with
//! `;; merged: ` name programs whose modules must have become one with so many parts.
//! `SEMAC_BLESS=1 cargo test -p semac-core --test link` writes the outputs anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, FoundModule, LoadError, ModuleSource, Vm};
use semac_core::driver::{FileSystem, Options, Program, Surroundings, World, compile_program};
use semac_core::front::lower::CERTAIN;
use semac_core::front::source::SourceMap;
use semac_core::phases::Unobserved;

/// The files of a program.
#[derive(Clone)]
struct Files(HashMap<PathBuf, String>);

impl FileSystem for Files {
    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let text = self.0.get(path).ok_or(std::io::ErrorKind::NotFound)?;
        Ok(text.clone().into_bytes())
    }
    fn canonical(&self, path: &Path) -> std::io::Result<PathBuf> {
        match self.0.contains_key(path) {
            true => Ok(path.to_owned()),
            false => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
    fn is_directory(&self, _: &Path) -> bool {
        false
    }
}

struct Modules(HashMap<String, sema_format::Module>);

impl ModuleSource for Modules {
    fn module(&self, path: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
        Ok(self.0.get(path).map(|module| FoundModule {
            key: path.to_owned(),
            image: module.clone().into(),
        }))
    }
}

fn compiled(files: &Files, entry: &Path, optimize: u8, world: World) -> Program {
    let options = Options {
        working_directory: None,
        service: None,
        cassette: None,
        embedded: Default::default(),
        allowed: CERTAIN.map(str::to_owned).to_vec(),
        externs: Vec::new(),
        optimize,
        package_root: None,
        surroundings: Surroundings::Runtime,
        stoppable: false,
        macro_steps: 1_000_000,
        macro_time: std::time::Duration::from_secs(60),
        printed: Default::default(),
        macro_effects: true,
        world,
        expand: false,
    };
    compile_program(files, entry, &options, &mut SourceMap::new(), &Unobserved)
        .unwrap_or_else(|problems| panic!("{}: {problems:?}", entry.display()))
}

/// Output and end of a program. Its modules go through files, as in an executable.
fn outcome(program: Program) -> String {
    let modules = program.modules.into_iter().map(|module| {
        let bytes = sema_format::write(&module, &sema_format::WriteOptions::default()).unwrap();
        let bytes = sema_format::AlignedBytes::copy_of(&bytes);
        let view = sema_format::ModuleView::parse(bytes.as_bytes()).unwrap();
        sema_format::verify::verify(&view).unwrap();
        assert_eq!(view.to_module().unwrap(), module);
        (module.name.clone(), module)
    });
    let mut vm = Vm::new(
        Host::new(Output::memory(), &sema_natives::NATIVES),
        Box::new(Modules(modules.collect())),
    );
    let main = vm.load_from_source(&program.entry, "").unwrap().unwrap();
    let end = match vm.run_main(main) {
        Ending::Value(_) => String::new(),
        Ending::Exit(status) => format!("exit {status}\n"),
        Ending::Uncaught(uncaught) => uncaught.render(),
    };
    let output = String::from_utf8(vm.host.output.take()).unwrap();
    format!("{output}{end}")
}

/// The files of a program, the entry first.
fn parse(text: &str) -> (PathBuf, Files) {
    let mut files = HashMap::new();
    let mut entry = None;
    for part in text.split(";; file: ").skip(1) {
        let (name, content) = part.split_once('\n').unwrap();
        let path = Path::new("/p").join(name.trim());
        entry.get_or_insert(path.clone());
        files.insert(path, content.to_owned());
    }
    (entry.unwrap(), Files(files))
}

#[test]
fn the_library_is_linked_once() {
    let text = ";; file: main.sema
(import \"a.sema\")
(import \"b.sema\")
(println (eq? map-of-a map-of-b) (eq? map map-of-a) (eq? map-of-late map))
;; file: a.sema
(define map-of-a map)
;; file: b.sema
(define map-of-b map)
(if #t (import \"late.sema\"))
;; file: late.sema
(define map-of-late map)
";
    let (entry, files) = parse(text);
    for level in 0..=2 {
        let program = compiled(&files, &entry, level, World::PROGRAM);
        assert_eq!(outcome(program), "#t #t #t\n");
    }
}

/// Bytes of a program's modules in an archive.
fn size(program: &Program) -> usize {
    let modules = program.modules.iter().map(|module| {
        let bytes = sema_format::write(module, &sema_format::WriteOptions::default()).unwrap();
        bytes.len()
    });
    modules.sum()
}

#[test]
fn ten_modules_take_half_the_space_when_they_are_merged() {
    let mut text = String::from(
        ";; file: main.sema
(import \"part-9.sema\")
(println (classify-9 [:pair 1 2]) (classify-9 {:id 5}) (helper-9 3))
",
    );
    for n in 1..=9 {
        let previous = n - 1;
        let import = match n {
            1 => "(define (classify-0 value) 0) (define (helper-0 x) x)".to_owned(),
            _ => format!("(import \"part-{previous}.sema\")"),
        };
        text.push_str(&format!(
            ";; file: part-{n}.sema
{import}
(define (scale-{n} x) (* x {n}))
(define (classify-{n} value)
  (match value
    ([:pair a b] (+ (scale-{n} a) b))
    ({{:id id}} (classify-{previous} id))
    (_ (if (number? value) (helper-{previous} value) 0))))
(define (helper-{n} x)
  (let ((results (map (fn (k) (+ k x)) (list 1 2 3 {n}))))
    (foldl + 0 (filter (fn (r) (> r {n})) results))))
"
        ));
    }
    let (entry, files) = parse(&text);
    let (apart, merged) = (
        compiled(&files, &entry, 2, World::Open),
        compiled(&files, &entry, 2, World::PROGRAM),
    );
    assert_eq!((apart.modules.len(), merged.modules.len()), (10, 1));
    let sizes = (size(&merged), size(&apart));
    assert!(sizes.0 * 2 <= sizes.1, "{sizes:?}");
    assert_eq!(outcome(merged), outcome(apart));
}

#[test]
fn programs_behave_the_same_merged_or_apart() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/link");
    let update = std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1");
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in std::fs::read_dir(&directory).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "sema") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let (entry, files) = parse(&text);
        let golden = path.with_extension("expected");
        if update {
            let found = outcome(compiled(&files, &entry, 0, World::Open));
            std::fs::write(&golden, found).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap();
        for level in 0..=2 {
            for world in [World::Open, World::PROGRAM, World::LIBRARY] {
                let found = outcome(compiled(&files, &entry, level, world));
                if found != expected {
                    let name = path.display();
                    wrong.push(format!(
                        "{name} -O{level} {world:?}\n{found}\n--- expected\n{expected}"
                    ));
                }
            }
        }
        let merged = compiled(&files, &entry, 2, World::PROGRAM);
        let said = text
            .lines()
            .find_map(|line| line.strip_prefix(";; merged: "));
        let shape = match &merged.modules[..] {
            [module] => format!("{} parts", module.parts.len()),
            modules => format!("{} modules", modules.len()),
        };
        if said != Some(&*shape) {
            wrong.push(format!("{}: {shape}, not {said:?}", path.display()));
        }
    }
    assert!(count >= 10);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
