//! Bytes as hexadecimal digits.

use super::bytes_or_text;
use crate::core::text::strings::string_of;
use sema_machine::host::Host;
use sema_machine::host::arguments::{check_limit, text};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The bytes of a byte vector, or the UTF-8 bytes of a text, as lower-case hexadecimal digits, two a byte.
    /// (hex/encode #u8(0 171 255)) => "00abff"
    /// (hex/encode "hi") => "6869"
    /// (hex/encode 12) => error expected string or bytevector
    "hex/encode" (content: Any) -> String, pure => encode;

    /// The bytes that hexadecimal digits of either case stand for. It raises if there is anything else, or half a byte.
    /// (hex/decode "00ABff") => #u8(0 171 255)
    /// (hex/decode "0") => error odd number of digits
    /// (hex/decode "0g") => error 'g' at offset 1 is no hexadecimal digit
    "hex/decode" (digits: String) -> Bytes, pure => decode;
}

/// Bytes as lower-case digits.
#[must_use]
pub fn digits(bytes: &[u8]) -> String {
    let digit = |number: u8| char::from_digit(number.into(), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn encode(host: &Host, args: &[Value]) -> Outcome {
    let content = bytes_or_text(host, "hex/encode", args, 0)?;
    check_limit(host, "hex/encode", content.len().saturating_mul(2))?;
    string_of(host, "hex/encode", &digits(content))
}

fn decode(host: &Host, args: &[Value]) -> Outcome {
    let digits = text(host, "hex/decode", args, 0)?;
    let mut values = Vec::with_capacity(digits.len());
    for (offset, digit) in digits.char_indices() {
        let value = digit.to_digit(16).ok_or_else(|| {
            eval_error(format!(
                "hex/decode: {digit:?} at offset {offset} is no hexadecimal digit"
            ))
        })?;
        values.push(value as u8);
    }
    let (pairs, rest) = values.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(eval_error(format!(
            "hex/decode: odd number of digits ({})",
            values.len()
        )));
    }
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    Ok(host.heap.bytevector(&bytes))
}
