use super::*;

fn events(bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut rest = bytes;
    loop {
        match decode(rest, true, false) {
            Decoded::Event(event, length) => {
                events.push(event);
                rest = &rest[length..];
            }
            Decoded::Unknown(length) => rest = &rest[length..],
            Decoded::Nothing => return events,
            other => panic!("{other:?}"),
        }
    }
}

fn only(bytes: &[u8]) -> Event {
    let mut events = events(bytes);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn named_key(name: &'static str, held: u32) -> Event {
    modified(Meaning::Named(name), Modifiers(held))
}

#[test]
fn characters() {
    assert_eq!(only("é".as_bytes()), key(Meaning::Text("é".into())));
    assert_eq!(only("😀".as_bytes()), key(Meaning::Text("😀".into())));
    assert_eq!(only(b"\x03"), key(Meaning::Control('c')));
    assert_eq!(only(b"\x1c"), key(Meaning::Control('\\')));
    assert_eq!(only(b"\r"), named_key("enter", 0));
    assert_eq!(only(b"\x7f"), named_key("backspace", 0));
    assert_eq!(only(b"\x1b"), named_key("esc", 0));
    assert_eq!(only(b"\x1bx"), key(Meaning::Alt('x')));
    assert_eq!(only("\x1bß".as_bytes()), key(Meaning::Alt('ß')));
    assert_eq!(only(b"\x1b\r"), named_key("enter", Modifiers::ALT));
    assert_eq!(only(b"\xff"), key(Meaning::Text("\u{fffd}".into())));
    assert_eq!(events(b"ab").len(), 2);
}

#[test]
fn named_keys() {
    for (bytes, name, held) in [
        (&b"\x1b[A"[..], "up", 0),
        (b"\x1bOP", "f1", 0),
        (b"\x1b[1;5C", "right", Modifiers::CONTROL),
        (b"\x1b[15;2~", "f5", Modifiers::SHIFT),
        (b"\x1b[3~", "delete", 0),
        (b"\x1b[Z", "shift-tab", 0),
        (b"\x1b[1;2R", "f3", Modifiers::SHIFT),
        (b"\x1b[27;5;13~", "enter", Modifiers::CONTROL),
    ] {
        assert_eq!(only(bytes), named_key(name, held), "{bytes:?}");
    }
}

#[test]
fn the_mouse_and_other_reports() {
    assert_eq!(
        only(b"\x1b[<20;7;9M"),
        Event::Mouse {
            action: "press",
            column: 7,
            row: 9,
            button: 0,
            modifiers: Modifiers(Modifiers::SHIFT | Modifiers::CONTROL),
        }
    );
    let action = |bytes: &[u8]| match only(bytes) {
        Event::Mouse { action, .. } => action,
        other => panic!("{other:?}"),
    };
    assert_eq!(action(b"\x1b[<0;1;1m"), "release");
    assert_eq!(action(b"\x1b[<35;1;1M"), "move");
    assert_eq!(action(b"\x1b[<65;1;1M"), "wheel-down");
    assert_eq!(only(b"\x1b[I"), Event::Focus(true));
    assert_eq!(only(b"\x1b[O"), Event::Focus(false));
    assert_eq!(only(b"\x1b[?1u"), Event::KittyFlags(1));
    assert_eq!(
        only(b"\x1b[>0;276;0c"),
        Event::Attributes {
            device: "secondary",
            parameters: vec![0, 276, 0]
        }
    );
    assert_eq!(
        decode(b"\x1b[12;40R", false, true),
        Decoded::Event(
            Event::Cursor {
                row: 12,
                column: 40
            },
            8
        )
    );
}

#[test]
fn keys_of_kitty() {
    let Event::Key(found) = only(b"\x1b[97:65;6:3;65u") else {
        panic!("no key");
    };
    assert_eq!(found.meaning, Meaning::Control('a'));
    assert_eq!(found.modifiers, Modifiers(5));
    assert_eq!((found.event, found.shifted), (Some("release"), Some('A')));
    let Event::Key(found) = only(b"\x1b[97;2;65u") else {
        panic!("no key");
    };
    assert_eq!(found.meaning, Meaning::Text("A".into()));
    assert_eq!(only(b"\x1b[9;2u"), named_key("shift-tab", Modifiers::SHIFT));
    assert_eq!(only(b"\x1b[57417u"), named_key("left", 0));
    assert!(events(b"\x1b[57358u").is_empty());
}

#[test]
fn pasted_text_comes_as_a_whole() {
    let bytes = b"\x1b[200~rm -rf\r\x1b[31m/\x1b[201~x";
    assert_eq!(
        events(bytes),
        [
            Event::Paste("rm -rf\r\x1b[31m/".into()),
            key(Meaning::Text("x".into()))
        ]
    );
    assert_eq!(decode(&bytes[..12], false, false), Decoded::Pasting);
    assert_eq!(decode(&bytes[..4], false, false), Decoded::Incomplete);
}

#[test]
fn what_has_only_begun_is_waited_for() {
    for bytes in [
        &b"\x1b"[..],
        b"\x1b[",
        b"\x1bO",
        b"\x1b[1;",
        b"\x1b[<0;1",
        b"\xc3",
        b"\x1b\xc3",
        b"\x1b[M!",
    ] {
        assert_eq!(
            decode(bytes, false, false),
            Decoded::Incomplete,
            "{bytes:?}"
        );
    }
}

#[test]
fn any_bytes_are_decoded_to_their_end() {
    // A small generator: what matters is that all kinds of bytes meet (G. Marsaglia, 2003).
    let mut state = 0x2545_f491_u32;
    let alphabet = b"\x1b[O<>?;:0123456789ABRMmuc~I\x00\x7f\xc3\xa9\xff\xf0\x9f200~201~ ";
    for _ in 0..20_000 {
        let mut bytes = Vec::new();
        for _ in 0..state % 24 {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            bytes.push(alphabet[state as usize % alphabet.len()]);
        }
        state = state.wrapping_add(0x9e37_79b9);
        events(&bytes);
        let mut rest = &bytes[..];
        while let Decoded::Event(_, length) | Decoded::Unknown(length) = decode(rest, false, true) {
            assert!(length > 0 && length <= rest.len(), "{bytes:?}");
            rest = &rest[length..];
        }
    }
}
