//! Commands for the terminal, written to standard output. What outlasts the program is undone when it ends.

use sema_machine::host::Host;
use sema_machine::host::arguments::{integer, text};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::habits::Habit;

natives! {
    /// Lets the terminal ring.
    /// (term/bell) => nil
    "term/bell" () -> Nil => bell;

    /// Clears the screen and puts the cursor into its first place.
    /// (term/clear) => nil
    "term/clear" () -> Nil => clear;

    /// Clears the screen from the cursor to its end.
    /// (term/clear-below) => nil
    "term/clear-below" () -> Nil => clear_below;

    /// Clears the line of the cursor.
    /// (term/clear-line) => nil
    "term/clear-line" () -> Nil => clear_line;

    /// Puts the cursor into the first place of the screen.
    /// (term/cursor-home) => nil
    "term/cursor-home" () -> Nil => cursor_home;

    /// Hides the cursor.
    /// (term/hide-cursor) => nil
    "term/hide-cursor" () -> Nil => hide_cursor;

    /// Shows the cursor again.
    /// (term/show-cursor) => nil
    "term/show-cursor" () -> Nil => show_cursor;

    /// Notes the place of the cursor for `term/restore-cursor`.
    /// (term/save-cursor) => nil
    "term/save-cursor" () -> Nil => save_cursor;

    /// Puts the cursor where it was when `term/save-cursor` was called.
    /// (term/restore-cursor) => nil
    "term/restore-cursor" () -> Nil => restore_cursor;

    /// Goes to a second screen, which leaves what is on the first one as it is.
    /// (term/enter-alt-screen) => nil
    "term/enter-alt-screen" () -> Nil => enter_alt_screen;

    /// Goes back to the first screen.
    /// (term/leave-alt-screen) => nil
    "term/leave-alt-screen" () -> Nil => leave_alt_screen;

    /// The terminal marks what is pasted, so that `io/read-key` gives it as a whole.
    /// (term/enable-bracketed-paste) => nil
    "term/enable-bracketed-paste" () -> Nil => enable_bracketed_paste;

    /// Undoes `term/enable-bracketed-paste`.
    /// (term/disable-bracketed-paste) => nil
    "term/disable-bracketed-paste" () -> Nil => disable_bracketed_paste;

    /// The terminal tells when its window gets or loses the keyboard.
    /// (term/enable-focus-events) => nil
    "term/enable-focus-events" () -> Nil => enable_focus_events;

    /// Undoes `term/enable-focus-events`.
    /// (term/disable-focus-events) => nil
    "term/disable-focus-events" () -> Nil => disable_focus_events;

    /// The terminal tells what the mouse does.
    /// (term/enable-mouse) => nil
    "term/enable-mouse" () -> Nil => enable_mouse;

    /// Undoes `term/enable-mouse`.
    /// (term/disable-mouse) => nil
    "term/disable-mouse" () -> Nil => disable_mouse;

    /// The terminal tells more about keys, by the protocol of kitty; what it tells is a sum of numbers, 17 unless it is given: 1 makes
    /// keys unambiguous, 2 tells of repeats and releases, 4 of other keys in the same place, 8 of all keys, 16 of texts.
    /// (term/enable-kitty-keys!) => nil
    "term/enable-kitty-keys!" (flags?: Int) -> Nil => enable_kitty_keys;

    /// Undoes `term/enable-kitty-keys!`.
    /// (term/disable-kitty-keys!) => nil
    "term/disable-kitty-keys!" () -> Nil => disable_kitty_keys;

    /// Hands what was printed to the terminal.
    /// (term/flush) => nil
    "term/flush" () -> Nil => flush;

    /// Puts the cursor into a row and a column, counted from 1.
    /// (term/move-to 2 5) => nil
    "term/move-to" (row: Int, column: Int) -> Nil => move_to;

    /// Writes a text in a row from a column on, counted from 1.
    /// (term/write-at 1 1 "status") => nil
    "term/write-at" (row: Int, column: Int, text: String) -> Nil => write_at;

    /// Gives the window of the terminal a title.
    /// (term/set-title "Shop") => nil
    "term/set-title" (title: String) -> Nil => set_title;
}

/// Writes a command at once.
pub(super) fn send(host: &Host, command: &str) -> Outcome {
    host.output.write(command.as_bytes());
    host.output.flush();
    Ok(Value::NIL)
}

/// The functions of commands that never change.
macro_rules! commands {
    ($($function:ident $command:literal)*) => {
        $(fn $function(host: &Host, _: &[Value]) -> Outcome {
            send(host, $command)
        })*
    };
}

commands! {
    bell "\x07"
    clear "\x1b[2J\x1b[H"
    clear_below "\x1b[0J"
    clear_line "\x1b[2K"
    cursor_home "\x1b[H"
    save_cursor "\x1b7"
    restore_cursor "\x1b8"
    flush ""
}

/// The terminal is told to begin something. However the program ends, it is told to end it.
fn begin(host: &Host, habit: Habit, command: &str) -> Outcome {
    if host.output.is_terminal() {
        habit.note();
    }
    send(host, command)
}

/// The terminal is told to end something.
fn end(host: &Host, habit: Habit) -> Outcome {
    habit.forget();
    send(host, habit.end())
}

/// The functions that begin something and those that end it.
macro_rules! habits {
    ($($begin:ident $command:literal $end:ident $habit:ident)*) => {
        $(
            fn $begin(host: &Host, _: &[Value]) -> Outcome {
                begin(host, Habit::$habit, $command)
            }

            fn $end(host: &Host, _: &[Value]) -> Outcome {
                end(host, Habit::$habit)
            }
        )*
    };
}

habits! {
    enter_alt_screen "\x1b[?1049h" leave_alt_screen SecondScreen
    hide_cursor "\x1b[?25l" show_cursor HiddenCursor
    enable_bracketed_paste "\x1b[?2004h" disable_bracketed_paste MarksPaste
    enable_focus_events "\x1b[?1004h" disable_focus_events TellsFocus
    enable_mouse "\x1b[?1000h\x1b[?1002h\x1b[?1006h" disable_mouse TellsMouse
}

fn disable_kitty_keys(host: &Host, _: &[Value]) -> Outcome {
    end(host, Habit::TellsKeys)
}

/// What kitty's protocol is asked for: unambiguous keys and their texts.
const KITTY_FLAGS: i64 = 17;

fn enable_kitty_keys(host: &Host, args: &[Value]) -> Outcome {
    let flags = match args {
        [] => KITTY_FLAGS,
        _ => integer(host, "term/enable-kitty-keys!", args, 0)?,
    };
    begin(host, Habit::TellsKeys, &format!("\x1b[>{flags}u"))
}

/// The command that puts the cursor into a row and column; places before the first are the first.
fn place(host: &Host, function: &str, args: &[Value]) -> Outcome<String> {
    let row = integer(host, function, args, 0)?.max(1);
    let column = integer(host, function, args, 1)?.max(1);
    Ok(format!("\x1b[{row};{column}H"))
}

fn move_to(host: &Host, args: &[Value]) -> Outcome {
    send(host, &place(host, "term/move-to", args)?)
}

fn write_at(host: &Host, args: &[Value]) -> Outcome {
    let place = place(host, "term/write-at", args)?;
    send(host, &(place + text(host, "term/write-at", args, 2)?))
}

fn set_title(host: &Host, args: &[Value]) -> Outcome {
    let title = text(host, "term/set-title", args, 0)?;
    // A control character would end the title, and what follows would be commands.
    let title: String = title.chars().filter(|c| !c.is_control()).collect();
    send(host, &format!("\x1b]0;{title}\x07"))
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use sema_machine::memory::value::Value;

    #[test]
    fn commands() {
        let bench = Bench::new();
        bench.call("term/move-to", &[Value::small(-3), Value::small(7)]);
        assert_eq!(bench.written(), "\x1b[1;7H");
        bench.call("term/set-title", &[bench.text("a\x07\x1b[2Jb\n")]);
        assert_eq!(bench.written(), "\x1b]0;a[2Jb\x07");
        bench.call("term/enable-kitty-keys!", &[Value::small(19)]);
        assert_eq!(bench.written(), "\x1b[>19u");
    }
}
