//! The codes of messages, as docs/codes.md explains them.

/// The page of the codes: a section for each.
const PAGE: &str = include_str!("../../../docs/codes.md");

/// Code, title and text of each section.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    PAGE.split("\n## ").skip(1).filter_map(|section| {
        let (heading, text) = section.split_once('\n')?;
        let (code, title) = heading.split_once(' ')?;
        Some((code, title, text.trim()))
    })
}

/// Whether there is a code.
#[must_use]
pub fn exists(code: &str) -> bool {
    sections().any(|(other, _, _)| other == code)
}
