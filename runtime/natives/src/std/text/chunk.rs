//! Texts in pieces of a limited size.

/// How long pieces are, in characters.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Most characters of a piece, at least 1.
    pub size: usize,
    /// Characters of the piece before that a piece begins with.
    pub overlap: usize,
}

/// What stands between parts, the best places to cut first.
const SEPARATORS: [&str; 4] = ["\n\n", "\n", ". ", " "];

/// The pieces of a text.
pub fn pieces(text: &str, sizes: Sizes) -> Vec<String> {
    let mut found = Vec::new();
    split(text, sizes.size, &SEPARATORS, &mut found);
    let trimmed = (found.iter().map(|piece| piece.trim())).filter(|piece| !piece.is_empty());
    if sizes.overlap == 0 || sizes.overlap >= sizes.size {
        return trimmed.map(str::to_owned).collect();
    }
    let mut before = "";
    trimmed
        .map(|piece| {
            format!(
                "{}{piece}",
                last_characters(std::mem::replace(&mut before, piece), sizes.overlap)
            )
        })
        .collect()
}

fn last_characters(text: &str, count: usize) -> &str {
    let start = text.char_indices().rev().nth(count.saturating_sub(1));
    start.map_or(text, |(at, _)| text.get(at..).unwrap_or_default())
}

/// Appends the pieces of a text, cut at the first separator that makes parts small enough.
fn split(text: &str, size: usize, separators: &[&str], found: &mut Vec<String>) {
    if text.chars().count() <= size {
        found.push(text.to_owned());
        return;
    }
    let Some((separator, finer)) = separators.split_first() else {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .nth(size)
                .map_or(rest.len(), |(at, _)| at);
            let (piece, behind) = rest.split_at(end);
            found.push(piece.to_owned());
            rest = behind;
        }
        return;
    };
    let gap = separator.chars().count();
    let mut piece = String::new();
    let mut length = 0;
    for part in text.split(separator) {
        let part_length = part.chars().count();
        if !piece.is_empty() && length + gap + part_length <= size {
            piece.push_str(separator);
            piece.push_str(part);
            length += gap + part_length;
            continue;
        }
        if !piece.is_empty() {
            found.push(std::mem::take(&mut piece));
        }
        if part_length > size {
            split(part, size, finer, found);
            length = 0;
        } else {
            piece.push_str(part);
            length = part_length;
        }
    }
    if !piece.is_empty() {
        found.push(piece);
    }
}
