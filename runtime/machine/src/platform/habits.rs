//! What a terminal was told to go on doing, which it would do after the end of the program, too.
//!
//! As what `ending` undoes, this is the process's, and a signal handler may read it.

use std::sync::atomic::{AtomicU8, Ordering};

/// What the terminal of standard output was told to do until it is told otherwise, a bit each of [`Habit`].
static HABITS: AtomicU8 = AtomicU8::new(0);

/// Something that a terminal goes on doing until it is told otherwise. The last is undone first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Habit {
    /// It shows a second screen.
    SecondScreen,
    /// It shows no cursor.
    HiddenCursor,
    /// It marks what is pasted.
    MarksPaste,
    /// It tells when its window is chosen.
    TellsFocus,
    /// It tells what the mouse does.
    TellsMouse,
    /// It tells more of keys, by the protocol of kitty.
    TellsKeys,
}

impl Habit {
    /// All of them.
    const ALL: [Habit; 6] = [
        Habit::SecondScreen,
        Habit::HiddenCursor,
        Habit::MarksPaste,
        Habit::TellsFocus,
        Habit::TellsMouse,
        Habit::TellsKeys,
    ];

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// What ends it.
    #[must_use]
    pub const fn end(self) -> &'static str {
        match self {
            Habit::SecondScreen => "\x1b[?1049l",
            Habit::HiddenCursor => "\x1b[?25h",
            Habit::MarksPaste => "\x1b[?2004l",
            Habit::TellsFocus => "\x1b[?1004l",
            Habit::TellsMouse => "\x1b[?1000l\x1b[?1002l\x1b[?1006l",
            Habit::TellsKeys => "\x1b[<u",
        }
    }

    /// Notes that the terminal does it from now on.
    pub fn note(self) {
        HABITS.fetch_or(self.bit(), Ordering::AcqRel);
        super::ending::catch_deadly_signals();
    }

    /// Notes that the terminal does it no more.
    pub fn forget(self) {
        HABITS.fetch_and(!self.bit(), Ordering::AcqRel);
    }

    /// Whether there is one to undo.
    #[must_use]
    pub fn is_any() -> bool {
        HABITS.load(Ordering::Acquire) != 0
    }

    /// What ends all of them, which are forgotten.
    pub(super) fn take_ends() -> impl Iterator<Item = &'static str> {
        let habits = HABITS.swap(0, Ordering::AcqRel);
        let all = Habit::ALL.iter().rev();
        all.filter(move |habit| habits & habit.bit() != 0)
            .map(|habit| habit.end())
    }
}
