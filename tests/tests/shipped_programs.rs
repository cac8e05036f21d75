//! Programs of `fixtures` as people ship them: one executable each, run where nothing else is.

use std::fs;
use std::path::Path;
use std::process::Command;

use sema_tests::{Outcome, Scratch, fixtures, outcome, runtime, semac_in};

/// A program of `fixtures`, built into a directory of its own.
struct Program {
    directory: Scratch,
}

impl Program {
    fn build(name: &str, options: &[&str]) -> Program {
        let directory = Scratch::new();
        let mut build = semac_in(&fixtures(name));
        build.args(["build", "main.sema"]).args(options).arg("-o");
        build.arg(directory.file("program"));
        build.arg("--runtime").arg(runtime());
        outcome(&mut build, b"").succeeded();
        Program { directory }
    }

    #[track_caller]
    fn run(&self, directory: &Path, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut command = Command::new(self.directory.file("program"));
        command.env_clear().current_dir(directory).args(arguments);
        outcome(&mut command, input)
    }
}

#[test]
fn a_todo_list_keeps_its_file() {
    let todo = Program::build("todo", &[]);
    let home = Scratch::new();
    let run = |arguments: &[&str]| todo.run(home.path(), arguments, b"");

    assert_eq!(run(&["list"]).succeeded().stdout, "0 of 0 entries\n");
    assert_eq!(home.names(), [""; 0], "looking writes nothing");
    run(&["add", "buy", "milk", "#home"]).succeeded();
    run(&["add", "naïve \"plan\"", "#work"]).succeeded();
    run(&["done", "1"]).succeeded();
    assert_eq!(
        run(&["list"]).succeeded().stdout,
        "  2 [ ] naïve \"plan\" #work\n1 of 2 entries\n"
    );
    assert_eq!(
        run(&["list", "--all", "--tag", "home"]).succeeded().stdout,
        "  1 [x] buy milk #home\n1 of 2 entries\n"
    );
    run(&["clear"]).succeeded();
    run(&["undo", "2"]).succeeded();
    let added = run(&["add", "more"]).succeeded();
    assert_eq!(
        added.stdout, "added 3: more\n",
        "numbers are not used twice"
    );
    assert_eq!(home.names(), ["todo.json"], "nothing is left beside it");

    run(&["done", "1"]).failed_with(1, "todo: there is no entry 1");
    run(&["done", "x"]).failed_with(1, "todo: there is no entry x");
    run(&["add", "#tag"]).failed_with(2, "todo: nothing to add");
    run(&["frob"]).failed_with(2, "usage: todo");
    run(&[]).failed_with(2, "usage: todo");
}

#[test]
fn a_todo_list_leaves_other_files_alone() {
    let todo = Program::build("todo", &[]);
    let home = Scratch::with(&[("cut.json", "{\"next\": 3, \"entr"), ("other.json", "[1]")]);
    for (file, problem) in [
        ("cut.json", "parse error at line 1"),
        ("other.json", "other.json is no todo list"),
    ] {
        let before = fs::read(home.file(file)).unwrap();
        let got = todo.run(home.path(), &["--file", file, "add", "x"], b"");
        got.failed_with(1, problem);
        assert_eq!(fs::read(home.file(file)).unwrap(), before);
    }
    let got = todo.run(home.path(), &["--file", "none/list.json", "add", "x"], b"");
    got.failed_with(1, "No such file or directory");
    assert_eq!(home.names(), ["cut.json", "other.json"]);
}

const LOG: &str = "6 lines, 1 malformed, 3601 bytes

By status
         3  200
         1  304
         1  500

Paths
         3  /notes

Addresses
         3  10.0.0.1

Errors
         1  /notes

By hour
         3  09
         2  10
";

#[test]
fn a_log_is_analysed_from_a_file_or_the_standard_input() {
    let analyser = Program::build("log-analyser", &[]);
    let empty = Scratch::new();
    let log = fixtures("log-analyser/access.log");
    let content = fs::read(&log).unwrap();
    let file = log.to_str().unwrap();
    let run = |arguments: &[&str], input: &[u8]| analyser.run(empty.path(), arguments, input);

    assert_eq!(run(&["--top", "1", file], b"").succeeded().stdout, LOG);
    assert_eq!(run(&["--top", "1"], &content).succeeded().stdout, LOG);
    let twice = run(&["--json", file, file], b"").succeeded().stdout;
    assert!(twice.contains("\"malformed\": 2,"), "{twice}");
    let no_text = run(&[], b"a\n\xff\xfe\n\nb").succeeded().stdout;
    assert_eq!(no_text, "4 lines, 4 malformed, 0 bytes\n");
    let nothing = run(&[], b"").succeeded().stdout;
    assert_eq!(nothing, "0 lines, 0 malformed, 0 bytes\n");

    run(&["none.log"], b"").failed_with(1, "none.log: No such file");
    run(&["--top", "many"], b"").failed_with(2, "--top: not a number: many");
    run(&["--bogus"], b"").failed_with(2, "unknown option --bogus");
    assert_eq!(empty.names(), [""; 0]);
}

#[test]
fn a_site_is_made_with_templates_from_the_bundle() {
    let site = Program::build("site", &["--include", "templates"]);
    let empty = Scratch::new();
    let content = fixtures("site/content");
    let content = content.to_str().unwrap();
    let got = site.run(empty.path(), &[content, "out"], b"").succeeded();
    assert!(
        got.stdout.ends_with("3 pages, 1 drafts\n"),
        "{}",
        got.stdout
    );
    let page = |name: &str| fs::read_to_string(empty.file(&format!("out/{name}"))).unwrap();

    let index = page("index.html");
    let order = ["notes/deep.html", "first.html", "plain.html"];
    let places: Vec<usize> = (order.iter())
        .map(|target| index.find(&format!("<a href=\"{target}\">")).unwrap())
        .collect();
    assert!(places.is_sorted(), "the latest page first: {index}");
    assert!(index.contains("First steps &amp; more"), "{index}");
    assert!(!index.contains("draft"), "{index}");
    let deep = page("notes/deep.html");
    for part in [
        "<title>A note below</title>",
        "href=\"../style.css\"",
        "<a href=\"../first.html\">the first page</a>",
        "Braces stay: {{title}}.",
    ] {
        assert!(deep.contains(part), "{part}: {deep}");
    }
    assert!(page("first.html").contains("<em>Markdown</em>"));
    assert!(page("style.css").starts_with("body {"));
    assert_eq!(empty.names(), ["out"]);

    site.run(empty.path(), &["none", "out"], b"")
        .failed_with(1, "none is no directory");
    site.run(empty.path(), &[], b"")
        .failed_with(2, "usage: site");
}
