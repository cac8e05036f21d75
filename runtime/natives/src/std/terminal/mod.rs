//! The terminal: styles, the screen, keys, raw mode, spinners and progress bars.

#[cfg(not(target_family = "wasm"))]
pub mod decode;
#[cfg(not(target_family = "wasm"))]
pub mod event;
#[cfg(not(target_family = "wasm"))]
pub mod keys;
#[cfg(not(target_family = "wasm"))]
pub mod mode;
pub mod progress;
pub mod screen;
pub mod spinner;
pub mod style;

use crate::core::system::environment;
use sema_machine::host::Host;

/// Whether the user wants no colours and styles (<https://no-color.org>), or the terminal has none.
fn is_plain(host: &Host) -> bool {
    let is_set =
        |name: &str| environment::lookup(host, name).is_some_and(|value| !value.is_empty());
    is_set("NO_COLOR") || is_dumb(host)
}

/// Whether the terminal can do nothing but print.
fn is_dumb(host: &Host) -> bool {
    environment::lookup(host, "TERM").is_some_and(|kind| kind == "dumb")
}
