//! Source text of forms.

use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The source text of a form: in one line if that is not wider than 80 columns, else with the parts of its longest forms on lines
    /// of their own, bodies indented by two.
    /// (format/form '(define  x   1)) => "(define x 1)"
    /// (format/form [1 "a" :b]) => "[1 \"a\" :b]"
    "format/form" (form: Any) -> String, pure => format_form;
}

/// Columns of a line.
const WIDTH: usize = 80;
/// How deep forms are broken into lines; what lies deeper stays in one.
const DEEPEST: usize = 200;

/// How many operands of a form stand on its first line, before the body; `None`: it has no body.
fn operands_before_body(name: &str) -> Option<usize> {
    Some(match name {
        "begin" | "progn" | "cond" | "try" | "async" | "guard" => 0,
        "define" | "def" | "define-syntax" | "define-record-type" | "fn" | "lambda" | "let"
        | "let*" | "letrec" | "let-values" | "let*-values" | "when" | "unless" | "while"
        | "match" | "match*" | "case" | "catch" | "module" | "parameterize" | "when-let"
        | "dotimes" | "for-range" | "with-stream" | "with-open" => 1,
        "defn" | "defun" | "defmacro" | "do" | "defmethod" => 2,
        _ => return None,
    })
}

fn format_form(host: &Host, args: &[Value]) -> Outcome {
    let mut text = String::new();
    write(host, argument(args, 0), 0, 0, &mut text);
    crate::core::text::strings::string_of(host, "format/form", &text)
}

/// Writes a form that begins in a column.
fn write(host: &Host, form: Value, column: usize, depth: usize, text: &mut String) {
    let line = print::readable(host, form);
    let is_list = form.kind() == Kind::List;
    let fits = column + line.chars().count() <= WIDTH;
    if fits || depth >= DEEPEST || !(is_list || form.kind() == Kind::Vector) {
        text.push_str(&line);
        return;
    }
    let parts: Vec<Value> = match is_list {
        true => host.heap.list_iter(form).collect(),
        false => host.heap.values(form).to_vec(),
    };
    let (open, close) = if is_list { ('(', ')') } else { ('[', ']') };
    let head = parts.first().copied().unwrap_or(Value::NIL);
    let name = (is_list && head.kind() == Kind::Symbol)
        .then(|| host.name_of(head))
        .flatten();
    text.push(open);
    // What stands on the first line, and where the others begin.
    let (on_first_line, indent) = match name {
        Some(name) => match operands_before_body(name) {
            Some(operands) => (operands + 1, column + 2),
            None => (2, column + name.chars().count() + 2),
        },
        None => (1, column + 1),
    };
    let mut at = column + 1;
    for (index, &part) in parts.iter().enumerate() {
        if index >= on_first_line {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            at = indent;
        } else if index > 0 {
            text.push(' ');
            at += 1;
        }
        let start = text.len();
        write(host, part, at, depth + 1, text);
        let written = text.get(start..).unwrap_or_default();
        at = match written.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => at + written.chars().count(),
        };
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;
    use sema_machine::memory::value::Value;

    #[test]
    fn long_forms_are_broken() {
        let bench = Bench::new();
        let symbol = |name: &str| bench.host.symbol(name);
        let list = |values: &[Value]| bench.host.heap.list(values);
        let call = list(&[
            symbol("some-function"),
            symbol("an-argument-with-a-long-name"),
            symbol("another-one-with-a-long-name"),
        ]);
        let form = list(&[
            symbol("define"),
            list(&[symbol("f"), symbol("x")]),
            call,
            list(&[symbol("if"), symbol("x"), call, call]),
        ]);
        assert_eq!(
            bench.string(bench.call("format/form", &[form])),
            "(define (f x)\n  \
             (some-function an-argument-with-a-long-name another-one-with-a-long-name)\n  \
             (if x\n      \
             (some-function an-argument-with-a-long-name another-one-with-a-long-name)\n      \
             (some-function an-argument-with-a-long-name another-one-with-a-long-name)))"
        );
    }

    #[test]
    fn deep_forms_end() {
        let bench = Bench::new();
        let mut form = bench.host.symbol("x");
        for _ in 0..2_000 {
            form = bench.host.heap.list(&[bench.host.symbol("f"), form]);
        }
        let text = bench.string(bench.call("format/form", &[form]));
        assert_eq!(text.matches('(').count(), 2_000);
    }
}
