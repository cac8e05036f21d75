//! What a person may have meant by an unknown name.

/// Names of other Lisps that are not close to what they are called here, and what to do instead.
const FOREIGN_NAMES: &[(&str, &str)] = &[
    (
        "=>",
        "`cond` has no `=>` clauses; bind the value with `if-let`",
    ),
    ("add1", "write (+ n 1)"),
    ("atom", "use a variable with `set!`, or `mutable-cell/new`"),
    ("box", "use `mutable-cell/new`"),
    (
        "call-with-current-continuation",
        "there are no continuations; leave early with `throw` and `try`",
    ),
    (
        "call/cc",
        "there are no continuations; leave early with `throw` and `try`",
    ),
    ("dec", "write (- n 1)"),
    ("defparameter", "define variables with `define`"),
    ("defvar", "define variables with `define`"),
    (
        "deref",
        "get the value of a promise with `force` or `await`, of a cell with `mutable-cell/get`",
    ),
    ("dolist", "use `for-each`"),
    ("doseq", "use `for-each`"),
    ("dynamic-wind", "clean up in `try`, or use `with-stream`"),
    (
        "error-message",
        "the condition bound by `catch` is a map: (:message e)",
    ),
    (
        "finally",
        "`try` has no `finally`; clean up in `catch` and after the `try`",
    ),
    ("funcall", "call functions directly: (f x), or with `apply`"),
    (
        "hash-set!",
        "maps are immutable; `assoc` gives a changed copy",
    ),
    ("inc", "write (+ n 1)"),
    (
        "into",
        "convert with `list->vector` or `vector->list`, join with `append`",
    ),
    (
        "let-syntax",
        "macros are defined at top level with `define-syntax`",
    ),
    ("letrec*", "use `letrec`, which sees earlier names too"),
    ("loop", "use a named `let`, `do` or `while`"),
    ("printf", "use `println` with `format`"),
    ("prn", "use `print`"),
    ("raise-continuable", "use `raise`"),
    (
        "recur",
        "call the function itself: tail calls do not grow the stack",
    ),
    ("reset!", "use `set!`, or `mutable-cell/set!`"),
    ("setf", "assign variables with `set!`"),
    ("setq", "assign variables with `set!`"),
    ("string=?", "compare with `=`"),
    ("sub1", "write (- n 1)"),
    ("swap!", "use `set!`, or `mutable-cell/set!`"),
    ("unquote", "`,` is only meaningful inside a quasiquote"),
    (
        "vector-set!",
        "vectors are immutable; a `mutable-array/new` can be changed in place",
    ),
    (
        "with-exception-handler",
        "use `try` with `catch`, or `guard`",
    ),
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
        if let Some((_, advice)) = foreign {
            return Some((*advice).to_string());
        }
        let length = name.chars().count();
        let limit = (length / 3).clamp(1, 3);
        let close = self
            .names
            .iter()
            .filter_map(|known| Some((distance(name, known, limit)?, known)))
            // A name with nothing in common is no suggestion.
            .filter(|(distance, _)| *distance < length);
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
            suggestions.hint("setq").as_deref(),
            Some("assign variables with `set!`")
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
