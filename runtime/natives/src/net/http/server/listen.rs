//! Listening, connections, and the end.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::connection::converse;
use super::settings::Settings;
use super::workers::Guest;
use super::{Phase, Server};
use crate::net::http::engine::race::{First, race};
use sema_machine::platform::bell;
use sema_machine::platform::heard::Signal;

/// How long nobody is let in when the system has nothing left for a connection.
const EXHAUSTED: Duration = Duration::from_millis(50);

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
    // Clients keep their connections, so whoever came before all machines are there would stay with the first.
    let complete = server.workers.complete(server.settings.workers);
    if let First::Other(()) = race(complete, server.reached(Phase::Stopping)).await {
        server.close();
        return;
    }
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        match race(listener.accept(), server.reached(Phase::Stopping)).await {
            First::One(Ok((stream, peer))) => {
                if let Some(guest) = server.workers.next() {
                    hand_over(&server, guest, slot, stream, peer);
                }
            }
            // No descriptors or memory, or the peer is gone already.
            First::One(Err(_)) => sleep(EXHAUSTED).await,
            First::Other(()) => break,
        }
    }
    drop(listener);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // After the grace the rest is closed as well.
    let _ = timeout(server.settings.grace, slots.acquire_many(all)).await;
    server.close();
}

/// Gives a connection to the engine of a machine.
fn hand_over(
    server: &Arc<Server>,
    guest: Guest,
    slot: OwnedSemaphorePermit,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let server = server.clone();
    if server.settings.workers == 1 {
        tokio::spawn(async move {
            converse(&server, &guest.0, stream, peer).await;
            drop((slot, guest));
        });
        return;
    }
    // Sockets belong to the event loop that has made them. One that cannot leave it is closed.
    let Ok(stream) = stream.into_std() else {
        return;
    };
    let engine = guest.0.engine.clone();
    engine.spawn(async move {
        if let Ok(stream) = TcpStream::from_std(stream) {
            converse(&server, &guest.0, stream, peer).await;
        }
        drop((slot, guest));
    });
}

/// The end of the process, as far as it is announced by SIGTERM.
pub struct Ending {
    bell: AsyncFd<OwnedFd>,
    /// How often the signal had come before.
    before: u32,
}

impl Ending {
    /// Hears of the signal from now on. To be called by the engine.
    ///
    /// # Errors
    /// The process has no descriptor left.
    #[expect(
        deprecated,
        reason = "its unsafe successor is for descriptors that somebody else may close; this one is owned"
    )]
    pub fn hear() -> io::Result<Ending> {
        let bell = AsyncFd::with_interest(bell::bell()?, Interest::READABLE)?;
        Signal::Terminate.hear();
        Ok(Ending {
            bell,
            before: Signal::Terminate.count(),
        })
    }

    /// Stops the server when the process is asked to end; ends when the server does.
    pub async fn stop(self, server: Arc<Server>) {
        loop {
            if Signal::Terminate.count() != self.before {
                server.stop();
            }
            let stopping = server.reached(Phase::Stopping);
            match race(stopping, self.bell.readable()).await {
                First::Other(Ok(mut rung)) => rung.clear_ready(),
                // Nobody rings any more, or nobody is to hear it.
                First::Other(Err(_)) | First::One(()) => return,
            }
        }
    }
}
