//! Differences of texts, as unified diffs: made, taken apart, applied.

pub mod patch;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::io::Read;
use std::time::{Duration, Instant};

use patch::Problem;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, count_or, text};
use sema_machine::host::condition::{Outcome, Signal, eval_error, io_error};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;
use sema_machine::natives;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

natives! {
    /// The unified diff that turns one text into another, with so many lines of context (3) around each change. Empty if the texts are
    /// equal.
    /// (diff/unified "a\nb\n" "a\nc\n") => "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    "diff/unified" (old: String, new: String, context?: Count) -> String, pure => unified;

    /// A text after the changes of a unified diff for it. A hunk whose lines have moved is found nearby. Raises if the lines around a
    /// change are not there.
    /// (diff/apply "a\nb\n" (diff/unified "a\nb\n" "a\nc\n")) => "a\nc\n"
    /// (diff/apply "x\n" (diff/unified "a\n" "b\n")) => error hunk does not apply (context mismatch near old line 1)
    /// (diff/apply "a\n" "@@ -1,3 +1 @@\n-a\n") => error hunk line counts do not match its header
    "diff/apply" (text: String, patch: String) -> String, pure => apply;

    /// The hunks of a unified diff: maps of the header, the lines with the characters before them, and where they stand. A hunk that
    /// is shorter than its header says has the lines that are there.
    /// (map :lines (diff/hunks "@@ -1 +1,2 @@\n a\n+b\n")) => ((" a" "+b"))
    /// (map :lines (diff/hunks "@@ -1,3 +1 @@\n-a\n")) => (("-a"))
    "diff/hunks" (patch: String) -> List, pure => hunks;

    /// The files of a unified diff: a map whose `:files` is a list of maps with the paths, nil where there are none, and the hunks.
    /// (map :new-path (:files (diff/parse "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"))) => ("b/x")
    "diff/parse" (patch: String) -> SortedMap, pure => parse;

    /// How many lines a unified diff adds and removes, in how many hunks.
    /// (diff/stat (diff/unified "a\nb\n" "a\nc\nd\n")) => {:added 2 :hunks 1 :removed 1}
    "diff/stat" (patch: String) -> SortedMap, pure => stat;

    /// Changes a file as a unified diff says, and gives the number of hunks. If one of them does not apply, the file stays as it is.
    /// (begin (file/write "patched.txt" "a\n") (list (patch/apply-file "patched.txt" (diff/unified "a\n" "b\n")) (file/read "patched.txt"))) => (1 "b\n")
    /// (patch/apply-file "no-such-file.txt" "") => error patch/apply-file no-such-file.txt: No such file or directory
    "patch/apply-file" (path: String, patch: String) -> Count, needs(Capability::FsRead), needs(Capability::FsWrite) => apply_file;
}

/// Bytes of a file that is patched at most.
const LARGEST_FILE: u64 = 256 << 20;

/// How long the shortest diff is looked for. After that one is taken that is longer than need be.
const LONGEST_SEARCH: Duration = Duration::from_secs(5);

fn failed(function: &str, problem: &Problem) -> Box<Signal> {
    eval_error(format!("{function}: {problem}"))
}

fn unified(host: &Host, args: &[Value]) -> Outcome {
    let (old, new) = (
        text(host, "diff/unified", args, 0)?,
        text(host, "diff/unified", args, 1)?,
    );
    // Tables of lines, and the patch.
    let ends = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    host.ask(2 * (old.len() + new.len()) + BYTES_OF_LINE * (ends(old) + ends(new)))?;
    let (old, new) = (lines(old), lines(new));
    let context = count_or(host, "diff/unified", args, 2, 3)?;
    let context = context.min(old.len().max(new.len()));
    // Texts with little in common take time in proportion to the product of their lengths.
    let deadline = Instant::now() + LONGEST_SEARCH;
    let changes = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(deadline));
    let mut out = String::new();
    for hunk in group_diff_ops(changes, context) {
        write_hunk(&mut out, &hunk, &old, &new);
    }
    Ok(host.heap.string(&out))
}

/// What a line takes while texts are compared.
const BYTES_OF_LINE: usize = 48;

/// The lines of a text with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn write_hunk(out: &mut String, changes: &[DiffOp], old: &[&str], new: &[&str]) {
    let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
        return;
    };
    if out.is_empty() {
        out.push_str("--- old\n+++ new\n");
    }
    let range = |start: usize, end: usize| match end - start {
        1 => format!("{}", start + 1),
        // Of nothing the line before is named.
        0 => format!("{start},0"),
        length => format!("{},{length}", start + 1),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "@@ -{} +{} @@",
        range(first.old_range().start, last.old_range().end),
        range(first.new_range().start, last.new_range().end)
    );
    let mut write = |mark: char, lines: Option<&[&str]>| {
        for line in lines.unwrap_or_default() {
            out.push(mark);
            out.push_str(line);
            if !line.ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    };
    for change in changes {
        if let DiffOp::Equal { .. } = change {
            write(' ', old.get(change.old_range()));
        } else {
            write('-', old.get(change.old_range()));
            write('+', new.get(change.new_range()));
        }
    }
}

fn apply(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "diff/apply", args, 0)?;
    let changes = text(host, "diff/apply", args, 1)?;
    match patch::apply(content, changes) {
        Ok((_, 0)) => Ok(argument(args, 0)),
        Ok((changed, _)) => Ok(host.heap.string(&changed)),
        Err(problem) => Err(failed("diff/apply", &problem)),
    }
}

/// The files of the patch `args[0]`.
fn files<'h>(host: &'h Host, function: &str, args: &[Value]) -> Outcome<Vec<patch::File<'h>>> {
    Ok(patch::parse(text(host, function, args, 0)?).files)
}

fn hunk_map(host: &Host, hunk: &patch::Hunk<'_>) -> Value {
    let heap = &host.heap;
    let lines: Vec<Value> = hunk.lines.iter().map(|line| heap.string(line)).collect();
    let entries = [
        (host.keyword("header"), heap.string(&hunk.header())),
        (host.keyword("lines"), heap.list(&lines)),
        (host.keyword("new-count"), Value::index(hunk.new.1)),
        (host.keyword("new-start"), Value::index(hunk.new.0)),
        (host.keyword("old-count"), Value::index(hunk.old.1)),
        (host.keyword("old-start"), Value::index(hunk.old.0)),
    ];
    sorted_map::from_sorted(heap, &entries)
}

fn hunk_maps<'p, 'f>(host: &Host, hunks: impl Iterator<Item = &'f patch::Hunk<'p>>) -> Value
where
    'p: 'f,
{
    let maps: Vec<Value> = hunks.map(|hunk| hunk_map(host, hunk)).collect();
    host.heap.list(&maps)
}

fn hunks(host: &Host, args: &[Value]) -> Outcome {
    let files = files(host, "diff/hunks", args)?;
    Ok(hunk_maps(host, files.iter().flat_map(|file| &file.hunks)))
}

fn parse(host: &Host, args: &[Value]) -> Outcome {
    let files = files(host, "diff/parse", args)?;
    let path = |path: Option<&str>| path.map_or(Value::NIL, |path| host.heap.string(path));
    let maps: Vec<Value> = (files.iter())
        .map(|file| {
            let entries = [
                (host.keyword("hunks"), hunk_maps(host, file.hunks.iter())),
                (host.keyword("new-path"), path(file.new_path)),
                (host.keyword("old-path"), path(file.old_path)),
            ];
            sorted_map::from_sorted(&host.heap, &entries)
        })
        .collect();
    let entries = [(host.keyword("files"), host.heap.list(&maps))];
    Ok(sorted_map::from_sorted(&host.heap, &entries))
}

fn stat(host: &Host, args: &[Value]) -> Outcome {
    let files = files(host, "diff/stat", args)?;
    let hunks: Vec<&patch::Hunk<'_>> = files.iter().flat_map(|file| &file.hunks).collect();
    let sum = |mark: char| hunks.iter().map(|hunk| hunk.count(mark)).sum::<usize>();
    let entries = [
        (host.keyword("added"), Value::index(sum('+'))),
        (host.keyword("hunks"), Value::index(hunks.len())),
        (host.keyword("removed"), Value::index(sum('-'))),
    ];
    Ok(sorted_map::from_sorted(&host.heap, &entries))
}

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
enum FileProblem {
    #[error(transparent)]
    System(#[from] std::io::Error),
    #[error(transparent)]
    Patch(#[from] Problem),
    #[error("file exceeds the limit of {LARGEST_FILE} bytes")]
    TooLarge,
    #[error("stream did not contain valid UTF-8")]
    Utf8,
}

fn apply_file(host: &Host, args: &[Value]) -> Outcome {
    const FUNCTION: &str = "patch/apply-file";
    let path = text(host, FUNCTION, args, 0)?.to_owned();
    let changes = text(host, FUNCTION, args, 1)?.to_owned();
    let named = path.clone();
    host.blocking(
        move |_| change_file(&path, &changes),
        move |_, changed| match changed {
            Ok(hunks) => Ok(Value::index(hunks)),
            Err(FileProblem::Patch(problem)) => Err(failed(FUNCTION, &problem)),
            Err(problem) => Err(io_error(format!("{FUNCTION} {named}: {problem}"))),
        },
    )
}

/// Applies a patch to a file, which is written only if all of it applies.
fn change_file(path: &str, changes: &str) -> Result<usize, FileProblem> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(FileProblem::TooLarge);
    }
    let content = String::from_utf8(bytes).map_err(|_| FileProblem::Utf8)?;
    let (changed, hunks) = patch::apply(&content, changes)?;
    if hunks > 0 {
        std::fs::write(path, changed)?;
    }
    Ok(hunks)
}
