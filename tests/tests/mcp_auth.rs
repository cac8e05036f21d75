//! The client of the Model Context Protocol with servers that want authorization.

use std::path::Path;

use sema_tests::peers::{conformance_suite, scenario};
use sema_tests::{Scratch, outcome, runtime, semac_in};

/// A server, and the server of tokens that it names. The function `client` gets the address of the first; what it prints, and what
/// was asked of the other one, is what is tested.
const SERVERS: &str = r#"
(define base (mutable-cell/new ""))
(define given (mutable-cell/new 0))
(define scope (mutable-cell/new ""))
(define asked (mutable-cell/new '()))
(define lifetime (mutable-cell/new 3600))
(define refuses (mutable-cell/new #f))
(define issuer (mutable-cell/new nil))
(define methods (mutable-cell/new '("client_secret_basic")))

(define (note text) (mutable-cell/set! asked (cons text (mutable-cell/get asked))))
(define (json status value headers)
  {:status status :headers (assoc headers "content-type" "application/json") :body (json/encode value)})
(define (challenge status text)
  (json status {} {"www-authenticate"
                   (string-append "Bearer " text ", resource_metadata=\"" (mutable-cell/get base) "/meta\"")}))

(define (mcp request)
  (let* ((message (:json request))
         (method (get message :method))
         (token (get (:headers request) "authorization"))
         (answer (fn (result) (json 200 {:jsonrpc "2.0" :id (get message :id) :result result} {}))))
    (cond ((not (equal? token (string-append "Bearer token-" (mutable-cell/get given))))
           (challenge 401 "scope=\"read\""))
          ((and (equal? method "tools/call") (not (string/contains? (mutable-cell/get scope) "write")))
           (challenge 403 "error=\"insufficient_scope\", scope=\"write\""))
          ((nil? (get message :id)) {:status 202 :headers {} :body ""})
          ((equal? method "initialize") (answer {:protocolVersion "2025-06-18"}))
          (else (answer {:content [{:type "text" :text "done"}]})))))

(define (field form name)
  (let ((found (filter (fn (pair) (string/starts-with? pair (string-append name "="))) (string/split form "&"))))
    (if (null? found) nil (nth (string/split (first found) "=") 1))))

(define (token request)
  (let* ((form (:body request))
         (grant (field form "grant_type"))
         (had (mutable-cell/get scope)))
    (note (list grant (get (:headers request) "authorization") (field form "client_secret") (field form "scope")
                (string/ends-with? (or (field form "resource") "") "mcp")))
    (if (mutable-cell/get refuses)
        (json 400 {:error "invalid_client" :error_description "s3cret is wrong"} {})
        (begin
          (mutable-cell/set! given (+ 1 (mutable-cell/get given)))
          (if (nil? (field form "scope")) nil (mutable-cell/set! scope (field form "scope")))
          (json 200 {:access_token (string-append "token-" (mutable-cell/get given))
                     :token_type "bearer"
                     :refresh_token "again"
                     :expires_in (mutable-cell/get lifetime)} {})))))

(define (about request)
  (let ((base (mutable-cell/get base)))
    (json 200 {:issuer (or (mutable-cell/get issuer) base)
               :authorization_endpoint (string-append base "/authorize")
               :token_endpoint (string-append base "/token")
               :registration_endpoint (string-append base "/register")
               :token_endpoint_auth_methods_supported (mutable-cell/get methods)
               :code_challenge_methods_supported ["S256"]} {})))

(define (authorize request)
  (let ((query (:query request)))
    (mutable-cell/set! scope (get query :scope ""))
    (note (list "authorize" (get query :client_id) (get query :scope) (string-length (get query :code_challenge))))
    (http/redirect (string-append (get query :redirect_uri)
                                  (if (mutable-cell/get refuses) "?error=access_denied" "?code=c-1")
                                  "&state=" (get query :state)))))

(define app
  (http/router
    [[:post "/mcp" mcp]
     [:post "/token" token]
     [:get "/authorize" authorize]
     [:post "/register" (fn (request)
                          (note (list "register" (get (:json request) :token_endpoint_auth_method)))
                          (json 201 {:client_id "registered"} {}))]
     [:get "/meta" (fn (request)
                     (json 200 {:resource (string-append (mutable-cell/get base) "/mcp")
                                :authorization_servers [(mutable-cell/get base)]} {}))]
     [:get "/.well-known/oauth-authorization-server" about]]))

(define (run client)
  (http/serve app
    {:port 0
     :host "127.0.0.1"
     :on-listen (fn (info)
                  (mutable-cell/set! base (:url info))
                  (try (client (string-append (:url info) "/mcp"))
                    (catch e (println (:message e))))
                  (for-each println (reverse (mutable-cell/get asked)))
                  (exit 0))}))
"#;

fn run(client: &str) -> String {
    let program = format!("{SERVERS}{client}");
    let scratch = Scratch::with(&[("t.sema", &program)]);
    let mut command = semac_in(scratch.path());
    command.args(["run", "t.sema"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let got = outcome(&mut command, b"").succeeded();
    assert!(!got.stderr.contains("s3cret"), "{}", got.stderr);
    got.stdout
}

#[test]
fn a_client_with_a_secret_gets_a_token_and_a_wider_one() {
    let got = run(r#"
(run (fn (url)
       (let ((s (mcp/connect {:url url :auth {:client-id "me" :client-secret "s3cret"}})))
         (println (mcp/call s "t" {}))
         (println (mcp/call s "t" {}))
         (mcp/close s))))
"#);
    // The header is `me:s3cret` in Base64.
    assert_eq!(
        got,
        "done\ndone\n\
         (\"client_credentials\" \"Basic bWU6czNjcmV0\" nil \"read\" #t)\n\
         (\"client_credentials\" \"Basic bWU6czNjcmV0\" nil \"read%20write\" #t)\n"
    );
}

#[test]
fn a_secret_goes_into_the_body_where_servers_want_that() {
    let got = run(r#"
(mutable-cell/set! methods '("client_secret_post"))
(run (fn (url)
       (mcp/close (mcp/connect {:url url :auth {:client-id "me" :client-secret "s3cret" :scope "all"}}))))
"#);
    assert_eq!(got, "(\"client_credentials\" nil \"s3cret\" \"all\" #t)\n");
}

#[test]
fn tokens_that_have_expired_are_renewed() {
    let got = run(r#"
(mutable-cell/set! lifetime 10)
(run (fn (url)
       (let ((s (mcp/connect {:url url :auth {:client-id "me" :client-secret "s3cret" :scope "write"}})))
         (async/sleep 20)
         (mutable-cell/set! lifetime 3600)
         (println (mcp/call s "t" {}))
         (println (mcp/call s "t" {}))
         (mutable-cell/set! given 7)
         (println (mcp/call s "t" {})))))
"#);
    let kinds: Vec<&str> = got
        .lines()
        .map(|line| &line[..line.len().min(10)])
        .collect();
    let at = kinds.iter().filter(|kind| **kind == "(\"refresh_").count();
    assert!(
        got.starts_with("done\ndone\ndone\n(\"client_credentials\""),
        "{got}"
    );
    assert!(at >= 2, "{got}");
}

#[test]
fn a_person_is_asked_where_there_is_no_secret() {
    let got = run(r#"
(run (fn (url)
       (let ((s (mcp/connect {:url url :auth {:open-url (fn (address) (println (:body (http/get address))))}})))
         (println (mcp/call s "t" {})))))
"#);
    assert_eq!(
        got,
        "This window may be closed.\nThis window may be closed.\ndone\n\
         (\"register\" \"client_secret_basic\")\n\
         (\"authorize\" \"registered\" \"read\" 43)\n\
         (\"authorization_code\" nil nil nil #t)\n\
         (\"authorize\" \"registered\" \"read write\" 43)\n\
         (\"authorization_code\" nil nil nil #t)\n"
    );
}

#[test]
fn what_goes_wrong_is_said_without_secrets() {
    let refused = run(r#"
(mutable-cell/set! refuses #t)
(run (fn (url) (mcp/connect {:url url :auth {:client-id "me" :client-secret "s3cret"}})))
"#);
    assert!(
        refused.starts_with("mcp: the server of tokens gives none: invalid_client\n"),
        "{refused}"
    );
    let denied = run(r#"
(mutable-cell/set! refuses #t)
(run (fn (url) (mcp/connect {:url url :auth {:client-id "me" :open-url (fn (address) (http/get address))}})))
"#);
    assert!(
        denied.starts_with("mcp: authorization was refused: access_denied\n"),
        "{denied}"
    );
    let broken = run(r#"
(run (fn (url) (mcp/connect {:url url :auth {:client-id "me" :open-url (fn (address) (error "no browser"))}})))
"#);
    assert!(broken.starts_with("no browser\n"), "{broken}");
    let other = run(r#"
(mutable-cell/set! issuer "http://127.0.0.1:1")
(run (fn (url) (mcp/connect {:url url :auth {:client-id "me" :client-secret "s3cret"}})))
"#);
    assert_eq!(
        other,
        "mcp: the server of tokens has another name than the one it is known by\n"
    );
    let without = run("(run (fn (url) (mcp/connect {:url url})))");
    assert_eq!(
        without,
        "mcp: the server answers with status 401: it wants authorization, by :bearer or :auth\n"
    );
}

#[test]
fn a_token_that_the_program_has_is_used() {
    let got = run(r#"
(mutable-cell/set! given 3)
(run (fn (url) (println (mcp/tools (mcp/connect {:url url :bearer "token-3"})))))
"#);
    assert_eq!(got, "()\n");
}

#[test]
fn the_conformance_suite_is_content_with_the_client() {
    let Some(suite) = conformance_suite(Path::new(env!("CARGO_TARGET_TMPDIR"))) else {
        return;
    };
    let program = r#"
(define context (let ((text (env "MCP_CONFORMANCE_CONTEXT"))) (if text (json/decode text) {})))
(define by-itself (string/starts-with? (env "MCP_CONFORMANCE_SCENARIO") "auth/client-credentials"))
(define auth
  (merge {:client-id (get context :client_id)
          :client-secret (get context :client_secret)
          :client-key (get context :private_key_pem)}
         (if by-itself
             {}
             {:open-url (fn (url) (http/get url))
              :client-metadata "https://conformance-test.local/client-metadata.json"})))
(define s (mcp/connect {:url (last (sys/args)) :auth auth}))
(for-each (fn (tool) (mcp/call s (:name tool) {})) (mcp/tools s))
(mcp/close s)
"#;
    let scratch = Scratch::with(&[("client.sema", program)]);
    let mut build = semac_in(scratch.path());
    build.args(["build", "client.sema", "-o", "client", "--runtime"]);
    outcome(build.arg(runtime()), b"").succeeded();
    let client = scratch.file("client").to_string_lossy().into_owned();
    for name in [
        "metadata-default",
        "metadata-var1",
        "metadata-var2",
        "metadata-var3",
        "basic-cimd",
        "scope-from-www-authenticate",
        "scope-from-scopes-supported",
        "scope-omitted-when-undefined",
        "scope-step-up",
        "scope-retry-limit",
        "token-endpoint-auth-basic",
        "token-endpoint-auth-post",
        "token-endpoint-auth-none",
        "pre-registration",
        "2025-03-26-oauth-metadata-backcompat",
        "2025-03-26-oauth-endpoint-fallback",
        "resource-mismatch",
        "offline-access-scope",
        "offline-access-not-supported",
        "client-credentials-jwt",
        "client-credentials-basic",
    ] {
        let name = format!("auth/{name}");
        let got = scenario(
            &suite,
            &["client", "--command", &client, "--scenario", &name],
        );
        assert_eq!(got.status, 0, "{name}: {got:#?}");
    }
}
