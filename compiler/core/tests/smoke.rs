//! Core language to running code, without a front end.
use semac_core::hashing::HashSet;
use std::rc::Rc;

use sema_machine::host::Host;
use sema_machine::host::output::Output;
use sema_machine::vm::{Ending, FoundModule, LoadError, ModuleSource, Vm};
use semac_core::back::bytecode::generate;
use semac_core::front::datum::{DatumKind, Span, new_interner};
use semac_core::front::positions::Positions;
use semac_core::ir::{Expr, ExprKind, Global, GlobalId, Lambda, Unit, VarId, Variable};
use semac_core::middle::Globals;

struct Nothing;
impl ModuleSource for Nothing {
    fn module(&self, _: &str, _: &str) -> Result<Option<FoundModule>, LoadError> {
        Ok(None)
    }
}
impl Positions for Nothing {
    fn position(&self, _: Span) -> Option<(&str, u32, u32)> {
        None
    }
}
fn e(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}
fn int(n: i64) -> Expr {
    e(ExprKind::Const(DatumKind::Int(n)))
}
fn call(name: &'static str, arguments: Vec<Expr>) -> Expr {
    Expr::builtin_call(name, arguments, Span::default())
}

#[test]
fn fib_runs() {
    let n = || e(ExprKind::Local(VarId(0)));
    let fib = |k| {
        e(ExprKind::Call(
            Box::new(e(ExprKind::Global(GlobalId(0)))),
            vec![call("-", vec![n(), int(k)])],
        ))
    };
    let body = e(ExprKind::If(
        Box::new(call("<", vec![n(), int(2)])),
        Box::new(n()),
        Box::new(call("+", vec![fib(1), fib(2)])),
    ));
    let lambda = Lambda {
        name: Some("fib".into()),
        parameters: vec![VarId(0)],
        optional: 0,
        rest: None,
        body,
        span: Span::default(),
        library: false,
    };
    let unit = Unit {
        name: "main".into(),
        variables: vec![Variable {
            name: "n".into(),
            assigned: false,
        }],
        globals: vec![Global {
            name: "fib".into(),
            shadows: None,
            definitions: 1,
            mutable: false,
            span: Span::default(),
        }],
        body: vec![
            e(ExprKind::DefineGlobal(
                GlobalId(0),
                Box::new(e(ExprKind::Lambda(Rc::new(lambda)))),
            )),
            e(ExprKind::Call(
                Box::new(e(ExprKind::Global(GlobalId(0)))),
                vec![int(32)],
            )),
        ],
        ..Unit::default()
    };
    let known = HashSet::from_iter([GlobalId(0)]);
    let module = generate(
        &unit,
        &Globals {
            known,
            ..Globals::default()
        },
        &Nothing,
        &new_interner(),
    )
    .unwrap();
    let mut vm = Vm::new(
        Host::new(Output::memory(), &sema_natives::NATIVES),
        Box::new(Nothing),
    );
    let number = vm.load("main", module).unwrap();
    let start = std::time::Instant::now();
    match vm.run_main(number) {
        Ending::Value(value) => assert_eq!(value.as_fixnum(), Some(2_178_309)),
        _ => panic!("did not end with a value"),
    }
    println!("{:?}", start.elapsed());
}
