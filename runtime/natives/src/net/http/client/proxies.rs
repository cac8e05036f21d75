//! Proxies: which one a request goes to, and which goes to none.

use std::net::IpAddr;

use sema_machine::host::Host;
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;

use super::options::{option, string};
use crate::core::system::environment;
use crate::net::http::url::{Scheme, Url, UrlError, shown};

/// The proxies that the environment or the options name.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For `http`.
    http: Option<Proxy>,
    /// For `https`.
    https: Option<Proxy>,
    /// What goes to none.
    none: Vec<Exception>,
}

/// A proxy, or why there is none: that counts only for requests that would go to it.
type Proxy = Result<Url, BadProxy>;

/// What is named as a proxy is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadProxy(String);

impl Proxies {
    /// The proxies for a request: `:proxy` (`#f` for none), else those of the environment.
    ///
    /// # Errors
    /// `:proxy` is none.
    pub fn of_request(host: &Host, function: &str, options: Value) -> Outcome<Proxies> {
        match option(host, options, "proxy") {
            Some(Value::FALSE) => Ok(Proxies::default()),
            Some(value) => {
                let proxy = proxy(":proxy", &string(host, value, "proxy")?);
                let proxy = proxy.map_err(|error| eval_error(format!("{function}: {error}")))?;
                Ok(Proxies {
                    http: Some(Ok(proxy.clone())),
                    https: Some(Ok(proxy)),
                    none: Vec::new(),
                })
            }
            None => Ok(Proxies::of_environment(|name| {
                environment::lookup(host, name)
            })),
        }
    }

    fn of_environment(lookup: impl Fn(&str) -> Option<String>) -> Proxies {
        // An empty variable is as none.
        let first = |names: &[&'static str]| {
            names
                .iter()
                .find_map(|&name| Some((name, lookup(name).filter(|value| !value.is_empty())?)))
        };
        let named = |names: &[&'static str]| {
            let (name, value) = first(names)?;
            Some(proxy(name, &value))
        };
        let none = first(&["NO_PROXY", "no_proxy"]).map_or(String::new(), |(_, value)| value);
        Proxies {
            // `HTTP_PROXY` may be a header of a request to a CGI program.
            http: named(&["http_proxy", "ALL_PROXY", "all_proxy"]),
            https: named(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            none: none
                .split([',', ' ', '\t'])
                .filter_map(Exception::parse)
                .collect(),
        }
    }

    /// The proxy for an address.
    ///
    /// # Errors
    /// What is named as such is none.
    pub fn of(&self, url: &Url) -> Result<Option<&Url>, BadProxy> {
        let proxy = if url.scheme.is_secure() {
            &self.https
        } else {
            &self.http
        };
        match proxy {
            Some(proxy) if !self.none.iter().any(|exception| exception.means(url)) => {
                proxy.as_ref().map(Some).map_err(Clone::clone)
            }
            _ => Ok(None),
        }
    }
}

/// The proxy that a variable or an option names.
fn proxy(name: &str, value: &str) -> Proxy {
    let text = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let why = match Url::parse(&text) {
        Ok(url) if url.scheme == Scheme::Http => return Ok(url),
        Ok(_) | Err(UrlError::OtherScheme) => "proxies are spoken to by http here".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(BadProxy(format!(
        "the proxy {} of {name} cannot be used: {why}",
        shown(&text)
    )))
}

/// What goes to no proxy: an entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    whom: Whom,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    /// Everybody.
    All,
    /// A name and all below it.
    Name(String),
    /// Addresses that begin with the same bits.
    Block(IpAddr, u32),
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Exception {
    /// `*`, a name, an address, a block (`10.0.0.0/8`), each perhaps with a port. `None`: it means nobody.
    fn parse(entry: &str) -> Option<Exception> {
        let (whom, port) = match entry.rsplit_once(':') {
            // An address of version 6 has colons of its own.
            Some((whom, port)) if !whom.contains(':') || whom.ends_with(']') => {
                (whom, Some(port.parse().ok()?))
            }
            _ => (entry, None),
        };
        let whom = Whom::parse(whom)?;
        Some(Exception { whom, port })
    }

    fn means(&self, url: &Url) -> bool {
        if self.port.is_some_and(|port| port != url.port) {
            return false;
        }
        let host = url.host.strip_suffix('.').unwrap_or(&url.host);
        match (&self.whom, host.parse::<IpAddr>()) {
            (Whom::All, _) => true,
            (Whom::Block(block, length), Ok(address)) => {
                let address = address.to_canonical();
                address.is_ipv4() == block.is_ipv4()
                    && leading(address, *length) == leading(*block, *length)
            }
            (Whom::Name(name), Err(_)) => {
                let below = host.strip_suffix(name.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (Whom::Block(..), Err(_)) | (Whom::Name(_), Ok(_)) => false,
        }
    }
}

impl Whom {
    fn parse(text: &str) -> Option<Whom> {
        if text == "*" {
            return Some(Whom::All);
        }
        let (text, length) = match text.split_once('/') {
            Some((text, length)) => (text, Some(length.parse().ok()?)),
            None => (text, None),
        };
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse::<IpAddr>() {
            let length = length.unwrap_or(bits(address));
            return (length <= bits(address)).then_some(Whom::Block(address, length));
        }
        let name = text.trim_start_matches("*.").trim_start_matches('.');
        let name = name.strip_suffix('.').unwrap_or(name);
        (!name.is_empty() && length.is_none()).then(|| Whom::Name(name.to_ascii_lowercase()))
    }
}

/// The first bits of an address as a number.
fn leading(address: IpAddr, length: u32) -> u128 {
    let number = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    number
        .checked_shr(bits(address) - length)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of_environment(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Whether a request for an address goes to the proxy with this `NO_PROXY`.
    fn goes_to_it(none: &str, url: &str) -> bool {
        let proxies = environment(&[("ALL_PROXY", "p:1"), ("NO_PROXY", none)]);
        let url = Url::parse(url).unwrap();
        proxies.of(&url).unwrap().is_some()
    }

    #[test]
    fn requests_that_go_to_no_proxy() {
        for (none, url) in [
            ("*", "http://a/"),
            ("example.com", "http://example.com/"),
            ("Example.COM.", "http://x.example.com/"),
            (".local", "http://a.local/"),
            ("*.local", "https://a.local/"),
            ("x, y\tz w", "http://w/"),
            ("localhost.", "http://localhost/"),
            ("localhost", "http://localhost./"),
            ("localhost:91", "http://localhost:91/"),
            ("127.0.0.1", "http://127.0.0.1/"),
            ("127.0.0.1:91", "http://127.0.0.1:91/"),
            ("127.0.0.0/8", "http://127.9.9.9/"),
            ("0.0.0.0/0", "http://1.2.3.4/"),
            ("10.1.2.3/32", "http://10.1.2.3/"),
            ("::1", "http://[::1]:5/"),
            ("[::1]", "http://[::1]/"),
            ("[::1]:91", "http://[::1]:91/"),
            ("fe80::/10", "http://[fe90::1]/"),
            ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ] {
            assert!(!goes_to_it(none, url), "{none} {url}");
        }
    }

    #[test]
    fn requests_that_go_to_a_proxy() {
        for (none, url) in [
            ("", "http://a/"),
            (",, ,", "http://a/"),
            ("example.com", "http://notexample.com/"),
            ("localhost:91", "http://localhost:92/"),
            ("localhost:x", "http://localhost/"),
            ("0.0.1", "http://127.0.0.1/"),
            ("1", "http://127.0.0.1/"),
            ("127.0.0.1:91", "http://127.0.0.1/"),
            ("127.0.0.0/8", "http://128.0.0.1/"),
            ("127.0.0.0/33", "http://127.0.0.1/"),
            ("example.com/8", "http://example.com/"),
            ("::1", "http://[::2]/"),
            ("::/0", "http://1.2.3.4/"),
            (".", "http://a/"),
        ] {
            assert!(goes_to_it(none, url), "{none} {url}");
        }
    }

    #[test]
    fn empty_variables_are_as_none() {
        let proxies = environment(&[
            ("http_proxy", ""),
            ("ALL_PROXY", "p:1"),
            ("NO_PROXY", ""),
            ("no_proxy", "a"),
        ]);
        let of = |url| proxies.of(&Url::parse(url).unwrap()).unwrap().is_some();
        assert_eq!((of("http://a/"), of("http://b/")), (false, true));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_matters_when_it_would_be() {
        let proxies = environment(&[
            ("ALL_PROXY", "socks5h://u:secret@p:1"),
            ("http_proxy", "http://a b/"),
            ("NO_PROXY", "a"),
        ]);
        let of = |url| proxies.of(&Url::parse(url).unwrap()).map(drop);
        let bad = |text: &str| Err(BadProxy(text.to_owned()));
        assert_eq!(of("https://a/"), Ok(()));
        assert_eq!(
            of("https://b/"),
            bad(
                "the proxy socks5h://***@p:1 of ALL_PROXY cannot be used: proxies are spoken to by http here"
            )
        );
        assert_eq!(
            of("http://b/"),
            bad(
                "the proxy http://a b/ of http_proxy cannot be used: the host of the URL has characters that a name must not have"
            )
        );
    }
}
