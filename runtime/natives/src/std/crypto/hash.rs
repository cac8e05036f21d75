//! Digests of bytes, and of texts in UTF-8, given as lower-case hexadecimal digits.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use super::hex::digits;
use sema_machine::host::Host;
use sema_machine::host::arguments::bytes_of;
use sema_machine::host::condition::{Condition, ConditionKind, Outcome};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// The SHA-256 digest of a text or of bytes, 64 hexadecimal digits.
    /// (= (hash/sha256 #u8(104 105)) (hash/sha256 "hi")) => #t
    /// (hash/sha256 "hello") => "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    "hash/sha256" (content: Any) -> String, pure => sha256;

    /// The SHA-256 digest of a text or of bytes, 64 hexadecimal digits: by it equal secrets are recognised without being kept.
    /// (equal? (hash/digest "secret") (hash/sha256 "secret")) => #t
    "hash/digest" (content: Any) -> String, pure => digest;

    /// The HMAC-SHA256 authentication code of a message under a key, 64 hexadecimal digits. Both are texts or bytes.
    /// (hash/hmac-sha256 "key" "message") => "6e9ef29b75fffc5b7abae527d58fdadb2fe42e7219011976917343065f58ed4a"
    /// (= (hash/hmac-sha256 #u8(107) #u8(255)) (hash/hmac-sha256 "k" #u8(255))) => #t
    "hash/hmac-sha256" (key: Any, message: Any) -> String, pure => hmac_sha256;

    /// The MD5 digest of a text or of bytes, 32 hexadecimal digits. Others can make texts of equal MD5: it recognises accidents only.
    /// (hash/md5 "hello") => "5d41402abc4b2a76b9719d911017c592"
    "hash/md5" (content: Any) -> String, pure => md5;
}

fn hexadecimal<D: Digest>(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let content = bytes_of(host, function, args, 0)?;
    Ok(host.heap.string(&digits(&D::digest(content))))
}

fn sha256(host: &Host, args: &[Value]) -> Outcome {
    hexadecimal::<Sha256>(host, "hash/sha256", args)
}

fn digest(host: &Host, args: &[Value]) -> Outcome {
    hexadecimal::<Sha256>(host, "hash/digest", args)
}

fn md5(host: &Host, args: &[Value]) -> Outcome {
    hexadecimal::<Md5>(host, "hash/md5", args)
}

fn hmac_sha256(host: &Host, args: &[Value]) -> Outcome {
    let key = bytes_of(host, "hash/hmac-sha256", args, 0)?;
    let message = bytes_of(host, "hash/hmac-sha256", args, 1)?;
    // Keys of any length are allowed, so this only fails if the crate changes.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| {
        Condition::new(
            ConditionKind::Internal,
            format!("hash/hmac-sha256: {error}"),
        )
    })?;
    mac.update(message);
    Ok(host.heap.string(&digits(&mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use crate::testing::Bench;

    #[test]
    fn published_test_vectors() {
        let bench = Bench::new();
        let long = "a".repeat(1_000_000);
        for (function, message, expected) in [
            // FIPS 180-4, examples.
            (
                "hash/sha256",
                "abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "hash/sha256",
                long.as_str(),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            ),
            // RFC 1321, A.5.
            ("hash/md5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("hash/md5", "", "d41d8cd98f00b204e9800998ecf8427e"),
        ] {
            assert_eq!(bench.on_texts(function, &[message]), expected);
        }
    }

    #[test]
    fn authentication_codes() {
        let bench = Bench::new();
        // RFC 4231, test cases 2 and 6: a short key, and one that is longer than a block.
        let key = "Jefe";
        assert_eq!(
            bench.on_texts("hash/hmac-sha256", &[key, "what do ya want for nothing?"]),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(bench.on_texts("hash/hmac-sha256", &["", ""]).len(), 64);
        let long_key = "k".repeat(200);
        assert_ne!(
            bench.on_texts("hash/hmac-sha256", &[&long_key, "m"]),
            bench.on_texts("hash/hmac-sha256", &[&long_key[1..], "m"])
        );
    }
}
