//! What is sent: nothing, bytes, what a task writes, or a part of a file.

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
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
    /// What a task writes, which is to be of some length.
    Declared(Declared),
    /// So many bytes of a file, from where it stands.
    File(Box<dyn Read + Send + Sync>, u64),
}

impl Payload {
    /// Nothing.
    pub fn empty() -> Payload {
        Payload::Bytes(Bytes::new())
    }
}

/// What a task writes, of which the program has said how long it is.
pub struct Declared {
    outgoing: Outgoing,
    /// Bytes that are still to come.
    left: u64,
    /// The last part. It is kept until it is known that nothing comes after it: nobody asks for more when all is sent.
    last: Option<Bytes>,
    misfit: Arc<OnceLock<Misfit>>,
}

/// A body is not as long as it was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A task has written less.
    #[error("the body is shorter than its content-length says")]
    Shorter,
    /// A task has written more.
    #[error("the body is longer than its content-length says")]
    Longer,
}

impl Declared {
    /// What a task writes, so many bytes.
    pub fn new(outgoing: Outgoing, length: u64) -> Declared {
        Declared {
            outgoing,
            left: length,
            last: None,
            misfit: Arc::default(),
        }
    }

    /// What is written so far.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Where it will be found what was wrong: who sends it has no words for it in HTTP/2.
    pub fn misfit(&self) -> Arc<OnceLock<Misfit>> {
        self.misfit.clone()
    }

    fn fails(&self, how: Misfit) -> Poll<Option<Result<Bytes, PayloadError>>> {
        Poll::Ready(Some(Err(PayloadError::Misfit(
            *self.misfit.get_or_init(|| how),
        ))))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        loop {
            let part = match self.outgoing.poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(part) => part,
            };
            let Some(part) = part.transpose()? else {
                return match self.last.take() {
                    None if self.left > 0 => self.fails(Misfit::Shorter),
                    last => Poll::Ready(last.map(Ok)),
                };
            };
            let length = part.len() as u64;
            if length > self.left {
                return self.fails(Misfit::Longer);
            }
            self.left -= length;
            if self.left > 0 {
                return Poll::Ready(Some(Ok(part)));
            }
            self.last = Some(part);
        }
    }
}

/// Why not all was sent.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// A task has not written all.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// A task has written less or more than it was to.
    #[error(transparent)]
    Misfit(#[from] Misfit),
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
            Payload::Declared(declared) => declared
                .poll(context)
                .map(|part| part.map(|part| part.map(Frame::data))),
            Payload::File(_, 0) => Poll::Ready(None),
            Payload::File(file, left) => Poll::Ready(Some(read_part(file, left))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Payload::Bytes(bytes) => bytes.is_empty(),
            Payload::Outgoing(outgoing) => outgoing.has_ended(),
            Payload::Declared(declared) => declared.left == 0 && declared.last.is_none(),
            Payload::File(_, left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Payload::Outgoing(_) => SizeHint::default(),
            Payload::Declared(declared) => {
                let last = declared.last.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(declared.left + last as u64)
            }
            Payload::File(_, left) => SizeHint::with_exact(*left),
        }
    }
}

fn read_part(
    file: &mut (dyn Read + Send + Sync),
    left: &mut u64,
) -> Result<Frame<Bytes>, PayloadError> {
    let wanted = PART.min(usize::try_from(*left).unwrap_or(PART));
    let mut part = Vec::with_capacity(wanted);
    Read::take(file, wanted as u64).read_to_end(&mut part)?;
    if part.is_empty() {
        let error = io::Error::new(io::ErrorKind::UnexpectedEof, "a file has become shorter");
        return Err(error.into());
    }
    *left -= part.len() as u64;
    Ok(Frame::data(part.into()))
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::net::http::engine::outgoing::outgoing;
    use crate::net::http::engine::post::Post;

    /// What is sent of some parts, of which there are to be so many bytes in all.
    fn sent(parts: &[&str], length: u64) -> Result<String, String> {
        let post = Arc::<Post>::default();
        let (writer, body) = outgoing(&post);
        let mut payload = Payload::Declared(Declared::new(body, length));
        for part in parts {
            writer.put(part.as_bytes().to_vec());
        }
        writer.complete();
        let mut context = Context::from_waker(Waker::noop());
        let mut all = String::new();
        loop {
            let left = payload.size_hint().exact();
            assert_eq!(left, Some(length - all.len() as u64));
            match Pin::new(&mut payload).poll_frame(&mut context) {
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.into_data().map_err(|_| "trailers".to_owned())?;
                    all.push_str(&String::from_utf8_lossy(&bytes));
                }
                Poll::Ready(Some(Err(error))) => return Err(error.to_string()),
                Poll::Ready(None) => break,
                Poll::Pending => return Err("nothing comes".to_owned()),
            }
        }
        assert!(payload.is_end_stream());
        Ok(all)
    }

    #[test]
    fn a_declared_length_is_kept() {
        assert_eq!(sent(&["ab", "c"], 3).as_deref(), Ok("abc"));
        for (parts, word) in [
            (&["abc", "d"][..], "longer"),
            (&["abcd"], "longer"),
            (&["ab"], "shorter"),
            (&[], "shorter"),
        ] {
            let expected = format!("the body is {word} than its content-length says");
            assert_eq!(sent(parts, 3), Err(expected), "{parts:?}");
        }
    }
}
