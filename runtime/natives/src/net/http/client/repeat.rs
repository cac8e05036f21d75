//! What has become of a request that has failed, and in which words.

use std::error::Error;
use std::io;
use std::time::Duration;

use h2::Reason;
use hyper::http::Method;

/// How often a request is sent again that no server has processed. A server may end each connection after some hundred
/// requests, so that those behind them go through several.
pub const MOST_REPEATS: u32 = 64;
/// How often it is sent again when it was the first one of a connection.
pub const MOST_REFUSED: u32 = 3;

/// How long to wait before a request is sent again, the first time at once: a server that refuses requests has too many.
pub fn pause(repeats: u32) -> Duration {
    match repeats {
        0 | 1 => Duration::ZERO,
        2..5 => Duration::from_millis(10 << (repeats - 2)),
        _ => Duration::from_millis(100),
    }
}

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No server has processed it: it may be sent again, whatever it is.
    Unprocessed,
    /// The connection has ended before the answer came.
    Unknown,
    /// It has failed.
    Failed,
}

impl Fate {
    /// What the error of a request means that was sent in HTTP/2, or in HTTP/1.1.
    pub fn of(error: &hyper::Error, speaks_2: bool) -> Fate {
        // It was not sent. In HTTP/2 there are also those that wait for their turn, for which there is no error but that nobody has
        // cared for them.
        if error.is_canceled() || (speaks_2 && error.is_user()) {
            return Fate::Unprocessed;
        }
        for cause in causes(error) {
            // GOAWAY is the error of streams behind the last one that it names (RFC 9113, 6.8 and 8.7).
            if let Some(found) = cause.downcast_ref::<h2::Error>() {
                let is_refused = found.is_reset() && found.reason() == Some(Reason::REFUSED_STREAM);
                if found.is_remote() && (found.is_go_away() || is_refused) {
                    return Fate::Unprocessed;
                }
                if found.get_io().is_some_and(is_end) {
                    return Fate::Unknown;
                }
            }
            if cause.downcast_ref::<io::Error>().is_some_and(is_end) {
                return Fate::Unknown;
            }
        }
        // A peer that does not answer pings is gone.
        match error.is_incomplete_message() || error.is_closed() || error.is_timeout() {
            true => Fate::Unknown,
            false => Fate::Failed,
        }
    }
}

/// Whether a request may be sent again that a server may have processed (RFC 9110, 9.2.2).
pub fn may_be_processed_twice(method: &Method) -> bool {
    method.is_idempotent() || method.as_str() == "QUERY"
}

/// Whether the other side has ended the connection.
pub fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
    )
}

fn causes<'e>(error: &'e hyper::Error) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Error::source(error), |&cause| cause.source())
}

/// An error with its causes.
pub fn in_full(error: &hyper::Error) -> String {
    let peer = causes(error)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .find(|error| error.is_remote());
    if let Some(peer) = peer {
        let whose = match peer.is_go_away() {
            true => "the server has ended the connection",
            false => "the server has reset the stream",
        };
        let reason = peer.reason().unwrap_or(Reason::NO_ERROR);
        return match reason {
            Reason::NO_ERROR => whose.to_owned(),
            _ => format!("{whose}: {}", reason.description()),
        };
    }
    let mut text = error.to_string();
    for cause in causes(error) {
        text.push_str(": ");
        // Libraries give addresses of their manuals.
        let cause = cause.to_string();
        text.push_str(cause.split(": https://").next().unwrap_or(&cause));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let all: Vec<u128> = (0..7).map(|repeats| pause(repeats).as_millis()).collect();
        assert_eq!(all, [0, 0, 10, 20, 40, 100, 100]);
        assert!(may_be_processed_twice(&Method::PUT));
        assert!(!may_be_processed_twice(&Method::POST));
    }
}
