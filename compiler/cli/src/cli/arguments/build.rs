//! The options of `semac build`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;
use sema_machine::platform::tier::Tier;

use super::{Known, Lints, Optimization, known_tier, output_path};
use crate::bundle::TARGETS;
use crate::oci::ImageName;

/// `semac build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac build                                   what sema.toml in this directory says
  semac build app.sema                          writes ./app
  semac build src/app.sema -o dist/report       makes the directory dist if needed
  semac build app.sema --include data           embeds all files of the directory data
  semac build app.sema --target arm64           for another processor
  semac build a.sema b.sema -o tools            two programs in one: `tools a`, or a link called a
  semac build app.sema --bundle                 a small file that an installed sema-rt runs
  semac build app.sema --image app.tar          a container image for docker, podman, skopeo
  semac build --mcp tools.sema -o server        the tools of a file as an MCP server
  semac build app.sema --json | jq .targets     what was built, for scripts

All files that the program imports or loads under literal names are compiled in. Files it
reads as data are embedded with --include, under the path as given: after
`--include data/names.csv` the program finds the file as \"data/names.csv\", or \"names.csv\" if
no other one is called so, and any other path is looked up on disk at run time. `--include ../names.csv=data/` says where the file
goes, and quoted patterns work: 'data/**/*.csv'. What is given for each build is better said
in a file sema.toml beside the program (docs/shipping.md). The executable needs nothing else
to run: neither semac nor the sources, not even a C library.")]
pub struct Build {
    /// The program's entry file, or a directory with a sema.toml [default: the current directory]; several
    /// files are several programs in one executable
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The executable to write [default: FILE without extension, in the current directory]
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Embed a file, all files of a directory or what matches a pattern; with `=PLACE` under that path
    /// (repeatable)
    #[arg(long, value_name = "PATH[=PLACE]")]
    pub include: Vec<OsString>,
    /// Leave out what matches a pattern: of one name anywhere, else of the path in the program (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Embed files that look like keys all the same, if their path or name fits: * and ? stand for any letters
    /// (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub allow_secrets: Vec<String>,
    /// Put a fact about the build into the program, for `semac inspect` and (sys/stamp) (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = stamp)]
    pub stamp: Vec<(String, String)>,
    /// Let the runtime run programs only that are signed with the private key of this public one
    #[arg(long, value_name = "KEY.pub")]
    pub trust: Option<PathBuf>,
    /// Sign the program with this private key, as `semac sign` does
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Append the program to this runtime executable instead of the one semac carries
    #[arg(long, value_name = "PATH")]
    pub runtime: Option<PathBuf>,
    /// Make an MCP server on standard input and output of the tools that the file defines, or lists as exports
    #[arg(long)]
    pub mcp: bool,
    /// The same over HTTP: the executable takes --host, --port and --origin, and serves http://127.0.0.1:3000/mcp
    /// without
    #[arg(long)]
    pub mcp_http: bool,
    /// Embed a tape of recorded calls of models, and answer all calls of the program from it: it needs no network
    #[arg(long, value_name = "FILE")]
    pub cassette: Option<PathBuf>,
    /// Put the compiler into the executable, so that eval, read, and load and import of computed
    /// paths work in it
    #[arg(long)]
    pub dynamic: bool,
    /// Write a small bundle for a runtime that is installed where the program will run: the first line names it
    /// [default: /usr/bin/env sema-rt]
    #[arg(long, value_name = "RUNTIME", num_args = 0..=1, require_equals = true,
          default_missing_value = "/usr/bin/env sema-rt", value_parser = interpreter,
          conflicts_with_all = ["runtime", "dynamic", "target", "image"])]
    pub bundle: Option<String>,
    /// Tier of the runtime: core, std, net or full [default: the smallest that has every builtin the
    /// program can reach]
    #[arg(long, value_name = "TIER", value_parser = known_tier(), hide_possible_values = true, conflicts_with_all = ["runtime", "dynamic"])]
    pub tier: Option<Tier>,
    /// Platform to build for, see --list-targets; `all` for every one that has runtimes here (repeatable; for
    /// several platforms OUT is a directory)
    #[arg(long, value_name = "TARGET", value_parser = known_target(), hide_possible_values = true)]
    pub target: Vec<String>,
    /// List the platforms that --target takes, with their runtimes
    #[arg(long)]
    pub list_targets: bool,
    /// Print a report of the build as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Show what was put in, with sizes
    #[arg(short, long)]
    pub verbose: bool,
    /// Leave out line tables and names of variables; errors then have no positions
    #[arg(long)]
    pub strip_debug: bool,
    /// Write line tables into this file instead of the program; `semac symbolize` shows with it where the program failed
    #[arg(long, value_name = "FILE", conflicts_with = "strip_debug", value_parser = output_path())]
    pub debug_out: Option<PathBuf>,
    /// Write what the program is made of into this file: crates, packages, modules, files (CycloneDX, JSON)
    #[arg(long, value_name = "FILE", value_parser = output_path())]
    pub sbom: Option<PathBuf>,
    /// Let the kernel refuse the program what it cannot need: files, sockets, other programs (Linux)
    #[arg(long)]
    pub hardened: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lints: Lints,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub optimization: Optimization,
    // Its heading would be that of all options behind it.
    #[command(flatten)]
    #[allow(missing_docs)]
    pub image: Image,
}

/// The container image that `semac build` makes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Container images")]
pub struct Image {
    /// Write a container image, a file that docker, podman and skopeo load; an executable only if -o asks for it
    #[arg(long, value_name = "OUT", value_parser = output_path())]
    pub image: Option<PathBuf>,
    /// What the image is called [default: FILE without extension]
    #[arg(long, value_name = "NAME[:TAG]", requires = "image", value_parser = ImageName::parse)]
    pub image_name: Option<ImageName>,
    /// Numbers of the user and the group that run the program [default: 65532:65532]
    #[arg(long, value_name = "UID[:GID]", requires = "image", value_parser = user)]
    pub image_user: Option<String>,
    /// A label (repeatable)
    #[arg(long, value_name = "NAME=VALUE", requires = "image", value_parser = pair)]
    pub image_label: Vec<(String, String)>,
    /// A variable of the environment (repeatable)
    #[arg(long, value_name = "NAME=VALUE", requires = "image", value_parser = pair)]
    pub image_env: Vec<(String, String)>,
    /// A port that the program listens to (repeatable)
    #[arg(long, value_name = "PORT[/udp]", requires = "image", value_parser = port)]
    pub image_port: Vec<String>,
}

/// A fact about a build.
fn stamp(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    if !name.chars().all(is_plain) {
        return Err("names are made of letters, digits, and . _ - /".to_owned());
    }
    if value.contains(char::is_control) {
        return Err("the value must not have control characters".to_owned());
    }
    Ok((name, value))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it has to be NAME=VALUE".to_owned()),
    }
}

/// What the line `#!...` names: at most what Linux reads of it.
fn interpreter(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.len() < 250 && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(
        "it has to be an absolute path, with at most one argument, of less than 250 bytes"
            .to_owned(),
    )
}

/// A user and a group of a container, in which there are no names.
fn user(text: &str) -> Result<String, String> {
    let is_number =
        |text: &str| text.parse::<i32>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (user, group) = text.split_once(':').unwrap_or((text, "0"));
    if is_number(user) && is_number(group) {
        return Ok(text.to_owned());
    }
    Err(
        "it has to be a number up to 2147483647, or two with ':' between them: the image has no names of users"
            .to_owned(),
    )
}

/// A port, with its protocol.
fn port(text: &str) -> Result<String, String> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    match number.parse::<u16>() {
        Ok(1..) if matches!(protocol, "tcp" | "udp" | "sctp") => Ok(format!("{number}/{protocol}")),
        _ => Err("it has to be a number from 1 to 65535, or such a number with /udp".to_owned()),
    }
}

/// What reads a platform: whether it is one is said together with what else there is to say about the platforms.
fn known_target() -> impl TypedValueParser<Value = String> {
    let names = TARGETS.iter().map(|target| target.triple);
    Known::new(names.chain(["all", "host"]), |text| Ok(text.to_owned()))
}
