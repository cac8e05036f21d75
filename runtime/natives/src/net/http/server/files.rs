//! Files as answers: whole, in part, or "not changed" (RFC 9110, 13 and 14).

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::net::http::engine::body::Payload;
use sema_vfs::Overlay;

/// What a request says about the file that it wants.
#[derive(Debug, Default)]
pub struct Conditions {
    is_get: bool,
    if_none_match: Option<String>,
    if_modified_since: Option<SystemTime>,
    if_range: Option<String>,
    range: Option<String>,
}

impl Conditions {
    /// What a head says.
    pub fn of(head: &Parts) -> Conditions {
        let mut conditions = Conditions {
            is_get: matches!(head.method, Method::GET | Method::HEAD),
            if_none_match: None,
            if_modified_since: None,
            if_range: None,
            range: None,
        };
        // Of several values the first counts.
        for (name, value) in &head.headers {
            let place = if name == header::IF_NONE_MATCH {
                &mut conditions.if_none_match
            } else if name == header::IF_RANGE {
                &mut conditions.if_range
            } else if name == header::RANGE {
                &mut conditions.range
            } else {
                if name == header::IF_MODIFIED_SINCE && conditions.if_modified_since.is_none() {
                    let date = value.to_str().ok();
                    conditions.if_modified_since =
                        date.and_then(|date| httpdate::parse_http_date(date).ok());
                }
                continue;
            };
            if place.is_none() {
                *place = value.to_str().ok().map(str::to_owned);
            }
        }
        conditions
    }
}

/// A file to send.
pub struct Opened {
    content: Content,
    length: u64,
    /// What changes when the file does.
    tag: String,
    modified: Option<SystemTime>,
}

enum Content {
    File(File),
    Bytes(Bytes),
}

/// Opens a file of the bundle or on disk.
///
/// # Errors
/// The system's answer; a directory or a device is none.
pub fn open(files: &Overlay, path: &str) -> io::Result<Opened> {
    if let Some(entry) = files.embedded(path, None) {
        let bytes = entry.bytes().map_err(io::Error::other)?;
        return Ok(Opened {
            length: bytes.len() as u64,
            tag: format!("\"{:x}-{:x}\"", entry.checksum(), bytes.len()),
            content: Content::Bytes(Bytes::from(bytes.into_owned())),
            modified: None,
        });
    }
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let modified = metadata.modified()?;
    let since = modified.duration_since(SystemTime::UNIX_EPOCH);
    let stamp = since.unwrap_or_default().as_nanos();
    Ok(Opened {
        length: metadata.len(),
        tag: format!("\"{stamp:x}-{:x}\"", metadata.len()),
        content: Content::File(file),
        modified: Some(modified),
    })
}

/// Which bytes a request wants.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(u64, u64),
    Impossible,
}

/// The part of so many bytes that a range says. Several parts are not sent as such: everything is.
fn wanted(range: &str, length: u64) -> Wanted {
    let Some(range) = range.trim().strip_prefix("bytes=") else {
        return Wanted::All;
    };
    let Some((first, last)) = range.trim().split_once('-') else {
        return Wanted::All;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (number(first.trim()), number(last.trim())) {
        (Some(first), _) if first >= length => Wanted::Impossible,
        (Some(first), None) if last.trim().is_empty() => Wanted::Part(first, length - first),
        (Some(first), Some(last)) if last >= first => {
            Wanted::Part(first, last.min(length - 1) - first + 1)
        }
        (None, Some(0)) if first.trim().is_empty() => Wanted::Impossible,
        (None, Some(last)) if first.trim().is_empty() => {
            let count = last.min(length);
            if count == 0 {
                Wanted::Impossible
            } else {
                Wanted::Part(length - count, count)
            }
        }
        _ => Wanted::All,
    }
}

/// Seconds are all that dates of HTTP have.
fn seconds(time: SystemTime) -> Duration {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Duration::from_secs(since.as_secs())
}

impl Opened {
    /// Whether the client has the file as it is.
    fn is_known(&self, conditions: &Conditions) -> bool {
        match (&conditions.if_none_match, conditions.if_modified_since) {
            (Some(tags), _) => tags.split(',').any(|tag| {
                matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == self.tag
            }),
            (None, Some(since)) => self
                .modified
                .is_some_and(|modified| seconds(modified) <= seconds(since)),
            (None, None) => false,
        }
    }

    /// Whether a part may be sent: the client has the rest of the same file.
    fn may_be_part(&self, conditions: &Conditions) -> bool {
        conditions.if_range.as_ref().is_none_or(|condition| {
            let date = httpdate::parse_http_date(condition).ok();
            *condition == self.tag
                || date.is_some_and(|date| {
                    self.modified
                        .is_some_and(|modified| seconds(modified) == seconds(date))
                })
        })
    }

    /// The status and the body that answer a request, with their header fields added.
    ///
    /// # Errors
    /// The system's answer.
    pub fn answer(
        self,
        conditions: &Conditions,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> io::Result<(StatusCode, Payload)> {
        let mut set = |name, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.entry(name).or_insert(value);
            }
        };
        set(header::ETAG, self.tag.clone());
        set(header::ACCEPT_RANGES, "bytes".to_owned());
        if let Some(modified) = self.modified {
            set(header::LAST_MODIFIED, httpdate::fmt_http_date(modified));
        }
        let is_plain = conditions.is_get && status == StatusCode::OK;
        if is_plain && self.is_known(conditions) {
            return Ok((StatusCode::NOT_MODIFIED, Payload::empty()));
        }
        let range = conditions
            .range
            .as_ref()
            .filter(|_| is_plain && self.may_be_part(conditions));
        let (status, start, count) =
            match range.map_or(Wanted::All, |range| wanted(range, self.length)) {
                Wanted::All => (status, 0, self.length),
                Wanted::Part(start, count) => {
                    set(
                        header::CONTENT_RANGE,
                        format!("bytes {start}-{}/{}", start + count - 1, self.length),
                    );
                    (StatusCode::PARTIAL_CONTENT, start, count)
                }
                Wanted::Impossible => {
                    set(header::CONTENT_RANGE, format!("bytes */{}", self.length));
                    return Ok((StatusCode::RANGE_NOT_SATISFIABLE, Payload::empty()));
                }
            };
        Ok((
            status,
            match self.content {
                Content::File(mut file) => {
                    file.seek(SeekFrom::Start(start))?;
                    Payload::File(file, count)
                }
                Content::Bytes(bytes) => {
                    // Both fit: they are places in these bytes.
                    let (start, count) = (start as usize, count as usize);
                    Payload::Bytes(bytes.slice(start..start + count))
                }
            },
        ))
    }
}

/// The file below a directory that a path of decoded segments means, `index.html` for a directory. `None`: there is none, also because
/// it would lie outside.
pub fn below(files: &Overlay, root: &str, segments: &[&str]) -> Option<String> {
    let root = root.trim_end_matches('/');
    let mut path = if root.is_empty() {
        "/".to_owned()
    } else {
        root.to_owned()
    };
    for segment in segments.iter().filter(|segment| !segment.is_empty()) {
        if !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(segment);
    }
    let index = format!("{}/index.html", path.trim_end_matches('/'));
    for candidate in [&path, &index] {
        if files.embedded(candidate, None).is_some() {
            return Some(candidate.clone());
        }
    }
    let found = if Path::new(&path).is_dir() {
        index
    } else {
        path
    };
    let (real, real_root): (PathBuf, PathBuf) = (
        fs::canonicalize(&found).ok()?,
        fs::canonicalize(if root.is_empty() { "/" } else { root }).ok()?,
    );
    (real.starts_with(&real_root) && real.is_file()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0, 1)),
            ("bytes=5-", Wanted::Part(5, 5)),
            ("bytes=-3", Wanted::Part(7, 3)),
            ("bytes=-30", Wanted::Part(0, 10)),
            ("bytes=8-99", Wanted::Part(8, 2)),
            ("bytes=10-", Wanted::Impossible),
            ("bytes=-0", Wanted::Impossible),
            ("bytes=5-4", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::Impossible),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=-", Wanted::All),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range}");
        }
        assert_eq!(wanted("bytes=-5", 0), Wanted::Impossible);
        assert_eq!(wanted("bytes=0-", 0), Wanted::Impossible);
    }

    #[test]
    fn nothing_outside_of_the_root() {
        let folder = crate::testing::Folder::new("http-files");
        let root = folder.path("root");
        fs::create_dir_all(format!("{root}/sub")).unwrap();
        fs::write(format!("{root}/sub/index.html"), "x").unwrap();
        fs::write(folder.path("secret"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path("secret"), format!("{root}/link")).unwrap();
        let files = Overlay::new(None);
        let find = |segments: &[&str]| below(&files, &root, segments);
        assert_eq!(
            find(&["sub", "index.html"]),
            Some(format!("{root}/sub/index.html"))
        );
        assert_eq!(find(&["sub", ""]), Some(format!("{root}/sub/index.html")));
        assert_eq!(find(&["sub"]), Some(format!("{root}/sub/index.html")));
        assert_eq!(find(&["..", "secret"]), None);
        assert_eq!(find(&["link"]), None);
        assert_eq!(find(&[]), None);
    }
}
