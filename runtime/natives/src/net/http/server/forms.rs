//! Forms that clients send: fields (`application/x-www-form-urlencoded`) and parts (`multipart/form-data`, RFC 7578).

use sema_machine::data::bytes::position_of;

/// How a body holds a form.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// As a query does.
    Fields,
    /// As parts, with this between them.
    Parts(String),
    /// Not at all.
    Other,
}

/// Most parts or fields of a form. One of more parts is taken for malformed.
const MOST_PARTS: usize = 10_000;
/// Longest line between parts (RFC 2046, 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

impl Kind {
    /// What a media type says.
    pub fn of(kind: &str) -> Kind {
        let (name, parameters) = kind.split_once(';').unwrap_or((kind, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Kind::Fields,
            "multipart/form-data" => match parameter(parameters, "boundary") {
                Some(boundary) if (1..=LONGEST_BOUNDARY).contains(&boundary.len()) => {
                    Kind::Parts(boundary)
                }
                _ => Kind::Other,
            },
            _ => Kind::Other,
        }
    }
}

/// Whether a form has more fields than anybody fills in: they would take many times what they are written in.
pub fn has_too_many(fields: &[u8]) -> bool {
    fields.iter().filter(|&&byte| byte == b'&').count() >= MOST_PARTS
}

/// One part of a form.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Part<'b> {
    /// The name of the field.
    pub name: Option<String>,
    /// The name of the file that it is.
    pub filename: Option<String>,
    /// Its media type.
    pub kind: Option<String>,
    /// What was sent.
    pub content: &'b [u8],
}

/// A parameter of a header field, as it is or in quotes.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, value) = rest.split_once('=')?;
        let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
        let value = value.trim_start();
        let found;
        (found, rest) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                let (found, rest) = value.split_at(end);
                (found.trim().to_owned(), rest)
            }
        };
        if is_wanted {
            return Some(found);
        }
    }
}

/// A text up to the quote that ends it, and what is behind that.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut found = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((found, quoted.get(at + 1..)?)),
            // Browsers write %22 instead; only a quote or another of these needs it, so that paths of Windows stay as they are.
            '\\' => match quoted.get(at + 1..)?.chars().next()? {
                escaped @ ('"' | '\\') => {
                    found.push(escaped);
                    letters.next();
                }
                _ => found.push('\\'),
            },
            other => found.push(other),
        }
    }
    None
}

/// Where some bytes are in others, from a place on.
fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = from;
    loop {
        at += position_of(bytes.get(at..)?, first)?;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

/// The parts of a form; `None` if it is malformed or has no end.
pub fn parts<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<Part<'b>>> {
    let first = format!("--{boundary}");
    let between = format!("\r\n{first}");
    let mut parts = Vec::new();
    // Before the first line there may be something that nobody is to see.
    let mut at = if body.starts_with(first.as_bytes()) {
        first.len()
    } else {
        find(body, between.as_bytes(), 0)? + between.len()
    };
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        // The line may end with blanks.
        let line = find(body, b"\r\n", at)?;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        if !body.get(at..line)?.iter().all(is_blank) || parts.len() >= MOST_PARTS {
            return None;
        }
        let head = line + 2;
        let end = find(body, between.as_bytes(), line)?;
        let mut part = Part::default();
        let mut start = head;
        loop {
            let line_end = find(body, b"\r\n", start).filter(|&line_end| line_end <= end)?;
            let field = body.get(start..line_end)?;
            start = line_end + 2;
            if field.is_empty() {
                break;
            }
            part.note(&String::from_utf8_lossy(field));
        }
        // Without content the end of the head is that of the part.
        part.content = body.get(start..end).unwrap_or_default();
        parts.push(part);
        at = end + between.len();
    }
}

impl Part<'_> {
    /// Takes what a header field says.
    fn note(&mut self, field: &str) {
        let Some((name, value)) = field.split_once(':') else {
            return;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let parameters = value.split_once(';').map_or("", |(_, rest)| rest);
                self.name = parameter(parameters, "name");
                self.filename = parameter(parameters, "filename");
            }
            "content-type" => self.kind = Some(value.trim().to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_forms() {
        assert_eq!(
            Kind::of("Application/x-www-form-urlencoded; charset=utf-8"),
            Kind::Fields
        );
        let parts = |boundary: &str| Kind::Parts(boundary.to_owned());
        assert_eq!(Kind::of("multipart/form-data; boundary=a1"), parts("a1"));
        assert_eq!(
            Kind::of("multipart/form-data;charset=x; Boundary=\"a; b\""),
            parts("a; b")
        );
        for other in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"a",
            "text/plain",
            "",
        ] {
            assert_eq!(Kind::of(other), Kind::Other, "{other}");
        }
    }

    #[test]
    fn fields_of_a_form_are_counted() {
        let of = |count: usize| has_too_many("a&".repeat(count - 1).as_bytes());
        assert!(!of(MOST_PARTS) && of(MOST_PARTS + 1));
    }

    #[test]
    fn parts_of_a_form() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--x \r\ncontent-disposition: form-data; name=\"f\"; filename=\"C:\\dir\\n \\\"q\\\".bin\"\r\nContent-Type: a/b\r\n\r\n\xff\r\n--y\r\n\r\n--x\r\n\r\n\r\n--x--\r\nrest";
        let found = parts(body, "x").unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[0],
            Part {
                name: Some("a".to_owned()),
                content: b"one",
                ..Part::default()
            }
        );
        assert_eq!(
            found[1],
            Part {
                name: Some("f".to_owned()),
                filename: Some("C:\\dir\\n \"q\".bin".to_owned()),
                kind: Some("a/b".to_owned()),
                content: b"\xff\r\n--y\r\n",
            }
        );
        assert_eq!(found[2], Part::default());
        assert_eq!(parts(b"--x--", "x"), Some(Vec::new()));
        for malformed in [
            &b""[..],
            b"--x",
            b"--x\r\n",
            b"--x\r\n\r\nabc",
            b"--x\r\na: b\r\n--x--",
            b"--xy\r\n\r\n\r\n--x--",
            b"abc",
        ] {
            assert_eq!(parts(malformed, "x"), None, "{malformed:?}");
        }
    }
}
