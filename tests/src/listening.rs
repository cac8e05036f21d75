//! What answers the requests of programs, badly as well, and tells what it was sent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use crate::{Scratch, outcome, semac_in};

/// A peer that answers each connection with the next of some bytes, and reports what it was sent.
pub struct Peer {
    /// Its address, without a path.
    pub address: String,
    /// What it was sent, and that a connection was closed.
    pub requests: Receiver<String>,
}

/// What a peer does after its answer.
#[derive(Clone, Copy, PartialEq)]
pub enum After {
    /// It closes the connection.
    Close,
    /// It waits until the client closes it.
    Wait,
}

/// Reads one request: its head, and a body with a length or in chunks.
pub fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_lowercase()
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| {
                    rest.split("\r\n")
                        .next()
                        .and_then(|length| length.parse::<usize>().ok())
                });
            let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
            if length.is_none_or(|length| body.len() >= length)
                && (!is_chunked || body.ends_with("0\r\n\r\n"))
            {
                return text;
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
        }
    }
}

/// A peer that has these answers.
///
/// # Panics
/// It cannot listen.
#[must_use]
pub fn peer(answers: &[&[u8]], after: After) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
    let (send, requests) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            if send.send(request(&mut stream)).is_err() {
                return;
            }
            // The client may have closed it.
            let _ = stream.write_all(&answer);
            if after == After::Wait {
                // Until the client closes it.
                let end = stream.read_to_end(&mut Vec::new());
                let _ = send.send(format!("closed: {}", end.is_ok()));
            }
        }
    });
    Peer { address, requests }
}

/// What a program prints that is given the address of a peer as `url`.
///
/// # Panics
/// It fails.
#[track_caller]
pub fn run(url: &str, source: &str) -> String {
    let scratch = Scratch::with(&[(
        "main.sema",
        &format!(
            "(define url {url:?})\n(define (try-it thunk) (println (try (thunk) (catch condition (list (:type condition) (:message condition))))))\n{source}"
        ),
    )]);
    let mut command = semac_in(scratch.path());
    command
        .args(["run", "main.sema"])
        .env_remove("http_proxy")
        .env_remove("HTTPS_PROXY");
    outcome(&mut command, b"").succeeded().stdout
}
