//! Paths as text: `/` between parts, absolute ones start with it.

/// The directory of a file.
pub(crate) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => "",
    }
}

/// A path seen from a directory.
pub(crate) fn join(directory: &str, path: &str) -> String {
    if path.starts_with('/') {
        normal(path)
    } else {
        normal(&format!("{directory}/{path}"))
    }
}

/// Without empty parts, `.` and, where possible, `..`.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let absolute = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let start = if absolute { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}

/// An absolute path as seen from an absolute directory.
pub(crate) fn relative(directory: &str, path: &str) -> String {
    let from: Vec<&str> = directory
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let to: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let common = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right)
        .count();
    let up = std::iter::repeat_n("..", from.len() - common);
    let down = to.iter().skip(common).copied();
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(normal("/a/./b//../c"), "/a/c");
        assert_eq!(normal("/../a"), "/a");
        assert_eq!(normal("../../a/../b"), "../../b");
        assert_eq!(join("/p", "./lib/../m.sema"), "/p/m.sema");
        assert_eq!(parent("/p/m.sema"), "/p");
        assert_eq!(parent("/m.sema"), "/");
        assert_eq!(relative("/p/a", "/p/b/c"), "../b/c");
        assert_eq!(relative("/p", "/p/b/c"), "b/c");
    }
}
