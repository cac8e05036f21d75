//! WebSocket frames, by the list of the Autobahn test suite: each case is what a client sends, and what comes back.

#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

use sema_tests::serving::Server;
use sema_tests::{Scratch, built};

const ECHO: &str = r#"
(http/serve
  (http/router
    [[:ws "/echo" (fn (connection)
       (let loop ()
         (let ((message ((:recv connection))))
           (if (nil? message) nil (begin ((:send connection) message) (loop))))))]])
  {:port 0 :host "127.0.0.1"})
"#;

const GREETING: &[u8] = b"GET /echo HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn echo() -> (Scratch, Server) {
    let scratch = built(ECHO);
    let server = Server::start(&mut Command::new(scratch.file("app")));
    (scratch, server)
}

const FINAL: u8 = 0x80;
const MORE: u8 = 0;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame of a client, masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut bytes = vec![first];
    match payload.len() {
        length @ ..=125 => bytes.push(0x80 | length as u8),
        length @ ..=0xffff => {
            bytes.push(0xfe);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0xff);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FINAL | CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

/// A connection on which frames come and go.
struct Talk {
    stream: TcpStream,
    /// What has come, from the answer to the greeting on.
    bytes: Vec<u8>,
    /// Whether no more will come.
    is_over: bool,
}

impl Talk {
    fn new(server: &Server) -> Talk {
        let mut stream = server.connect();
        stream.set_nodelay(true).unwrap();
        stream.write_all(GREETING).unwrap();
        Talk {
            stream,
            bytes: Vec::new(),
            is_over: false,
        }
    }

    /// Sends bytes in pieces, from a thread of its own: what comes back has to be read meanwhile.
    fn send(&self, bytes: &[u8], step: usize) -> JoinHandle<()> {
        let mut stream = self.stream.try_clone().unwrap();
        let bytes = bytes.to_vec();
        std::thread::spawn(move || {
            for part in bytes.chunks(step) {
                // The server closes the connection on which something is wrong.
                if stream.write_all(part).is_err() {
                    return;
                }
                if step < 16 {
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
        })
    }

    /// The frames that have come in full.
    fn frames(&self) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        let Some(head) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return frames;
        };
        let mut rest = &self.bytes[head + 4..];
        while let [first, length, ..] = *rest {
            let (start, length) = match length {
                126 if rest.len() >= 4 => (4, usize::from(u16::from_be_bytes([rest[2], rest[3]]))),
                127 if rest.len() >= 10 => (
                    10,
                    u64::from_be_bytes(rest[2..10].try_into().unwrap()) as usize,
                ),
                126 | 127 => break,
                length => (2, usize::from(length)),
            };
            let Some(payload) = rest.get(start..start + length) else {
                break;
            };
            frames.push((first, payload.to_vec()));
            rest = &rest[start + length..];
        }
        frames
    }

    /// Reads until so many frames have come, or the end.
    fn read(&mut self, count: usize) -> Vec<(u8, Vec<u8>)> {
        loop {
            let frames = self.frames();
            if frames.len() >= count || self.is_over {
                return frames;
            }
            let mut part = [0; 65536];
            match self.stream.read(&mut part) {
                Ok(0) => self.is_over = true,
                Ok(length) => self.bytes.extend_from_slice(&part[..length]),
                // It has closed it without reading all that came.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => self.is_over = true,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The frames that come back for some bytes, until the connection is closed.
fn answers(server: &Server, sent: &[u8], step: usize) -> Vec<(u8, Vec<u8>)> {
    let mut talk = Talk::new(server);
    let sending = talk.send(sent, step);
    let frames = talk.read(usize::MAX);
    sending.join().unwrap();
    frames
}

/// What is sent comes back, and then the connection is closed.
#[track_caller]
fn comes_back(server: &Server, sent: &[Vec<u8>], expected: &[(u8, &[u8])], step: usize) {
    let mut talk = Talk::new(server);
    let sending = talk.send(&sent.concat(), step);
    let got = talk.read(expected.len());
    sending.join().unwrap();
    let expected: Vec<(u8, Vec<u8>)> = expected
        .iter()
        .map(|(first, payload)| (FINAL | first, payload.to_vec()))
        .collect();
    assert_eq!(got, expected);
    talk.send(&close(1000, b""), 1 << 20).join().unwrap();
    let end = talk.read(usize::MAX).pop();
    assert_eq!(end, Some((FINAL | CLOSE, vec![0x03, 0xe8])));
}

/// What is sent ends the connection with this code, after these frames.
#[track_caller]
fn is_refused(server: &Server, sent: &[Vec<u8>], before: &[(u8, &[u8])], code: u16) {
    let bytes = [sent.concat(), frame(FINAL | TEXT, b"never seen")].concat();
    let mut got = answers(server, &bytes, 1 << 20);
    let (first, payload) = got.pop().unwrap();
    assert_eq!(first, FINAL | CLOSE, "{sent:x?}");
    assert_eq!(payload.get(..2), Some(&code.to_be_bytes()[..]), "{sent:x?}");
    // A message before the mistake may have been on its way back.
    assert!(got.len() <= before.len(), "{got:x?}");
    for ((first, payload), (expected, content)) in got.iter().zip(before) {
        assert_eq!((*first, payload.as_slice()), (FINAL | expected, *content));
    }
}

#[test]
fn messages_of_all_sizes() {
    let (_scratch, server) = echo();
    for size in [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 1_000_000] {
        let text = "*".repeat(size);
        let bytes = vec![0xfe; size];
        comes_back(
            &server,
            &[frame(FINAL | TEXT, text.as_bytes())],
            &[(TEXT, text.as_bytes())],
            1 << 20,
        );
        comes_back(
            &server,
            &[frame(FINAL | BINARY, &bytes)],
            &[(BINARY, &bytes)],
            997,
        );
    }
}

#[test]
fn pings_and_pongs() {
    let (_scratch, server) = echo();
    let most = [0xfe; 125];
    comes_back(
        &server,
        &[frame(FINAL | PING, b"")],
        &[(PONG, b"")],
        1 << 20,
    );
    comes_back(
        &server,
        &[frame(FINAL | PING, b"payload")],
        &[(PONG, b"payload")],
        1,
    );
    comes_back(&server, &[frame(FINAL | PING, &most)], &[(PONG, &most)], 1);
    // Nobody has asked for them.
    comes_back(
        &server,
        &[
            frame(FINAL | PONG, b""),
            frame(FINAL | PONG, b"x"),
            frame(FINAL | PING, b"p"),
        ],
        &[(PONG, b"p")],
        1 << 20,
    );
    let ten: Vec<Vec<u8>> = (0..10).map(|n| frame(FINAL | PING, &[n])).collect();
    let payloads: Vec<[u8; 1]> = (0..10).map(|n| [n]).collect();
    let back: Vec<(u8, &[u8])> = payloads
        .iter()
        .map(|payload| (PONG, &payload[..]))
        .collect();
    comes_back(&server, &ten, &back, 1 << 20);
    is_refused(&server, &[frame(FINAL | PING, &[0xfe; 126])], &[], 1002);
}

#[test]
fn reserved_bits_and_kinds() {
    let (_scratch, server) = echo();
    for bits in [0x40, 0x20, 0x10, 0x70] {
        for kind in [TEXT, BINARY, PING, CLOSE] {
            is_refused(&server, &[frame(FINAL | bits | kind, b"")], &[], 1002);
        }
    }
    for kind in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        is_refused(&server, &[frame(FINAL | kind, b"")], &[], 1002);
        is_refused(
            &server,
            &[frame(FINAL | TEXT, b"before"), frame(FINAL | kind, b"x")],
            &[(TEXT, b"before")],
            1002,
        );
    }
}

#[test]
fn fragments() {
    let (_scratch, server) = echo();
    for step in [1, 3, 1 << 20] {
        comes_back(
            &server,
            &[
                frame(MORE | TEXT, b"one"),
                frame(FINAL | CONTINUATION, b"two"),
            ],
            &[(TEXT, b"onetwo")],
            step,
        );
        comes_back(
            &server,
            &[
                frame(MORE | TEXT, b""),
                frame(MORE | CONTINUATION, b""),
                frame(FINAL | CONTINUATION, b""),
            ],
            &[(TEXT, b"")],
            step,
        );
        comes_back(
            &server,
            &[
                frame(MORE | BINARY, b"one"),
                frame(FINAL | PING, b"p"),
                frame(MORE | CONTINUATION, b"two"),
                frame(FINAL | PONG, b"x"),
                frame(FINAL | CONTINUATION, b"three"),
            ],
            &[(PONG, b"p"), (BINARY, b"onetwothree")],
            step,
        );
    }
    // Control frames are in one piece; a message ends before the next one begins.
    is_refused(&server, &[frame(MORE | PING, b"one")], &[], 1002);
    is_refused(&server, &[frame(MORE | CLOSE, b"")], &[], 1002);
    is_refused(&server, &[frame(FINAL | CONTINUATION, b"one")], &[], 1002);
    is_refused(&server, &[frame(MORE | CONTINUATION, b"one")], &[], 1002);
    is_refused(
        &server,
        &[frame(MORE | TEXT, b"one"), frame(FINAL | TEXT, b"two")],
        &[],
        1002,
    );
    is_refused(
        &server,
        &[
            frame(MORE | TEXT, b"one"),
            frame(FINAL | CONTINUATION, b"two"),
            frame(FINAL | CONTINUATION, b"three"),
        ],
        &[(TEXT, b"onetwo")],
        1002,
    );
}

#[test]
fn texts_are_utf_8() {
    let (_scratch, server) = echo();
    let good = [
        "Hello-µ@ßöäüàá-UTF-8!!".as_bytes().to_vec(),
        "κόσμε".as_bytes().to_vec(),
        vec![0],
        "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{fffd}\u{ffff}\u{10000}\u{10ffff}"
            .as_bytes()
            .to_vec(),
    ];
    for text in &good {
        comes_back(&server, &[frame(FINAL | TEXT, text)], &[(TEXT, text)], 1);
        // Cut anywhere, also inside of a character.
        for cut in 0..=text.len() {
            let (one, two) = text.split_at(cut);
            comes_back(
                &server,
                &[frame(MORE | TEXT, one), frame(FINAL | CONTINUATION, two)],
                &[(TEXT, text)],
                1 << 20,
            );
        }
    }
    for bad in [
        &b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"[..], // a surrogate
        b"\xf4\x90\x80\x80",                                                    // above the last
        b"\x80",
        b"\xbf\x80",
        b"\xc0\xaf", // longer than needed
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
        b"\xce", // not complete
        b"a\xe1\xbd",
        b"\xf0\x9f\x98",
    ] {
        is_refused(&server, &[frame(FINAL | TEXT, bad)], &[], 1007);
        is_refused(
            &server,
            &[
                frame(MORE | TEXT, b"good "),
                frame(FINAL | CONTINUATION, bad),
            ],
            &[],
            1007,
        );
        // Bytes may be anything.
        comes_back(&server, &[frame(FINAL | BINARY, bad)], &[(BINARY, bad)], 1);
    }
    // It need not come to the end of the message to be wrong.
    is_refused(&server, &[frame(MORE | TEXT, b"\xce\xba\xff")], &[], 1007);
}

#[test]
fn ends() {
    let (_scratch, server) = echo();
    let end = |sent: Vec<u8>| answers(&server, &sent, 1 << 20);
    assert_eq!(end(frame(FINAL | CLOSE, b"")), [(FINAL | CLOSE, vec![])]);
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ] {
        let got = end(close(code, "why é".as_bytes()));
        assert_eq!(got.len(), 1, "{code}");
        assert_eq!(got[0].0, FINAL | CLOSE);
        assert_eq!(
            got[0].1.get(..2),
            Some(&u16::to_be_bytes(code)[..]),
            "{code}"
        );
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535,
    ] {
        let got = end(close(code, b""));
        assert_eq!(got.len(), 1, "{code}");
        assert_eq!(
            got[0].1.get(..2),
            Some(&1002u16.to_be_bytes()[..]),
            "{code}"
        );
    }
    let most = close(1000, &[b'x'; 123]);
    assert_eq!(end(most)[0].1[..2], 1000u16.to_be_bytes());
    is_refused(&server, &[close(1000, &[b'x'; 124])], &[], 1002);
    is_refused(&server, &[frame(FINAL | CLOSE, &[3])], &[], 1002);
    is_refused(&server, &[close(1000, b"\xce\xba\xed\xa0\x80")], &[], 1007);
    // What comes behind the end is not looked at.
    let sent = [
        close(1000, b""),
        frame(FINAL | PING, b"late"),
        frame(FINAL | TEXT, b"late"),
    ];
    assert_eq!(end(sent.concat()), [(FINAL | CLOSE, vec![0x03, 0xe8])]);
    // A message that has begun is given up.
    let sent = [frame(MORE | TEXT, b"begun"), close(1000, b"")];
    assert_eq!(end(sent.concat()), [(FINAL | CLOSE, vec![0x03, 0xe8])]);
}

#[test]
fn lengths_that_cannot_be() {
    let (_scratch, server) = echo();
    // Longer forms than needed, and more than anybody could send.
    for (head, code) in [
        (&[FINAL | TEXT, 0xfe, 0, 5][..], 1002u16),
        (&[FINAL | TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 5], 1002),
        (&[FINAL | TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 1002),
        (&[FINAL | TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], 1009),
    ] {
        let sent = [head, &[0, 0, 0, 0], b"hello"].concat();
        let got = answers(&server, &sent, 1 << 20);
        assert_eq!(got.len(), 1, "{head:x?}");
        assert_eq!(
            got[0].1.get(..2),
            Some(&code.to_be_bytes()[..]),
            "{head:x?}"
        );
    }
}
