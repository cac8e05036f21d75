//! Markdown as CommonMark defines it.

use pulldown_cmark::{Event, Parser, Tag, TagEnd, html};
use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The HTML of a text in CommonMark. HTML in the text is kept as it is.
    /// (markdown/to-html "# Title\n\nHello **world**.") => "<h1>Title</h1>\n<p>Hello <strong>world</strong>.</p>\n"
    "markdown/to-html" (markdown: String) -> String, pure => to_html;

    /// The headings of a text in CommonMark, in order: maps of the level, from 1 to 6, and the plain text.
    /// (markdown/headings "# A *b*\n\n## C `d`") => ({:level 1 :text "A b"} {:level 2 :text "C d"})
    "markdown/headings" (markdown: String) -> List, pure => headings;

    /// The block between lines `---` that a text begins with, as it stands there, and the body behind it. Without such a block it is nil.
    /// (markdown/frontmatter "---\ntitle: Hello\n---\nBody text") => {:body "Body text" :frontmatter "title: Hello\n"}
    /// (markdown/frontmatter "Body") => {:body "Body" :frontmatter nil}
    "markdown/frontmatter" (markdown: String) -> SortedMap, pure => frontmatter;
}

/// What a line or a mark takes while a text is parsed.
const BYTES_OF_MARK: usize = 96;

/// Asks for what parsing a text takes, and what becomes of it.
fn ask(host: &Host, markdown: &str) -> Outcome<()> {
    let marks = markdown
        .bytes()
        .filter(|byte| byte.is_ascii_punctuation() || *byte == b'\n');
    host.ask(4 * markdown.len() + BYTES_OF_MARK * marks.count())
}

fn to_html(host: &Host, args: &[Value]) -> Outcome {
    let markdown = text(host, "markdown/to-html", args, 0)?;
    ask(host, markdown)?;
    let mut out = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut out, Parser::new(markdown));
    Ok(host.heap.string(&out))
}

fn headings(host: &Host, args: &[Value]) -> Outcome {
    let markdown = text(host, "markdown/headings", args, 0)?;
    ask(host, markdown)?;
    let heap = &host.heap;
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for event in Parser::new(markdown) {
        match (event, &mut open) {
            (Event::Start(Tag::Heading { .. }), _) => open = Some(String::new()),
            (Event::End(TagEnd::Heading(level)), _) => {
                let content = open.take().unwrap_or_default();
                let entries = [
                    (host.keyword("level"), Value::index(level as usize)),
                    (host.keyword("text"), heap.string(&content)),
                ];
                found.push(sorted_map::from_sorted(heap, &entries));
            }
            (Event::Text(piece) | Event::Code(piece), Some(content)) => content.push_str(&piece),
            (Event::SoftBreak | Event::HardBreak, Some(content)) => content.push(' '),
            _ => {}
        }
    }
    Ok(heap.list(&found))
}

/// The block at the start of a text and what is behind it.
fn split_frontmatter(markdown: &str) -> Option<(&str, &str)> {
    let is_fence = |line: &str| matches!(line, "---" | "---\n" | "---\r\n");
    let mut lines = markdown.split_inclusive('\n');
    let opening = lines.next().filter(|line| is_fence(line))?;
    let mut end = opening.len();
    for line in lines {
        if is_fence(line) {
            let block = markdown.get(opening.len()..end)?;
            return Some((block, markdown.get(end + line.len()..)?));
        }
        end += line.len();
    }
    None
}

fn frontmatter(host: &Host, args: &[Value]) -> Outcome {
    let markdown = text(host, "markdown/frontmatter", args, 0)?;
    ask(host, markdown)?;
    let (block, body) = match split_frontmatter(markdown) {
        Some((block, body)) => (host.heap.string(block), body),
        None => (Value::NIL, markdown),
    };
    let entries = [
        (host.keyword("body"), host.heap.string(body)),
        (host.keyword("frontmatter"), block),
    ];
    Ok(sorted_map::from_sorted(&host.heap, &entries))
}

#[cfg(test)]
mod tests {
    use super::split_frontmatter;
    use crate::testing::{Bench, call};

    #[test]
    fn blocks_need_both_fences() {
        for (text, split) in [
            ("---\na: 1\n---\nbody", Some(("a: 1\n", "body"))),
            ("---\r\na\r\n---\r\nb", Some(("a\r\n", "b"))),
            ("---\n---", Some(("", ""))),
            ("---\na\n", None),
            (" ---\na\n---\n", None),
            ("x\n---\na\n---\n", None),
            ("----\na\n----\n", None),
            ("--- \na\n---\n", None),
            ("", None),
        ] {
            assert_eq!(split_frontmatter(text), split, "{text:?}");
        }
    }

    #[test]
    fn documents_become_html() {
        let bench = Bench::new();
        let shown = |name: &str, text: &str| call(&bench.host, name, &[bench.text(text)]);
        assert_eq!(
            shown("markdown/to-html", "a <b>x</b> &copy; ~~y~~\n\n> q"),
            "\"<p>a <b>x</b> © ~~y~~</p>\\n<blockquote>\\n<p>q</p>\\n</blockquote>\\n\""
        );
        assert_eq!(
            shown(
                "markdown/headings",
                "A [b](c) ![d](e)\nf\n===\n\n#### `g` &amp; <i>h</i>\n\n- # in a list"
            ),
            "({:level 1 :text \"A b d f\"} {:level 4 :text \"g & h\"} {:level 1 :text \"in a list\"})"
        );
    }

    #[test]
    fn nesting_without_end_is_no_problem() {
        let bench = Bench::new();
        for piece in [">", "- ", "[", "*a ", "`", "<", "![", "(", "&", "_a"] {
            let text = bench.text(&piece.repeat(20_000));
            bench.call("markdown/to-html", &[text]);
        }
    }
}
