//! Uncaught conditions, as the program's user sees them.
//!
//! The report has the shape of the compiler's diagnostics: what is wrong, where, a hint, a code, then the
//! frames. Only the excerpt of the source is missing, since a built program does not carry its source.
//!
//! ```text
//! Error: division by zero
//!  --> main.sema:3:5
//!   = hint: /: guard with (if (zero? d) ... (/ n d))
//!   = code: E0901
//!   at average (main.sema:3:5)
//!   at <lambda> (main.sema:9:1)
//! ```

use super::LoadError;
use super::condition::{ConditionMaps, visible_frames};
use super::unwind::{Payload, Raised};
use crate::host::Host;
use crate::host::condition::{Condition, ConditionKind};

/// A condition that nothing caught.
pub struct Uncaught {
    /// What it is. The message of a value that the program has thrown is that value in readable form. Of
    /// a condition that was caught and thrown again, the entries beside type and message are missing.
    pub condition: Condition,
    /// The frames, innermost first: those that were left when it was first raised, then those that it
    /// left when a handler or a waiting task raised it again.
    pub frames: Vec<FrameInfo>,
}

/// How a frame of a trace comes after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It has called the one before, or is the innermost.
    ByCall,
    /// It has waited for the task that failed.
    ByAwaiting,
    /// It has caught the condition and thrown it again.
    ByThrowing,
}

impl Reached {
    const fn text(self) -> &'static str {
        match self {
            Reached::ByCall => "at",
            Reached::ByAwaiting => "awaited at",
            Reached::ByThrowing => "rethrown at",
        }
    }
}

/// A frame of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameInfo {
    /// What it has to do with the frame before it.
    pub reached: Reached,
    /// Name of the function.
    pub name: String,
    /// File, line and column, if known.
    pub position: Option<(String, u32, u32)>,
    /// The place in the code, if the position is not known: module, function and word, for `semac symbolize`.
    pub code: Option<String>,
}

impl Uncaught {
    pub(crate) fn new(host: &Host, maps: &ConditionMaps, raised: Raised) -> Uncaught {
        let Raised { payload, trace } = raised;
        let again = match payload {
            Payload::Awaited(_) => Reached::ByAwaiting,
            _ => Reached::ByThrowing,
        };
        let mut uncaught = maps.describe(host, payload);
        let frames = &mut uncaught.frames;
        let mut reached = if frames.is_empty() {
            Reached::ByCall
        } else {
            again
        };
        visible_frames(&trace, &mut |frame| {
            frames.push(FrameInfo { reached, ..frame });
            reached = Reached::ByCall;
        });
        uncaught
    }

    pub(crate) fn load(error: &LoadError) -> Uncaught {
        Uncaught {
            condition: Condition::new(error.kind(), error.to_string()),
            frames: Vec::new(),
        }
    }

    /// The message with the prefix of its kind.
    pub fn text(&self) -> String {
        let prefix = match self.condition.kind {
            ConditionKind::User => "User exception: ",
            ConditionKind::Llm => "LLM error: ",
            ConditionKind::Io => "I/O error: ",
            _ => "",
        };
        format!("{prefix}{}", self.condition.message)
    }

    /// The report.
    pub fn render(&self) -> String {
        self.render_of_build(None)
    }

    /// The report of a program whose line tables lie in a file of their own: with what names that file, and places in
    /// the code, by which `semac symbolize` finds lines.
    pub fn render_of_build(&self, build: Option<&str>) -> String {
        let mut out = format!("Error: {}\n", self.text());
        let innermost = self.frames.first();
        if let Some(position) = innermost.and_then(|frame| frame.position.as_ref()) {
            write_place(&mut out, position);
        }
        if let Some(hint) = &self.condition.hint {
            write_fact(&mut out, "hint", hint);
        }
        write_fact(&mut out, "code", self.condition.kind.code());
        if let Some(build) = build {
            write_fact(&mut out, BUILD, build);
        }
        write_frames_with(&mut out, &self.frames, build.is_some());
        out
    }
}

/// Writes the line with the place of a report without excerpt: file, line and column.
pub fn write_place(out: &mut String, (file, line, column): &(String, u32, u32)) {
    out.push_str(&format!("  --> {file}:{line}:{column}\n"));
}

/// Writes a line such as `= hint: TEXT`.
#[inline(never)]
pub fn write_fact(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("  = {name}: {text}\n"));
}

/// What the line of a report is called that names a build.
pub const BUILD: &str = "build";

/// Writes the frames of a report, a line each.
pub fn write_frames(out: &mut String, frames: &[FrameInfo]) {
    write_frames_with(out, frames, false);
}

/// `with_code`: places in the code stand where positions are not known.
fn write_frames_with(out: &mut String, frames: &[FrameInfo], with_code: bool) {
    // A recursion that went too deep would fill the screen with one line.
    for equal in frames.chunk_by(|left, right| left == right) {
        let Some(frame) = equal.first() else { continue };
        out.push_str(&format!("  {} {}", frame.reached.text(), frame.name));
        if let Some((file, line, column)) = &frame.position {
            out.push_str(&format!(" ({file}:{line}:{column})"));
        } else if let Some(code) = frame.code.as_ref().filter(|_| with_code) {
            out.push_str(&format!(" [{code}]"));
        }
        if equal.len() > 1 {
            out.push_str(&format!(", {} times", equal.len()));
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(reached: Reached, name: &str, line: u32) -> FrameInfo {
        FrameInfo {
            reached,
            name: name.to_owned(),
            position: Some(("a.sema".to_owned(), line, 3)),
            code: None,
        }
    }

    #[test]
    fn equal_frames_in_a_row_are_one_line() {
        let call = |name, line| frame(Reached::ByCall, name, line);
        let uncaught = Uncaught {
            condition: Condition::new(ConditionKind::Eval, "too deep"),
            frames: vec![call("f", 1), call("f", 1), call("f", 2), call("g", 2)],
        };
        assert_eq!(
            uncaught.render(),
            "Error: too deep\n  --> a.sema:1:3\n  = code: E0901\n  at f (a.sema:1:3), 2 times\n  \
             at f (a.sema:2:3)\n  at g (a.sema:2:3)\n"
        );
    }

    #[test]
    fn what_raised_it_again_follows() {
        let uncaught = Uncaught {
            condition: Condition::new(ConditionKind::User, ":end").hint("begin"),
            frames: vec![
                frame(Reached::ByCall, "task", 1),
                frame(Reached::ByAwaiting, "main", 2),
                frame(Reached::ByCall, "outer", 3),
            ],
        };
        assert_eq!(
            uncaught.render(),
            "Error: User exception: :end\n  --> a.sema:1:3\n  = hint: begin\n  = code: E0905\n  \
             at task (a.sema:1:3)\n  awaited at main (a.sema:2:3)\n  at outer (a.sema:3:3)\n"
        );
    }
}
