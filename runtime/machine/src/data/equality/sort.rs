//! A stable merge sort that tolerates a comparison which is no order.
//!
//! The standard library's sort may panic when the comparison is not a total order, and contents of
//! cyclic mutable arrays have none.

#![allow(
    clippy::indexing_slicing,
    reason = "`at` is a place in the run, and above 0"
)]

use std::cmp::Ordering;

/// Runs of this length are sorted by insertion.
const RUN: usize = 12;

/// Sorts stably; elements that compare equal keep their order.
pub fn stable_sort<T: Copy>(values: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    if values.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater) {
        return;
    }
    for run in values.chunks_mut(RUN) {
        insertion_sort(run, &mut compare);
    }
    let mut merged: Vec<T> = Vec::with_capacity(values.len());
    let mut width = RUN;
    while width < values.len() {
        merged.clear();
        for pair in values.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            merge(left, right, &mut merged, &mut compare);
        }
        values.copy_from_slice(&merged);
        width *= 2;
    }
}

fn insertion_sort<T: Copy>(run: &mut [T], compare: &mut impl FnMut(&T, &T) -> Ordering) {
    for end in 1..run.len() {
        let mut at = end;
        while at > 0 && compare(&run[at - 1], &run[at]) == Ordering::Greater {
            run.swap(at - 1, at);
            at -= 1;
        }
    }
}

fn merge<T: Copy>(
    mut left: &[T],
    mut right: &[T],
    merged: &mut Vec<T>,
    compare: &mut impl FnMut(&T, &T) -> Ordering,
) {
    if let (Some(last), Some(first)) = (left.last(), right.first())
        && compare(last, first) != Ordering::Greater
    {
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        return;
    }
    while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
        if compare(a, b) == Ordering::Greater {
            merged.push(*b);
            right = right_rest;
        } else {
            merged.push(*a);
            left = left_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library_and_is_stable() {
        let mut state = 1u64;
        for length in 0..200 {
            let values: Vec<(u8, usize)> = (0..length)
                .map(|index| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                    ((state >> 60) as u8, index)
                })
                .collect();
            let mut ours = values.clone();
            stable_sort(&mut ours, |a, b| a.0.cmp(&b.0));
            let mut theirs = values;
            theirs.sort_by_key(|pair| pair.0);
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn a_senseless_comparison_ends() {
        let mut values: Vec<u32> = (0..1000).rev().collect();
        stable_sort(&mut values, |_, _| Ordering::Greater);
        values.sort_unstable();
        assert!(values.iter().copied().eq(0..1000));
    }
}
