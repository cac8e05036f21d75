//! Paths as texts. Except where noted nothing here looks at the file system.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::core::system::files::failed;
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, text};
use sema_machine::host::condition::{Outcome, type_error};
use sema_machine::host::native::Capability;
use sema_machine::memory::value::Value;
use sema_machine::natives;
use sema_machine::platform::files;

natives! {
    /// The parts put together to one path. A part that is absolute replaces what stands before it.
    /// (path/join "docs" "guide.md") => "docs/guide.md"
    /// (path/join "docs" "/etc") => "/etc"
    "path/join" (part: String, more*: String) -> String, pure => join;

    /// The path without its last component; "" when nothing is left.
    /// (path/dir "a/b/c.txt") => "a/b"
    /// (path/dir "c.txt") => ""
    "path/dir" (path: String) -> String, pure => directory;

    /// The path without its last component; "" when nothing is left.
    /// (path/dirname "/usr/lib") => "/usr"
    "path/dirname" (path: String) -> String, pure => directory_name;

    /// The last component of a path; "" when it is none or `..`.
    /// (path/filename "a/b/c.txt") => "c.txt"
    "path/filename" (path: String) -> String, pure => file_name;

    /// The last component of a path; "" when it is none or `..`.
    /// (path/basename "a/b/") => "b"
    "path/basename" (path: String) -> String, pure => base_name;

    /// What follows the last dot of the last component; "" when there is no dot, or only the leading one
    /// of a hidden file.
    /// (path/extension "pack.tar.gz") => "gz"
    /// (path/extension ".profile") => ""
    "path/extension" (path: String) -> String, pure => extension;

    /// What follows the last dot of the last component; "" when there is no dot, or only the leading one
    /// of a hidden file.
    /// (path/ext "src/main.sema") => "sema"
    "path/ext" (path: String) -> String, pure => extension_short;

    /// The last component without its extension.
    /// (path/stem "src/main.sema") => "main"
    "path/stem" (path: String) -> String, pure => stem;

    /// Whether a path begins at the root.
    /// (path/absolute? "/tmp") => #t
    /// (path/absolute? "tmp") => #f
    "path/absolute?" (path: String) -> Bool, pure => is_absolute;

    /// The absolute path of what exists at a path, with all symbolic links resolved. Raises if there is
    /// nothing.
    /// (path/absolute "/") => "/"
    /// (path/absolute "no-such-file.txt") => error No such file or directory
    "path/absolute" (path: String) -> String, needs(Capability::FsRead) => absolute;

    /// The absolute path of what exists at a path, with all symbolic links resolved. Raises if there is
    /// nothing.
    /// (path/canonicalize "/./..") => "/"
    "path/canonicalize" (path: String) -> String, needs(Capability::FsRead) => canonicalize;

    /// The relative path that leads from the directory `base` to `target`; `.` when they are the same.
    /// Both are compared by their text, from the working directory if they are relative.
    /// (path/relative-to "/a/b" "/a/c/d") => "../c/d"
    "path/relative-to" (base: String, target: String) -> String => relative_to;

    /// Whether `target` is the directory `base` or lies in it. Both are compared by their text, from the
    /// working directory if they are relative; links are not looked at.
    /// (path/within? "/data" "/data/x/../y") => #t
    /// (path/within? "/data" "/data/../etc") => #f
    "path/within?" (base: String, target: String) -> Bool => is_within;
}

fn join(host: &Host, args: &[Value]) -> Outcome {
    let mut joined = PathBuf::new();
    for &part in args {
        match host.heap.as_str(part) {
            Some(part) => joined.push(part),
            None => return Err(type_error(host, "string", part)),
        }
    }
    Ok(host.heap.string(&joined.to_string_lossy()))
}

/// A part of a path as a string; `""` when there is none.
fn part<'p>(
    host: &'p Host,
    function: &str,
    args: &[Value],
    part: fn(&'p Path) -> Option<&'p OsStr>,
) -> Outcome {
    let path = Path::new(text(host, function, args, 0)?);
    let part = part(path).unwrap_or_default();
    Ok(host.heap.string(&part.to_string_lossy()))
}

fn parent(path: &Path) -> Option<&OsStr> {
    path.parent().map(Path::as_os_str)
}

fn directory(host: &Host, args: &[Value]) -> Outcome {
    part(host, "path/dir", args, parent)
}

fn directory_name(host: &Host, args: &[Value]) -> Outcome {
    part(host, "path/dirname", args, parent)
}

fn file_name(host: &Host, args: &[Value]) -> Outcome {
    part(host, "path/filename", args, Path::file_name)
}

fn base_name(host: &Host, args: &[Value]) -> Outcome {
    part(host, "path/basename", args, Path::file_name)
}

fn extension(host: &Host, args: &[Value]) -> Outcome {
    part(host, "path/extension", args, Path::extension)
}

fn extension_short(host: &Host, args: &[Value]) -> Outcome {
    part(host, "path/ext", args, Path::extension)
}

fn stem(host: &Host, args: &[Value]) -> Outcome {
    part(host, "path/stem", args, Path::file_stem)
}

fn is_absolute(host: &Host, args: &[Value]) -> Outcome {
    let path = text(host, "path/absolute?", args, 0)?;
    Ok(Value::bool(Path::new(path).is_absolute()))
}

fn resolve(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let path = text(host, function, args, 0)?;
    let resolved =
        files::resolve(Path::new(path)).map_err(|error| failed(function, path, &error))?;
    Ok(host.heap.string(&resolved.to_string_lossy()))
}

fn absolute(host: &Host, args: &[Value]) -> Outcome {
    resolve(host, "path/absolute", args)
}

fn canonicalize(host: &Host, args: &[Value]) -> Outcome {
    resolve(host, "path/canonicalize", args)
}

/// The components of a path made absolute (against the working directory), without `.` and `..`.
fn normalized(path: &str) -> PathBuf {
    let start = if Path::new(path).is_absolute() {
        PathBuf::new()
    } else {
        // Without a working directory relative paths still compare with each other.
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    };
    let mut whole = PathBuf::new();
    for component in start.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            other => whole.push(other),
        }
    }
    whole
}

fn relative_to(host: &Host, args: &[Value]) -> Outcome {
    let base = normalized(text(host, "path/relative-to", args, 0)?);
    let target = normalized(text(host, "path/relative-to", args, 1)?);
    let common = base
        .components()
        .zip(target.components())
        .take_while(|(a, b)| a == b)
        .count();
    let mut way: PathBuf = base
        .components()
        .skip(common)
        .map(|_| Component::ParentDir)
        .collect();
    way.extend(target.components().skip(common));
    if way.as_os_str().is_empty() {
        way.push(".");
    }
    Ok(host.heap.string(&way.to_string_lossy()))
}

fn is_within(host: &Host, args: &[Value]) -> Outcome {
    let base = normalized(text(host, "path/within?", args, 0)?);
    text(host, "path/within?", args, 1)?;
    let target = host.heap.as_str(argument(args, 1)).map(normalized);
    Ok(Value::bool(
        target.is_some_and(|target| target.starts_with(base)),
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, type_message};
    use sema_machine::memory::value::Value;

    #[test]
    fn parts_and_joins() {
        let bench = Bench::new();
        for (function, args, expected) in [
            ("path/join", &["a", "b"][..], "a/b"),
            ("path/join", &["a", "/b"], "/b"),
            ("path/join", &["a", ""], "a/"),
            ("path/dir", &["b.txt"], ""),
            ("path/dirname", &["a/b/"], "a"),
            ("path/dir", &["/a"], "/"),
            ("path/dir", &["/"], ""),
            ("path/basename", &["a/b/"], "b"),
            ("path/filename", &["a/.."], ""),
            ("path/ext", &["a.tar.gz"], "gz"),
            ("path/extension", &[".bashrc"], ""),
            ("path/stem", &["a.tar.gz"], "a.tar"),
            ("path/stem", &[".bashrc"], ".bashrc"),
            ("path/relative-to", &["/a/b", "/a/c/d"], "../c/d"),
            ("path/relative-to", &["a/b", "a/b"], "."),
            ("path/relative-to", &["a/../b", "b//c/."], "c"),
        ] {
            assert_eq!(
                bench.on_texts(function, args),
                expected,
                "{function} {args:?}"
            );
        }
        let error = bench.error("path/join", &[bench.text("a"), Value::small(5)]);
        assert_eq!(type_message(error), "expected string, got int");
    }

    #[test]
    fn containment_is_lexical() {
        let bench = Bench::new();
        for (base, target, expected) in [
            ("/a", "/a/b", true),
            ("/a", "/ab", false),
            ("/a", "/a/../b", false),
            ("a", "a", true),
            (".", "../a", false),
            ("a/..", "b", true),
        ] {
            let args = [bench.text(base), bench.text(target)];
            assert_eq!(
                bench.call("path/within?", &args),
                Value::bool(expected),
                "{base} {target}"
            );
        }
    }
}
