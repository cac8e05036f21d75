//! Damaged bytecode: what the verifier accepts, the machine runs without crashing.
//!
//! Modules of real programs are changed at random, sealed with right checksums, and those that the
//! verifier accepts are run as processes. They may print nonsense, fail or run until they are
//! stopped; a signal or a panic is a mistake of verifier or machine. The walk is fixed:
//! `SEMAC_HOSTILE_ROUNDS=N` sets its length, `SEMAC_HOSTILE_SEED=N` takes another one. What was found
//! belongs into `FOUND`, and into a test of its own: the rounds change with the compiler's output.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sema_format::{AlignedBytes, Module, ModuleView, WriteOptions, verify};
use sema_tests::{Scratch, outcome, runtime, semac_in};
use sema_vfs::{ArchiveBuilder, EntryKind, VfsPath};

const ROUNDS: u64 = 400;
const TIME_LIMIT: Duration = Duration::from_millis(500);
/// Seeds and rounds that once ended in a crash.
const FOUND: &[(u64, u64)] = &[(1, 57), (1, 346), (1, 1225), (5, 1341), (12, 961)];

/// Programs that use much of the instruction set, and no native with effects outside.
const PROGRAMS: &[&str] = &[
    "(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
     (println (fib 12) (foldl + 0 (map (fn (x) (* x 1.5)) '(1 2 3))))",
    "(define (counter) (let ((n 0)) (fn () (set! n (+ n 1)) n)))
     (define c (counter))
     (c)
     (println (c) (try (car 5) (catch e (:type e))) (apply max '(3 1 2)))",
    "(define (classify x)
       (match x
         ([a b] (list a b))
         ({:kind k} k)
         ((? number? n) (* n 2))
         (_ :other)))
     (println (map classify (list [1 2] {:kind :k} 4 \"s\" nil)))
     (println (case (+ 1 1) ((1) :one) ((2 3) :few) (else :many)))",
    "(define ch (channel/new 2))
     (define p (async (let loop ((i 0)) (when (< i 5) (channel/send ch i) (loop (+ i 1))))
                      (channel/close ch)))
     (let loop ((sum 0))
       (let ((n (channel/recv ch)))
         (if (nil? n) (println sum) (loop (+ sum n)))))",
    "(define-record-type point (make-point x y) point? (x point-x) (y point-y))
     (define m (assoc {:a 1} :b (make-point 3 4)))
     (println (point-x (:b m)) (keys m) f\"${(+ 1 2)} and ${(:a m)}\")
     (define a (mutable-array/new 4 0))
     (dotimes (i 4) (mutable-array/set! a i (* i i)))
     (println (mutable-array/get a 3) (string/upper \"abc\") (reverse '(1 2 3)))",
    "(defmulti area (fn (s) (:kind s)))
     (defmethod area :square (fn (s) (* (:side s) (:side s))))
     (defmethod area :default (fn (s) 0))
     (define (deep n) (if (= n 0) (throw :bottom) (+ 1 (deep (- n 1)))))
     (println (area {:kind :square :side 3}) (try (deep 50) (catch e (:value e))))
     (define-values (q r) (values 1 2))
     (println q r (force (delay (+ q r))))",
    "(define a (mutable-array/new 8 0.5))
     (define (dot a b n)
       (let loop ((i 0) (sum 0.0))
         (if (= i n) sum
             (loop (+ i 1) (+ sum (* (mutable-array/get a i) (mutable-array/get b i)))))))
     (define (steps x n)
       (let loop ((i 0) (x x))
         (if (< i n) (loop (+ i 1) (+ (- (* x x) (* 2.0 (* x 0.5))) 0.25)) (- (sqrt (* x x))))))
     (let loop ((l '(1 2 3)) (i 7))
       (when (pair? l)
         (mutable-array/set! a i (- (mutable-array/get a i) 1.5))
         (if (mutable-array/get a 0) (loop (rest l) (- i 1)))))
     (println (dot a a 8) (steps 0.5 9))",
];

/// xorshift64*, Vigna 2016.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit.max(1)
    }
}

/// The modules of a program, by the paths they have in its archive.
struct Specimen {
    entry: Vec<u8>,
    modules: Vec<(String, Module)>,
}

fn specimens(scratch: &Scratch) -> Vec<Specimen> {
    let mut specimens = Vec::new();
    for (number, program) in PROGRAMS.iter().enumerate() {
        for level in ["-O0", "-O2"] {
            let name = format!("p{number}{level}");
            scratch.write(&format!("{name}.sema"), program);
            let mut build = semac_in(scratch.path());
            build
                .args([
                    "build",
                    level,
                    &format!("{name}.sema"),
                    "-o",
                    &name,
                    "--runtime",
                ])
                .arg(runtime());
            outcome(&mut build, b"").succeeded();
            let archive = sema_vfs::Archive::open_executable(&scratch.file(&name)).unwrap();
            let entry = archive.metadata("entry").unwrap().bytes().unwrap().to_vec();
            let modules = archive
                .entries()
                .filter(|one| one.kind() == EntryKind::Module)
                .map(|one| {
                    let bytes = AlignedBytes::copy_of(&one.bytes().unwrap());
                    let view = ModuleView::parse(bytes.as_bytes()).unwrap();
                    (one.path().to_owned(), view.to_module().unwrap())
                })
                .collect();
            specimens.push(Specimen { entry, modules });
        }
    }
    specimens
}

/// Changes a few words of the code, or what functions say of themselves.
fn mutate(module: &mut Module, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let constants = module.constants.len();
        let at = random.below(module.functions.len());
        let function = &mut module.functions[at];
        let length = function.code.len();
        if length == 0 {
            continue;
        }
        let place = random.below(length);
        match random.below(10) {
            0 => function.code[place] = random.next() as u32,
            1 | 2 => function.code[place] ^= 1 << random.below(32),
            3 => function.code.swap(place, random.below(length)),
            4 => function.code[place] = function.code[random.below(length)],
            5 => {
                // Another register in one of the operands.
                let shift = 8 * (1 + random.below(3));
                let register = random.below(function.registers as usize) as u32;
                function.code[place] &= !(0xff << shift);
                function.code[place] |= register << shift;
            }
            6 => {
                // Another instruction with the same operands.
                function.code[place] = function.code[place] & !0xff | random.below(256) as u32;
            }
            7 if constants > 1 => {
                module
                    .constants
                    .swap(random.below(constants), random.below(constants));
            }
            8 => match function.handlers.first_mut() {
                Some(handler) => handler.target = random.below(length) as u32,
                None => function.registers = random.below(256) as u32,
            },
            _ => function.parameters = random.below(4) as u16,
        }
    }
}

fn is_accepted(bytes: &[u8]) -> bool {
    let copy = AlignedBytes::copy_of(bytes);
    ModuleView::parse(copy.as_bytes()).is_ok_and(|view| verify(&view).is_ok())
}

/// Runs the bundle until it ends or for as long as a run may take. What it ended with, unless it was
/// stopped.
fn run(bundle: &std::path::Path, directory: &std::path::Path) -> Option<(i32, String)> {
    let mut child = Command::new(runtime())
        .arg(bundle)
        .env_clear()
        .env("SEMAC_STACK_MB", "8")
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(directory.join("stderr")).unwrap())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            use std::os::unix::process::ExitStatusExt;
            let code = status.code().unwrap_or(-status.signal().unwrap_or(0));
            let said = fs::read(directory.join("stderr")).unwrap();
            return Some((code, String::from_utf8_lossy(&said).into_owned()));
        }
        if started.elapsed() > TIME_LIMIT {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn walk(seed: u64, rounds: std::ops::Range<u64>) {
    let scratch = Scratch::new();
    let specimens = specimens(&scratch);
    let bundle = scratch.file("bundle");
    let (mut ran, length) = (0, rounds.end - rounds.start);
    for round in rounds {
        let mut random = Random((seed << 32 | round) * 2 + 1);
        random.next();
        let specimen = &specimens[random.below(specimens.len())];
        let mut archive = ArchiveBuilder::new();
        let entry = VfsPath::metadata("entry").unwrap();
        archive
            .add_bytes(EntryKind::Metadata, entry, specimen.entry.clone())
            .unwrap();
        let victim = random.below(specimen.modules.len());
        let mut usable = true;
        for (number, (path, module)) in specimen.modules.iter().enumerate() {
            let mut module = module.clone();
            if number == victim {
                mutate(&mut module, &mut random);
            }
            // What the writer refuses cannot become a file.
            let Ok(bytes) = sema_format::write(&module, &WriteOptions::default()) else {
                usable = false;
                break;
            };
            usable &= is_accepted(&bytes);
            let path = VfsPath::new(path).unwrap();
            archive.add_bytes(EntryKind::Module, path, bytes).unwrap();
        }
        if !usable {
            continue;
        }
        archive.write_file(&bundle).unwrap();
        ran += 1;
        if let Some((status, said)) = run(&bundle, scratch.path()) {
            let crashed = status < 0 || status == 101 || said.contains("panicked");
            if crashed {
                let kept = std::env::temp_dir().join(format!("hostile-{seed}-{round}"));
                fs::copy(&bundle, &kept).unwrap();
                panic!("{} ended with {status}\n{said}", kept.display());
            }
        }
    }
    // Otherwise the changes would be too crude to reach the machine.
    assert!(
        length == 1 || ran * 10 > length,
        "{ran} of {length} modules were accepted"
    );
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn accepted_modules_do_not_crash_the_machine() {
    let rounds = setting("SEMAC_HOSTILE_ROUNDS").unwrap_or(ROUNDS);
    walk(setting("SEMAC_HOSTILE_SEED").unwrap_or(1), 0..rounds);
}

#[test]
fn walks_that_found_something() {
    for &(seed, round) in FOUND {
        walk(seed, round..round + 1);
    }
}
