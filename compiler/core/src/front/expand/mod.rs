//! Macro expansion: one call at a time, asked for by the lowering, which knows the scopes.
//!
//! Names made by the macros of the prelude cannot clash with names of programs: a reference to a builtin is the
//! builtin's name after a space, a new variable is a stem, a space and a number.

pub mod host;
pub(crate) mod make;
pub(crate) mod prelude;
pub mod steps;
pub(crate) mod syntax_rules;
pub(crate) mod table;
pub(crate) mod trace;

use crate::hashing::HashMap;

use crate::front::datum::{Datum, DatumKind, Interner, PartId, Span, Symbol};
use crate::front::diagnostic::{Diagnostic, Fallible, span_of};
use crate::front::lower::Lowerer;
use crate::front::lower::sources_of;
use crate::front::names::SpecialForm;
use crate::front::reader::datum_to_text;
use crate::phases;
use make::Maker;
use table::{Macro, MacroEntry};

/// What a macro call counts for beside the expressions that it becomes: running a transformer takes longer.
const PARTS_OF_CALL: u32 = 16;

/// How many characters of an expansion are shown.
const SHOWN_EXPANSION: usize = 160;

impl Lowerer<'_, '_> {
    /// The special form that a list with this head is. A program may define a macro with the name of some forms
    /// (`when`, `unless`, …); its calls are then macro calls.
    pub(crate) fn form_of(&self, head: Symbol) -> Option<SpecialForm> {
        let form = self.session.names.form(head)?;
        let replaced = form.gives_way_to_macros()
            && self.macros.find(head).is_some()
            && !self.is_local(head)
            && !self.is_hidden(head);
        (!replaced).then_some(form)
    }

    /// The expansion of a form whose head is `symbol`, if that is a macro where the form stands.
    pub(crate) fn expand_call(
        &mut self,
        symbol: Symbol,
        form: &Datum,
        operands: &[Datum],
    ) -> Fallible<Option<Datum>> {
        if self.is_local(symbol) || self.is_hidden(symbol) {
            return Ok(None);
        }
        let Some(entry) = self.macros.find(symbol) else {
            return Ok(None);
        };
        let entry = entry.clone();
        if !matches!(entry.kind, Macro::Prelude(_)) && !self.may_add_parts(PARTS_OF_CALL, form.span)
        {
            let kind = DatumKind::Nil;
            return Ok(Some(Datum {
                kind,
                span: form.span,
            }));
        }
        self.session.phases.begin(phases::EXPAND);
        let expansion = self.expand_with(&entry, form.span, operands);
        self.session.phases.begin(phases::LOWER);
        if let Ok(Some(expansion)) = &expansion
            && !matches!(entry.kind, Macro::Prelude(_))
        {
            self.session.expansions.insert(form.span, expansion.clone());
            if let Some(trace) = &mut self.session.trace {
                trace.add(form, expansion);
            }
        }
        expansion
    }

    fn expand_with(
        &mut self,
        entry: &MacroEntry,
        span: Span,
        operands: &[Datum],
    ) -> Fallible<Option<Datum>> {
        match &entry.kind {
            Macro::Prelude(prelude) => {
                let got = operands.len();
                let fits = got >= prelude.minimum && prelude.maximum.is_none_or(|most| got <= most);
                if !fits {
                    let (minimum, maximum) = (prelude.minimum, prelude.maximum);
                    return Err(Diagnostic::arity(span, &entry.name, minimum, maximum, got));
                }
                let mut maker = Maker {
                    session: self.session,
                    span,
                };
                (prelude.expand)(&mut maker, operands).map(Some)
            }
            Macro::Rules(rules) => rules.expand(operands, span, self.session).map(Some),
            Macro::Procedure {
                id,
                minimum,
                maximum,
            } => {
                let got = operands.len();
                if got < *minimum || maximum.is_some_and(|most| got > most) {
                    return Err(Diagnostic::arity(
                        span,
                        &entry.name,
                        *minimum,
                        *maximum,
                        got,
                    ));
                }
                let session = &mut *self.session;
                let sources = sources_of(&session.loader);
                let expansion = session
                    .host
                    .call(*id, operands, span, session.interner, sources);
                let name = &entry.name;
                expansion.map(Some).map_err(|failure| {
                    let innermost = failure.frames.first();
                    let place = innermost.and_then(|frame| span_of(frame, sources));
                    let failure = failure.at_labelled(span, format!("while expanding `{name}`"));
                    match place {
                        Some(place) => failure.with_secondary(place, "the macro fails here"),
                        None => failure,
                    }
                })
            }
        }
    }
}

/// The text of an expansion for a note, cut if it is long.
pub(crate) fn expansion_text(expansion: &Datum, interner: &mut Interner) -> String {
    // No part is shorter than a character.
    let readable = Reader::new(interner, Some(2 * SHOWN_EXPANSION)).datum(expansion);
    let mut text = datum_to_text(interner, &readable);
    if let Some((cut, _)) = text.char_indices().nth(SHOWN_EXPANSION) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// A datum in which names made by the front end have become names a program could write. What is shared stays shared.
pub(crate) fn readable(datum: &Datum, interner: &mut Interner) -> Datum {
    Reader::new(interner, None).datum(datum)
}

/// Makes data readable.
struct Reader<'i> {
    interner: &'i mut Interner,
    /// What parts that occur in several places have become.
    made: HashMap<PartId, Datum>,
    /// How many more parts are made, if not all; the rest is left out.
    most: Option<usize>,
}

impl Reader<'_> {
    fn new(interner: &mut Interner, most: Option<usize>) -> Reader<'_> {
        Reader {
            interner,
            made: HashMap::default(),
            most,
        }
    }

    fn datum(&mut self, datum: &Datum) -> Datum {
        let shared = datum.kind.shared_part();
        if let Some(made) = shared.and_then(|part| self.made.get(&part))
            && self.most.is_none()
        {
            return made.clone();
        }
        let span = datum.span;
        let kind = match &datum.kind {
            DatumKind::Symbol(symbol) => {
                let name = self.interner.resolve(symbol).to_string();
                let text = match name.strip_prefix(' ') {
                    Some(builtin) => builtin.strip_prefix('%').unwrap_or(builtin).to_string(),
                    None => name.replacen(' ', "__", 1),
                };
                DatumKind::Symbol(self.interner.get_or_intern(text))
            }
            DatumKind::List(items) => DatumKind::List(self.data(items).into()),
            DatumKind::Vector(items) => DatumKind::Vector(self.data(items).into()),
            DatumKind::Map(entries) => {
                let mut made = Vec::new();
                for (key, value) in entries.iter() {
                    if !self.takes_one() {
                        break;
                    }
                    made.push((self.datum(key), self.datum(value)));
                }
                DatumKind::Map(made.into())
            }
            other => other.clone(),
        };
        let made = Datum { kind, span };
        if let Some(part) = shared {
            self.made.insert(part, made.clone());
        }
        made
    }

    fn data(&mut self, data: &[Datum]) -> Vec<Datum> {
        let mut made = Vec::new();
        for datum in data {
            if !self.takes_one() {
                break;
            }
            made.push(self.datum(datum));
        }
        made
    }

    /// Whether one more part is made.
    fn takes_one(&mut self) -> bool {
        let Some(most) = &mut self.most else {
            return true;
        };
        let rest = most.checked_sub(1);
        *most = rest.unwrap_or_default();
        rest.is_some()
    }
}
