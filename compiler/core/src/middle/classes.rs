//! Sets of kinds of values, and which kinds an expression can have.

use sema_format::isa::{Op, Predicate};
use sema_machine::host::declaration::Kind;

use crate::front::datum::DatumKind;
use crate::ir::{Builtin, Expr, ExprKind};

/// A set of kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes(u32);

impl Classes {
    /// nil
    pub const NIL: Classes = Classes(1);
    /// The empty list.
    pub const EMPTY: Classes = Classes(1 << 1);
    /// Lists with elements.
    pub const PAIR: Classes = Classes(1 << 2);
    /// Vectors.
    pub const VECTOR: Classes = Classes(1 << 3);
    /// Sorted maps.
    pub const MAP: Classes = Classes(1 << 4);
    /// Strings.
    pub const STRING: Classes = Classes(1 << 5);
    /// Symbols.
    pub const SYMBOL: Classes = Classes(1 << 6);
    /// Keywords.
    pub const KEYWORD: Classes = Classes(1 << 7);
    /// `#f`
    pub const FALSE: Classes = Classes(1 << 8);
    /// `#t`
    pub const TRUE: Classes = Classes(1 << 9);
    /// Characters.
    pub const CHAR: Classes = Classes(1 << 10);
    /// Exact integers.
    pub const INTEGER: Classes = Classes(1 << 11);
    /// Floats.
    pub const FLOAT: Classes = Classes(1 << 12);
    /// Other numbers.
    pub const NUMBER: Classes = Classes(1 << 13);
    /// Closures and natives.
    pub const FUNCTION: Classes = Classes(1 << 14);
    /// The marker of a missing optional argument.
    pub const MISSING: Classes = Classes(1 << 15);
    /// Everything.
    pub const ANY: Classes = Classes((1 << 17) - 1);
    /// `#f` and `#t`
    pub const BOOL: Classes = Classes::FALSE.or(Classes::TRUE);
    /// Lists.
    pub const LIST: Classes = Classes::EMPTY.or(Classes::PAIR);
    /// What counts as false.
    pub const FALSY: Classes = Classes::NIL.or(Classes::FALSE);

    /// What is in one of the sets.
    #[must_use]
    pub const fn or(self, other: Classes) -> Classes {
        Classes(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn and(self, other: Classes) -> Classes {
        Classes(self.0 & other.0)
    }

    /// What is not in the set.
    #[must_use]
    pub const fn complement(self) -> Classes {
        Classes(Classes::ANY.0 & !self.0)
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a value of one of these kinds is in `set`, if that is certain.
    pub const fn decide(self, set: Classes) -> Option<bool> {
        if self.is_empty() {
            // Code that is never reached.
            None
        } else if self.and(set).is_empty() {
            Some(false)
        } else if self.and(set.complement()).is_empty() {
            Some(true)
        } else {
            None
        }
    }
}

/// The kinds for which a builtin holds that is a test of kinds.
pub fn of_predicate(builtin: Builtin) -> Option<Classes> {
    Some(match builtin.predicate()? {
        Predicate::Nil => Classes::NIL,
        Predicate::Null => Classes::NIL.or(Classes::EMPTY),
        Predicate::Pair => Classes::PAIR,
        Predicate::List => Classes::PAIR.or(Classes::EMPTY),
        Predicate::Vector => Classes::VECTOR,
        Predicate::Map => Classes::MAP,
        Predicate::String => Classes::STRING,
        Predicate::Symbol => Classes::SYMBOL,
        Predicate::Keyword => Classes::KEYWORD,
        Predicate::Bool => Classes::BOOL,
        Predicate::Char => Classes::CHAR,
        Predicate::Number => Classes::INTEGER.or(Classes::FLOAT).or(Classes::NUMBER),
        Predicate::Float => Classes::FLOAT,
        Predicate::Function => Classes::FUNCTION,
        Predicate::Missing => Classes::MISSING,
        Predicate::ExactInteger => Classes::INTEGER,
    })
}

/// The kind of a constant.
pub fn of_constant(datum: &DatumKind) -> Classes {
    match datum {
        DatumKind::Nil => Classes::NIL,
        DatumKind::Bool(false) => Classes::FALSE,
        DatumKind::Bool(true) => Classes::TRUE,
        DatumKind::Int(_) | DatumKind::BigInt(_) => Classes::INTEGER,
        DatumKind::Ratio(_) | DatumKind::Complex(_) => Classes::NUMBER,
        DatumKind::Float(_) => Classes::FLOAT,
        DatumKind::Char(_) => Classes::CHAR,
        DatumKind::Str(_) => Classes::STRING,
        DatumKind::Symbol(_) => Classes::SYMBOL,
        DatumKind::Keyword(_) => Classes::KEYWORD,
        DatumKind::List(items) if items.is_empty() => Classes::EMPTY,
        // A list in source may be a dotted one, or hold code that means something else.
        DatumKind::List(_) => Classes::PAIR,
        DatumKind::Vector(_) => Classes::VECTOR,
        DatumKind::Map(_) => Classes::MAP,
        DatumKind::Bytes(_)
        | DatumKind::F64Array(_)
        | DatumKind::I64Array(_)
        | DatumKind::Opaque(_)
        | DatumKind::Builtin(..) => Classes::ANY,
    }
}

/// The kinds that the value of an expression can have, as far as its outermost form tells.
pub fn of_expr(expr: &Expr, variable: &dyn Fn(crate::ir::VarId) -> Classes) -> Classes {
    match &expr.kind {
        ExprKind::Const(datum) => of_constant(datum),
        ExprKind::Local(id) => variable(*id),
        ExprKind::Lambda(_) => Classes::FUNCTION,
        ExprKind::Builtin(builtin) if builtin.is_native() => Classes::FUNCTION,
        ExprKind::While(..) | ExprKind::DefineGlobal(..) => Classes::NIL,
        ExprKind::SetLocal(_, value) => of_expr(value, variable),
        ExprKind::Let(_, body) | ExprKind::Letrec(_, body) | ExprKind::Loop(_, _, body) => {
            of_expr(body, variable)
        }
        ExprKind::Seq(parts) => match parts.last() {
            Some(last) => of_expr(last, variable),
            None => Classes::NIL,
        },
        ExprKind::If(_, then, other) => of_expr(then, variable).or(of_expr(other, variable)),
        ExprKind::Throw(_) | ExprKind::Recur(..) => Classes(0),
        ExprKind::Call(callee, arguments) => match callee.kind {
            ExprKind::Builtin(builtin) => of_call(builtin, arguments.len()),
            _ => Classes::ANY,
        },
        _ => Classes::ANY,
    }
}

/// The kinds of the value of a builtin, if it has one.
fn of_call(builtin: Builtin, count: usize) -> Classes {
    let facts = builtin.facts();
    // What is not pure may be given something else by those it works with.
    if !facts.pure || !facts.arity().accepts(count) {
        return Classes::ANY;
    }
    if facts.operation(count) == Some(Op::MakeList) {
        return match count {
            0 => Classes::EMPTY,
            _ => Classes::PAIR,
        };
    }
    of_kind(facts.result)
}

/// The kinds of the values that a declaration means.
fn of_kind(kind: Kind) -> Classes {
    const NUMBER: Classes = Classes::INTEGER.or(Classes::FLOAT).or(Classes::NUMBER);
    match kind {
        Kind::Nil => Classes::NIL,
        Kind::Bool => Classes::BOOL,
        Kind::Int | Kind::Count | Kind::Integer => Classes::INTEGER,
        Kind::Rational => Classes::INTEGER.or(Classes::NUMBER),
        Kind::Float => Classes::FLOAT,
        Kind::Real | Kind::Number => NUMBER,
        Kind::NumberOrString => NUMBER.or(Classes::STRING),
        Kind::Char => Classes::CHAR,
        Kind::String => Classes::STRING,
        Kind::OptionalString => Classes::STRING.or(Classes::NIL),
        Kind::Keyword => Classes::KEYWORD,
        Kind::Symbol => Classes::SYMBOL,
        Kind::Name => Classes::SYMBOL.or(Classes::KEYWORD),
        Kind::List => Classes::LIST,
        Kind::Pair => Classes::PAIR,
        Kind::Vector => Classes::VECTOR,
        Kind::SortedMap => Classes::MAP,
        _ => Classes::ANY,
    }
}
