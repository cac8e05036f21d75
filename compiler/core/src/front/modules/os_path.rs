//! Paths of the operating system as text, without loss.
//!
//! The front end works with paths as text. A name that is not UTF-8 keeps its other bytes as NUL and two
//! hexadecimal digits, which no real path contains.

use std::path::{Path, PathBuf};

/// Starts the text of a byte that is not part of valid UTF-8.
const ESCAPE: char = '\0';

/// The text of a path; [`path_of`] gives the path back.
#[must_use]
pub fn text_of(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("{ESCAPE}{byte:02x}"));
        }
    }
    text
}

/// The path that a text stands for.
#[cfg(unix)]
#[must_use]
pub fn path_of(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split(ESCAPE);
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let byte = part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, part.get(2..)) {
            (Some(byte), Some(rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            // A NUL of the program's own: no file has such a name.
            _ => {
                bytes.push(0);
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// The path that a text stands for.
#[cfg(not(unix))]
#[must_use]
pub fn path_of(text: &str) -> PathBuf {
    PathBuf::from(text)
}

/// The text of a path for people and for names inside of a program: other bytes are marked, not kept.
#[must_use]
pub fn shown(text: &str) -> String {
    text.replace(ESCAPE, "\u{fffd}")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn every_name_comes_back() {
        for bytes in [
            b"/a/b.sema".as_slice(),
            b"/proj\xe9t/m.sema",
            b"\xff\xfe/\xc3",
            "/ü\u{fffd}".as_bytes(),
        ] {
            let path = Path::new(OsStr::from_bytes(bytes));
            assert_eq!(path_of(&text_of(path)), path, "{bytes:?}");
        }
        assert_eq!(
            text_of(Path::new(OsStr::from_bytes(b"fil\xe9.sema"))),
            "fil\0e9.sema"
        );
        assert_eq!(shown("fil\0e9.sema"), "fil\u{fffd}e9.sema");
        assert_eq!(path_of("a\0zz"), Path::new("a\0zz"));
    }
}
