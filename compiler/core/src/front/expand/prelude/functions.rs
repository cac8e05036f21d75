//! Macros of the reference that are functions here. Only the number of operands is checked when the program is
//! built.

use super::Maker;
use crate::front::datum::Datum;
use crate::front::diagnostic::{Diagnostic, Fallible};

macro_rules! functions {
    ($($function:ident = $name:literal,)*) => {
        $(
            pub(super) fn $function(
                maker: &mut Maker<'_, '_>,
                operands: &[Datum],
            ) -> Fallible<Datum> {
                Ok(maker.call($name, operands.iter().cloned()))
            }
        )*
    };
}

functions! {
    async_map = "async/map",
    async_pool_map = "async/pool-map",
    async_spawn_all = "async/spawn-all",
    pipeline = "pipeline",
    pipeline_settled = "pipeline-settled",
    with_retry = "with-retry",
    settled_ok = "settled/ok?",
    settled_err = "settled/err?",
    settled_partition = "settled-partition",
    ws_listen = "ws/listen",
}

pub(super) fn parallel(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    thunks_and_limit(maker, "parallel", operands)
}

pub(super) fn parallel_settled(maker: &mut Maker<'_, '_>, operands: &[Datum]) -> Fallible<Datum> {
    thunks_and_limit(maker, "parallel-settled", operands)
}

fn thunks_and_limit(maker: &mut Maker<'_, '_>, name: &str, operands: &[Datum]) -> Fallible<Datum> {
    if operands.len() > 2 {
        let message = format!("{name}: expected thunks and at most one concurrency argument");
        return Err(Diagnostic::eval(maker.span, message));
    }
    Ok(maker.call(name, operands.iter().cloned()))
}
