//! A peer that takes nothing any more may have said why.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connect::Connection;
use super::repeat::is_end;

/// A connection on which one talks on when the peer does not listen any more.
///
/// A server may answer before the request is complete, and close the connection (RFC 9112, 9.5). Then writing fails, and the answer lies
/// there to be read; what speaks HTTP would give up at the first error. So what cannot be written is thrown away, and reading tells how it
/// ends: by the answer, or by the end of the connection.
pub struct Unheard {
    io: Connection,
    is_unheard: bool,
}

impl Unheard {
    /// On a connection that nobody has left yet.
    pub fn new(io: Connection) -> Unheard {
        Unheard {
            io,
            is_unheard: false,
        }
    }

    /// The result of an operation that fails if the peer does not listen: `unheard` then.
    fn or_unheard<T>(&mut self, done: Poll<io::Result<T>>, unheard: T) -> Poll<io::Result<T>> {
        match done {
            Poll::Ready(Err(error)) if is_end(&error) => {
                self.is_unheard = true;
                Poll::Ready(Ok(unheard))
            }
            done => done,
        }
    }
}

impl AsyncRead for Unheard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, room)
    }
}

impl AsyncWrite for Unheard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_unheard {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.or_unheard(written, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        if self.is_unheard {
            return Poll::Ready(Ok(length));
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        self.or_unheard(written, length)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_unheard {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.or_unheard(flushed, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
