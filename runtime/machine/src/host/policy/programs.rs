//! Programs in rules. A name means what the directories of PATH make of it when the program is started, a path means a
//! file.

use std::path::Path;

use super::paths::{Last, resolve};

/// Whether two paths lead to one file.
fn is_one_file(base: &Path, one: &Path, other: &Path) -> bool {
    let one = resolve(base, one, Last::Followed);
    one.is_some() && one == resolve(base, other, Last::Followed)
}

fn is_name(name: &str, text: &str, is_prefix: bool) -> bool {
    match is_prefix {
        true => name.starts_with(text),
        false => name == text,
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a rule that allows a program allows this one: it is called in the same way, or both are paths of one file.
pub(super) fn is_allowed(base: &Path, target: &str, text: &str, is_prefix: bool) -> bool {
    is_name(target, text, is_prefix)
        || !is_prefix
            && target.contains('/')
            && text.contains('/')
            && is_one_file(base, target.as_ref(), text.as_ref())
}

/// Whether a rule that denies a program denies this one. It does in case of doubt: a name stands for all files of that
/// name, a file for all that its name and the directories of PATH may mean.
pub(super) fn is_denied(base: &Path, target: &str, text: &str, is_prefix: bool) -> bool {
    if is_name(target, text, is_prefix) {
        return true;
    }
    let file = resolve(base, target.as_ref(), Last::Followed);
    if !text.contains('/') {
        let file = file.as_deref().and_then(Path::file_name);
        let file = file.and_then(|name| name.to_str()).unwrap_or_default();
        return target.contains('/')
            && (is_name(last_part(target), text, is_prefix) || is_name(file, text, is_prefix));
    }
    let is_file = |path: &Path| match is_prefix {
        true => resolve(base, path, Last::Followed)
            .is_none_or(|path| path.to_string_lossy().starts_with(text)),
        false => is_one_file(base, path, text.as_ref()),
    };
    if target.starts_with('/') {
        return is_file(target.as_ref());
    }
    // A process may be started in another directory, and with another PATH.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = std::env::split_paths(&path);
    is_name(last_part(target), last_part(text), is_prefix)
        || target.contains('/') && is_file(target.as_ref())
        || !target.contains('/') && directories.any(|directory| is_file(&directory.join(target)))
}
