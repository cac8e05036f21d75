//! What runs while a program is checked or built: nothing that nobody asked for.
//!
//! Looked at: values of globals, what they call (functions, library functions, closures in data), definitions of
//! imported files, `eval`, input; each kind of effect by the capability that the builtin declares.

use sema_tests::{Outcome, Scratch, outcome, semac_in};

#[track_caller]
fn check(project: &Scratch) -> Outcome {
    let mut command = semac_in(project.path());
    outcome(command.args(["check", "main.sema"]), b"input\n")
}

#[test]
fn definitions_with_effects_are_not_evaluated_for_macros() {
    for definition in [
        "(define setup (begin (file/delete \"victim.txt\") 5))",
        "(define (clear) (file/delete \"victim.txt\") 5)\n(define setup (clear))",
        "(define tools {:clear (fn () (file/write \"victim.txt\" \"\"))})\n(define setup ((:clear tools)))",
        "(define setup (map file/delete '(\"victim.txt\")))",
        "(define setup (with-stream (s (stream/open-output \"victim.txt\")) 1))",
        "(define setup (eval '(file/delete \"victim.txt\")))",
        "(define setup (exit 0))",
        "(define setup (read-line))",
        "(define setup (try (begin (file/delete \"victim.txt\") 5) (catch e 6)))",
        "(define setup (try (await (async (file/delete \"victim.txt\"))) (catch e 6)))",
        "(import \"other.sema\")",
    ] {
        let main = format!("{definition}\n(defmacro m () setup)\n(println (m))\n");
        let project = Scratch::with(&[
            ("main.sema", main.as_str()),
            ("victim.txt", "precious"),
            (
                "other.sema",
                "(define setup (begin (file/delete \"victim.txt\") 5))",
            ),
        ]);
        let got = check(&project).failed_with(1, "the macro 'm' needs 'setup' at build time");
        assert!(got.stderr.contains("E0302"), "{got:?}");
        let text = std::fs::read_to_string(project.file("victim.txt"));
        assert_eq!(text.unwrap(), "precious", "{definition}");
    }
}

#[test]
fn what_a_macro_asks_for_happens() {
    let project = Scratch::with(&[
        (
            "main.sema",
            "(define table (map string/upper (string/split (file/read \"words.txt\") \" \")))\n\
             (define (note text) (file/append \"log.txt\" text))\n\
             (define unused (file/delete \"words.txt\"))\n\
             (defmacro words () (note \"asked\") (list 'quote table))\n\
             (println (words))\n",
        ),
        ("words.txt", "a b"),
    ]);
    check(&project).succeeded();
    let read = |name| std::fs::read_to_string(project.file(name)).unwrap();
    assert_eq!(
        (read("log.txt"), read("words.txt")),
        ("asked".into(), "a b".into())
    );
}
