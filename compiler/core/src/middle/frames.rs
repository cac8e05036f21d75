//! Frames of traces, whatever happens to the calls that made them.
//!
//! Traces look the same at every level of optimisation. So code that stands where a call of its function
//! stood says so: the spans of its expressions carry a context, the number of an entry in
//! [`Unit::inlined`](crate::ir::Unit::inlined). And calls that were written in tail position are marked
//! before anything moves, because they leave no frame behind, whereas a call that only becomes the last
//! thing a function does must.
//!
//! [`Span::context`] is twice the number of the entry, counted from 1, or 0 for code of the function
//! itself; the lowest bit is the mark of tail position. Code of a nested function counts from that function.

use crate::hashing::HashMap;

use crate::front::datum::Span;
use crate::ir::walk::for_each_child_mut;
use crate::ir::{Expr, ExprKind, InlinedCall, Lambda, Unit};

const TAIL: u32 = 1;

/// Marks all calls in tail position of a unit's functions.
pub fn mark(unit: &mut Unit) {
    for form in &mut unit.body {
        mark_tails(form, false);
    }
}

/// Marks the calls in tail position of the functions in an expression that is not in one itself.
pub fn mark_expr(expr: &mut Expr) {
    mark_tails(expr, false);
}

/// Mirrors the code generator: what it would make a tail call is marked.
fn mark_tails(expr: &mut Expr, tail: bool) {
    match &mut expr.kind {
        ExprKind::Call(..) | ExprKind::Apply(..) => {
            expr.span.context = u32::from(tail);
            for_each_child_mut(expr, &mut |child| mark_tails(child, false));
        }
        ExprKind::Lambda(lambda) => mark_tails(&mut std::rc::Rc::make_mut(lambda).body, true),
        ExprKind::If(test, then, other) => {
            mark_tails(test, false);
            mark_tails(then, tail);
            mark_tails(other, tail);
        }
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Seq(parts) => {
            let last = parts.len().saturating_sub(1);
            for (index, part) in parts.iter_mut().enumerate() {
                mark_tails(part, tail && index == last);
            }
        }
        ExprKind::Let(bindings, body)
        | ExprKind::Letrec(bindings, body)
        | ExprKind::Loop(_, bindings, body) => {
            for (_, init) in bindings {
                mark_tails(init, false);
            }
            mark_tails(body, tail);
        }
        ExprKind::Try(body, _, handler) => {
            mark_tails(body, false);
            mark_tails(handler, tail);
        }
        _ => for_each_child_mut(expr, &mut |child| mark_tails(child, false)),
    }
}

/// The number of the entry that a span's context refers to, if any.
fn entry(span: Span) -> Option<usize> {
    ((span.context >> 1) as usize).checked_sub(1)
}

fn is_marked(span: Span) -> bool {
    span.context & TAIL == TAIL
}

/// Whether a call leaves no frame of the function it stands in.
pub fn is_tail(span: Span, inlined: &[InlinedCall]) -> bool {
    let mut span = span;
    loop {
        if !is_marked(span) {
            return false;
        }
        match entry(span).and_then(|number| inlined.get(number)) {
            Some(call) => span = call.site,
            None => return true,
        }
    }
}

/// Notes that the code of a module stands where the module was imported; gives the context for
/// [`place`].
pub fn module(site: Span, inlined: &mut Vec<InlinedCall>) -> u32 {
    inlined.push(InlinedCall {
        name: None,
        library: false,
        site,
    });
    (inlined.len() as u32) << 1
}

/// Puts code in which nothing has been inlined into a context.
pub fn place(expr: &mut Expr, context: u32) {
    let mut mover = Mover {
        root: Root::Entry(context, None),
        moved: HashMap::default(),
        inlined: &mut Vec::new(),
    };
    mover.expr(expr);
}

/// Prepares the body of a function to stand where a call of it stood. `in_library`: in code whose frames
/// nobody sees.
pub fn enter(
    body: &mut Expr,
    function: &Lambda,
    site: Span,
    in_library: bool,
    inlined: &mut Vec<InlinedCall>,
) {
    if in_library && function.library {
        return;
    }
    let root = if function.library && !is_marked(site) {
        // Neither a frame that shows nor one that goes: as if the caller did it all.
        Root::Site(site)
    } else {
        inlined.push(InlinedCall {
            name: function.name.clone(),
            library: function.library,
            site,
        });
        let context = (inlined.len() as u32) << 1;
        Root::Entry(context, function.library.then_some(site))
    };
    let mut mover = Mover {
        root,
        moved: HashMap::default(),
        inlined,
    };
    mover.expr(body);
}

#[derive(Clone, Copy)]
enum Root {
    /// The function's own code takes the place of the call.
    Site(Span),
    /// It lies in this context, at the place given or where it was written.
    Entry(u32, Option<Span>),
}

/// Moves code into a context.
struct Mover<'a> {
    root: Root,
    /// New contexts of calls that were inlined into the function before.
    moved: HashMap<usize, u32>,
    inlined: &'a mut Vec<InlinedCall>,
}

impl Mover<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        expr.span = self.span(expr.span);
        if !matches!(expr.kind, ExprKind::Lambda(_)) {
            for_each_child_mut(expr, &mut |child| self.expr(child));
        }
    }

    fn span(&mut self, span: Span) -> Span {
        if span == Span::default() {
            return span;
        }
        let mark = span.context & TAIL;
        match (entry(span), self.root) {
            (Some(number), _) => Span {
                context: self.moved(number) | mark,
                ..span
            },
            (None, Root::Site(site)) => site,
            (None, Root::Entry(context, place)) => Span {
                context: context | mark,
                ..place.unwrap_or(span)
            },
        }
    }

    fn moved(&mut self, number: usize) -> u32 {
        if let Some(&context) = self.moved.get(&number) {
            return context;
        }
        let Some(call) = self.inlined.get(number).cloned() else {
            return 0;
        };
        let site = self.span(call.site);
        self.inlined.push(InlinedCall { site, ..call });
        let context = (self.inlined.len() as u32) << 1;
        self.moved.insert(number, context);
        context
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::datum::FileId;

    fn at(start: u32) -> Span {
        Span {
            file: FileId(1),
            start,
            end: start + 1,
            context: 0,
        }
    }

    fn call(start: u32) -> Expr {
        Expr::builtin_call("read-line", Vec::new(), at(start))
    }

    fn function(name: &str, library: bool, body: Expr) -> Lambda {
        Lambda {
            name: Some(name.into()),
            parameters: Vec::new(),
            optional: 0,
            rest: None,
            body,
            span: at(0),
            library,
        }
    }

    /// `((lambda () first second))`, marked.
    fn marked(library: bool) -> Lambda {
        let body = Expr::new(ExprKind::Seq(vec![call(10), call(20)]), at(5));
        let value = ExprKind::Lambda(function("f", library, body).into());
        let mut unit = Unit {
            body: vec![Expr::new(value, at(0))],
            ..Unit::default()
        };
        mark(&mut unit);
        match unit.body.pop().map(|form| form.kind) {
            Some(ExprKind::Lambda(lambda)) => (*lambda).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn spans(body: &Expr) -> (Span, Span) {
        match &body.kind {
            ExprKind::Seq(parts) => (parts[0].span, parts[1].span),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_call_of_a_function_is_marked() {
        let lambda = marked(false);
        let (first, second) = spans(&lambda.body);
        assert!(!is_tail(first, &[]));
        assert!(is_tail(second, &[]));
        let ExprKind::Seq(parts) = &lambda.body.kind else {
            panic!()
        };
        assert!(matches!(&parts[0].kind, ExprKind::Call(callee, _)
            if matches!(callee.kind, ExprKind::Builtin(builtin) if builtin.name() == "read-line")));
    }

    #[test]
    fn contexts_nest() {
        let mut inlined = Vec::new();
        let lambda = marked(false);
        let mut body = lambda.body.clone();
        enter(&mut body, &lambda, at(30), false, &mut inlined);
        let (_, second) = spans(&body);
        // The call that was replaced was not in tail position.
        assert!(!is_tail(second, &inlined));
        let outer = function("g", false, body);
        let mut body = outer.body.clone();
        enter(&mut body, &outer, at(40), false, &mut inlined);
        let (first, _) = spans(&body);
        let inner = &inlined[entry(first).unwrap()];
        assert_eq!(inner.name.as_deref(), Some("f"));
        assert_eq!(inner.site.start, 30);
        let outer = &inlined[entry(inner.site).unwrap()];
        assert_eq!(outer.name.as_deref(), Some("g"));
        assert_eq!(outer.site, at(40));
    }

    #[test]
    fn library_code_stands_where_it_was_called() {
        let mut inlined = Vec::new();
        let lambda = marked(true);
        let mut body = lambda.body.clone();
        enter(&mut body, &lambda, at(30), false, &mut inlined);
        assert_eq!(spans(&body), (at(30), at(30)));
        assert!(inlined.is_empty());
        // In tail position it takes the caller's frame away.
        let site = Span {
            context: TAIL,
            ..at(30)
        };
        let mut body = lambda.body.clone();
        enter(&mut body, &lambda, site, false, &mut inlined);
        let (first, second) = spans(&body);
        assert_eq!((first.start, second.start), (30, 30));
        assert!(inlined[0].library && !is_tail(first, &inlined));
        assert!(is_tail(second, &inlined));
    }
}
