//! Random bits of the system's generator: unlike `math/random`, nobody can guess them.

use super::hex::digits;
use sema_machine::host::Host;
use sema_machine::host::arguments::{check_limit, count};
use sema_machine::host::condition::{Outcome, io_error};
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// A random universally unique identifier (version 4): 36 characters, lower case.
    /// (string-length (uuid/v4)) => 36
    /// (equal? (uuid/v4) (uuid/v4)) => #f
    "uuid/v4" () -> String => uuid;

    /// So many random bytes of the system's generator, fit for keys.
    /// (bytes/length (bytes/random 16)) => 16
    "bytes/random" (length: Count) -> Bytes => random_bytes;
}

fn fill(function: &str, bytes: &mut [u8]) -> Outcome<()> {
    getrandom::fill(bytes).map_err(|error| io_error(format!("{function}: {error}")))
}

fn uuid(host: &Host, _: &[Value]) -> Outcome {
    let mut bytes = [0u8; 16];
    fill("uuid/v4", &mut bytes)?;
    // RFC 9562, 5.4: four bits say the version, two the variant.
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let [a @ .., b0, b1, c0, c1, d0, d1, e0, e1, e2, e3, e4, e5] = bytes;
    let groups: [&[u8]; 5] = [
        &a,
        &[b0, b1],
        &[c0, c1],
        &[d0, d1],
        &[e0, e1, e2, e3, e4, e5],
    ];
    Ok(host.heap.string(&groups.map(digits).join("-")))
}

fn random_bytes(host: &Host, args: &[Value]) -> Outcome {
    let length = count(host, "bytes/random", args, 0)?;
    check_limit(host, "bytes/random", length)?;
    let mut bytes = vec![0; length];
    fill("bytes/random", &mut bytes)?;
    Ok(host.heap.bytevector(&bytes))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, eval_message};
    use sema_machine::memory::value::Value;

    #[test]
    fn identifiers_have_version_and_variant() {
        let bench = Bench::new();
        for _ in 0..100 {
            let id = bench.string(bench.call("uuid/v4", &[]));
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
            assert_eq!(&id[14..15], "4", "{id}");
            assert!("89ab".contains(&id[19..20]), "{id}");
            assert!(
                id.chars()
                    .all(|c| c == '-' || c.is_ascii_digit() || c.is_ascii_lowercase())
            );
        }
    }

    #[test]
    fn lengths_are_checked() {
        let bench = Bench::new();
        let bytes = bench.call("bytes/random", &[Value::small(32)]);
        assert_ne!(
            bench.host.heap.as_bytevector(bytes),
            Some([0; 32].as_slice())
        );
        let error = bench.error("bytes/random", &[Value::small(-1)]);
        assert!(eval_message(error).contains("non-negative"));
        let error = bench.error("bytes/random", &[Value::small(1_000_000_000)]);
        assert!(eval_message(error).contains("exceeds the limit"));
    }
}
