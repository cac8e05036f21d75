//! Listening, connections, and the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::handle::handle;
use super::settings::Settings;
use super::{Phase, Server};
use crate::net::http::client::connect::Connection;
use crate::net::http::engine::race::{First, race};
use sema_machine::platform::heard::Signal;

/// How long nobody is let in when the system has nothing left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(50);
/// How often the process is asked whether it is to end.
const ENDING: Duration = Duration::from_millis(100);

/// Listens, at the next free port if the port is taken and that is wanted.
///
/// # Errors
/// The system's answer.
pub async fn bind(settings: &Settings) -> io::Result<TcpListener> {
    if let Some(number) = settings.inherited {
        return inherited(number);
    }
    let mut port = settings.port;
    loop {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in lookup_host((settings.host.as_str(), port)).await? {
            match TcpListener::bind(address).await {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        if !settings.falls_back || last.kind() != io::ErrorKind::AddrInUse || port == u16::MAX {
            return Err(last);
        }
        port += 1;
    }
}

/// The socket of this number, which a service manager has opened. It is taken by a copy: the number itself stays open.
fn inherited(number: i32) -> io::Result<TcpListener> {
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    let socket = pidfd_getfd(own, number, PidfdGetfdFlags::empty())?;
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Lets connections in until the server is to end; then waits for those that are left.
pub async fn serve(listener: TcpListener, server: Arc<Server>) {
    let most = server.settings.connections;
    let slots = Arc::new(Semaphore::new(most));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        match race(listener.accept(), server.reached(Phase::Stopping)).await {
            First::One(Ok((stream, peer))) => {
                let server = server.clone();
                tokio::spawn(async move {
                    converse(server, stream, peer).await;
                    drop(slot);
                });
            }
            // No descriptors or memory, or the peer is gone already.
            First::One(Err(_)) => sleep(EXHAUSTED).await,
            First::Other(()) => break,
        }
    }
    drop(listener);
    server.queue.close();
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // After the grace the rest is closed as well.
    let _ = timeout(server.settings.grace, slots.acquire_many(all)).await;
    server.phase.send_replace(Phase::Closed);
}

/// Ends the server when the process is asked to end.
pub async fn until_terminated(server: Arc<Server>) {
    Signal::Terminate.hear();
    let before = Signal::Terminate.count();
    loop {
        if Signal::Terminate.count() != before {
            server.stop();
        }
        let stopping = server.reached(Phase::Stopping);
        if let First::One(()) = race(stopping, sleep(ENDING)).await {
            return;
        }
    }
}

/// Speaks with one client until one of both has enough.
async fn converse(server: Arc<Server>, stream: TcpStream, peer: SocketAddr) {
    let settings = &server.settings;
    // Small answers are not held back. A connection that cannot be told so is gone.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let io: Connection = match &settings.tls {
        None => Box::new(stream),
        Some(configuration) => {
            let accepting = TlsAcceptor::from(configuration.clone()).accept(stream);
            match timeout(settings.head_time, accepting).await {
                Ok(Ok(stream)) => Box::new(stream),
                _ => return,
            }
        }
    };
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_time)
        .max_buf_size(settings.most_head)
        .half_close(true);
    let service = service_fn(|request| handle(server.clone(), request, peer));
    let connection = builder.serve_connection(TokioIo::new(io), service);
    let mut connection = std::pin::pin!(connection.with_upgrades());
    let stopping = server.reached(Phase::Stopping);
    // What goes wrong with a connection ends it, and is nobody else's matter.
    let First::Other(()) = race(connection.as_mut(), stopping).await else {
        return;
    };
    connection.as_mut().graceful_shutdown();
    let _ = race(connection, server.reached(Phase::Closed)).await;
}
