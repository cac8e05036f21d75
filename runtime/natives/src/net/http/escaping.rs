//! What goes into addresses and pages, so that it means nothing else there.

use sema_machine::host::Host;
use sema_machine::host::arguments::{check_limit, text};
use sema_machine::host::condition::{Outcome, eval_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

use super::url;
use crate::core::text::strings::string_of;

natives! {
    /// A text for an address, its path or its query: all but letters, digits and `-._~` is percent-encoded, as its bytes in UTF-8.
    /// (url/encode "a/b?c é") => "a%2Fb%3Fc%20%C3%A9"
    "url/encode" (text: String) -> String, pure => encode;

    /// What a percent-encoded text stands for. A `+` stays one (see `url/query->list`). Raises if a percent sign begins no encoding, or the bytes are not UTF-8.
    /// (url/decode "a%2Fb+c") => "a/b+c"
    /// (url/decode "100%") => error is not percent-encoded UTF-8
    "url/decode" (text: String) -> String, pure => decode;

    /// The names and values of a query or of a form's body in their order, also several of one name: a list of lists of two strings. `+` is a space. What is
    /// malformed stays as it is written.
    /// (url/query->list "tag=a&tag=b+c&x") => (("tag" "a") ("tag" "b c") ("x" ""))
    "url/query->list" (query: String) -> List, pure => query;

    /// A text for a page, or for an attribute in quotes: `&`, `<`, `>`, `"` and `'` stand for themselves there.
    /// (html/escape "<b title='x'>\"&\"</b>") => "&lt;b title=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/b&gt;"
    "html/escape" (text: String) -> String, pure => escape;
}

fn encode(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "url/encode", args, 0)?;
    host.ask_for_text(text.len().saturating_mul(3))?;
    string_of(host, "url/encode", &url::encode(text))
}

fn decode(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "url/decode", args, 0)?;
    host.ask_for_text(text.len())?;
    let decoded = url::decode(text).ok_or_else(|| {
        eval_error(format!(
            "url/decode: {:?} is not percent-encoded UTF-8",
            text.chars().take(60).collect::<String>()
        ))
    })?;
    Ok(host.heap.string(&decoded))
}

fn query(host: &Host, args: &[Value]) -> Outcome {
    let query = text(host, "url/query->list", args, 0)?;
    let heap = &host.heap;
    let count = query.bytes().filter(|&byte| byte == b'&').count() + 1;
    // Each is a list of two strings.
    check_limit(
        host,
        "url/query->list",
        count.saturating_mul(8) + query.len(),
    )?;
    let pairs: Vec<Value> = url::decode_pairs(query)
        .map(|(name, value)| heap.list(&[heap.string(&name), heap.string(&value)]))
        .collect();
    Ok(heap.list(&pairs))
}

fn escape(host: &Host, args: &[Value]) -> Outcome {
    let text = text(host, "html/escape", args, 0)?;
    // A quote becomes six.
    host.ask_for_text(text.len().saturating_mul(6))?;
    let mut out = String::with_capacity(text.len());
    let mut bytes = [0; 4];
    for letter in text.chars() {
        out.push_str(match letter {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            other => other.encode_utf8(&mut bytes),
        });
    }
    string_of(host, "html/escape", &out)
}
