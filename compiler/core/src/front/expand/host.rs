//! What the expander needs from the machine that runs macro transformers.
//!
//! Transformers are Sema functions and run on the same virtual machine as programs. The front end gives the
//! machine whole units of lowered code; it never looks at values.

use std::rc::Rc;

use crate::front::datum::{Datum, Interner, Span};
use crate::front::diagnostic::{Diagnostic, EXPANSION, Fallible};
use crate::front::source::SourceMap;
use crate::ir::Unit;

/// A transformer kept by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransformerId(pub u32);

/// Runs code at build time.
///
/// Units are run in a *namespace*, which is named by [`Unit::name`]: globals of the same name in units of the
/// same namespace are the same variable, as at a read-eval-print loop. Each module of the program has its own.
///
/// `sources` are the texts that the spans of the code point into. A failure is a diagnostic with the code
/// [`EXPANSION`] and the frames of the code that failed; the place of the call is for the caller to add.
pub trait MacroHost {
    /// Runs a unit for its definitions.
    ///
    /// # Errors
    /// The condition it raised; the definitions made before it remain.
    fn run(&mut self, unit: &Unit, interner: &mut Interner, sources: &SourceMap) -> Fallible<()>;

    /// Runs a unit whose value is a function and keeps that function.
    ///
    /// # Errors
    /// The condition it raised.
    fn define_transformer(
        &mut self,
        unit: &Unit,
        interner: &mut Interner,
        sources: &SourceMap,
    ) -> Fallible<TransformerId>;

    /// Calls a transformer with unevaluated operands. The result is converted to data; what has no written form
    /// becomes [`crate::front::datum::DatumKind::Opaque`]. All of the result gets the given span, except parts of the
    /// operands that are returned as they are, if the host can tell.
    ///
    /// # Errors
    /// The condition it raised.
    fn call(
        &mut self,
        transformer: TransformerId,
        operands: &[Datum],
        span: Span,
        interner: &mut Interner,
        sources: &SourceMap,
    ) -> Fallible<Datum>;

    /// Gives a global of one namespace the present value of a global of another one, as `import` does. Does
    /// nothing if the source has no value.
    fn copy_global(&mut self, from: (&Rc<str>, &str), to: (&Rc<str>, &str));

    /// The next number of the counter that `gensym` uses.
    fn next_gensym(&mut self) -> u64;
}

/// A host without a machine: templates work, `defmacro` does not.
#[derive(Debug, Default)]
pub struct NoHost {
    counter: u64,
}

impl NoHost {
    fn refusal() -> Box<Diagnostic> {
        let message = "defmacro: this build of the compiler cannot run transformers";
        Diagnostic::error(EXPANSION, message)
    }
}

impl MacroHost for NoHost {
    fn run(&mut self, _: &Unit, _: &mut Interner, _: &SourceMap) -> Fallible<()> {
        Err(NoHost::refusal())
    }

    fn define_transformer(
        &mut self,
        _: &Unit,
        _: &mut Interner,
        _: &SourceMap,
    ) -> Fallible<TransformerId> {
        Err(NoHost::refusal())
    }

    fn call(
        &mut self,
        _: TransformerId,
        _: &[Datum],
        _: Span,
        _: &mut Interner,
        _: &SourceMap,
    ) -> Fallible<Datum> {
        Err(NoHost::refusal())
    }

    fn copy_global(&mut self, _: (&Rc<str>, &str), _: (&Rc<str>, &str)) {}

    fn next_gensym(&mut self) -> u64 {
        let number = self.counter;
        self.counter += 1;
        number
    }
}
