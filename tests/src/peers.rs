//! Programs of others that tests work with. A test whose peer is not here, and cannot be had, is skipped and says so.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Outcome, Scratch, outcome, root};

/// Whether the programs are here, after an attempt to install the packages that hold them. If not, the test is noted as
/// skipped and has to return.
#[must_use]
pub fn peers(programs: &[(&str, &str)]) -> bool {
    for (program, package) in programs {
        if found(program).is_some() {
            continue;
        }
        let mut install = Command::new("sh");
        install
            .arg(root().join("tests/peers/debian.sh"))
            .arg(package);
        install
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let installed = install.status().is_ok_and(|status| status.success());
        if !installed || found(program).is_none() {
            skip(&format!("there is no {program} (package {package})"));
            return false;
        }
    }
    true
}

/// A program in the directories of `PATH`.
fn found(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Says that the running test is skipped, on standard error and in the file that `SEMAC_TEST_SKIPPED` names.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    eprintln!("skipped: {test}: {reason}");
    if let Some(file) = env::var_os("SEMAC_TEST_SKIPPED") {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let mut opened = opened.expect("the list of skipped tests can be written");
        writeln!(opened, "{test}: {reason}").expect("the list of skipped tests can be written");
    }
}

/// The folder of the official conformance suite, which npm installs once.
///
/// It is kept below `place`, the folder for temporary files of the test's package.
#[must_use]
pub fn conformance_suite(place: &Path) -> Option<PathBuf> {
    const SUITE: &str = "@modelcontextprotocol/conformance@0.1.16";
    let folder = place.join("mcp-conformance");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let entry = folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    if !entry.is_file() {
        let mut install = Command::new("npm");
        install.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        let installed = install
            .arg(&folder)
            .arg(SUITE)
            .stdin(Stdio::null())
            .status();
        if !installed.is_ok_and(|status| status.success()) || !entry.is_file() {
            skip("npm cannot install the conformance suite of the Model Context Protocol");
            return None;
        }
    }
    Some(folder)
}

/// Runs a scenario of the conformance suite.
#[must_use]
pub fn scenario(suite: &Path, arguments: &[&str]) -> Outcome {
    let scratch = Scratch::new();
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/peers/mcp-conformance.mjs"))
        .arg(suite)
        .args(arguments)
        .current_dir(scratch.path());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    outcome(&mut command, b"")
}
