//! Rounds of loops that count their steps.

use super::{Assembler, Label};
use crate::isa::{Flow, Instruction, Op};

/// Whether the instruction counts a step.
fn counts(op: Op) -> bool {
    matches!(
        op,
        Op::CountStep
            | Op::CountedCall
            | Op::CountedCallKnown
            | Op::CountedTailCall
            | Op::CountedTailCallKnown
    )
}

impl Assembler {
    /// Counts a step of the loop that begins at `head`, at the end of a round. If every way through a round calls
    /// something that is counted, this vanishes.
    pub fn count_round(&mut self, head: Label) {
        self.rounds.push((self.items.len() as u32, head));
        self.emit(Instruction::CountStep {});
    }

    /// Removes the counting of rounds that are counted anyway. What was there takes no words any more.
    pub(super) fn drop_counted_rounds(&mut self) {
        for (item, head) in std::mem::take(&mut self.rounds) {
            let head = self.item_of(head);
            if head.is_some_and(|head| !self.is_reached(head, item as usize))
                && let Some(item) = self.items.get_mut(item as usize)
            {
                item.dropped = true;
            }
        }
    }

    fn item_of(&self, label: Label) -> Option<usize> {
        let item = self.labels.get(label.0 as usize).copied().flatten()?;
        Some(item as usize)
    }

    /// Whether control can go from one item to another without anything that counts in between.
    fn is_reached(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.items.len()];
        let mut open = vec![from];
        while let Some(place) = open.pop() {
            let (Some(item), Some(seen)) = (self.items.get(place), seen.get_mut(place)) else {
                continue;
            };
            if place == to {
                return true;
            }
            if std::mem::replace(seen, true) {
                continue;
            }
            // What raises has perhaps not counted yet.
            for (start, end, target, _) in &self.handlers {
                if self.item_of(*start).is_some_and(|start| start <= place)
                    && self.item_of(*end).is_some_and(|end| place < end)
                {
                    open.extend(self.item_of(*target));
                }
            }
            if counts(item.op) {
                continue;
            }
            let flow = item.op.info().flow;
            if matches!(flow, Flow::Jump | Flow::Branch) {
                open.extend(item.target.and_then(|target| self.item_of(target)));
            }
            if matches!(flow, Flow::Next | Flow::Branch) {
                open.push(place + 1);
            }
            if item.op == Op::Switch {
                let jumps = self.items.iter().skip(place + 1);
                let jumps = jumps.take_while(|item| item.op == Op::Jump).count();
                open.extend(place + 1..=place + 1 + jumps);
            }
        }
        false
    }
}
