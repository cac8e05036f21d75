//! What a person may have meant by an unknown name.

/// Names of other Lisps and what they are called here.
const FOREIGN_NAMES: &[(&str, &str)] = &[
    ("atom", "mutable-cell/new"),
    ("box", "mutable-cell/new"),
    ("call/cc", "try"),
    ("car-safe", "car"),
    ("defvar", "define"),
    ("defparameter", "define"),
    ("elt", "nth"),
    ("fold", "foldl"),
    ("fold-left", "foldl"),
    ("fold-right", "foldr"),
    ("funcall", "apply"),
    ("hash-ref", "get"),
    ("hash-set", "assoc"),
    ("hash-set!", "assoc"),
    ("inc", "+"),
    ("into", "append"),
    ("loop", "let"),
    ("mapcar", "map"),
    ("printf", "format"),
    ("prn", "print"),
    ("remove", "filter"),
    ("reset!", "mutable-cell/set!"),
    ("setf", "set!"),
    ("setq", "set!"),
    ("string-length", "string/length"),
    ("swap!", "mutable-cell/set!"),
    ("vector-ref", "nth"),
    ("with-exception-handler", "try"),
];

/// Known names to compare unknown ones with.
pub(super) struct Suggestions<'n> {
    names: Vec<&'n str>,
}

impl<'n> Suggestions<'n> {
    pub(super) fn new(names: impl Iterator<Item = &'n str>) -> Suggestions<'n> {
        let mut names: Vec<&str> = names.collect();
        // Equal distances are decided by order, which must not depend on hashing.
        names.sort_unstable();
        names.dedup();
        Suggestions { names }
    }

    /// A hint for an unknown name.
    pub(super) fn hint(&self, name: &str) -> Option<String> {
        let foreign = FOREIGN_NAMES.iter().find(|(foreign, _)| *foreign == name);
        if let Some((_, here)) = foreign {
            return Some(format!("`{name}` is written `{here}` in Sema"));
        }
        let limit = (name.chars().count() / 3).clamp(1, 3);
        let close = self
            .names
            .iter()
            .filter_map(|known| Some((distance(name, known, limit)?, known)));
        let (_, best) = close.min_by_key(|(distance, _)| *distance)?;
        Some(format!("Did you mean '{best}'?"))
    }
}

/// The edit distance of two words, if it is not above the limit.
fn distance(left: &str, right: &str, limit: usize) -> Option<usize> {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    if left.len().abs_diff(right.len()) > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(index + 1);
        for ((b, above), above_next) in right.iter().zip(&row).zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or(usize::MAX);
            let substituted = above + usize::from(a != b);
            next.push(substituted.min(above_next + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        let suggestions = Suggestions::new(["length", "println", "map"].into_iter());
        assert_eq!(
            suggestions.hint("lenght").as_deref(),
            Some("Did you mean 'length'?")
        );
        assert_eq!(
            suggestions.hint("printl").as_deref(),
            Some("Did you mean 'println'?")
        );
        assert_eq!(
            suggestions.hint("mapcar").as_deref(),
            Some("`mapcar` is written `map` in Sema")
        );
        assert_eq!(suggestions.hint("zebra"), None);
    }

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting", 3), Some(3));
        assert_eq!(distance("kitten", "sitting", 2), None);
        assert_eq!(distance("", "ab", 3), Some(2));
    }
}
