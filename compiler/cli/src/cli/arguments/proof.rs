//! The commands about what a program may do, where it failed, and whom it comes from.

use std::path::PathBuf;

use clap::Args;

/// `semac why`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac why file/write app.sema      the calls that lead to a builtin
  semac why network app.sema         to all builtins that need a capability
  semac why std app.sema             to all that need a tier of the runtime
  semac why lib/text.sema app.sema   the imports that lead to a module
  semac why data/names.csv app.sema  the calls that lead to the path of an embedded file

The status is 1 if nothing leads there.")]
pub struct Why {
    /// A builtin, a capability, a tier, a module or an embedded file
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The program's entry file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `semac symbolize`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac build app.sema --debug-out app.debug
  ./app 2> report; semac symbolize --debug app.debug < report

Reads what a program wrote to standard error, or a log that contains it, and writes it with the positions
that a program with line tables would have shown.")]
pub struct Symbolize {
    /// The file that --debug-out wrote when the program was built
    #[arg(long, value_name = "FILE")]
    pub debug: PathBuf,
}

/// `semac keygen`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac keygen release.key        writes release.key and release.key.pub

Keys are for Ed25519, in the form that OpenSSL has (PEM). Whoever has the private key can sign programs.")]
pub struct Keygen {
    /// The file for the private key; the public one goes to FILE.pub
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `semac sign`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac sign app --key release.key
  semac verify app --key release.key.pub

  semac sign plugin.semac --key release.key       writes plugin.semac.sig

The signature is a part of the program, which runs as before. A program that was built with --trust runs only if
it is signed with the private key of that public one, and imports only modules that are, from files beside which
their signatures lie.")]
pub struct Sign {
    /// An executable that semac built, or a module
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The private key
    #[arg(long, value_name = "KEY")]
    pub key: PathBuf,
    /// Where the signed program goes [default: FILE], or the signature of a module [default: FILE.sig]
    #[arg(short, long, value_name = "OUT", value_parser = super::output_path())]
    pub output: Option<PathBuf>,
}
