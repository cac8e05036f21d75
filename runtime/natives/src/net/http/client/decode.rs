//! Bodies of answers: read as a whole or part by part, decompressed.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::{Body as _, Bytes, Incoming as Body};

use super::Client;
use super::exchange::ClientError;
use super::pool::Sender;
use crate::core::system::filter::Filter;
use crate::net::http::engine::budget::{Budget, Gathering, Held};
use crate::net::http::engine::incoming::{Feeder, Incoming, incoming};
use crate::net::http::engine::race::{First, race};
use crate::net::http::engine::work::spawn;
use crate::std::archive::gzip::Decompress;

/// Compressed bytes that are decompressed before the limit is looked at: they may become a thousand times as many.
const PART: usize = 4 << 10;

/// A connection that is kept when the body has been read to its end.
pub struct Keep {
    client: Arc<Client>,
    key: String,
    sender: Sender,
    /// Whether the request had no body.
    is_bare: bool,
}

impl Keep {
    /// A connection of the pool of `client`, on which a request was sent that has no body, or one.
    pub fn new(client: &Arc<Client>, key: String, sender: Sender, is_bare: bool) -> Keep {
        let client = client.clone();
        Keep {
            client,
            key,
            sender,
            is_bare,
        }
    }

    /// Looks whether a body of which nothing more comes is whole: in HTTP/2 a reset without an error also ends it, which is right
    /// only behind its end (RFC 9113, 8.1).
    fn check(&self, body: &Body) -> Result<(), ClientError> {
        if !self.sender.speaks_2() || body.is_end_stream() {
            return Ok(());
        }
        let is_whole = match body.size_hint().exact() {
            Some(left) => left == 0,
            // Such a reset ends requests whose bodies nobody wants. It takes the end of the answer with it.
            None => !self.is_bare,
        };
        match is_whole {
            true => Ok(()),
            false => Err(ClientError::CutOff),
        }
    }

    /// Gives the connection to the pool as soon as it can take another request.
    fn keep(mut self) {
        spawn(async move {
            if self.sender.ready().await.is_ok() {
                self.client.pool.put(self.key, self.sender);
            }
        });
    }
}

/// The next bytes of a body.
pub async fn part(body: &mut Body) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(bytes)) => return Some(Ok(bytes)),
            // Trailers.
            Ok(Err(_)) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Decompresses, if that is wanted.
struct Decoder {
    filter: Option<Decompress>,
    is_empty: bool,
}

impl Decoder {
    fn new(is_compressed: bool) -> Decoder {
        Decoder {
            filter: is_compressed.then(Decompress::default),
            is_empty: true,
        }
    }

    /// What a piece of a compressed body becomes.
    fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, ClientError> {
        self.is_empty &= piece.is_empty();
        let mut out = Vec::new();
        if let Some(filter) = &mut self.filter {
            let pushed = filter.push(piece, &mut out);
            pushed.map_err(ClientError::Compression)?;
        }
        Ok(out)
    }

    /// What is left at its end.
    fn finish(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut out = Vec::new();
        // The answer to HEAD has the header of a body and none.
        if let Some(filter) = self.filter.as_mut().filter(|_| !self.is_empty) {
            let finished = filter.finish(&mut out);
            finished.map_err(ClientError::Compression)?;
        }
        Ok(out)
    }
}

/// All of a body.
pub async fn whole(
    mut body: Body,
    is_compressed: bool,
    most: usize,
    budget: &Arc<Budget>,
    keep: Keep,
) -> Result<Held, ClientError> {
    let expected = body.size_hint().exact().filter(|_| !is_compressed);
    if expected.is_some_and(|expected| expected > most as u64) {
        return Err(ClientError::TooLong(most));
    }
    let mut decoder = Decoder::new(is_compressed);
    let mut out = Gathering::new(budget, expected);
    let mut add = |bytes: Bytes| {
        if bytes.len() > most - out.len() {
            return Err(ClientError::TooLong(most));
        }
        Ok(out.push(bytes)?)
    };
    while let Some(bytes) = part(&mut body).await {
        let bytes = bytes.map_err(ClientError::Http)?;
        if !is_compressed {
            add(bytes)?;
            continue;
        }
        for piece in bytes.chunks(PART) {
            add(decoder.push(piece)?.into())?;
        }
    }
    keep.check(&body)?;
    add(decoder.finish()?.into())?;
    keep.keep();
    Ok(out.finish())
}

/// A body to be read part by part.
pub fn stream(body: Body, is_compressed: bool, keep: Keep) -> Incoming {
    let (feeder, incoming) = incoming();
    spawn(async move {
        let feeding = feed(body, is_compressed, &feeder, &keep);
        let First::One(ended) = race(feeding, feeder.reader_is_gone()).await else {
            return;
        };
        match ended {
            Ok(true) => {
                feeder.end(Ok(()));
                keep.keep();
            }
            Ok(false) => {}
            Err(error) => feeder.end(Err(error.to_string())),
        }
    });
    incoming
}

/// Gives a body to its reader; whether that has taken it to the end.
async fn feed(
    mut body: Body,
    is_compressed: bool,
    feeder: &Feeder,
    keep: &Keep,
) -> Result<bool, ClientError> {
    let mut decoder = Decoder::new(is_compressed);
    while let Some(bytes) = part(&mut body).await {
        let bytes = bytes.map_err(ClientError::Http)?;
        if !is_compressed {
            if !feeder.give(bytes).await {
                return Ok(false);
            }
            continue;
        }
        for piece in bytes.chunks(PART) {
            let out = decoder.push(piece)?;
            if !out.is_empty() && !feeder.give(out.into()).await {
                return Ok(false);
            }
        }
    }
    keep.check(&body)?;
    let out = decoder.finish()?;
    Ok(out.is_empty() || feeder.give(out.into()).await)
}
