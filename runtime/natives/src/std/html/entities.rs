//! Character references: `&amp;`, `&#228;`, `&#xE4;`.

use pulldown_cmark::{Event, Parser};

/// Names that stand for characters without a semicolon as well (HTML, 13.5).
const WITHOUT_SEMICOLON: &str = "AElig AMP Aacute Acirc Agrave Aring Atilde Auml COPY Ccedil ETH Eacute Ecirc Egrave \
    Euml GT Iacute Icirc Igrave Iuml LT Ntilde Oacute Ocirc Ograve Oslash Otilde Ouml QUOT REG THORN Uacute Ucirc Ugrave \
    Uuml Yacute aacute acirc acute aelig agrave amp aring atilde auml brvbar ccedil cedil cent copy curren deg divide \
    eacute ecirc egrave eth euml frac12 frac14 frac34 gt iacute icirc iexcl igrave iquest iuml laquo lt macr micro middot \
    nbsp not ntilde oacute ocirc ograve ordf ordm oslash otilde ouml para plusmn pound quot raquo reg sect shy sup1 sup2 \
    sup3 szlig thorn times uacute ucirc ugrave uml uuml yacute yen yuml";

/// Letters and digits of the longest name.
const LONGEST_NAME: usize = 31;

/// What numbers from 0x80 to 0x9F stand for: they are taken as windows-1252.
const WINDOWS: [u32; 32] = [
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
];

/// A text with its character references replaced.
pub fn decode(text: &str, in_attribute: bool, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (plain, reference) = rest.split_at(at);
        out.push_str(plain);
        let behind = reference.get(1..).unwrap_or_default();
        let used = match behind.strip_prefix('#') {
            Some(number) => numeric(number, out).map(|used| used + 1),
            None => named(behind, in_attribute, out),
        };
        rest = match used {
            Some(used) => behind.get(used..).unwrap_or_default(),
            None => {
                out.push('&');
                behind
            }
        };
    }
    out.push_str(rest);
}

/// Reads a number; how many bytes it has.
fn numeric(text: &str, out: &mut String) -> Option<usize> {
    let (radix, digits, before) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (16, digits, 1),
        None => (10, text, 0),
    };
    let length = (digits.bytes())
        .take_while(|byte| char::from(*byte).is_digit(radix))
        .count();
    if length == 0 {
        return None;
    }
    let number = u32::from_str_radix(digits.get(..length)?, radix).unwrap_or(u32::MAX);
    let number = match number {
        0x80..=0x9F => *WINDOWS.get(number as usize - 0x80)?,
        other => other,
    };
    let character = char::from_u32(number).filter(|character| *character != '\0');
    out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    let semicolon = digits.as_bytes().get(length) == Some(&b';');
    Some(before + length + usize::from(semicolon))
}

/// Reads a name; how many bytes it has.
fn named(text: &str, in_attribute: bool, out: &mut String) -> Option<usize> {
    let length = (text.bytes())
        .take(LONGEST_NAME + 1)
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    let name = text.get(..length)?;
    if text.as_bytes().get(length) == Some(&b';')
        && let Some(characters) = characters_of(name)
    {
        out.push_str(&characters);
        return Some(length + 1);
    }
    // The longest beginning that needs no semicolon.
    let short = (2..=length.min(6)).rev().find_map(|length| {
        let name = name.get(..length)?;
        (WITHOUT_SEMICOLON.split_ascii_whitespace())
            .any(|other| other == name)
            .then_some(name)
    })?;
    let next = text.as_bytes().get(short.len());
    if in_attribute && next.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'=') {
        return None;
    }
    out.push_str(&characters_of(short)?);
    Some(short.len())
}

/// What a name stands for. The table of names is that of the Markdown parser, which knows them too.
fn characters_of(name: &str) -> Option<String> {
    let reference = format!("&{name};");
    let mut decoded = String::new();
    for event in Parser::new(&reference) {
        if let Event::Text(piece) = event {
            decoded.push_str(&piece);
        }
    }
    (!decoded.is_empty() && decoded != reference).then_some(decoded)
}
