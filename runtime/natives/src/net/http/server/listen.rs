//! Listening, connections, and the end.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::net::{AddressFamily, sockopt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::connection::converse;
use super::settings::Settings;
use super::workers::Place;
use super::{Phase, Server};
use crate::net::http::engine::race::{First, race};
use crate::net::http::engine::work::spawn;
use sema_machine::platform::bell;
use sema_machine::platform::heard::{Hearing, Signal};
use sema_machine::platform::standard_output;

/// How long a machine may take to see that its server has ended.
const UNHEARD: Duration = Duration::from_secs(1);
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
    let wrong = |what: &str| io::Error::other(format!("the socket of LISTEN_FDS {what}"));
    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    let socket = pidfd_getfd(own, number, PidfdGetfdFlags::empty())
        .map_err(|error| wrong(&format!("cannot be taken: {}", io::Error::from(error))))?;
    let is_listening = sockopt::socket_acceptconn(&socket).map_err(|_| wrong("is no socket"))?;
    let family = sockopt::socket_domain(&socket)?;
    if family != AddressFamily::INET && family != AddressFamily::INET6 {
        return Err(wrong("is not of TCP: http/serve takes no other"));
    }
    if !is_listening {
        return Err(wrong("does not listen"));
    }
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
        // The end first: where the system has nothing left each attempt fails at once.
        match race(server.reached(Phase::Stopping), listener.accept()).await {
            First::Other(Ok((stream, peer))) => {
                if let Some(guest) = server.workers.next() {
                    hand_over(&server, Place::new(slot, guest), stream, peer);
                }
            }
            // No descriptors or memory, or the peer is gone already.
            First::Other(Err(_)) => {
                race(server.reached(Phase::Stopping), sleep(EXHAUSTED)).await;
            }
            First::One(()) => break,
        }
    }
    drop(listener);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // After the grace the rest is closed as well.
    let _ = timeout(server.settings.grace, slots.acquire_many(all)).await;
    server.close();
}

/// Gives a connection to the engine of a machine.
fn hand_over(server: &Arc<Server>, place: Arc<Place>, stream: TcpStream, peer: SocketAddr) {
    let server = server.clone();
    if server.settings.workers == 1 {
        spawn(async move {
            converse(&server, &place, stream, peer).await;
        });
        return;
    }
    // Sockets belong to the event loop that has made them. One that cannot leave it is closed.
    let Ok(stream) = stream.into_std() else {
        return;
    };
    let engine = place.guest.0.engine.clone();
    engine.spawn(async move {
        if let Ok(stream) = TcpStream::from_std(stream) {
            converse(&server, &place, stream, peer).await;
        }
    });
}

/// Ends the process if the first machine computes on and on and does not see that the server has ended. What it has been given is the time
/// that requests have.
async fn end_anyway(server: &Server, signal: Signal) {
    sleep(server.settings.grace).await;
    server.reached(Phase::Closed).await;
    sleep(UNHEARD).await;
    if !server.is_left.load(Ordering::Relaxed) {
        // If nobody reads that, the process ends all the same.
        standard_output::write_error_without_waiting(
            b"http/serve: the program computes and did not end within :grace; it is ended\n",
        );
        signal.end_process();
    }
}

/// The end of the process, as far as it is announced by SIGTERM, or by SIGINT from who has started it by hand.
pub struct Ending {
    bell: AsyncFd<OwnedFd>,
    /// The signals, and how often each had come before.
    signals: Vec<(Hearing, u32)>,
}

impl Ending {
    /// Hears of the signals from now on. To be called by the engine.
    ///
    /// # Errors
    /// The process has no descriptor left.
    #[expect(
        deprecated,
        reason = "its unsafe successor is for descriptors that somebody else may close; this one is owned"
    )]
    pub fn hear() -> io::Result<Ending> {
        let bell = AsyncFd::with_interest(bell::bell()?, Interest::READABLE)?;
        // What `nohup` and shells say of processes in the background stays so.
        let mut signals = Vec::new();
        for signal in [Signal::Interrupt, Signal::Terminate] {
            if let Some(hearing) = signal.hear_for_now() {
                signals.push((hearing, signal.count()));
            }
        }
        Ok(Ending { bell, signals })
    }

    /// Waits for one of the signals.
    async fn asked(&self) -> Option<Signal> {
        loop {
            for (hearing, before) in &self.signals {
                if hearing.signal().count() != *before {
                    return Some(hearing.signal());
                }
            }
            // Nobody rings any more, or nobody is to hear it.
            self.bell.readable().await.ok()?.clear_ready();
        }
    }

    /// Stops the server when the process is asked to end; ends when the server does.
    pub async fn stop(mut self, server: Arc<Server>) {
        let asked = race(server.reached(Phase::Stopping), self.asked()).await;
        let First::Other(Some(signal)) = asked else {
            return;
        };
        // A second Ctrl-C does what it does to other programs.
        self.signals
            .retain(|(hearing, _)| hearing.signal() != Signal::Interrupt);
        server.advance(Phase::Draining);
        race(
            sleep(server.settings.drain),
            server.reached(Phase::Stopping),
        )
        .await;
        server.stop();
        end_anyway(&server, signal).await;
    }
}
