use super::patch::{Problem, apply};
use crate::testing::{Bench, call};
use sema_machine::memory::value::Value;

fn unified(old: &str, new: &str, context: usize) -> String {
    let bench = Bench::new();
    let args = [bench.text(old), bench.text(new), Value::index(context)];
    bench.string(bench.call("diff/unified", &args))
}

#[test]
fn diffs_are_in_the_form_of_other_tools() {
    assert_eq!(
        unified("a\nb\nc\n", "a\nc\nd\n", 3),
        "--- old\n+++ new\n@@ -1,3 +1,3 @@\n a\n-b\n c\n+d\n"
    );
    assert_eq!(
        unified("a", "b\n", 3),
        "--- old\n+++ new\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    );
    assert_eq!(
        unified("", "a\n", 3),
        "--- old\n+++ new\n@@ -0,0 +1 @@\n+a\n"
    );
    assert_eq!(
        unified("a\nb\n", "", 3),
        "--- old\n+++ new\n@@ -1,2 +0,0 @@\n-a\n-b\n"
    );
    assert_eq!(unified("a\n", "a\n", 3), "");
    let old: String = (0..20).map(|line| format!("{line}\n")).collect();
    let new = old.replace("\n2\n", "\ntwo\n").replace("\n17\n", "\n");
    assert_eq!(
        unified(&old, &new, 1),
        "--- old\n+++ new\n@@ -2,3 +2,3 @@\n 1\n-2\n+two\n 3\n@@ -17,3 +17,2 @@\n 16\n-17\n 18\n"
    );
    assert_eq!(
        unified("a\nb\nc\n", "a\nx\nc\n", 0),
        "--- old\n+++ new\n@@ -2 +2 @@\n-b\n+x\n"
    );
    unified("a\n", "b\n", usize::MAX >> 20);
}

/// A fixed sequence of numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn text(&mut self) -> String {
        let pieces = [
            "a\n",
            "b\n",
            "--\n",
            "++ x\n",
            "\n",
            " c\n",
            "\\ d\n",
            "@@ -1 +1 @@\n",
            "end",
        ];
        (0..self.below(12))
            .map(|_| pieces[self.below(9) as usize])
            .collect()
    }
}

#[test]
fn what_a_diff_says_makes_the_new_text() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..3000 {
        let (old, new) = (random.text(), random.text());
        for context in 0..4 {
            let patch = unified(&old, &new, context);
            let (changed, _) =
                apply(&old, &patch).unwrap_or_else(|error| panic!("{error}: {old:?} {patch}"));
            assert_eq!(changed, new, "{patch}");
        }
    }
}

#[test]
fn hunks_are_found_nearby() {
    let patch = unified("a\nb\nc\n", "a\nB\nc\n", 3);
    let (changed, hunks) = apply("x\ny\na\nb\nc\n", &patch).unwrap();
    assert_eq!((changed.as_str(), hunks), ("x\ny\na\nB\nc\n", 1));
    assert_eq!(apply("a\nz\nc\n", &patch), Err(Problem::Mismatch(1)));
    assert_eq!(apply("", &patch), Err(Problem::Mismatch(1)));
    assert_eq!(apply("a", "@@ -1 +1 @@\n-a\n+b\n").unwrap().0, "b\n");
    assert_eq!(apply("text", "").unwrap(), ("text".to_owned(), 0));
}

#[test]
fn malformed_patches_are_refused() {
    for (patch, problem) in [
        ("@@ nonsense @@\n", Problem::Header(1)),
        ("x\n@@ -1,x +1 @@\n", Problem::Header(2)),
        ("@@ -99999999999999999999 +1 @@\n", Problem::Header(1)),
        ("@@ -1,2 +1,2 @@\n a\n", Problem::Counts),
        ("@@ -1,99999999999 +1 @@\n a\n", Problem::Counts),
        ("@@ -1 +1 @@\nfoo\n", Problem::Counts),
        ("@@ -1,0 +1 @@\n-a\n+b\n", Problem::Counts),
    ] {
        assert_eq!(apply("a\n", patch), Err(problem), "{patch}");
    }
    let two = "--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n--- c\n+++ d\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(apply("a\n", two), Err(Problem::SeveralFiles(2)));
    let one = "--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n--- signed\n";
    assert_eq!(apply("a\n", one).unwrap().0, "b\n");
}

#[test]
fn lines_without_an_end_get_one_before_others() {
    for (text, patch, expected) in [
        (
            "a\nb",
            "@@ -1 +1 @@\n-a\n+x\n\\ No newline at end of file\n",
            "x\nb",
        ),
        ("a\nb", "@@ -2 +2,2 @@\n b\n+x\n", "a\nb\nx\n"),
        ("a\nb", "@@ -1,2 +1 @@\n a\n-b\n", "a\n"),
    ] {
        assert_eq!(apply(text, patch).unwrap().0, expected, "{patch}");
    }
}

#[test]
fn what_can_be_understood_of_a_malformed_patch_is_data() {
    let bench = Bench::new();
    let shown = |name: &str, patch: &str| call(&bench.host, name, &[bench.text(patch)]);
    let patch = "--- a\n+++ b\n@@ -1,3 +1 @@\n-x\nBinary files differ\n@@ ? @@\n@@ -9 +9 @@\n-y\n+z\n--- c\n";
    assert_eq!(shown("diff/stat", patch), "{:added 1 :hunks 2 :removed 2}");
    assert!(shown("diff/parse", patch).contains(":hunks () :new-path nil :old-path \"c\""));
    assert_eq!(
        shown("diff/parse", "+++ b\n"),
        "{:files ({:hunks () :new-path \"b\" :old-path nil})}"
    );
}

#[test]
fn patches_as_data() {
    let bench = Bench::new();
    let shown = |name: &str, patch: &str| call(&bench.host, name, &[bench.text(patch)]);
    let patch = "diff --git a/x b/x\n--- a/x.txt\t2026-01-01\n+++ b/x.txt\n@@ -1 +1 @@ fn main\n--- dashes\n+++ pluses\n\\ No newline at end of file\n@@ -9,2 +9,0 @@\n-a\n-\n";
    assert_eq!(shown("diff/stat", patch), "{:added 1 :hunks 2 :removed 3}");
    assert_eq!(
        shown(
            "diff/hunks",
            "@@ -1 +1 @@ fn main\n--- dashes\n+++ pluses\n\\ No newline at end of file\n"
        ),
        r#"({:header "@@ -1 +1 @@" :lines ("--- dashes" "+++ pluses" "\\ No newline at end of file") :new-count 1 :new-start 1 :old-count 1 :old-start 1})"#
    );
    assert_eq!(shown("diff/parse", "no patch"), "{:files ()}");
    let paths = shown("diff/parse", patch);
    assert!(
        paths.contains(r#":new-path "b/x.txt" :old-path "a/x.txt""#),
        "{paths}"
    );
    let bare = shown("diff/parse", "@@ -1 +1 @@\n-a\n+b\n");
    assert!(bare.contains(":new-path nil :old-path nil"), "{bare}");
}
