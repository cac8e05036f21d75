//! Data as values of the build-time machine and back.

use crate::hashing::HashMap;
use std::rc::Rc;

use sema_machine::data::number;
use sema_machine::memory::value::{Kind, Value};
use sema_machine::vm::Vm;

use crate::front::datum::{Datum, DatumKind, Interner, PartId, Span, Symbol};
use crate::ir::convert::{self, Parts};

/// Nesting of data that transformers may return.
const DEPTH_LIMIT: u32 = 4000;

/// Most parts of data that transformers may return, and of forms that are evaluated.
const MOST_PARTS: u32 = 16_000_000;

/// Why a value is no datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDatum {
    /// It is nested too deeply.
    TooDeep,
    /// It has too many parts.
    TooLarge,
}

impl NoDatum {
    /// What is wrong with the expansion of a macro.
    pub fn of_expansion(self) -> &'static str {
        match self {
            NoDatum::TooDeep => "the expansion of this macro is nested too deeply",
            NoDatum::TooLarge => "the expansion of this macro is too large",
        }
    }

    /// What is wrong with a form.
    pub fn of_form(self) -> &'static str {
        match self {
            NoDatum::TooDeep => "form nested too deeply",
            NoDatum::TooLarge => "form too large",
        }
    }
}

/// Which datum a value was made from, by identity: what a macro returns of its operands keeps its
/// position.
#[derive(Default)]
pub struct DatumSpans {
    origins: HashMap<u64, Datum>,
    /// The values of data that occur in several places: what is shared is made once.
    shared: HashMap<PartId, Value>,
}

/// The value of a datum.
pub fn to_value(vm: &Vm, datum: &Datum, names: &Interner, spans: &mut DatumSpans) -> Value {
    let host = &vm.host;
    let shared = datum.kind.shared_part();
    if let Some(value) = shared.and_then(|part| spans.shared.get(&part)) {
        return *value;
    }
    let part = &mut |part: &Datum| Some(to_value(vm, part, names, spans));
    let value = match &datum.kind {
        DatumKind::Builtin(_, number) | DatumKind::Opaque(number) => vm.kept(*number),
        // All other parts have values.
        data => convert::to_value(host, data, names, part).unwrap_or(Value::NIL),
    };
    if matches!(
        value.kind(),
        Kind::List | Kind::Vector | Kind::Map | Kind::String
    ) && value != Value::EMPTY
    {
        spans.origins.insert(value.bits(), datum.clone());
    }
    if let Some(part) = shared {
        spans.shared.insert(part, value);
    }
    value
}

/// The value of a datum whose place does not matter.
pub fn plain_value(vm: &Vm, datum: &Datum, names: &Interner) -> Value {
    to_value(vm, datum, names, &mut DatumSpans::default())
}

/// The datum of a value. What has no written form is kept by the machine and becomes [`DatumKind::Opaque`].
///
/// # Errors
/// It is nested too deeply, or has very many parts.
pub fn to_datum(
    vm: &Vm,
    value: Value,
    span: Span,
    spans: &DatumSpans,
    names: &mut Interner,
) -> Result<Datum, NoDatum> {
    let mut conversion = Conversion {
        vm,
        span,
        spans,
        names,
        made: HashMap::default(),
        depth: 0,
        parts: 0,
    };
    let datum = conversion.datum(value);
    datum.ok_or(match conversion.parts {
        0..MOST_PARTS => NoDatum::TooDeep,
        MOST_PARTS.. => NoDatum::TooLarge,
    })
}

/// The conversion of one value.
struct Conversion<'c> {
    vm: &'c Vm,
    span: Span,
    spans: &'c DatumSpans,
    names: &'c mut Interner,
    /// The data of lists, vectors and maps, by identity: parts that are shared stay shared, so that the datum is
    /// no larger than the value.
    made: HashMap<u64, Datum>,
    /// In how many lists, vectors and maps the value is that is being converted.
    depth: u32,
    /// How many parts it has so far.
    parts: u32,
}

impl Conversion<'_> {
    fn datum(&mut self, value: Value) -> Option<Datum> {
        if self.depth > DEPTH_LIMIT || self.parts >= MOST_PARTS {
            return None;
        }
        self.parts += 1;
        if value.is_heap() {
            let known = self.spans.origins.get(&value.bits());
            if let Some(datum) = known.or_else(|| self.made.get(&value.bits())) {
                return Some(datum.clone());
            }
        }
        let has_parts = matches!(value.kind(), Kind::List | Kind::Vector | Kind::Map);
        let vm = self.vm;
        self.depth += 1;
        let kind = convert::to_datum(&vm.host, value, self);
        self.depth -= 1;
        let kind = match kind {
            Some(kind) => kind,
            None if has_parts => return None,
            None => self.kept(value),
        };
        let span = self.span;
        let datum = Datum { kind, span };
        if has_parts && value.is_heap() {
            self.made.insert(value.bits(), datum.clone());
        }
        Some(datum)
    }

    /// The datum of a value without parts that has no written form, or a special one.
    fn kept(&self, value: Value) -> DatumKind {
        if matches!(value.kind(), Kind::Ratio | Kind::Complex) {
            let mut text = String::new();
            number::write_number(&self.vm.host.heap, value, &mut text);
            if let Ok(literal) = number::literal::parse_literal(&text) {
                return crate::front::reader::number_datum(literal);
            }
        }
        let number = self.vm.host.keep(value);
        match self.vm.builtin_name(value).map(Rc::from) {
            Some(name) => DatumKind::Builtin(name, number),
            None => DatumKind::Opaque(number),
        }
    }
}

impl Parts for Conversion<'_> {
    fn part(&mut self, value: Value) -> Option<Datum> {
        self.datum(value)
    }

    fn symbol(&mut self, name: &str) -> Option<Symbol> {
        Some(self.names.get_or_intern(name))
    }
}
