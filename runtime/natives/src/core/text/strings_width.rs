//! Display columns of text on a terminal: measuring, cutting, wrapping.
//!
//! Widths are those of Unicode Standard Annex 11 (crate unicode-width); ANSI escape sequences and
//! line feeds take no columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::core::text::strings::string_of;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, count, text};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The columns that a string takes on a terminal: wide characters take two, combining marks and
    /// ANSI escape sequences none.
    /// (string/width "abc") => 3
    /// (string/width "日本") => 4
    "string/width" (text: String) -> Count, pure => width;

    /// Cuts a string that is wider than `width` terminal columns; what is kept and `tail` fit into
    /// them together.
    /// (string/truncate-width "a long title" 6) => "a long"
    /// (string/truncate-width "a long title" 7 "...") => "a lo..."
    "string/truncate-width" (text: String, width: Count, tail?: String) -> String, pure => truncate_width;

    /// The list of the lines of a text after wrapping each at spaces to `width` terminal columns. A
    /// word that is wider is cut.
    /// (string/word-wrap "one two three" 8) => ("one two" "three")
    /// (string/word-wrap "abcdef" 4) => ("abcd" "ef")
    "string/word-wrap" (text: String, width: Count) -> Pair, pure => word_wrap;
}

/// A part of a text that is never cut apart.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part<'t> {
    /// A control sequence.
    Escape(&'t str, Sequence),
    /// A character with what combines with it, and its columns.
    Cluster(&'t str, usize),
}

/// The parts of a text, in order.
struct Parts<'t> {
    rest: &'t str,
}

/// What a control sequence is about, as far as cutting a text has to know.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sequence {
    /// Changes the style: colours and the like.
    Style,
    /// Sets the style back to what it was at the start.
    Plain,
    /// Begins a hyperlink.
    Link,
    /// Ends a hyperlink.
    EndOfLink,
    /// Does something else: moves the cursor, sets a title. In a text that is cut it means something else, so it
    /// is left out.
    Control,
    /// Two characters, which choose sets of characters and the like.
    Short,
}

/// The text behind the introducer of a control sequence and its kind, `[`, `]`, or another of strings (ECMA-48, 5.4 and 5.6).
fn introduced(text: &str) -> Option<(char, &str)> {
    let mut characters = text.chars();
    let kind = match characters.next()? {
        '\u{1b}' => match characters.next() {
            Some(kind @ ('[' | ']' | 'P' | 'X' | '^' | '_')) => kind,
            _ => return None,
        },
        '\u{9b}' => '[',
        '\u{9d}' => ']',
        '\u{90}' | '\u{98}' | '\u{9e}' | '\u{9f}' => 'P',
        _ => return None,
    };
    Some((kind, characters.as_str()))
}

/// The bytes of the control sequence that `text` begins with, if it does, and what it is about. CSI sequences end with a byte
/// from `@` to `~`, OSC and other strings with ST or, as terminals have it, BEL; what does not end takes the rest.
fn sequence(text: &str) -> Option<(usize, Sequence)> {
    let Some((kind, body)) = introduced(text) else {
        let rest = text.strip_prefix('\u{1b}')?;
        let length = 1 + rest.chars().next().map_or(0, char::len_utf8);
        return Some((length, Sequence::Short));
    };
    if kind == '[' {
        let end = body.bytes().position(|byte| (0x40..=0x7E).contains(&byte));
        let parameters = end.and_then(|end| body.get(..end)).unwrap_or(body);
        let rest = end.and_then(|end| body.get(end + 1..)).unwrap_or_default();
        let is_style = end.and_then(|end| body.as_bytes().get(end)) == Some(&b'm')
            && !parameters.starts_with(['<', '=', '>', '?']);
        let about = match parameters {
            _ if !is_style => Sequence::Control,
            "" | "0" => Sequence::Plain,
            _ => Sequence::Style,
        };
        return Some((text.len() - rest.len(), about));
    }
    let end = ["\u{7}", "\u{1b}\\", "\u{9c}"]
        .iter()
        .filter_map(|terminator| Some((body.find(terminator)?, terminator.len())))
        .min();
    let (content, rest) = match end {
        Some((end, length)) => (body.get(..end)?, body.get(end + length..)?),
        None => (body, ""),
    };
    let about = match content.strip_prefix("8;") {
        // Parameters, then the address.
        Some(link) if kind == ']' => match link.split_once(';') {
            Some((_, "")) => Sequence::EndOfLink,
            Some(_) => Sequence::Link,
            None => Sequence::Control,
        },
        _ => Sequence::Control,
    };
    Some((text.len() - rest.len(), about))
}

fn is_regional_indicator(code: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&code)
}

/// Joins emoji into one.
const JOINER: char = '\u{200D}';
/// Makes an emoji of the character before it.
const EMOJI_STYLE: char = '\u{FE0F}';
/// Bytes behind which characters without columns belong to a cluster unseen.
const LONGEST_CLUSTER: usize = 256;

/// Bytes and columns of the cluster at the start of `text`: a character, then everything that adds
/// no columns to it (combining marks, joined emoji, the second half of a flag).
fn cluster(text: &str) -> Option<(usize, usize)> {
    let first = text.chars().next()?;
    let mut end = first.len_utf8();
    if first == '\n' || text.starts_with("\r\n") {
        let end = if first == '\n' { 1 } else { 2 };
        return Some((end, 0));
    }
    if first.is_ascii() && text.as_bytes().get(end).is_none_or(u8::is_ascii) {
        return Some((end, 1));
    }
    let mut columns = text.get(..end)?.width();
    let flag = is_regional_indicator(first);
    while let Some(next) = text.get(end..)?.chars().next() {
        let mut grown_end = end + next.len_utf8();
        if end > LONGEST_CLUSTER {
            // No writing has such clusters. Measuring all of it again for each mark would take forever.
            if next.width() != Some(0) {
                break;
            }
            end = grown_end;
            continue;
        }
        // What is joined may become an emoji only by the selector behind it.
        if text.get(..end)?.ends_with(JOINER) && text.get(grown_end..)?.starts_with(EMOJI_STYLE) {
            grown_end += EMOJI_STYLE.len_utf8();
        }
        let grown = text.get(..grown_end)?.width();
        let second_half = flag && end == first.len_utf8() && is_regional_indicator(next);
        let combines = next.width() == Some(0) || grown <= columns && !next.is_control();
        if !combines && !second_half {
            break;
        }
        (end, columns) = (grown_end, grown);
    }
    Some((end, columns))
}

impl<'t> Iterator for Parts<'t> {
    type Item = Part<'t>;

    fn next(&mut self) -> Option<Part<'t>> {
        if let Some((length, about)) = sequence(self.rest) {
            let (part, rest) = self.rest.split_at_checked(length)?;
            self.rest = rest;
            return Some(Part::Escape(part, about));
        }
        let (length, columns) = cluster(self.rest)?;
        let (part, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Part::Cluster(part, columns))
    }
}

fn parts(text: &str) -> Parts<'_> {
    Parts { rest: text }
}

/// Columns of a text.
pub fn columns(text: &str) -> usize {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.len();
    }
    parts(text)
        .map(|part| match part {
            Part::Escape(..) => 0,
            Part::Cluster(_, columns) => columns,
        })
        .sum()
}

/// A text without its ANSI escape sequences.
pub fn without_escapes(text: &str) -> String {
    let clusters = parts(text).filter_map(|part| match part {
        Part::Escape(..) => None,
        Part::Cluster(cluster, _) => Some(cluster),
    });
    clusters.collect()
}

fn width(host: &Host, args: &[Value]) -> Outcome {
    Ok(Value::index(columns(text(host, "string/width", args, 0)?)))
}

/// As much of a text as fits into so many columns.
pub fn fitting(text: &str, columns: usize) -> String {
    let mut fitting = String::new();
    cut(text, columns, "", &mut fitting);
    fitting
}

/// The parts of `text` that fit into `limit` columns, without control sequences that do more than style. Where it is cut with a
/// style switched on or in a hyperlink, the sequence that ends it is kept.
fn cut(text: &str, limit: usize, tail: &str, out: &mut String) {
    let mut used = 0;
    let mut full = false;
    // What is switched on by what is kept, and by what is pending.
    let (mut styled, mut linked) = (false, false);
    let (mut will_be_styled, mut will_be_linked) = (false, false);
    // Sequences before a character that does not fit mean nothing, unless they end what is on.
    let mut pending = String::new();
    for part in parts(text) {
        match part {
            Part::Escape(_, Sequence::Control) => {}
            Part::Escape(sequence, about) if !full => {
                pending.push_str(sequence);
                let ends = match about {
                    Sequence::Plain => styled,
                    Sequence::EndOfLink => linked,
                    _ => false,
                };
                match about {
                    Sequence::Style => will_be_styled = true,
                    Sequence::Plain => will_be_styled = false,
                    Sequence::Link => will_be_linked = true,
                    Sequence::EndOfLink => will_be_linked = false,
                    Sequence::Control | Sequence::Short => {}
                }
                if ends {
                    out.push_str(&std::mem::take(&mut pending));
                    (styled, linked) = (will_be_styled, will_be_linked);
                }
            }
            Part::Escape(sequence, about) => {
                let ends = match about {
                    Sequence::Plain => std::mem::take(&mut styled),
                    Sequence::EndOfLink => std::mem::take(&mut linked),
                    _ => false,
                };
                if ends {
                    out.push_str(sequence);
                }
            }
            Part::Cluster(cluster, columns) if !full && used + columns <= limit => {
                used += columns;
                out.push_str(&std::mem::take(&mut pending));
                (styled, linked) = (will_be_styled, will_be_linked);
                out.push_str(cluster);
            }
            Part::Cluster(..) if !full => {
                full = true;
                // A reset does no harm where its style was left out, and is what users are used to.
                styled = will_be_styled;
                out.push_str(tail);
            }
            Part::Cluster(..) => {}
        }
    }
    if !full {
        out.push_str(&pending);
        linked = will_be_linked;
    }
    if linked {
        // The text ends in a link, or another link would have begun behind what was cut.
        out.push_str(END_OF_LINK);
    }
}

/// Ends a hyperlink (OSC 8).
const END_OF_LINK: &str = "\u{1b}]8;;\u{1b}\\";

fn truncate_width(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string/truncate-width", args, 0)?;
    let limit = count(host, "string/truncate-width", args, 1)?;
    let tail = if args.len() > 2 {
        text(host, "string/truncate-width", args, 2)?
    } else {
        ""
    };
    if columns(string) <= limit {
        return Ok(argument(args, 0));
    }
    let mut result = String::new();
    match limit.checked_sub(columns(tail)) {
        Some(room) => cut(string, room, tail, &mut result),
        None => cut(tail, limit, "", &mut result),
    }
    string_of(host, "string/truncate-width", &result)
}

/// Lines being filled with words.
struct Wrapper {
    width: usize,
    lines: Vec<String>,
    line: String,
    used: usize,
}

impl Wrapper {
    fn end_line(&mut self) {
        self.lines.push(std::mem::take(&mut self.line));
        self.used = 0;
    }

    fn add_word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        let columns = columns(word);
        if !self.line.is_empty() {
            if self.used + 1 + columns <= self.width {
                self.line.push(' ');
                self.line.push_str(word);
                self.used += 1 + columns;
                return;
            }
            self.end_line();
        }
        if columns <= self.width {
            self.line.push_str(word);
            self.used = columns;
            return;
        }
        for part in parts(word) {
            match part {
                Part::Escape(sequence, _) => self.line.push_str(sequence),
                Part::Cluster(cluster, columns) => {
                    if self.used > 0 && self.used + columns > self.width {
                        self.end_line();
                    }
                    self.line.push_str(cluster);
                    self.used += columns;
                }
            }
        }
    }
}

/// Wraps every line of a text at spaces; words that are too long are cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut wrapper = Wrapper {
        width: width.max(1),
        lines: Vec::new(),
        line: String::new(),
        used: 0,
    };
    // Control sequences may hold spaces.
    let mut word = String::new();
    for part in parts(text) {
        match part {
            Part::Cluster(" ", _) => wrapper.add_word(&std::mem::take(&mut word)),
            Part::Cluster(end @ ("\n" | "\r\n"), _) => {
                word.push_str(end.trim_end_matches('\n'));
                wrapper.add_word(&std::mem::take(&mut word));
                wrapper.end_line();
            }
            Part::Cluster(text, _) | Part::Escape(text, _) => word.push_str(text),
        }
    }
    wrapper.add_word(&word);
    wrapper.end_line();
    wrapper.lines
}

fn word_wrap(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string/word-wrap", args, 0)?;
    let width = count(host, "string/word-wrap", args, 1)?;
    let lines: Vec<Value> = wrapped(string, width)
        .iter()
        .map(|line| host.heap.string(line))
        .collect();
    Ok(host.heap.list(&lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn columns_of_text() {
        for (text, expected) in [
            ("日本語", 6),
            ("e\u{301}x", 2),
            ("\u{1b}[31mred\u{1b}[0m", 3),
            ("\t\n\u{7}", 2),
            ("a\r\nb", 2),
            ("👨‍👩‍👧", 2),
            ("🇩🇪", 2),
            ("❤\u{fe0f}", 2),
            ("1\u{fe0f}\u{20e3}", 2),
            ("👍🏽👍🏽", 4),
            ("\u{200b}", 0),
            ("\u{ad}x", 1),
            ("ｱ한각ᄀ", 7),
            ("لا", 1),
            ("न्दी", 3),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7}", 4),
            ("\u{1b}(Bx", 2),
            ("\u{1b}[31", 0),
            ("\u{1b}", 0),
            ("\u{9b}1mx\u{9d}8;;y z\u{9c}", 1),
            ("\u{1b}_private\u{1b}\\x", 1),
            // The second part is an emoji only with its selector.
            ("\u{1f441}\u{fe0f}\u{200d}\u{1f5e8}\u{fe0f}x", 3),
        ] {
            assert_eq!(columns(text), expected, "{text:?}");
        }
        // However long a cluster is, it is measured in one go.
        let marks = "\u{301}".repeat(1_000_000);
        assert_eq!(columns(&format!("a{marks}b")), 2);
    }

    #[test]
    fn cuts_between_clusters() {
        let bench = Bench::new();
        let family = "👨‍👩‍👧";
        for (text, width, tail, expected) in [
            ("日本語", 3, "", "日"),
            ("日本語", 5, "…", "日本…"),
            ("hello", 3, "..", "h.."),
            ("hello", 1, "..", "."),
            ("hello", 5, "..", "hello"),
            ("hello", 2, "日本", "日"),
            ("ab\ncd", 3, "", "ab\nc"),
            ("🇩🇪🇩🇪", 3, "", "🇩🇪"),
            ("e\u{301}e\u{301}e\u{301}", 2, "", "e\u{301}e\u{301}"),
            ("\u{1b}[31mhello\u{1b}[0m", 3, "…", "\u{1b}[31mhe…\u{1b}[0m"),
            ("\u{1b}[31mhello", 4, "…", "\u{1b}[31mhel…"),
            ("\u{1b}[31mhello\u{1b}[0m", 0, "", "\u{1b}[0m"),
            (
                "a\u{1b}[31mb\u{1b}[0mc\u{1b}[1m",
                2,
                "",
                "a\u{1b}[31mb\u{1b}[0m",
            ),
            (&format!("{family}{family}"), 3, "", family),
            // What moves the cursor or sets a title does not switch styles off, and is left out.
            (
                "\u{1b}[31m\u{1b}[2Khello\u{1b}[0m",
                3,
                "",
                "\u{1b}[31mhel\u{1b}[0m",
            ),
            ("\u{1b}]0;a title\u{7}hello", 2, "", "he"),
            ("hello\u{1b}[2J\u{1b}]0;x\u{7}", 2, "", "he"),
            ("\u{9b}31mhello", 2, "", "\u{9b}31mhe"),
            ("\u{1b}[?25lhello\u{1b}P1;2 q\u{1b}\\", 4, "…", "hel…"),
            // Links are ended, once.
            (
                "\u{1b}]8;;http://x\u{1b}\\a link\u{1b}]8;;\u{1b}\\ and \u{1b}]8;;http://y\u{7}b\u{1b}]8;;\u{7}",
                3,
                "…",
                "\u{1b}]8;;http://x\u{1b}\\a …\u{1b}]8;;\u{1b}\\",
            ),
            (
                "\u{1b}]8;id=1;http://x\u{7}a link",
                3,
                "",
                "\u{1b}]8;id=1;http://x\u{7}a l\u{1b}]8;;\u{1b}\\",
            ),
            (
                "\u{1b}[1m\u{1b}]8;;u\u{7}abc\u{1b}]8;;\u{7}\u{1b}[0m",
                1,
                "",
                "\u{1b}[1m\u{1b}]8;;u\u{7}a\u{1b}]8;;\u{7}\u{1b}[0m",
            ),
        ] {
            let args = [bench.text(text), Value::small(width), bench.text(tail)];
            let result = bench.string(bench.call("string/truncate-width", &args));
            assert_eq!(result, expected, "{text:?} {width}");
        }
    }

    #[test]
    fn wraps_words() {
        for (text, width, expected) in [
            (
                "the quick brown fox jumps",
                10,
                &["the quick", "brown fox", "jumps"][..],
            ),
            (
                "abcdefghijklmnop qr",
                5,
                &["abcde", "fghij", "klmno", "p qr"],
            ),
            ("", 5, &[""]),
            ("a  b   c", 5, &["a b c"]),
            ("a\nb c\n\nd", 5, &["a", "b c", "", "d"]),
            ("abc", 0, &["a", "b", "c"]),
            ("日本語 テスト", 4, &["日本", "語", "テス", "ト"]),
            ("日本語 テスト", 3, &["日", "本", "語", "テ", "ス", "ト"]),
            (" lead and trail ", 6, &["lead", "and", "trail"]),
            ("abcdef abc", 4, &["abcd", "ef", "abc"]),
            ("日", 1, &["日"]),
            (
                "\u{1b}]0;a long title\u{7}ab cd",
                5,
                &["\u{1b}]0;a long title\u{7}ab cd"],
            ),
            ("a\r\nb", 5, &["a\r", "b"]),
            (
                "\u{1b}[31mab cd\u{1b}[0m ef",
                5,
                &["\u{1b}[31mab cd\u{1b}[0m", "ef"],
            ),
        ] {
            assert_eq!(wrapped(text, width), expected, "{text:?} {width}");
        }
    }
}
