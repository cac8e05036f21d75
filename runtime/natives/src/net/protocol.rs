//! The standard streams of a program that speaks a protocol on them.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use crate::core::system::device::{Sink, Source};
use crate::core::system::stream_state::State;
use crate::core::system::streams::named_stream;
use rustix::fs::{Mode, OFlags};
use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, io_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Takes standard input and output away from everybody else, child processes included: reading standard input meets
    /// its end, what is printed goes to standard error. Gives a vector of the two as streams.
    "%claim-standard-streams" () -> Vector => claim;
}

fn claim(host: &Host, _: &[Value]) -> Outcome {
    host.output.flush();
    let (input, output) =
        taken().map_err(|error| io_error(format!("standard streams: {error}")))?;
    let input = State::shared_input(Arc::new(Mutex::new(Source::pipe(input))));
    let streams = [
        named_stream(host, input, "protocol-input"),
        named_stream(host, State::device(host, output), "protocol-output"),
    ];
    Ok(host.heap.vector(&streams))
}

/// Standard input and output under new numbers. Their own are those of nothing and of standard error from then on.
fn taken() -> std::io::Result<(OwnedFd, Sink)> {
    let input = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let output = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok((input, Sink::standard(output)?))
}
