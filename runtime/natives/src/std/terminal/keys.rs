//! Reading keys and answers of the terminal, one at a time.

use std::collections::VecDeque;
use std::io::{IsTerminal, stdin};
use std::time::{Duration, Instant};

use super::decode::{Decoded, decode, may_end_paste};
use super::event::Event;
use super::screen::send;
use crate::core::system::device::{Shared, Source, lock};
use crate::core::system::input;
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::integer;
use sema_machine::host::condition::{Outcome, eval_error, io_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::descriptors::Interest;
use sema_machine::task::{Asking, Await, Pending};

natives! {
    /// Waits for a key and gives a map that describes it; nil at the end of input. `:kind` is `:char` for a character, `:ctrl` or `:alt`
    /// for one with that key (`:char`), `:key` for a key with a `:name`, and `:mouse`, `:paste`, `:focus`, `:cpr`,
    /// `:device-attributes` or `:kitty-flags` for what else the terminal tells. `:mods` are the keys held down. Other
    /// tasks run meanwhile.
    /// (io/read-key) => nil
    "io/read-key" () -> Any, posix => read_key;

    /// As `io/read-key`; nil also after some milliseconds without a key.
    /// (io/read-key-timeout 1) => nil
    /// (io/read-key-timeout 1.5) => error expected integer, got float
    /// (io/read-key-timeout -1) => error must not be negative
    "io/read-key-timeout" (milliseconds: Int) -> Any, posix => read_key_timeout;

    /// Where the cursor is, a map of `:row` and `:col`, counted from 1; nil if standard input is no terminal or the terminal does not
    /// answer. Needs raw mode.
    /// (term/cursor-position) => nil
    "term/cursor-position" () -> Any, posix => cursor_position;

    /// Asks where the cursor is; `io/read-key` gives the answer.
    /// (term/query-cursor-position) => nil
    "term/query-cursor-position" () -> Nil, posix => query_cursor_position;

    /// Asks what of kitty's keyboard protocol is switched on; `io/read-key` gives the answer.
    /// (term/query-kitty-keys) => nil
    "term/query-kitty-keys" () -> Nil, posix => query_kitty_keys;

    /// Asks what the terminal can do; `io/read-key` gives the answer.
    /// (term/query-primary-da) => nil
    "term/query-primary-da" () -> Nil, posix => query_primary_attributes;

    /// Asks what kind of terminal it is; `io/read-key` gives the answer.
    /// (term/query-secondary-da) => nil
    "term/query-secondary-da" () -> Nil, posix => query_secondary_attributes;

    /// Whether the terminal has kitty's keyboard protocol. Needs raw mode; #f if standard input is no terminal.
    /// (term/supports-kitty-keys?) => #f
    "term/supports-kitty-keys?" () -> Bool, posix => supports_kitty_keys;
}

/// How long the next bytes of a sequence may take to come. A key that is pressed after escape takes longer.
const SEQUENCE: Duration = Duration::from_millis(50);
/// The same for the bytes of a character, which mean nothing without each other.
const CHARACTER: Duration = Duration::from_secs(1);
/// How long the terminal may take to answer.
const ANSWER: Duration = Duration::from_millis(250);
/// Bytes that are taken in before they are decoded.
const PART: usize = 64 << 10;

/// What has come and nobody has asked for yet, and what answers are expected.
#[derive(Default)]
pub(crate) struct Keyboard {
    events: VecDeque<Event>,
    /// How many times the program has asked where the cursor is.
    cursor_asked: u32,
    /// What has begun and may be part of a sequence: when its last bytes came, and how many there are. It stays from one
    /// question for a key to the next, which may all be short.
    begun: Option<(Instant, usize)>,
    /// Bytes of pasted text that are known not to hold its end.
    pasted: usize,
}

impl Keyboard {
    /// Until when to wait for the rest of what has begun with these bytes.
    fn patience(&mut self, bytes: &[u8]) -> Instant {
        let (since, count) = self
            .begun
            .get_or_insert_with(|| (Instant::now(), bytes.len()));
        if *count != bytes.len() {
            (*since, *count) = (Instant::now(), bytes.len());
        }
        *since
            + if bytes.first() == Some(&0x1b) {
                SEQUENCE
            } else {
                CHARACTER
            }
    }
}

/// How far the next event is.
pub(crate) enum Next {
    /// It is here.
    Event(Event),
    /// There will be none.
    End,
    /// It may come when there is more to read, or at this time.
    Wait(Option<Instant>),
}

/// The next event of standard input, as far as it has come.
///
/// # Errors
/// The system's answer.
pub(crate) fn next_event(host: &Host, source: &mut Source) -> std::io::Result<Next> {
    source.drain(source.buffered() + PART)?;
    host.with_extension(|keyboard: &mut Keyboard| Ok(keyboard.next(source)))
}

impl Keyboard {
    /// The next event of what has come.
    fn next(&mut self, source: &mut Source) -> Next {
        let at_end = source.descriptor().is_none();
        if self.pasted > 0 && !at_end && !may_end_paste(source.peek(), self.pasted) {
            self.pasted = source.buffered();
            return Next::Wait(None);
        }
        self.pasted = 0;
        loop {
            let bytes = source.peek();
            let first = decode(bytes, at_end, self.cursor_asked > 0);
            let decoded = match first {
                Decoded::Incomplete => {
                    let until = self.patience(bytes);
                    if Instant::now() < until {
                        return Next::Wait(Some(until));
                    }
                    decode(bytes, true, self.cursor_asked > 0)
                }
                other => other,
            };
            self.begun = None;
            match decoded {
                Decoded::Event(event, length) => {
                    source.skip(length);
                    if matches!(event, Event::Cursor { .. }) {
                        self.cursor_asked = self.cursor_asked.saturating_sub(1);
                    }
                    return Next::Event(event);
                }
                Decoded::Unknown(length) => source.skip(length),
                Decoded::Nothing if at_end => return Next::End,
                Decoded::Pasting => {
                    self.pasted = source.buffered();
                    return Next::Wait(None);
                }
                Decoded::Nothing | Decoded::Incomplete => return Next::Wait(None),
            }
        }
    }
}

/// An event that came while something else was waited for.
pub(crate) fn take_kept(host: &Host) -> Option<Event> {
    host.with_extension(|keyboard: &mut Keyboard| keyboard.events.pop_front())
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Any event.
    Any,
    /// The place of the cursor.
    Cursor,
    /// Whether kitty's protocol is known: what comes first, its flags or the attributes that every terminal tells.
    Kitty,
}

impl Wanted {
    fn is_met_by(self, event: &Event) -> bool {
        match self {
            Wanted::Any => true,
            Wanted::Cursor => matches!(event, Event::Cursor { .. }),
            Wanted::Kitty => matches!(
                event,
                Event::Attributes {
                    device: "primary",
                    ..
                }
            ),
        }
    }
}

/// Waiting for an event.
struct Read {
    source: Shared<Source>,
    wanted: Wanted,
    deadline: Option<Instant>,
    number: u64,
    /// Whether flags of kitty's protocol have come.
    has_flags: bool,
    result: std::io::Result<Option<Event>>,
}

impl Read {
    fn go_on(&mut self, host: &Host) -> std::io::Result<Await> {
        if self.wanted == Wanted::Any
            && let Some(event) = take_kept(host)
        {
            self.result = Ok(Some(event));
            return Ok(Await::Done);
        }
        let source = self.source.clone();
        let mut source = lock(&source);
        loop {
            let wait = match next_event(host, &mut source)? {
                Next::Event(event) if self.wanted.is_met_by(&event) => {
                    self.result = Ok(Some(event));
                    return Ok(Await::Done);
                }
                Next::Event(Event::KittyFlags(_)) if self.wanted == Wanted::Kitty => {
                    self.has_flags = true;
                    continue;
                }
                Next::Event(event) => {
                    // Somebody has typed meanwhile.
                    host.with_extension(|keyboard: &mut Keyboard| keyboard.events.push_back(event));
                    continue;
                }
                Next::End => {
                    source.meet_end();
                    return Ok(Await::Done);
                }
                Next::Wait(until) => until,
            };
            if self
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now())
            {
                return Ok(Await::Done);
            }
            let until = match (wait, self.deadline) {
                (Some(wait), Some(deadline)) => Some(wait.min(deadline)),
                (wait, deadline) => wait.or(deadline),
            };
            let descriptors = source.descriptor().map(|input| (input, Interest::Read));
            return Ok(Await::AnyOf(descriptors.into_iter().collect(), until));
        }
    }
}

impl Pending for Read {
    fn advance(&mut self, asking: &Asking<'_>) -> Await {
        self.number = asking.number;
        if !lock(&self.source).line.enter(asking) {
            return Await::Completion;
        }
        let awaits = self.go_on(asking.host).unwrap_or_else(|error| {
            self.result = Err(error);
            Await::Done
        });
        if matches!(awaits, Await::Done) {
            lock(&self.source).line.leave(self.number);
        }
        awaits
    }

    fn finish(self: Box<Self>, host: &Host) -> Outcome {
        let event = match &self.result {
            Ok(event) => event,
            Err(error) => return Err(io_error(format!("io/read-key: {error}"))),
        };
        Ok(match (self.wanted, event) {
            (Wanted::Kitty, _) => Value::bool(self.has_flags),
            (Wanted::Cursor, Some(Event::Cursor { row, column })) => {
                let number = |number: u32| host.heap.int(number.into());
                let entries = [
                    (host.keyword("row"), number(*row)),
                    (host.keyword("col"), number(*column)),
                ];
                sorted_map::from_entries(host, &entries)
            }
            (Wanted::Any, Some(event)) => event.value(host),
            (_, _) => Value::NIL,
        })
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        lock(&self.source).line.leave(self.number);
    }
}

fn read(host: &Host, wanted: Wanted, timeout: Option<Duration>) -> Outcome {
    // What was printed is seen before a key is waited for.
    host.output.flush();
    host.wait_for(Read {
        source: input::source(host),
        wanted,
        deadline: timeout.map(|timeout| Instant::now() + timeout),
        number: 0,
        has_flags: false,
        result: Ok(None),
    })
}

fn read_key(host: &Host, _: &[Value]) -> Outcome {
    read(host, Wanted::Any, None)
}

/// Longer than anything waits, and short enough to be added to any time.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// How long `args[index]`, a number of milliseconds, lets something wait.
pub(crate) fn milliseconds(
    host: &Host,
    function: &str,
    args: &[Value],
    index: usize,
) -> Outcome<Duration> {
    match u64::try_from(integer(host, function, args, index)?) {
        Ok(number) => Ok(Duration::from_millis(number).min(LONGEST)),
        Err(_) => Err(eval_error(format!(
            "{function}: milliseconds must not be negative"
        ))),
    }
}

fn read_key_timeout(host: &Host, args: &[Value]) -> Outcome {
    let timeout = milliseconds(host, "io/read-key-timeout", args, 0)?;
    read(host, Wanted::Any, Some(timeout))
}

fn asks_for_cursor(host: &Host) {
    host.with_extension(|keyboard: &mut Keyboard| keyboard.cursor_asked += 1);
}

fn cursor_position(host: &Host, _: &[Value]) -> Outcome {
    if !stdin().is_terminal() {
        return Ok(Value::NIL);
    }
    asks_for_cursor(host);
    send(host, "\x1b[6n")?;
    read(host, Wanted::Cursor, Some(ANSWER))
}

fn query_cursor_position(host: &Host, _: &[Value]) -> Outcome {
    asks_for_cursor(host);
    send(host, "\x1b[6n")
}

fn query_kitty_keys(host: &Host, _: &[Value]) -> Outcome {
    send(host, "\x1b[?u")
}

fn query_primary_attributes(host: &Host, _: &[Value]) -> Outcome {
    send(host, "\x1b[c")
}

fn query_secondary_attributes(host: &Host, _: &[Value]) -> Outcome {
    send(host, "\x1b[>c")
}

fn supports_kitty_keys(host: &Host, _: &[Value]) -> Outcome {
    if !stdin().is_terminal() {
        return Ok(Value::FALSE);
    }
    send(host, "\x1b[?u\x1b[c")?;
    read(host, Wanted::Kitty, Some(ANSWER))
}

#[cfg(test)]
mod tests {
    use crate::core::system::input::Input;
    use crate::testing::Bench;
    use sema_machine::data::print;
    use sema_machine::memory::value::Value;

    #[test]
    fn keys_of_given_input() {
        let bench = Bench::new();
        let bytes = "a\x1b[1;5C\x1b[<0;3;4Mé\x1b[200~x\ny\x1b[201~\x1b";
        bench.host.with_extension::<Input, _>(|input| {
            *input = Input::memory(bytes.as_bytes().to_vec());
        });
        for expected in [
            "{:char \"a\" :kind :char}",
            "{:kind :key :mods (:ctrl) :name :right}",
            "{:action :press :button 0 :kind :mouse :x 3 :y 4}",
            "{:char \"é\" :kind :char}",
            "{:kind :paste :text \"x\\ny\"}",
            "{:kind :key :name :esc}",
            "nil",
            "nil",
        ] {
            let key = bench.call("io/read-key", &[]);
            assert_eq!(print::readable(&bench.host, key), expected);
        }
        assert_eq!(bench.call("io/eof?", &[]), Value::TRUE);
    }

    #[test]
    fn an_answer_is_no_key() {
        let bench = Bench::new();
        bench.host.with_extension::<Input, _>(|input| {
            *input = Input::memory(b"\x1b[1;2R\x1b[1;2R".to_vec());
        });
        bench.call("term/query-cursor-position", &[]);
        assert_eq!(bench.written(), "\x1b[6n");
        for expected in [
            "{:col 2 :kind :cpr :row 1}",
            "{:kind :key :mods (:shift) :name :f3}",
        ] {
            let key = bench.call("io/read-key-timeout", &[Value::small(0)]);
            assert_eq!(print::readable(&bench.host, key), expected);
        }
    }
}
