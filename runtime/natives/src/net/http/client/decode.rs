//! Bodies of answers: read as a whole or part by part, decompressed.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::{Body as _, Bytes, Incoming as Body};

use super::Client;
use super::exchange::ClientError;
use super::pool::Sender;
use crate::core::system::filter::Filter;
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
}

impl Keep {
    /// A connection of the pool of `client`.
    pub fn new(client: &Arc<Client>, key: String, sender: Sender) -> Keep {
        let client = client.clone();
        Keep {
            client,
            key,
            sender,
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

    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), ClientError> {
        self.is_empty &= bytes.is_empty();
        match &mut self.filter {
            None => out.extend_from_slice(bytes),
            Some(filter) => {
                for piece in bytes.chunks(PART) {
                    filter.push(piece, out).map_err(ClientError::Compression)?;
                    check(out, most)?;
                }
            }
        }
        check(out, most)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ClientError> {
        match &mut self.filter {
            // The answer to HEAD has the header of a body and none.
            Some(filter) if !self.is_empty => filter.finish(out).map_err(ClientError::Compression),
            _ => Ok(()),
        }
    }
}

fn check(bytes: &[u8], most: usize) -> Result<(), ClientError> {
    if bytes.len() > most {
        return Err(ClientError::TooLong(most));
    }
    Ok(())
}

/// All of a body.
pub async fn whole(
    mut body: Body,
    is_compressed: bool,
    most: usize,
    keep: Keep,
) -> Result<Vec<u8>, ClientError> {
    let mut decoder = Decoder::new(is_compressed);
    let mut out = Vec::new();
    while let Some(bytes) = part(&mut body).await {
        decoder.push(&bytes.map_err(ClientError::Http)?, &mut out, most)?;
    }
    decoder.finish(&mut out)?;
    check(&out, most)?;
    keep.keep();
    Ok(out)
}

/// A body to be read part by part.
pub fn stream(body: Body, is_compressed: bool, keep: Keep) -> Incoming {
    let (feeder, incoming) = incoming();
    spawn(async move {
        let feeding = feed(body, is_compressed, &feeder);
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
async fn feed(mut body: Body, is_compressed: bool, feeder: &Feeder) -> Result<bool, ClientError> {
    let mut decoder = Decoder::new(is_compressed);
    while let Some(bytes) = part(&mut body).await {
        let bytes = bytes.map_err(ClientError::Http)?;
        if decoder.filter.is_none() {
            if !feeder.give(bytes).await {
                return Ok(false);
            }
            continue;
        }
        for piece in bytes.chunks(PART) {
            let mut out = Vec::new();
            decoder.push(piece, &mut out, usize::MAX)?;
            if !out.is_empty() && !feeder.give(out.into()).await {
                return Ok(false);
            }
        }
    }
    let mut out = Vec::new();
    decoder.finish(&mut out)?;
    Ok(out.is_empty() || feeder.give(out.into()).await)
}
