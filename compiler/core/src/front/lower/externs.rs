//! Host functions that a program may rely on: they exist only where it will run, so they are declared to the
//! compiler.

use std::str::FromStr;

use crate::ir::Builtin;

/// A function that whoever runs a program adds to the builtins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// Its name.
    pub name: String,
    /// How many arguments it takes at least.
    pub least: u16,
    /// How many at most, if there is a limit.
    pub most: Option<u16>,
}

/// Why a declaration of a host function is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExternError {
    /// It has no name, or one that programs cannot write.
    #[error("a host function is declared as NAME, NAME/COUNT, NAME/LEAST-MOST or NAME/LEAST-")]
    Name,
    /// The least number of arguments is greater than the most.
    #[error("{least} arguments at least and {most} at most: no call has both")]
    Count {
        /// The least number.
        least: u16,
        /// The greatest.
        most: u16,
    },
    /// A builtin has this name, which a host function cannot have.
    #[error("`{0}` is a builtin: a host function needs another name")]
    Builtin(String),
}

impl FromStr for HostFunction {
    type Err = ExternError;

    /// Reads `app/price/1`: what follows the last slash is the number of arguments if it looks like one. Any number is
    /// accepted without it.
    fn from_str(text: &str) -> Result<HostFunction, ExternError> {
        let counted = text
            .rsplit_once('/')
            .and_then(|(name, count)| Some((name, counts(count)?)));
        let (name, (least, most)) = counted.unwrap_or((text, (0, None)));
        let wrong = |c: char| c.is_whitespace() || c.is_control() || "()[]{}\"';`,".contains(c);
        if name.is_empty() || name.contains(wrong) || name.starts_with(['%', ':']) {
            return Err(ExternError::Name);
        }
        if let Some(most) = most
            && most < least
        {
            return Err(ExternError::Count { least, most });
        }
        if Builtin::find(name).is_some() {
            return Err(ExternError::Builtin(name.to_owned()));
        }
        let name = name.to_owned();
        Ok(HostFunction { name, least, most })
    }
}

/// The numbers of arguments that `2`, `1-3` and `1-` stand for.
fn counts(text: &str) -> Option<(u16, Option<u16>)> {
    match text.split_once('-') {
        None => {
            let count = text.parse().ok()?;
            Some((count, Some(count)))
        }
        Some((least, "")) => Some((least.parse().ok()?, None)),
        Some((least, most)) => Some((least.parse().ok()?, Some(most.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations() {
        let read = |text: &str| {
            let function = text.parse::<HostFunction>()?;
            Ok((function.name, function.least, function.most))
        };
        for (text, expected) in [
            ("tick", ("tick", 0, None)),
            ("app/price", ("app/price", 0, None)),
            ("app/price/1", ("app/price", 1, Some(1))),
            ("f/1-3", ("f", 1, Some(3))),
            ("f/2-", ("f", 2, None)),
            ("f/2-x", ("f/2-x", 0, None)),
            ("//2", ("/", 2, Some(2))),
        ] {
            let (name, least, most) = expected;
            // The name of a builtin, `/`, is refused.
            let expected = match name {
                "/" => Err(ExternError::Builtin("/".to_owned())),
                _ => Ok((name.to_owned(), least, most)),
            };
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["", "/1", "a b", "(f)", "%f", ":f"] {
            assert_eq!(read(text), Err(ExternError::Name), "{text}");
        }
        assert_eq!(read("f/3-1"), Err(ExternError::Count { least: 3, most: 1 }));
        assert_eq!(
            read("println"),
            Err(ExternError::Builtin("println".to_owned()))
        );
    }
}
