//! What the end-to-end tests share: the executables under test, scratch directories, processes.
//!
//! The tests use semac and the runtime as a user does, as processes. `SEMAC_TEST_SEMAC` and
//! `SEMAC_TEST_RUNTIME` name the executables; without them they are built in the profile of the
//! tests. With `SEMAC_BLESS=1` golden files are written instead of compared.

pub mod certificates;
pub mod golden;
pub mod listening;
pub mod peers;
pub mod process;
pub mod scratch;
pub mod serving;
pub mod tools;

pub use peers::{peers, skip};
pub use process::{Outcome, outcome};
pub use scratch::{Scratch, built};
pub use tools::{fixtures, root, runtime, semac, semac_in};

/// A program that writes a file in a function that a function of another file calls.
pub const LAYERS: &[(&str, &str)] = &[
    (
        "main.sema",
        "(import \"lib/store.sema\")\n(define (start)\n  (let ((kept (keep 1)))\n    (println kept)))\n(start)\n",
    ),
    (
        "lib/store.sema",
        "(module store (export keep)\n  (define (save value) (file/write \"kept.txt\" (str value)))\n  (define (keep value)\n    (save value)\n    value))\n",
    ),
];
