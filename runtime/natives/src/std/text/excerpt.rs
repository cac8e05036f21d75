//! The surroundings of a place in a text.

/// The first place where a text contains another, whatever the case, with so many characters on both sides.
pub fn around(text: &str, query: &str, radius: usize, omission: &str) -> Option<String> {
    // Lower case may have more characters than the text, and depends on the neighbours (ς at the end of a word).
    let lower = text.to_lowercase();
    let at = lower.find(&query.to_lowercase())?;
    let end = at + query.to_lowercase().len();
    let (mut first, mut last) = (None, 0);
    let mut lower_at = 0;
    let mut lower_characters = lower.chars();
    let mut count = 0;
    for (index, character) in text.chars().enumerate() {
        let lower_end = lower_at
            + (lower_characters.by_ref())
                .take(character.to_lowercase().count())
                .map(char::len_utf8)
                .sum::<usize>();
        if lower_end > at && first.is_none() {
            first = Some(index);
        }
        if lower_at < end {
            last = index + 1;
        }
        lower_at = lower_end;
        count = index + 1;
    }
    let first = first.unwrap_or(count);
    let last = last.max(first);
    let start = first.saturating_sub(radius);
    let stop = last.saturating_add(radius).min(count);
    let part: String = text.chars().skip(start).take(stop - start).collect();
    let before = if start > 0 { omission } else { "" };
    let behind = if stop < count { omission } else { "" };
    Some(format!("{before}{part}{behind}"))
}
