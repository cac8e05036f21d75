//! Container images: one executable for each platform in one file that `docker load`, `podman load` and `skopeo` take.
//!
//! The file is a tar archive of an OCI image layout, with the list `manifest.json` that docker had before. An image has one
//! layer: the executable, an empty `/tmp`, and the certificates of authorities for programs that may use TLS.
//! The bytes are a function of the executables and the options.
//!
//! Source: OCI Image Format Specification 1.1 (image-layout.md, config.md, manifest.md, layer.md).

pub(crate) mod archive;
mod description;
mod layer;

use std::path::Path;

use sema_machine::platform::tier::Tier;
use sema_vfs::{Outputs, WriteError};

use crate::bundle::Target;
use archive::Archive;
use layer::Layer;

/// What an image is to be like.
#[derive(Clone, Debug)]
pub struct ImageOptions {
    /// What the image is called: a repository and a tag, `app:latest`.
    pub name: ImageName,
    /// The name of the executable, which lies in the root directory.
    pub program: String,
    /// Who runs it: numbers of a user and a group, `65532:65532`.
    pub user: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// Names and values of variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Ports and protocols that the program listens to, `8080/tcp`.
    pub ports: Vec<String>,
    /// When the image was made, in seconds since 1970.
    pub created: i64,
}

/// The name of an image: a repository and a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// `app`, `registry.example/team/app`.
    pub repository: String,
    /// `latest`.
    pub tag: String,
}

/// Registries refuse longer ones.
const LONGEST_REPOSITORY: usize = 255;

/// An executable of an image.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// What it runs on.
    pub target: &'static Target,
    /// The tier of its runtime, if that is known.
    pub tier: Option<Tier>,
}

impl ImageName {
    /// Reads a name: lower-case components with slashes between them, perhaps a port after the first, perhaps a tag.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<ImageName, String> {
        let (repository, tag) = match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, tag),
            _ => (text, "latest"),
        };
        let (host, path) = match repository.split_once('/') {
            Some((host, path)) if host.contains(':') => (host.split_once(':'), path),
            _ => (None, repository),
        };
        let is_host = host.is_none_or(|(name, port)| {
            is_component(name) && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        });
        if !is_host || !path.split('/').all(is_component) {
            return Err(
                "a name of an image has lower-case letters and digits, with single '.', '_', '/' or any '-' between them, for example team/app:1.0"
                    .to_owned(),
            );
        }
        if repository.len() > LONGEST_REPOSITORY {
            return Err(format!(
                "a name of an image has at most {LONGEST_REPOSITORY} letters in front of its tag"
            ));
        }
        let is_tag = (1..=128).contains(&tag.len())
            && tag
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && !tag.starts_with(['.', '-']);
        if !is_tag {
            return Err(format!(
                "'{tag}' is no tag: letters, digits, '.', '_' and '-', at most 128"
            ));
        }
        Ok(ImageName {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
        })
    }

    /// The name that an executable's file name suggests.
    #[must_use]
    pub fn of_program(name: &str) -> ImageName {
        let lower = name.to_lowercase();
        let plain: String = lower
            .chars()
            .map(|character| {
                if character.is_ascii_alphanumeric() || "._-".contains(character) {
                    character
                } else {
                    '-'
                }
            })
            .collect();
        let plain = plain.trim_matches(['.', '_', '-']);
        // Where several separators meet that cannot, one stands for them.
        let mut repository = String::new();
        let mut rest = plain;
        while !rest.is_empty() {
            let (word, after) = rest.split_at(rest.find(is_separator).unwrap_or(rest.len()));
            let (separator, after) =
                after.split_at(after.len() - after.trim_start_matches(is_separator).len());
            repository.push_str(word);
            repository.push_str(if separator.is_empty() || separates(separator) {
                separator
            } else {
                "-"
            });
            rest = after;
        }
        if repository.is_empty() {
            "app".clone_into(&mut repository);
        }
        ImageName {
            repository,
            tag: "latest".to_owned(),
        }
    }
}

fn is_separator(letter: char) -> bool {
    matches!(letter, '.' | '_' | '-')
}

/// Whether these separators may stand between two words of a name: `.`, `_`, `__`, or any number of `-`.
fn separates(separators: &str) -> bool {
    matches!(separators, "." | "_" | "__")
        || !separators.is_empty() && separators.bytes().all(|byte| byte == b'-')
}

/// Whether a text is a component of the name of a repository (OCI Distribution Specification 1.1, "Pulling manifests").
fn is_component(text: &str) -> bool {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let ends = [text.chars().next(), text.chars().next_back()];
    let is_whole = ends
        .iter()
        .all(|end| end.is_some_and(|letter| !is_separator(letter)));
    let between = text
        .split(|letter: char| !is_separator(letter))
        .filter(|separators| !separators.is_empty());
    is_whole && text.split(is_separator).all(is_word) && between.into_iter().all(separates)
}

/// Names that container runtimes and images need for directories of their own in the root directory.
const RESERVED: &[&str] = &["dev", "etc", "proc", "run", "sys", "tmp", ".dockerenv"];

/// How names begin that say of others that they are gone (OCI image specification, "Whiteouts").
const WHITEOUT: &str = ".wh.";

/// Whether a program of this name can lie in the root directory of an image.
#[must_use]
pub fn is_free(program: &str) -> bool {
    !RESERVED.contains(&program) && !program.starts_with(WHITEOUT)
}

/// Writes an image with an executable for each platform to `output`, which appears complete or not at all. The size of the
/// file in bytes.
///
/// # Errors
/// [`WriteError`]
pub fn write(
    executables: &[Executable],
    options: &ImageOptions,
    output: &Path,
    outputs: &mut Outputs,
) -> Result<u64, WriteError> {
    outputs.write(output, false, |file| {
        write_to(executables, options, file).map_err(WriteError::Output)
    })
}

fn write_to(
    executables: &[Executable],
    options: &ImageOptions,
    output: impl std::io::Write,
) -> std::io::Result<u64> {
    let mut archive = Archive::new(output);
    let mut manifests = Vec::new();
    let mut listed = Vec::new();
    for executable in executables {
        let layer = Layer::new(executable, &options.program)?;
        let layer_blob = archive.blob(layer.compressed)?;
        let configuration = description::configuration(executable.target, options, &layer.digest);
        let configuration = archive.json_blob(&configuration)?;
        if listed.is_empty() {
            listed.push(description::listed(
                &options.name,
                &configuration,
                &layer_blob,
            ));
        }
        let manifest = description::manifest(&configuration, &layer_blob);
        let manifest = archive.json_blob(&manifest)?;
        manifests.push(description::entry(executable.target, &manifest));
    }
    // Several platforms are an index of their own, so that one name stands for all of them.
    let named = match manifests.as_slice() {
        [one] => one.clone(),
        _ => {
            let index = archive.json_blob(&description::index(&manifests))?;
            description::index_entry(&index)
        }
    };
    archive.json(
        "index.json",
        &description::index(&[description::called(named, &options.name)]),
    )?;
    archive.json("manifest.json", &listed)?;
    archive.json(
        "oci-layout",
        &serde_json::json!({ "imageLayoutVersion": "1.0.0" }),
    )?;
    archive.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::is_image_of_semac;

    #[test]
    fn names() {
        let parsed = |text| ImageName::parse(text).map(|name| (name.repository, name.tag));
        let of = |repository: &str, tag: &str| Ok((repository.to_owned(), tag.to_owned()));
        assert_eq!(parsed("app"), of("app", "latest"));
        assert_eq!(parsed("team/app:1.0"), of("team/app", "1.0"));
        assert_eq!(
            parsed("host.example:5000/app"),
            of("host.example:5000/app", "latest")
        );
        assert_eq!(
            parsed("host.example:5000/a/b:V2"),
            of("host.example:5000/a/b", "V2")
        );
        for wrong in [
            "a..b", "a___b", "a.-b", "a-_b", "a/b..c", "", "App", "a//b", "-a", "a:", "a:b c",
            "a b", "h:/x", "a/:x", "a:.x",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_of_programs() {
        assert_eq!(ImageName::of_program("My App").repository, "my-app");
        assert_eq!(ImageName::of_program("..").repository, "app");
        for name in ["a..b", "a.-b c", "A___b", "--x", "é", "a__b--c"] {
            let name = ImageName::of_program(name);
            assert_eq!(ImageName::parse(&name.repository).as_ref(), Ok(&name));
        }
        assert_eq!(ImageName::of_program("a__b--c.d").repository, "a__b--c.d");
        assert!(is_free("report") && !is_free("tmp") && !is_free("etc"));
    }

    #[test]
    fn the_bytes_follow_from_the_input() {
        let target = Target::named("aarch64").unwrap();
        let executable = Executable {
            bytes: vec![7; 100_000],
            target,
            tier: Some(Tier::Core),
        };
        let options = ImageOptions {
            name: ImageName::of_program("app"),
            program: "app".to_owned(),
            user: "65532:65532".to_owned(),
            labels: Vec::new(),
            environment: Vec::new(),
            ports: Vec::new(),
            created: 0,
        };
        let image = || {
            let mut bytes = Vec::new();
            write_to(std::slice::from_ref(&executable), &options, &mut bytes).unwrap();
            bytes
        };
        assert_eq!(image(), image());
        let file = std::env::temp_dir().join(format!("semac-image-{}.tar", std::process::id()));
        std::fs::write(&file, image()).unwrap();
        assert!(is_image_of_semac(&file));
        let mut other = archive::Tar::new(Vec::new());
        other.file("blobs/a", 0o644, b"created_by").unwrap();
        std::fs::write(&file, other.finish().unwrap().0).unwrap();
        assert!(!is_image_of_semac(&file));
        std::fs::write(&file, b"text").unwrap();
        assert!(!is_image_of_semac(&file));
        std::fs::remove_file(&file).unwrap();
        assert!(image().len() < 20_000);
    }
}
