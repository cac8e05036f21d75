//! The body of a document.

use super::formatting::Entry;
use super::{Builder, Done, Mode, is_blank};
use crate::std::html::tokens::{Attributes, Content, Token};

/// Elements that misnested formatting does not reach over.
pub fn is_special(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "applet"
            | "area"
            | "article"
            | "aside"
            | "base"
            | "basefont"
            | "bgsound"
            | "blockquote"
            | "body"
            | "br"
            | "button"
            | "caption"
            | "center"
            | "col"
            | "colgroup"
            | "dd"
            | "details"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "embed"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "frame"
            | "frameset"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "iframe"
            | "img"
            | "input"
            | "keygen"
            | "li"
            | "link"
            | "listing"
            | "main"
            | "marquee"
            | "menu"
            | "meta"
            | "nav"
            | "noembed"
            | "noframes"
            | "noscript"
            | "object"
            | "ol"
            | "p"
            | "param"
            | "plaintext"
            | "pre"
            | "script"
            | "search"
            | "section"
            | "select"
            | "source"
            | "style"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "template"
            | "textarea"
            | "tfoot"
            | "th"
            | "thead"
            | "title"
            | "tr"
            | "track"
            | "ul"
            | "wbr"
            | "xmp"
    )
}

/// What closes off the search for an open element.
pub fn scope(name: &str) -> bool {
    matches!(
        name,
        "applet" | "caption" | "html" | "table" | "td" | "th" | "marquee" | "object" | "template"
    )
}

fn button_scope(name: &str) -> bool {
    name == "button" || scope(name)
}

fn list_scope(name: &str) -> bool {
    matches!(name, "ol" | "ul") || scope(name)
}

const HEADINGS: [&str; 6] = ["h1", "h2", "h3", "h4", "h5", "h6"];

impl Builder<'_> {
    pub(super) fn in_body(&mut self, token: Token) -> Done {
        let token = match self.head_content(token) {
            Done::Yes => return Done::Yes,
            Done::Again(token) => token,
        };
        match token {
            Token::Text(text) => {
                self.reopen_formatting();
                self.insert_text(&text);
            }
            Token::Comment(text) => self.insert_comment(text, None),
            Token::Doctype(_) => {}
            Token::Start {
                name,
                attributes,
                self_closing,
            } => return self.start_in_body(name, attributes, self_closing),
            Token::End(name) => return self.end_in_body(name),
        }
        Done::Yes
    }

    pub(super) fn close_paragraph(&mut self) {
        if self.in_scope(&["p"], button_scope) {
            self.imply_end_tags("p");
            self.pop_until(&["p"]);
        }
    }

    fn start_in_body(&mut self, name: String, attributes: Attributes, self_closing: bool) -> Done {
        match name.as_str() {
            "html" => self.more_attributes(attributes),
            "body" => {
                if let Some(body) = self
                    .open
                    .get(1)
                    .copied()
                    .filter(|id| self.tree.name(*id) == "body")
                {
                    self.add_attributes(body, attributes);
                }
            }
            "head" | "frame" | "frameset" | "caption" | "col" | "colgroup" | "tbody" | "td"
            | "tfoot" | "th" | "thead" | "tr" => {}
            "address" | "article" | "aside" | "blockquote" | "center" | "details" | "dialog"
            | "dir" | "div" | "dl" | "fieldset" | "figcaption" | "figure" | "footer" | "header"
            | "hgroup" | "main" | "menu" | "nav" | "ol" | "p" | "search" | "section"
            | "summary" | "ul" => {
                self.close_paragraph();
                self.insert_element(&name, attributes);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.close_paragraph();
                if HEADINGS.contains(&self.current_name()) {
                    self.open.pop();
                }
                self.insert_element(&name, attributes);
            }
            "pre" | "listing" => {
                self.close_paragraph();
                self.insert_element(&name, attributes);
                self.skip_line_feed = true;
            }
            "form" => {
                if self.form.is_none() {
                    self.close_paragraph();
                    self.form = Some(self.insert_element(&name, attributes));
                }
            }
            "li" => {
                self.close_item(&["li"]);
                self.insert_element(&name, attributes);
            }
            "dd" | "dt" => {
                self.close_item(&["dd", "dt"]);
                self.insert_element(&name, attributes);
            }
            "plaintext" => {
                self.close_paragraph();
                self.insert_text_element(&name, attributes, Content::Plain);
            }
            "button" => {
                if self.in_scope(&["button"], scope) {
                    self.imply_end_tags("");
                    self.pop_until(&["button"]);
                }
                self.reopen_formatting();
                self.insert_element(&name, attributes);
            }
            "a" => {
                if let Some(open) = self.remembered("a") {
                    self.close_formatting("a");
                    self.forget(open);
                    self.open.retain(|id| *id != open);
                }
                self.reopen_formatting();
                self.open_formatting(&name, attributes);
            }
            "nobr" => {
                self.reopen_formatting();
                if self.in_scope(&["nobr"], scope) {
                    self.close_formatting("nobr");
                    self.reopen_formatting();
                }
                self.open_formatting(&name, attributes);
            }
            "b" | "big" | "code" | "em" | "font" | "i" | "s" | "small" | "strike" | "strong"
            | "tt" | "u" => {
                self.reopen_formatting();
                self.open_formatting(&name, attributes);
            }
            "applet" | "marquee" | "object" => {
                self.reopen_formatting();
                self.insert_element(&name, attributes);
                self.formatting.push(Entry::Marker);
            }
            "table" => {
                if !self.quirks {
                    self.close_paragraph();
                }
                self.insert_element(&name, attributes);
                self.mode = Mode::InTable;
            }
            "area" | "br" | "embed" | "img" | "keygen" | "wbr" | "input" => {
                self.reopen_formatting();
                self.insert_void(&name, attributes);
            }
            "image" => {
                return Done::Again(Token::Start {
                    name: "img".to_owned(),
                    attributes,
                    self_closing,
                });
            }
            "param" | "source" | "track" => self.insert_void(&name, attributes),
            "hr" => {
                self.close_paragraph();
                self.insert_void(&name, attributes);
            }
            "textarea" => self.insert_text_element(&name, attributes, Content::Escapable),
            "xmp" => {
                self.close_paragraph();
                self.reopen_formatting();
                self.insert_text_element(&name, attributes, Content::Raw);
            }
            "iframe" | "noembed" => self.insert_text_element(&name, attributes, Content::Raw),
            "optgroup" | "option" => {
                if self.current_name() == "option" {
                    self.open.pop();
                }
                if name == "optgroup" && self.current_name() == "optgroup" {
                    self.open.pop();
                }
                self.reopen_formatting();
                self.insert_element(&name, attributes);
            }
            "rb" | "rtc" | "rp" | "rt" => {
                if self.in_scope(&["ruby"], scope) {
                    self.imply_end_tags(if matches!(name.as_str(), "rp" | "rt") {
                        "rtc"
                    } else {
                        ""
                    });
                }
                self.insert_element(&name, attributes);
            }
            _ => {
                self.reopen_formatting();
                // Only foreign elements (SVG, MathML) may end at once.
                if self_closing && self.in_foreign(&name) {
                    self.insert_void(&name, attributes);
                } else {
                    self.insert_element(&name, attributes);
                }
            }
        }
        Done::Yes
    }

    fn in_foreign(&self, name: &str) -> bool {
        matches!(name, "svg" | "math")
            || self.in_scope(&["svg", "math"], |name| name == "foreignobject")
    }

    /// Closes an item of a list before the next one.
    fn close_item(&mut self, names: &[&str]) {
        for id in self.open.iter().rev() {
            let name = self.tree.name(*id);
            if names.contains(&name) {
                let name = name.to_owned();
                self.imply_end_tags(&name);
                self.pop_until(&[&name]);
                break;
            }
            if is_special(name) && !matches!(name, "address" | "div" | "p") {
                break;
            }
        }
        self.close_paragraph();
    }

    fn end_in_body(&mut self, name: String) -> Done {
        match name.as_str() {
            "body" | "html" => {
                if self.in_scope(&["body"], scope) {
                    self.mode = Mode::AfterBody;
                    if name == "html" {
                        return Done::Again(Token::End(name));
                    }
                }
            }
            "address" | "article" | "aside" | "blockquote" | "button" | "center" | "details"
            | "dialog" | "dir" | "div" | "dl" | "fieldset" | "figcaption" | "figure" | "footer"
            | "header" | "hgroup" | "listing" | "main" | "menu" | "nav" | "ol" | "pre"
            | "search" | "section" | "select" | "summary" | "ul" => {
                self.close_block(&name, scope);
            }
            "form" => {
                let form = self.form.take();
                if let Some(form) = form.filter(|form| self.open.contains(form)) {
                    self.imply_end_tags("");
                    self.open.retain(|id| *id != form);
                }
            }
            "p" => {
                if !self.in_scope(&["p"], button_scope) {
                    self.insert_element("p", Vec::new());
                }
                self.close_paragraph();
            }
            "li" => self.close_block("li", list_scope),
            "dd" | "dt" => self.close_block(&name, scope),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                if self.in_scope(&HEADINGS, scope) {
                    self.imply_end_tags("");
                    self.pop_until(&HEADINGS);
                }
            }
            "a" | "b" | "big" | "code" | "em" | "font" | "i" | "nobr" | "s" | "small"
            | "strike" | "strong" | "tt" | "u" => self.close_formatting(&name),
            "applet" | "marquee" | "object" => {
                if self.in_scope(&[&name], scope) {
                    self.imply_end_tags("");
                    self.pop_until(&[&name]);
                    self.clear_formatting();
                }
            }
            "br" => {
                self.reopen_formatting();
                self.insert_void("br", Vec::new());
            }
            _ => self.close_other(&name),
        }
        Done::Yes
    }

    fn close_block(&mut self, name: &str, barrier: fn(&str) -> bool) {
        if self.in_scope(&[name], barrier) {
            self.imply_end_tags(name);
            self.pop_until(&[name]);
        }
    }

    /// Closes an element of any other kind.
    pub(super) fn close_other(&mut self, name: &str) {
        for (place, id) in self.open.iter().enumerate().rev() {
            let open = self.tree.name(*id);
            if open == name {
                self.open.truncate(place);
                return;
            }
            if is_special(open) {
                return;
            }
        }
    }

    /// Content of a table that does not belong there, in front of the table.
    pub(super) fn in_front_of_table(&mut self, token: Token) -> Done {
        if let Token::Text(text) = &token
            && is_blank(text)
        {
            self.insert_text(text);
            return Done::Yes;
        }
        self.foster = true;
        let done = self.in_body(token);
        self.foster = false;
        done
    }
}
