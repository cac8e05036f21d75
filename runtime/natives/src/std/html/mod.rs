//! HTML: repaired, searched, reduced to its text.

mod build;
mod entities;
pub mod select;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

pub use build::build;
use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;
use tree::{Id, ROOT, Tree};

natives! {
    /// A document of HTML with its missing tags added and misnested ones repaired.
    /// (html/parse "<p>hello<p>world") => "<html><head></head><body><p>hello</p><p>world</p></body></html>"
    "html/parse" (html: String) -> String, pure => parse;

    /// The words of a document that are no markup, with one space between them; those of scripts, styles and templates left out.
    /// (html/text "<h1>Title</h1><p>Some <b>bold</b> body.</p>") => "Title Some bold body."
    "html/text" (html: String) -> String, pure => text_of;

    /// The elements of a document that a CSS selector chooses, as HTML, in order. Raises if the selector is malformed.
    /// (html/select "<p class=x>a</p><p>b</p>" "p.x") => ("<p class=\"x\">a</p>")
    /// (html/select "<p>a" "p[") => error invalid selector: unexpected end of selector
    "html/select" (html: String, selector: String) -> List, pure => select_html;

    /// As `html/select`, the words of each element as `html/text` gives them.
    /// (html/select-text "<ul><li>one<li>two</ul>" "li") => ("one" "two")
    "html/select-text" (html: String, selector: String) -> List, pure => select_text;
}

/// What a tag takes: an element, its attributes, the text behind it.
const BYTES_OF_TAG: usize = 320;

/// The tree of a document, if there is room for it and for what becomes of it.
fn tree(host: &Host, document: &str) -> Outcome<Tree> {
    let tags = document.bytes().filter(|byte| *byte == b'<').count();
    host.ask(3 * document.len() + BYTES_OF_TAG * tags)?;
    Ok(build(document))
}

fn parse(host: &Host, args: &[Value]) -> Outcome {
    let document = text(host, "html/parse", args, 0)?;
    Ok(host.heap.string(&tree(host, document)?.html(ROOT)))
}

fn text_of(host: &Host, args: &[Value]) -> Outcome {
    let document = text(host, "html/text", args, 0)?;
    Ok(host.heap.string(&tree(host, document)?.text(ROOT)))
}

/// What the selector `args[1]` chooses of the document `args[0]`, each as a string.
fn selected(host: &Host, function: &str, args: &[Value], show: fn(&Tree, Id) -> String) -> Outcome {
    let document = text(host, function, args, 0)?;
    let selector = text(host, function, args, 1)?;
    let selectors = select::parse(selector)
        .map_err(|problem| eval_error(format!("{function}: invalid selector: {problem}")))?;
    let tree = tree(host, document)?;
    let found: Vec<Value> = (select::select(&tree, &selectors).into_iter())
        .map(|id| host.heap.string(&show(&tree, id)))
        .collect();
    Ok(host.heap.list(&found))
}

fn select_html(host: &Host, args: &[Value]) -> Outcome {
    selected(host, "html/select", args, Tree::html)
}

fn select_text(host: &Host, args: &[Value]) -> Outcome {
    selected(host, "html/select-text", args, Tree::text)
}
