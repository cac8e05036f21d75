//! Programs that are large in one way: long lines, shared parts, many parameters.
//!
//! Looked at: positions (reader, debug tables, f-strings), what macros return and take (lists, vectors, maps), its
//! way into constants; parameters of functions, macros, records, short lambdas, `let-values`, with and without a
//! rest parameter. Times are compared with those of the same amount of work in another shape, with a wide margin.

use std::time::{Duration, Instant};

use sema_tests::{Outcome, Scratch, outcome, semac_in};

#[track_caller]
fn run(project: &Scratch, name: &str) -> Outcome {
    let mut command = semac_in(project.path());
    outcome(command.args(["run", name]), b"")
}

fn time_of(project: &Scratch, name: &str) -> Duration {
    let times = (0..3).map(|_| {
        let started = Instant::now();
        let mut command = semac_in(project.path());
        outcome(command.args(["check", name]), b"").succeeded();
        started.elapsed()
    });
    times.min().unwrap_or_default()
}

/// Excerpts of a long line show a part of it, and cost no more than those of short ones.
#[test]
fn many_warnings_about_one_line_take_linear_time() {
    let forms: Vec<String> = (0..3000)
        .map(|i| format!("(define (f{i}) (car 1 2))"))
        .collect();
    let project = Scratch::with(&[
        ("one.sema", forms.join(" ").as_str()),
        ("many.sema", forms.join("\n").as_str()),
    ]);
    let one = time_of(&project, "one.sema");
    let many = time_of(&project, "many.sema");
    assert!(
        one < many * 3 + Duration::from_millis(300),
        "{one:?}, {many:?}"
    );
    let mut command = semac_in(project.path());
    let got = outcome(command.args(["check", "one.sema"]), b"").succeeded();
    let column = forms[..2999].join(" ").len() + " (define (f2999) ".len() + 1;
    assert!(
        got.stderr.contains(&format!(" --> one.sema:1:{column}\n")),
        "{column}"
    );
    assert!(got.stderr.lines().all(|line| line.len() < 1000));
}

#[test]
fn long_lines_take_no_longer_than_short_ones() {
    for text in ["(+ k 1)", "(str \"é\" k)"] {
        let items = vec![text; 20_000].join(" ");
        let one = format!("(define k 1) (define a [{items}]) (println (length a))");
        let many = one.replace(") (", ")\n(");
        let project = Scratch::with(&[("one.sema", one.as_str()), ("many.sema", many.as_str())]);
        let (one, many) = (
            time_of(&project, "one.sema"),
            time_of(&project, "many.sema"),
        );
        assert!(
            one < many * 3 + Duration::from_millis(300),
            "{one:?}, {many:?}"
        );
    }
}

#[test]
fn shared_parts_of_what_macros_make_and_take_are_handled_once() {
    for (pair, part) in [
        ("(list a a)", "(first v)"),
        ("[a a]", "(first v)"),
        ("{:l a :r a}", "(:l v)"),
    ] {
        let main = format!(
            "(defmacro tree () (list 'quote (foldl (fn (a x) {pair}) 'leaf (range 40))))\n\
             (defmacro same (x) (list 'quote x))\n\
             (defmacro pass () (list 'same (foldl (fn (a x) {pair}) 'leaf (range 40))))\n\
             (define (depth v n) (if (symbol? v) n (depth {part} (+ n 1))))\n\
             (println (depth (tree) 0) (depth (pass) 0))\n"
        );
        let project = Scratch::with(&[("main.sema", main.as_str())]);
        assert_eq!(
            run(&project, "main.sema").succeeded().stdout,
            "40 40\n",
            "{pair}"
        );
    }
    // What is empty has no parts to share.
    let main = "(defmacro empty () (list 'let (list) (list 'quote (list (list) [] {}))))\n\
                (println (empty))";
    let project = Scratch::with(&[("main.sema", main)]);
    assert_eq!(
        run(&project, "main.sema").succeeded().stdout,
        "(() [] {})\n"
    );
}

fn words(count: usize, word: impl Fn(usize) -> String) -> String {
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn many_parameters() {
    for count in [119, 120, 121, 255, 256, 1000] {
        let last = count - 1;
        let names = words(count, |index| format!("a{index}"));
        let numbers = words(count, |index| index.to_string());
        let main = format!(
            "(define (f {names}) (set! a1 (+ a1 1)) (list a0 a1 a{last}))\n\
             (define (g {names} . more) (list a{last} more))\n\
             (define-record-type big (mk {names}) big? (a0 first-of) (a{last} last-of))\n\
             (defmacro m ({names}) a{last})\n\
             (println (f {numbers}) (apply f (range {count})) (g {numbers}) (g {numbers} :x :y))\n\
             (println (last-of (apply mk (range {count}))) (m {numbers}))\n\
             (println (let-values ((({names}) (apply values (range {count})))) a{last}))\n\
             (println ((fn ({names}) (fn () (+ a0 a{last}))) {numbers}))\n\
             (println (try (apply f (range {last})) (catch e (list (:type e) (:message e) (:expected e)))))\n\
             (println (try (apply g (range 3)) (catch e (:message e))))\n"
        );
        let project = Scratch::with(&[("main.sema", main.as_str())]);
        let mut command = semac_in(project.path());
        for level in ["-O0", "-O2"] {
            let got = outcome(command.args(["run", level, "main.sema"]), b"").succeeded();
            let lines: Vec<&str> = got.stdout.lines().collect();
            let expected = [
                format!("(0 2 {last}) (0 2 {last}) ({last} ()) ({last} (:x :y))"),
                format!("{last} {last}"),
                format!("{last}"),
                "<native-fn <vm-closure>>".to_owned(),
                format!("(:arity \"f expects {count} arguments, got {last}\" \"{count}\")"),
                format!("g expects {count} or more arguments, got 3"),
            ];
            for (index, (line, expected)) in lines.iter().zip(&expected).enumerate() {
                if index != 3 {
                    assert_eq!(line, expected, "{count} at {level}");
                }
            }
            assert_eq!(lines.len(), 6, "{got:#?}");
            command = semac_in(project.path());
        }
    }
}

/// Forms with very many clauses or bindings are compiled, or refused with a diagnostic.
#[test]
fn forms_of_any_length_are_compiled_or_refused() {
    const MANY: usize = 30_000;
    let last = MANY - 1;
    let cond = words(10 * MANY, |i| format!("((= x {i}) {i})"));
    let case = words(MANY, |i| format!("(({i}) {i})"));
    let texts = words(MANY, |i| format!("((\"{i}\") {i})"));
    let patterns = words(MANY, |i| format!("([{i} a] (+ a {i}))"));
    let bindings = words(MANY, |i| format!("(v{i} {i})"));
    let definitions = words(MANY, |i| format!("(define v{i} {i})"));
    for (program, output) in [
        (
            format!("(define (f x) (cond {cond})) (println (f {last}))"),
            Some(last),
        ),
        (
            format!("(define (f x) (case x {case})) (println (f {last}))"),
            Some(last),
        ),
        (
            format!("(define (f x) (case x {texts})) (println (f \"{last}\"))"),
            Some(last),
        ),
        (
            format!("(define (f x) (match x {patterns})) (println (f [{last} 0]))"),
            Some(last),
        ),
        (
            format!("(define (f) (let* ({bindings}) v0)) (println (f))"),
            None,
        ),
        (format!("(define (f) {definitions} v0) (println (f))"), None),
    ] {
        let project = Scratch::with(&[("main.sema", program.as_str())]);
        let got = run(&project, "main.sema");
        match output {
            Some(number) => assert_eq!(got.succeeded().stdout, format!("{number}\n")),
            None => {
                got.failed_with(1, "too many bindings");
            }
        }
    }
}

#[test]
fn evaluated_forms_of_any_length_are_compiled_or_refused() {
    let main = "(define x0 99999)\n\
        (define (clauses make) (map make (range 100000)))\n\
        (define (run form) (println (try (eval form) (catch e (:message e)))))\n\
        (run (cons 'cond (clauses (fn (i) (list (list '= 'x0 i) i)))))\n\
        (run (cons 'case (cons 'x0 (clauses (fn (i) (list (list i) i))))))\n\
        (run (list 'let* (clauses (fn (i) (list 'a i))) 'a))\n";
    let project = Scratch::with(&[("main.sema", main)]);
    let got = run(&project, "main.sema").succeeded();
    let lines: Vec<&str> = got.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{got:#?}");
    assert_eq!(lines[..2], ["99999"; 2], "{got:#?}");
    assert!(lines[2].contains("too many bindings"), "{got:#?}");
}

/// Twice as many clauses or bindings take about twice as long, whatever they are.
#[test]
fn forms_with_many_clauses_take_linear_time() {
    let programs: [fn(usize) -> String; 6] = [
        |count| {
            let bindings = words(count, |i| format!("(v{i} {i})"));
            format!("(println (let ({bindings}) (+ v0 v{})))", count - 1)
        },
        |count| {
            let bindings = words(count, |i| format!("(v{i} (println {i}))"));
            format!("(let ({bindings}) 1)")
        },
        |count| {
            let bindings = words(count, |i| format!("(v{i} (fn () {i}))"));
            format!("(println (letrec ({bindings}) (+ (v0) (v{}))))", count - 1)
        },
        // Each clause is warned of: it is unreachable, for the sake of the first.
        |count| {
            let clauses = words(count, |i| format!("\n((string? x) {i})"));
            format!("(define x 1) (println (cond {clauses} (else nil)))")
        },
        |count| {
            let items = words(count, |i| i.to_string());
            let rules = "(define-syntax all (syntax-rules () ((_ a ...) (vector (+ a 1) ...))))";
            format!("{rules} (println (length (all {items})))")
        },
        |count| {
            let clauses = words(count, |i| format!("([{i} a] (+ a {i}))"));
            format!("(define (f x) (match x {clauses})) (println (f [1 2]))")
        },
    ];
    for (index, program) in programs.iter().enumerate() {
        let (few, many) = (program(4_000), program(16_000));
        let project = Scratch::with(&[("few.sema", few.as_str()), ("many.sema", many.as_str())]);
        let build = |name: &str| {
            let started = Instant::now();
            let mut command = semac_in(project.path());
            outcome(command.args(["compile", name, "-o", "out.semac"]), b"").succeeded();
            started.elapsed()
        };
        let times = |name: &str| (0..2).map(|_| build(name)).min().unwrap_or_default();
        let (few, many) = (times("few.sema"), times("many.sema"));
        // Quadratic: sixteen times as long.
        assert!(
            many < few * 9 + Duration::from_millis(300),
            "{index}: {few:?}, {many:?}"
        );
    }
}

/// Functions are keys of maps like others: those of many do not look at each for every one.
#[test]
fn maps_with_functions_as_keys_are_linear() {
    let main = "(define fs (map (fn (i) (fn () i)) (range 20000)))\n\
        (define (filled empty) (foldl (fn (m f) (assoc m f (f))) empty fs))\n\
        (define (check m) (println (count m) (apply + (map (fn (f) (- (get m f) (f))) fs)) (get m (fn () 1) :none)))\n\
        (check (filled (hashmap/new)))\n(check (filled {}))\n\
        (define m (filled (hashmap/new)))\n(define g (first fs))\n\
        (println (= (assoc m g 7) (assoc m g 7)) (get {[g 1] 2} [g 1]) (get (hashmap/new [g] 3) [g]))\n\
        (println (count (foldl (fn (m f) (dissoc m f)) m fs)))\n";
    let project = Scratch::with(&[("main.sema", main)]);
    let started = Instant::now();
    let got = run(&project, "main.sema").succeeded();
    assert_eq!(got.stdout, "20000 0 :none\n20000 0 :none\n#t 2 3\n0\n");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

/// A walk over a vector by its rest takes linear time: parts are shared.
#[test]
fn walks_over_vectors_by_rest_are_linear() {
    let main = |count: usize| {
        format!(
            "(define v (list->vector (range {count})))\n\
             (define (walk v sum) (if (empty? v) sum (walk (rest v) (+ sum (first v)))))\n\
             (println (walk v 0))\n\
             (define (match-walk v sum) (match v ([] sum) ([a & b] (match-walk b (+ sum a)))))\n\
             (println (match-walk v 0))\n\
             (define (drop-walk v sum) (if (empty? v) sum (drop-walk (drop 1 v) (+ sum (first v)))))\n\
             (println (drop-walk v 0))\n"
        )
    };
    let count = 200_000;
    let project = Scratch::with(&[("main.sema", main(count).as_str())]);
    let started = Instant::now();
    let got = run(&project, "main.sema").succeeded();
    let sum = count * (count - 1) / 2;
    assert_eq!(got.stdout, format!("{sum}\n{sum}\n{sum}\n"));
    // Copying would move 160 GB.
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
}

/// A text that is built piece by piece takes linear time, wherever it is kept meanwhile.
#[test]
fn texts_are_built_in_linear_time_wherever_they_are_kept() {
    let shapes = [
        "(define s \"\") (dotimes (i N) (set! s (string-append s \"xy\"))) (println (string-length s))",
        "(define s \"\") (for-each (fn (i) (set! s f\"${s}xy\")) (range N)) (println (string-length s))",
        "(define s \"\") (dotimes (i N) (set! s (+ s \"xy\"))) (println (string-length s))",
        "(define s \"\") (dotimes (i N) (set! s (format \"~a~a\" s \"xy\"))) (println (string-length s))",
        "(println (string-length (do ((i 0 (+ i 1)) (s \"\" (str s \"xy\"))) ((= i N) s))))",
        "(define c (mutable-cell/new \"\"))\
         (dotimes (i N) (mutable-cell/set! c (str (mutable-cell/get c) \"xy\")))\
         (println (string-length (mutable-cell/get c)))",
        "(println (string-length (:t (foldl (fn (m i) (map/update m :t (fn (t) (str t \"x\" \"y\")))) {:t \"\"} (range N)))))",
        "(define-record-type doc (make-doc text) doc? (text doc-text))\
         (println (string-length (doc-text (foldl (fn (d i) (make-doc (str (doc-text d) \"xy\"))) (make-doc \"\") (range N)))))",
        "(define ch (channel/new 1)) (channel/send ch \"\")\
         (dotimes (i N) (channel/send ch (string-append (channel/recv ch) \"xy\")))\
         (println (string-length (channel/recv ch)))",
    ];
    // Copying would move 80 GB and more for each.
    let count = 200_000;
    for shape in shapes {
        let main = shape.replace('N', &count.to_string());
        let project = Scratch::with(&[("main.sema", main.as_str())]);
        let started = Instant::now();
        let got = run(&project, "main.sema").succeeded();
        assert_eq!(got.stdout, format!("{}\n", 2 * count), "{shape}");
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{shape}: {:?}",
            started.elapsed()
        );
    }
}

/// Beginnings of a text that has grown since are what they were.
#[test]
fn texts_do_not_change_when_others_are_made_of_them() {
    let main = "(define base (string/repeat \"é\" 300))\n\
        (define a (str base \"a\"))\n(define b (str a \"b\"))\n(define c (str b \"c\"))\n(define d (str b \"d\"))\n\
        (define both (str c c))\n(define m {a 1 b 2 c 3 d 4})\n\
        (gc/collect)\n\
        (println (map (fn (t) (substring t 300)) (list a b c d)) (map string-length (list a b c d both)))\n\
        (println (get m (str base \"ab\")) (get m (str base \"abd\")) (= c (str base \"abc\")) (equal? both (str base \"abc\" base \"abc\")))\n\
        (println (string/ref c 302) (string/index-of c \"c\") (string/ends-with? d \"bd\") (string/starts-with? d base))\n\
        (define (grow t n) (if (= n 0) t (grow (str t n) (- n 1))))\n\
        (println (string-length (grow d 10)) (string-length d))\n";
    let project = Scratch::with(&[("main.sema", main)]);
    let got = run(&project, "main.sema").succeeded().stdout;
    assert_eq!(
        got,
        "(\"a\" \"ab\" \"abc\" \"abd\") (301 302 303 303 606)\n2 4 #t #t\n#\\c 302 #t #t\n314 303\n"
    );
}

/// What is left of a vector is a vector like any other.
#[test]
fn rests_of_vectors_are_vectors() {
    let main = "(define v (list->vector (range 40)))\n(define r (rest (rest v)))\n\
        (println r)\n\
        (println (vector? r) (type r) (length r) (count r) (nth r 5) (first r) (last r) (empty? r))\n\
        (println (= r (list->vector (range 2 40))) (equal? (rest v) r) (get {r 1} (list->vector (range 2 40))))\n\
        (println (map (fn (x) (* x x)) (take 3 r)) (reverse (rest r)))\n\
        (println (match r ([a b & c] (list a b (length c)))))\n\
        (println (append r (list 1)) (apply + r) (json/encode r))\n\
        (println (vector->list (rest r)) (list/index-of r 9) (member 39 r))\n\
        (println (try (nth r 38) (catch e (:message e))))\n";
    let project = Scratch::with(&[("main.sema", main)]);
    let sliced = run(&project, "main.sema").succeeded().stdout;
    // Short vectors are copied.
    let copied = main.replace("(rest (rest v))", "(list->vector (drop 2 v))");
    let project = Scratch::with(&[("main.sema", copied.as_str())]);
    let want = run(&project, "main.sema").succeeded().stdout;
    assert_eq!(sliced, want);
    assert!(sliced.contains("#t"), "{sliced}");
}

/// Expansions that become more and more end with an error. Looked for: transformers, `syntax-rules`, at top level, in
/// functions, in values of `let`; few expansions whose code is large, because of shared parts; results that are large.
#[test]
fn expansions_without_end_are_refused() {
    for (program, message) in [
        (
            "(defmacro bomb (n) (if (= n 0) 1 `(begin (bomb ,(- n 1)) (bomb ,(- n 1)))))\n(bomb 60)",
            "macro expansion exceeded size limit",
        ),
        (
            "(defmacro bomb (n) (if (= n 0) 1 `(+ (bomb ,(- n 1)) (bomb ,(- n 1)))))\n(define (f) (bomb 60))",
            "macro expansion exceeded size limit",
        ),
        (
            "(define-syntax bomb (syntax-rules () ((_ a b ...) (begin (bomb b ...) (bomb b ...))) ((_) 1)))\n\
             (println (let ((x (bomb 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0))) x))",
            "macro expansion exceeded size limit",
        ),
        (
            "(defmacro twice (n x) (if (= n 0) x `(twice ,(- n 1) (list ,x ,x))))\n(println (twice 60 1))",
            "macro expansion exceeded size limit",
        ),
        (
            "(defmacro m () (foldl (fn (a x) (list '+ a a)) 1 (range 30)))\n(println (m))",
            "macro expansion exceeded size limit",
        ),
        (
            "(defmacro m () (foldl (fn (a x) (vector a a)) '(f) (range 30)))\n(println (m))",
            "macro expansion exceeded size limit",
        ),
        (
            "(defmacro m () (list 'quasiquote (foldl (fn (a x) (list a a)) 1 (range 30))))\n(println (m))",
            "macro expansion exceeded size limit",
        ),
        (
            "(defmacro large () (cons 'list (range 20000000)))\n(println (large))",
            "the expansion of this macro is too large",
        ),
    ] {
        let project = Scratch::with(&[("main.sema", program)]);
        let mut command = semac_in(project.path());
        outcome(command.args(["check", "main.sema"]), b"").failed_with(1, message);
    }
    // Many calls that stand in the source are no expansion without end.
    let calls = "(inc 1)\n".repeat(100_000);
    let program = format!("(defmacro inc (x) (list '+ x 1))\n{calls}(println (inc 2))");
    let project = Scratch::with(&[("main.sema", program.as_str())]);
    assert_eq!(run(&project, "main.sema").succeeded().stdout, "3\n");
}
