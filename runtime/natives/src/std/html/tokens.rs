//! HTML as a sequence of tags, texts and comments (HTML, 13.2.5).

use std::collections::HashMap;

use super::entities;

/// Attributes in their order; names are unique.
pub type Attributes = Vec<(String, String)>;

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// `<!doctype name>`
    Doctype(String),
    /// `<name …>`
    Start {
        /// In lower case.
        name: String,
        /// Without references.
        attributes: Attributes,
        /// `<name/>`
        self_closing: bool,
    },
    /// `</name>`
    End(String),
    /// Text without references.
    Text(String),
    /// `<!-- … -->`
    Comment(String),
}

/// What the content of an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Tags and text.
    Markup,
    /// Text with references up to the end tag.
    Escapable,
    /// Text as it is up to the end tag.
    Raw,
    /// Text as it is up to the end of the document.
    Plain,
}

/// Takes a document apart.
pub struct Tokens<'t> {
    rest: &'t str,
    content: Content,
    /// The element whose content is text.
    element: String,
}

impl<'t> Tokens<'t> {
    /// The tokens of a document.
    pub fn new(document: &'t str) -> Tokens<'t> {
        Tokens {
            rest: document,
            content: Content::Markup,
            element: String::new(),
        }
    }

    /// Says what the content of the element is that has just begun.
    pub fn set_content(&mut self, element: &str, content: Content) {
        self.content = content;
        element.clone_into(&mut self.element);
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Text up to the end tag of the element.
    pub fn content_text(&mut self) -> Option<Token> {
        let content = std::mem::replace(&mut self.content, Content::Markup);
        let length = match content {
            Content::Plain => self.rest.len(),
            _ => self.end_tag().unwrap_or(self.rest.len()),
        };
        let raw = self.take(length);
        if raw.is_empty() {
            return None;
        }
        let mut text = String::new();
        match content {
            Content::Escapable => entities::decode(raw, false, &mut text),
            _ => text.push_str(raw),
        }
        Some(Token::Text(text))
    }

    /// Skips the end tag of the element whose text was the last token.
    pub fn skip_end_tag(&mut self) {
        self.content = Content::Markup;
        if self.end_tag() == Some(0) {
            self.take(2);
            if self.tag().is_none() {
                self.rest = "";
            }
        }
    }

    /// Where the end tag of the element begins.
    fn end_tag(&self) -> Option<usize> {
        let name = self.element.as_bytes();
        let bytes = self.rest.as_bytes();
        let mut from = 0;
        loop {
            let at = from + self.rest.get(from..)?.find("</")?;
            let found = bytes.get(at + 2..at + 2 + name.len());
            let next = bytes.get(at + 2 + name.len());
            let ends =
                next.is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
            if found.is_some_and(|found| found.eq_ignore_ascii_case(name)) && ends {
                return Some(at);
            }
            from = at + 2;
        }
    }

    /// What begins with `<`, if it is markup.
    fn markup(&mut self) -> Option<Token> {
        let bytes = self.rest.as_bytes();
        match (bytes.get(1), bytes.get(2)) {
            (Some(b'!'), _) => Some(self.declaration()),
            (Some(b'?'), _) => Some(self.bogus(1)),
            (Some(b'/'), Some(next)) if next.is_ascii_alphabetic() => {
                self.take(2);
                Some(match self.tag() {
                    Some((name, ..)) => Token::End(name),
                    None => Token::Text(String::new()),
                })
            }
            (Some(b'/'), Some(b'>')) => {
                self.take(3);
                Some(Token::Text(String::new()))
            }
            (Some(b'/'), Some(_)) => Some(self.bogus(2)),
            (Some(next), _) if next.is_ascii_alphabetic() => {
                self.take(1);
                Some(match self.tag() {
                    Some((name, attributes, self_closing)) => Token::Start {
                        name,
                        attributes,
                        self_closing,
                    },
                    None => Token::Text(String::new()),
                })
            }
            _ => None,
        }
    }

    /// A comment of what stands up to the next `>`.
    fn bogus(&mut self, skip: usize) -> Token {
        self.take(skip);
        let length = self.rest.find('>').unwrap_or(self.rest.len());
        let comment = self.take(length).to_owned();
        self.take(1.min(self.rest.len()));
        Token::Comment(comment)
    }

    fn declaration(&mut self) -> Token {
        if let Some(comment) = self.rest.strip_prefix("<!--") {
            let short = ["->", ">"]
                .into_iter()
                .find(|short| comment.starts_with(short));
            if let Some(short) = short {
                self.rest = comment.get(short.len()..).unwrap_or_default();
                return Token::Comment(String::new());
            }
            let ends = ["-->", "--!>"].map(|end| comment.find(end).map(|at| (at, end.len())));
            let end = ends.into_iter().flatten().min();
            let (length, end) = end.unwrap_or((comment.len(), 0));
            let content = comment.get(..length).unwrap_or_default().to_owned();
            self.rest = comment.get(length + end..).unwrap_or_default();
            return Token::Comment(content);
        }
        let word = self.rest.get(2..9);
        if !word.is_some_and(|word| word.eq_ignore_ascii_case("doctype")) {
            return self.bogus(2);
        }
        self.take(9);
        let length = self.rest.find('>').unwrap_or(self.rest.len());
        let declaration = self.take(length);
        self.take(1.min(self.rest.len()));
        let name = declaration
            .split_ascii_whitespace()
            .next()
            .unwrap_or_default();
        Token::Doctype(name.to_ascii_lowercase())
    }

    /// Reads a tag from its name to its end. One that the document's end cuts off is dropped.
    fn tag(&mut self) -> Option<(String, Attributes, bool)> {
        let is_space = |byte: u8| byte.is_ascii_whitespace();
        let length = (self.rest.bytes())
            .position(|byte| is_space(byte) || matches!(byte, b'/' | b'>'))
            .unwrap_or(self.rest.len());
        let name = self.take(length).to_ascii_lowercase();
        let mut attributes: Attributes = Vec::new();
        loop {
            let blank = self.rest.bytes().take_while(|byte| is_space(*byte)).count();
            self.take(blank);
            match self.rest.as_bytes() {
                [] => return None,
                [b'>', ..] => {
                    self.take(1);
                    return Some((name, unique(attributes), false));
                }
                [b'/', b'>', ..] => {
                    self.take(2);
                    return Some((name, unique(attributes), true));
                }
                [b'/', ..] => {
                    self.take(1);
                }
                _ => attributes.push(self.attribute()),
            }
        }
    }

    fn attribute(&mut self) -> (String, String) {
        let is_space = |byte: u8| byte.is_ascii_whitespace();
        // An equals sign that comes first belongs to the name.
        let length = (self.rest.bytes().enumerate())
            .position(|(at, byte)| {
                is_space(byte) || matches!(byte, b'/' | b'>') || byte == b'=' && at > 0
            })
            .unwrap_or(self.rest.len());
        let name = self.take(length).to_ascii_lowercase();
        let blank = self.rest.bytes().take_while(|byte| is_space(*byte)).count();
        if self.rest.as_bytes().get(blank) != Some(&b'=') {
            return (name, String::new());
        }
        self.take(blank + 1);
        let blank = self.rest.bytes().take_while(|byte| is_space(*byte)).count();
        self.take(blank);
        let raw = match self.rest.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => {
                self.take(1);
                let quote = char::from(*quote);
                let length = self.rest.find(quote).unwrap_or(self.rest.len());
                let raw = self.take(length);
                self.take(1.min(self.rest.len()));
                raw
            }
            _ => {
                let length = (self.rest.bytes())
                    .position(|byte| is_space(byte) || byte == b'>')
                    .unwrap_or(self.rest.len());
                self.take(length)
            }
        };
        let mut value = String::new();
        entities::decode(raw, true, &mut value);
        (name, value)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.content != Content::Markup
            && let Some(text) = self.content_text()
        {
            return Some(text);
        }
        let mut length = 0;
        while let Some(at) = self.rest.get(length..)?.find('<') {
            if length + at > 0 {
                // What looks like markup is looked at again when the text before it is done.
                let text_length = length + at;
                if !starts_markup(self.rest.get(text_length..)?) {
                    length = text_length + 1;
                    continue;
                }
                return Some(self.text(text_length));
            }
            match self.markup() {
                Some(token) => return Some(token),
                None => length = 1,
            }
        }
        match self.rest.len() {
            0 => None,
            length => Some(self.text(length)),
        }
    }
}

impl Tokens<'_> {
    fn text(&mut self, length: usize) -> Token {
        let raw = self.take(length);
        let mut text = String::with_capacity(raw.len());
        entities::decode(raw, false, &mut text);
        Token::Text(text)
    }
}

/// Attributes up to which a name is looked for among them.
const FEW_ATTRIBUTES: usize = 16;

/// The attributes without those whose names have come before.
pub fn unique(mut attributes: Attributes) -> Attributes {
    let mut at = 0;
    let is_new: Vec<bool> = if attributes.len() > FEW_ATTRIBUTES {
        // A map, as there is one of this kind elsewhere.
        let mut names: HashMap<&str, u32> = HashMap::new();
        (attributes.iter())
            .map(|(name, _)| names.insert(name, 0).is_none())
            .collect()
    } else {
        let is_new = |place: usize, name: &str| {
            let before = attributes.get(..place).unwrap_or_default();
            before.iter().all(|(other, _)| other != name)
        };
        let names = attributes.iter().enumerate();
        names
            .map(|(place, (name, _))| is_new(place, name))
            .collect()
    };
    attributes.retain(|_| {
        at += 1;
        is_new.get(at - 1).copied().unwrap_or(true)
    });
    attributes
}

/// Whether a text that begins with `<` goes on like markup.
fn starts_markup(text: &str) -> bool {
    match text.as_bytes() {
        [_, b'/', _, ..] => true,
        [_, next, ..] => next.is_ascii_alphabetic() || matches!(next, b'!' | b'?'),
        _ => false,
    }
}
