//! From data to the core language.
//!
//! Macros are expanded on the way: a list whose head names a macro is replaced by its expansion and lowered
//! again. So shadowing is decided by the very scopes that variables are resolved in. A body is prepared before
//! it is lowered (see [`prepare`]): the macro calls of its own scope are expanded first, because they may hold
//! local definitions, which are visible in the whole body.
//!
//! Names are resolved late where that is exact only then: whether a program redefines a builtin is known at
//! the end of its unit, so every builtin is a global at first, and [`finish`] turns those that are never
//! assigned into builtins.

mod arity;
mod assign;
mod body;
mod calls;
mod certain;
mod chains;
mod clauses;
mod control;
mod define;
mod duplicates;
mod dynamic;
mod errors;
pub mod externs;
mod finish;
mod hints;
pub mod internal;
mod lambda;
mod lazy;
mod let_forms;
mod literals;
mod llm;
mod loops;
mod matching;
mod module_forms;
mod multimethods;
mod options;
mod patterns;
mod prepare;
mod quasiquote;
mod records;
mod redefinition;
pub(crate) mod run_time;
mod scope;
pub(crate) mod session;
mod shape;
mod spread;
pub mod text;
mod toplevel;
mod values;

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use crate::front::datum::{Datum, DatumKind, Interner, Span, Symbol};
use crate::front::diagnostic::{Condition, Diagnostic, Fallible, type_name};
use crate::front::expand::expansion_text;
use crate::front::expand::host::MacroHost;
use crate::front::expand::table::MacroTable;
use crate::front::modules::loader::SourceText;
use crate::front::names::SpecialForm;
use crate::front::reader::datum_to_text;
use crate::ir::builtins::Builtins;
use crate::ir::{Builtin, Expr, ExprKind, Global, GlobalId, Unit};
pub use finish::CERTAIN;
pub(crate) use finish::{AT_RUN_TIME, CYCLE};
pub(crate) use finish::{visit, visit_mut};
use scope::Scope;
pub use session::Session;
pub(crate) use session::sources_of;

/// Forms nested deeper than this are refused: macros can make data deeper than the reader allows, and lowering
/// recurses. A caller with a small stack should run the front end in a thread of its own with 256 MB.
pub const DEPTH_LIMIT: u32 = 3000;

/// What is said of expansions that go on and on.
const EXPANSION_TOO_DEEP: &str = "macro expansion exceeded depth limit";

/// What is said of expansions that become more and more.
const EXPANSION_TOO_LARGE: &str = "macro expansion exceeded size limit";

/// Most expressions that the expansions of one form at top level may consist of.
const MOST_PARTS: u32 = 1_000_000;

/// If a form that is nested too deeply lies in more expansions than this, they are the reason.
const MANY_EXPANSIONS: u32 = 500;

/// A lowered module and the warnings about it.
#[derive(Debug)]
pub struct Lowered {
    /// The code.
    pub unit: Unit,
    /// What may fail at run time.
    pub warnings: Vec<Diagnostic>,
}

/// Lowers a program of one file, without imports.
///
/// # Errors
/// All problems found, errors and warnings, in source order.
pub fn lower_program(
    name: &str,
    forms: &[Datum],
    interner: &mut Interner,
    builtins: &Builtins,
    host: &mut dyn MacroHost,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut session = Session::new(interner, builtins, host);
    // Whoever wants errors compiles files.
    session.allowed = CERTAIN.map(str::to_owned).to_vec();
    let lowered = Lowerer::new(&mut session, Rc::from(name)).program(forms);
    let problems = std::mem::take(&mut session.diagnostics);
    if problems.iter().any(Diagnostic::is_error) {
        return Err(problems);
    }
    Ok(Lowered {
        unit: lowered.unit,
        warnings: problems,
    })
}

/// Lowers one module.
pub(crate) struct Lowerer<'a, 's> {
    pub(crate) session: &'a mut Session<'s>,
    /// The module's code so far.
    pub(crate) unit: Unit,
    /// The unit's globals by name.
    global_ids: HashMap<Symbol, GlobalId>,
    /// The lexical scopes, innermost last. Empty at top level.
    scopes: Vec<Scope>,
    /// The macros of the module.
    pub(crate) macros: MacroTable,
    /// Names that the program defines at top level: they hide macros of the same name.
    hidden: HashSet<Symbol>,
    /// Which variables have been mentioned since they were declared.
    mentioned: Vec<bool>,
    /// Directory of the file being lowered, which relative imports start from.
    pub(crate) directory: Rc<str>,
    /// Files being loaded, the innermost last.
    loading: Vec<Rc<str>>,
    /// Functions made for files that are loaded in more than one way, by module key.
    load_functions: HashMap<Rc<str>, GlobalId>,
    /// The files that are loaded under names that stand in the text, with these names.
    loaded: Vec<(Rc<str>, SourceText)>,
    /// The names that imports have bound: the module, the name there, and the import.
    imported: HashMap<Symbol, (Rc<str>, Rc<str>, Span)>,
    /// The methods that the file gives multimethods, by name and value.
    methods: HashMap<(Symbol, Symbol), Span>,
    /// The names of the `let` whose values are being lowered, which those values do not see.
    siblings: HashMap<Symbol, u32>,
    /// Those of them that a value mentions although nothing else binds them.
    unseen: HashSet<Symbol>,
    /// Macros that the module defines itself.
    own_macros: Vec<(Symbol, Span)>,
    /// The forms that define them.
    macro_definitions: Vec<(Symbol, Datum)>,
    /// Whether the program is running already: its definitions take effect one by one.
    at_run_time: bool,
    /// Code to run before the first form.
    prelude: Vec<Expr>,
    /// Nesting of expansions of top-level forms.
    expansions: u32,
    /// Expansions inside which the current form lies.
    expanding: u32,
    /// Current nesting.
    depth: u32,
    /// Whether the unit contains code that is only known at run time.
    dynamic: bool,
    /// Whether the forms being lowered may run more than once or not at all.
    conditional: bool,
}

/// What lowering a module gives besides problems.
pub(crate) struct LoweredModule {
    pub(crate) unit: Unit,
    pub(crate) macros: MacroTable,
}

impl<'a, 's> Lowerer<'a, 's> {
    pub(crate) fn new(session: &'a mut Session<'s>, name: Rc<str>) -> Lowerer<'a, 's> {
        let macros = MacroTable::with_prelude(session.interner);
        Lowerer {
            session,
            unit: Unit {
                name,
                ..Unit::default()
            },
            global_ids: HashMap::default(),
            scopes: Vec::new(),
            macros,
            hidden: HashSet::default(),
            mentioned: Vec::new(),
            directory: Rc::from(""),
            loading: Vec::new(),
            load_functions: HashMap::default(),
            loaded: Vec::new(),
            imported: HashMap::default(),
            methods: HashMap::default(),
            siblings: HashMap::default(),
            unseen: HashSet::default(),
            own_macros: Vec::new(),
            macro_definitions: Vec::new(),
            at_run_time: false,
            prelude: Vec::new(),
            expansions: 0,
            expanding: 0,
            depth: 0,
            dynamic: false,
            conditional: false,
        }
    }

    /// Lowers an expression. A problem is recorded and nil stands in for the expression, so that one run finds
    /// several.
    pub(crate) fn expr(&mut self, datum: &Datum) -> Expr {
        if self.depth >= DEPTH_LIMIT {
            let problem = if self.expanding > MANY_EXPANSIONS {
                Diagnostic::eval(datum.span, EXPANSION_TOO_DEEP)
            } else {
                let message = format!("form nested too deeply (limit {DEPTH_LIMIT})");
                Diagnostic::eval(datum.span, message)
            };
            self.report(problem);
            return Expr::nil(datum.span);
        }
        if self.expanding > 0 && !self.may_add_parts(1, datum.span) {
            return Expr::nil(datum.span);
        }
        self.depth += 1;
        let lowered = self.try_expr(datum);
        self.depth -= 1;
        lowered.unwrap_or_else(|problem| {
            self.report(problem);
            Expr::nil(datum.span)
        })
    }

    /// An expansion adds parts to the form at top level: false if there are too many. That is reported once.
    pub(crate) fn may_add_parts(&mut self, parts: u32, span: Span) -> bool {
        let before = self.session.parts_made;
        let more = before.saturating_add(parts);
        self.session.parts_made = more;
        if before <= MOST_PARTS && more > MOST_PARTS {
            let problem = Diagnostic::eval(span, EXPANSION_TOO_LARGE);
            let hint =
                format!("a form may become {MOST_PARTS} expressions: let the macro make less code");
            self.report(problem.with_hint(hint));
        }
        more <= MOST_PARTS
    }

    /// Lowers expressions in order.
    pub(crate) fn exprs(&mut self, data: &[Datum]) -> Vec<Expr> {
        data.iter().map(|datum| self.expr(datum)).collect()
    }

    /// Records a problem. A mistake in what a macro has made stands at the macro's call, where it cannot be
    /// seen: the expansion is shown with it.
    pub(crate) fn report(&mut self, mut problem: Box<Diagnostic>) {
        if problem.is_error()
            && let Some(expansion) = self.session.expansions.get(&problem.span())
        {
            let text = expansion_text(&expansion.clone(), self.session.interner);
            problem = problem.with_note(format!("expanded to: {text}"));
        }
        self.session.diagnostics.push(*problem);
    }

    fn try_expr(&mut self, datum: &Datum) -> Fallible<Expr> {
        let span = datum.span;
        match &datum.kind {
            DatumKind::Symbol(symbol) => self.reference(*symbol, span),
            DatumKind::List(items) => match items.split_first() {
                None => Ok(Expr::nil(span)),
                Some((head, operands)) => self.list(datum, head, operands),
            },
            DatumKind::Vector(items) => Ok(self.vector_literal(datum, items)),
            DatumKind::Map(entries) => Ok(self.map_literal(datum, entries)),
            constant => Ok(self.constant(constant, span)),
        }
    }

    fn list(&mut self, datum: &Datum, head: &Datum, operands: &[Datum]) -> Fallible<Expr> {
        if let DatumKind::Symbol(symbol) = head.kind {
            if let Some(form) = self.form_of(symbol) {
                return self.special_form(form, datum, operands);
            }
            if let Some(expansion) = self.expand_call(symbol, datum, operands)? {
                self.expanding += 1;
                let lowered = self.expr(&expansion);
                self.expanding -= 1;
                return Ok(lowered);
            }
            if let Some(read) = self.read_ahead(symbol, operands, datum.span) {
                return Ok(read);
            }
        }
        let callee = self.expr(head);
        if let ExprKind::Const(value) = &callee.kind {
            self.warn_of_constant_call(datum, value);
        }
        let arguments = self.exprs(operands);
        Ok(Expr::new(
            ExprKind::Call(Box::new(callee), arguments),
            datum.span,
        ))
    }

    /// A constant is called, which fails whatever it is given.
    fn warn_of_constant_call(&mut self, call: &Datum, callee: &DatumKind) {
        let DatumKind::List(items) = &call.kind else {
            return;
        };
        // What a macro put there may be a function.
        let callable = matches!(
            callee,
            DatumKind::Keyword(_) | DatumKind::Builtin(..) | DatumKind::Opaque(_)
        );
        if callable {
            return;
        }
        let shown = items
            .first()
            .map(|head| datum_to_text(self.session.interner, head));
        let kind = type_name(callee);
        let message = format!("not callable: {} ({kind})", shown.unwrap_or_default());
        let hint = self.hint_for_call_of_constant(items);
        let problem =
            Diagnostic::warning(call.span, "W0209", Condition::Eval, message).with_hint(hint);
        self.report(problem);
    }

    fn special_form(
        &mut self,
        form: SpecialForm,
        datum: &Datum,
        operands: &[Datum],
    ) -> Fallible<Expr> {
        let span = datum.span;
        match form {
            SpecialForm::Quote => self.quote(operands, span),
            SpecialForm::Quasiquote => self.quasiquote(operands, span),
            SpecialForm::If => self.if_form(operands, span),
            SpecialForm::Cond => self.cond(operands, span),
            SpecialForm::Case => self.case(operands, span),
            SpecialForm::When => self.when_unless("when", true, operands, span),
            SpecialForm::Unless => self.when_unless("unless", false, operands, span),
            SpecialForm::And => Ok(self.and_or(true, operands, span)),
            SpecialForm::Or => Ok(self.and_or(false, operands, span)),
            SpecialForm::Begin => Ok(self.begin(operands, span)),
            SpecialForm::While => self.while_form(operands, span),
            SpecialForm::Do => self.do_form(operands, span),
            SpecialForm::Define => self.define(operands, span),
            SpecialForm::Defun => self.defun(operands, span),
            SpecialForm::Set => self.set(operands, span),
            SpecialForm::Lambda => self.lambda_form(operands, span),
            SpecialForm::Let => self.let_form(operands, span),
            SpecialForm::LetStar => self.let_star(operands, span),
            SpecialForm::Letrec => self.letrec(operands, span),
            SpecialForm::Defmacro => self.nested_defmacro(datum, operands, span),
            SpecialForm::DefineSyntax => self.nested_define_syntax(datum, operands, span),
            SpecialForm::Throw => self.throw(operands, span),
            SpecialForm::Try => self.try_form(operands, span),
            SpecialForm::Eval => self.eval(operands, span),
            SpecialForm::Macroexpand => self.macroexpand(operands, span),
            SpecialForm::Module => self.module_form(operands, span),
            SpecialForm::Import => self.import(operands, span),
            SpecialForm::Load => self.load(operands, span),
            SpecialForm::Prompt => Ok(self.prompt(operands, span)),
            SpecialForm::Message => self.message(operands, span),
            SpecialForm::Deftool => self.deftool(operands, span),
            SpecialForm::Defagent => self.defagent(operands, span),
            SpecialForm::Delay => self.delay(operands, span),
            SpecialForm::Force => self.force(operands, span),
            SpecialForm::DefineRecordType => self.define_record_type(operands, span),
            SpecialForm::Match => self.match_form("match", operands, span),
            SpecialForm::MatchStar => self.match_form("match*", operands, span),
            SpecialForm::Defmulti => self.defmulti(operands, span),
            SpecialForm::Defmethod => self.defmethod(operands, span),
            SpecialForm::Async => self.async_form(operands, span),
            SpecialForm::Await => self.await_form(operands, span),
            SpecialForm::LetValues => self.let_values(operands, span),
            SpecialForm::LetStarValues => self.let_star_values(operands, span),
            SpecialForm::DefineValues => self.define_values(operands, span),
            SpecialForm::FString => Ok(self.f_string(operands, span)),
        }
    }

    /// The value of a name.
    fn reference(&mut self, symbol: Symbol, span: Span) -> Fallible<Expr> {
        if let Some(variable) = self.lookup(symbol) {
            return Ok(Expr::new(ExprKind::Local(variable), span));
        }
        if let Some(builtin) = self.hygienic_builtin(symbol) {
            return Ok(Expr::new(ExprKind::Builtin(builtin), span));
        }
        let global = self.global(symbol, span);
        if self.siblings.contains_key(&symbol) {
            self.unseen.insert(symbol);
        }
        if self.session.interner.resolve(&symbol) == "workflow/approval" {
            let message = "workflow/approval is a control-flow gate and cannot be used as a value; \
                           call (approval key opts) directly";
            return Err(Diagnostic::eval(span, message));
        }
        Ok(Expr::new(ExprKind::Global(global), span))
    }

    /// The builtin that a name made by an expansion stands for: a space and the builtin's name, which no
    /// program can write, define or shadow.
    fn hygienic_builtin(&self, symbol: Symbol) -> Option<Builtin> {
        let name = self.session.interner.resolve(&symbol).strip_prefix(' ')?;
        let internal = || internal::find(name).and_then(Builtin::find);
        let public = || {
            self.session
                .builtins
                .resolve(name)
                .map(|entry| entry.builtin)
        };
        public().or_else(internal)
    }

    /// The global of a name, made at its first mention.
    pub(crate) fn global(&mut self, symbol: Symbol, span: Span) -> GlobalId {
        if let Some(id) = self.global_ids.get(&symbol) {
            return *id;
        }
        let name = self.session.interner.resolve(&symbol);
        let shadows = self
            .session
            .builtins
            .resolve(name)
            .filter(|_| !self.session.redefined.contains(&symbol))
            .map(|entry| entry.builtin);
        let id = self.add_global(Global {
            name: Rc::from(name),
            shadows,
            definitions: 0,
            mutable: false,
            span,
        });
        self.global_ids.insert(symbol, id);
        id
    }

    pub(crate) fn add_global(&mut self, global: Global) -> GlobalId {
        let id = GlobalId(u32::try_from(self.unit.globals.len()).unwrap_or(u32::MAX));
        self.unit.globals.push(global);
        id
    }

    pub(crate) fn global_mut(&mut self, id: GlobalId) -> Option<&mut Global> {
        self.unit.globals.get_mut(id.0 as usize)
    }

    /// A call of a builtin, whatever the program binds.
    pub(crate) fn call_builtin(name: &'static str, arguments: Vec<Expr>, span: Span) -> Expr {
        Expr::builtin_call(name, arguments, span)
    }
}
