//! Programs that serve, and what talks to them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything takes, shorter than the limit of a test.
const LONG: Duration = Duration::from_secs(20);

/// A program that serves, and has said where.
pub struct Server {
    child: Child,
    /// Its port at 127.0.0.1.
    pub port: u16,
    errors: Receiver<String>,
}

impl Server {
    /// Starts a program, and waits until it listens.
    ///
    /// # Panics
    /// It does not.
    #[track_caller]
    pub fn start(command: &mut Command) -> Server {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, errors) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines() {
                if lines.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut server = Server {
            child,
            port: 0,
            errors,
        };
        let line = server.error();
        let port = line
            .strip_prefix("Listening on ")
            .and_then(|rest| rest.rsplit(':').next());
        server.port = port
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("{line}"));
        server
    }

    /// The next line of standard error, but for those that say more about the one before.
    ///
    /// # Panics
    /// None comes.
    #[track_caller]
    pub fn error(&self) -> String {
        loop {
            let line = (self.errors.recv_timeout(LONG)).expect("the program says nothing");
            if !line.starts_with("  ") {
                return line;
            }
        }
    }

    /// The next line of standard error, if one comes in time.
    #[must_use]
    pub fn error_within(&self, time: Duration) -> Option<String> {
        self.errors.recv_timeout(time).ok()
    }

    /// Asks it to end.
    ///
    /// # Panics
    /// It cannot be asked.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Interrupts it, as Ctrl-C does.
    ///
    /// # Panics
    /// It cannot be interrupted.
    pub fn interrupt(&self) {
        self.signal("-INT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .arg(signal)
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its end.
    ///
    /// # Panics
    /// It does not end.
    #[track_caller]
    pub fn ended(&mut self) -> (ExitStatus, String) {
        let begin = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(begin.elapsed() < LONG, "the program does not end"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut output = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut output)
            .unwrap();
        (status, output)
    }

    /// A connection.
    ///
    /// # Panics
    /// There is none.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// All that is answered to some bytes until the connection is closed.
    ///
    /// # Panics
    /// It is not closed.
    #[track_caller]
    pub fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect();
        // It may be closed before all is written.
        let _ = stream.write_all(request.as_ref());
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => String::from_utf8_lossy(&answer).into_owned(),
        }
    }

    /// A connection on which a WebSocket was asked for, and the head of the answer.
    ///
    /// # Panics
    /// There is none.
    #[track_caller]
    pub fn upgrade(&self, path: &str) -> (TcpStream, String) {
        let mut stream = self.connect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        (stream, String::from_utf8_lossy(&head).into_owned())
    }

    /// Status and body of the answer to a request for a path.
    ///
    /// # Panics
    /// There is no answer.
    #[track_caller]
    pub fn get(&self, path: &str) -> (u16, String) {
        let answer = self.raw(format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        ));
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned());
        (
            status.unwrap_or_else(|| panic!("{answer}")),
            body.unwrap_or_default(),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A package of Python.
#[derive(Clone, Copy)]
pub struct Package<'p> {
    /// What pip installs, with the versions that will do.
    pub requirement: &'p str,
    /// The module that is there then.
    pub module: &'p str,
}

/// A Python with these packages, made once in the folder of the tests. `None`, and a message, if it cannot be made here.
pub fn python(folder: &Path, packages: &[&str]) -> Option<PathBuf> {
    let packages = packages.iter().map(|name| Package {
        requirement: name,
        module: name,
    });
    python_with(folder, &packages.collect::<Vec<_>>())
}

/// A Python with these packages, made once in the folder. `None`, and a message, if it cannot be made here. Whoever
/// comes while it is made waits.
///
/// # Panics
/// The folder cannot be written.
pub fn python_with(folder: &Path, packages: &[Package<'_>]) -> Option<PathBuf> {
    // One for each test: tests run at the same time.
    let modules: Vec<&str> = packages.iter().map(|package| package.module).collect();
    let environment = folder.join(format!("python-{}", modules.join("-")));
    let lock = folder.join(format!("python-{}.lock", modules.join("-")));
    std::fs::create_dir_all(folder).expect("the folder of the tests can be made");
    let lock = std::fs::File::create(lock).expect("the folder of the tests can be written");
    lock.lock().expect("a file can be locked");
    let python = environment.join("bin/python");
    let has_all = |python: &Path| {
        let imports = modules.join(", ");
        let status = Command::new(python)
            .args(["-c", &format!("import {imports}")])
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    if has_all(&python) {
        return Some(python);
    }
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&environment)
        .status();
    if made.is_ok_and(|status| status.success()) {
        let _ = Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(packages.iter().map(|package| package.requirement))
            .status();
    }
    let found = has_all(&python).then_some(python);
    if found.is_none() {
        crate::skip(&format!("there is no Python with {}", modules.join(", ")));
    }
    found
}

/// Whether a program can be called; otherwise there is a message.
pub fn has(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}
