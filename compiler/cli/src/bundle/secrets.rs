//! Files that look like keys are not packed unless somebody says so: what is in a program, everybody can read.

use std::fs::File;
use std::io::Read;

use super::Asset;

/// A file that looks like a secret.
#[derive(Debug, thiserror::Error)]
#[error("'{path}' looks like a secret ({reason}), and whoever has the program can read it")]
pub struct SecretError {
    /// Its path in the program.
    pub path: String,
    /// Why it looks like one.
    pub reason: &'static str,
}

/// How much of a file is looked at: keys are short, and stand at the beginning.
const LOOKED_AT: u64 = 256 << 10;

/// Refuses files that look like secrets, except those whose path or name one of the patterns fits.
///
/// # Errors
/// The first such file.
pub fn refuse(assets: &[Asset], allowed: &[String]) -> Result<(), SecretError> {
    for asset in assets {
        let path = asset.path.as_str();
        // The file may have another name in the program than on disk.
        let file = asset.file.to_string_lossy();
        let names = [path, &file].map(|path| (path, path.rsplit('/').next().unwrap_or(path)));
        let is_allowed = |pattern: &String| {
            fits(pattern, path) || names.iter().any(|(_, name)| fits(pattern, name))
        };
        if allowed.iter().any(is_allowed) {
            continue;
        }
        let by_names = names.iter().find_map(|(path, name)| by_name(path, name));
        let reason = by_names.or_else(|| {
            let mut start = Vec::new();
            // What cannot be read is reported when it is to be packed.
            File::open(&asset.file)
                .ok()?
                .take(LOOKED_AT)
                .read_to_end(&mut start)
                .ok()?;
            by_content(&start)
        });
        if let Some(reason) = reason {
            let path = path.to_owned();
            return Err(SecretError { path, reason });
        }
    }
    Ok(())
}

/// How copies are called.
const COPIES: &[&str] = &[".bak", ".old", ".orig", ".save", "~"];

fn by_name(path: &str, name: &str) -> Option<&'static str> {
    let is_template = ["example", "sample", "template", "dist"]
        .iter()
        .any(|end| name.ends_with(&format!(".{end}")));
    let (path, name) = (path.to_ascii_lowercase(), name.to_ascii_lowercase());
    let is_in = |end: &str| path == end || path.ends_with(&format!("/{end}"));
    let has_ending = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    match name.as_str() {
        ".env" => Some("variables of an environment"),
        _ if is_template => None,
        // A copy is as secret.
        _ if has_ending(COPIES) => {
            let without = |text: &str| {
                let ending = COPIES.iter().find(|ending| text.ends_with(*ending))?;
                text.strip_suffix(ending).map(str::to_owned)
            };
            by_name(&without(&path)?, &without(&name)?)
        }
        _ if name.starts_with(".env.") || name.ends_with(".env") => {
            Some("variables of an environment")
        }
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" | "id_ecdsa_sk" | "id_ed25519_sk" => {
            Some("a private key of SSH")
        }
        ".netrc" | "_netrc" | ".pgpass" | ".git-credentials" | ".htpasswd" => Some("passwords"),
        _ if is_in(".aws/credentials") => Some("credentials of AWS"),
        _ if is_in(".docker/config.json") || name == ".dockercfg" => Some("credentials of Docker"),
        _ if is_in(".kube/config") || name == "kubeconfig" => Some("credentials of Kubernetes"),
        _ if has_ending(&[".tfvars", ".tfvars.json"]) => Some("variables of Terraform"),
        _ if has_ending(&[".tfstate", ".tfstate.backup"]) => Some("the state of Terraform"),
        _ if has_ending(&[".p12", ".pfx", ".jks", ".keystore", ".kdbx"]) => {
            Some("a store of private keys")
        }
        _ if name.ends_with(".ppk") => Some("a private key of PuTTY"),
        _ => None,
    }
}

fn by_content(start: &[u8]) -> Option<&'static str> {
    if let Some(text) = of_utf16(start) {
        return by_content(&text);
    }
    let contains = |text: &[u8]| {
        start
            .windows(text.len())
            .any(|window| window.eq_ignore_ascii_case(text))
    };
    if is_private_key(start) || is_der_key(start) || has_line_of_wireguard(start) {
        return Some("a private key");
    }
    if is_store(start) {
        return Some("a store of private keys");
    }
    if contains(b"minisign encrypted secret key") || contains(b"signify secret key") {
        return Some("a private key to sign with");
    }
    if has_token(start) {
        return Some("an access token");
    }
    if start.starts_with(b"PuTTY-User-Key-File-") {
        return Some("a private key of PuTTY");
    }
    // Stores of Java.
    if start.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) {
        return Some("a store of private keys");
    }
    if contains(b":_authToken=") || contains(b":_password=") {
        return Some("credentials of npm");
    }
    if contains(b"\"kty\"") && has_private_part(start) {
        return Some("a private key (JWK)");
    }
    if contains(b"aws_secret_access_key") {
        return Some("credentials of AWS");
    }
    contains(b"AGE-SECRET-KEY-1").then_some("a private key of age")
}

/// Whether a private key begins somewhere as PEM has it: at the begin of a line, or in a text that is quoted in another
/// one, with its line feeds as `\n`. Programs that read keys contain those words, too, but not so.
fn is_private_key(start: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const END: &[u8] = b"-----";
    /// Longer than any words that stand there.
    const KIND: usize = 40;
    let is_text = !start.contains(&0);
    let places = start.windows(BEGIN.len()).enumerate();
    let mut places = places.filter(|(_, window)| *window == BEGIN);
    places.any(|(at, _)| {
        let before = start.get(..at).unwrap_or_default();
        let line = before.rsplit(|byte| *byte == b'\n').next();
        let begins_line = line.is_none_or(|line| line.trim_ascii().is_empty());
        let rest = start.get(at + BEGIN.len()..).unwrap_or_default();
        let near = rest.get(..KIND).unwrap_or(rest);
        let end = near.windows(END.len()).position(|window| window == END);
        let Some((kind, after)) = end.and_then(|end| rest.split_at_checked(end)) else {
            return false;
        };
        let after = after.get(END.len()..).unwrap_or_default();
        let ends_line = after.is_empty() || after.starts_with(b"\n") || after.starts_with(b"\r");
        let is_quoted = after.starts_with(b"\\n") || after.starts_with(b"\\r");
        (kind.ends_with(b"PRIVATE KEY") || kind.ends_with(b"PRIVATE KEY BLOCK"))
            && (ends_line && (begins_line || is_text) || is_quoted && is_text)
    })
}

/// Whether a file is a private key in DER: PKCS #8 (RFC 5958), PKCS #1 (RFC 8017) or SEC 1 (RFC 5915). All are a sequence
/// of the length of the file that begins with a small version, followed by what tells them from certificates.
fn is_der_key(start: &[u8]) -> bool {
    let Some((0x30, length, content)) = der(start) else {
        return false;
    };
    let Some((0x02, 1, version)) = der(content) else {
        return false;
    };
    let is_whole = content.len() == length || content.len() as u64 >= LOOKED_AT - 8;
    let rest = version.get(1..).unwrap_or_default();
    let next = der(rest).map(|(tag, length, _)| (tag, length));
    is_whole
        && match (version.first(), next) {
            // An algorithm, whose first part is its name.
            (Some(0 | 1), Some((0x30, _))) => {
                der(rest).and_then(|(_, _, content)| content.first().copied()) == Some(0x06)
            }
            // The modulus of RSA.
            (Some(0 | 1), Some((0x02, length))) => length >= 64,
            // The key of an elliptic curve.
            (Some(1), Some((0x04, length))) => (20..=66).contains(&length),
            _ => false,
        }
}

/// Whether a file is a store of PKCS #12 (RFC 7292): version 3, then data (PKCS #7); or a private key of PKCS #8 with a password:
/// an algorithm of PKCS #5 or #12, then the key.
fn is_store(start: &[u8]) -> bool {
    const RSADSI: [u8; 6] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d];
    let Some((0x30, length, content)) = der(start) else {
        return false;
    };
    // The name of an algorithm or a kind of data, behind what comes before it.
    let named = |bytes: &[u8], kinds: &[&[u8]]| {
        let Some((0x30, _, inner)) = der(bytes) else {
            return false;
        };
        let Some((0x06, _, name)) = der(inner) else {
            return false;
        };
        let rest = name.strip_prefix(&RSADSI);
        rest.is_some_and(|rest| kinds.iter().any(|kind| rest.starts_with(kind)))
    };
    let is_whole = content.len() == length || content.len() as u64 >= LOOKED_AT - 8;
    let data = content.strip_prefix(&[0x02, 0x01, 0x03]);
    is_whole
        && (named(content, &[&[1, 5], &[1, 12, 1]])
            || data.is_some_and(|data| named(data, &[&[1, 7, 1], &[1, 7, 2]])))
}

/// The text of a file in UTF-16, as far as it is ASCII.
fn of_utf16(start: &[u8]) -> Option<Vec<u8>> {
    let (is_little, rest) = match start {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        _ => return None,
    };
    let units = rest.as_chunks::<2>().0.iter();
    let units = units.map(|unit| {
        if is_little {
            u16::from_le_bytes(*unit)
        } else {
            u16::from_be_bytes(*unit)
        }
    });
    Some(
        units
            .map(|unit| u8::try_from(unit).unwrap_or(b'?'))
            .collect(),
    )
}

/// Whether a line gives the private key of an interface of WireGuard: 32 bytes in base64.
fn has_line_of_wireguard(start: &[u8]) -> bool {
    start.split(|byte| *byte == b'\n').any(|line| {
        let value = line.trim_ascii().strip_prefix(b"PrivateKey");
        let value = value
            .map(<[u8]>::trim_ascii_start)
            .and_then(|rest| rest.strip_prefix(b"="));
        value.is_some_and(|value| {
            let value = value.trim_ascii();
            value.len() == 44 && value.ends_with(b"=")
        })
    })
}

/// Whether there are tokens of services whose tokens can be told by how they begin.
fn has_token(start: &[u8]) -> bool {
    const TOKENS: &[(&[u8], usize)] = &[
        (b"ghp_", 36),
        (b"gho_", 36),
        (b"ghs_", 36),
        (b"github_pat_", 60),
        (b"glpat-", 20),
        (b"npm_", 36),
    ];
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    TOKENS.iter().any(|(begin, length)| {
        let mut places = start.windows(begin.len()).enumerate();
        places.any(|(at, window)| {
            let before = at.checked_sub(1).and_then(|at| start.get(at));
            let rest = start.get(at + begin.len()..).unwrap_or_default();
            window == *begin
                && !before.is_some_and(is_word)
                && rest.iter().take_while(|byte| is_word(byte)).count() >= *length
        })
    })
}

/// The tag and the length of an element of DER, and what follows them.
fn der(bytes: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if first < 0x80 {
        return Some((tag, first.into(), rest));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return None;
    }
    let (length, rest) = rest.split_at_checked(count)?;
    let length = length
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    Some((tag, length, rest))
}

/// Whether a text of JSON has a member `d` or `k`, the secret part of a JWK (RFC 7518).
fn has_private_part(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    ["\"d\"", "\"k\""].iter().any(|member| {
        let mut places = text.match_indices(member);
        places.any(|(at, _)| {
            let rest = text.get(at + member.len()..).unwrap_or_default();
            let value = rest.trim_start().strip_prefix(':').map(str::trim_start);
            value.is_some_and(|value| value.starts_with('"'))
        })
    })
}

/// Whether a pattern with `*` and `?` fits all of a text.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // Where the last star stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    let (mut at, mut reached) = (0, 0);
    while reached < text.len() {
        match (pattern.get(at), text.get(reached)) {
            (Some('*'), _) => {
                star = Some((at, reached));
                at += 1;
            }
            (Some(one), Some(other)) if *one == '?' || one == other => {
                at += 1;
                reached += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    reached = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|one| *one == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_that_look_like_secrets() {
        for (path, expected) in [
            (".env", true),
            ("conf/.env.production", true),
            (".env.example", false),
            ("keys/id_ed25519", true),
            ("keys/id_ed25519.pub", false),
            (".aws/credentials", true),
            ("doc/credentials", false),
            ("store.p12", true),
            ("environment", false),
            ("conf/prod.env", true),
            ("prod.env.example", false),
            (".ENV", true),
            ("ID_RSA", true),
            ("id_ecdsa_sk", true),
            ("_netrc", true),
            ("terraform.tfstate", true),
            ("home/.docker/config.json", true),
            ("app/config.json", false),
            (".kube/config", true),
            ("git/config", false),
            ("a.jks", true),
            ("a.ppk", true),
            ("id_ed25519.bak", true),
            (".env~", true),
            ("notes.bak", false),
            ("prod.tfvars", true),
            ("prod.tfvars.example", false),
        ] {
            let name = path.rsplit('/').next().unwrap();
            assert_eq!(by_name(path, name).is_some(), expected, "{path}");
        }
        for (content, expected) in [
            ("-----BEGIN PRIVATE KEY-----\nMII", true),
            ("text\n-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3", true),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", true),
            ("-----BEGIN CERTIFICATE-----\nMII", false),
            ("see BEGIN PRIVATE KEY in the manual", false),
            ("[default]\nAWS_SECRET_ACCESS_KEY = x", true),
            ("plain", false),
            ("\u{feff}-----BEGIN PRIVATE KEY-----\nMII", true),
            (
                r#"{"private_key": "-----BEGIN PRIVATE KEY-----\nMII"}"#,
                true,
            ),
            ("PuTTY-User-Key-File-3: ssh-ed25519", true),
            ("a line `-----BEGIN PRIVATE KEY-----` begins it", false),
            ("\0strings-----BEGIN PRIVATE KEY-----\\nmore", false),
            ("//registry.example/:_authToken=npm_x", true),
            (r#"{"kty": "EC", "x": "a", "d" : "b"}"#, true),
            (r#"{"kty": "EC", "x": "a", "y": "b"}"#, false),
            (
                "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x2012345678901234567890123456789012",
                true,
            ),
            ("\x30\x06\x02\x01\x00\x04\x01x", false),
            (
                "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n",
                true,
            ),
            ("[Interface]\nPrivateKey = /run/key\n", false),
            (
                "untrusted comment: minisign encrypted secret key\nRWRTY0Iy",
                true,
            ),
            ("token: ghp_0123456789abcdefghijABCDEFGHIJ012345", true),
            ("tokens begin with ghp_ there", false),
        ] {
            assert_eq!(
                by_content(content.as_bytes()).is_some(),
                expected,
                "{content}"
            );
        }
    }

    #[test]
    fn bytes_that_look_like_secrets() {
        let element = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
        let name = |kind: &[u8]| {
            element(
                6,
                &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d][..], kind].concat(),
            )
        };
        let algorithm = |kind: &[u8]| element(0x30, &name(kind));
        let with_password = element(
            0x30,
            &[algorithm(&[1, 5, 13]), element(4, b"secret")].concat(),
        );
        let store = element(0x30, &[vec![2, 1, 3], algorithm(&[1, 7, 1])].concat());
        // Data without a version are a message, not a store.
        let message = element(0x30, &algorithm(&[1, 7, 1]));
        let utf16 = |text: &str, bom: u16, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            std::iter::once(bom)
                .chain(text.encode_utf16())
                .flat_map(bytes)
                .collect()
        };
        let pem = "-----BEGIN PRIVATE KEY-----\nMII";
        for (content, expected) in [
            (with_password, true),
            (store, true),
            (message, false),
            (utf16(pem, 0xfeff, u16::to_le_bytes), true),
            (utf16(pem, 0xfeff, u16::to_be_bytes), true),
            (utf16("plain", 0xfeff, u16::to_le_bytes), false),
        ] {
            assert_eq!(by_content(&content).is_some(), expected, "{content:x?}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*.pem", "a/b.pem", true),
            ("*.pem", "b.pem.txt", false),
            ("test/*key*", "test/a/key.txt", true),
            ("?.env", "a.env", true),
            ("", "", true),
            ("**a", "bca", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
