//! From a place in the code to the frames that a trace shows for it.
//!
//! A call that was replaced by the code of the function it calls leaves no frame on the stack. The line
//! table says for every instruction which such call it belongs to, so that traces show the frames
//! that there would be without the replacement. It costs nothing until a trace is made.

use crate::model::{InlinedCall, LineEntry};

/// A position in the module's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the file.
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl From<&LineEntry> for Place {
    fn from(entry: &LineEntry) -> Place {
        Place {
            file: entry.file,
            line: entry.line,
            column: entry.column,
        }
    }
}

/// Whether a context refers to one of the first `count` inlined calls or to none.
pub fn is_context(context: u32, count: usize) -> bool {
    (context >> 1) as usize <= count
}

/// The entry that holds at word `pc`.
pub fn entry_at(lines: &[LineEntry], pc: u32) -> Option<&LineEntry> {
    let after = lines.partition_point(|entry| entry.pc <= pc);
    lines.get(after.checked_sub(1)?)
}

/// Is shown frames: the inlined call, or `None` for the function itself, and the place in it.
pub type Visitor<'v, S> = dyn FnMut(Option<&InlinedCall<S>>, Option<Place>) + 'v;

/// Shows the frames that the code at word `pc` stands for to `visit`, innermost first: the inlined call,
/// or `None` for the function itself, and the place in it.
///
/// `waiting` if the code has called something: then a call in tail position has left no frame.
#[allow(clippy::type_complexity, reason = "what is shown: a call and a place")]
pub fn unfold<S>(
    lines: &[LineEntry],
    inlined: &[InlinedCall<S>],
    pc: u32,
    waiting: bool,
    visit: &mut Visitor<'_, S>,
) {
    let Some(entry) = entry_at(lines, pc) else {
        return visit(None, None);
    };
    let (mut place, mut context, mut waiting) = (Place::from(entry), entry.context, waiting);
    loop {
        let gone = waiting && context & 1 == 1;
        let number = (context >> 1) as usize;
        let call = number.checked_sub(1).and_then(|index| inlined.get(index));
        if !gone {
            visit(call, Some(place));
        }
        match call {
            // Smaller numbers only, whatever the table holds: this ends.
            Some(call) if ((call.context >> 1) as usize) < number => {
                place = Place {
                    file: call.file,
                    line: call.line,
                    column: call.column,
                };
                context = call.context;
                waiting = true;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &'static str, line: u32, context: u32) -> InlinedCall<&'static str> {
        InlinedCall {
            name,
            library: false,
            file: 0,
            line,
            column: 1,
            context,
        }
    }

    fn frames(
        context: u32,
        waiting: bool,
        inlined: &[InlinedCall<&'static str>],
    ) -> Vec<(String, u32)> {
        let lines = [LineEntry {
            pc: 0,
            file: 0,
            line: 99,
            column: 1,
            context,
        }];
        let mut found = Vec::new();
        unfold(&lines, inlined, 3, waiting, &mut |call, place| {
            let name = call.map_or("function", |call| call.name);
            found.push((name.to_owned(), place.map_or(0, |place| place.line)));
        });
        found
    }

    #[test]
    fn inlined_calls_become_frames() {
        let inlined = [call("outer", 10, 0), call("inner", 20, 2)];
        let all = [("inner", 99), ("outer", 20), ("function", 10)];
        let all: Vec<_> = all.iter().map(|(n, l)| (n.to_string(), *l)).collect();
        assert_eq!(frames(4, false, &inlined), all);
        assert_eq!(frames(5, false, &inlined), all);
        // The innermost has been replaced by what it called.
        assert_eq!(frames(5, true, &inlined), all[1..]);
    }

    #[test]
    fn calls_in_tail_position_leave_no_frame() {
        let inlined = [
            call("outer", 10, 0),
            call("inner", 20, 3),
            call("last", 30, 5),
        ];
        let names = |context, waiting| -> Vec<String> {
            let found = frames(context, waiting, &inlined);
            found.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(4, false), ["inner", "function"]);
        assert_eq!(names(6, false), ["last", "function"]);
        assert_eq!(names(7, true), ["function"]);
        assert_eq!(
            frames(4, false, &[call("a", 1, 4), call("b", 1, 4)]).len(),
            1
        );
    }
}
