//! What comes from a terminal: keys, the mouse, pasted text, answers.

use sema_machine::data::collections::sorted_map;
use sema_machine::host::Host;
use sema_machine::memory::value::Value;

/// Something that has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key.
    Key(Key),
    /// The mouse.
    Mouse {
        /// What it has done.
        action: &'static str,
        /// Where, from 1.
        column: u32,
        /// Where, from 1.
        row: u32,
        /// With which button, 0 the first.
        button: u32,
        /// With which keys held down.
        modifiers: Modifiers,
    },
    /// Pasted text.
    Paste(String),
    /// Whether the window has the keyboard now.
    Focus(bool),
    /// Where the cursor is.
    Cursor {
        /// From 1.
        row: u32,
        /// From 1.
        column: u32,
    },
    /// What the terminal can do.
    Attributes {
        /// `primary` or `secondary`.
        device: &'static str,
        /// Numbers.
        parameters: Vec<u32>,
    },
    /// What of kitty's protocol is switched on.
    KittyFlags(u32),
}

/// A key and what is known about it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Key {
    /// What it means.
    pub meaning: Meaning,
    /// The keys held down with it, where the terminal has told them.
    pub modifiers: Modifiers,
    /// `press`, `repeat` or `release`, where the terminal has told it.
    pub event: Option<&'static str>,
    /// What it means with shift.
    pub shifted: Option<char>,
    /// What it means on the standard keyboard.
    pub base: Option<char>,
}

/// What a key means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// A text, one character in most cases.
    Text(String),
    /// A character with the control key.
    Control(char),
    /// A character with the alt key.
    Alt(char),
    /// A key with a name.
    Named(&'static str),
}

impl Default for Meaning {
    fn default() -> Meaning {
        Meaning::Named("esc")
    }
}

/// Keys held down: bits in the order of [`Modifiers::NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Modifiers(pub u32);

impl Modifiers {
    /// The names, by bit.
    pub const NAMES: [&str; 8] = [
        "shift",
        "alt",
        "ctrl",
        "super",
        "hyper",
        "meta",
        "caps-lock",
        "num-lock",
    ];
    /// Shift.
    pub const SHIFT: u32 = 1;
    /// Alt.
    pub const ALT: u32 = 2;
    /// Control.
    pub const CONTROL: u32 = 4;

    fn list(self, host: &Host) -> Value {
        let names = Self::NAMES.iter().enumerate();
        let held = names.filter(|(bit, _)| self.0 >> bit & 1 == 1);
        let held: Vec<Value> = held.map(|(_, name)| host.keyword(name)).collect();
        host.heap.list(&held)
    }
}

impl Event {
    /// The map that tells programs of it.
    pub fn value(&self, host: &Host) -> Value {
        let keyword = |name: &str| host.keyword(name);
        let number = |number: u32| host.heap.int(number.into());
        let mut entries = Vec::new();
        let mut add = |name: &str, value: Value| entries.push((host.keyword(name), value));
        match self {
            Event::Key(key) => {
                match &key.meaning {
                    Meaning::Text(text) => {
                        add("kind", keyword("char"));
                        add("char", host.heap.string(text));
                    }
                    Meaning::Control(character) => {
                        add("kind", keyword("ctrl"));
                        add("char", host.heap.string(&character.to_string()));
                    }
                    Meaning::Alt(character) => {
                        add("kind", keyword("alt"));
                        add("char", host.heap.string(&character.to_string()));
                    }
                    Meaning::Named(name) => {
                        add("kind", keyword("key"));
                        add("name", keyword(name));
                    }
                }
                if key.modifiers.0 != 0 {
                    add("mods", key.modifiers.list(host));
                }
                if let Some(event) = key.event {
                    add("event", keyword(event));
                }
                for (name, character) in [("shifted-key", key.shifted), ("base-key", key.base)] {
                    if let Some(character) = character {
                        add(name, host.heap.string(&character.to_string()));
                    }
                }
            }
            Event::Mouse {
                action,
                column,
                row,
                button,
                modifiers,
            } => {
                add("kind", keyword("mouse"));
                add("action", keyword(action));
                add("x", number(*column));
                add("y", number(*row));
                add("button", number(*button));
                if modifiers.0 != 0 {
                    add("mods", modifiers.list(host));
                }
            }
            Event::Paste(text) => {
                add("kind", keyword("paste"));
                add("text", host.heap.string(text));
            }
            Event::Focus(focused) => {
                add("kind", keyword("focus"));
                add("focused", Value::bool(*focused));
            }
            Event::Cursor { row, column } => {
                add("kind", keyword("cpr"));
                add("row", number(*row));
                add("col", number(*column));
            }
            Event::Attributes { device, parameters } => {
                add("kind", keyword("device-attributes"));
                add("device", keyword(device));
                let parameters: Vec<Value> = parameters
                    .iter()
                    .map(|parameter| number(*parameter))
                    .collect();
                add("params", host.heap.list(&parameters));
            }
            Event::KittyFlags(flags) => {
                add("kind", keyword("kitty-flags"));
                add("flags", number(*flags));
            }
        }
        sorted_map::from_entries(host, &entries)
    }
}
