//! Addresses of resources: taken apart, resolved against others, percent-encoded.

use std::borrow::Cow;
use std::fmt::Write as _;

/// An absolute address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `http`, `https`, `ws` or `wss`.
    pub scheme: Scheme,
    /// User name and password, decoded.
    pub user: Option<(String, String)>,
    /// Name or number of the host, lower case; IPv6 numbers without brackets.
    pub host: String,
    /// The port, given or the scheme's.
    pub port: u16,
    /// Path and query, beginning with `/`, percent-encoded.
    pub target: String,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
    /// `ws`
    Ws,
    /// `wss`
    Wss,
}

impl Scheme {
    fn of(name: &str) -> Option<Scheme> {
        [Scheme::Http, Scheme::Https, Scheme::Ws, Scheme::Wss]
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
        }
    }

    /// Whether it is spoken through TLS.
    pub fn is_secure(self) -> bool {
        matches!(self, Scheme::Https | Scheme::Wss)
    }

    /// Whether it is a scheme of HTTP.
    pub fn is_http(self) -> bool {
        matches!(self, Scheme::Http | Scheme::Https)
    }

    fn port(self) -> u16 {
        if self.is_secure() { 443 } else { 80 }
    }
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It does not begin with a scheme and `://`.
    #[error("the URL has no scheme: http:// or https:// is missing")]
    NoScheme,
    /// Another scheme.
    #[error("the URL has another scheme than http, https, ws and wss")]
    OtherScheme,
    /// No host.
    #[error("the URL has no host")]
    NoHost,
    /// The host has letters that hosts do not have.
    #[error("the host of the URL has characters that a name must not have")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("the port of the URL is not a number from 1 to 65535")]
    Port,
    /// A percent sign without two hexadecimal digits, or the bytes are not UTF-8.
    #[error("user or password in the URL are not well encoded")]
    Encoding,
}

impl Url {
    /// Takes an address apart. Spaces, control characters and letters outside of ASCII in path and query are percent-encoded; the fragment is left out.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        let scheme = Scheme::of(scheme).ok_or(UrlError::OtherScheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user_of(user)?), host),
            None => (None, authority),
        };
        // Where others see a slash, the host is another one for them.
        if authority.contains('\\') {
            return Err(UrlError::Host);
        }
        let (host, port) = host_and_port(host)?;
        Ok(Url {
            scheme,
            user,
            host: host.to_ascii_lowercase(),
            port: match port {
                // Numbers may have a sign, ports not.
                Some(port) => Some(port)
                    .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
                    .and_then(|port| port.parse().ok())
                    .filter(|&port| port > 0)
                    .ok_or(UrlError::Port)?,
                None => scheme.port(),
            },
            target: encode_target(target),
        })
    }

    /// The address that a reference in a resource of this address means (RFC 3986, 5.2).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn join(&self, reference: &str) -> Result<Url, UrlError> {
        let reference = reference.trim_matches([' ', '\t', '\n', '\r']);
        let colon = reference.find(':');
        let slash = reference.find(['/', '?', '#']);
        if colon.is_some_and(|colon| slash.is_none_or(|slash| colon < slash)) {
            return Url::parse(reference);
        }
        if reference.starts_with("//") {
            return Url::parse(&format!("{}:{reference}", self.scheme.name()));
        }
        let own_path = self.target.split('?').next().unwrap_or("/");
        let reference = reference.split('#').next().unwrap_or_default();
        let joined = if reference.is_empty() {
            self.target.clone()
        } else if reference.starts_with('/') {
            without_dots(reference)
        } else if reference.starts_with('?') {
            format!("{own_path}{reference}")
        } else {
            let folder = own_path.rsplit_once('/').map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{reference}"))
        };
        Ok(Url {
            target: encode_target(&joined),
            ..self.clone()
        })
    }

    /// Host and port as they are written, the port only if it is not the scheme's.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.port() {
            self.bracketed_host()
        } else {
            self.host_and_port()
        }
    }

    /// Host and port as they are written.
    pub fn host_and_port(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }

    /// Whether both are on the same host, port and level of security.
    pub fn same_origin(&self, other: &Url) -> bool {
        self.host == other.host
            && self.port == other.port
            && self.scheme.is_secure() == other.scheme.is_secure()
    }

    /// As text, without user and password.
    pub fn text(&self) -> String {
        format!(
            "{}://{}{}",
            self.scheme.name(),
            self.authority(),
            self.target
        )
    }

    /// Adds a query, which is encoded already.
    pub fn add_query(&mut self, query: &str) {
        if !query.is_empty() {
            self.target
                .push(if self.target.contains('?') { '&' } else { '?' });
            self.target.push_str(query);
        }
    }
}

/// A URL as it was given, with stars for user and password: messages go to logs.
pub fn shown(given: &str) -> String {
    let start = given.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = given.split_at(start);
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(authority);
    let (stars, place) = match authority.rsplit_once('@') {
        Some((_, place)) => ("***@", place),
        None => ("", authority),
    };
    format!("{scheme}{stars}{place}{target}")
}

fn user_of(user: &str) -> Result<(String, String), UrlError> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    match (decode(name), decode(password)) {
        (Some(name), Some(password)) => Ok((name, password)),
        _ => Err(UrlError::Encoding),
    }
}

fn host_and_port(text: &str) -> Result<(&str, Option<&str>), UrlError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(UrlError::Host);
        }
        return match rest.strip_prefix(':') {
            Some("") => Ok((host, None)),
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(UrlError::Port),
        };
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port).filter(|port| !port.is_empty())),
        None => (text, None),
    };
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    if !host.bytes().all(is_allowed) {
        return Err(UrlError::Host);
    }
    Ok((host, port))
}

/// Path and query for a request: without the fragment, beginning with a slash, only visible ASCII.
fn encode_target(text: &str) -> String {
    let text = text.split('#').next().unwrap_or_default();
    let mut target = String::with_capacity(text.len() + 1);
    if !text.starts_with('/') {
        target.push('/');
    }
    encode_odd(text, &mut target);
    target
}

/// Adds an address, with all percent-encoded that no address has.
pub fn encode_odd(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | ..=b' ' | 0x7f.. => {
                push_encoded(byte, out);
            }
            _ => out.push(char::from(byte)),
        }
    }
}

fn push_encoded(byte: u8, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

/// Whether a byte of a path stands for itself (RFC 3986, 3.3).
fn is_of_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'$' | b'&'..=b'.' | b':' | b';' | b'=' | b'@' | b'_' | b'~'
        )
}

/// A path of a request in its one normal form, so that what looks at it sees what routes and files see: what may stand for itself is not
/// encoded, everything else is, with upper-case digits, and slashes do not follow each other. `None`: it has a part `.` or `..`, or
/// a percent sign that begins no encoding, which could become one here.
pub fn normal_path(path: &str) -> Option<Cow<'_, str>> {
    let mut before = 0;
    let is_plain = path.bytes().all(|byte| {
        let is_after_slash = std::mem::replace(&mut before, byte) == b'/';
        match byte {
            b'/' | b'.' => !is_after_slash,
            _ => is_of_segment(byte),
        }
    });
    if is_plain {
        return Some(Cow::Borrowed(path));
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'/' if normal.ends_with('/') => continue,
            b'/' => {
                normal.push('/');
                continue;
            }
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        };
        if is_of_segment(byte) {
            normal.push(char::from(byte));
        } else {
            push_encoded(byte, &mut normal);
        }
    }
    let has_dots = normal.split('/').any(|part| matches!(part, "." | ".."));
    (!has_dots).then_some(Cow::Owned(normal))
}

/// A path without `.` and `..`; a query stays.
fn without_dots(text: &str) -> String {
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut is_folder = false;
    for segment in path.split('/').skip(1) {
        is_folder = matches!(segment, "." | ".." | "");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let mut result = String::new();
    for segment in &kept {
        result.push('/');
        result.push_str(segment);
    }
    if is_folder && kept.last().is_none_or(|last| !last.is_empty()) {
        result.push('/');
    }
    if let Some(query) = query {
        result.push('?');
        result.push_str(query);
    }
    result
}

/// A text with everything percent-encoded but letters, digits and `-._~`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_encoded(byte, &mut out);
        }
    }
    out
}

/// A percent-encoded text; `None` if it is malformed or becomes no UTF-8.
pub fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = hex(rest.next()?)?;
            let low = hex(rest.next()?)?;
            bytes.push(high << 4 | low);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Names and values of a query or a form, one after the other: together they may take many times what they are written in. What is malformed
/// stays as it is written.
pub fn decode_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        decode(&text).unwrap_or(text)
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
}

/// A query or form of names and values.
pub fn encode_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match Url::parse(text) {
            Ok(url) => format!("{} {} {}", url.host, url.port, url.text()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        for (given, wanted) in [
            ("ws://user:secret@host/a@b?c", "ws://***@host/a@b?c"),
            ("http://user:sec@ret@bad host", "http://***@bad host"),
            ("ftp://user@host?mail=a@b", "ftp://***@host?mail=a@b"),
            ("user:secret@host", "***@host"),
            ("http://host/", "http://host/"),
            ("", ""),
        ] {
            assert_eq!(shown(given), wanted);
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(
            parsed("HTTP://Example.com"),
            "example.com 80 http://example.com/"
        );
        assert_eq!(
            parsed("https://a:8443?x=1 2#f"),
            "a 8443 https://a:8443/?x=1%202"
        );
        assert_eq!(parsed("http://[::1]:80/é"), "::1 80 http://[::1]/%C3%A9");
        let url = Url::parse("http://a%40b:p%3Aw@c/").unwrap();
        assert_eq!(url.user, Some(("a@b".to_owned(), "p:w".to_owned())));
        for (text, error) in [
            ("nonsense", UrlError::NoScheme),
            ("ftp://a/", UrlError::OtherScheme),
            ("http:///x", UrlError::NoHost),
            ("http://a b/", UrlError::Host),
            ("http://a\r\nb/", UrlError::Host),
            ("http://a:0/", UrlError::Port),
            ("http://a:99999/", UrlError::Port),
            ("http://a:+80/", UrlError::Port),
            ("http://a:-80/", UrlError::Port),
            ("http://a:8 0/", UrlError::Port),
            ("http://a:81\\@evil.com/", UrlError::Host),
            ("http://a\\b@evil.com/", UrlError::Host),
            ("http://evil.com\\/", UrlError::Host),
            ("http://[::1/", UrlError::Host),
            ("http://%zz@a/", UrlError::Encoding),
        ] {
            assert_eq!(Url::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn nothing_ends_a_request_line() {
        let url = Url::parse("http://a/b\r\nHost: evil").unwrap();
        assert_eq!(url.target, "/b%0D%0AHost:%20evil");
    }

    #[test]
    fn references_are_resolved() {
        let base = Url::parse("http://a:81/b/c/d?q").unwrap();
        for (reference, expected) in [
            ("g", "http://a:81/b/c/g"),
            ("./g/", "http://a:81/b/c/g/"),
            ("../../../g", "http://a:81/g"),
            ("..", "http://a:81/b/"),
            ("/x?y#z", "http://a:81/x?y"),
            ("?y", "http://a:81/b/c/d?y"),
            ("", "http://a:81/b/c/d?q"),
            ("//h/p", "http://h/p"),
            ("https://h/p", "https://h/p"),
        ] {
            assert_eq!(
                base.join(reference).unwrap().text(),
                expected,
                "{reference}"
            );
        }
    }

    #[test]
    fn paths_have_one_form() {
        for (path, normal) in [
            ("/", Some("/")),
            ("/a/b.c/~d/", Some("/a/b.c/~d/")),
            ("/%70rivate/%7e%41", Some("/private/~A")),
            ("//private///a//", Some("/private/a/")),
            ("/a%40b%3Bc", Some("/a@b;c")),
            ("/a%2fb%5c%00%25%3f%23", Some("/a%2Fb%5C%00%25%3F%23")),
            ("/a\\b|\"é", Some("/a%5Cb%7C%22%C3%A9")),
            ("/%c3%a9%20+", Some("/%C3%A9%20+")),
            ("/%%370rivate", None),
            ("/%zz", None),
            ("/%7", None),
            ("/.a/..b/c./...", Some("/.a/..b/c./...")),
            ("/a/..%2fb", Some("/a/..%2Fb")),
            ("/a/./b", None),
            ("/a/..", None),
            ("/%2e%2E/b", None),
            ("/.%2e//b", None),
            ("*", Some("*")),
        ] {
            let found = normal_path(path);
            assert_eq!(found.as_deref(), normal, "{path}");
            if let Some(found) = found {
                assert_eq!(normal_path(&found).as_deref(), normal, "{path}, again");
            }
        }
    }

    #[test]
    fn pairs_go_back_and_forth() {
        let pairs = [("a b", "1&2"), ("é", "+="), ("", "x")];
        let text = encode_pairs(pairs);
        let decoded: Vec<_> = decode_pairs(&text).collect();
        let decoded: Vec<_> = (decoded.iter().map(|(a, b)| (a.as_str(), b.as_str()))).collect();
        assert_eq!(decoded, pairs);
        assert_eq!(
            decode_pairs("a=%zz&b").collect::<Vec<_>>(),
            [("a".into(), "%zz".into()), ("b".into(), String::new())]
        );
    }
}
