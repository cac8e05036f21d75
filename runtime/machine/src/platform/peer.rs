//! What the system knows of the peer of a connection, without anything being read or written.

use std::os::fd::{AsFd, AsRawFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What a peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// It may send more.
    Speaks,
    /// It sends nothing more; whether it still listens nobody can say.
    IsDone,
    /// It has left.
    IsGone,
}

/// What the peer of a socket does. What it has sent may still have to be read.
pub fn look(socket: impl AsFd) -> Peer {
    #[cfg(target_os = "linux")]
    let done = PollFlags::RDHUP;
    #[cfg(not(target_os = "linux"))]
    let done = PollFlags::empty();
    let mut polled = [PollFd::new(&socket, done)];
    // What cannot be asked speaks.
    let _ = poll(&mut polled, Some(&Timespec::default()));
    let [polled] = polled;
    let found = polled.revents();
    if found.intersects(PollFlags::HUP | PollFlags::ERR) {
        Peer::IsGone
    } else if !found.is_empty() {
        Peer::IsDone
    } else {
        Peer::Speaks
    }
}

/// Bytes that were written to a socket of TCP and that the peer has not acknowledged (`SIOCOUTQ`, `tcp(7)`). `None` where the system
/// does not say.
///
/// A socket can be written to again when a good part of its buffer is free, which for a peer that takes little at a time can be minutes
/// later. This says sooner that it takes something.
pub fn unsent(socket: impl AsFd) -> Option<usize> {
    let socket = socket.as_fd();
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open as long as it is borrowed, and the request writes one `int` to where the pointer points.
    let asked = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    if asked == 0 {
        usize::try_from(count).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn who_leaves_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peers = || {
            let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (one, listener.accept().unwrap().0)
        };
        let (own, mut other) = peers();
        assert_eq!(look(&own), Peer::Speaks);
        other.write_all(b"last words").unwrap();
        other.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(look(&own), Peer::IsDone);
        let (mut own, other) = peers();
        own.write_all(b"unread").unwrap();
        // Closed with something unread, a connection is reset.
        drop(other);
        assert_eq!(look(&own), Peer::IsGone);
    }

    #[test]
    fn it_becomes_less_when_the_peer_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut writer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut reader, _) = listener.accept().unwrap();
        assert_eq!(unsent(&writer), Some(0));
        writer.set_nonblocking(true).unwrap();
        while writer.write(&[0; 1 << 16]).is_ok() {}
        let full = unsent(&writer).unwrap();
        assert!(full > 0);
        reader
            .set_read_timeout(Some(std::time::Duration::from_millis(100)))
            .unwrap();
        while reader.read(&mut [0; 1 << 16]).is_ok() {}
        assert_eq!(unsent(&writer), Some(0));
        assert_eq!(unsent(std::fs::File::open("/dev/null").unwrap()), None);
    }
}
