//! What is sent: nothing, bytes, what a task writes, or a part of a file.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::outgoing::{Incomplete, Outgoing};

/// Bytes of a file that are read at once.
const PART: usize = 64 << 10;

/// What is sent.
pub enum Payload {
    /// These bytes, which may be none.
    Bytes(Bytes),
    /// What a task writes.
    Outgoing(Outgoing),
    /// So many bytes of a file, from where it stands.
    File(File, u64),
}

impl Payload {
    /// Nothing.
    pub fn empty() -> Payload {
        Payload::Bytes(Bytes::new())
    }
}

/// Why not all was sent.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// A task has not written all.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl Body for Payload {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        match self.get_mut() {
            Payload::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Payload::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Payload::Outgoing(outgoing) => outgoing
                .poll(context)
                .map(|part| part.map(|part| Ok(Frame::data(part?)))),
            Payload::File(_, 0) => Poll::Ready(None),
            Payload::File(file, left) => Poll::Ready(Some(read_part(file, left))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Payload::Bytes(bytes) => bytes.is_empty(),
            Payload::Outgoing(outgoing) => outgoing.has_ended(),
            Payload::File(_, left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Payload::Outgoing(_) => SizeHint::default(),
            Payload::File(_, left) => SizeHint::with_exact(*left),
        }
    }
}

fn read_part(file: &mut File, left: &mut u64) -> Result<Frame<Bytes>, PayloadError> {
    let wanted = PART.min(usize::try_from(*left).unwrap_or(PART));
    let mut part = Vec::with_capacity(wanted);
    file.by_ref().take(wanted as u64).read_to_end(&mut part)?;
    if part.is_empty() {
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, "a file has become shorter");
        return Err(error.into());
    }
    *left -= part.len() as u64;
    Ok(Frame::data(part.into()))
}
