//! The names with a fixed meaning: special forms and the words used inside them.

use crate::hashing::HashMap;

use crate::front::datum::{Interner, Symbol};
use crate::front::reader::FSTRING_HEAD;

/// The special forms. A list whose head names one is that form, whatever the program binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it; the table below spells them")]
pub enum SpecialForm {
    Quote,
    Quasiquote,
    If,
    Cond,
    Case,
    When,
    Unless,
    And,
    Or,
    Begin,
    While,
    Do,
    Define,
    Defun,
    Set,
    Lambda,
    Let,
    LetStar,
    Letrec,
    Defmacro,
    DefineSyntax,
    Throw,
    Try,
    Eval,
    Macroexpand,
    Module,
    Import,
    Load,
    Prompt,
    Message,
    Deftool,
    Defagent,
    Delay,
    Force,
    DefineRecordType,
    Match,
    MatchStar,
    Defmulti,
    Defmethod,
    Async,
    Await,
    LetValues,
    LetStarValues,
    DefineValues,
    /// What an f-string reads as.
    FString,
}

/// Spelling and form. The first spelling of a form is the one its error texts use.
pub const SPECIAL_FORMS: &[(&str, SpecialForm)] = &[
    ("quote", SpecialForm::Quote),
    ("quasiquote", SpecialForm::Quasiquote),
    ("if", SpecialForm::If),
    ("cond", SpecialForm::Cond),
    ("case", SpecialForm::Case),
    ("when", SpecialForm::When),
    ("unless", SpecialForm::Unless),
    ("and", SpecialForm::And),
    ("or", SpecialForm::Or),
    ("begin", SpecialForm::Begin),
    ("progn", SpecialForm::Begin),
    ("while", SpecialForm::While),
    ("do", SpecialForm::Do),
    ("define", SpecialForm::Define),
    ("def", SpecialForm::Define),
    ("defun", SpecialForm::Defun),
    ("defn", SpecialForm::Defun),
    ("set!", SpecialForm::Set),
    ("lambda", SpecialForm::Lambda),
    ("fn", SpecialForm::Lambda),
    ("let", SpecialForm::Let),
    ("let*", SpecialForm::LetStar),
    ("letrec", SpecialForm::Letrec),
    ("defmacro", SpecialForm::Defmacro),
    ("define-syntax", SpecialForm::DefineSyntax),
    ("throw", SpecialForm::Throw),
    ("try", SpecialForm::Try),
    ("eval", SpecialForm::Eval),
    ("macroexpand", SpecialForm::Macroexpand),
    ("module", SpecialForm::Module),
    ("import", SpecialForm::Import),
    ("load", SpecialForm::Load),
    ("prompt", SpecialForm::Prompt),
    ("message", SpecialForm::Message),
    ("deftool", SpecialForm::Deftool),
    ("defagent", SpecialForm::Defagent),
    ("delay", SpecialForm::Delay),
    ("force", SpecialForm::Force),
    ("define-record-type", SpecialForm::DefineRecordType),
    ("match", SpecialForm::Match),
    ("match*", SpecialForm::MatchStar),
    ("defmulti", SpecialForm::Defmulti),
    ("defmethod", SpecialForm::Defmethod),
    ("async", SpecialForm::Async),
    ("await", SpecialForm::Await),
    ("let-values", SpecialForm::LetValues),
    ("let*-values", SpecialForm::LetStarValues),
    ("define-values", SpecialForm::DefineValues),
    (FSTRING_HEAD, SpecialForm::FString),
];

impl SpecialForm {
    /// The spelling in error texts.
    pub fn name(self) -> &'static str {
        let entry = SPECIAL_FORMS.iter().find(|(_, form)| *form == self);
        entry.map_or("", |(name, _)| name)
    }

    /// Whether a macro of the program may take the form's name. Forms that define names, bind variables, quote or
    /// load cannot be replaced: what a program means depends on them before anything is expanded.
    pub fn gives_way_to_macros(self) -> bool {
        matches!(
            self,
            SpecialForm::If
                | SpecialForm::Cond
                | SpecialForm::Case
                | SpecialForm::When
                | SpecialForm::Unless
                | SpecialForm::And
                | SpecialForm::Or
                | SpecialForm::While
                | SpecialForm::Throw
                | SpecialForm::Prompt
                | SpecialForm::Message
                | SpecialForm::Delay
                | SpecialForm::Force
                | SpecialForm::Async
                | SpecialForm::Await
        )
    }
}

/// Interned words.
#[derive(Debug)]
pub struct Names {
    forms: HashMap<Symbol, SpecialForm>,
    /// `.`
    pub dot: Symbol,
    /// `_`
    pub underscore: Symbol,
    /// `&`
    pub ampersand: Symbol,
    /// `else`
    pub r#else: Symbol,
    /// `catch`
    pub catch: Symbol,
    /// `when`
    pub when: Symbol,
    /// `export`
    pub export: Symbol,
    /// `unquote`
    pub unquote: Symbol,
    /// `unquote-splicing`
    pub unquote_splicing: Symbol,
    /// `...`
    pub ellipsis: Symbol,
    /// `syntax-rules`
    pub syntax_rules: Symbol,
    /// `keys`, of the keyword in map patterns
    pub keys: Symbol,
    /// `quote`
    pub quote: Symbol,
}

impl Names {
    /// Interns the words.
    pub fn new(interner: &mut Interner) -> Names {
        let forms = SPECIAL_FORMS
            .iter()
            .map(|(name, form)| (interner.get_or_intern_static(name), *form))
            .collect();
        let mut word = |text: &'static str| interner.get_or_intern_static(text);
        Names {
            forms,
            dot: word("."),
            underscore: word("_"),
            ampersand: word("&"),
            r#else: word("else"),
            catch: word("catch"),
            when: word("when"),
            export: word("export"),
            unquote: word("unquote"),
            unquote_splicing: word("unquote-splicing"),
            ellipsis: word("..."),
            syntax_rules: word("syntax-rules"),
            keys: word("keys"),
            quote: word("quote"),
        }
    }

    /// The special form that a symbol names.
    pub fn form(&self, symbol: Symbol) -> Option<SpecialForm> {
        self.forms.get(&symbol).copied()
    }
}
