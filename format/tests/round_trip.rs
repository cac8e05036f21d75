//! What is written is what is read.

mod common;

use common::{Random, everything, file, options, random_module, rounds, with_view};
use sema_format::isa::{INSTRUCTIONS, Instruction};
use sema_format::model::{Constant, Function, Module};
use sema_format::{
    AlignedBytes, ConstantView, Location, ModuleView, WriteError, WriteOptions, verify, write,
};

#[test]
fn everything_survives() {
    let module = everything();
    with_view(&module, |view| {
        verify(view).unwrap();
        view.check_content().unwrap();
        assert_eq!(view.to_module().unwrap(), module);
        assert_eq!(view.producer(), "semac 0.1.0");
        assert!(!view.stripped());
    });
}

#[test]
fn random_modules_survive_and_verify() {
    for seed in 0..rounds(400) {
        let module = random_module(&mut Random::new(seed));
        with_view(&module, |view| {
            if let Err(error) = verify(view) {
                panic!("seed {seed}: {error}");
            }
            assert_eq!(view.to_module().unwrap(), module, "seed {seed}");
            sema_format::disasm::module(view).unwrap();
        });
    }
}

#[test]
fn every_instruction_decodes_to_what_encodes_it() {
    let mut random = Random::new(1);
    for info in INSTRUCTIONS {
        for _ in 0..100 {
            let first = random.next() as u32 & !0xff | info.op as u32;
            let second = (info.words == 2).then(|| random.next() as u32);
            let instruction = Instruction::decode(first, second).unwrap();
            let (first, second) = instruction.encode();
            assert_eq!(Instruction::decode(first, second), Some(instruction));
        }
    }
}

#[test]
fn the_same_module_gives_the_same_bytes() {
    assert_eq!(
        file(&everything()).as_bytes(),
        file(&everything()).as_bytes()
    );
}

#[test]
fn stripping_leaves_what_running_needs() {
    let module = everything();
    let stripped = WriteOptions {
        debug: false,
        docs: false,
        ..options()
    };
    let bytes = AlignedBytes::copy_of(&write(&module, &stripped).unwrap());
    let view = ModuleView::parse(bytes.as_bytes()).unwrap();
    verify(&view).unwrap();
    assert!(view.stripped());
    assert_eq!(view.debug().unwrap(), None);
    let read = view.to_module().unwrap();
    assert_eq!(read.functions[0].code, module.functions[0].code);
    assert_eq!(read.functions[0].name, module.functions[0].name);
    let export = &read.exports[0];
    assert_eq!((export.line, export.doc.as_deref()), (0, None));
    assert!(bytes.as_bytes().len() < file(&module).as_bytes().len());
}

#[test]
fn positions_and_names_are_found_by_pc() {
    with_view(&everything(), |view| {
        let debug = view.debug().unwrap().unwrap();
        let at = |file, line, column| Some(Location { file, line, column });
        assert_eq!(debug.location(0, 0), at("app/main.sema", 1, 1));
        assert_eq!(debug.location(0, 2), at("app/main.sema", 1, 1));
        assert_eq!(debug.location(0, 3), at("app/main.sema", 2, 3));
        assert_eq!(debug.location(0, 1_000), at("app/other.sema", 40, 9));
        assert_eq!(debug.location(2, 0), None);
        assert_eq!(debug.location(9, 0), None);
        assert_eq!(debug.local_name(0, 1, 3), Some("näme"));
        assert_eq!(debug.local_name(0, 1, 0), None);
        assert_eq!(debug.local_name(0, 2, 3), None);
    });
}

#[test]
fn large_debug_sections_are_compressed() {
    let mut module = everything();
    let entry = module.functions[0].lines[0];
    module.functions[0].lines = (0..20_000)
        .map(|pc| sema_format::model::LineEntry { pc, ..entry })
        .collect();
    let bytes = file(&module);
    assert!(bytes.as_bytes().len() < 4_000);
    with_view(&module, |view| {
        assert_eq!(view.debug().unwrap().unwrap().lines(0).len(), 20_000);
    });
}

#[test]
fn constants_are_read_in_place() {
    with_view(&everything(), |view| {
        assert_eq!(view.constant(15), Ok(ConstantView::List(&[0, 12, 12])));
        assert_eq!(
            view.constant(17),
            Ok(ConstantView::Map(&[[13, 15], [14, 16]]))
        );
        assert_eq!(view.constant(18), Ok(ConstantView::Bytes(&[1, 2, 3, 4, 5])));
        let Ok(ConstantView::F64Array(floats)) = view.constant(19) else {
            panic!("not an array")
        };
        assert_eq!(floats.floats().collect::<Vec<_>>(), [1.5, 0.0]);
        let Ok(ConstantView::I64Array(integers)) = view.constant(20) else {
            panic!("not an array")
        };
        assert_eq!(integers.integers().collect::<Vec<_>>(), [-1, i64::MAX]);
        let range = view.bytes().as_ptr_range();
        let Ok(ConstantView::Str(text)) = view.constant(12) else {
            panic!("not a string")
        };
        assert!(range.contains(&text.as_ptr()));
    });
}

#[test]
fn strings_are_stored_once() {
    let mut module = everything();
    let before = file(&module).as_bytes().len();
    module
        .constants
        .push(Constant::Symbol("println".to_owned()));
    let one_word = before + 4;
    assert_eq!(file(&module).as_bytes().len(), one_word);
}

#[test]
fn a_minimal_module_is_small() {
    let module = common::main_only(common::words(&[Instruction::Return { a: 0 }]), 1);
    assert!(file(&module).as_bytes().len() <= 184);
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold() {
    let forward = Module {
        constants: vec![Constant::List(vec![0])],
        functions: vec![Function::default()],
        ..Module::default()
    };
    assert!(matches!(
        write(&forward, &options()),
        Err(WriteError::ConstantOrder {
            constant: 0,
            child: 0
        })
    ));
    let producer = WriteOptions {
        producer: "x".repeat(33),
        ..options()
    };
    assert!(matches!(
        write(&everything(), &producer),
        Err(WriteError::Producer(_))
    ));
    let mut lines = everything();
    lines.functions[0].lines.reverse();
    assert!(matches!(
        write(&lines, &options()),
        Err(WriteError::Debug { function: 0, .. })
    ));
}
