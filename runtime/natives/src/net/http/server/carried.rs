//! The body of an answer, on the connection that carries it.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::net::http::engine::body::{Payload, PayloadError};
use crate::net::http::engine::pulse::{Busy, Offer};

/// Bytes of one part in HTTP/2. The library keeps a part until the client lets it send that, so whole texts would be kept there, where nobody
/// sees whether the client takes anything.
const PART: usize = 64 << 10;

/// The body of an answer.
pub struct Carried {
    payload: Payload,
    /// Until it has been sent, the connection is in use.
    busy: Busy,
    /// Something of it lies ready.
    offer: Option<Offer>,
    /// How the connection ends it.
    framing: Framing,
}

/// How the client sees where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By its length or its chunks.
    Told,
    /// By the end of the connection: HTTP/1.0 has no chunks.
    Connection,
    /// By a frame of HTTP/2.
    Frames,
}

impl Carried {
    /// A body on a connection.
    pub fn new(mut payload: Payload, busy: Busy, framing: Framing) -> Carried {
        let offer = match &mut payload {
            Payload::Outgoing(outgoing) => {
                outgoing.carried_by(busy.pulse());
                None
            }
            Payload::Declared(declared) => {
                declared.outgoing().carried_by(busy.pulse());
                None
            }
            known if known.is_end_stream() => None,
            _ => Some(busy.pulse().offer()),
        };
        Carried {
            payload,
            busy,
            offer,
            framing,
        }
    }
}

impl Body for Carried {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        let this = self.get_mut();
        let polled = match &mut this.payload {
            Payload::Bytes(bytes) if this.framing == Framing::Frames && bytes.len() > PART => {
                Poll::Ready(Some(Ok(Frame::data(bytes.split_to(PART)))))
            }
            payload => Pin::new(payload).poll_frame(context),
        };
        if polled.is_ready() {
            // It is asked for when the client lets the next part be sent.
            this.busy.pulse().take();
        }
        if matches!(polled, Poll::Ready(Some(Err(_)))) && this.framing == Framing::Connection {
            this.busy.pulse().break_off();
        }
        if this.offer.is_some() && this.payload.is_end_stream() {
            this.offer = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}
