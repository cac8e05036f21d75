//! The reference page of the instruction set, generated from the table.

#![allow(
    clippy::indexing_slicing,
    reason = "the table has an entry for each operation code; checked by its type"
)]

use std::fmt::Write;

use crate::isa::{DOCS, Flow, INSTRUCTIONS, Op, OpInfo, Operand, Predicate};
use crate::operands::{Field, operands};

/// The first instruction of each chapter.
const CHAPTERS: &[(Op, &str)] = &[
    (Op::Move, "Moves and constants"),
    (Op::GetCapture, "Variables"),
    (Op::Call, "Calls"),
    (Op::Jump, "Control"),
    (Op::Add, "Numbers"),
    (Op::First, "Data"),
    (Op::RunModule, "Modules"),
    (Op::Move2, "Combined, and for patterns"),
    (Op::Negate, "More numbers"),
    (Op::MultiplyThenAdd, "Combined with the next instruction"),
    (Op::MakeRecord, "Records and decisions"),
    (Op::CountStep, "Counted steps"),
    (Op::SubtractNumbers, "Steps with further numbers"),
];

const INTRODUCTION: &str = "# Bytecode

<!-- Generated from format/src/isa.rs: SEMAC_BLESS=1 cargo test -p sema-format -->

The instructions of the virtual machine, as module files (see module-format.md) hold them.

Code is a sequence of 32-bit little-endian words. The opcode is the low byte of an instruction's
first word. The upper three bytes hold the fields `a`, `b`, `c` (one byte each, `sc` signed), or
`a` and a 16-bit field (`bx`, signed `sbx`), or one signed 24-bit field `s24`. A second word, where
there is one, is `x` (signed `sx`). `closure` is followed by one word per captured variable.

```
 31      24 23      16 15       8 7        0
|    c     |    b     |    a     |  opcode  |
|    bx / sbx         |    a     |  opcode  |
|             s24                |  opcode  |
|                  x / sx                   |   second word
```

Registers are slots of the function's window on the value stack; `r0` is the first parameter. A call
places the callee in `r[a]` and the arguments after it; the callee's window starts at `r[a+1]`, and the
result comes back in `r[a]`. Jump offsets count words from the word after the whole instruction.
";

/// The page.
pub fn bytecode_reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Operands\n\n| Written | Meaning |\n|---|---|\n");
    for (sample, meaning) in OPERAND_MEANINGS {
        line(&mut page, format_args!("| {sample} | {meaning} |"));
    }
    for info in INSTRUCTIONS {
        if let Some((_, title)) = CHAPTERS.iter().find(|(first, _)| *first == info.op) {
            line(
                &mut page,
                format_args!(
                    "\n## {title}\n\n| Opcode | Instruction | Words | Goes on | Effect |\n|---|---|---|---|---|"
                ),
            );
        }
        instruction(&mut page, info);
    }
    page.push_str("\n## Predicates\n\n| Number | Predicate |\n|---|---|\n");
    for (number, predicate) in Predicate::ALL.iter().enumerate() {
        line(
            &mut page,
            format_args!("| {number} | `{}` |", predicate.name()),
        );
    }
    page.push_str("\n## Special values\n\n| Number | Value |\n|---|---|\n");
    for (number, value) in SPECIAL_VALUES.iter().enumerate() {
        line(&mut page, format_args!("| {number} | {value} |"));
    }
    page
}

const OPERAND_MEANINGS: &[(&str, &str)] = &[
    ("`r` dst", "register that is written"),
    ("`r` src", "register that is read"),
    (
        "`r` window",
        "callee and result; the arguments follow, their number is the count",
    ),
    ("`r` range", "first of count registers that are read"),
    (
        "`s` dst, `s` src",
        "stack slot of the window, also beyond register 255",
    ),
    ("count", "number of registers in a window or range"),
    ("`c`", "constant"),
    ("`g`", "global"),
    ("`f`", "function"),
    ("`n`", "native"),
    ("`i`", "import"),
    ("`^`", "captured variable of the running closure"),
    (
        "captures",
        "number of capture words that follow: bit 31 clear, a register; set, a captured variable",
    ),
    ("integer", "signed immediate"),
    ("special", "one of the special values below"),
    ("predicate", "one of the predicates below"),
    ("`->`", "jump target"),
];

/// In the order of `isa::special`, which a test checks.
const SPECIAL_VALUES: &[&str] = &[
    "`nil`",
    "`#f`",
    "`#t`",
    "`()`",
    "the marker of a missing optional argument (library code only)",
];

fn instruction(page: &mut String, info: &OpInfo) {
    let operands: Vec<String> = operands(info.op)
        .map(|(field, kind)| format!("{}:{}", field_name(field), kind_name(kind)))
        .collect();
    let goes_on = match info.flow {
        Flow::Next => "next",
        Flow::Branch => "next or target",
        Flow::Jump => "target",
        Flow::Exit => "leaves",
    };
    let captures = if info.op == Op::Closure { "+" } else { "" };
    line(
        page,
        format_args!(
            "| {} | `{}` {} | {}{captures} | {goes_on} | {} |",
            info.op as u8,
            info.mnemonic,
            operands.join(", "),
            info.words,
            DOCS[info.op as usize].trim().replace('|', "\\|"),
        ),
    );
}

fn field_name(field: Field) -> &'static str {
    match field {
        Field::A => "a",
        Field::B => "b",
        Field::C => "c",
        Field::SignedC => "sc",
        Field::Bx => "bx",
        Field::SignedBx => "sbx",
        Field::Signed24 => "s24",
        Field::X => "x",
        Field::SignedX => "sx",
    }
}

fn kind_name(kind: Operand) -> &'static str {
    match kind {
        Operand::Dst => "`r` dst",
        Operand::Src => "`r` src",
        Operand::CallBase => "`r` window",
        Operand::RangeStart => "`r` range",
        Operand::Count => "count",
        Operand::Const => "`c`",
        Operand::Global => "`g`",
        Operand::Function => "`f`",
        Operand::Native => "`n`",
        Operand::Import => "`i`",
        Operand::Capture => "`^`",
        Operand::CaptureCount => "captures",
        Operand::Imm => "integer",
        Operand::Special => "special",
        Operand::Predicate => "predicate",
        Operand::Jump => "`->`",
        Operand::SlotSrc => "`s` src",
        Operand::SlotDst => "`s` dst",
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(text);
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_and_value_is_listed() {
        let page = bytecode_reference();
        for info in INSTRUCTIONS {
            assert!(page.contains(&format!("| `{}` ", info.mnemonic)));
        }
        assert_eq!(
            SPECIAL_VALUES.len(),
            usize::from(crate::isa::special::COUNT)
        );
        assert!(CHAPTERS.is_sorted_by_key(|(op, _)| *op as u8));
    }
}
