//! Source text of forms.

use sema_machine::data::collections;
use sema_machine::data::print;
use sema_machine::host::Host;
use sema_machine::host::arguments::argument;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::natives;

natives! {
    /// The source text of a form: in one line if that is not wider than 80 columns and no body has several forms, else with operands
    /// on lines of their own, indented by two.
    /// (format/form '(define  x   1)) => "(define x 1)"
    /// (format/form [1 "a" :b]) => "[1 \"a\" :b]"
    /// (format/form '(define (f x) (print x) x)) => "(define (f x)\n  (print x)\n  x)"
    "format/form" (form: Any) -> String, pure => format_form;
}

/// Columns of a line.
const WIDTH: usize = 80;
/// How deep forms are broken into lines; what lies deeper stays in one.
const DEEPEST: usize = 200;

fn format_form(host: &Host, args: &[Value]) -> Outcome {
    let mut writer = Writer {
        host,
        text: String::new(),
    };
    writer.form(argument(args, 0), 0, 0);
    crate::core::text::strings::string_of(host, "format/form", &writer.text)
}

/// How the operands of a form are laid out if it takes several lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// So many operands on the first line if they fit there, the body below. With `always`, a body of several forms stands below even
    /// if all would fit in one line.
    Body { operands: usize, always: bool },
    /// One operand on the first line, whatever its length, the others below.
    Subject,
    /// Bindings on the first line, the body below.
    Bindings,
    /// So many operands on the first line, below them keys with their values.
    Pairs { operands: usize },
}

/// The layout of a form, by its name and first operand.
fn layout_of(name: &str, first_is_list: bool) -> Layout {
    let body = |operands| Layout::Body {
        operands,
        always: true,
    };
    match name {
        "->" | "->>" | "some->" | "as->" | "case" | "if" | "match" | "match*" => Layout::Subject,
        "if-let" | "let" | "let*" | "let*-values" | "let-values" | "letrec" | "parameterize"
        | "when-let" => Layout::Bindings,
        "hash-map" => Layout::Pairs { operands: 0 },
        "assoc" => Layout::Pairs { operands: 1 },
        "async" | "begin" | "do" | "for-each" | "export" | "message" | "progn" | "prompt"
        | "syntax-rules" => body(0),
        "cond" | "import" | "load" | "require" | "try" => Layout::Body {
            operands: 0,
            always: false,
        },
        "def" | "define" if first_is_list => body(1),
        "defagent" | "define-syntax" | "define-values" | "deftool" | "dotimes" | "for"
        | "for-range" | "guard" | "lambda" | "fn" | "module" | "unless" | "when" | "while" => {
            body(1)
        }
        "def" | "define" | "defmacro" | "defmulti" | "defn" | "defun" => body(2),
        "define-record-type" | "defmethod" => body(3),
        _ => Layout::Body {
            operands: 1,
            always: false,
        },
    }
}

struct Writer<'h> {
    host: &'h Host,
    text: String,
}

impl Writer<'_> {
    /// The parts of a list or vector.
    fn parts(&self, form: Value) -> Option<Vec<Value>> {
        match form.kind() {
            Kind::List => Some(self.host.heap.list_iter(form).collect()),
            Kind::Vector => Some(self.host.heap.values(form).to_vec()),
            _ => None,
        }
    }

    fn line(&self, form: Value) -> String {
        print::readable(self.host, form)
    }

    fn width(&self, form: Value) -> usize {
        self.line(form).chars().count()
    }

    /// The layout of a list whose first part is a symbol.
    fn layout(&self, parts: &[Value]) -> Option<Layout> {
        let head = *parts.first()?;
        let name = (head.kind() == Kind::Symbol).then(|| self.host.name_of(head))??;
        let first_is_list = parts.get(1).is_some_and(|first| first.kind() == Kind::List);
        Some(layout_of(name, first_is_list))
    }

    /// Where the bindings of a form with `Layout::Bindings` are: behind the name of a loop, if it has one.
    fn bindings(&self, parts: &[Value]) -> usize {
        let is = |at: usize, kinds: &[Kind]| {
            parts
                .get(at)
                .is_some_and(|part| kinds.contains(&part.kind()))
        };
        let is_let = (parts.first()).is_some_and(|head| self.host.name_of(*head) == Some("let"));
        match is_let && is(1, &[Kind::Symbol]) && is(2, &[Kind::List, Kind::Vector]) {
            true => 2,
            false => 1,
        }
    }

    /// Whether a form takes several lines even if it would fit in one.
    fn is_broken(&self, form: Value) -> bool {
        if form.kind() != Kind::List {
            return false;
        }
        let parts: Vec<Value> = self.host.heap.list_iter(form).collect();
        match self.layout(&parts) {
            Some(Layout::Body {
                operands,
                always: true,
            }) => parts.len() > operands + 2,
            Some(Layout::Bindings) => {
                let at = self.bindings(&parts);
                let is_list = |part: &&Value| matches!(part.kind(), Kind::List | Kind::Vector);
                let bindings = parts.get(at).and_then(|bindings| self.parts(*bindings));
                parts.len() > at + 1
                    && bindings.is_some_and(|all| all.iter().filter(is_list).count() > 1)
            }
            _ => false,
        }
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
    }

    /// The columns of the last line that are written.
    fn column(&self) -> usize {
        let line = self.text.rsplit('\n').next().unwrap_or_default();
        line.chars().count()
    }

    /// Writes a form whose inner lines are indented from `indent` on.
    fn form(&mut self, form: Value, indent: usize, depth: usize) {
        let line = self.line(form);
        let fits = indent + line.chars().count() <= WIDTH && !self.is_broken(form);
        let kind = form.kind();
        if fits || depth >= DEEPEST || !matches!(kind, Kind::List | Kind::Vector | Kind::Map) {
            self.text.push_str(&line);
            return;
        }
        if kind == Kind::Map {
            return self.map(form, indent, depth);
        }
        let parts = self.parts(form).unwrap_or_default();
        if kind == Kind::Vector {
            self.text.push('[');
            self.column_of(&parts, indent + 1, depth);
            self.text.push(']');
            return;
        }
        self.text.push('(');
        match self.layout(&parts) {
            Some(Layout::Bindings) if parts.len() > 1 => self.binding_form(&parts, indent, depth),
            Some(Layout::Subject) if parts.len() > 1 => {
                let (first, rest) = parts.split_at(2);
                self.in_line(first, indent + 2, depth);
                self.below(rest, indent + 2, depth);
            }
            Some(Layout::Pairs { operands }) => {
                let (first, rest) = parts.split_at(parts.len().min(operands + 1));
                self.in_line(first, indent + 2, depth);
                self.pairs(rest, indent + 2, depth);
            }
            Some(Layout::Body { operands, .. }) => self.call(&parts, operands, indent, depth),
            _ => self.call(&parts, 1, indent, depth),
        }
        self.text.push(')');
    }

    /// Entries of a map below each other.
    fn map(&mut self, form: Value, indent: usize, depth: usize) {
        let entries: Vec<(Value, Value)> = collections::iter(&self.host.heap, form).collect();
        self.text.push('{');
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 {
                self.new_line(indent + 1);
            }
            self.in_line(&[key, value], indent + 1, depth);
        }
        self.text.push('}');
    }

    /// The first part and as many operands as fit behind it, the others below.
    fn call(&mut self, parts: &[Value], operands: usize, indent: usize, depth: usize) {
        let Some((head, rest)) = parts.split_first() else {
            return;
        };
        self.form(*head, indent + 1, depth + 1);
        let mut width = indent + 1 + self.width(*head);
        let mut in_line = 0;
        for operand in rest.iter().take(operands) {
            width += 1 + self.width(*operand);
            if width > WIDTH || self.is_broken(*operand) {
                break;
            }
            self.text.push(' ');
            let line = self.line(*operand);
            self.text.push_str(&line);
            in_line += 1;
        }
        self.below(rest.get(in_line..).unwrap_or_default(), indent + 2, depth);
    }

    fn binding_form(&mut self, parts: &[Value], indent: usize, depth: usize) {
        let (first, rest) = parts.split_at(self.bindings(parts));
        let before: usize = first.iter().map(|part| self.width(*part) + 1).sum();
        self.in_line(first, indent + 2, depth);
        if let Some((bindings, body)) = rest.split_first() {
            self.text.push(' ');
            let column = indent + 1 + before;
            match self.parts(*bindings) {
                Some(all) if column + self.width(*bindings) > WIDTH => {
                    let is_list = bindings.kind() == Kind::List;
                    let (open, close) = if is_list { ('(', ')') } else { ('[', ']') };
                    self.text.push(open);
                    self.column_of(&all, column + 1, depth);
                    self.text.push(close);
                }
                _ => {
                    let line = self.line(*bindings);
                    self.text.push_str(&line);
                }
            }
            self.below(body, indent + 2, depth);
        }
    }

    /// Keys with their values, each pair below the last one; a value that does not fit behind its key is below it.
    fn pairs(&mut self, parts: &[Value], indent: usize, depth: usize) {
        for pair in parts.chunks(2) {
            self.below(pair.get(..1).unwrap_or_default(), indent, depth);
            if let Some(value) = pair.get(1) {
                let width = self.column() + 1 + self.width(*value);
                if width <= WIDTH && !self.is_broken(*value) {
                    self.text.push(' ');
                    self.form(*value, indent, depth + 1);
                } else {
                    self.below(&[*value], indent + 2, depth);
                }
            }
        }
    }

    /// Parts in one line, though they themselves may take several.
    fn in_line(&mut self, parts: &[Value], indent: usize, depth: usize) {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.text.push(' ');
            }
            self.form(*part, indent, depth + 1);
        }
    }

    /// Parts below each other, from where the text ends.
    fn column_of(&mut self, parts: &[Value], indent: usize, depth: usize) {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.new_line(indent);
            }
            self.form(*part, indent, depth + 1);
        }
    }

    /// Parts on lines of their own.
    fn below(&mut self, parts: &[Value], indent: usize, depth: usize) {
        for part in parts {
            self.new_line(indent);
            self.form(*part, indent, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    /// The layout of a form that is given as text; `LONG` stands for a call that fills a line.
    fn formatted(source: &str) -> String {
        let bench = Bench::new();
        let form = bench.call("%read-datum", &[bench.text(&source.replace("LONG", LONG))]);
        let text = bench.string(bench.call("format/form", &[form]));
        text.replace(LONG, "LONG")
    }

    const LONG: &str =
        "(call an-argument-with-a-long-name another-one-with-a-long-name a-third-one)";

    #[test]
    fn what_fits_stays_in_one_line() {
        for source in [
            "(f x (fn (y) (g y) y))",
            "(define (f x) x)",
            "(define x 1 2)",
            "(let ((x 1)) a b)",
            "(let [x 1 y 2] a)",
            "(when c a)",
            "(try a (catch e b c))",
            "(cond (a b) (c d) (else e))",
            "[(begin a b) {:a (begin c d)}]",
            "()",
        ] {
            assert_eq!(formatted(source), source);
        }
    }

    #[test]
    fn bodies_of_several_forms_stand_below() {
        for (source, expected) in [
            ("(define (f x) a b)", "(define (f x)\n  a\n  b)"),
            ("(define f a b c)", "(define f a\n  b\n  c)"),
            ("(defn f (x) a b)", "(defn f (x)\n  a\n  b)"),
            ("(begin a b)", "(begin\n  a\n  b)"),
            ("(for-each f all)", "(for-each\n  f\n  all)"),
            (
                "(define-record-type p (q) r s t)",
                "(define-record-type p (q) r\n  s\n  t)",
            ),
            ("(let ((x 1) (y 2)) a)", "(let ((x 1) (y 2))\n  a)"),
            ("(let go ((x 1) (y 2)) a)", "(let go ((x 1) (y 2))\n  a)"),
        ] {
            assert_eq!(formatted(source), expected);
        }
    }

    #[test]
    fn long_forms_take_several_lines() {
        for (source, expected) in [
            ("(f a b LONG)", "(f a\n  b\n  LONG)"),
            ("(func LONG b)", "(func\n  LONG\n  b)"),
            (
                "(f (begin a b) LONG)",
                "(f\n  (begin\n    a\n    b)\n  LONG)",
            ),
            ("[ab LONG]", "[ab\n LONG]"),
            ("{:a LONG :b [1 2]}", "{:a LONG\n :b [1 2]}"),
            ("(define name LONG)", "(define name\n  LONG)"),
            (
                "(cond (a b) (else LONG))",
                "(cond\n  (a b)\n  (else\n    LONG))",
            ),
            (
                "(let ((x 1) (y LONG)) x)",
                "(let ((x 1)\n      (y\n        (call an-argument-with-a-long-name\n          another-one-with-a-long-name\n          a-third-one)))\n  x)",
            ),
            (
                "(let go ((x LONG)) x)",
                "(let go ((x\n           (call an-argument-with-a-long-name\n             another-one-with-a-long-name\n             a-third-one)))\n  x)",
            ),
            (
                "(if (if LONG a b) c d)",
                "(if (if LONG\n    a\n    b)\n  c\n  d)",
            ),
            (
                "(assoc map :a 1 :b LONG)",
                "(assoc map\n  :a 1\n  :b\n    LONG)",
            ),
            ("((func LONG) a LONG)", "((func\n   LONG)\n  a\n  LONG)"),
        ] {
            assert_eq!(formatted(source), expected, "{source}");
        }
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
