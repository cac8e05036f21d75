//! Frames and messages of RFC 6455, from and to bytes.

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A further part of a message.
    Continuation,
    /// A text, or its first part.
    Text,
    /// Bytes, or their first part.
    Binary,
    /// The end.
    Close,
    /// A question whether the peer is there.
    Ping,
    /// The answer to it.
    Pong,
}

impl Opcode {
    const fn number(self) -> u8 {
        match self {
            Opcode::Continuation => 0,
            Opcode::Text => 1,
            Opcode::Binary => 2,
            Opcode::Close => 8,
            Opcode::Ping => 9,
            Opcode::Pong => 10,
        }
    }

    fn of(number: u8) -> Option<Opcode> {
        [
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ]
        .into_iter()
        .find(|opcode| opcode.number() == number)
    }

    fn is_control(self) -> bool {
        self.number() >= 8
    }
}

/// Why a connection ends: a code and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The code of RFC 6455, 7.4; 1005 if none was given, 1006 if the connection broke.
    pub code: u16,
    /// Why, in words.
    pub reason: String,
}

impl Closing {
    /// An end for this reason.
    pub fn new(code: u16, reason: &str) -> Closing {
        Closing {
            code,
            reason: reason.to_owned(),
        }
    }
}

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// The end; nothing follows.
    Close(Closing),
}

/// What comes in.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A message.
    Message(Message),
    /// A question whether this end is there, to be answered with the same bytes.
    Ping(Vec<u8>),
    /// An answer to one.
    Pong,
}

/// The bytes of a frame. Clients mask what they send.
pub fn encode(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(0x80 | opcode.number());
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => frame.push(masked | length as u8),
        length @ 126..=0xffff => {
            frame.push(masked | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(masked | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    match mask {
        None => frame.extend_from_slice(payload),
        Some(mask) => {
            frame.extend_from_slice(&mask);
            let masked = payload.iter().zip(mask.iter().cycle());
            frame.extend(masked.map(|(byte, mask)| byte ^ mask));
        }
    }
    frame
}

/// What a close frame holds.
pub fn close_payload(closing: &Closing) -> Vec<u8> {
    // These two are said by leaving everything out.
    if matches!(closing.code, 1005 | 1006) {
        return Vec::new();
    }
    let mut payload = closing.code.to_be_bytes().to_vec();
    let mut end = closing.reason.len().min(123);
    while !closing.reason.is_char_boundary(end) {
        end -= 1;
    }
    payload.extend(closing.reason.bytes().take(end));
    payload
}

/// Whether a peer may say this code.
pub fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

fn closing_of(payload: &[u8]) -> Result<Closing, Closing> {
    let (code, reason) = match payload {
        [] => return Ok(Closing::new(1005, "")),
        [first, second, reason @ ..] => (u16::from_be_bytes([*first, *second]), reason),
        [_] => return Err(Closing::new(1002, "a close frame of one byte")),
    };
    if !is_sendable(code) {
        return Err(Closing::new(
            1002,
            "a close frame with a code that must not be sent",
        ));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Closing::new(code, reason)),
        Err(_) => Err(Closing::new(1007, "a close frame that is not UTF-8")),
    }
}

/// What is known of a frame before its payload.
struct Head {
    is_last: bool,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    length: usize,
    /// Bytes of the head itself.
    size: usize,
}

/// Puts frames together.
pub struct Decoder {
    buffer: Vec<u8>,
    /// Whether the peer is a client: it masks.
    from_client: bool,
    /// Most bytes of a message.
    most: usize,
    /// The parts of a message so far, and whether it is a text.
    partial: Option<(bool, Vec<u8>)>,
    /// Bytes of the partial text that are known to be UTF-8.
    checked: usize,
}

impl Decoder {
    /// For what a client or a server sends.
    pub fn new(from_client: bool, most: usize) -> Decoder {
        Decoder {
            buffer: Vec::new(),
            from_client,
            most,
            partial: None,
            checked: 0,
        }
    }

    /// Bytes of what has not come completely.
    pub fn kept(&self) -> usize {
        self.buffer.len() + self.partial.as_ref().map_or(0, |(_, bytes)| bytes.len())
    }

    /// Takes bytes in.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    fn head(&self) -> Result<Option<Head>, Closing> {
        let protocol = |reason| Err(Closing::new(1002, reason));
        let [first, second, rest @ ..] = self.buffer.as_slice() else {
            return Ok(None);
        };
        if first & 0x70 != 0 {
            return protocol("a reserved bit is set");
        }
        let Some(opcode) = Opcode::of(first & 0x0f) else {
            return protocol("a frame of an unknown kind");
        };
        let is_last = first & 0x80 != 0;
        let is_masked = second & 0x80 != 0;
        if is_masked != self.from_client {
            return protocol(if self.from_client {
                "a frame of a client that is not masked"
            } else {
                "a frame of a server that is masked"
            });
        }
        let (length, used) = match (second & 0x7f, rest) {
            (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
            (127, [a, b, c, d, e, f, g, h, ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8)
            }
            (126 | 127, _) => return Ok(None),
            (length, _) => (u64::from(length), 0),
        };
        let least = match used {
            0 => 0,
            2 => 126,
            _ => 1 << 16,
        };
        if length < least {
            return protocol("a length that is not in its shortest form");
        }
        if opcode.is_control() && (!is_last || length > 125) {
            return protocol("a control frame that is too long or in parts");
        }
        let partial = self.partial.as_ref().map_or(0, |(_, bytes)| bytes.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !opcode.is_control() && partial.saturating_add(length) > self.most {
            return Err(Closing::new(1009, "a message that is too long"));
        }
        let mask = match (is_masked, rest.get(used..used + 4)) {
            (false, _) => None,
            (true, Some(&[a, b, c, d])) => Some([a, b, c, d]),
            (true, _) => return Ok(None),
        };
        Ok(Some(Head {
            is_last,
            opcode,
            mask,
            length,
            size: 2 + used + if is_masked { 4 } else { 0 },
        }))
    }

    /// The next thing that has come completely.
    ///
    /// # Errors
    /// The peer breaks the rules: with what the connection is to be closed.
    pub fn event(&mut self) -> Result<Option<Event>, Closing> {
        loop {
            let Some(head) = self.head()? else {
                return Ok(None);
            };
            let end = head.size + head.length;
            let Some(payload) = self.buffer.get(head.size..end) else {
                return Ok(None);
            };
            let payload: Vec<u8> = match head.mask {
                None => payload.to_vec(),
                Some(mask) => (payload.iter().zip(mask.iter().cycle()))
                    .map(|(byte, mask)| byte ^ mask)
                    .collect(),
            };
            self.buffer.drain(..end);
            if let Some(event) = self.frame(&head, payload)? {
                return Ok(Some(event));
            }
        }
    }

    fn frame(&mut self, head: &Head, payload: Vec<u8>) -> Result<Option<Event>, Closing> {
        match head.opcode {
            Opcode::Ping => return Ok(Some(Event::Ping(payload))),
            Opcode::Pong => return Ok(Some(Event::Pong)),
            Opcode::Close => {
                return Ok(Some(Event::Message(Message::Close(closing_of(&payload)?))));
            }
            Opcode::Continuation => match &mut self.partial {
                None => return Err(Closing::new(1002, "a further part of no message")),
                Some((_, bytes)) => bytes.extend_from_slice(&payload),
            },
            Opcode::Text | Opcode::Binary => {
                if self.partial.is_some() {
                    return Err(Closing::new(1002, "a message inside of another"));
                }
                self.checked = 0;
                self.partial = Some((head.opcode == Opcode::Text, payload));
            }
        }
        self.check_text(head.is_last)?;
        if !head.is_last {
            return Ok(None);
        }
        Ok(self.partial.take().map(|(is_text, bytes)| {
            Event::Message(if is_text {
                // It has been checked.
                Message::Text(String::from_utf8(bytes).unwrap_or_default())
            } else {
                Message::Binary(bytes)
            })
        }))
    }

    /// Whether a text is UTF-8 as far as it has come.
    fn check_text(&mut self, is_last: bool) -> Result<(), Closing> {
        let Some((true, bytes)) = &self.partial else {
            return Ok(());
        };
        match std::str::from_utf8(bytes.get(self.checked..).unwrap_or_default()) {
            Ok(text) => self.checked += text.len(),
            Err(error) if error.error_len().is_none() && !is_last => {
                self.checked += error.valid_up_to();
            }
            Err(_) => return Err(Closing::new(1007, "a text that is not UTF-8")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: Option<[u8; 4]> = Some([1, 2, 3, 4]);

    fn decode(from_client: bool, bytes: &[u8], step: usize) -> Result<Vec<Event>, Closing> {
        let mut decoder = Decoder::new(from_client, 1 << 20);
        let mut events = Vec::new();
        for part in bytes.chunks(step) {
            decoder.feed(part);
            while let Some(event) = decoder.event()? {
                events.push(event);
            }
        }
        Ok(events)
    }

    fn text(text: &str) -> Event {
        Event::Message(Message::Text(text.to_owned()))
    }

    #[test]
    fn frames_go_back_and_forth() {
        for length in [0, 1, 125, 126, 127, 65535, 65536, 70000] {
            let content = "é".repeat(length / 2);
            for mask in [None, MASK] {
                let frame = encode(Opcode::Text, content.as_bytes(), mask);
                for step in [1 + length / 3, frame.len()] {
                    assert_eq!(
                        decode(mask.is_some(), &frame, step),
                        Ok(vec![text(&content)])
                    );
                }
            }
        }
    }

    #[test]
    fn parts_are_put_together_around_control_frames() {
        let mut bytes = vec![0x01, 2, b'a', 0xc3];
        bytes.extend(encode(Opcode::Ping, b"p", None));
        bytes.extend([0x80, 2, 0xa9, b'b']);
        for step in 1..bytes.len() {
            assert_eq!(
                decode(false, &bytes, step),
                Ok(vec![Event::Ping(b"p".to_vec()), text("aéb")])
            );
        }
    }

    #[test]
    fn rules_that_are_broken_close_the_connection() {
        for (bytes, code) in [
            (vec![0xc1, 0], 1002),                      // reserved bit
            (vec![0x83, 0], 1002),                      // reserved kind
            (vec![0x8b, 0], 1002),                      // reserved control frame
            (vec![0x80, 0], 1002),                      // continuation of nothing
            (vec![0x09, 0], 1002),                      // ping in parts
            (vec![0x89, 126, 0, 126], 1002),            // long ping
            (vec![0x81, 0x80, 0, 0, 0, 0], 1002),       // masked by a server
            (vec![0x01, 1, b'a', 0x81, 1, b'b'], 1002), // text inside of text
            (vec![0x81, 1, 0xff], 1007),                // not UTF-8
            (vec![0x01, 1, 0xff], 1007),                // not UTF-8, seen at once
            (vec![0x81, 1, 0xc3], 1007),                // cut UTF-8
            (vec![0x82, 127, 0, 0, 0, 0, 1, 0, 0, 0], 1009),
            (
                vec![0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255],
                1009,
            ),
            (vec![0x88, 1, 3], 1002),       // half a code
            (vec![0x88, 2, 3, 0xed], 1002), // 1005 must not be sent
            (vec![0x88, 2, 0, 0], 1002),
            (vec![0x88, 3, 3, 0xe8, 0xff], 1007),
        ] {
            let closing = decode(false, &bytes, bytes.len()).unwrap_err();
            assert_eq!(closing.code, code, "{bytes:x?}: {closing:?}");
        }
        assert_eq!(decode(true, &[0x81, 0], 2).unwrap_err().code, 1002);
    }

    /// Bytes that look like frames often enough: what comes out does not depend on how they are cut.
    #[test]
    fn any_bytes_come_out_the_same_however_they_are_cut() {
        let mut state: u64 = 1;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u8
        };
        for _ in 0..3000 {
            let length = usize::from(random());
            let mut bytes: Vec<u8> = (0..length).map(|_| random()).collect();
            for byte in bytes.iter_mut().step_by(5) {
                *byte = [0x81, 0x01, 0x80, 0x82, 0x89, 0x88, 3, 0x83][usize::from(*byte) % 8];
            }
            for from_client in [false, true] {
                let whole = decode(from_client, &bytes, length.max(1));
                let cut = decode(from_client, &bytes, 1);
                assert_eq!(whole, cut, "{bytes:x?}");
            }
        }
    }

    #[test]
    fn ends_go_back_and_forth() {
        for closing in [
            Closing::new(1000, "bye"),
            Closing::new(4999, &"é".repeat(61)),
            Closing::new(1005, ""),
        ] {
            let frame = encode(Opcode::Close, &close_payload(&closing), None);
            assert_eq!(
                decode(false, &frame, 1),
                Ok(vec![Event::Message(Message::Close(closing))])
            );
        }
        assert!(close_payload(&Closing::new(1000, &"é".repeat(100))).len() <= 125);
    }
}
