//! Colours and styles around texts: the sequences of ECMA-48, 8.3.117 (SGR).
//!
//! The functions do not look where their text goes; `term/color?` tells programs whether styles make sense. But a user who
//! has said not to want any (`NO_COLOR`), or whose terminal has none (`TERM=dumb`), gets none.

use std::io::IsTerminal;

use super::is_plain;
use crate::core::text::strings::string_of;
use crate::core::text::strings_width::without_escapes;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, integer, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

/// The styles: their names, and the numbers of the sequences that switch them on.
const STYLES: [(&str, u8); 15] = [
    ("bold", 1),
    ("dim", 2),
    ("italic", 3),
    ("underline", 4),
    ("inverse", 7),
    ("strikethrough", 9),
    ("black", 30),
    ("red", 31),
    ("green", 32),
    ("yellow", 33),
    ("blue", 34),
    ("magenta", 35),
    ("cyan", 36),
    ("white", 37),
    ("gray", 90),
];

natives! {
    /// The text in bold.
    /// (string-length (term/bold "hi")) => 10
    "term/bold" (text: String) -> String => bold;

    /// The text in faint letters.
    /// (term/strip (term/dim "hi")) => "hi"
    "term/dim" (text: String) -> String => dim;

    /// The text in italics.
    /// (term/strip (term/italic "hi")) => "hi"
    "term/italic" (text: String) -> String => italic;

    /// The text underlined.
    /// (term/strip (term/underline "hi")) => "hi"
    "term/underline" (text: String) -> String => underline;

    /// The text with the colours of letters and background exchanged.
    /// (term/strip (term/inverse "hi")) => "hi"
    "term/inverse" (text: String) -> String => inverse;

    /// The text struck through.
    /// (term/strip (term/strikethrough "hi")) => "hi"
    "term/strikethrough" (text: String) -> String => strikethrough;

    /// The text in black.
    /// (term/strip (term/black "hi")) => "hi"
    "term/black" (text: String) -> String => black;

    /// The text in red.
    /// (string-length (term/red "hi")) => 11
    "term/red" (text: String) -> String => red;

    /// The text in green.
    /// (term/strip (term/green "hi")) => "hi"
    "term/green" (text: String) -> String => green;

    /// The text in yellow.
    /// (term/strip (term/yellow "hi")) => "hi"
    "term/yellow" (text: String) -> String => yellow;

    /// The text in blue.
    /// (term/strip (term/blue "hi")) => "hi"
    "term/blue" (text: String) -> String => blue;

    /// The text in magenta.
    /// (term/strip (term/magenta "hi")) => "hi"
    "term/magenta" (text: String) -> String => magenta;

    /// The text in cyan.
    /// (term/strip (term/cyan "hi")) => "hi"
    "term/cyan" (text: String) -> String => cyan;

    /// The text in white.
    /// (term/strip (term/white "hi")) => "hi"
    "term/white" (text: String) -> String => white;

    /// The text in gray.
    /// (term/strip (term/gray "hi")) => "hi"
    "term/gray" (text: String) -> String => gray;

    /// The text in styles named by keywords: `:bold`, `:dim`, `:italic`, `:underline`, `:inverse`, `:strikethrough`, `:black`,
    /// `:red`, `:green`, `:yellow`, `:blue`, `:magenta`, `:cyan`, `:white`, `:gray`.
    /// (equal? (term/style "hi" :bold) (term/bold "hi")) => #t
    /// (term/style "hi") => "hi"
    /// (term/style "hi" :loud) => error unknown style keyword :loud
    "term/style" (text: String, styles*: Keyword) -> String => style;

    /// The text in a colour of red, green and blue parts from 0 to 255.
    /// (term/strip (term/rgb "hi" 255 128 0)) => "hi"
    "term/rgb" (text: String, red: Int, green: Int, blue: Int) -> String => rgb;

    /// The text without the sequences that terminals read as commands.
    /// (term/strip "\u001b[1;31mhi\u001b[0m") => "hi"
    "term/strip" (text: String) -> String, pure => strip;

    /// Whether styles make sense in what is written to standard output: it is a terminal, not a dumb one, and the variable
    /// NO_COLOR is not set.
    /// (term/color?) => #f
    "term/color?" () -> Bool => wants_color;
}

/// A text in styles given by numbers.
fn styled(host: &Host, function: &str, content: &str, codes: &str) -> Outcome {
    if codes.is_empty() || is_plain(host) {
        return string_of(host, function, content);
    }
    string_of(host, function, &format!("\x1b[{codes}m{content}\x1b[0m"))
}

/// The functions of single styles.
macro_rules! single {
    ($($function:ident $name:literal)*) => {
        $(fn $function(host: &Host, args: &[Value]) -> Outcome {
            one(host, concat!("term/", $name), $name, args)
        })*
    };
}

single! {
    bold "bold" dim "dim" italic "italic" underline "underline" inverse "inverse"
    strikethrough "strikethrough" black "black" red "red" green "green" yellow "yellow" blue "blue"
    magenta "magenta" cyan "cyan" white "white" gray "gray"
}

fn code_of(name: &str) -> Option<u8> {
    let found = STYLES.iter().find(|(known, _)| *known == name);
    found.map(|(_, code)| *code)
}

fn one(host: &Host, function: &str, name: &str, args: &[Value]) -> Outcome {
    let content = text(host, function, args, 0)?;
    let code = code_of(name).map_or_else(String::new, |code| code.to_string());
    styled(host, function, content, &code)
}

fn style(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "term/style", args, 0)?;
    let mut codes = Vec::new();
    for &keyword in args.get(1..).unwrap_or_default() {
        let name = host
            .name_of(keyword)
            .filter(|_| keyword.kind() == Kind::Keyword);
        let name = name.ok_or_else(|| type_error(host, "keyword", keyword))?;
        let code = code_of(name)
            .ok_or_else(|| eval_error(format!("term/style: unknown style keyword :{name}")))?;
        codes.push(code.to_string());
    }
    styled(host, "term/style", content, &codes.join(";"))
}

fn rgb(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "term/rgb", args, 0)?;
    let mut codes = String::from("38;2");
    for index in 1..4 {
        let part = integer(host, "term/rgb", args, index)?;
        codes.push_str(&format!(";{part}"));
    }
    styled(host, "term/rgb", content, &codes)
}

fn strip(host: &Host, args: &[Value]) -> Outcome {
    text(host, "term/strip", args, 0)?;
    let content = host.heap.as_str(argument(args, 0)).unwrap_or_default();
    Ok(host.heap.string(&without_escapes(content)))
}

fn wants_color(host: &Host, _: &[Value]) -> Outcome {
    Ok(Value::bool(
        std::io::stdout().is_terminal() && !is_plain(host),
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, eval_message, type_message};
    use sema_machine::memory::value::Value;

    #[test]
    fn users_who_want_no_colour_get_none() {
        let bench = Bench::new();
        assert_eq!(bench.on_texts("term/red", &["x"]), "\x1b[31mx\x1b[0m");
        for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let bench = Bench::new();
            bench.call("sys/set-env", &[bench.text(name), bench.text(value)]);
            assert_eq!(bench.on_texts("term/red", &["x"]), "x");
            let args = [bench.text("x"), bench.host.keyword("bold")];
            assert_eq!(bench.string(bench.call("term/style", &args)), "x");
            let parts = [1, 2, 3].map(Value::small);
            let args = [bench.text("x"), parts[0], parts[1], parts[2]];
            assert_eq!(bench.string(bench.call("term/rgb", &args)), "x");
        }
        bench.call("sys/set-env", &[bench.text("NO_COLOR"), bench.text("")]);
        assert_eq!(bench.on_texts("term/red", &["x"]), "\x1b[31mx\x1b[0m");
    }

    #[test]
    fn styles_are_checked() {
        let bench = Bench::new();
        let args = [bench.text("x"), bench.host.keyword("loud")];
        assert_eq!(
            eval_message(bench.error("term/style", &args)),
            "term/style: unknown style keyword :loud"
        );
        let args = [bench.text("x"), bench.text("bold")];
        type_message(bench.error("term/style", &args));
    }

    #[test]
    fn sequences_of_all_kinds_are_stripped() {
        let bench = Bench::new();
        for (text, expected) in [
            ("\x1b[1;31mred\x1b[0m!", "red!"),
            ("\x1b]0;title\x07text\x1b]8;;url\x1b\\link", "textlink"),
            ("\x1b[2", ""),
            ("a\x1b", "a"),
            ("日本\x1b[K語", "日本語"),
        ] {
            assert_eq!(bench.on_texts("term/strip", &[text]), expected, "{text:?}");
        }
    }
}
