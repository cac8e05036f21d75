//! Unified diffs as data: parsing and applying them.

use std::ops::Range;

/// A hunk: lines that stand at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk<'p> {
    /// Lines of the old and new text, counted from 1; with a length of 0 the line before.
    pub old: (usize, usize),
    /// The same for the new text.
    pub new: (usize, usize),
    /// The lines with the character before them: space, `-`, `+`, or `\` for a remark about the line before.
    pub lines: Vec<&'p str>,
}

/// The hunks of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File<'p> {
    /// What stands behind `---`.
    pub old_path: Option<&'p str>,
    /// What stands behind `+++`.
    pub new_path: Option<&'p str>,
    /// The hunks, in order.
    pub hunks: Vec<Hunk<'p>>,
}

/// Why a patch cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A line that begins like a hunk, but is none.
    #[error("malformed hunk header at line {0}")]
    Header(usize),
    /// A hunk with other lines than its header says.
    #[error("hunk line counts do not match its header")]
    Counts,
    /// The text does not look as the patch expects.
    #[error("hunk does not apply (context mismatch near old line {0})")]
    Mismatch(usize),
    /// There is no such file in the text.
    #[error("the patch is for {0} files, not for one")]
    SeveralFiles(usize),
}

/// A patch taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch<'p> {
    /// The files, in order.
    pub files: Vec<File<'p>>,
    /// The first thing that is malformed. Whoever looks at a patch gets what can be understood of it; it cannot be applied.
    pub problem: Option<Problem>,
}

/// Takes a patch apart. Lines between hunks are skipped.
pub fn parse(patch: &str) -> Patch<'_> {
    // A carriage return before a line end belongs to the line.
    let patch = patch.strip_suffix('\n').unwrap_or(patch);
    let lines: Vec<&str> = patch.split('\n').collect();
    let mut parsed = Patch::default();
    let files = &mut parsed.files;
    // Behind a tab stands when the file was changed.
    let path = |text: &'_ str| text.split('\t').next().unwrap_or_default().len();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        if let Some(old) = line.strip_prefix("--- ") {
            files.push(File {
                old_path: old.get(..path(old)),
                ..File::default()
            });
        } else if let Some(new) = line.strip_prefix("+++ ") {
            change_last(files, |file| file.new_path = new.get(..path(new)));
        } else if line.starts_with("@@") {
            let Some((old, new)) = parse_header(line) else {
                parsed.problem.get_or_insert(Problem::Header(at));
                continue;
            };
            let (hunk, end, is_complete) = parse_hunk(&lines, at, old, new);
            if !is_complete {
                parsed.problem.get_or_insert(Problem::Counts);
            }
            change_last(files, |file| file.hunks.push(hunk));
            at = end;
        }
    }
    parsed
}

/// Changes the file that is being read.
fn change_last<'p>(files: &mut Vec<File<'p>>, change: impl FnOnce(&mut File<'p>)) {
    if files.is_empty() {
        files.push(File::default());
    }
    if let Some(file) = files.last_mut() {
        change(file);
    }
}

/// The hunk whose lines begin at `start`, the line behind it, and whether it has as many lines as its header says.
fn parse_hunk<'p>(
    lines: &[&'p str],
    start: usize,
    old: Place,
    new: Place,
) -> (Hunk<'p>, usize, bool) {
    let mut hunk = Hunk {
        old,
        new,
        lines: Vec::new(),
    };
    let (mut old_left, mut new_left) = (old.1, new.1);
    let mut at = start;
    while old_left > 0 || new_left > 0 {
        let Some(line) = lines.get(at) else { break };
        let (takes_old, takes_new) = match line.as_bytes().first() {
            // An empty line of context whose space an editor has removed.
            Some(b' ') | None => (1, 1),
            Some(b'-') => (1, 0),
            Some(b'+') => (0, 1),
            Some(b'\\') => (0, 0),
            Some(_) => break,
        };
        if takes_old > old_left || takes_new > new_left {
            break;
        }
        old_left -= takes_old;
        new_left -= takes_new;
        hunk.lines.push(if line.is_empty() { " " } else { line });
        at += 1;
    }
    let is_complete = old_left == 0 && new_left == 0;
    if let Some(remark) = lines.get(at).filter(|line| line.starts_with('\\'))
        && is_complete
    {
        hunk.lines.push(remark);
        at += 1;
    }
    (hunk, at, is_complete)
}

type Place = (usize, usize);

/// Reads `@@ -START,LENGTH +START,LENGTH @@ …`.
fn parse_header(header: &str) -> Option<(Place, Place)> {
    let (ranges, _) = header.strip_prefix("@@ ")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(' ')?;
    let place = |range: &str| {
        let (start, length) = range.split_once(',').unwrap_or((range, "1"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(start) || !digits(length) {
            return None;
        }
        Some((start.parse().ok()?, length.parse().ok()?))
    };
    Some((
        place(old.strip_prefix('-')?)?,
        place(new.strip_prefix('+')?)?,
    ))
}

impl Hunk<'_> {
    /// The header without what may stand behind it.
    pub fn header(&self) -> String {
        let range = |place: Place| match place {
            (start, 1) => start.to_string(),
            (start, length) => format!("{start},{length}"),
        };
        format!("@@ -{} +{} @@", range(self.old), range(self.new))
    }

    /// How many lines begin with this character.
    pub fn count(&self, mark: char) -> usize {
        (self.lines.iter())
            .filter(|line| line.starts_with(mark))
            .count()
    }
}

/// A line that a hunk expects or brings, with its end.
struct Line<'p> {
    mark: u8,
    text: &'p str,
    ended: bool,
}

fn lines_of<'p>(hunk: &Hunk<'p>) -> Vec<Line<'p>> {
    let mut lines: Vec<Line<'p>> = Vec::new();
    for line in &hunk.lines {
        match line.as_bytes().first() {
            Some(b'\\') => {
                if let Some(before) = lines.last_mut() {
                    before.ended = false;
                }
            }
            Some(mark) => lines.push(Line {
                mark: *mark,
                text: line.get(1..).unwrap_or_default(),
                ended: true,
            }),
            None => {}
        }
    }
    lines
}

/// Applies the hunks of a patch to a text: the new text, and how many hunks there were.
///
/// # Errors
/// What is malformed, or does not fit the text.
pub fn apply(content: &str, patch: &str) -> Result<(String, usize), Problem> {
    let Patch { mut files, problem } = parse(patch);
    if let Some(problem) = problem {
        return Err(problem);
    }
    // A line of other text may look like the name of a file.
    files.retain(|file| !file.hunks.is_empty());
    if files.len() > 1 {
        return Err(Problem::SeveralFiles(files.len()));
    }
    let hunks = files.into_iter().next().unwrap_or_default().hunks;
    let old: Vec<&str> = content.split_inclusive('\n').collect();
    let mut new = String::with_capacity(content.len());
    let mut done = 0;
    // How far the last hunk was from where it should be.
    let mut shift = 0isize;
    for hunk in &hunks {
        let lines = lines_of(hunk);
        let expected: Vec<&Line<'_>> = lines.iter().filter(|line| line.mark != b'+').collect();
        let stated = match hunk.old {
            (start, 0) => start,
            (start, _) => start.saturating_sub(1),
        };
        let place = find(&old, &expected, done, stated.saturating_add_signed(shift));
        let start = place.ok_or(Problem::Mismatch(hunk.old.0))?;
        shift = start as isize - stated as isize;
        push(&mut new, &old, done..start);
        let mut at = start;
        for line in &lines {
            match line.mark {
                b'+' => {
                    end_line(&mut new);
                    new.push_str(line.text);
                    if line.ended {
                        new.push('\n');
                    }
                }
                b'-' => at += 1,
                _ => {
                    push(&mut new, &old, at..at + 1);
                    at += 1;
                }
            }
        }
        done = at;
    }
    push(&mut new, &old, done..old.len());
    Ok((new, hunks.len()))
}

/// Ends the last line: what had no end may have got a line behind it.
fn end_line(new: &mut String) {
    if !new.is_empty() && !new.ends_with('\n') {
        new.push('\n');
    }
}

fn push(new: &mut String, old: &[&str], lines: Range<usize>) {
    for line in old.get(lines).unwrap_or_default() {
        end_line(new);
        new.push_str(line);
    }
}

/// The place nearest to the wanted one, from `first` on, where the lines are as expected.
fn find(old: &[&str], expected: &[&Line<'_>], first: usize, wanted: usize) -> Option<usize> {
    let last = old.len().checked_sub(expected.len())?;
    if first > last {
        return None;
    }
    let fits = |place: usize| {
        let found = old.get(place..place + expected.len()).unwrap_or_default();
        found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.strip_suffix('\n').unwrap_or(found) == expected.text)
    };
    let wanted = wanted.clamp(first, last);
    if expected.is_empty() {
        return Some(wanted);
    }
    let farthest = (wanted - first).max(last - wanted);
    (0..=farthest).find_map(|distance| {
        let behind = wanted + distance;
        if behind <= last && fits(behind) {
            return Some(behind);
        }
        let before = wanted
            .checked_sub(distance)
            .filter(|place| *place >= first)?;
        fits(before).then_some(before)
    })
}
