//! The command line, declared. The help texts are part of the product: they teach by example.

mod build;
mod proof;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use sema_machine::platform::tier::Tier;

use semac_core::front::expand::steps::{DEFAULT_SECONDS, DEFAULT_STEPS};
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
use crate::project::NAME;

pub use build::{Build, Image};
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
    Man(Man),
}

/// Reads a value as `read` does, and tells shells which values they can complete.
#[derive(Clone)]
pub(super) struct Known<F> {
    values: Vec<&'static str>,
    read: F,
}

impl<T, F> Known<F>
where
    F: Fn(&str) -> Result<T, String>,
{
    /// What is completed, and what reads all values, these and others.
    pub(super) fn new(values: impl IntoIterator<Item = &'static str>, read: F) -> Known<F> {
        let values = values.into_iter().collect();
        Known { values, read }
    }
}

impl<T, F> TypedValueParser for Known<F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let read = self.read.clone();
        let parser = StringValueParser::new().try_map(move |text| read(&text));
        parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            self.values.iter().map(|value| PossibleValue::new(*value)),
        ))
    }
}

/// What reads a tier.
pub(super) fn known_tier() -> impl TypedValueParser<Value = Tier> {
    Known::new(Tier::ALL.map(Tier::name), tier)
}

/// What reads a path to write to: a leading `~` is the home directory, also where no shell has seen it (`--sbom=~/x`).
pub(crate) fn output_path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new()
        .map(|given| crate::bundle::at_home(&given, super::program::home().as_deref()))
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
    /// How many seconds one macro may take, waiting included
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SECONDS,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub macro_seconds: u64,
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
    /// Let macros reach outside of the build: write files, start programs, use the network, exit
    #[arg(long)]
    pub macro_effects: bool,
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
    /// The program's entry file, or a directory with a sema.toml
    #[arg(value_name = "FILE", default_value = ".")]
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
        // What other tools take for `COMMAND --help`.
        if line.get(1).is_some_and(|word| word == "help") && line.len() <= 3 {
            line.remove(1);
            line.push("--help".into());
        }
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
        for file in arguments.command.projects() {
            if file.file_name().is_some_and(|name| name == NAME) {
                let directory = file.parent().unwrap_or(Path::new(""));
                *file = match directory.as_os_str().is_empty() {
                    true => PathBuf::from("."),
                    false => directory.to_owned(),
                };
            }
        }
        Ok(arguments)
    }
}

/// The file that `-` stands for.
const STANDARD_INPUT: &str = "/dev/stdin";

impl Command {
    /// The files for which a directory with a project file may stand. The file itself means the same.
    fn projects(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Command::Build(build) => build.files.iter_mut().collect(),
            Command::Run(run) => vec![&mut run.file],
            Command::Check(check) => check.files.iter_mut().collect(),
            Command::Watch(watch) => watch.file.iter_mut().collect(),
            _ => Vec::new(),
        }
    }

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
        if [
            "-O",
            "--macro-steps",
            "--macro-seconds",
            "--allow",
            "--deny",
            "--extern",
        ]
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

Each file is checked as a program of its own, together with everything it imports; a file with
tests (see `semac test`) as that. The exit status is 1 if there are errors.")]
pub struct Check {
    /// Entry files of programs, files with tests, or directories with a sema.toml
    #[arg(value_name = "FILE", default_value = ".")]
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
  semac disasm app --module app.sema        one module of an executable

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
        // Without a file it is that of the project, if there is one.
        for line in [
            ["semac", "run", "-O"].as_slice(),
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
