//! CSS selectors (Selectors Level 4), from text.

use super::{Attribute, Combinator, Complex, Compound, Nth, Operator, Simple};

/// Selectors inside of each other at most.
const DEEPEST: usize = 16;
/// Bytes of a selector at most.
const LONGEST: usize = 10_000;

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It ends too early.
    #[error("unexpected end of selector")]
    End,
    /// Something that may not stand there.
    #[error("unexpected `{0}` at character {1} of the selector")]
    Unexpected(char, usize),
    /// A pseudo-class that does not exist, or that only a browser knows.
    #[error("unsupported pseudo-class `:{0}`")]
    PseudoClass(String),
    /// Too long or nested.
    #[error("the selector is too long or nested too deeply")]
    TooLarge,
}

type Found<T> = Result<T, Problem>;

struct Parser<'s> {
    text: &'s str,
    at: usize,
    depth: usize,
}

/// Reads a list of selectors.
pub fn parse(text: &str) -> Found<Vec<Complex>> {
    if text.len() > LONGEST {
        return Err(Problem::TooLarge);
    }
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let list = parser.list(false)?;
    match parser.peek() {
        None => Ok(list),
        Some(_) => parser.unexpected(),
    }
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

fn is_name(character: char) -> bool {
    is_name_start(character) || character.is_ascii_digit() || character == '-'
}

/// Attributes whose values selectors compare in any case, unless they say otherwise (HTML, 4.16.2).
const IN_ANY_CASE: [&str; 46] = [
    "accept",
    "accept-charset",
    "align",
    "alink",
    "axis",
    "bgcolor",
    "charset",
    "checked",
    "clear",
    "codetype",
    "color",
    "compact",
    "declare",
    "defer",
    "dir",
    "direction",
    "disabled",
    "enctype",
    "face",
    "frame",
    "hreflang",
    "http-equiv",
    "lang",
    "language",
    "link",
    "media",
    "method",
    "multiple",
    "nohref",
    "noresize",
    "noshade",
    "nowrap",
    "readonly",
    "rel",
    "rev",
    "rules",
    "scope",
    "scrolling",
    "selected",
    "shape",
    "target",
    "text",
    "type",
    "valign",
    "valuetype",
    "vlink",
];

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn unexpected<T>(&self) -> Found<T> {
        match self.peek() {
            None => Err(Problem::End),
            Some(character) => {
                let before = self.text.get(..self.at).unwrap_or_default();
                Err(Problem::Unexpected(character, before.chars().count() + 1))
            }
        }
    }

    fn expect(&mut self, text: &str) -> Found<()> {
        match self.eat(text) {
            true => Ok(()),
            false => self.unexpected(),
        }
    }

    /// Skips white space; whether there was some.
    fn blank(&mut self) -> bool {
        let rest = self.rest();
        let length = rest.len() - rest.trim_ascii_start().len();
        self.at += length;
        length > 0
    }

    /// An identifier, with its escapes replaced.
    fn name(&mut self) -> Found<String> {
        let mut name = String::new();
        if self.eat("-") {
            name.push('-');
        }
        match self.peek() {
            Some(first)
                if is_name_start(first) || first == '\\' || first == '-' && !name.is_empty() => {}
            _ => return self.unexpected(),
        }
        self.name_rest(&mut name)?;
        Ok(name)
    }

    fn name_rest(&mut self, name: &mut String) -> Found<()> {
        while let Some(character) = self.peek() {
            if is_name(character) {
                name.push(character);
                self.next();
            } else if character == '\\' {
                self.next();
                name.push(self.escape()?);
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The character of an escape whose backslash has been read.
    fn escape(&mut self) -> Found<char> {
        let digits = (self.rest().bytes())
            .take(6)
            .take_while(u8::is_ascii_hexdigit)
            .count();
        if digits == 0 {
            return match self.next() {
                Some('\n') | None => Err(Problem::End),
                Some(character) => Ok(character),
            };
        }
        let number = self.rest().get(..digits).unwrap_or_default();
        let number = u32::from_str_radix(number, 16).unwrap_or(0);
        self.at += digits;
        if self
            .peek()
            .is_some_and(|character| character.is_ascii_whitespace())
        {
            self.next();
        }
        let character = char::from_u32(number).filter(|character| *character != '\0');
        Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn string(&mut self, quote: char) -> Found<String> {
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err(Problem::End),
                Some(character) if character == quote => return Ok(text),
                Some('\\') if self.eat("\n") => {}
                Some('\\') => text.push(self.escape()?),
                Some(character) => text.push(character),
            }
        }
    }

    /// Selectors with commas between them. Relative ones may begin with a combinator.
    fn list(&mut self, relative: bool) -> Found<Vec<Complex>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Problem::TooLarge);
        }
        let mut list = Vec::new();
        loop {
            self.blank();
            list.push(self.complex(relative)?);
            self.blank();
            if !self.eat(",") {
                self.depth -= 1;
                return Ok(list);
            }
        }
    }

    fn combinator(&mut self) -> Option<Combinator> {
        let combinator = match self.peek()? {
            '>' => Combinator::Child,
            '+' => Combinator::Next,
            '~' => Combinator::Later,
            _ => return None,
        };
        self.next();
        self.blank();
        Some(combinator)
    }

    fn complex(&mut self, relative: bool) -> Found<Complex> {
        let leading = match relative {
            true => Some(self.combinator().unwrap_or(Combinator::Descendant)),
            false => None,
        };
        let first = self.compound()?;
        let mut complex = Complex {
            leading,
            first,
            rest: Vec::new(),
        };
        loop {
            let blank = self.blank();
            let combinator = match self.combinator() {
                Some(combinator) => combinator,
                None if !blank || matches!(self.peek(), None | Some(',' | ')')) => {
                    return Ok(complex);
                }
                None => Combinator::Descendant,
            };
            complex.rest.push((combinator, self.compound()?));
        }
    }

    fn compound(&mut self) -> Found<Compound> {
        let mut compound = Compound::default();
        let start = self.at;
        match self.peek() {
            Some('*') => {
                self.next();
            }
            Some(first) if is_name_start(first) || matches!(first, '-' | '\\') => {
                compound
                    .parts
                    .push(Simple::Name(self.name()?.to_ascii_lowercase()));
            }
            _ => {}
        }
        loop {
            let part = match self.peek() {
                Some('#') => {
                    self.next();
                    Simple::Id(self.name()?)
                }
                Some('.') => {
                    self.next();
                    Simple::Class(self.name()?)
                }
                Some('[') => {
                    self.next();
                    Simple::Attribute(self.attribute()?)
                }
                Some(':') => {
                    self.next();
                    self.pseudo_class()?
                }
                _ if self.at == start => return self.unexpected(),
                _ => return Ok(compound),
            };
            compound.parts.push(part);
        }
    }

    fn attribute(&mut self) -> Found<Attribute> {
        self.blank();
        let name = self.name()?.to_ascii_lowercase();
        self.blank();
        let operator = match self.next() {
            Some(']') => {
                return Ok(Attribute {
                    name,
                    operator: Operator::Present,
                    value: String::new(),
                    any_case: false,
                });
            }
            Some('=') => Operator::Equals,
            Some(sign @ ('~' | '|' | '^' | '$' | '*')) => {
                self.expect("=")?;
                match sign {
                    '~' => Operator::Word,
                    '|' => Operator::Dash,
                    '^' => Operator::Start,
                    '$' => Operator::End,
                    _ => Operator::Contains,
                }
            }
            _ => {
                self.at = self.at.saturating_sub(1);
                return self.unexpected();
            }
        };
        self.blank();
        let value = match self.peek() {
            Some(quote @ ('"' | '\'')) => {
                self.next();
                self.string(quote)?
            }
            _ => self.name()?,
        };
        self.blank();
        let any_case = if self.eat("i") || self.eat("I") {
            true
        } else {
            let as_written = self.eat("s") || self.eat("S");
            !as_written && IN_ANY_CASE.contains(&name.as_str())
        };
        self.blank();
        self.expect("]")?;
        Ok(Attribute {
            name,
            operator,
            value,
            any_case,
        })
    }

    fn pseudo_class(&mut self) -> Found<Simple> {
        let name = self.name()?.to_ascii_lowercase();
        let only = |of_type: bool| Simple::Only { of_type };
        let simple = |offset: i32, from_end: bool, of_type: bool| {
            Simple::Nth(Nth {
                step: 0,
                offset,
                from_end,
                of_type,
            })
        };
        if !self.rest().starts_with('(') {
            return Ok(match name.as_str() {
                "root" => Simple::Root,
                "empty" => Simple::Empty,
                "first-child" => simple(1, false, false),
                "last-child" => simple(1, true, false),
                "first-of-type" => simple(1, false, true),
                "last-of-type" => simple(1, true, true),
                "only-child" => only(false),
                "only-of-type" => only(true),
                _ => return Err(Problem::PseudoClass(name)),
            });
        }
        self.next();
        let part = match name.as_str() {
            "not" => Simple::Not(self.list(false)?),
            "is" | "where" | "matches" => Simple::Is(self.list(false)?),
            "has" => Simple::Has(self.list(true)?),
            "nth-child" | "nth-last-child" | "nth-of-type" | "nth-last-of-type" => {
                let (step, offset) = self.formula()?;
                Simple::Nth(Nth {
                    step,
                    offset,
                    from_end: name.contains("last"),
                    of_type: name.ends_with("type"),
                })
            }
            _ => return Err(Problem::PseudoClass(name)),
        };
        self.blank();
        self.expect(")")?;
        Ok(part)
    }

    /// `odd`, `even`, `3`, `2n+1` and the like.
    fn formula(&mut self) -> Found<(i32, i32)> {
        self.blank();
        for (word, formula) in [("odd", (2, 1)), ("even", (2, 0))] {
            let rest = self.rest();
            if rest
                .get(..word.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(word))
            {
                self.at += word.len();
                return Ok(formula);
            }
        }
        let sign = self.sign();
        let number = self.number();
        if !(self.eat("n") || self.eat("N")) {
            return match number {
                Some(number) => Ok((0, sign.saturating_mul(number))),
                None => self.unexpected(),
            };
        }
        let step = sign.saturating_mul(number.unwrap_or(1));
        self.blank();
        if !matches!(self.peek(), Some('+' | '-')) {
            return Ok((step, 0));
        }
        let sign = self.sign();
        self.blank();
        match self.number() {
            Some(number) => Ok((step, sign.saturating_mul(number))),
            None => self.unexpected(),
        }
    }

    fn sign(&mut self) -> i32 {
        if self.eat("-") {
            return -1;
        }
        self.eat("+");
        1
    }

    fn number(&mut self) -> Option<i32> {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let digits = self.rest().get(..length)?;
        let number = (length > 0).then(|| digits.parse().unwrap_or(i32::MAX));
        self.at += length;
        number
    }
}
