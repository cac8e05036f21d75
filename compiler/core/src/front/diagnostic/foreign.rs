//! Names of other languages: what to write instead.

/// What a name of another language is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// The same thing has this name.
    Named(&'static str),
    /// There is no such thing; this says what to do.
    Advice(&'static str),
}

impl Foreign {
    /// The hint to print.
    #[must_use]
    pub fn hint(self) -> String {
        match self {
            Self::Named(name) => format!("in Sema this is '{name}'"),
            Self::Advice(text) => text.to_owned(),
        }
    }
}

/// Looks a name up among those of Scheme, Common Lisp, Emacs Lisp, Clojure and Racket (and a few other
/// languages) that do not exist in Sema.
#[must_use]
pub fn foreign_name(name: &str) -> Option<Foreign> {
    names().find_map(|(foreign, meaning)| (foreign == name).then_some(meaning))
}

/// All such names.
fn names() -> impl Iterator<Item = (&'static str, Foreign)> {
    FOREIGN_NAMES.lines().filter_map(|line| {
        let (name, rest) = line.split_once(' ')?;
        let meaning = match rest.split_once(' ')? {
            ("=", here) => Foreign::Named(here),
            (_, advice) => Foreign::Advice(advice),
        };
        Some((name, meaning))
    })
}

/// A name a line, sorted; behind `=` what it is called here, behind `:` what to do.
static FOREIGN_NAMES: &str = include_str!("foreign-names.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(
            names()
                .map(|(name, _)| name)
                .is_sorted_by(|one, next| one < next)
        );
        assert_eq!(names().count(), FOREIGN_NAMES.lines().count());
        assert!(names().count() > 300);
    }

    /// What the table sends people to exists, and what it says not to exist does not.
    #[test]
    fn the_table_names_what_there_is() {
        use crate::front::expand::prelude::PRELUDE;
        use crate::front::names::SPECIAL_FORMS;
        use crate::ir::Builtin;
        let words = ["#f", "#t", "nil", "else"];
        let exists = |name: &str| {
            words.contains(&name)
                || Builtin::find(name).is_some()
                || SPECIAL_FORMS.iter().any(|(form, _)| *form == name)
                || PRELUDE.iter().any(|item| item.name == name)
                || crate::front::diagnostic::suggest::tier_elsewhere(name).is_some()
        };
        let wrong = names().filter(|(foreign, meaning)| {
            let leads_nowhere = match meaning {
                Foreign::Named(name) => !exists(name),
                Foreign::Advice(_) => false,
            };
            exists(foreign) || leads_nowhere
        });
        let wrong: Vec<&str> = wrong.map(|(foreign, _)| foreign).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
