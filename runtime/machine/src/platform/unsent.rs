//! What of a connection the peer has not acknowledged yet.

use std::os::fd::{AsFd, AsRawFd};

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
