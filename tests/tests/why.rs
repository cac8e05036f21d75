//! `semac why`: by which calls a program gets to a builtin, a capability, a tier, a module, a file.

use sema_tests::{LAYERS, Outcome, Scratch, outcome, semac_in};

fn semac(project: &Scratch, arguments: &[&str]) -> Outcome {
    outcome(semac_in(project.path()).args(arguments), b"")
}

#[test]
fn why_shows_the_path_of_calls() {
    let project = Scratch::with(LAYERS);
    let ways = |name: &str| semac(&project, &["why", name, "main.sema"]);
    let to_write = "file/write\n";
    for (name, parts) in [
        (
            "file/write",
            &[
                to_write,
                "main.sema:5:1",
                "lib/store.sema:2:24  save uses file/write",
            ][..],
        ),
        (
            "fs-write",
            &["file/write (needs fs-write)\n", "save uses file/write"],
        ),
        (
            "lib/store.sema",
            &["main.sema:1:1  main.sema uses lib/store.sema"],
        ),
        (
            "kept.txt",
            &["kept.txt\n", "lib/store.sema:2:24  save uses kept.txt"],
        ),
        ("core", &["file/write (tier core)\n"]),
        ("fs", &["file/write (needs fs-write)\n"]),
        (
            "store",
            &["lib/store.sema\n  main.sema:1:1  main.sema uses"],
        ),
        ("./lib/store", &["lib/store.sema\n"]),
        ("main.sema", &["main.sema (the program begins with it)\n"]),
    ] {
        let shown = ways(name).succeeded().stdout;
        for part in parts {
            assert!(shown.contains(part), "{name}: {part}\n{shown}");
        }
    }
    for name in [
        "network",
        "file/read",
        "net",
        "lib/other.sema",
        "nothing",
        "posix",
    ] {
        ways(name).failed_with(1, &format!("leads to '{name}'"));
    }
    ways("netwrok").failed_with(1, "did you mean 'network'?");
    ways("file/wirte").failed_with(1, "there is no builtin, capability, tier, module or file");
    let json = semac(&project, &["why", "file/write", "main.sema", "--json"])
        .succeeded()
        .stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let steps = json[0]["steps"].as_array().unwrap();
    assert_eq!(steps[0]["line"], 5);
    assert_eq!(steps.last().unwrap()["function"], "save");
    assert_eq!(steps.last().unwrap()["file"], "lib/store.sema");
}

/// Functions without a name are called as in traces, and have their places.
#[test]
fn why_names_functions_that_have_no_name() {
    let main = "(map (fn (y) (file/write \"b\" y)) (list \"1\"))\n\
                (define (outer) (let ((g (lambda (z) (file/delete z)))) (g \"c\")))\n(outer)\n";
    let project = Scratch::with(&[("main.sema", main)]);
    for (name, expected) in [
        ("file/write", "main.sema:1:14  <lambda> uses file/write"),
        ("file/delete", "<lambda> uses file/delete"),
    ] {
        let shown = semac(&project, &["why", name, "main.sema"])
            .succeeded()
            .stdout;
        assert!(shown.contains(expected), "{shown}");
        assert!(
            !shown.contains("(unknown)") && !shown.contains("a module"),
            "{shown}"
        );
    }
}

#[test]
fn why_goes_through_the_library() {
    let project = Scratch::with(&[(
        "main.sema",
        "(define (fetch) (http/get \"http://127.0.0.1:1/\"))\n(println (try (fetch) (catch e 1)))\n",
    )]);
    let shown = semac(&project, &["why", "network", "main.sema"])
        .succeeded()
        .stdout;
    assert!(shown.contains("fetch uses http/get"), "{shown}");
    assert!(shown.starts_with("http/get (needs network)\n"), "{shown}");
    let shown = semac(&project, &["why", "http/get", "main.sema"])
        .succeeded()
        .stdout;
    assert!(
        shown.contains("main.sema:1:17") && shown.contains("fetch uses http/get"),
        "{shown}"
    );
}

/// Inner builtins have no names for people: the form or the builtin that uses them is told instead.
#[test]
fn inner_names_are_not_shown() {
    for program in [
        "(parameterize (((make-parameter 1) 2)) 3)",
        "(define-values (a b) (values 1 2))",
        "(define-record-type p (mk x) p? (x px))\n(println (mk 1))",
        "(defmulti f first)\n(define (g x) (f x))\n(g (list 1))",
        "(println (force (delay (println 1))))",
        "(define (f x) (load x))",
        "(define (f x) (match x (1 2)))",
        "(define (f x) f\"a${x}\")",
        "(define (f x) `(1 ,@x))",
        "(define (f x) {:a x})",
        "(deftool t \"about\" {:a {:type :string}} (fn (a) a))\n(defagent a {:tools (list t)})",
        "(println (prompt (user \"a\")))",
        "(define (f) (http/get \"http://127.0.0.1:9/\"))",
        "(define (f) (http/serve list {:port 1}))",
        "(define (f) (llm/complete \"a\"))",
        "(define (f) (retry (fn () (shell \"a\"))))",
        "(define (f x) (read x))",
        "(define (f g) (file/fold-lines \"a\" g 0))",
        "(println (sort-by car (list (list 2) (list 1))))",
        "(define (f g) (async/map g (list 1)))",
        "(println *stdout*)",
    ] {
        let project = Scratch::with(&[("main.sema", program)]);
        let run = |arguments: &[&str]| {
            let mut command = semac_in(project.path());
            command.env("SEMAC_RUNTIME", sema_tests::runtime());
            outcome(command.args(arguments), b"")
        };
        run(&["build", "main.sema", "-v", "-o", "app"]).succeeded();
        let mut asked = vec![
            vec!["build", "main.sema", "-v", "-o", "app"],
            vec!["build", "main.sema", "--tier", "core", "-o", "other"],
            vec!["build", "main.sema", "--deny", "all", "-o", "other"],
            vec!["build", "main.sema", "--target", "wasm32", "-o", "other"],
            vec!["check", "main.sema", "--deny", "all"],
            vec!["inspect", "app"],
            vec!["inspect", "app", "--json"],
        ];
        for goal in [
            "core", "std", "net", "network", "fs", "process", "llm", "posix",
        ] {
            asked.push(vec!["why", goal, "main.sema"]);
            asked.push(vec!["why", goal, "main.sema", "--json"]);
        }
        for arguments in asked {
            let got = run(&arguments);
            let said = format!("{}{}", got.stdout, got.stderr);
            assert!(!said.contains('%'), "{program}\n{arguments:?}: {said}");
        }
    }
}
