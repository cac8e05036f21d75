//! The numbers of the system's errors in messages. WASI counts them in the order of their names; programs show, and may look
//! for, those that other platforms have.
//!
//! Source: WASI preview 1, `errno`; Linux, `errno(3)`.

use std::borrow::Cow;

/// The numbers of Linux by those of WASI; 0: there is none.
const NUMBERS: [u8; 77] = [
    0, 7, 13, 98, 99, 97, 11, 114, 9, 74, 16, 125, 10, 103, 111, 104, 35, 89, 33, 122, 17, 14, 27,
    113, 43, 84, 115, 4, 22, 5, 106, 21, 40, 24, 31, 90, 72, 36, 100, 102, 101, 23, 105, 19, 2, 8,
    37, 67, 12, 42, 92, 28, 38, 107, 20, 39, 131, 88, 95, 25, 6, 75, 130, 1, 32, 71, 93, 91, 34,
    30, 29, 3, 116, 110, 26, 18, 0,
];

/// What the standard library writes around a number.
const START: &str = "(os error ";
const END: &str = ")";

/// A message with the numbers that all platforms have: the first one in it is replaced.
pub fn with_common_numbers(message: Cow<'static, str>) -> Cow<'static, str> {
    replaced(&message).map_or(message, Cow::Owned)
}

fn replaced(message: &str) -> Option<String> {
    let (before, after) = message.split_once(START)?;
    let (number, rest) = after.split_once(END)?;
    let common = *NUMBERS.get(number.parse::<usize>().ok()?)?;
    (common != 0).then(|| format!("{before}{START}{common}{END}{rest}"))
}
