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
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_allowed = |pattern: &String| fits(pattern, path) || fits(pattern, name);
        if allowed.iter().any(is_allowed) {
            continue;
        }
        let reason = by_name(path, name).or_else(|| {
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

fn by_name(path: &str, name: &str) -> Option<&'static str> {
    let is_template = ["example", "sample", "template", "dist"]
        .iter()
        .any(|end| name.ends_with(&format!(".{end}")));
    match name {
        ".env" => Some("variables of an environment"),
        _ if name.starts_with(".env.") && !is_template => Some("variables of an environment"),
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => Some("a private key of SSH"),
        ".netrc" | ".pgpass" | ".git-credentials" | ".htpasswd" => Some("passwords"),
        "credentials" if path.ends_with(".aws/credentials") => Some("credentials of AWS"),
        _ if name.ends_with(".p12") || name.ends_with(".pfx") => Some("a store of private keys"),
        _ => None,
    }
}

fn by_content(start: &[u8]) -> Option<&'static str> {
    let contains = |text: &[u8]| {
        start
            .windows(text.len())
            .any(|window| window.eq_ignore_ascii_case(text))
    };
    if is_private_key(start) {
        return Some("a private key");
    }
    if contains(b"aws_secret_access_key") {
        return Some("credentials of AWS");
    }
    contains(b"AGE-SECRET-KEY-1").then_some("a private key of age")
}

/// Whether a line begins a private key as PEM has it.
fn is_private_key(start: &[u8]) -> bool {
    start.split(|byte| *byte == b'\n').any(|line| {
        let kind = line
            .trim_ascii()
            .strip_prefix(b"-----BEGIN ")
            .and_then(|rest| rest.strip_suffix(b"-----"));
        kind.is_some_and(|kind| {
            kind.ends_with(b"PRIVATE KEY") || kind.ends_with(b"PRIVATE KEY BLOCK")
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
        ] {
            assert_eq!(
                by_content(content.as_bytes()).is_some(),
                expected,
                "{content}"
            );
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
