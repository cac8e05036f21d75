//! Tables: rows, cells and what may stand between them.

use super::formatting::Entry;
use super::{Builder, Done, Mode};
use crate::std::html::tokens::Token;

/// What closes off the search for a part of a table.
fn table_scope(name: &str) -> bool {
    matches!(name, "html" | "table" | "template")
}

const SECTIONS: [&str; 3] = ["tbody", "tfoot", "thead"];

/// Start tags that end a caption or a cell.
fn is_table_part(name: &str) -> bool {
    matches!(
        name,
        "caption" | "col" | "colgroup" | "tbody" | "td" | "tfoot" | "th" | "thead" | "tr"
    )
}

impl Builder<'_> {
    /// Closes elements until one of these is innermost.
    fn clear_to(&mut self, names: &[&str]) {
        while !matches!(self.current_name(), "html" | "template" | "")
            && !names.contains(&self.current_name())
        {
            self.open.pop();
        }
    }

    fn in_table_scope(&self, names: &[&str]) -> bool {
        self.in_scope(names, table_scope)
    }

    pub(super) fn in_table(&mut self, token: Token) -> Done {
        match token {
            Token::Start {
                name,
                attributes,
                self_closing,
            } => match name.as_str() {
                "caption" => {
                    self.clear_to(&["table"]);
                    self.formatting.push(Entry::Marker);
                    self.insert_element("caption", attributes);
                    self.mode = Mode::InCaption;
                }
                "colgroup" => {
                    self.clear_to(&["table"]);
                    self.insert_element("colgroup", attributes);
                    self.mode = Mode::InColumns;
                }
                "tbody" | "tfoot" | "thead" => {
                    self.clear_to(&["table"]);
                    self.insert_element(&name, attributes);
                    self.mode = Mode::InTableBody;
                }
                "col" | "td" | "th" | "tr" => {
                    self.clear_to(&["table"]);
                    let (implied, mode) = match name.as_str() {
                        "col" => ("colgroup", Mode::InColumns),
                        _ => ("tbody", Mode::InTableBody),
                    };
                    self.insert_element(implied, Vec::new());
                    self.mode = mode;
                    if self.current_name() == implied {
                        return Done::Again(Token::Start {
                            name,
                            attributes,
                            self_closing,
                        });
                    }
                }
                "table" => {
                    if self.in_table_scope(&["table"]) {
                        self.pop_until(&["table"]);
                        self.reset_mode();
                        return Done::Again(Token::Start {
                            name,
                            attributes,
                            self_closing,
                        });
                    }
                }
                "input"
                    if attributes.iter().any(|(name, value)| {
                        name == "type" && value.eq_ignore_ascii_case("hidden")
                    }) =>
                {
                    self.insert_void("input", attributes);
                }
                "script" | "style" | "template" => {
                    return self.head_content(Token::Start {
                        name,
                        attributes,
                        self_closing,
                    });
                }
                "form" => {
                    if self.form.is_none() {
                        let depth = self.open.len();
                        self.form = Some(self.insert_element("form", attributes));
                        self.open.truncate(depth);
                    }
                }
                _ => {
                    return self.in_front_of_table(Token::Start {
                        name,
                        attributes,
                        self_closing,
                    });
                }
            },
            Token::End(name) => match name.as_str() {
                "table" => {
                    if self.in_table_scope(&["table"]) {
                        self.pop_until(&["table"]);
                        self.reset_mode();
                    }
                }
                "body" | "caption" | "col" | "colgroup" | "html" | "tbody" | "td" | "tfoot"
                | "th" | "thead" | "tr" => {}
                "template" => return self.head_content(Token::End(name)),
                _ => return self.in_front_of_table(Token::End(name)),
            },
            Token::Comment(text) => self.insert_comment(text, None),
            other => return self.in_front_of_table(other),
        }
        Done::Yes
    }

    pub(super) fn in_caption(&mut self, token: Token) -> Done {
        let ends = match &token {
            Token::Start { name, .. } => is_table_part(name),
            Token::End(name) => matches!(name.as_str(), "caption" | "table"),
            _ => false,
        };
        if !ends {
            return match &token {
                Token::End(name) if is_table_part(name) || name == "body" || name == "html" => {
                    Done::Yes
                }
                _ => self.in_body(token),
            };
        }
        if self.in_table_scope(&["caption"]) {
            self.imply_end_tags("");
            self.pop_until(&["caption"]);
            self.clear_formatting();
            self.mode = Mode::InTable;
            if token != Token::End("caption".to_owned()) {
                return Done::Again(token);
            }
        }
        Done::Yes
    }

    pub(super) fn in_columns(&mut self, token: Token) -> Done {
        match token {
            Token::Text(text) if super::is_blank(&text) => self.insert_text(&text),
            Token::Comment(text) => self.insert_comment(text, None),
            Token::Start {
                name, attributes, ..
            } if name == "col" => self.insert_void("col", attributes),
            Token::End(name) if name == "col" => {}
            Token::Start { ref name, .. } | Token::End(ref name) if name == "template" => {
                return self.head_content(token);
            }
            other => {
                if self.current_name() == "colgroup" {
                    self.open.pop();
                    self.mode = Mode::InTable;
                    if other != Token::End("colgroup".to_owned()) {
                        return Done::Again(other);
                    }
                } else {
                    self.reset_mode();
                }
            }
        }
        Done::Yes
    }

    pub(super) fn in_table_body(&mut self, token: Token) -> Done {
        match token {
            Token::Start {
                name,
                attributes,
                self_closing,
            } => match name.as_str() {
                "tr" => {
                    self.clear_to(&SECTIONS);
                    self.insert_element("tr", attributes);
                    self.mode = Mode::InRow;
                    Done::Yes
                }
                "th" | "td" => {
                    self.clear_to(&SECTIONS);
                    self.insert_element("tr", Vec::new());
                    self.mode = Mode::InRow;
                    Done::Again(Token::Start {
                        name,
                        attributes,
                        self_closing,
                    })
                }
                "caption" | "col" | "colgroup" | "tbody" | "tfoot" | "thead" => {
                    self.end_section(Token::Start {
                        name,
                        attributes,
                        self_closing,
                    })
                }
                _ => self.in_table(Token::Start {
                    name,
                    attributes,
                    self_closing,
                }),
            },
            Token::End(name) => match name.as_str() {
                "tbody" | "tfoot" | "thead" => {
                    if self.in_table_scope(&[&name]) {
                        self.clear_to(&SECTIONS);
                        self.open.pop();
                        self.mode = Mode::InTable;
                    }
                    Done::Yes
                }
                "table" => self.end_section(Token::End(name)),
                _ => self.in_table(Token::End(name)),
            },
            other => self.in_table(other),
        }
    }

    fn end_section(&mut self, token: Token) -> Done {
        if !self.in_table_scope(&SECTIONS) {
            return Done::Yes;
        }
        self.clear_to(&SECTIONS);
        self.open.pop();
        self.mode = Mode::InTable;
        Done::Again(token)
    }

    pub(super) fn in_row(&mut self, token: Token) -> Done {
        match token {
            Token::Start {
                name, attributes, ..
            } if matches!(name.as_str(), "td" | "th") => {
                self.clear_to(&["tr"]);
                self.insert_element(&name, attributes);
                self.mode = Mode::InCell;
                self.formatting.push(Entry::Marker);
                Done::Yes
            }
            Token::Start {
                name,
                attributes,
                self_closing,
            } => {
                let ends = is_table_part(&name);
                let token = Token::Start {
                    name,
                    attributes,
                    self_closing,
                };
                match ends {
                    true => self.end_row(token),
                    false => self.in_table(token),
                }
            }
            Token::End(name) => match name.as_str() {
                "tr" => {
                    if self.in_table_scope(&["tr"]) {
                        self.clear_to(&["tr"]);
                        self.open.pop();
                        self.mode = Mode::InTableBody;
                    }
                    Done::Yes
                }
                "table" => self.end_row(Token::End(name)),
                "tbody" | "tfoot" | "thead" if self.in_table_scope(&[&name]) => {
                    self.end_row(Token::End(name))
                }
                "tbody" | "tfoot" | "thead" => Done::Yes,
                _ => self.in_table(Token::End(name)),
            },
            other => self.in_table(other),
        }
    }

    fn end_row(&mut self, token: Token) -> Done {
        if !self.in_table_scope(&["tr"]) {
            return Done::Yes;
        }
        self.clear_to(&["tr"]);
        self.open.pop();
        self.mode = Mode::InTableBody;
        Done::Again(token)
    }

    pub(super) fn in_cell(&mut self, token: Token) -> Done {
        match &token {
            Token::Start { name, .. } if is_table_part(name) => {
                if !self.in_table_scope(&["td", "th"]) {
                    return Done::Yes;
                }
                self.close_cell();
                Done::Again(token)
            }
            Token::End(name) => match name.as_str() {
                "td" | "th" => {
                    if self.in_table_scope(&[name]) {
                        self.imply_end_tags("");
                        self.pop_until(&[name]);
                        self.clear_formatting();
                        self.mode = Mode::InRow;
                    }
                    Done::Yes
                }
                "body" | "caption" | "col" | "colgroup" | "html" => Done::Yes,
                "table" | "tbody" | "tfoot" | "thead" | "tr" => {
                    if !self.in_table_scope(&[name]) {
                        return Done::Yes;
                    }
                    self.close_cell();
                    Done::Again(token)
                }
                _ => self.in_body(token),
            },
            _ => self.in_body(token),
        }
    }

    fn close_cell(&mut self) {
        self.imply_end_tags("");
        if self.in_table_scope(&["td", "th"]) {
            self.pop_until(&["td", "th"]);
        }
        self.clear_formatting();
        self.mode = Mode::InRow;
    }
}
