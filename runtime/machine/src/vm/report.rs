//! Uncaught conditions, as the program's user sees them.

use std::borrow::Cow;

use super::LoadError;
use super::condition::{describe, visible_frames};
use super::unwind::Raised;
use crate::host::Host;
use crate::host::condition::ConditionKind;

/// A condition that nothing caught.
pub struct Uncaught {
    /// Its type.
    pub kind: ConditionKind,
    /// The message with the prefix of its kind.
    pub text: String,
    /// How to avoid it.
    pub hint: Option<Cow<'static, str>>,
    /// The frames, innermost first.
    pub frames: Vec<FrameInfo>,
}

/// A frame of a trace.
#[derive(PartialEq)]
pub struct FrameInfo {
    /// Name of the function.
    pub name: String,
    /// File, line and column, if known.
    pub position: Option<(String, u32, u32)>,
}

impl Uncaught {
    pub(crate) fn new(host: &Host, raised: &Raised) -> Uncaught {
        let (kind, message, hint) = describe(host, raised);
        let prefix = match kind {
            ConditionKind::User => "User exception: ",
            ConditionKind::Llm => "LLM error: ",
            ConditionKind::Io => "I/O error: ",
            _ => "",
        };
        let mut frames = Vec::new();
        visible_frames(&raised.trace, &mut |name, location| {
            frames.push(FrameInfo {
                name: name.to_owned(),
                position: location.map(|at| (at.file.to_owned(), at.line, at.column)),
            });
        });
        Uncaught {
            kind,
            text: format!("{prefix}{message}"),
            hint,
            frames,
        }
    }

    pub(crate) fn load(error: &LoadError) -> Uncaught {
        Uncaught {
            kind: error.kind(),
            text: error.to_string(),
            hint: None,
            frames: Vec::new(),
        }
    }

    /// The report: `source_line` gives the text of a line of a file if it is at hand.
    pub fn render(&self, source_line: &dyn Fn(&str, u32) -> Option<String>) -> String {
        let mut out = format!("Error: {}\n", self.text);
        if let Some((file, line, column)) = self
            .frames
            .first()
            .and_then(|frame| frame.position.as_ref())
        {
            out.push_str(&format!("  --> {file}:{line}:{column}\n"));
            if let Some(text) = source_line(file, *line) {
                let number = line.to_string();
                let margin = " ".repeat(number.len());
                let indent: String = text
                    .chars()
                    .take((*column as usize).saturating_sub(1))
                    .map(|c| if c == '\t' { '\t' } else { ' ' })
                    .collect();
                out.push_str(&format!(
                    " {margin} |\n {number} | {}\n {margin} | {indent}^\n",
                    text.trim_end()
                ));
            }
        }
        // A recursion that went too deep would fill the screen with one line.
        for equal in self.frames.chunk_by(|left, right| left == right) {
            let Some(frame) = equal.first() else { continue };
            out.push_str("  at ");
            out.push_str(&frame.name);
            if let Some((file, line, column)) = &frame.position {
                out.push_str(&format!(" ({file}:{line}:{column})"));
            }
            if equal.len() > 1 {
                out.push_str(&format!(", {} times", equal.len()));
            }
            out.push('\n');
        }
        if let Some(hint) = &self.hint {
            out.push_str(&format!("  hint: {hint}\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &str, line: u32) -> FrameInfo {
        FrameInfo {
            name: name.to_owned(),
            position: Some(("a.sema".to_owned(), line, 3)),
        }
    }

    #[test]
    fn equal_frames_in_a_row_are_one_line() {
        let uncaught = Uncaught {
            kind: ConditionKind::Eval,
            text: "too deep".to_owned(),
            hint: None,
            frames: vec![frame("f", 1), frame("f", 1), frame("f", 2), frame("g", 2)],
        };
        assert_eq!(
            uncaught.render(&|_, _| None),
            "Error: too deep\n  --> a.sema:1:3\n  at f (a.sema:1:3), 2 times\n  at f (a.sema:2:3)\n  at g (a.sema:2:3)\n"
        );
    }
}
