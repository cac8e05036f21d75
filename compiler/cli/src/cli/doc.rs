//! `semac doc`: what is known of the builtins.

use std::fmt::Write as _;

use clap::Args;
use sema_machine::host::declaration::{Declaration, Kind, Mode, Parameter};
use sema_machine::host::native::Capability;
use sema_machine::platform::tier::Tier;
use semac_core::front::diagnostic::suggest::nearest_name;
use semac_core::ir::declarations;
use serde::Serialize;

use super::arguments::known_tier;
use super::failure::{Failure, print};

/// One builtin, as JSON.
#[derive(Serialize)]
struct Entry {
    name: &'static str,
    aliases: &'static [&'static str],
    parameters: Vec<ParameterEntry>,
    result: String,
    tier: &'static str,
    capabilities: Vec<&'static str>,
    platform: Option<&'static str>,
    pure: bool,
    text: String,
    examples: Vec<ExampleEntry>,
}

#[derive(Serialize)]
struct ParameterEntry {
    name: &'static str,
    kind: String,
    mode: &'static str,
}

#[derive(Serialize)]
struct ExampleEntry {
    form: &'static str,
    result: &'static str,
}

/// `semac doc`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  semac doc string/split             all about one builtin
  semac doc --search \"split lines\"   builtins with these words in their names or texts
  semac doc --list --tier std        one line for each builtin of a tier
  semac doc --list --json            everything, for programs

The status is 1 if nothing was found.")]
#[command(group(clap::ArgGroup::new("what").required(true).args(["name", "search", "list", "markdown"])))]
pub struct Doc {
    /// A builtin
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// List the builtins whose names or texts contain all these words
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// List all builtins
    #[arg(long)]
    pub list: bool,
    /// Write the reference page of all builtins
    #[arg(long)]
    pub markdown: bool,
    /// Only those of a tier: core, std, net or full
    #[arg(long, value_name = "TIER", value_parser = known_tier(), hide_possible_values = true)]
    pub tier: Option<Tier>,
    /// Write JSON
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
}

pub(super) fn execute(arguments: &Doc) -> Result<u8, Failure> {
    let mut all: Vec<&'static Declaration> = declarations::all()
        .filter(|declaration| !declaration.name.starts_with('%'))
        .collect();
    all.sort_by_key(|declaration| declaration.name);
    if arguments.markdown {
        print(&page(&all))?;
        return Ok(0);
    }
    let found: Vec<&Declaration> = match (&arguments.name, &arguments.search) {
        (Some(name), _) => vec![named(&all, name)?],
        (_, Some(text)) => matching(&all, text),
        _ => all,
    };
    let found: Vec<&Declaration> = found
        .into_iter()
        .filter(|declaration| arguments.tier.is_none_or(|tier| declaration.tier == tier))
        .collect();
    if arguments.json {
        let entries: Vec<Entry> = found.iter().map(|declaration| entry(declaration)).collect();
        print(&super::inspect::json_text(&entries)?)?;
    } else if arguments.name.is_some() {
        let texts: Vec<String> = found.iter().map(|declaration| whole(declaration)).collect();
        print(&texts.concat())?;
    } else {
        print(&lines(&found))?;
    }
    Ok(u8::from(found.is_empty()))
}

fn named<'d>(all: &[&'d Declaration], name: &str) -> Result<&'d Declaration, Failure> {
    let found = all
        .iter()
        .find(|declaration| declaration.name == name || declaration.aliases.contains(&name));
    found.copied().ok_or_else(|| {
        let names = all.iter().map(|declaration| declaration.name);
        Failure::Other {
            message: format!("there is no builtin '{name}'"),
            hint: match nearest_name(name, names) {
                Some(near) => format!("did you mean '{near}'? `semac doc --search TEXT` searches"),
                None => "`semac doc --search TEXT` searches names and texts".to_owned(),
            },
        }
    })
}

/// The builtins in whose names or texts all words of `text` stand, without regard to case.
fn matching<'d>(all: &[&'d Declaration], text: &str) -> Vec<&'d Declaration> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let holds = |declaration: &Declaration| {
        let names = declaration.aliases.join(" ");
        let all = format!("{} {names} {}", declaration.name, declaration.text());
        let all = all.to_lowercase();
        words.iter().all(|word| all.contains(word))
    };
    all.iter()
        .copied()
        .filter(|declaration| holds(declaration))
        .collect()
}

fn entry(declaration: &Declaration) -> Entry {
    Entry {
        name: declaration.name,
        aliases: declaration.aliases,
        parameters: declaration
            .parameters
            .iter()
            .map(|parameter| ParameterEntry {
                name: parameter.name,
                kind: kind_text(parameter.kind),
                mode: match parameter.mode {
                    Mode::Required => "required",
                    Mode::Optional => "optional",
                    Mode::Rest => "rest",
                },
            })
            .collect(),
        result: kind_text(declaration.result),
        tier: declaration.tier.name(),
        capabilities: capabilities(declaration),
        platform: platform(declaration),
        pure: declaration.pure,
        text: declaration.text(),
        examples: declaration
            .examples()
            .map(|(form, result)| ExampleEntry { form, result })
            .collect(),
    }
}

fn capabilities(declaration: &Declaration) -> Vec<&'static str> {
    let present = declaration.capabilities.into_iter();
    let present = present.filter(|capability| *capability != Capability::None);
    present.map(Capability::name).collect()
}

/// What it asks of the platform, if not all have it: programs for WebAssembly cannot use it.
fn platform(declaration: &Declaration) -> Option<&'static str> {
    declaration.posix.then_some("posix")
}

/// A kind in words: `Int` is `int`, `MutableArray` is `mutable-array`.
fn kind_text(kind: Kind) -> String {
    let mut text = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// `(name first second [optional] more ...)`
fn signature(declaration: &Declaration) -> String {
    let mut text = format!("({}", declaration.name);
    for Parameter { name, mode, .. } in declaration.parameters {
        text += &match mode {
            Mode::Required => format!(" {name}"),
            Mode::Optional => format!(" [{name}]"),
            Mode::Rest => format!(" {name} ..."),
        };
    }
    text + ")"
}

/// `first: int, second: string`
fn kinds(declaration: &Declaration) -> String {
    let parameters = declaration.parameters.iter();
    let parameters: Vec<String> = parameters
        .map(|parameter| format!("{}: {}", parameter.name, kind_text(parameter.kind)))
        .collect();
    parameters.join(", ")
}

/// All that is known of a builtin.
fn whole(declaration: &Declaration) -> String {
    let mut text = format!(
        "{} -> {}\n",
        signature(declaration),
        kind_text(declaration.result)
    );
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("  {name:<13}{value}\n");
        }
    };
    line("parameters", &kinds(declaration));
    line("other names", &declaration.aliases.join(", "));
    line("tier", declaration.tier.name());
    line("capabilities", &capabilities(declaration).join(", "));
    if declaration.posix {
        line("platform", "posix (not for WebAssembly)");
    }
    text += &format!("\n{}\n", declaration.text());
    let examples: Vec<_> = declaration.examples().collect();
    if !examples.is_empty() {
        text.push('\n');
    }
    for (form, result) in examples {
        text += &format!("  {form}\n    => {result}\n");
    }
    text
}

/// One line for each builtin.
fn lines(found: &[&Declaration]) -> String {
    let mut text = String::new();
    for declaration in found {
        let sentence = declaration.text();
        let sentence = sentence.split_inclusive(". ").next().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:<44} {:<5} {}",
            signature(declaration),
            declaration.tier.name(),
            sentence.trim_end()
        );
    }
    text
}

/// `docs/builtins.md`.
fn page(all: &[&Declaration]) -> String {
    let mut text = format!(
        "# Builtins\n\n\
         Made by `make docs` from the declarations; {} functions. `semac doc NAME` shows the same.\n\
         An argument in brackets may be left out; `...` stands for any number of further ones. What needs `posix` is not\n\
         there in programs for WebAssembly, nor is the tier net.\n",
        all.len()
    );
    let family = |declaration: &Declaration| {
        let (family, rest) = declaration.name.split_once('/')?;
        (!family.is_empty() && !rest.is_empty()).then_some(family)
    };
    let mut all = all.to_vec();
    all.sort_by_key(|declaration| (family(declaration), declaration.name));
    let mut last = None;
    for declaration in all {
        let heading = family(declaration).unwrap_or("General");
        if last != Some(heading) {
            last = Some(heading);
            text += &format!("\n## {heading}\n");
        }
        text += &format!(
            "\n### `{}` → {}\n\n{}\n\n",
            signature(declaration),
            kind_text(declaration.result),
            declaration.text()
        );
        let mut facts = vec![format!("tier {}", declaration.tier.name())];
        let needs = capabilities(declaration).join(", ");
        if !needs.is_empty() {
            facts.push(format!("needs {needs}"));
        }
        facts.extend(platform(declaration).map(str::to_owned));
        if !declaration.parameters.is_empty() {
            facts.push(kinds(declaration));
        }
        if !declaration.aliases.is_empty() {
            let aliases = declaration.aliases.iter();
            let aliases: Vec<String> = aliases.map(|alias| format!("`{alias}`")).collect();
            facts.push(format!("also {}", aliases.join(", ")));
        }
        text += &format!("{}\n", facts.join("; "));
        for (form, result) in declaration.examples() {
            text += &format!("\n    {form}\n    => {result}\n");
        }
    }
    text
}
