//! Calls of pure builtins with constant arguments, run while compiling: by the same natives that would run
//! when the program does.
//!
//! Only what is sure to agree, to end soon and to stay small. Conditions are left to run time, and so is what
//! only makes data anew. Nothing is started before there is such a call.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sema_format::isa::Op;
use sema_machine::host::Host;
use sema_machine::host::declaration::{Declaration, Kind as Declared};
use sema_machine::host::output::Output;
use sema_machine::memory::value::{Kind, Value};
use sema_natives::NATIVES;

use crate::front::datum::{Datum, DatumKind, Interner, Span, Symbol};
use crate::ir::convert::{self, Parts};
use crate::ir::{Builtin, Expr, ExprKind};

/// Most bytes of the arguments of a call, by the measure of [`Budget`]: what natives do with them takes at
/// most about the square of that many steps.
const MOST_GIVEN: usize = 1 << 10;
/// Bytes that a result may have besides as many as the arguments: the program would become larger, and take
/// longer to start, for what may never be asked for.
const MOST_GROWTH: usize = 256;
/// Most bytes of a result, and so most of its elements.
const MOST_RESULT: usize = MOST_GIVEN + MOST_GROWTH;
/// Greatest integer that may say how often something is done or how large a result is.
const MOST_COUNT: u64 = 1_000;
/// Calls after which the machine starts anew, so that what they leave behind does not add up.
const MOST_CALLS: u32 = 1_000;

/// What runs the calls of one unit.
pub struct Evaluator<'n> {
    names: &'n Interner,
    host: RefCell<Option<Host>>,
    calls: Cell<u32>,
}

impl<'n> Evaluator<'n> {
    /// One that knows symbols and keywords by these names. It starts nothing yet.
    pub fn new(names: &'n Interner) -> Evaluator<'n> {
        Evaluator {
            names,
            host: RefCell::new(None),
            calls: Cell::new(0),
        }
    }

    /// The value of a call of a builtin, if it can be told while compiling.
    pub fn call(&self, builtin: Builtin, arguments: &[Expr]) -> Option<DatumKind> {
        let facts = builtin.facts();
        if !is_candidate(facts, arguments.len()) {
            return None;
        }
        let constants: Vec<DatumKind> = arguments.iter().map(constant).collect::<Option<_>>()?;
        let mut given = Budget(MOST_GIVEN);
        let small = constants.iter().all(|datum| given.takes(datum));
        if !small
            || !(constants.iter().enumerate()).all(|(at, datum)| counts_little(facts, at, datum))
        {
            return None;
        }
        let native = builtin.native()?;
        let mut host = self.host.borrow_mut();
        if self.calls.replace(self.calls.get() + 1) >= MOST_CALLS {
            self.calls.set(1);
            *host = None;
        }
        let host = host.get_or_insert_with(|| Host::new(Output::memory(), &NATIVES));
        let values: Vec<Value> = (constants.iter())
            .map(|datum| self.value(host, datum))
            .collect::<Option<_>>()?;
        // Nothing of a pure builtin's effects can be left behind by one that fails: there are none.
        let result = (native.call)(host, &values).ok()?;
        let budget = Budget(MOST_RESULT.saturating_sub(given.0));
        let names = self.names;
        let result = Answer {
            host,
            names,
            budget,
        }
        .datum(result)?;
        (!facts.varies || !has_floats(&result)).then_some(result)
    }

    /// The value of a datum without identity.
    fn value(&self, host: &Host, datum: &DatumKind) -> Option<Value> {
        let kept = matches!(
            datum,
            DatumKind::Ratio(_)
                | DatumKind::Complex(_)
                | DatumKind::F64Array(_)
                | DatumKind::I64Array(_)
        );
        let part = &mut |part: &Datum| self.value(host, &part.kind);
        (!kept).then(|| convert::to_value(host, datum, self.names, part))?
    }
}

/// A result on its way to a datum: immutable data within a budget.
struct Answer<'r> {
    host: &'r Host,
    names: &'r Interner,
    budget: Budget,
}

impl Answer<'_> {
    fn datum(&mut self, value: Value) -> Option<DatumKind> {
        if matches!(value.kind(), Kind::F64Array | Kind::I64Array) {
            return None;
        }
        let datum = convert::to_datum(self.host, value, self)?;
        // How others are written is for the runtime to say.
        let written = !matches!(datum, DatumKind::Float(float) if !float.is_finite());
        (written && self.budget.takes_alone(&datum)).then_some(datum)
    }
}

impl Parts for Answer<'_> {
    fn part(&mut self, value: Value) -> Option<Datum> {
        let kind = self.datum(value)?;
        let span = Span::default();
        Some(Datum { kind, span })
    }

    /// A name that occurs nowhere else would have to be added to those of the program.
    fn symbol(&mut self, name: &str) -> Option<Symbol> {
        self.names.get(name)
    }
}

/// Whether calls of the builtin with so many arguments are worth looking at.
fn is_candidate(facts: &Declaration, count: usize) -> bool {
    facts.pure
        // Loops over ranges count instead.
        && facts.counts.is_none()
        && facts.arity().accepts(count)
        && !makes_anew(facts, count)
}

/// Whether it only puts its arguments together: there would be a constant for each place that does.
fn makes_anew(facts: &Declaration, count: usize) -> bool {
    matches!(
        facts.operation(count),
        Some(Op::MakeList | Op::MakeVector | Op::Cons | Op::MakeRecord)
    )
}

/// The datum that an expression always gives: a constant, or constants that are put together.
fn constant(expr: &Expr) -> Option<DatumKind> {
    if let ExprKind::Const(datum) = &expr.kind {
        return Some(datum.clone());
    }
    let (operation @ (Op::MakeList | Op::MakeVector), arguments) = expr.operation()? else {
        return None;
    };
    let items = arguments.iter().map(|argument| {
        Some(Datum {
            kind: constant(argument)?,
            span: argument.span,
        })
    });
    let items: Rc<[Datum]> = items.collect::<Option<_>>()?;
    Some(match operation {
        Op::MakeList => DatumKind::List(items),
        _ => DatumKind::Vector(items),
    })
}

/// Whether the argument in this place does not ask for much to be done: an integer may be a size or a power.
fn counts_little(facts: &Declaration, place: usize, datum: &DatumKind) -> bool {
    let small = match datum {
        DatumKind::Int(value) => value.unsigned_abs() <= MOST_COUNT,
        DatumKind::BigInt(_) => false,
        _ => return true,
    };
    let scalar = matches!(
        facts.result,
        Declared::Bool | Declared::Float | Declared::Char | Declared::Int | Declared::Count
    );
    let parameter = facts.parameters.get(place).or(facts.parameters.last());
    let is_operand = parameter.is_some_and(|parameter| {
        matches!(
            parameter.kind,
            Declared::Integer
                | Declared::Rational
                | Declared::Real
                | Declared::Number
                | Declared::NumberOrString
        )
    });
    small || scalar || is_operand && !facts.varies
}

fn has_floats(datum: &DatumKind) -> bool {
    match datum {
        DatumKind::Float(_) => true,
        DatumKind::List(items) | DatumKind::Vector(items) => {
            items.iter().any(|item| has_floats(&item.kind))
        }
        DatumKind::Map(entries) => {
            (entries.iter()).any(|(key, value)| has_floats(&key.kind) || has_floats(&value.kind))
        }
        _ => false,
    }
}

/// Bytes that data may still take: eight for each part, and those of its text.
struct Budget(usize);

impl Budget {
    fn takes_alone(&mut self, datum: &DatumKind) -> bool {
        let bytes = 8 + match datum {
            DatumKind::Str(text) => text.len(),
            DatumKind::BigInt(value) => value.bits() as usize / 8,
            DatumKind::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        match self.0.checked_sub(bytes) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a datum with all its parts.
    fn takes(&mut self, datum: &DatumKind) -> bool {
        self.takes_alone(datum)
            && match datum {
                DatumKind::List(items) | DatumKind::Vector(items) => {
                    items.iter().all(|item| self.takes(&item.kind))
                }
                DatumKind::Map(entries) => (entries.iter())
                    .all(|(key, value)| self.takes(&key.kind) && self.takes(&value.kind)),
                _ => true,
            }
    }
}
