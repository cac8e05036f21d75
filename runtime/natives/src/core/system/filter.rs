//! What bytes of streams go through on their way, such as compression.

use std::io;

/// What bytes go through on their way: compression, say.
pub trait Filter: Send {
    /// Takes bytes in; what comes out is appended to `output`.
    ///
    /// # Errors
    /// The bytes are not what the filter understands.
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()>;

    /// Hands out what has been kept back so far, if that is possible before the end.
    ///
    /// # Errors
    /// As for `push`.
    fn flush(&mut self, output: &mut Vec<u8>) -> io::Result<()>;

    /// There is no more to take in. Called once.
    ///
    /// # Errors
    /// The bytes have ended too early.
    fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<()>;
}

/// Two filters, one after the other.
struct Chain {
    first: Box<dyn Filter>,
    second: Box<dyn Filter>,
    /// What has come out of the first and not gone into the second.
    between: Vec<u8>,
}

impl Chain {
    fn pass_on(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        let between = std::mem::take(&mut self.between);
        self.second.push(&between, output)
    }
}

impl Filter for Chain {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        self.first.push(input, &mut self.between)?;
        self.pass_on(output)
    }

    fn flush(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.first.flush(&mut self.between)?;
        self.pass_on(output)?;
        self.second.flush(output)
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        self.first.finish(&mut self.between)?;
        self.pass_on(output)?;
        self.second.finish(output)
    }
}

/// Bytes that a filter is given at once: a small piece may become a thousand times as large.
const FILTERED_PART: usize = 4 << 10;

/// A filter of what is read, with the bytes that it has not been given yet.
pub struct Filtering {
    filter: Box<dyn Filter>,
    raw: Vec<u8>,
    start: usize,
    finished: bool,
}

impl Filtering {
    /// `filter`, to be given `unread` first. What `before` has not filtered yet goes through that filter before.
    pub fn new(
        filter: Box<dyn Filter>,
        unread: Vec<u8>,
        before: Option<Box<Filtering>>,
    ) -> Filtering {
        match before.filter(|before| !before.finished) {
            Some(before) => Filtering {
                filter: Box::new(Chain {
                    first: before.filter,
                    second: filter,
                    between: unread,
                }),
                ..*before
            },
            None => Filtering {
                filter,
                raw: unread,
                start: 0,
                finished: false,
            },
        }
    }

    /// Gives the filter its next piece, if there is one; how much it was.
    ///
    /// # Errors
    /// The filter's.
    pub fn feed(&mut self, output: &mut Vec<u8>) -> io::Result<usize> {
        let unread = self.raw.get(self.start..).unwrap_or_default();
        let Some(piece) = unread.chunks(FILTERED_PART).next() else {
            return Ok(0);
        };
        let count = piece.len();
        self.filter.push(piece, output)?;
        self.start += count;
        Ok(count)
    }

    /// There is nothing more to read; whether the filter has been told only now.
    ///
    /// # Errors
    /// The filter's.
    pub fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<bool> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(false);
        }
        self.filter.finish(output)?;
        Ok(true)
    }

    /// Where bytes go that are read when all others have been filtered.
    pub fn room(&mut self, least: usize) -> &mut Vec<u8> {
        self.raw.clear();
        self.start = 0;
        self.raw.reserve(least);
        &mut self.raw
    }
}
