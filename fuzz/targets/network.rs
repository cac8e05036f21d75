//! Any bytes from a peer: frames of WebSockets come out the same however they are cut, and addresses that are understood go
//! back and forth.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sema_natives::net::http::url::{Url, decode_pairs, encode_pairs};
use sema_natives::net::websocket::frame::{Closing, Decoder, Event};

fn events(bytes: &[u8], from_client: bool, step: usize) -> (Vec<Event>, Option<Closing>) {
    let mut decoder = Decoder::new(from_client, 1 << 16);
    let mut events = Vec::new();
    for part in bytes.chunks(step) {
        decoder.feed(part);
        loop {
            match decoder.event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(closing) => return (events, Some(closing)),
            }
        }
    }
    (events, None)
}

fuzz_target!(|bytes: &[u8]| {
    for from_client in [false, true] {
        let whole = events(bytes, from_client, bytes.len().max(1));
        assert_eq!(events(bytes, from_client, 1), whole);
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(url) = Url::parse(&text) {
        assert!(url.target.bytes().all(|byte| byte.is_ascii_graphic()));
        let again = Url::parse(&url.text()).unwrap();
        assert_eq!((&again.host, again.port, &again.target), (&url.host, url.port, &url.target));
        let joined = url.join(&text).unwrap();
        assert_eq!(joined.text(), url.text());
    }
    let pairs = decode_pairs(&text);
    let encoded = encode_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    assert_eq!(decode_pairs(&encoded), pairs);
});
