//! Base64 with the standard alphabet and padding (RFC 4648, section 4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::core::sequence::bytes::{bytes, decode as utf8};
use crate::core::text::strings::string_of;
use sema_machine::host::Host;
use sema_machine::host::arguments::{check_limit, text};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The UTF-8 bytes of a text in base64, with padding.
    /// (base64/encode "hello") => "aGVsbG8="
    /// (base64/encode "") => ""
    "base64/encode" (text: String) -> String, pure => encode;

    /// The bytes of a byte vector in base64, with padding.
    /// (base64/encode-bytes #u8(255 254)) => "//4="
    "base64/encode-bytes" (bytes: Bytes) -> String, pure => encode_bytes;

    /// The text whose UTF-8 bytes are given in base64. It raises if the text is no base64, or the bytes are no UTF-8.
    /// (base64/decode "aMOp") => "hé"
    /// (base64/decode "a") => error base64/decode
    /// (base64/decode "/w==") => error invalid UTF-8
    "base64/decode" (encoded: String) -> String, pure => decode;

    /// The bytes that are given in base64. It raises if the text is no base64.
    /// (base64/decode-bytes "//4=") => #u8(255 254)
    /// (base64/decode-bytes "no!") => error Invalid symbol 33, offset 2
    "base64/decode-bytes" (encoded: String) -> Bytes, pure => decode_bytes;
}

fn encoded(host: &Host, function: &str, content: &[u8]) -> Outcome {
    check_limit(host, function, content.len().div_ceil(3).saturating_mul(4))?;
    string_of(host, function, &STANDARD.encode(content))
}

fn decoded(host: &Host, function: &str, args: &[Value]) -> Outcome<Vec<u8>> {
    let encoded = text(host, function, args, 0)?;
    STANDARD
        .decode(encoded)
        .map_err(|error| eval_error(format!("{function}: {error}")))
}

fn encode(host: &Host, args: &[Value]) -> Outcome {
    let content = text(host, "base64/encode", args, 0)?;
    encoded(host, "base64/encode", content.as_bytes())
}

fn encode_bytes(host: &Host, args: &[Value]) -> Outcome {
    let content = bytes(host, "base64/encode-bytes", args, 0)?;
    encoded(host, "base64/encode-bytes", content)
}

fn decode(host: &Host, args: &[Value]) -> Outcome {
    let content = decoded(host, "base64/decode", args)?;
    Ok(host.heap.string(utf8("base64/decode", &content)?))
}

fn decode_bytes(host: &Host, args: &[Value]) -> Outcome {
    let content = decoded(host, "base64/decode-bytes", args)?;
    Ok(host.heap.bytevector(&content))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, eval_message};

    #[test]
    fn test_vectors_of_the_standard() {
        let bench = Bench::new();
        // RFC 4648, section 10.
        for (plain, encoded) in [
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(bench.on_texts("base64/encode", &[plain]), encoded);
            assert_eq!(bench.on_texts("base64/decode", &[encoded]), plain);
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        let bench = Bench::new();
        // Too short, without padding, with a bit that no encoder sets, with a line end, with other letters.
        for wrong in ["Z", "Zg", "Zh==", "Zg==\n", "Zg=", "Z===", "é", "_-8="] {
            let error = bench.error("base64/decode-bytes", &[bench.text(wrong)]);
            assert!(
                eval_message(error).starts_with("base64/decode-bytes: "),
                "{wrong}"
            );
        }
    }
}
