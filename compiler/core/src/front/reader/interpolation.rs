//! Finds the end of an f-string's `${ … }` before its content is read.
//!
//! Braces inside strings, regex literals, character literals, comments and nested f-strings do not count.
//! Nested f-strings are kept on an explicit stack, so depth costs no machine stack.

use super::characters::{number_end, starts_number, starts_symbol, symbol_end};

/// The offset of the `}` that closes the interpolation whose content starts at `start`.
pub(super) fn interpolation_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open = vec![Inside::Code { braces: 0 }];
    let mut at = start;
    loop {
        let byte = *bytes.get(at)?;
        match open.last_mut()? {
            Inside::Text => match byte {
                b'\\' => at += 2,
                b'"' => {
                    open.pop();
                    at += 1;
                }
                b'$' if bytes.get(at + 1) == Some(&b'{') => {
                    open.push(Inside::Code { braces: 0 });
                    at += 2;
                }
                _ => at += 1,
            },
            Inside::Code { braces } => match byte {
                b'{' => {
                    *braces += 1;
                    at += 1;
                }
                b'}' if *braces > 0 => {
                    *braces -= 1;
                    at += 1;
                }
                b'}' => {
                    open.pop();
                    if open.is_empty() {
                        return Some(at);
                    }
                    at += 1;
                }
                b'f' if bytes.get(at + 1) == Some(&b'"') => {
                    open.push(Inside::Text);
                    at += 2;
                }
                _ => at = token_end(text, at)?,
            },
        }
    }
}

enum Inside {
    /// The text of a nested f-string.
    Text,
    /// An interpolation, with the number of braces open in it.
    Code { braces: usize },
}

/// The end of the token at `at`, or of a part of it that holds no brace.
fn token_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.get(at)? {
        b'"' => quoted_end(bytes, at + 1),
        b';' => Some(
            bytes
                .get(at..)?
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(bytes.len(), |end| at + end),
        ),
        b':' => Some(symbol_end(text, at + 1)),
        b'#' => match bytes.get(at + 1) {
            Some(b'"') => quoted_end(bytes, at + 2),
            Some(b'\\') => {
                let character = text.get(at + 2..)?.chars().next()?;
                let after = at + 2 + character.len_utf8();
                Some(if character.is_alphabetic() {
                    symbol_end(text, after)
                } else {
                    after
                })
            }
            // `#t`, `#xFF`: the letters belong to the token and start no f-string.
            _ => Some(symbol_end(text, at + 1)),
        },
        _ if starts_number(bytes, at) => Some(number_end(text, at)),
        _ => {
            let character = text.get(at..)?.chars().next()?;
            let after = at + character.len_utf8();
            Some(if starts_symbol(character) {
                symbol_end(text, after)
            } else {
                after
            })
        }
    }
}

/// The offset after the quote that ends a string or regex whose content starts at `at`.
fn quoted_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_other_tokens_do_not_count() {
        for (text, expected) in [
            ("a}", Some(1)),
            ("{:a 1}}", Some(6)),
            (r#""}"}"#, Some(3)),
            (r#"#"\"}"}"#, Some(6)),
            (r"#\}}", Some(3)),
            (r#"f"}"}"#, Some(4)),
            (r#"f"${x}"}"#, Some(7)),
            (r#"#\f"}"}"#, Some(6)),
            (r#":f"}"}"#, Some(5)),
            ("a;}\n}", Some(4)),
            ("a;}", None),
            ("(", None),
            (r#"""#, None),
            (r"#\", None),
        ] {
            assert_eq!(interpolation_end(text, 0), expected, "{text}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let text = "f\"${".repeat(200_000);
        assert_eq!(interpolation_end(&text, 0), None);
    }
}
