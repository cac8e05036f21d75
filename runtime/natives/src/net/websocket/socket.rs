//! A connection: what comes and goes, between the engine and the machine.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::frame::{Closing, Decoder, Event, Message, Opcode, close_payload, encode};
use crate::core::system::device::lock;
use crate::net::http::client::connect::Connection;
use crate::net::http::engine::budget::{Budget, Reservation};
use crate::net::http::engine::race::{First, race};
use crate::net::http::engine::round;
use sema_machine::task::Completer;

/// Bytes that are kept in one direction before the sender has to wait.
const MOST_KEPT: usize = 1 << 20;
/// Most answers to pings that wait to be sent.
const MOST_PONGS: usize = 32;
/// What a message takes besides its bytes.
const BYTES_OF_MESSAGE: usize = 64;
/// Bytes that are read at once.
const PART: usize = 16 << 10;
/// How long the peer may take to answer the end.
const END_TIME: Duration = Duration::from_secs(5);
/// After how long without a word a server asks a client whether it is there, and how long that may take to answer.
const SILENCE: Duration = Duration::from_secs(20);
/// How long a peer may take nothing of what is sent.
const SEND_TIME: Duration = Duration::from_secs(60);

pub(super) struct State {
    /// What has come and nobody has received.
    pub(super) messages: VecDeque<Message>,
    kept: usize,
    /// Bytes of what has not come completely.
    partial: usize,
    /// Room for both.
    room: Reservation,
    pub(super) receivers: Vec<Completer>,
    /// Frames to send, and what is reserved for large ones.
    frames: VecDeque<(Vec<u8>, Option<Reservation>)>,
    /// Answers to pings, to be sent before them. Those to the last ones are enough (RFC 6455, 5.5.3).
    pongs: VecDeque<Vec<u8>>,
    to_send: usize,
    pub(super) senders: Vec<Completer>,
    /// This end has said that it is the end.
    pub(super) is_ending: bool,
    /// Nothing comes or goes any more.
    pub(super) is_closed: bool,
    /// Whether the program sees, or has seen, that the connection ends: it receives, or was told when it wanted to send.
    pub(super) is_noticed: bool,
}

/// Both directions of a connection.
pub struct Socket {
    pub(super) state: Mutex<State>,
    /// There is a frame to send, or the end has come.
    wanted: Notify,
    /// A message has been received.
    received: Notify,
    is_client: bool,
    /// The protocol that both have agreed on.
    pub protocol: Option<String>,
}

fn tell(completers: &mut Vec<Completer>) {
    for completer in completers.drain(..) {
        round::tell(completer);
    }
}

fn size_of(message: &Message) -> usize {
    BYTES_OF_MESSAGE
        + match message {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
            Message::Close(_) => 0,
        }
}

impl Socket {
    /// A connection of a client or a server.
    pub fn new(is_client: bool, protocol: Option<String>, budget: &Arc<Budget>) -> Arc<Socket> {
        let state = State {
            messages: VecDeque::new(),
            kept: 0,
            partial: 0,
            room: budget.nothing(),
            receivers: Vec::new(),
            frames: VecDeque::new(),
            pongs: VecDeque::new(),
            to_send: 0,
            senders: Vec::new(),
            is_ending: false,
            is_closed: false,
            is_noticed: false,
        };
        Arc::new(Socket {
            state: Mutex::new(state),
            wanted: Notify::new(),
            received: Notify::new(),
            is_client,
            protocol,
        })
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        let mut state = lock(&self.state);
        let is_open = !state.is_ending && !state.is_closed;
        state.is_noticed |= !is_open;
        is_open
    }

    /// Whether so much waits to be sent that the next has to wait.
    pub(super) fn is_full(state: &State) -> bool {
        state.to_send >= MOST_KEPT
    }

    /// Puts a frame into the line.
    pub(super) fn put(
        &self,
        state: &mut State,
        opcode: Opcode,
        payload: &[u8],
        room: Option<Reservation>,
    ) {
        let mask = self.is_client.then(mask);
        let frame = encode(opcode, payload, mask);
        state.to_send += frame.len();
        state.frames.push_back((frame, room));
        self.wanted.notify_one();
    }

    fn answer(&self, ping: &[u8]) {
        let mut state = lock(&self.state);
        if !state.is_ending {
            let mask = self.is_client.then(mask);
            if state.pongs.len() >= MOST_PONGS {
                state.pongs.pop_front();
            }
            state.pongs.push_back(encode(Opcode::Pong, ping, mask));
            self.wanted.notify_one();
        }
    }

    /// Asks whether the peer is there.
    fn ask(&self) {
        let mut state = lock(&self.state);
        if !state.is_ending {
            self.put(&mut state, Opcode::Ping, b"", None);
        }
    }

    /// Says that this is the end, unless it has been said.
    pub fn end(&self, closing: &Closing) {
        let mut state = lock(&self.state);
        if !state.is_ending && !state.is_closed {
            self.put(&mut state, Opcode::Close, &close_payload(closing), None);
            state.is_ending = true;
        }
        self.wanted.notify_one();
        self.received.notify_one();
    }

    /// The next message.
    pub(super) fn take(&self, state: &mut State) -> Option<Message> {
        let message = state.messages.pop_front()?;
        state.kept -= size_of(&message);
        state.room.shrink_to(state.kept + state.partial);
        self.received.notify_one();
        Some(message)
    }

    /// So many bytes have not come completely; why that is the end, if there is no room for them.
    fn keep(&self, partial: usize) -> Result<(), Closing> {
        let kept = {
            let mut state = lock(&self.state);
            // The frame, and the message that is made of it.
            state.partial = partial.saturating_mul(2);
            let all = state.kept.saturating_add(state.partial);
            state.room.resize(all)
        };
        kept.map_err(|_| {
            let closing = Closing::new(1013, "there is no memory for the message");
            self.end(&closing);
            closing
        })
    }

    fn give(&self, message: Message) {
        let mut state = lock(&self.state);
        state.kept += size_of(&message);
        state.messages.push_back(message);
        tell(&mut state.receivers);
    }

    /// The connection is gone: nothing comes or goes any more.
    pub fn break_off(&self) {
        let mut state = lock(&self.state);
        state.is_ending = true;
        state.is_closed = true;
        tell(&mut state.receivers);
        tell(&mut state.senders);
    }

    /// Does what comes and goes until the end.
    pub async fn converse(self: Arc<Socket>, io: Connection, most: usize) {
        let (reader, writer) = tokio::io::split(io);
        let mut writer = writer;
        let ended = {
            let reading = self.read(reader, most);
            let writing = self.write(&mut writer);
            match race(reading, writing).await {
                First::One(closing) => closing,
                First::Other(()) => Closing::new(1006, "the connection broke"),
            }
        };
        self.give(Message::Close(ended));
        {
            let mut state = lock(&self.state);
            state.is_ending = true;
            tell(&mut state.senders);
        }
        // The answer to the end, or what the peer has done wrong.
        let _ = timeout(END_TIME, self.flush(&mut writer)).await;
        self.break_off();
    }

    /// Reads until the end, and gives why it is.
    async fn read(&self, mut reader: ReadHalf<Connection>, most: usize) -> Closing {
        let mut decoder = Decoder::new(!self.is_client, most);
        let mut part = vec![0; PART];
        let mut end = None;
        // Whether the peer has been asked whether it is there.
        let mut is_asked = false;
        loop {
            // Whoever does not receive makes the peer wait, but not for the answer to an end.
            while lock(&self.state).kept >= MOST_KEPT && !lock(&self.state).is_ending {
                self.received.notified().await;
            }
            let reading = reader.read(&mut part);
            let is_ending = lock(&self.state).is_ending;
            let read = if is_ending {
                // In all: a peer that goes on talking has not answered.
                let end = *end.get_or_insert_with(|| Instant::now() + END_TIME);
                match timeout_at(end, reading).await {
                    Ok(read) => read,
                    Err(_) => return Closing::new(1006, "the peer has not answered the end"),
                }
            } else {
                let reading = async {
                    match self.is_client {
                        true => Some(reading.await),
                        false => timeout(SILENCE, reading).await.ok(),
                    }
                };
                match race(reading, self.received.notified()).await {
                    First::One(Some(read)) => read,
                    First::One(None) if is_asked => {
                        return Closing::new(1006, "the peer does not answer");
                    }
                    First::One(None) => {
                        is_asked = true;
                        self.ask();
                        continue;
                    }
                    First::Other(()) => continue,
                }
            };
            is_asked = false;
            let count = match read {
                Ok(0) => return Closing::new(1006, "the connection broke"),
                Ok(count) => count,
                Err(error) => return Closing::new(1006, &error.to_string()),
            };
            if let Err(closing) = self.keep(decoder.kept() + count) {
                return closing;
            }
            decoder.feed(part.get(..count).unwrap_or_default());
            loop {
                match decoder.event() {
                    Ok(None) => break,
                    Ok(Some(Event::Pong)) => {}
                    Ok(Some(Event::Ping(payload))) => self.answer(&payload),
                    Ok(Some(Event::Message(Message::Close(closing)))) => {
                        self.end(&closing);
                        return closing;
                    }
                    Ok(Some(Event::Message(message))) => {
                        if !lock(&self.state).is_ending {
                            self.give(message);
                        }
                    }
                    Err(closing) => {
                        self.end(&closing);
                        return closing;
                    }
                }
            }
            if let Err(closing) = self.keep(decoder.kept()) {
                return closing;
            }
        }
    }

    fn next_frame(&self) -> Option<(Vec<u8>, Option<Reservation>)> {
        let mut state = lock(&self.state);
        if let Some(pong) = state.pongs.pop_front() {
            return Some((pong, None));
        }
        let frame = state.frames.pop_front()?;
        state.to_send -= frame.0.len();
        if !Socket::is_full(&state) {
            tell(&mut state.senders);
        }
        Some(frame)
    }

    /// Writes what is to be sent until the connection breaks.
    async fn write(&self, writer: &mut WriteHalf<Connection>) {
        loop {
            match self.next_frame() {
                None => self.wanted.notified().await,
                Some((frame, _room)) => {
                    if send(writer, &frame).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Writes what is left, and ends the connection.
    async fn flush(&self, writer: &mut WriteHalf<Connection>) {
        while let Some((frame, _room)) = self.next_frame() {
            if writer.write_all(&frame).await.is_err() {
                return;
            }
        }
        // The peer may be gone.
        let _ = writer.shutdown().await;
    }
}

/// Sends a frame, as long as the peer takes something of it now and then.
async fn send(writer: &mut WriteHalf<Connection>, mut frame: &[u8]) -> io::Result<()> {
    let late = || io::Error::from(io::ErrorKind::TimedOut);
    while !frame.is_empty() {
        let written = timeout(SEND_TIME, writer.write(frame)).await;
        match written.map_err(|_| late())?? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => frame = frame.get(count..).unwrap_or_default(),
        }
    }
    timeout(SEND_TIME, writer.flush())
        .await
        .map_err(|_| late())?
}

/// Four bytes that nobody can foresee.
fn mask() -> [u8; 4] {
    let mut mask = [0; 4];
    // Without random bytes the mask is known, which harms nobody but old proxies.
    let _ = getrandom::fill(&mut mask);
    mask
}
