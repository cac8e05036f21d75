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
const SEPARATORS: [&str; 8] = ["\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " "];

/// A piece, and whether it begins with characters of the one before already.
struct Piece {
    text: String,
    overlaps: bool,
}

/// The pieces of a text.
pub fn pieces(text: &str, sizes: Sizes) -> Vec<String> {
    let overlap = match sizes.overlap {
        overlap if overlap < sizes.size => overlap,
        _ => 0,
    };
    let mut found = Vec::new();
    if !text.is_empty() {
        split(text, sizes.size, overlap, &SEPARATORS, &mut found);
    }
    let mut before = "";
    (found.iter())
        .map(|piece| {
            let before = std::mem::replace(&mut before, &piece.text);
            match piece.overlaps {
                true => piece.text.clone(),
                false => format!("{}{}", last_characters(before, overlap), piece.text),
            }
        })
        .collect()
}

fn last_characters(text: &str, count: usize) -> &str {
    if count == 0 {
        return "";
    }
    let start = text.char_indices().rev().nth(count - 1);
    start.map_or(text, |(at, _)| text.get(at..).unwrap_or_default())
}

/// Appends the pieces of a text, cut at the first separator that makes parts small enough.
fn split(text: &str, size: usize, overlap: usize, separators: &[&str], found: &mut Vec<Piece>) {
    if text.chars().count() <= size {
        found.push(Piece {
            text: text.to_owned(),
            overlaps: false,
        });
        return;
    }
    let Some((separator, finer)) = separators.split_first() else {
        return cut(text, size, overlap, found);
    };
    let gap = separator.chars().count();
    let mut piece = String::new();
    let mut length = 0;
    let push = |piece: &mut String, found: &mut Vec<Piece>| {
        if !piece.is_empty() {
            found.push(Piece {
                text: std::mem::take(piece),
                overlaps: false,
            });
        }
    };
    for part in text.split(separator) {
        let part_length = part.chars().count();
        if !piece.is_empty() && length + gap + part_length <= size {
            piece.push_str(separator);
            piece.push_str(part);
            length += gap + part_length;
            continue;
        }
        push(&mut piece, found);
        length = part_length;
        if part_length > size {
            split(part, size, overlap, finer, found);
        } else {
            piece.push_str(part);
        }
    }
    push(&mut piece, found);
}

/// Cuts a text without separators: each piece begins before the end of the last one.
fn cut(text: &str, size: usize, overlap: usize, found: &mut Vec<Piece>) {
    let step = size - overlap;
    let mut rest = text;
    let mut overlaps = false;
    while !rest.is_empty() {
        let at = |count: usize| (rest.char_indices().nth(count)).map_or(rest.len(), |(at, _)| at);
        let (end, next) = (at(size), at(step));
        found.push(Piece {
            text: rest.get(..end).unwrap_or_default().to_owned(),
            overlaps,
        });
        overlaps = overlap > 0;
        rest = rest.get(next..).unwrap_or_default();
    }
}
