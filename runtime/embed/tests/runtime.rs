//! The facade, with a program that semac has compiled.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use sema::{Builder, Capability, Data, Error, Handle, Limits, Program, Runtime};

const PRICING: &[u8] = include_bytes!("../../../fixtures/embed/pricing.semac");

fn builder() -> Builder {
    Runtime::builder()
        .capture_output()
        .function("app/price", 1..=1, |arguments| match arguments {
            [Data::String(article)] => Ok(Data::Int(article.len() as i64)),
            [other] => Err(format!("no article: {other}")),
            _ => unreachable!(),
        })
}

#[track_caller]
fn started(builder: Builder) -> Runtime {
    let program = Program::load(PRICING).unwrap();
    let mut runtime = builder.build().unwrap();
    runtime.run(&program).unwrap();
    runtime
}

#[track_caller]
fn raised(result: Result<Data, Error>) -> sema::Condition {
    match result {
        Err(Error::Raised(condition)) => *condition,
        other => panic!("a condition expected, not {other:?}"),
    }
}

#[track_caller]
fn handle(result: Result<Data, Error>) -> Handle {
    match result {
        Ok(Data::Handle(handle)) => handle,
        other => panic!("a handle expected, not {other:?}"),
    }
}

#[test]
fn data_come_back_as_they_went_in() {
    let mut runtime = started(builder());
    let nested = Data::Map(vec![
        (Data::Int(1), Data::List(vec![])),
        (
            Data::keyword("k"),
            Data::Vector(vec![Data::Nil, Data::Bool(true)]),
        ),
    ]);
    let all = [
        Data::Nil,
        Data::Bool(false),
        Data::Int(i64::MIN),
        Data::Int(1 << 47),
        Data::BigInt("-123456789012345678901234567890".to_owned()),
        Data::Float(-0.5),
        Data::Char('ß'),
        Data::from("text"),
        Data::keyword("name"),
        Data::Symbol("x".to_owned()),
        Data::Bytes(vec![0, 255]),
        nested.clone(),
        Data::List(vec![nested]),
    ];
    for data in all {
        assert_eq!(
            runtime.call("same", std::slice::from_ref(&data)).unwrap(),
            data
        );
    }
    // A float that is no number is one afterwards too; an integer has one form.
    let nan = runtime.call("same", &[Data::Float(-f64::NAN)]).unwrap();
    assert!(matches!(nan, Data::Float(value) if value.is_nan()));
    let small = runtime
        .call("same", &[Data::BigInt("-7".to_owned())])
        .unwrap();
    assert_eq!(small, Data::Int(-7));
}

#[test]
fn data_that_cannot_be_converted_are_refused() {
    let mut runtime = started(builder());
    let nan_key = Data::Map(vec![(Data::Float(f64::NAN), Data::Nil)]);
    assert!(matches!(
        runtime.call("same", &[nan_key]),
        Err(Error::NotAKey)
    ));
    let digits = Data::BigInt("12x".to_owned());
    assert!(matches!(
        runtime.call("same", &[digits]),
        Err(Error::NotAnInteger(_))
    ));
    let mut deep = Data::Nil;
    for _ in 0..1000 {
        deep = Data::List(vec![deep]);
    }
    assert!(matches!(
        runtime.call("same", &[deep]),
        Err(Error::TooDeep(_))
    ));
    // The program builds what may not come out.
    let wrap = handle(runtime.exported("wrap"));
    let deep = runtime.call_handle(&wrap, &[Data::Int(1000)]);
    assert!(matches!(deep, Err(Error::TooDeep(_))));
    let share = handle(runtime.exported("share"));
    let large = runtime.call_handle(&share, &[Data::Int(40)]);
    assert!(matches!(large, Err(Error::TooLarge(_))));
    assert_eq!(
        runtime.call("total", &[2.into(), 3.into()]).unwrap(),
        Data::Int(6)
    );
}

#[test]
fn functions_are_handles() {
    let mut runtime = started(builder());
    let counter = handle(runtime.call("make-counter", &[]));
    for expected in 1..=3 {
        assert_eq!(
            runtime.call_handle(&counter, &[]).unwrap(),
            Data::Int(expected)
        );
    }
    let same = runtime
        .call("same", &[Data::Handle(counter.clone())])
        .unwrap();
    let Data::Handle(same) = same else {
        panic!("{same:?}")
    };
    drop(counter);
    assert_eq!(runtime.call_handle(&same, &[]).unwrap(), Data::Int(4));
    let counted = runtime.call("apply-to", &[Data::keyword("a"), Data::Map(vec![])]);
    assert_eq!(counted.unwrap(), Data::Nil);
    assert_eq!(runtime.text_of(&same).unwrap(), "<native-fn <vm-closure>>");
}

#[test]
fn dropped_handles_leave_nothing_behind() {
    let limits = Limits {
        heap: Some(24 << 20),
        ..Limits::default()
    };
    let mut runtime = started(builder().limits(limits));
    let kept = handle(runtime.call("make-counter", &[]));
    for round in 0..400 {
        // A megabyte each: they would not fit all together.
        let large = handle(runtime.call("hold", &[Data::Int(1 << 20)]));
        drop(std::thread::spawn(move || drop(large)).join());
        assert_eq!(
            runtime.call_handle(&kept, &[]).unwrap(),
            Data::Int(round + 1)
        );
    }
}

#[test]
fn handles_know_whose_they_are() {
    let (mut one, mut other) = (started(builder()), started(builder()));
    let counter = handle(one.call("make-counter", &[]));
    assert!(matches!(
        other.call_handle(&counter, &[]),
        Err(Error::ForeignHandle)
    ));
    let inside = Data::List(vec![Data::Handle(counter.clone())]);
    assert!(matches!(
        other.call("same", &[inside]),
        Err(Error::ForeignHandle)
    ));
    assert!(matches!(other.text_of(&counter), Err(Error::ForeignHandle)));
    // A new program on the same runtime is another machine.
    one.run(&Program::load(PRICING).unwrap()).unwrap();
    assert!(matches!(
        one.call_handle(&counter, &[]),
        Err(Error::ForeignHandle)
    ));
    drop(other);
    drop(one);
    drop(counter);
}

#[test]
fn host_functions_are_called_by_name_and_as_values() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    let builder =
        Runtime::builder()
            .capture_output()
            .function("app/price", 1..=1, move |arguments| {
                log.borrow_mut().extend_from_slice(arguments);
                match arguments {
                    [Data::String(_)] => Ok(Data::Int(5)),
                    [Data::Handle(function)] => Ok(Data::Handle(function.clone())),
                    _ => panic!("this host function is not careful"),
                }
            });
    let mut runtime = started(builder);
    assert_eq!(
        runtime.call("lookup", &["tea".into()]).unwrap(),
        Data::Int(5)
    );
    let prices = runtime.call("announce", &["sale".into()]).unwrap();
    assert_eq!(prices, Data::List(vec![Data::Int(5), Data::Int(5)]));
    assert_eq!(*seen.borrow(), ["tea".into(), "tea".into(), "milk".into()]);
    let counter = handle(runtime.call("make-counter", &[]));
    let same = handle(runtime.call("lookup", &[Data::Handle(counter)]));
    assert_eq!(runtime.call_handle(&same, &[]).unwrap(), Data::Int(1));

    let condition = raised(runtime.call("lookup", &[Data::Nil]));
    assert_eq!(condition.kind, "internal");
    assert_eq!(
        condition.message,
        "the host function app/price has panicked"
    );
    let price = handle(runtime.exported("price"));
    let condition = raised(runtime.call_handle(&price, &[Data::Nil, Data::Nil]));
    assert_eq!(condition.kind, "arity");
    assert_eq!(condition.message, "app/price expects 1 argument, got 2");
}

#[test]
fn host_functions_may_give_what_the_machine_refuses() {
    let (one, mut other) = (started(builder()), started(builder()));
    drop(one);
    let foreign = handle(other.call("make-counter", &[]));
    let builder = Runtime::builder()
        .capture_output()
        .function("app/price", 0..=255, move |_| {
            Ok(Data::Handle(foreign.clone()))
        });
    let condition = raised(started(builder).call("lookup", &[Data::Nil]));
    assert_eq!(condition.kind, "eval");
    assert!(
        condition
            .message
            .starts_with("app/price: the handle belongs"),
        "{condition}"
    );
}

#[test]
fn names_of_host_functions() {
    let taken = Runtime::builder()
        .function("string/trim", 1..=1, |_| Ok(Data::Nil))
        .build();
    assert!(matches!(taken, Err(Error::IsBuiltin(name)) if name == "string/trim"));
    // Not given: unbound, as in any program.
    let mut runtime = Runtime::builder().capture_output().build().unwrap();
    let condition = raised(runtime.run(&Program::load(PRICING).unwrap()));
    assert_eq!(
        (condition.kind.as_str(), condition.message.as_str()),
        ("unbound", "Unbound variable: app/price")
    );
    // What the program defines itself is its own.
    let mut runtime = started(builder().function("total", 2..=2, |_| Ok(Data::Nil)));
    assert_eq!(
        runtime.call("total", &[2.into(), 3.into()]).unwrap(),
        Data::Int(6)
    );
}

#[test]
fn conditions_have_type_text_and_trace() {
    let mut runtime = started(builder().grant(Capability::Process));
    let condition = raised(runtime.call("fail", &[Data::Int(1)]));
    assert_eq!(condition.kind, "type-error");
    let frame = condition.frames.first().unwrap();
    assert_eq!(frame.function, "fail");
    let (file, line, _) = frame.position.clone().unwrap();
    assert!(file.ends_with("pricing.sema") && line > 1, "{file}:{line}");
    assert!(
        condition.report().contains("  at fail (pricing.sema:"),
        "{}",
        condition.report()
    );
    let condition = raised(runtime.call("throw-map", &[]));
    assert_eq!(
        (condition.kind.as_str(), condition.message.as_str()),
        ("user", "User exception: {:code 7}")
    );
    assert!(matches!(
        runtime.call("leave", &[Data::Int(3)]),
        Err(Error::Exited(3))
    ));
    assert!(matches!(
        runtime.call("no-such", &[]),
        Err(Error::NoExport(_))
    ));
    assert_eq!(
        runtime.call("total", &[2.into(), 3.into()]).unwrap(),
        Data::Int(6)
    );
    let mut fresh = builder().build().unwrap();
    assert!(matches!(fresh.call("total", &[]), Err(Error::NoProgram)));
}

#[test]
fn output_goes_where_it_should() {
    let mut runtime = started(builder());
    assert_eq!(runtime.take_output(), b"pricing is ready\n");
    runtime.call("announce", &["now".into()]).unwrap();
    assert_eq!(runtime.take_output(), b"out: now\n");
    assert_eq!(runtime.take_errors(), b"err: now\n");
    assert_eq!(runtime.take_output(), b"");
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_is_an_error_of_the_call() {
    let program = Program::load(PRICING).unwrap();
    let mut runtime = builder().output(Full).build().unwrap();
    assert!(matches!(runtime.run(&program), Err(Error::Output(_))));
    assert_eq!(
        runtime.call("total", &[2.into(), 3.into()]).unwrap(),
        Data::Int(6)
    );
    assert_eq!(
        raised(runtime.call("fail", &[Data::Int(1)])).kind,
        "type-error"
    );
}

#[test]
fn denied_builtins_stay_callable_and_raise() {
    let note = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut runtime = started(builder());
    let condition = raised(runtime.call("read-note", &[note.into()]));
    assert_eq!(condition.kind, "permission-denied");
    assert_eq!(
        condition.message,
        "Permission denied: file/read requires 'fs-read' capability"
    );
    let as_value = runtime.call("apply-reader", &[note.into()]).unwrap();
    assert_eq!(
        as_value.get("type"),
        Some(&Data::keyword("permission-denied"))
    );
    assert_eq!(as_value.get("capability"), Some(&"fs-read".into()));
    assert_eq!(as_value.get("function"), Some(&"file/read".into()));
    let mut runtime = started(builder().grant(Capability::FsRead));
    let text = runtime.call("read-note", &[note.into()]).unwrap();
    assert!(matches!(text, Data::String(text) if text.contains("sema-embed")));
    let mut runtime = started(builder().grant(Capability::Shell));
    assert_eq!(
        raised(runtime.call("read-note", &[note.into()])).kind,
        "permission-denied"
    );
}

#[test]
fn arguments_are_those_of_the_builder() {
    let mut runtime = started(
        builder()
            .arguments(["shop", "-x"])
            .grant(Capability::Process),
    );
    let expected = Data::List(vec!["shop".into(), "-x".into()]);
    assert_eq!(runtime.call("arguments", &[]).unwrap(), expected);
}

#[test]
fn steps_are_limited() {
    let limits = Limits {
        steps: Some(100_000),
        ..Limits::default()
    };
    let mut runtime = started(builder().limits(limits));
    for name in ["spin", "spin-past-handlers"] {
        let condition = raised(runtime.call(name, &[]));
        assert_eq!(condition.kind, "eval");
        assert!(condition.message.contains("steps"), "{condition}");
        assert_eq!(
            runtime.call("total", &[2.into(), 3.into()]).unwrap(),
            Data::Int(6)
        );
    }
}

#[test]
fn time_is_limited() {
    let limits = Limits {
        time: Some(Duration::from_millis(100)),
        ..Limits::default()
    };
    let mut runtime = started(builder().limits(limits));
    let calls: [(&str, &[Data]); 4] = [
        ("spin", &[]),
        ("spin-past-handlers", &[]),
        ("nap", &[Data::Int(60_000)]),
        ("nap-many", &[Data::Int(1)]),
    ];
    for (name, arguments) in calls {
        let started = Instant::now();
        let condition = raised(runtime.call(name, arguments));
        assert_eq!(condition.kind, "timeout", "{name}: {condition}");
        assert_eq!(
            condition.message,
            "the program has taken all the time it may take: 100 ms"
        );
        assert!(started.elapsed() < Duration::from_secs(20), "{name}");
        assert_eq!(
            runtime.call("total", &[2.into(), 3.into()]).unwrap(),
            Data::Int(6)
        );
    }
    let condition = raised(runtime.call("spin", &[]));
    assert_eq!(condition.frames.first().unwrap().function, "spin");
}

#[test]
fn memory_is_limited() {
    let limits = Limits {
        heap: Some(16 << 20),
        stack: Some(1 << 20),
        ..Limits::default()
    };
    let mut runtime = started(builder().limits(limits));
    let condition = raised(runtime.call("pile-up", &[]));
    assert!(condition.message.contains("out of memory"), "{condition}");
    let condition = raised(runtime.call("fall", &[Data::Int(0)]));
    assert!(
        condition.message.contains("stack overflow") || condition.message.contains("deep"),
        "{condition}"
    );
    assert_eq!(
        runtime.call("total", &[2.into(), 3.into()]).unwrap(),
        Data::Int(6)
    );
}

#[test]
fn several_threads_run_one_program() {
    let program = Program::load(PRICING).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread: i64| {
            let program = program.clone();
            std::thread::spawn(move || {
                let mut runtime = builder().build().unwrap();
                runtime.run(&program).unwrap();
                let counter = handle(runtime.call("make-counter", &[]));
                for _ in 0..1000 * (thread + 1) {
                    runtime.call_handle(&counter, &[]).unwrap();
                }
                runtime.call_handle(&counter, &[]).unwrap()
            })
        })
        .collect();
    let counts: Vec<Data> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(counts, [1001, 2001, 3001, 4001].map(Data::Int));
}

#[test]
fn what_is_no_program_is_refused() {
    for bytes in [&b""[..], b"\0SEMAC\r\n", b"(println 1)", &PRICING[..100]] {
        assert!(Program::load(bytes).is_err(), "{bytes:?}");
    }
    for at in (0..PRICING.len()).step_by(7) {
        let mut damaged = PRICING.to_vec();
        damaged[at] ^= 0x55;
        // Refused now or when it is loaded; a checksum stands before everything else.
        if let Ok(program) = Program::load(&damaged) {
            assert!(
                builder().build().unwrap().run(&program).is_err(),
                "byte {at}"
            );
        }
    }
}
