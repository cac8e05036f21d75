//! Where a path really leads: links and `..` followed as the kernel follows them, for files that need not exist.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Most links on the way, as in the kernel.
const MOST_LINKS: usize = 40;

/// What to do with a link that is the last part of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It means what it leads to: the file is opened.
    Followed,
    /// It means the link: it is removed or renamed.
    Itself,
}

/// The absolute path without links and `..` that `path` means, relative to `base`. Parts that do not exist are kept.
/// `None`: links go round in circles.
pub fn resolve(base: &Path, path: &Path, last: Last) -> Option<PathBuf> {
    let mut ahead: VecDeque<OsString> = parts(&base.join(path)).collect();
    let mut reached = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(&part);
        let is_link_itself = ahead.is_empty() && last == Last::Itself;
        match std::fs::read_link(&next) {
            Ok(target) if !is_link_itself => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                if target.is_absolute() {
                    reached = PathBuf::from("/");
                }
                for part in parts(&target).rev() {
                    ahead.push_front(part);
                }
            }
            // No link, or nothing at all.
            _ => reached = next,
        }
    }
    Some(reached)
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}
