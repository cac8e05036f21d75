//! `semac symbolize`: the report of a program without line tables, with the lines.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use sema_format::{Debug, ModuleView};
use sema_machine::launch;
use sema_vfs::{Archive, EntryKind};

use super::arguments::Symbolize;
use super::failure::{Failure, note, print};
use super::image;
use crate::paths::shown;

/// Frames in a row that are written out, if each stands for several lines.
const MOST_REPEATED: u64 = 1000;

/// The line tables of a program.
struct Tables {
    build: String,
    modules: Vec<Module>,
}

struct Module {
    name: String,
    debug: Debug,
    /// Names of the functions, and whether they are code of the library.
    functions: Vec<(String, bool)>,
}

/// A place in the code, as reports have it.
struct Place<'t> {
    module: &'t str,
    function: u32,
    word: u32,
    waiting: bool,
}

pub(super) fn execute(arguments: &Symbolize) -> Result<u8, Failure> {
    let tables = Tables::read(&arguments.debug)?;
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|source| Failure::File {
            action: "read",
            path: "standard input".into(),
            source,
        })?;
    let text = String::from_utf8_lossy(&bytes);
    let shown = tables.shown(&text)?;
    print(&shown)?;
    Ok(0)
}

impl Tables {
    fn read(path: &Path) -> Result<Tables, Failure> {
        let damaged = |problem: String| Failure::Damaged {
            path: path.to_owned(),
            problem,
        };
        let archive = match image::Image::open(path)? {
            image::Image::Archive(archive) => archive,
            image::Image::Module(_) => return Err(no_tables(path)),
        };
        let build = archive
            .metadata(launch::BUILD)
            .ok_or_else(|| no_tables(path))?;
        let build = build.bytes().map_err(|error| damaged(error.to_string()))?;
        let mut modules = Vec::new();
        for entry in code_of(&archive) {
            let bytes = image::aligned(&entry).map_err(damaged)?;
            let module = module(entry.path(), bytes.as_slice())
                .map_err(|error| damaged(error.to_string()))?;
            modules.extend(module);
        }
        if modules.is_empty() {
            return Err(no_tables(path));
        }
        Ok(Tables {
            build: String::from_utf8_lossy(&build).into_owned(),
            modules,
        })
    }

    /// The text with lines in the reports of this build. Other lines stay as they are.
    fn shown(&self, text: &str) -> Result<String, Failure> {
        let marker = format!("{FACT}{}: ", sema_machine::vm::BUILD);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        // What each line becomes.
        let mut out: Vec<Cow<'_, str>> = lines.iter().map(|line| Cow::from(*line)).collect();
        let (mut found, mut other) = (false, None);
        for (index, line) in lines.iter().enumerate() {
            let named = line.split_once(&marker);
            match named.map(|(prefix, build)| (prefix, build.trim_end())) {
                Some((prefix, build)) if build == self.build => {
                    found = true;
                    self.write_report(
                        &Report {
                            lines: &lines,
                            prefix,
                            build: index,
                        },
                        &mut out,
                    );
                }
                Some((_, build)) => other = other.or(Some(build)),
                None => {}
            }
        }
        match (found, other) {
            (false, Some(build)) => Err(Failure::Other {
                message: format!(
                    "the report is of build {build}, and the file of build {}",
                    self.build
                ),
                hint: "give the file that was written together with the program".to_owned(),
            }),
            (false, None) => Err(Failure::Other {
                message: "the text has no report of a program that was built with --debug-out"
                    .to_owned(),
                hint: "pass on all that the program wrote to standard error".to_owned(),
            }),
            (true, other) => {
                if let Some(build) = other {
                    note(&format!("Left as they are: reports of build {build}\n"));
                }
                Ok(out.concat())
            }
        }
    }

    /// Puts the lines of a report into its place.
    fn write_report<'t>(&self, report: &Report<'t, '_>, out: &mut [Cow<'t, str>]) {
        // Where frames begin, and what they become: prefix, text, how often.
        let mut first = None;
        let mut frames: Vec<(&str, String, u64)> = Vec::new();
        let mut innermost = None;
        for (index, prefix, content) in report.behind() {
            let Some(frame) = frame_line(content) else {
                if first.is_some() {
                    break;
                }
                continue;
            };
            first = first.or(Some(index));
            if let Some(line) = out.get_mut(index) {
                *line = Cow::from("");
            }
            let lines = self.lines(&frame);
            let position = lines.iter().find_map(|(_, position)| position.clone());
            innermost = innermost.or(position);
            match lines.as_slice() {
                [(line, _)] => frames.push((prefix, line.clone(), frame.count)),
                lines => {
                    for _ in 0..frame.count.min(MOST_REPEATED) {
                        frames.extend(lines.iter().map(|(line, _)| (prefix, line.clone(), 1)));
                    }
                }
            }
        }
        if let Some(line) = out.get_mut(report.build) {
            *line = Cow::from("");
        }
        // The place stands in front of the facts.
        let (facts, prefix) = report.facts();
        if let (Some(position), Some(line)) = (innermost, out.get_mut(facts)) {
            *line = Cow::from(format!("{prefix}  --> {position}\n{line}"));
        }
        let mut text = String::new();
        for equal in frames.chunk_by(|left, right| left.1 == right.1) {
            let Some((prefix, frame, _)) = equal.first() else {
                continue;
            };
            text.push_str(prefix);
            text.push_str(frame);
            let count: u64 = equal.iter().map(|(_, _, count)| count).sum();
            if count > 1 {
                text.push_str(&format!(", {count} times"));
            }
            text.push('\n');
        }
        if let Some(line) = first.and_then(|first| out.get_mut(first)) {
            *line = Cow::from(text);
        }
    }

    /// The lines of a report that a frame stands for, with their positions.
    fn lines(&self, frame: &Frame<'_>) -> Vec<(String, Option<String>)> {
        let frames = self.frames(&frame.place, frame.name).into_iter();
        let lines = frames.enumerate().map(|(index, (name, position))| {
            let reached = if index == 0 { frame.reached } else { "at" };
            let shown = position.as_ref();
            let shown = shown.map_or(String::new(), |position| format!(" ({position})"));
            (format!("  {reached} {name}{shown}"), position)
        });
        lines.collect()
    }

    /// Names and positions of the frames that a place stands for.
    fn frames(&self, place: &Place<'_>, name: &str) -> Vec<(String, Option<String>)> {
        let mut frames = Vec::new();
        let module = self
            .modules
            .iter()
            .find(|module| module.name == place.module);
        if let Some(module) = module {
            let function = module.functions.get(place.function as usize);
            module
                .debug
                .frames(place.function, place.word, place.waiting, &mut |frame| {
                    let (shown, library) = match frame.inlined {
                        Some((name, library)) => (name.unwrap_or("<lambda>").to_owned(), library),
                        None => (
                            name.to_owned(),
                            function.is_some_and(|(_, library)| *library),
                        ),
                    };
                    let position = frame.location;
                    let position =
                        position.map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
                    if !library {
                        frames.push((shown, position));
                    }
                });
        }
        if frames.is_empty() {
            frames.push((name.to_owned(), None));
        }
        frames
    }
}

fn code_of(archive: &Archive) -> impl Iterator<Item = sema_vfs::EntryRef<'_>> {
    archive
        .entries()
        .filter(|entry| entry.kind() == EntryKind::Module)
}

fn module(name: &str, bytes: &[u8]) -> Result<Option<Module>, sema_format::FormatError> {
    let view = ModuleView::parse(bytes)?;
    let Some(debug) = view.debug()? else {
        return Ok(None);
    };
    let module = view.to_module()?;
    let functions = module.functions.into_iter();
    Ok(Some(Module {
        name: name.to_owned(),
        debug,
        functions: functions
            .map(|function| (function.name.unwrap_or_default(), function.library))
            .collect(),
    }))
}

fn no_tables(path: &Path) -> Failure {
    Failure::Other {
        message: format!("'{}' has no line tables of a program", shown(&path)),
        hint: "`semac build --debug-out FILE` writes such a file".to_owned(),
    }
}

/// How a report begins, and the facts in it.
const HEAD: &str = "Error: ";
const FACT: &str = "  = ";

/// A report in a log, which may have put something in front of each line: a time, the name of a container.
struct Report<'t, 'l> {
    lines: &'l [&'t str],
    /// What stands in front of the line that names the build.
    prefix: &'t str,
    /// Which line that is.
    build: usize,
}

impl<'t> Report<'t, '_> {
    /// The lines behind that of the build, apart from what is in front of them, up to the next report. Lines that others have
    /// written between them are left out.
    fn behind(&self) -> impl Iterator<Item = (usize, &'t str, &'t str)> {
        let lines = self.lines.iter().enumerate().skip(self.build + 1);
        let ours = lines.filter_map(|(index, line)| {
            let (prefix, content) = without_prefix(self.prefix, line)?;
            Some((index, prefix, content))
        });
        ours.take_while(|(_, _, content)| !content.starts_with(HEAD))
    }

    /// The first fact of the report, and what is in front of it.
    fn facts(&self) -> (usize, &'t str) {
        let mut facts = (self.build, self.prefix);
        let lines = self.lines.iter().enumerate().take(self.build).rev();
        for (index, line) in lines {
            match without_prefix(self.prefix, line) {
                Some((_, content)) if content.starts_with(HEAD) => break,
                Some((prefix, content)) if content.starts_with(FACT) => facts = (index, prefix),
                _ => {}
            }
        }
        facts
    }
}

/// A line apart from what is in front of it, if that is like `prefix`: the same, but for numbers.
fn without_prefix<'t>(prefix: &str, line: &'t str) -> Option<(&'t str, &'t str)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (mut wanted, mut rest) = (prefix, line);
    while let Some(c) = wanted.chars().next() {
        let same = if is_digit(c) {
            rest.starts_with(is_digit)
        } else {
            rest.starts_with(c)
        };
        if !same {
            return None;
        }
        if is_digit(c) {
            wanted = wanted.trim_start_matches(is_digit);
            rest = rest.trim_start_matches(is_digit);
        } else {
            wanted = wanted.get(c.len_utf8()..)?;
            rest = rest.get(c.len_utf8()..)?;
        }
    }
    line.split_at_checked(line.len() - rest.len())
}

/// A frame as a report without lines shows it.
struct Frame<'t> {
    reached: &'t str,
    name: &'t str,
    place: Place<'t>,
    /// How often in a row.
    count: u64,
}

/// Reads the line of a frame.
fn frame_line(line: &str) -> Option<Frame<'_>> {
    let rest = line.trim_end().strip_prefix("  ")?;
    let reached = ["at", "awaited at", "rethrown at"]
        .into_iter()
        .find(|reached| {
            rest.strip_prefix(reached)
                .is_some_and(|rest| rest.starts_with(' '))
        })?;
    let rest = rest.get(reached.len() + 1..)?;
    let (frame, repeated) = rest.rsplit_once(']')?;
    let count = match repeated {
        "" => 1,
        repeated => repeated
            .strip_prefix(", ")?
            .strip_suffix(" times")?
            .parse()
            .ok()?,
    };
    let (name, place) = frame.rsplit_once(" [")?;
    let (module, place) = place.rsplit_once('#')?;
    let waiting = place.contains('+');
    let (function, word) = place.split_once(['+', '@'])?;
    let place = Place {
        module,
        function: function.parse().ok()?,
        word: word.parse().ok()?,
        waiting,
    };
    Some(Frame {
        reached,
        name,
        place,
        count,
    })
}
