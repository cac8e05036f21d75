//! Plain data: what goes into a program and what comes out.

use std::fmt;

use crate::Handle;

/// A value outside of the machine: a copy, except where it is a [`Handle`].
///
/// Equality is that of the copies: handles are equal if they are the same handle, floats as in IEEE 754.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Data {
    /// `nil`
    #[default]
    Nil,
    /// `#t`, `#f`
    Bool(bool),
    /// An exact integer that fits 64 bits.
    Int(i64),
    /// Any other exact integer: an optional `-` and decimal digits.
    BigInt(String),
    /// A float.
    Float(f64),
    /// A character.
    Char(char),
    /// A string.
    String(String),
    /// A keyword, without its colon.
    Keyword(String),
    /// A symbol.
    Symbol(String),
    /// A byte vector.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Data>),
    /// A vector.
    Vector(Vec<Data>),
    /// A map. It comes out in the order of its keys, also where it is a hash map; it goes in as a map, where of
    /// equal keys the last counts.
    Map(Vec<(Data, Data)>),
    /// Anything else: a function, a record, a promise, a ratio …
    Handle(Handle),
}

impl Data {
    /// A keyword; `name` is without the colon.
    pub fn keyword(name: impl Into<String>) -> Data {
        Data::Keyword(name.into())
    }

    /// The value of a keyword in a map.
    pub fn get(&self, keyword: &str) -> Option<&Data> {
        let Data::Map(entries) = self else {
            return None;
        };
        let found = entries
            .iter()
            .rev()
            .find(|(key, _)| matches!(key, Data::Keyword(name) if name == keyword));
        found.map(|(_, value)| value)
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {
        $(impl From<$type> for Data {
            fn from(value: $type) -> Data {
                Data::$variant(value.into())
            }
        })*
    };
}
from! {
    bool => Bool, i64 => Int, i32 => Int, u32 => Int, f64 => Float, char => Char,
    &str => String, String => String, Vec<u8> => Bytes, &[u8] => Bytes,
    Vec<Data> => List, Handle => Handle
}

/// As a program would write it; handles are `#<handle>`.
impl fmt::Display for Data {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Data::Nil => out.write_str("nil"),
            Data::Bool(true) => out.write_str("#t"),
            Data::Bool(false) => out.write_str("#f"),
            Data::Int(value) => write!(out, "{value}"),
            Data::BigInt(digits) => out.write_str(digits),
            Data::Float(value) => write!(out, "{value:?}"),
            Data::Char(value) => write!(out, "#\\{value}"),
            Data::String(text) => write!(out, "{text:?}"),
            Data::Keyword(name) => write!(out, ":{name}"),
            Data::Symbol(name) => out.write_str(name),
            Data::Bytes(bytes) => sequence(out, "#u8(", bytes, ")"),
            Data::List(items) => sequence(out, "(", items, ")"),
            Data::Vector(items) => sequence(out, "[", items, "]"),
            Data::Map(entries) => {
                out.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let space = if index > 0 { " " } else { "" };
                    write!(out, "{space}{key} {value}")?;
                }
                out.write_str("}")
            }
            Data::Handle(_) => out.write_str("#<handle>"),
        }
    }
}

fn sequence<T: fmt::Display>(
    out: &mut fmt::Formatter<'_>,
    start: &str,
    items: &[T],
    end: &str,
) -> fmt::Result {
    out.write_str(start)?;
    for (index, item) in items.iter().enumerate() {
        let space = if index > 0 { " " } else { "" };
        write!(out, "{space}{item}")?;
    }
    out.write_str(end)
}
