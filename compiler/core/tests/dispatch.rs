//! Threaded dispatch must not grow the machine stack: a program that runs every kind of instruction
//! many times, on a thread with a small stack. (Only optimised builds thread; see
//! `runtime/machine/build.rs`; `make tail-calls` runs the test in one.)

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, FoundModule, LoadError, ModuleSource, Vm};
use semac_core::driver::{FileSystem, Options, Surroundings, World, compile_program};
use semac_core::front::source::SourceMap;
use semac_core::phases::Unobserved;

const PROGRAM: &str = r#"
(define counter 0)
(define cell (mutable-cell/new 0))
(define array (mutable-array/new 8 0))
(define (same x) x)
(define (add3 a b . more) (+ a b (length more)))
(define-record-type point (make-point x y) point? (x point-x) (y point-y))
(define m {:a 1 :b [1 2 3]})
(define (make-adder n) (fn (x) (+ x n)))
(define (count-up) (let ((n 0)) (fn () (set! n (+ n 1)) n)))
(define next (count-up))
(defmulti area (fn (s) (:kind s)))
(defmethod area :square (fn (s) (* (:side s) (:side s))))
(define (even2? n) (if (= n 0) #t (odd2? (- n 1))))
(define (odd2? n) (if (= n 0) #f (even2? (- n 1))))
(define (work i)
  (set! counter (+ counter 1))
  (mutable-cell/set! cell (+ (mutable-cell/get cell) 1))
  (mutable-array/set! array (mod i 8) i)
  (let* ((a (mutable-array/get array 0)) (p (make-point i (* i 2.5))) (l (list 1 2 i)) (v [i 2 3])
         (adder (make-adder 3)) (s (str "x" i)))
    (next)
    (try (if (= (mod i 5) 0) (throw :five) (nth l 7)) (catch e (:type e)))
    (and (< a i) (<= 1 2) (> i -1) (>= i 0) (= (car l) 1) (equal? (cdr l) '(2 3)) (not (null? l)))
    (cond ((pair? v) 1) ((vector? v) (nth v 0)) (else (cons i l)))
    (case (mod i 3) ((0) :zero) ((1) :one) (else (get m :b)))
    (match v ([x y z] (+ x y z)) (_ 0))
    (if (point? p) (point-y p) (try (point-x i) (catch e 0)))
    (case (nth [:a :b :c :d "e"] (mod i 5)) ((:a) 1) ((:b) 2) ((:c) 3) ((:d) 4) (("e") 5))
    (apply + 1 2 l)
    (apply add3 l)
    (add3 1 2 3 4 5)
    (area {:kind :square :side i})
    (:a m)
    (adder (point-x p))
    (quotient i 3) (remainder i 3) (/ i 7) (- i 1.5) (* 1.5 (point-y p))
    (string/length s)
    (map same l)
    (foldl + 0 (filter odd? l))
    (even2? 10)
    (await (async (same i)))))
(let loop ((i 0))
  (when (< i 3000) (work i) (loop (+ i 1))))
(println counter)
"#;

struct One;

impl FileSystem for One {
    fn read(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Ok(PROGRAM.as_bytes().to_vec())
    }
    fn canonical(&self, path: &Path) -> std::io::Result<PathBuf> {
        Ok(path.to_owned())
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

#[test]
fn the_machine_stack_does_not_grow() {
    run(false);
}

#[test]
fn nor_when_steps_are_counted() {
    run(true);
}

fn run(stoppable: bool) {
    let options = Options {
        working_directory: None,
        allowed: Vec::new(),
        externs: Vec::new(),
        optimize: 2,
        package_root: None,
        surroundings: Surroundings::Runtime,
        stoppable,
        macro_steps: 1_000_000,
        world: World::PROGRAM,
        expand: false,
        service: None,
        cassette: None,
    };
    let program = compile_program(
        &One,
        Path::new("/main.sema"),
        &options,
        &mut SourceMap::new(),
        &Unobserved,
    )
    .expect("compiles");
    let run = move || {
        let modules = program
            .modules
            .into_iter()
            .map(|module| (module.name.clone(), module))
            .collect();
        let mut vm = Vm::new(
            Host::new(Output::memory(), &sema_natives::NATIVES),
            Box::new(Modules(modules)),
        );
        let main = vm
            .load_from_source(&program.entry, "")
            .expect("loads")
            .expect("is there");
        match vm.run_main(main) {
            Ending::Value(_) => String::from_utf8(vm.host.output.take()).expect("text"),
            Ending::Exit(status) => format!("exit {status}"),
            Ending::Uncaught(uncaught) => uncaught.text(),
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .expect("starts");
    assert_eq!(thread.join().expect("ends"), "3000\n");
}
