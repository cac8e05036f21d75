//! The type predicates of instructions.

#![allow(
    clippy::indexing_slicing,
    reason = "the byte is compared with the length of the table"
)]

macro_rules! predicates {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal),* $(,)?) => {
        /// Type predicates that `test`, `jtest` and `jntest` evaluate without a call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Predicate { $($(#[doc = $doc])* $name),* }
        impl Predicate {
            /// All predicates, in encoding order.
            pub const ALL: &[Predicate] = &[$(Predicate::$name),*];
            /// The builtin this predicate is.
            pub const fn name(self) -> &'static str { match self { $(Predicate::$name => $text),* } }
            /// Decodes the operand byte.
            pub const fn from_byte(byte: u8) -> Option<Predicate> {
                if (byte as usize) < Self::ALL.len() { Some(Self::ALL[byte as usize]) } else { None }
            }
        }
    };
}

predicates! {
    /// `nil`
    Nil = "nil?",
    /// nil or the empty list
    Null = "null?",
    /// non-empty list
    Pair = "pair?",
    /// list, also empty
    List = "list?",
    /// vector
    Vector = "vector?",
    /// sorted map
    Map = "map?",
    /// string
    String = "string?",
    /// symbol
    Symbol = "symbol?",
    /// keyword
    Keyword = "keyword?",
    /// boolean
    Bool = "bool?",
    /// character
    Char = "char?",
    /// any number
    Number = "number?",
    /// float
    Float = "float?",
    /// closure or native
    Function = "fn?",
    /// the marker of a missing optional argument (library code only)
    Missing = "%missing?",
    /// exact integer
    ExactInteger = "exact-integer?",
}
