//! Any bytes from a terminal: events whose lengths lie within the bytes, until nothing is left.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sema_natives::std::terminal::decode::{Decoded, decode};

fuzz_target!(|bytes: &[u8]| {
    for is_all in [false, true] {
        let mut rest = bytes;
        loop {
            match decode(rest, is_all, bytes.len() % 2 == 0) {
                Decoded::Event(_, length) | Decoded::Unknown(length) => {
                    assert!(length > 0 && length <= rest.len());
                    rest = &rest[length..];
                }
                Decoded::Nothing => break,
                Decoded::Incomplete | Decoded::Pasting => {
                    assert!(!is_all);
                    break;
                }
            }
        }
    }
});
