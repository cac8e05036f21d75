//! The command line, declared. The help texts are part of the product: they teach by example.

mod proof;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use sema_machine::platform::tier::Tier;

use semac_core::front::expand::steps::DEFAULT_STEPS;
use semac_core::front::lower::externs::HostFunction;

use super::completions::Completions;
use super::doc::Doc;
use super::expand::Expand;
use super::explain::Explain;
use super::extract::Extract;
use super::init::Init;
use super::man::Man;
use super::testing::Test;
use super::watch::Watch;
use crate::bundle::{Allowance, Grant};
use crate::oci::ImageName;

pub use proof::{Keygen, Sign, Symbolize, Why};

/// Compiles Sema programs ahead of time into single executables.
#[derive(Debug, Parser)]
#[command(
    name = "semac",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    subcommand_required = true,
    after_help = "\
Examples:
  semac init hello                 make a project in the directory hello
  semac build app.sema             compile app.sema into the executable ./app
  semac run app.sema --fast x      compile in memory and run, with the arguments --fast and x
  semac check src/*.sema           report everything that is wrong, build nothing
  semac inspect app                what is inside an executable

`semac COMMAND --help` explains a command. Exit status: 0 success, 1 failure, 2 wrong usage."
)]
pub struct Arguments {
    /// Say only what is wrong
    #[arg(short, long, global = true, display_order = 900)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compile a program into one executable file
    Build(Box<Build>),
    /// Compile a program in memory and run it
    Run(Run),
    /// Make a new project
    Init(Init),
    /// Run tests
    Test(Test),
    /// Run, build, check or test again whenever a file changes
    Watch(Watch),
    /// Compile one file into a module (.semac)
    Compile(Compile),
    /// Report what is wrong with programs without building them
    Check(Check),
    /// Show a program with its macros expanded
    Expand(Expand),
    /// List the bytecode of a program
    Disasm(Disasm),
    /// Show what is inside an executable or a module
    Inspect(Inspect),
    /// Write embedded files of an executable back to disk
    Extract(Extract),
    /// Check that an executable or a module is undamaged and well formed
    Verify(Verify),
    /// Show by which calls a program gets to a builtin, a capability, a tier, a module or an embedded file
    Why(Why),
    /// Turn the report of a program that was built with --debug-out into one with lines
    Symbolize(Symbolize),
    /// Make a pair of keys to sign programs with
    Keygen(Keygen),
    /// Sign a program, so that others can verify whom it comes from
    Sign(Sign),
    /// Explain builtins: parameters, result, tier, examples
    Doc(Doc),
    /// Explain the code of an error or a warning
    Explain(Explain),
    /// Print what makes a shell complete the command line
    Completions(Completions),
    /// Write the manual pages
    #[command(hide = true)]
    Man(Man),
}

/// Options of all commands that compile.
#[derive(Clone, Copy, Debug, Args)]
pub struct Optimization {
    /// How much to optimise: 0 not at all, 2 most
    #[arg(short = 'O', value_name = "LEVEL", default_value_t = 2,
          value_parser = clap::value_parser!(u8).range(0..=2))]
    pub level: u8,
    /// How many steps (calls and rounds of loops) one macro may take before it counts as endless
    #[arg(long, value_name = "N", default_value_t = DEFAULT_STEPS)]
    pub macro_steps: u64,
    /// Count steps in all code, so that whoever runs it can limit them and stop tasks that compute without end;
    /// programs that stop tasks themselves count anyway
    #[arg(long)]
    pub stoppable: bool,
    /// Show on standard error how long each phase of compiling took
    #[arg(long)]
    pub time_passes: bool,
}

/// What to make of warnings.
#[derive(Clone, Debug, Default, Args)]
pub struct Lints {
    /// Report what is certain to fail when the program starts, but has this code (W0201 for example), as a warning;
    /// or let the program use a capability, perhaps in some places only: fs-read=data, network=example.com:443,
    /// env=HOME, process=git (repeatable)
    #[arg(long, value_name = "CODE|CAP[=SCOPE]", value_parser = Allowance::parse)]
    pub allow: Vec<Allowance>,
    /// Do not let the program use a capability, or not in some places; `all` is all that --allow does not name
    /// (repeatable)
    #[arg(long, value_name = "CAP[=SCOPE]", value_parser = Grant::parse)]
    pub deny: Vec<Grant>,
    /// A function that whoever embeds the program adds, and how many arguments it takes: app/price/1, log/1-2, emit/1-
    /// (repeatable)
    #[arg(long = "extern", value_name = "NAME[/ARITY]")]
    pub externs: Vec<HostFunction>,
    /// Fail on warnings too
    #[arg(long)]
    pub deny_warnings: bool,
}

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
`--include data/names.csv` the program finds the file as \"data/names.csv\", and any other
path is looked up on disk at run time. `--include ../names.csv=data/` says where the file
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
    #[arg(long, value_name = "TIER", value_parser = tier, conflicts_with_all = ["runtime", "dynamic"])]
    pub tier: Option<Tier>,
    /// Platform to build for, see --list-targets; `all` for every one that has runtimes here (repeatable; for
    /// several platforms OUT is a directory)
    #[arg(long, value_name = "TARGET")]
    pub target: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub image: Image,
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
    #[arg(long, value_name = "FILE", conflicts_with = "strip_debug")]
    pub debug_out: Option<PathBuf>,
    /// Write what the program is made of into this file: crates, packages, modules, files (CycloneDX, JSON)
    #[arg(long, value_name = "FILE")]
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
}

/// The container image that `semac build` makes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Container images")]
pub struct Image {
    /// Write a container image, a file that docker, podman and skopeo load; an executable only if -o asks for it
    #[arg(long, value_name = "OUT")]
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

/// `semac run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac run app.sema
  semac run app.sema --name x -v     everything after the file goes to the program untouched
  echo '(println 1)' | semac run -   the program comes from standard input

The program runs on the same virtual machine as in an executable, with the same output and
exit status. (sys/args) is the file followed by the arguments.")]
pub struct Run {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lints: Lints,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub optimization: Optimization,
    /// The program's entry file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Arguments of the program, passed on as they are
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub arguments: Vec<OsString>,
}

impl Arguments {
    /// Reads a command line, the name of the command included.
    ///
    /// What follows the file of `semac run` belongs to the program and is not looked at: a parser
    /// of options would take a `--` away.
    ///
    /// # Errors
    /// A wrong command line, or a request for help.
    pub fn read(line: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
        let mut line: Vec<OsString> = line.into_iter().collect();
        let rest = match end_of_own_arguments(&line) {
            Some(end) => line.split_off(end),
            None => Vec::new(),
        };
        let mut arguments = Arguments::try_parse_from(line)?;
        if let Command::Run(run) = &mut arguments.command {
            run.arguments = rest;
        }
        for file in arguments.command.sources() {
            if file.as_os_str() == "-" {
                *file = PathBuf::from(STANDARD_INPUT);
            }
        }
        Ok(arguments)
    }
}

/// The file that `-` stands for.
const STANDARD_INPUT: &str = "/dev/stdin";

impl Command {
    /// The files that are read as programs.
    fn sources(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Command::Build(build) => build.files.iter_mut().collect(),
            Command::Run(run) => vec![&mut run.file],
            Command::Compile(compile) => vec![&mut compile.file],
            Command::Check(check) => check.files.iter_mut().collect(),
            Command::Disasm(disasm) => vec![&mut disasm.file],
            Command::Expand(expand) => vec![&mut expand.file],
            Command::Inspect(_)
            | Command::Extract(_)
            | Command::Verify(_)
            | Command::Doc(_)
            | Command::Explain(_)
            | Command::Init(_)
            | Command::Test(_)
            | Command::Watch(_)
            | Command::Man(_)
            | Command::Symbolize(_)
            | Command::Keygen(_)
            | Command::Sign(_)
            | Command::Completions(_) => Vec::new(),
            Command::Why(why) => vec![&mut why.file],
        }
    }
}

/// Where the arguments of the program start in a `run` command line.
fn end_of_own_arguments(line: &[OsString]) -> Option<usize> {
    if line.get(1)? != "run" {
        return None;
    }
    let mut at = 2;
    loop {
        let word = line.get(at)?;
        if ["-O", "--macro-steps", "--allow", "--deny", "--extern"]
            .iter()
            .any(|option| word == *option)
        {
            at += 2;
        } else if word == "--" {
            return Some((at + 2).min(line.len()));
        } else if word != "-" && word.as_encoded_bytes().starts_with(b"-") {
            at += 1;
        } else {
            return Some(at + 1);
        }
    }
}

/// `semac compile`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac compile lib/text.sema              writes lib/text.semac
  semac compile lib/text.sema -o t.semac

A module holds the code of its file alone. A program that says (import \"lib/text.semac\") loads it
from disk when it runs: that is how programs take plug-ins.")]
pub struct Compile {
    /// The file to compile
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The module to write [default: FILE with the extension .semac, beside it]
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Leave out line tables and names of variables
    #[arg(long)]
    pub strip_debug: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lints: Lints,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub optimization: Optimization,
}

/// `semac check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac check app.sema
  semac check src/*.sema --deny-warnings     for continuous integration

Each file is checked as a program of its own, together with everything it imports. The exit
status is 1 if there are errors.")]
pub struct Check {
    /// Entry files of programs
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print what is wrong as JSON on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lints: Lints,
    /// Count steps in all code, so that whoever runs it can limit them and stop tasks that compute without end;
    /// programs that stop tasks themselves count anyway
    #[arg(long)]
    pub stoppable: bool,
    /// Show on standard error how long each phase took
    #[arg(long)]
    pub time_passes: bool,
}

/// `semac disasm`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac disasm app.sema                     what the compiler makes of it
  semac disasm -O0 app.sema                 the same without optimisation
  semac disasm app --module lib/text.sema   one module of an executable

The instructions are explained in docs/bytecode.md.")]
pub struct Disasm {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lints: Lints,
    /// A source file, a module (.semac) or an executable that semac built
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// List only this module
    #[arg(long, value_name = "NAME")]
    pub module: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub optimization: Optimization,
}

/// `semac inspect`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac inspect app
  semac inspect app --json | jq '.modules[].exports'
  semac inspect lib/text.semac

Shows modules with their exports and builtins, embedded files, sizes, format versions, and the
capabilities and the runtime tier that the builtins need.")]
pub struct Inspect {
    /// An executable that semac built, or a module (.semac)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print the licences of what an executable contains
    #[arg(long, conflicts_with = "json")]
    pub licenses: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `semac verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac verify app
  semac verify lib/text.semac

Reads every byte: checksums, and for each module the proof that its code is well formed. The
exit status is 1 if something is wrong. With a key the program must be signed with it, and
nothing of it, the runtime included, changed since.")]
pub struct Verify {
    /// An executable that semac built, or a module (.semac)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The public key with whose private one the program must be signed
    #[arg(long, value_name = "KEY.pub")]
    pub key: Option<PathBuf>,
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
        |text: &str| text.parse::<u32>().is_ok() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (user, group) = text.split_once(':').unwrap_or((text, "0"));
    if is_number(user) && is_number(group) {
        return Ok(text.to_owned());
    }
    Err(
        "it has to be a number, or two with ':' between them: the image has no names of users"
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

/// The tier of this name.
pub(super) fn tier(name: &str) -> Result<Tier, String> {
    Tier::named(name).ok_or_else(|| "the tiers are core, std, net and full".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn read(line: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::read(line.iter().map(OsString::from))
    }

    fn run(line: &[&str]) -> Run {
        match read(line).unwrap().command {
            Command::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arguments_of_the_program_are_untouched() {
        let line = [
            "semac",
            "run",
            "a.sema",
            "--",
            "-h",
            "--version",
            "-O1",
            "--",
            "",
        ];
        let parsed = run(&line);
        assert_eq!(parsed.file, PathBuf::from("a.sema"));
        assert_eq!(parsed.arguments, ["--", "-h", "--version", "-O1", "--", ""]);
        for line in [
            ["semac", "run", "-O0", "a.sema", "-O1", "x"].as_slice(),
            &["semac", "run", "-O", "0", "a.sema", "-O1", "x"],
            &["semac", "run", "-O0", "--", "a.sema", "-O1", "x"],
        ] {
            let parsed = run(line);
            assert_eq!(parsed.file, PathBuf::from("a.sema"), "{line:?}");
            assert_eq!(parsed.arguments, ["-O1", "x"], "{line:?}");
            assert_eq!(parsed.optimization.level, 0, "{line:?}");
        }
        assert_eq!(
            run(&["semac", "run", "--", "-a.sema"]).file,
            PathBuf::from("-a.sema")
        );
        for line in [
            ["semac", "run"].as_slice(),
            &["semac", "run", "-O"],
            &["semac", "run", "--"],
            &["semac", "run", "--unknown", "a.sema"],
        ] {
            assert!(read(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn levels() {
        for (level, accepted) in [("-O0", true), ("-O2", true), ("-O3", false), ("-Ox", false)] {
            let line = ["semac", "build", level, "a.sema"];
            assert_eq!(Arguments::try_parse_from(line).is_ok(), accepted, "{level}");
        }
    }
}
