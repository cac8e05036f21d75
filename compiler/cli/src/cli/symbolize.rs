//! `semac symbolize`: the report of a program without line tables, with the lines.

use crate::paths::shown;
use std::io::Read;
use std::path::Path;

use sema_format::{Debug, ModuleView};
use sema_machine::launch;
use sema_vfs::{Archive, EntryKind};

use super::arguments::Symbolize;
use super::failure::{Failure, note, print};
use super::image;

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
        let mut out = String::with_capacity(text.len());
        let mut report: Vec<&str> = Vec::new();
        let (mut found, mut others) = (false, Vec::new());
        let mut finish = |report: &mut Vec<&str>, out: &mut String| {
            match self.build_of(report) {
                Some(build) if build == self.build => {
                    found = true;
                    self.write_report(report, out);
                }
                other => {
                    others.extend(other.map(str::to_owned));
                    report.iter().for_each(|line| out.push_str(line));
                }
            }
            report.clear();
        };
        for line in text.split_inclusive('\n') {
            if line.starts_with("Error: ") {
                finish(&mut report, &mut out);
            }
            report.push(line);
        }
        finish(&mut report, &mut out);
        match (found, others.first()) {
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
            (true, Some(build)) => {
                note(&format!("Left as they are: reports of build {build}\n"));
                Ok(out)
            }
            (true, None) => Ok(out),
        }
    }

    /// The build that a report names.
    fn build_of<'t>(&self, report: &[&'t str]) -> Option<&'t str> {
        report.iter().find_map(|line| build_line(line))
    }

    fn write_report(&self, report: &[&str], out: &mut String) {
        let mut frames: Vec<(String, u64)> = Vec::new();
        let mut innermost = None;
        let mut head: Vec<&str> = Vec::new();
        let mut rest: Vec<&str> = Vec::new();
        for line in report {
            match frame_line(line) {
                Some(frame) if rest.is_empty() => {
                    let lines = self.lines(&frame);
                    let position = lines.iter().find_map(|(_, position)| position.clone());
                    innermost = innermost.or(position);
                    match lines.as_slice() {
                        [(line, _)] => frames.push((line.clone(), frame.count)),
                        lines => {
                            for _ in 0..frame.count.min(MOST_REPEATED) {
                                frames.extend(lines.iter().map(|(line, _)| (line.clone(), 1)));
                            }
                        }
                    }
                }
                None if frames.is_empty() => head.push(line),
                _ => rest.push(line),
            }
        }
        // The place stands in front of the facts.
        let facts = head
            .iter()
            .position(|line| line.starts_with("  = "))
            .unwrap_or(head.len());
        for (index, line) in head.iter().enumerate() {
            if index == facts
                && let Some(position) = &innermost
            {
                out.push_str(&format!("  --> {position}\n"));
            }
            if build_line(line).is_none() {
                out.push_str(line);
            }
        }
        for equal in frames.chunk_by(|left, right| left.0 == right.0) {
            let Some((frame, _)) = equal.first() else {
                continue;
            };
            let count: u64 = equal.iter().map(|(_, count)| count).sum();
            out.push_str(frame);
            if count > 1 {
                out.push_str(&format!(", {count} times"));
            }
            out.push('\n');
        }
        rest.iter().for_each(|line| out.push_str(line));
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

/// What a line says about the build.
fn build_line(line: &str) -> Option<&str> {
    let fact = line
        .strip_prefix("  = ")?
        .strip_prefix(sema_machine::vm::BUILD)?;
    Some(fact.strip_prefix(": ")?.trim_end())
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
