//! Suggestions for names that are not bound: names of other Lisps, then near misses.

use super::foreign::foreign_name;

/// A hint for an unbound name: what another Lisp's name is called here, else the nearest of `candidates`.
#[must_use]
pub fn unbound_hint<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    if let Some(tier) = tier_elsewhere(name) {
        return Some(format!(
            "'{name}' is a builtin of tier {tier}, which this semac does not have: `semac doc --list` shows what \
             it has; build with one that has the tier"
        ));
    }
    if let Some(foreign) = foreign_name(name) {
        return Some(foreign.hint());
    }
    nearest_name(name, candidates).map(|near| format!("Did you mean '{near}'?"))
}

/// The candidate with the smallest edit distance to `name`, if that is at most a fourth of the name's length, and
/// at most three; in names of less than four letters only two neighbours may have changed places. Of several
/// equally near ones the first in alphabetical order, so that the answer does not depend on the order of the
/// candidates.
#[must_use]
pub fn nearest_name<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().collect();
    // In a short name every letter counts: what differs in one is another word.
    let limit = (wanted.len() / 4).clamp(1, 3);
    let short = wanted.len() < 4;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let allowed = best.map_or(limit, |(distance, _)| distance);
        let other: Vec<char> = candidate.chars().collect();
        if other.len().abs_diff(wanted.len()) > allowed
            || short && !has_same_letters(&wanted, &other)
            || !has_same_marks(name, candidate)
        {
            continue;
        }
        if let Some(distance) = edit_distance(&wanted, &other, allowed)
            && candidate != name
            && best.is_none_or(|best| (distance, candidate) < best)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A question mark, an exclamation mark or a sign of comparison says what kind of thing a name is for: a name with other
/// marks is another word, unless the mark at the end is all that differs.
fn has_same_marks(name: &str, candidate: &str) -> bool {
    let marks = |name: &str| {
        let is_mark = |character: &char| "?!<>=+*%".contains(*character);
        name.chars().filter(is_mark).collect::<String>()
    };
    let stem = |name: &'_ str| name.trim_end_matches(['?', '!']).to_owned();
    marks(name) == marks(candidate) || stem(name) == stem(candidate)
}

fn has_same_letters(left: &[char], right: &[char]) -> bool {
    let sorted = |letters: &[char]| {
        let mut letters = letters.to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(left) == sorted(right)
}

/// The number of insertions, deletions, replacements and exchanges of neighbours between the two, if it is at most
/// `limit`.
fn edit_distance(left: &[char], right: &[char], limit: usize) -> Option<usize> {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=left.len()).collect();
    for (line, character) in right.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(line + 1);
        for (column, other) in left.iter().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, column) + usize::from(other != character);
            let mut cell = replaced
                .min(at(&row, column + 1) + 1)
                .min(at(&next, column) + 1);
            let exchanged = line > 0
                && column > 0
                && right.get(line - 1) == Some(other)
                && left.get(column - 1) == Some(character);
            if exchanged {
                cell = cell.min(at(&before, column - 1) + 1);
            }
            next.push(cell);
        }
        if next
            .iter()
            .min()
            .is_some_and(|smallest| *smallest > limit + 1)
        {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= limit)
}

/// The tier that has a builtin which this compiler lacks.
#[must_use]
pub fn tier_elsewhere(name: &str) -> Option<&'static str> {
    let mut lines = BUILTINS_ELSEWHERE.lines();
    lines
        .find_map(|line| line.split_once(' ').filter(|(builtin, _)| *builtin == name))
        .map(|(_, tier)| tier)
}

/// Builtins of the language above tier core, a line each with the tier. Those that this compiler has are never
/// looked up here.
static BUILTINS_ELSEWHERE: &str = include_str!("builtins-elsewhere.txt");

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = [
        "map",
        "mapcar",
        "println",
        "print",
        "string-append",
        "vector",
        "reverse",
        "filter",
    ];

    #[test]
    fn near_names() {
        for (name, expected) in [
            ("prntln", Some("println")),
            ("prinltn", Some("println")),
            ("printn", Some("print")),
            ("fliter", Some("filter")),
            ("string-apend", Some("string-append")),
            ("mapp", Some("map")),
            ("amp", Some("map")),
            ("ma", None),
            ("mep", None),
            ("set", None),
            ("qqq", None),
            ("λ", None),
            ("", None),
            ("completely-different-name", None),
        ] {
            assert_eq!(nearest_name(name, NAMES), expected, "{name}");
        }
        assert_eq!(nearest_name("set", ["get"]), None);
        assert_eq!(nearest_name("br", ["or"]), None);
        // Not itself, and independent of the order of the candidates.
        assert_eq!(nearest_name("map", ["map"]), None);
        assert_eq!(nearest_name("cats", ["cars", "bats"]), Some("bats"));
        assert_eq!(nearest_name("cats", ["bats", "cars"]), Some("bats"));
    }

    #[test]
    fn distances() {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        let distance = |left, right, limit| edit_distance(&letters(left), &letters(right), limit);
        assert_eq!(distance("kitten", "sitting", 3), Some(3));
        assert_eq!(distance("kitten", "sitting", 2), None);
        assert_eq!(distance("", "ab", 3), Some(2));
        assert_eq!(distance("é", "e", 3), Some(1));
        assert_eq!(distance("abc", "abc", 0), Some(0));
        assert_eq!(distance("abcd", "abdc", 1), Some(1));
    }

    #[test]
    fn builtins_of_other_tiers() {
        assert_eq!(tier_elsewhere("http/get"), Some("net"));
        assert_eq!(tier_elsewhere("http"), None);
        let hint = unbound_hint("http/get", NAMES).unwrap();
        assert!(hint.contains("tier net"), "{hint}");
    }

    #[test]
    fn names_of_other_languages() {
        assert_eq!(
            unbound_hint("setq", NAMES).as_deref(),
            Some("in Sema this is 'set!'")
        );
        let hint = foreign_name("call/cc").unwrap().hint();
        assert!(hint.contains("continuations"), "{hint}");
        assert_eq!(
            unbound_hint("prntln", NAMES).as_deref(),
            Some("Did you mean 'println'?")
        );
        assert_eq!(unbound_hint("my-own-thing", NAMES), None);
    }
}
