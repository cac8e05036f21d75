//! The executables under test.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

struct Tools {
    semac: PathBuf,
    runtime: PathBuf,
}

/// The root of the repository.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file of the directory `fixtures`.
#[must_use]
pub fn fixtures(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}

/// The runtime executable that tests append programs to.
#[must_use]
pub fn runtime() -> &'static Path {
    &tools().runtime
}

/// A command that starts semac with an empty environment.
#[must_use]
pub fn semac() -> Command {
    let mut command = Command::new(&tools().semac);
    command.env_clear();
    command
}

/// Like [`semac`], in a directory.
#[must_use]
pub fn semac_in(directory: &Path) -> Command {
    let mut command = semac();
    command.current_dir(directory);
    command
}

fn tools() -> &'static Tools {
    static TOOLS: OnceLock<Tools> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let given = |name| env::var_os(name).map(PathBuf::from);
        match (given("SEMAC_TEST_SEMAC"), given("SEMAC_TEST_RUNTIME")) {
            (Some(semac), Some(runtime)) => Tools { semac, runtime },
            _ => built(),
        }
    })
}

/// Builds both in the profile of the running test, whose executable lies in `PROFILE/deps`.
fn built() -> Tools {
    let test = env::current_exe().expect("a test knows its own path");
    let directory = test
        .parent()
        .and_then(Path::parent)
        .expect("tests lie in PROFILE/deps");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "semac",
        "--package",
        "sema-rt-dynamic",
        "--package",
        "sema-rt",
        "--features",
        "sema-rt/full",
        "--bins",
    ]);
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    let target = directory
        .parent()
        .expect("profiles lie in a target directory");
    cargo.env("CARGO_TARGET_DIR", target);
    let status = cargo.status().expect("cargo can be started");
    assert!(
        status.success(),
        "the executables under test cannot be built"
    );
    Tools {
        semac: directory.join("semac"),
        runtime: directory.join("sema-rt"),
    }
}
