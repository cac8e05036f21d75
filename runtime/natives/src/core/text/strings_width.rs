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
    /// An ANSI escape sequence.
    Escape(&'t str),
    /// A character with what combines with it, and its columns.
    Cluster(&'t str, usize),
}

/// The parts of a text, in order.
struct Parts<'t> {
    rest: &'t str,
}

/// Bytes of the ANSI escape sequence that `text` begins with, if it does (ECMA-48: CSI sequences
/// end with a byte from `@` to `~`, OSC strings with BEL or ST; others are two characters).
fn escape_length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('\u{1b}')?;
    let length = match rest.as_bytes().first() {
        Some(b'[') => rest
            .bytes()
            .skip(1)
            .position(|byte| (0x40..=0x7E).contains(&byte))
            .map_or(rest.len(), |end| end + 2),
        Some(b']') => {
            let bell = rest.find('\u{7}').map(|end| end + 1);
            let terminator = rest.find("\u{1b}\\").map(|end| end + 2);
            match (bell, terminator) {
                (Some(a), Some(b)) => a.min(b),
                (Some(end), None) | (None, Some(end)) => end,
                (None, None) => rest.len(),
            }
        }
        Some(_) => rest.chars().next().map_or(0, char::len_utf8),
        None => 0,
    };
    Some(1 + length)
}

fn is_regional_indicator(code: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&code)
}

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
        let grown_end = end + next.len_utf8();
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
        let (length, columns) = match escape_length(self.rest) {
            Some(length) => (length, None),
            None => {
                let (length, columns) = cluster(self.rest)?;
                (length, Some(columns))
            }
        };
        let (part, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(match columns {
            None => Part::Escape(part),
            Some(columns) => Part::Cluster(part, columns),
        })
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
            Part::Escape(_) => 0,
            Part::Cluster(_, columns) => columns,
        })
        .sum()
}

/// A text without its ANSI escape sequences.
pub fn without_escapes(text: &str) -> String {
    let clusters = parts(text).filter_map(|part| match part {
        Part::Escape(_) => None,
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

/// The parts of `text` that fit into `limit` columns; where it is cut with a style switched on, the
/// sequence that switches it off is kept.
fn cut(text: &str, limit: usize, tail: &str, out: &mut String) {
    let mut used = 0;
    let mut styled = false;
    let mut full = false;
    // Sequences before a character that does not fit mean nothing.
    let mut pending = String::new();
    let is_reset = |sequence: &str| matches!(sequence, "\u{1b}[0m" | "\u{1b}[m");
    for part in parts(text) {
        match part {
            Part::Escape(sequence) if !full => {
                let was_styled = styled;
                styled = sequence.ends_with('m') && !is_reset(sequence);
                pending.push_str(sequence);
                if was_styled && is_reset(sequence) {
                    out.push_str(&std::mem::take(&mut pending));
                }
            }
            Part::Escape(sequence) => {
                if styled && is_reset(sequence) {
                    out.push_str(sequence);
                    return;
                }
            }
            Part::Cluster(cluster, columns) if !full && used + columns <= limit => {
                used += columns;
                out.push_str(&std::mem::take(&mut pending));
                out.push_str(cluster);
            }
            Part::Cluster(..) if !full => {
                full = true;
                out.push_str(tail);
            }
            Part::Cluster(..) => {}
        }
    }
    if !full {
        out.push_str(&pending);
    }
}

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
                Part::Escape(sequence) => self.line.push_str(sequence),
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
    for line in text.split('\n') {
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            wrapper.add_word(word);
        }
        wrapper.end_line();
    }
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
        ] {
            assert_eq!(columns(text), expected, "{text:?}");
        }
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
                "\u{1b}[31mab cd\u{1b}[0m ef",
                5,
                &["\u{1b}[31mab cd\u{1b}[0m", "ef"],
            ),
        ] {
            assert_eq!(wrapped(text, width), expected, "{text:?} {width}");
        }
    }
}
