//! Golden files.

use std::fs;
use std::path::Path;

/// Compares a text with a golden file, or writes it there under `SEMAC_BLESS=1`.
///
/// # Panics
/// If they differ.
#[track_caller]
pub fn check(file: &Path, actual: &str) {
    if std::env::var_os("SEMAC_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(file.parent().expect("golden files lie in a directory"))
            .and_then(|()| fs::write(file, actual))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        return;
    }
    let expected = fs::read_to_string(file).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; SEMAC_BLESS=1 writes golden files",
            file.display()
        )
    });
    assert_eq!(
        actual,
        expected,
        "{} differs; SEMAC_BLESS=1 rewrites it",
        file.display()
    );
}
