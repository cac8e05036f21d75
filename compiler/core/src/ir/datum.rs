//! Source data with positions: what the reader produces and the expander rewrites.
//!
//! A dotted list `(a . b)` is a list that holds the symbol `.`: Sema has no pairs.

use crate::hashing::HashSet;
use std::rc::Rc;

use num_bigint::BigInt;
use num_rational::BigRational;

/// An interned name (symbol or keyword without its colon).
pub type Symbol = lasso::Spur;

/// The interner shared by all files of one compilation.
pub type Interner = lasso::Rodeo<lasso::Spur, crate::hashing::RandomState>;

/// An interner that knows no name.
#[must_use]
pub fn new_interner() -> Interner {
    Interner::with_hasher(crate::hashing::RandomState::default())
}

/// Which source file a span points into; an index into the source map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A half-open byte range `[start, end)` of one source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The call that was replaced by the code this belongs to, and whether this is a call in tail
    /// position: see `middle::frames`. Zero in everything that was read.
    pub context: u32,
}

/// A datum and where it was written.
#[derive(Clone, Debug)]
pub struct Datum {
    /// The value.
    pub kind: DatumKind,
    /// Where it came from. Data made by a macro carry the span of the macro call.
    pub span: Span,
}

/// A complex literal's part.
#[derive(Clone, Debug, PartialEq)]
pub enum Real {
    /// Exact integer.
    Int(BigInt),
    /// Exact ratio, reduced, denominator above one.
    Ratio(BigRational),
    /// IEEE double.
    Float(f64),
}

/// Names the elements of a list, vector or map: which of them, and their address.
pub type PartId = (u8, *const ());

/// The shapes a datum can have.
#[derive(Clone, Debug)]
pub enum DatumKind {
    /// `nil`
    Nil,
    /// `#t`, `#f`, `true`, `false`
    Bool(bool),
    /// Exact integer that fits 64 bits.
    Int(i64),
    /// Exact integer beyond 64 bits.
    BigInt(Rc<BigInt>),
    /// Exact ratio, reduced, denominator above one.
    Ratio(Rc<BigRational>),
    /// IEEE double.
    Float(f64),
    /// Complex number (real part, imaginary part), the imaginary part is not an exact zero.
    Complex(Rc<(Real, Real)>),
    /// `#\a`
    Char(char),
    /// String literal (regex literals read as strings too).
    Str(Rc<str>),
    /// Symbol.
    Symbol(Symbol),
    /// Keyword, name without the colon.
    Keyword(Symbol),
    /// `( … )`
    List(Rc<[Datum]>),
    /// `[ … ]`
    Vector(Rc<[Datum]>),
    /// `{ k v … }` in source order; later duplicates win when evaluated.
    Map(Rc<[(Datum, Datum)]>),
    /// `#u8( … )`
    Bytes(Rc<[u8]>),
    /// `#f64( … )`
    F64Array(Rc<[f64]>),
    /// `#i64( … )`
    I64Array(Rc<[i64]>),
    /// A builtin function that a macro spliced into code: its name, and an index as for `Opaque`.
    Builtin(Rc<str>, u32),
    /// A run-time object (a function, a record …) that a macro spliced into code:
    /// an index into the compile-time VM's table of kept values.
    Opaque(u32),
}

impl DatumKind {
    /// Whether it has parts without a written form: objects that a macro spliced into code.
    pub fn has_opaque_parts(&self) -> bool {
        self.has_opaque(&mut HashSet::default())
    }

    fn has_opaque(&self, seen: &mut HashSet<PartId>) -> bool {
        if let Some(part) = self.shared_part()
            && !seen.insert(part)
        {
            return false;
        }
        match self {
            DatumKind::Builtin(..) | DatumKind::Opaque(_) => true,
            DatumKind::List(items) | DatumKind::Vector(items) => {
                items.iter().any(|item| item.kind.has_opaque(seen))
            }
            DatumKind::Map(entries) => entries
                .iter()
                .any(|(key, value)| key.kind.has_opaque(seen) || value.kind.has_opaque(seen)),
            _ => false,
        }
    }

    /// The identity of the elements, if other data may have the same ones: what macros make shares parts, and
    /// written out it may be exponentially larger. Valid as long as this datum lives.
    pub fn shared_part(&self) -> Option<PartId> {
        let is_shared = |count: usize, length: usize| count > 1 && length > 0;
        match self {
            DatumKind::List(items) if is_shared(Rc::strong_count(items), items.len()) => {
                Some((0, Rc::as_ptr(items).cast()))
            }
            DatumKind::Vector(items) if is_shared(Rc::strong_count(items), items.len()) => {
                Some((1, Rc::as_ptr(items).cast()))
            }
            DatumKind::Map(entries) if is_shared(Rc::strong_count(entries), entries.len()) => {
                Some((2, Rc::as_ptr(entries).cast()))
            }
            _ => None,
        }
    }
}
