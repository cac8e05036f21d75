//! The container image of a build (`--image`).

use std::path::{Path, PathBuf};

use sema_vfs::Outputs;

use super::super::arguments::Image;
use super::super::failure::Failure;
use super::report::{ImageReport, absolute, sha256};
use super::signing::Keys;
use crate::bundle::{Bundle, RuntimeImage};
use crate::oci::{self, Executable, ImageName, ImageOptions};
use crate::paths::shown;

/// Programs run as this user unless told otherwise: the number that images without users have for "nobody in particular".
const USER: &str = "65532:65532";
/// Seconds since 1970 that builds take for the time, so that they can be repeated (reproducible-builds.org).
const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// An image that lies on disk.
pub(super) struct WrittenImage {
    path: PathBuf,
    name: ImageName,
    platforms: Vec<&'static str>,
    /// Of the program for the first platform.
    pub archive_bytes: u64,
    pub bytes: u64,
}

impl WrittenImage {
    /// What it is, for people.
    pub(super) fn description(&self) -> String {
        let platforms = match self.platforms.len() {
            1 => String::new(),
            several => format!(", {several} platforms"),
        };
        let ImageName { repository, tag } = &self.name;
        format!(
            "{} (image {repository}:{tag}{platforms})",
            shown(&self.path)
        )
    }

    /// What it is, for scripts.
    pub(super) fn report(&self) -> Result<ImageReport, Failure> {
        Ok(ImageReport {
            path: absolute(&self.path),
            name: format!("{}:{}", self.name.repository, self.name.tag),
            targets: self.platforms.clone(),
            bytes: self.bytes,
            sha256: sha256(&self.path)?,
        })
    }
}

/// Refuses a program whose name is that of a directory of the image.
pub(super) fn check_program(program: &Path) -> Result<(), Failure> {
    if program.to_str().is_none_or(oci::is_free) {
        return Ok(());
    }
    Err(Failure::Other {
        message: format!(
            "a program in an image cannot be called '{}': it lies in the root directory, where that means something else",
            shown(&program)
        ),
        hint: "give it another name: that of its file, or `output` in the project file".to_owned(),
    })
}

/// Writes the image of a program for the platforms of the runtimes.
pub(super) fn write(
    bundle: &Bundle,
    keys: &Keys,
    runtimes: &[RuntimeImage],
    program: &Path,
    arguments: &Image,
    output: &Path,
    outputs: &mut Outputs,
) -> Result<WrittenImage, Failure> {
    let program = program.to_string_lossy().into_owned();
    let name = match &arguments.image_name {
        Some(name) => name.clone(),
        None => ImageName::of_program(&program),
    };
    let mut executables = Vec::with_capacity(runtimes.len());
    for runtime in runtimes {
        executables.push(Executable {
            bytes: keys.bytes(bundle, runtime, output)?,
            target: runtime.target,
            tier: runtime.tier,
        });
    }
    let first = executables.first().map(|one| one.bytes.clone());
    let archive = sema_vfs::Archive::from_executable_bytes(first.unwrap_or_default());
    let archive_bytes = archive.map_or(0, |archive| archive.byte_length());
    let options = ImageOptions {
        name: name.clone(),
        program,
        user: arguments
            .image_user
            .clone()
            .unwrap_or_else(|| USER.to_owned()),
        labels: arguments.image_label.clone(),
        environment: arguments.image_env.clone(),
        ports: arguments.image_port.clone(),
        created: creation_time()?,
    };
    let bytes = oci::write(&executables, &options, output, outputs)
        .map_err(|error| Failure::Bundle(error.into()))?;
    Ok(WrittenImage {
        path: output.to_owned(),
        name,
        platforms: executables.iter().map(|one| one.target.triple).collect(),
        archive_bytes,
        bytes,
    })
}

/// The time that the image names.
fn creation_time() -> Result<i64, Failure> {
    let Some(text) = std::env::var_os(SOURCE_DATE_EPOCH).filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    let number = text.to_str().and_then(|text| text.parse::<u32>().ok());
    number.map(i64::from).ok_or_else(|| Failure::Other {
        message: format!("{SOURCE_DATE_EPOCH} is '{}'", text.display()),
        hint: "it has to be a number of seconds since 1970, or unset".to_owned(),
    })
}
