//! Counts how often one instruction follows another, to find out which pairs deserve an instruction
//! of their own. Only builds without threaded dispatch and with the feature `count-pairs` count;
//! `make pairs` runs the benchmarks with one.

use sema_format::isa::{INSTRUCTIONS, Op};

/// Opcodes, and so rows of the table.
const ROWS: usize = 256;

/// The counts.
pub(crate) struct Pairs {
    counts: Vec<u64>,
    last: u8,
}

impl Default for Pairs {
    fn default() -> Pairs {
        Pairs {
            counts: vec![0; ROWS * ROWS],
            last: Op::Return as u8,
        }
    }
}

impl Pairs {
    /// The instruction with this first word is executed.
    pub(crate) fn count(&mut self, word: u32) {
        let opcode = word as u8;
        if let Some(count) = self
            .counts
            .get_mut(usize::from(self.last) * ROWS + usize::from(opcode))
        {
            *count += 1;
        }
        self.last = opcode;
    }
}

impl Drop for Pairs {
    /// Writes `count first second` for each pair to standard error.
    fn drop(&mut self) {
        for first in INSTRUCTIONS {
            for second in INSTRUCTIONS {
                let place = first.op as usize * ROWS + second.op as usize;
                let count = self.counts.get(place).copied().unwrap_or(0);
                if count > 0 {
                    eprintln!("pair {count} {} {}", first.mnemonic, second.mnemonic);
                }
            }
        }
    }
}
