//! What the command line adds to a program: a program that defines tools becomes a server that offers them, and calls of models
//! are answered from a tape.
//!
//! The server is a function of the library. It is called behind the code of the entry file with the tools, and is told
//! before that code runs that it will be: what the code prints must not be taken for messages.

use std::rc::Rc;

use crate::front::datum::DatumKind;
use crate::front::diagnostic::{Diagnostic, Fallible};
use crate::ir::{Expr, ExprKind, GlobalId, Unit};

/// What the server of a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What it calls itself.
    pub name: String,
    /// How clients reach it.
    pub transport: Transport,
}

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Its standard input and output.
    StandardStreams,
    /// HTTP.
    Http,
}

/// Makes a server of the program with this entry: of the tools among the exports that it lists, else of those that it
/// defines itself.
///
/// # Errors
/// There is nothing to offer.
pub fn add(entry: &mut Unit, service: &Service) -> Fallible<()> {
    let offered = match &entry.exports {
        Some(_) => entry
            .all_exports()
            .into_iter()
            .map(|(_, global, _)| global)
            .collect(),
        None => defined_tools(entry),
    };
    if offered.is_empty() {
        let problem = Diagnostic::error("E0503", "there is no tool to offer");
        return Err(problem.with_hint(
            "define tools with deftool, or list them: (module NAME (export TOOL ...) ...)",
        ));
    }
    let span = entry.body.last().map(|form| form.span).unwrap_or_default();
    let values = offered.into_iter().map(|global| {
        let span = entry
            .globals
            .get(global.0 as usize)
            .map_or(span, |global| global.span);
        Expr::new(ExprKind::Global(global), span)
    });
    let values = Expr::builtin_call("list", values.collect(), span);
    let name = ExprKind::Const(DatumKind::Str(Rc::from(service.name.as_str())));
    let serve = match service.transport {
        Transport::StandardStreams => {
            let begin = Expr::builtin_call("%mcp-begin", Vec::new(), span);
            entry.body.insert(0, begin);
            "%mcp-serve"
        }
        Transport::Http => "%mcp-serve-http",
    };
    let arguments = vec![Expr::new(name, span), values];
    entry.body.push(Expr::builtin_call(serve, arguments, span));
    Ok(())
}

/// Lets a program answer its calls of models from the embedded tape at a path.
pub fn replay(entry: &mut Unit, path: &str) {
    let span = entry.body.first().map(|form| form.span).unwrap_or_default();
    let path = ExprKind::Const(DatumKind::Str(Rc::from(path)));
    let begin = Expr::builtin_call("%replay-bundled", vec![Expr::new(path, span)], span);
    entry.body.insert(0, begin);
}

/// The globals that the unit's own forms define as tools, each once.
fn defined_tools(unit: &Unit) -> Vec<GlobalId> {
    let mut tools = Vec::new();
    let mut forms: Vec<&Expr> = unit.body.iter().rev().collect();
    while let Some(form) = forms.pop() {
        match &form.kind {
            ExprKind::Seq(parts) => forms.extend(parts.iter().rev()),
            ExprKind::DefineGlobal(global, value)
                if makes_tool(value) && !tools.contains(global) =>
            {
                tools.push(*global);
            }
            _ => {}
        }
    }
    tools
}

fn makes_tool(value: &Expr) -> bool {
    let ExprKind::Call(callee, _) = &value.kind else {
        return false;
    };
    matches!(callee.kind, ExprKind::Builtin(builtin) if builtin.name() == "%make-tool")
}
