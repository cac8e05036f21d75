//! The tree of a document from its tokens (HTML, 13.2.6): missing tags are implied, misnested ones repaired.
//!
//! Not everything of the standard is here: framesets, the modes of `select` and of templates, and the content of SVG and MathML
//! are treated like the rest of a body.

mod body;
mod formatting;
mod table;

use super::tokens::{Attributes, Content, Token, Tokens};
use super::tree::{Data, Id, ROOT, Tree};
use formatting::Entry;

/// Open elements at most. What is deeper lies beside its parent, as in browsers.
const DEEPEST: usize = 512;

/// Where in the document the builder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Initial,
    BeforeHtml,
    BeforeHead,
    InHead,
    AfterHead,
    InBody,
    InTable,
    InCaption,
    InColumns,
    InTableBody,
    InRow,
    InCell,
    AfterBody,
    AfterHtml,
}

/// What becomes of a token.
enum Done {
    Yes,
    /// It is processed again in another mode.
    Again(Token),
}

struct Builder<'t> {
    tree: Tree,
    tokens: Tokens<'t>,
    mode: Mode,
    /// The open elements, the outermost first.
    open: Vec<Id>,
    /// Open elements of formatting, which go on after blocks that close them.
    formatting: Vec<Entry>,
    head: Option<Id>,
    form: Option<Id>,
    /// Without a doctype, tables may lie in paragraphs.
    quirks: bool,
    /// Content that may not be in a table goes in front of it.
    foster: bool,
    /// The line feed right behind `<pre>` does not count.
    skip_line_feed: bool,
    /// Elements that later tags have brought attributes: `html` and `body`.
    with_more: Vec<Id>,
}

/// The tree of a document.
pub fn build(document: &str) -> Tree {
    let normal;
    let document = match document.contains('\r') {
        true => {
            normal = document.replace("\r\n", "\n").replace('\r', "\n");
            &normal
        }
        false => document,
    };
    let mut builder = Builder {
        tree: Tree::default(),
        tokens: Tokens::new(document),
        mode: Mode::Initial,
        open: Vec::new(),
        formatting: Vec::new(),
        head: None,
        form: None,
        quirks: true,
        foster: false,
        skip_line_feed: false,
        with_more: Vec::new(),
    };
    while let Some(token) = builder.tokens.next() {
        builder.process(token);
    }
    builder.finish();
    builder.tree
}

fn starts_blank(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_whitespace())
}

/// A text without the white space at its start, which counts for nothing before the head.
fn without_blank(text: &str) -> Done {
    Done::Again(Token::Text(text.trim_ascii_start().to_owned()))
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}

impl Builder<'_> {
    fn process(&mut self, token: Token) {
        let token = match token {
            Token::Text(text) if std::mem::take(&mut self.skip_line_feed) => {
                Token::Text(text.strip_prefix('\n').unwrap_or(&text).to_owned())
            }
            other => {
                self.skip_line_feed = false;
                other
            }
        };
        let mut token = match token {
            Token::Text(text) if text.is_empty() => return,
            Token::Text(text) if text.contains('\0') => Token::Text(text.replace('\0', "")),
            other => other,
        };
        loop {
            let done = match self.mode {
                Mode::Initial => self.initial(token),
                Mode::BeforeHtml => self.before_html(token),
                Mode::BeforeHead => self.before_head(token),
                Mode::InHead => self.in_head(token),
                Mode::AfterHead => self.after_head(token),
                Mode::InBody => self.in_body(token),
                Mode::InTable => self.in_table(token),
                Mode::InCaption => self.in_caption(token),
                Mode::InColumns => self.in_columns(token),
                Mode::InTableBody => self.in_table_body(token),
                Mode::InRow => self.in_row(token),
                Mode::InCell => self.in_cell(token),
                Mode::AfterBody => self.after_body(token),
                Mode::AfterHtml => self.after_html(token),
            };
            match done {
                Done::Yes => return,
                Done::Again(again) => token = again,
            }
        }
    }

    /// Makes what every document has.
    fn finish(&mut self) {
        for id in &self.with_more {
            self.tree.leave_out_repeated(*id);
        }
        if self.open.is_empty() {
            self.insert_html(Vec::new());
        }
        if self.head.is_none() {
            self.head = Some(self.insert_element("head", Vec::new()));
            self.open.pop();
        }
        if matches!(
            self.mode,
            Mode::Initial | Mode::BeforeHtml | Mode::BeforeHead | Mode::InHead | Mode::AfterHead
        ) {
            let html = self.open.first().copied().unwrap_or(ROOT);
            self.open.truncate(1);
            let body = self.element("body", Vec::new());
            self.tree.insert(body, html, None);
        }
    }

    // --- what the modes use ---

    fn current(&self) -> Id {
        self.open.last().copied().unwrap_or(ROOT)
    }

    fn current_name(&self) -> &str {
        self.tree.name(self.current())
    }

    fn element(&mut self, name: &str, attributes: Attributes) -> Id {
        self.tree.create(Data::Element {
            name: name.to_owned(),
            attributes,
        })
    }

    /// Where content goes whose place is in `target`: a parent and the child before which it belongs.
    fn place(&self, target: Id) -> (Id, Option<Id>) {
        let in_table = matches!(
            self.tree.name(target),
            "table" | "tbody" | "tfoot" | "thead" | "tr"
        );
        if !self.foster || !in_table {
            return (target, None);
        }
        let table = (self.open.iter()).rposition(|id| self.tree.name(*id) == "table");
        let Some(at) = table else {
            return (self.open.first().copied().unwrap_or(ROOT), None);
        };
        let table = self.open.get(at).copied().unwrap_or(ROOT);
        match self.tree.parent(table) {
            Some(parent) => (parent, Some(table)),
            None => {
                let above = at.checked_sub(1).and_then(|above| self.open.get(above));
                (above.copied().unwrap_or(ROOT), None)
            }
        }
    }

    /// Makes an element where it belongs and opens it.
    fn insert_element(&mut self, name: &str, attributes: Attributes) -> Id {
        let id = self.element(name, attributes);
        let (parent, before) = self.place(self.current());
        self.tree.insert(id, parent, before);
        if self.open.len() < DEEPEST {
            self.open.push(id);
        }
        id
    }

    /// Makes an element without content.
    fn insert_void(&mut self, name: &str, attributes: Attributes) {
        let id = self.element(name, attributes);
        let (parent, before) = self.place(self.current());
        self.tree.insert(id, parent, before);
    }

    /// Makes an element whose content is text.
    fn insert_text_element(&mut self, name: &str, attributes: Attributes, content: Content) {
        let id = self.element(name, attributes);
        let (parent, before) = self.place(self.current());
        self.tree.insert(id, parent, before);
        self.tokens.set_content(name, content);
        if content == Content::Plain {
            self.open.push(id);
            return;
        }
        if let Some(Token::Text(text)) = self.tokens.content_text() {
            let text = match name {
                "textarea" => text.strip_prefix('\n').unwrap_or(&text),
                _ => &text,
            };
            if !text.is_empty() {
                self.tree.insert_text(text, id, None);
            }
        }
        self.tokens.skip_end_tag();
    }

    fn insert_text(&mut self, text: &str) {
        if !text.is_empty() {
            let (parent, before) = self.place(self.current());
            self.tree.insert_text(text, parent, before);
        }
    }

    fn insert_comment(&mut self, text: String, parent: Option<Id>) {
        let id = self.tree.create(Data::Comment(text));
        let (parent, before) = match parent {
            Some(parent) => (parent, None),
            None => self.place(self.current()),
        };
        self.tree.insert(id, parent, before);
    }

    fn insert_html(&mut self, attributes: Attributes) {
        let html = self.element("html", attributes);
        self.tree.insert(html, ROOT, None);
        self.open.push(html);
    }

    /// Closes elements up to one of these names, which is closed too.
    fn pop_until(&mut self, names: &[&str]) {
        while let Some(id) = self.open.pop() {
            if names.contains(&self.tree.name(id)) {
                return;
            }
        }
    }

    /// Whether one of these names is open, and nothing between it and here closes off the search.
    fn in_scope(&self, names: &[&str], barrier: fn(&str) -> bool) -> bool {
        for id in self.open.iter().rev() {
            let name = self.tree.name(*id);
            if names.contains(&name) {
                return true;
            }
            if barrier(name) {
                return false;
            }
        }
        false
    }

    /// Closes elements whose end tags may be left out, but for one name.
    fn imply_end_tags(&mut self, except: &str) {
        loop {
            let name = self.current_name();
            let implied = matches!(
                name,
                "dd" | "dt" | "li" | "optgroup" | "option" | "p" | "rb" | "rp" | "rt" | "rtc"
            );
            if !implied || name == except {
                return;
            }
            self.open.pop();
        }
    }

    /// The mode that belongs to the innermost open element that says one.
    fn reset_mode(&mut self) {
        for id in self.open.iter().rev() {
            self.mode = match self.tree.name(*id) {
                "td" | "th" => Mode::InCell,
                "tr" => Mode::InRow,
                "tbody" | "thead" | "tfoot" => Mode::InTableBody,
                "caption" => Mode::InCaption,
                "colgroup" => Mode::InColumns,
                "table" => Mode::InTable,
                "template" | "body" => Mode::InBody,
                "head" => Mode::InHead,
                "html" if self.head.is_none() => Mode::BeforeHead,
                "html" => Mode::AfterHead,
                _ => continue,
            };
            return;
        }
        self.mode = Mode::InBody;
    }

    // --- the modes outside of the body ---

    fn initial(&mut self, token: Token) -> Done {
        match token {
            Token::Text(text) if is_blank(&text) => Done::Yes,
            Token::Text(text) if starts_blank(&text) => without_blank(&text),
            Token::Comment(text) => {
                self.insert_comment(text, Some(ROOT));
                Done::Yes
            }
            Token::Doctype(name) => {
                self.quirks = name != "html";
                let doctype = self.tree.create(Data::Doctype(name));
                self.tree.insert(doctype, ROOT, None);
                self.mode = Mode::BeforeHtml;
                Done::Yes
            }
            other => {
                self.mode = Mode::BeforeHtml;
                Done::Again(other)
            }
        }
    }

    fn before_html(&mut self, token: Token) -> Done {
        match token {
            Token::Doctype(_) => Done::Yes,
            Token::Text(text) if is_blank(&text) => Done::Yes,
            Token::Text(text) if starts_blank(&text) => without_blank(&text),
            Token::Comment(text) => {
                self.insert_comment(text, Some(ROOT));
                Done::Yes
            }
            Token::Start {
                name, attributes, ..
            } if name == "html" => {
                self.insert_html(attributes);
                self.mode = Mode::BeforeHead;
                Done::Yes
            }
            Token::End(name) if !matches!(name.as_str(), "head" | "body" | "html" | "br") => {
                Done::Yes
            }
            other => {
                self.insert_html(Vec::new());
                self.mode = Mode::BeforeHead;
                Done::Again(other)
            }
        }
    }

    fn before_head(&mut self, token: Token) -> Done {
        match token {
            Token::Doctype(_) => Done::Yes,
            Token::Text(text) if is_blank(&text) => Done::Yes,
            Token::Text(text) if starts_blank(&text) => without_blank(&text),
            Token::Comment(text) => {
                self.insert_comment(text, None);
                Done::Yes
            }
            Token::Start {
                name, attributes, ..
            } if name == "html" => {
                self.more_attributes(attributes);
                Done::Yes
            }
            Token::Start {
                name, attributes, ..
            } if name == "head" => {
                self.head = Some(self.insert_element("head", attributes));
                self.mode = Mode::InHead;
                Done::Yes
            }
            Token::End(name) if !matches!(name.as_str(), "head" | "body" | "html" | "br") => {
                Done::Yes
            }
            other => {
                self.head = Some(self.insert_element("head", Vec::new()));
                self.mode = Mode::InHead;
                Done::Again(other)
            }
        }
    }

    fn more_attributes(&mut self, attributes: Attributes) {
        if let Some(html) = self.open.first() {
            self.add_attributes(*html, attributes);
        }
    }

    /// Adds attributes that an element does not have. As there may be any number of tags that bring more, those that it has are left out
    /// in the end.
    fn add_attributes(&mut self, id: Id, more: Attributes) {
        self.tree.add_attributes(id, more);
        if !self.with_more.contains(&id) {
            self.with_more.push(id);
        }
    }

    /// Inserts the white space with which a text begins; the rest is yet to be placed.
    fn after_blank(&mut self, text: &str) -> Token {
        let content = text.trim_ascii_start();
        let blank = text.get(..text.len() - content.len()).unwrap_or_default();
        self.insert_text(blank);
        Token::Text(content.to_owned())
    }

    fn in_head(&mut self, token: Token) -> Done {
        let token = match self.head_content(token) {
            Done::Yes => return Done::Yes,
            Done::Again(token) => token,
        };
        match token {
            Token::Text(text) if is_blank(&text) => self.insert_text(&text),
            Token::Text(text) if starts_blank(&text) => {
                return Done::Again(self.after_blank(&text));
            }
            Token::Comment(text) => self.insert_comment(text, None),
            Token::Doctype(_) => {}
            Token::Start {
                name, attributes, ..
            } if name == "html" => self.more_attributes(attributes),
            Token::Start { name, .. } if name == "head" => {}
            Token::End(name) if name == "head" => {
                self.open.pop();
                self.mode = Mode::AfterHead;
            }
            Token::End(name) if !matches!(name.as_str(), "body" | "html" | "br") => {}
            other => {
                self.open.pop();
                self.mode = Mode::AfterHead;
                return Done::Again(other);
            }
        }
        Done::Yes
    }

    /// The elements that belong into the head, wherever they stand.
    fn head_content(&mut self, token: Token) -> Done {
        match token {
            Token::Start {
                name,
                attributes,
                self_closing,
            } => match name.as_str() {
                "base" | "basefont" | "bgsound" | "link" | "meta" => {
                    self.insert_void(&name, attributes)
                }
                "title" => self.insert_text_element(&name, attributes, Content::Escapable),
                "style" | "script" | "noframes" => {
                    self.insert_text_element(&name, attributes, Content::Raw);
                }
                "noscript" if self.mode == Mode::InHead => {
                    self.insert_text_element(&name, attributes, Content::Raw);
                }
                "template" => {
                    self.insert_element(&name, attributes);
                    self.formatting.push(Entry::Marker);
                    self.mode = Mode::InBody;
                }
                _ => {
                    return Done::Again(Token::Start {
                        name,
                        attributes,
                        self_closing,
                    });
                }
            },
            Token::End(name) if name == "template" => {
                if self.in_scope(&["template"], |_| false) {
                    self.pop_until(&["template"]);
                    self.clear_formatting();
                    self.reset_mode();
                }
            }
            other => return Done::Again(other),
        }
        Done::Yes
    }

    fn after_head(&mut self, token: Token) -> Done {
        match token {
            Token::Text(text) if is_blank(&text) => self.insert_text(&text),
            Token::Text(text) if starts_blank(&text) => {
                return Done::Again(self.after_blank(&text));
            }
            Token::Comment(text) => self.insert_comment(text, None),
            Token::Doctype(_) => {}
            Token::Start {
                name, attributes, ..
            } if name == "html" => self.more_attributes(attributes),
            Token::Start {
                name, attributes, ..
            } if name == "body" => {
                self.insert_element("body", attributes);
                self.mode = Mode::InBody;
            }
            Token::Start { name, .. } if name == "head" => {}
            Token::End(name) if !matches!(name.as_str(), "template" | "body" | "html" | "br") => {}
            other => {
                // What belongs into the head goes there.
                let depth = self.open.len();
                self.open.extend(self.head);
                let other = match self.head_content(other) {
                    Done::Yes => {
                        if self.mode == Mode::AfterHead && self.open.len() > depth {
                            self.open.remove(depth);
                        }
                        return Done::Yes;
                    }
                    Done::Again(other) => other,
                };
                self.open.truncate(depth);
                self.insert_element("body", Vec::new());
                self.mode = Mode::InBody;
                return Done::Again(other);
            }
        }
        Done::Yes
    }

    fn after_body(&mut self, token: Token) -> Done {
        match token {
            Token::Text(text) if is_blank(&text) => return self.in_body(Token::Text(text)),
            Token::Comment(text) => {
                let html = self.open.first().copied();
                self.insert_comment(text, html);
            }
            Token::Doctype(_) => {}
            Token::Start {
                name, attributes, ..
            } if name == "html" => self.more_attributes(attributes),
            Token::End(name) if name == "html" => self.mode = Mode::AfterHtml,
            other => {
                self.mode = Mode::InBody;
                return Done::Again(other);
            }
        }
        Done::Yes
    }

    fn after_html(&mut self, token: Token) -> Done {
        if let Token::Comment(text) = token {
            self.insert_comment(text, Some(ROOT));
            return Done::Yes;
        }
        match token {
            Token::End(_) => self.mode = Mode::InBody,
            _ => return self.after_body(token),
        }
        Done::Again(token)
    }
}
