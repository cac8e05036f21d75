//! `semac inspect`: what is inside an executable or a module.
//!
//! One structure is filled and shown as text or as JSON, so that both say the same.

use std::collections::{BTreeMap, BTreeSet};

use sema_format::model::{Arity, ExportKind};
use sema_format::{FormatError, ModuleView};
use sema_machine::host::native::{Capability, Tier};
use sema_machine::launch;
use sema_machine::launch::signature::{SignatureError, Signed};
use sema_natives::std::crypto::hex::digits;
use sema_vfs::Archive;
use semac_core::link::shown::all_shown;
use serde::Serialize;

use super::arguments::Inspect;
use super::failure::{Failure, print};
use super::image::{self, Image};
use super::{count_text, size_text};

#[derive(Serialize)]
struct Inspection {
    /// `module` or `program`.
    kind: &'static str,
    file: String,
    file_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<ProgramPart>,
    /// The programs of which the executable chooses one by its name; empty if it is one.
    programs: Vec<String>,
    modules: Vec<ModulePart>,
    assets: Vec<AssetPart>,
    capabilities: Vec<String>,
    /// What the capabilities are limited to: rules of `--allow` and `--deny`.
    limits: Vec<String>,
    /// The public key with whose private one it says it is signed, in hexadecimal digits; null if it is not signed.
    signed_with: Option<String>,
    /// What the build was stamped with.
    stamp: BTreeMap<String, String>,
    /// The files that the modules were made from.
    provenance: Vec<SourcePart>,
    /// What the kernel lets a hardened program do with files; null if it is not hardened.
    hardening: Option<Vec<String>>,
    /// Code that is not in the file and that it may run: what of it, and what that may reach.
    code_at_run_time: Vec<String>,
    /// The capabilities of all that it may run.
    reachable_capabilities: Vec<String>,
    /// The capabilities that the file says it has.
    #[serde(skip)]
    granted: Option<Vec<String>>,
    /// Whether it was built for a runtime with the compiler; null for a module.
    has_compiler: Option<bool>,
    /// The smallest runtime tier with all builtins; null if one is unknown to this semac.
    tier: Option<&'static str>,
    /// The builtins that this tier has and no smaller one; none if it is core.
    tier_because_of: Vec<String>,
}

#[derive(Serialize)]
struct ProgramPart {
    archive_format: u16,
    archive_bytes: u64,
    runtime_bytes: u64,
    entry: Option<String>,
}

#[derive(Serialize)]
struct ModulePart {
    name: String,
    bytes: u64,
    format: u16,
    producer: String,
    content_hash: String,
    debug: bool,
    functions: u32,
    constants: u32,
    /// The source files, if their names are kept.
    sources: Vec<String>,
    imports: Vec<String>,
    exports: Vec<ExportPart>,
    builtins: Vec<String>,
    capabilities: Vec<String>,
}

#[derive(Serialize)]
struct ExportPart {
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc: Option<String>,
}

#[derive(Serialize)]
struct SourcePart {
    path: String,
    sha256: String,
}

#[derive(Serialize)]
struct AssetPart {
    path: String,
    bytes: u64,
    stored_bytes: u64,
    compression: &'static str,
    chunks: u32,
}

pub(super) fn execute(arguments: &Inspect) -> Result<u8, Failure> {
    let damaged = |problem: String| Failure::Damaged {
        path: arguments.file.clone(),
        problem,
    };
    let file_bytes = std::fs::metadata(&arguments.file)
        .map_err(|source| Failure::File {
            action: "read",
            path: arguments.file.clone(),
            source,
        })?
        .len();
    let mut inspection = Inspection {
        kind: "module",
        file: arguments.file.to_string_lossy().into_owned(),
        file_bytes,
        program: None,
        programs: Vec::new(),
        modules: Vec::new(),
        assets: Vec::new(),
        capabilities: Vec::new(),
        limits: Vec::new(),
        signed_with: None,
        stamp: BTreeMap::new(),
        provenance: Vec::new(),
        hardening: None,
        code_at_run_time: Vec::new(),
        reachable_capabilities: Vec::new(),
        granted: None,
        has_compiler: None,
        tier: None,
        tier_because_of: Vec::new(),
    };
    match Image::open(&arguments.file)? {
        Image::Module(bytes) => {
            let part = module_part(bytes.as_bytes()).map_err(|error| damaged(error.to_string()))?;
            inspection.modules.push(part);
        }
        Image::Archive(archive) if arguments.licenses => {
            let notices = archive
                .notices()
                .map_err(|error| damaged(error.to_string()))?;
            print(&notices.ok_or_else(|| {
                damaged("it has no licences: its runtime came without them".to_owned())
            })?)?;
            return Ok(0);
        }
        Image::Archive(archive) => fill(&mut inspection, &archive).map_err(damaged)?,
    }
    inspection.summarize();
    let text = if arguments.json {
        json_text(&inspection)?
    } else {
        inspection.text()
    };
    print(&text)?;
    Ok(0)
}

/// A value as indented JSON with a final line feed.
///
/// # Errors
/// None of our structures has any.
pub(super) fn json_text(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::Other {
            message: format!("cannot write the report as JSON: {error}"),
            hint: "this is a mistake in semac; please report it".to_owned(),
        })
}

fn fill(inspection: &mut Inspection, archive: &Archive) -> Result<(), String> {
    inspection.kind = "program";
    inspection.has_compiler = Some(archive.metadata(launch::COMPILER).is_some());
    inspection.program = Some(ProgramPart {
        archive_format: sema_vfs::FORMAT_VERSION,
        archive_bytes: archive.byte_length(),
        runtime_bytes: inspection.file_bytes.saturating_sub(archive.byte_length()),
        entry: image::entry_module(archive).map(|name| name.into_owned()),
    });
    inspection.granted = lines_of(archive, launch::CAPABILITIES)?;
    inspection.limits = lines_of(archive, launch::POLICY)?.unwrap_or_default();
    inspection.signed_with = match Signed::of(archive) {
        Ok(signed) => Some(digits(&signed.key)),
        Err(SignatureError::None) => None,
        Err(error) => return Err(error.to_string()),
    };
    let stamp = lines_of(archive, launch::STAMP)?.unwrap_or_default();
    let pairs = stamp.iter().filter_map(|line| line.split_once('='));
    inspection.stamp = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let sources = lines_of(archive, launch::SOURCES)?.unwrap_or_default();
    let pairs = sources.iter().filter_map(|line| line.split_once("  "));
    inspection.provenance = pairs
        .map(|(sha256, path)| SourcePart {
            path: path.to_owned(),
            sha256: sha256.to_owned(),
        })
        .collect();
    inspection.programs = lines_of(archive, launch::PROGRAMS)?.unwrap_or_default();
    inspection.hardening = lines_of(archive, launch::hardening::BORDER)?;
    for entry in image::modules(archive) {
        let bytes = image::aligned(&entry)?;
        let mut part = module_part(bytes.as_slice())
            .map_err(|error| format!("module {}: {error}", entry.path().escape_debug()))?;
        part.name = entry.path().to_owned();
        inspection.modules.push(part);
    }
    inspection.assets = image::assets(archive)
        .map(|entry| AssetPart {
            path: entry.path().to_owned(),
            bytes: entry.length(),
            stored_bytes: entry.stored_length(),
            compression: entry.compression().name(),
            chunks: entry.chunk_count(),
        })
        .collect();
    Ok(())
}

/// The lines of a text among the metadata; `None` if there is no such text.
fn lines_of(archive: &Archive, name: &str) -> Result<Option<Vec<String>>, String> {
    let Some(entry) = archive.metadata(name) else {
        return Ok(None);
    };
    let bytes = entry.bytes().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(text.lines().map(str::to_owned).collect()))
}

fn module_part(bytes: &[u8]) -> Result<ModulePart, FormatError> {
    let view = ModuleView::parse(bytes)?;
    let exports = view.exports()?.into_iter().map(|export| ExportPart {
        name: export.name.to_owned(),
        kind: match export.kind {
            ExportKind::Function => "function",
            ExportKind::Value => "value",
            ExportKind::Macro => "macro",
        },
        arity: export.arity.map(arity_text),
        doc: export.doc.map(str::to_owned),
    });
    let owned = |name: Result<&str, FormatError>| name.map(str::to_owned);
    let mut builtins: Vec<String> = view.natives().map(owned).collect::<Result<_, _>>()?;
    builtins.sort();
    let mut capabilities: Vec<String> = view.capabilities().map(owned).collect::<Result<_, _>>()?;
    // Modules of programs do not say it themselves.
    for number in builtins
        .iter()
        .filter_map(|name| sema_natives::NATIVES.find(name))
    {
        let needed = sema_natives::NATIVES.get(number).capabilities;
        let needed = needed.iter().filter(|one| **one != Capability::None);
        capabilities.extend(needed.map(|one| one.name().to_owned()));
    }
    capabilities.sort();
    capabilities.dedup();
    Ok(ModulePart {
        name: view.name()?.to_owned(),
        bytes: bytes.len() as u64,
        format: sema_format::FORMAT_VERSION,
        producer: view.producer().to_owned(),
        content_hash: format!("{:016x}", view.content_hash()),
        debug: !view.stripped(),
        functions: view.function_count(),
        constants: view.constant_count(),
        sources: view
            .debug()?
            .map_or(Vec::new(), |debug| debug.files().to_vec()),
        imports: view
            .imports()?
            .iter()
            .map(|import| import.resolved.to_owned())
            .collect(),
        exports: exports.collect(),
        builtins,
        capabilities,
    })
}

fn arity_text(arity: Arity) -> String {
    match arity.maximum {
        Some(maximum) if maximum == arity.minimum => maximum.to_string(),
        Some(maximum) => format!("{}-{maximum}", arity.minimum),
        None => format!("{}+", arity.minimum),
    }
}

/// Builtins that compile code which is not in the file.
const EVALUATING: &[&str] = &["%eval", "%macroexpand"];

/// Builtins that take in files whose paths are computed.
const TAKING_IN: &[&str] = &["%open-import", "%open-load"];

/// What code may reach that the compiler makes when the program runs.
const EVERYTHING: &str = "every builtin of the runtime, within the capabilities above";

impl Inspection {
    /// Fills in what follows from the modules together.
    fn summarize(&mut self) {
        let mut capabilities: BTreeSet<String> = BTreeSet::new();
        let mut tier = Some(Tier::Core);
        let mut because_of: BTreeSet<&str> = BTreeSet::new();
        for module in &self.modules {
            capabilities.extend(module.capabilities.iter().cloned());
            for name in &module.builtins {
                let Some(number) = sema_natives::NATIVES.find(name) else {
                    tier = None;
                    continue;
                };
                let native = sema_natives::NATIVES.get(number);
                if tier.is_some_and(|tier| tier < native.tier) {
                    tier = Some(native.tier);
                    because_of.clear();
                }
                if native.tier > Tier::Core && tier == Some(native.tier) {
                    because_of.insert(name);
                }
                capabilities.extend(named(native.capabilities));
            }
        }
        // A program says what it has: perhaps more than its own code needs, for code that comes later.
        self.capabilities = match self.granted.take() {
            Some(granted) => granted,
            None => capabilities.into_iter().collect(),
        };
        let uses = |names: &[&str]| {
            let mut builtins = self.modules.iter().flat_map(|module| &module.builtins);
            builtins.any(|builtin| names.contains(&&**builtin))
        };
        let condition = match self.has_compiler {
            Some(true) => "",
            Some(false) => "nothing: the executable does not contain the compiler",
            None => ", if the runtime contains the compiler",
        };
        let mut code = Vec::new();
        let mut compiles = false;
        if uses(EVALUATING) {
            compiles = true;
            code.push(match self.has_compiler {
                Some(false) => format!("code it evaluates: {condition}"),
                _ => format!("code it evaluates: {EVERYTHING}{condition}"),
            });
        }
        if uses(TAKING_IN) {
            compiles = true;
            let modules = "compiled modules (.semac) within the capabilities above";
            code.push(match self.has_compiler {
                Some(false) => format!("files with computed paths: {modules}"),
                _ => format!(
                    "files with computed paths: {modules}; sources with {EVERYTHING}{condition}"
                ),
            });
        }
        self.code_at_run_time = code;
        self.reachable_capabilities = if compiles && self.has_compiler.is_none() {
            let all = Capability::ALL.iter();
            all.map(|capability| capability.name().to_owned()).collect()
        } else {
            self.capabilities.clone()
        };
        self.tier = tier.map(Tier::name);
        self.tier_because_of = all_shown(because_of);
        for module in &mut self.modules {
            module.builtins = all_shown(module.builtins.iter().map(String::as_str));
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{} {} ({})\n",
            self.kind,
            self.file.escape_debug(),
            size_text(self.file_bytes)
        );
        let mut line =
            |name: &str, value: String| text.push_str(&format!("  {name:<13} {value}\n"));
        if let Some(program) = &self.program {
            let entry = program.entry.as_deref().unwrap_or("unknown");
            match self.programs.is_empty() {
                true => line("entry", entry.escape_debug().to_string()),
                false => line("programs", list_text(&self.programs)),
            }
            line(
                "archive",
                format!(
                    "{}, format {}",
                    size_text(program.archive_bytes),
                    program.archive_format
                ),
            );
            line("runtime", size_text(program.runtime_bytes));
        }
        let tier = self.tier.unwrap_or("unknown").to_owned();
        line(
            "tier",
            match &*self.tier_because_of {
                [] => tier,
                names => format!("{tier}, because of {}", list_text(names)),
            },
        );
        line("capabilities", list_text(&self.capabilities));
        for rule in &self.limits {
            line("limit", rule.escape_debug().to_string());
        }
        if let Some(border) = &self.hardening {
            let limits = border.iter().filter_map(|line| line.strip_prefix("limit "));
            let limits: Vec<&str> = limits.collect();
            let text = match limits.as_slice() {
                [] => "by a filter for system calls".to_owned(),
                limits => format!(
                    "by a filter for system calls and Landlock (limits to {})",
                    limits.join(", ")
                ),
            };
            line("hardened", text);
        }
        if let Some(key) = &self.signed_with {
            line(
                "signed",
                format!("with {key} (semac verify --key checks it)"),
            );
        }
        for (name, value) in &self.stamp {
            line("stamp", format!("{name}={}", value.escape_debug()));
        }
        for code in &self.code_at_run_time {
            line("runs also", code.clone());
        }
        if !self.code_at_run_time.is_empty() {
            line("may reach", list_text(&self.reachable_capabilities));
        }
        for module in &self.modules {
            text.push_str(&module.text());
        }
        if !self.assets.is_empty() {
            let sum = |size: fn(&AssetPart) -> u64| size_text(self.assets.iter().map(size).sum());
            text.push_str(&format!(
                "\nassets ({}, {}, {} stored)\n",
                count_text(self.assets.len(), "file"),
                sum(|asset| asset.bytes),
                sum(|asset| asset.stored_bytes)
            ));
        }
        for asset in &self.assets {
            let stored = if asset.bytes == asset.stored_bytes {
                String::new()
            } else {
                format!(" ({} stored)", size_text(asset.stored_bytes))
            };
            text.push_str(&format!(
                "  {:>10}{stored}  {}\n",
                size_text(asset.bytes),
                asset.path.escape_debug()
            ));
        }
        text
    }
}

impl ModulePart {
    fn text(&self) -> String {
        let mut text = format!(
            "\nmodule {} ({}, format {}, {})\n",
            self.name.escape_debug(),
            size_text(self.bytes),
            self.format,
            self.producer.escape_debug()
        );
        let debug = if self.debug {
            ""
        } else {
            ", without line numbers"
        };
        text.push_str(&format!(
            "  {}, {}, content {}{debug}\n",
            count_text(self.functions as usize, "function"),
            count_text(self.constants as usize, "constant"),
            self.content_hash
        ));
        for (name, list) in [
            ("sources", &self.sources),
            ("imports", &self.imports),
            ("builtins", &self.builtins),
        ] {
            if !list.is_empty() {
                text.push_str(&format!("  {name:<9} {}\n", list_text(list)));
            }
        }
        for export in &self.exports {
            let arity = match &export.arity {
                Some(arity) => format!(" ({arity})"),
                None => String::new(),
            };
            text.push_str(&format!(
                "  export    {} {}{arity}\n",
                export.kind,
                export.name.escape_debug()
            ));
        }
        text
    }
}

fn list_text(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let names = names.iter().map(|name| name.escape_debug().to_string());
    names.collect::<Vec<_>>().join(", ")
}

fn named(capabilities: [Capability; 2]) -> impl Iterator<Item = String> {
    let present = capabilities.into_iter().filter(|c| *c != Capability::None);
    present.map(|capability| capability.name().to_owned())
}
