//! Certificates for tests of TLS, good ones and others.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Scratch, outcome, semac_in};

/// Certificates made by openssl, and servers that use them.
pub struct Certificates {
    /// Where they lie: `ca.pem` signs `good`, `other` (for another name), `old` (which is over) and `client`, each with a key.
    pub folder: Scratch,
}

impl Certificates {
    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path());
        outcome(&mut command, b"").succeeded();
    }

    /// Makes them.
    ///
    /// # Panics
    /// They cannot be made.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it runs other programs")]
    pub fn new() -> Certificates {
        let made = Certificates {
            folder: Scratch::new(),
        };
        made.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -subj /CN=test-roots -days 2 -addext basicConstraints=critical,CA:TRUE");
        for (name, host, days) in [
            ("good", "IP:127.0.0.1", "2"),
            ("other", "DNS:other.test", "2"),
            ("client", "DNS:client.test", "2"),
        ] {
            made.openssl(&format!("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"));
            made.folder
                .write(&format!("{name}.ext"), format!("subjectAltName={host}\n"));
            made.openssl(&format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days {days} -extfile {name}.ext"));
        }
        made.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout old.key -out old.csr -subj /CN=old");
        made.folder
            .write("old.ext", "subjectAltName=IP:127.0.0.1\n");
        made.folder.write("index.txt", "");
        made.openssl("x509 -req -in old.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out old.pem -days -1 -extfile old.ext");
        made
    }

    /// A server of openssl with one of the certificates, and its address.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn serve(&self, name: &str, more: &[&str]) -> (Child, String) {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut command = Command::new("openssl");
        command
            .args(["s_server", "-quiet", "-www", "-accept", &port.to_string()])
            .args([
                "-cert",
                &format!("{name}.pem"),
                "-key",
                &format!("{name}.key"),
            ])
            .args(more)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        (child, format!("https://127.0.0.1:{port}/"))
    }

    /// What a program prints that asks for an address.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn ask(&self, url: &str, options: &str, variables: &[(&str, &str)]) -> String {
        self.folder.write(
            "ask.sema",
            format!("(println (try (:status (http/get {url:?} {options})) (catch condition (:message condition))))"),
        );
        let mut command = semac_in(self.folder.path());
        command
            .args(["run", "ask.sema"])
            .envs(variables.iter().copied());
        outcome(&mut command, b"").succeeded().stdout
    }
}
