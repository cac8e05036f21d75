//! What a runtime is made of: crates and licences, noted when the runtime is built (`tools/components.py`).
//!
//! The list lies beside the runtime, `sema-rt-std.components.json` beside `sema-rt-std`; that of the runtime that semac
//! carries is inside of semac, too. The texts of the licences are in the runtime itself ([`sema_vfs::notices_in`]).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Origin, RuntimeError, RuntimeImage};

/// The list of the runtime that semac carries; empty if it was built without one.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/components.json"));

/// A list of crates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Components {
    /// The crates.
    pub components: Vec<Component>,
}

/// A crate.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, an expression of SPDX.
    pub license: String,
    /// What it is called as a package, if it is no crate.
    #[serde(default)]
    pub purl: Option<String>,
    /// Where its source is.
    #[serde(default)]
    pub repository: Option<String>,
}

/// The list beside a runtime.
fn beside(runtime: &Path) -> PathBuf {
    let mut name = runtime.as_os_str().to_owned();
    name.push(".components.json");
    PathBuf::from(name)
}

impl RuntimeImage {
    /// What it is made of; `None` if there is no list of it.
    ///
    /// # Errors
    /// The list cannot be read.
    pub fn components(&self) -> Result<Option<Components>, RuntimeError> {
        let (path, bytes) = match &self.origin {
            // The runtime has its own licences with it, wherever it is installed.
            Origin::Installed(_) => return Ok(None),
            Origin::Embedded => (PathBuf::from("semac"), EMBEDDED.to_vec()),
            Origin::Given(runtime) | Origin::Beside(runtime) => {
                let path = beside(runtime);
                let bytes = match fs::read(&path) {
                    Ok(bytes) => bytes,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                    Err(source) => return Err(RuntimeError::Unreadable { path, source }),
                };
                (path, bytes)
            }
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let read = serde_json::from_slice(&bytes).map_err(|error| RuntimeError::Unreadable {
            path,
            source: io::Error::other(error),
        });
        read.map(Some)
    }
}
