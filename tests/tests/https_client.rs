//! Requests over TLS, to servers with certificates of a test's own.

#![cfg(target_os = "linux")]

use std::process::Command;

use sema_tests::certificates::Certificates;
use sema_tests::serving::has;
use sema_tests::{outcome, semac_in};

#[test]
fn certificates_are_always_checked() {
    if !has("openssl") {
        return;
    }
    let made = Certificates::new();
    let ca = "{:ca (file/read \"ca.pem\")}";
    let (mut good, url) = made.serve("good", &[]);
    assert_eq!(made.ask(&url, ca, &[]), "200\n");
    assert_eq!(
        made.ask(&url, "{}", &[("SSL_CERT_FILE", "ca.pem")]),
        "200\n"
    );
    let refused = made.ask(&url, "{}", &[]);
    assert!(
        refused.contains("is signed by nobody whom the program trusts"),
        "{refused}"
    );
    good.kill().unwrap();
    let (mut other, url) = made.serve("other", &[]);
    let refused = made.ask(&url, ca, &[]);
    assert!(
        refused.contains("is not valid for the name 127.0.0.1: it has other.test"),
        "{refused}"
    );
    other.kill().unwrap();
    let (mut old, url) = made.serve("old", &[]);
    let refused = made.ask(&url, ca, &[]);
    assert!(refused.contains("has expired"), "{refused}");
    old.kill().unwrap();
    let (mut strict, url) = made.serve(
        "good",
        &["-Verify", "1", "-CAfile", "ca.pem", "-verify_return_error"],
    );
    let refused = made.ask(&url, ca, &[]);
    assert!(refused.contains("http GET"), "{refused}");
    let identity = "{:ca (file/read \"ca.pem\") :cert (file/read \"client.pem\") :key (file/read \"client.key\")}";
    assert_eq!(made.ask(&url, identity, &[]), "200\n");
    strict.kill().unwrap();
}

#[test]
fn servers_speak_tls() {
    if !has("openssl") || !has("curl") {
        return;
    }
    let made = Certificates::new();
    made.folder.write(
        "serve.sema",
        r#"(http/serve (fn (request) (http/text "secret"))
             {:port 0 :host "127.0.0.1" :cert (file/read "good.pem") :key (file/read "good.key")})"#,
    );
    let mut command = semac_in(made.folder.path());
    let server = sema_tests::serving::Server::start(command.args(["run", "serve.sema"]));
    let url = format!("https://127.0.0.1:{}/", server.port);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--cacert", "ca.pem", &url])
        .current_dir(made.folder.path());
    assert_eq!(outcome(&mut curl, b"").succeeded().stdout, "secret");
    assert_eq!(made.ask(&url, "{:ca (file/read \"ca.pem\")}", &[]), "200\n");
    // Whoever speaks no TLS gets nothing.
    assert!(
        !server
            .raw("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .contains("secret")
    );
}
