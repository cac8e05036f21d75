//! `multipart/form-data` (RFC 7578).

use hyper::http::HeaderValue;

/// One part.
pub struct Part {
    /// Its name.
    pub name: String,
    /// The name of the file, if it is one.
    pub filename: Option<String>,
    /// Its media type.
    pub content_type: Option<HeaderValue>,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A text inside of quotes in a header of a part, as browsers write it.
fn quoted(text: &str) -> String {
    text.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The body that the parts make, with a boundary that none of them contains, and its media type.
pub fn encode(parts: &[Part]) -> (Vec<u8>, String) {
    let mut number: u64 = 0;
    let boundary = loop {
        let boundary = format!("----sema-boundary-{number:016x}");
        let is_inside = |part: &Part| {
            part.content
                .windows(boundary.len())
                .any(|window| window == boundary.as_bytes())
        };
        if !parts.iter().any(is_inside) {
            break boundary;
        }
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
    };
    let mut body = Vec::new();
    for part in parts {
        let mut head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"",
            quoted(&part.name)
        );
        if let Some(filename) = &part.filename {
            head.push_str(&format!("; filename=\"{}\"", quoted(filename)));
        }
        head.push_str("\r\n");
        body.extend_from_slice(head.as_bytes());
        let default = HeaderValue::from_static("application/octet-stream");
        let default = part.filename.as_ref().map(|_| &default);
        if let Some(content_type) = part.content_type.as_ref().or(default) {
            body.extend_from_slice(b"content-type: ");
            body.extend_from_slice(content_type.as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"\r\n");
        body.extend_from_slice(&part.content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary={boundary}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(content: &str) -> Part {
        Part {
            name: "a\"\r\nb".to_owned(),
            filename: None,
            content_type: None,
            content: content.as_bytes().to_vec(),
        }
    }

    #[test]
    fn names_end_no_header() {
        let (body, kind) = encode(&[part("x")]);
        let body = String::from_utf8(body).unwrap();
        assert!(
            body.contains("name=\"a%22%0D%0Ab\"\r\n\r\nx\r\n--"),
            "{body}"
        );
        assert!(kind.ends_with("0000"));
    }

    #[test]
    fn the_boundary_is_in_no_part() {
        let (_, kind) = encode(&[part("----sema-boundary-0000000000000000")]);
        assert!(kind.ends_with("-0000000000000001"), "{kind}");
    }
}
