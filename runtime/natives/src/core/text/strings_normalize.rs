//! `string/normalize`.

use crate::core::text::strings::{piece, string_of};
use sema_machine::data::unicode::normalization::{Form, Tables};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, eval_error, type_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// A text in a Unicode normalization form: `:nfc`, `:nfd`, `:nfkc` or `:nfkd`, as a keyword or a
    /// string, in lower or upper case. Raises for any other name.
    /// (string-length (string/normalize "é" :nfd)) => 2
    /// (string/normalize "①ﬁ" :nfkc) => "1fi"
    /// (string/normalize "x" :nfx) => error unknown form
    "string/normalize" (text: String, form: Any) -> String, pure => normalize;
}

fn normalize(host: &Host, args: &[Value]) -> Outcome {
    let string = text(host, "string/normalize", args, 0)?;
    let form = argument(args, 1);
    let name = match (host.heap.as_str(form), form.as_keyword()) {
        (Some(name), _) => name,
        (_, Some(name)) => host.symbols.name(name),
        _ => return Err(type_error(host, "string or keyword", form)),
    };
    let Some(form) = Form::from_name(name) else {
        return Err(eval_error(format!(
            "string/normalize: unknown form \"{name}\""
        )));
    };
    if string.is_ascii() {
        return Ok(piece(host, argument(args, 0), string, string));
    }
    let normalized = host.with_extension(|tables: &mut Tables| tables.normalize(string, form));
    string_of(host, "string/normalize", &normalized)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, eval_message, type_message};

    #[test]
    fn forms_by_name() {
        let bench = Bench::new();
        let normalize = |text: &str, form: Value| {
            bench.string(bench.call("string/normalize", &[bench.text(text), form]))
        };
        assert_eq!(normalize("é", bench.host.keyword("nfd")), "e\u{301}");
        assert_eq!(normalize("ﬁ①", bench.host.keyword("NFKC")), "fi1");
        assert_eq!(normalize("x", bench.text("nfc")), "x");
        let error = bench.error(
            "string/normalize",
            &[bench.text("x"), bench.host.keyword("foo")],
        );
        assert_eq!(
            eval_message(error),
            "string/normalize: unknown form \"foo\""
        );
        let error = bench.error(
            "string/normalize",
            &[bench.text("x"), bench.host.symbol("nfc")],
        );
        assert_eq!(
            type_message(error),
            "expected string or keyword, got symbol"
        );
    }
}
