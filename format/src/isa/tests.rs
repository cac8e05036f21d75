use super::*;

#[test]
fn table_is_indexed_by_opcode() {
    for (index, info) in INSTRUCTIONS.iter().enumerate() {
        assert_eq!(info.op as usize, index, "{}", info.mnemonic);
        assert_eq!(Op::from_byte(index as u8), Some(info.op));
    }
}

#[test]
fn encode_then_decode_is_identity() {
    let samples = [
        Instruction::Add { a: 1, b: 2, c: 255 },
        Instruction::AddImm {
            a: 1,
            b: 2,
            sc: -128,
        },
        Instruction::LoadInt { a: 9, sbx: -32768 },
        Instruction::Jump { s24: -8_388_608 },
        Instruction::Loop { s24: 8_388_607 },
        Instruction::JumpLessImm {
            a: 3,
            sbx: -1,
            sx: i32::MIN,
        },
        Instruction::CallKnown {
            a: 250,
            b: 4,
            x: u32::MAX,
        },
        Instruction::ModuleDone {},
    ];
    for sample in samples {
        let (first, second) = sample.encode();
        assert_eq!(Instruction::decode(first, second), Some(sample));
    }
}
