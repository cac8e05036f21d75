//! Digests of streams: a stream that gives the digest of another one, which it reads part by part.

use std::io;

use md5::Md5;
use sha2::{Digest, Sha256};

use super::hex::digits;
use crate::core::system::filter::Filter;
use crate::core::system::stream_state::State;
use crate::core::system::streams::{named_stream, state_of};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// A stream of the digits of the SHA-256 digest of what another stream gives.
    "%sha256-reader" (content: Stream) -> Stream => sha256;

    /// A stream of the digits of the MD5 digest of what another stream gives.
    "%md5-reader" (content: Stream) -> Stream => md5;
}

/// Nothing comes out of it before the end, and then the digest.
struct Digesting<D>(D);

impl<D: Digest + Send> Filter for Digesting<D> {
    fn push(&mut self, input: &[u8], _: &mut Vec<u8>) -> io::Result<()> {
        self.0.update(input);
        Ok(())
    }

    fn flush(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        let digest = std::mem::replace(&mut self.0, D::new()).finalize();
        output.extend_from_slice(digits(&digest).as_bytes());
        Ok(())
    }
}

fn reader<D: Digest + Send + 'static>(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let filter = Box::new(Digesting(D::new()));
    let state = State::filtered_input(&state_of(host, args, 0)?, host, filter)
        .map_err(|error| eval_error(format!("{function}: {error}")))?;
    Ok(named_stream(host, state, "digest"))
}

fn sha256(host: &Host, args: &[Value]) -> Outcome {
    reader::<Sha256>(host, "hash/sha256-stream", args)
}

fn md5(host: &Host, args: &[Value]) -> Outcome {
    reader::<Md5>(host, "hash/md5-stream", args)
}
