//! Files as answers: whole, in part, or "not changed" (RFC 9110, 13 and 14).

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
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
    /// Whether only the head of the answer is wanted.
    pub is_head: bool,
    if_match: Option<String>,
    if_unmodified_since: Option<SystemTime>,
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
            is_head: head.method == Method::HEAD,
            ..Conditions::default()
        };
        for (name, value) in &head.headers {
            let Ok(value) = value.to_str() else {
                continue;
            };
            let date = || httpdate::parse_http_date(value).ok();
            if name == header::IF_NONE_MATCH {
                add(&mut conditions.if_none_match, value);
            } else if name == header::IF_MATCH {
                add(&mut conditions.if_match, value);
            } else if name == header::IF_RANGE {
                // Of these the first counts.
                conditions.if_range.get_or_insert_with(|| value.to_owned());
            } else if name == header::RANGE {
                conditions.range.get_or_insert_with(|| value.to_owned());
            } else if name == header::IF_MODIFIED_SINCE {
                conditions.if_modified_since = conditions.if_modified_since.or_else(date);
            } else if name == header::IF_UNMODIFIED_SINCE {
                conditions.if_unmodified_since = conditions.if_unmodified_since.or_else(date);
            }
        }
        conditions
    }
}

/// Adds a field of tags to others of its name.
fn add(tags: &mut Option<String>, more: &str) {
    match tags {
        None => *tags = Some(more.to_owned()),
        Some(tags) => {
            tags.push(',');
            tags.push_str(more);
        }
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

/// Bytes of a file of the bundle that are sent as one piece.
const AT_ONCE: u64 = 64 << 10;

/// What can be read from any place.
trait ReadSeek: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> ReadSeek for T {}

enum Content {
    File(Box<dyn ReadSeek>),
    Bytes(Bytes),
}

/// Opens a file of the bundle or on disk.
///
/// # Errors
/// The system's answer; a directory or a device is none.
pub fn open(files: &Overlay, path: &str) -> io::Result<Opened> {
    if let (Some(entry), Some(file)) = (files.embedded(path, None), files.open_embedded(path)) {
        let length = entry.length();
        return Ok(Opened {
            length,
            tag: format!("\"{:x}-{length:x}\"", entry.checksum()),
            content: if length > AT_ONCE {
                Content::File(Box::new(file))
            } else {
                let bytes = entry.bytes().map_err(io::Error::other)?;
                Content::Bytes(Bytes::from(bytes.into_owned()))
            },
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
    let stamp = match modified.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => format!("{:x}", since.as_nanos()),
        Err(before) => format!("-{:x}", before.duration().as_nanos()),
    };
    Ok(Opened {
        length: metadata.len(),
        tag: format!("\"{stamp}-{:x}\"", metadata.len()),
        content: Content::File(Box::new(file)),
        // One that is still to come means nothing (RFC 9110, 8.8.2.1).
        modified: Some(modified)
            .filter(|modified| has_date(*modified) && *modified <= SystemTime::now()),
    })
}

/// Which bytes a request wants.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(u64, u64),
    Impossible,
}

/// Whether HTTP has a date for this time: it has four digits for the year, and what it was before 1970 nobody agrees on.
fn has_date(time: SystemTime) -> bool {
    const END_OF_9999: u64 = 253_402_300_800;
    time.duration_since(SystemTime::UNIX_EPOCH)
        .is_ok_and(|since| since.as_secs() < END_OF_9999)
}

/// The part of so many bytes that a range says. Several parts are not sent as such: everything is.
fn wanted(range: &str, length: u64) -> Wanted {
    let Some((unit, ranges)) = range.split_once('=') else {
        return Wanted::All;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::All;
    }
    let mut found = Wanted::Impossible;
    for range in ranges.split(',') {
        match one(range, length) {
            Wanted::All => return Wanted::All,
            Wanted::Impossible => {}
            part if found == Wanted::Impossible => found = part,
            Wanted::Part(..) => found = Wanted::All,
        }
    }
    found
}

/// What one range says; everything if it is none.
fn one(range: &str, length: u64) -> Wanted {
    let Some((first, last)) = range.trim().split_once('-') else {
        return Wanted::All;
    };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    match (number(first), number(last)) {
        (Some(start), Some(end)) if end < start => Wanted::All,
        (Some(_), None) if !last.is_empty() => Wanted::All,
        (Some(start), _) if start >= length => Wanted::Impossible,
        (Some(start), None) => Wanted::Part(start, length - start),
        (Some(start), Some(end)) => Wanted::Part(start, end.min(length - 1) - start + 1),
        (None, Some(count)) if first.is_empty() => match count.min(length) {
            0 => Wanted::Impossible,
            count => Wanted::Part(length - count, count),
        },
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

    /// Whether the client means the file as it was (RFC 9110, 13.2.2, steps 1 and 2).
    fn is_another(&self, conditions: &Conditions) -> bool {
        match (&conditions.if_match, conditions.if_unmodified_since) {
            (Some(tags), _) => !tags
                .split(',')
                .any(|tag| matches!(tag.trim(), "*") || tag.trim() == self.tag),
            (None, Some(since)) => self
                .modified
                .is_some_and(|modified| seconds(modified) > seconds(since)),
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
        if is_plain && self.is_another(conditions) {
            return Ok((StatusCode::PRECONDITION_FAILED, Payload::empty()));
        }
        if is_plain && self.is_known(conditions) {
            return Ok((StatusCode::NOT_MODIFIED, Payload::empty()));
        }
        let range = conditions
            .range
            .as_ref()
            .filter(|_| is_plain && !conditions.is_head && self.may_be_part(conditions));
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

/// What a path means below a directory.
#[derive(Debug, PartialEq, Eq)]
pub enum Below {
    /// A file of this path.
    File(String),
    /// A directory with an `index.html`, whose path does not end as those of directories do: links of the page would mean something else.
    Directory,
}

/// The file below a directory that a path of decoded segments means, `index.html` for a directory. `None`: there is none, also because
/// it would lie outside.
pub fn below(files: &Overlay, root: &str, segments: &[&str]) -> Option<Below> {
    let root = match root.trim_end_matches('/') {
        "" if root.starts_with('/') => "/",
        "" => ".",
        root => root,
    };
    let mut path = root.to_owned();
    for segment in segments.iter().filter(|segment| !segment.is_empty()) {
        if !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(segment);
    }
    let is_directory = segments.last().is_none_or(|last| last.is_empty());
    let index = format!("{}/index.html", path.trim_end_matches('/'));
    let found = |of_directory: bool| match (of_directory, is_directory) {
        (true, true) => Some(Below::File(index.clone())),
        (true, false) => Some(Below::Directory),
        (false, false) => Some(Below::File(path.clone())),
        (false, true) => None,
    };
    if files.embedded(&path, None).is_some() {
        return found(false);
    }
    if files.embedded(&index, None).is_some() {
        return found(true);
    }
    let of_directory = Path::new(&path).is_dir();
    let meant = if of_directory { &index } else { &path };
    let (real, real_root): (PathBuf, PathBuf) =
        (fs::canonicalize(meant).ok()?, fs::canonicalize(root).ok()?);
    if !real.starts_with(&real_root) || !real.is_file() {
        return None;
    }
    found(of_directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0, 1)),
            ("Bytes=5-", Wanted::Part(5, 5)),
            ("bytes=-3", Wanted::Part(7, 3)),
            ("bytes=-30", Wanted::Part(0, 10)),
            ("bytes=8-99", Wanted::Part(8, 2)),
            ("bytes=10-", Wanted::Impossible),
            ("bytes=-0", Wanted::Impossible),
            ("bytes=5-4", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::Impossible),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=20-30,0-1", Wanted::Part(0, 2)),
            ("bytes=0-1, 20-30", Wanted::Part(0, 2)),
            ("bytes=20-30,40-", Wanted::Impossible),
            ("bytes=10-x", Wanted::All),
            ("bytes=0-1,x", Wanted::All),
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
    fn times_without_a_date_have_none() {
        let epoch = SystemTime::UNIX_EPOCH;
        for (time, expected) in [
            (epoch - Duration::from_secs(1), false),
            (epoch, true),
            (epoch + Duration::from_secs(253_402_300_799), true),
            (epoch + Duration::from_secs(253_402_300_800), false),
        ] {
            assert_eq!(has_date(time), expected);
            let opened = Opened {
                content: Content::Bytes(Bytes::new()),
                length: 0,
                tag: String::new(),
                modified: Some(time).filter(|time| has_date(*time)),
            };
            let mut headers = HeaderMap::new();
            let answer = opened.answer(&Conditions::default(), StatusCode::OK, &mut headers);
            assert!(answer.is_ok());
            assert_eq!(headers.contains_key(header::LAST_MODIFIED), expected);
        }
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
        let page = || Some(Below::File(format!("{root}/sub/index.html")));
        assert_eq!(find(&["sub", "index.html"]), page());
        assert_eq!(find(&["sub", ""]), page());
        assert_eq!(find(&["sub"]), Some(Below::Directory));
        assert_eq!(find(&["sub", "index.html", ""]), None);
        let wide = |segments: &[&str]| below(&files, "", segments);
        assert_eq!(wide(&["etc", "passwd"]), None);
        assert_eq!(
            wide(&["Cargo.toml"]),
            Some(Below::File("./Cargo.toml".to_owned()))
        );
        assert_eq!(find(&["..", "secret"]), None);
        assert_eq!(find(&["link"]), None);
        assert_eq!(find(&[]), None);
    }
}
