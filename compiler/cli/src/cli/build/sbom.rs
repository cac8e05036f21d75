//! `--sbom`: what a program is made of, as CycloneDX has it (1.5, JSON).
//!
//! Crates of the runtime, packages of Sema, modules and embedded files with their digests. Equal programs give equal
//! bytes: there is no time in it, and the serial number follows from the content.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sema_vfs::Outputs;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::program::Compiled;
use crate::bundle::{Asset, Component, Origin, RuntimeImage};
use crate::oci::archive::digest;

/// Where modules of packages lie.
const PACKAGES: &str = "@packages/";

/// What the bill is about.
pub(super) struct Subject<'s> {
    pub source: &'s Path,
    pub compiled: &'s Compiled,
    pub assets: &'s [Asset],
    /// Of several platforms those of all.
    pub runtimes: &'s [RuntimeImage],
    pub stamp: &'s [(String, String)],
}

/// Writes the bill.
///
/// # Errors
/// There is no list of the runtime's crates, or something cannot be read or written.
pub(super) fn write(
    subject: &Subject<'_>,
    output: &Path,
    outputs: &mut Outputs,
) -> Result<(), Failure> {
    let text = super::super::inspect::json_text(&bill(subject)?)?;
    let write = |file: &mut std::io::BufWriter<_>| {
        std::io::Write::write_all(file, text.as_bytes()).map_err(sema_vfs::WriteError::Output)
    };
    let written = outputs.write(output, false, write);
    Ok(written.map_err(crate::bundle::BundleError::from)?)
}

fn bill(subject: &Subject<'_>) -> Result<Value, Failure> {
    // The runtime of a bundle is installed elsewhere, and not a part of it.
    let mut list: Vec<Component> = Vec::new();
    let bundled = subject.runtimes.iter();
    for runtime in bundled.filter(|one| !matches!(one.origin, Origin::Installed(_))) {
        let found = runtime.components()?.ok_or_else(|| Failure::Other {
            message: format!(
                "there is no list of what the runtime is made of ({})",
                runtime.target.triple
            ),
            hint:
                "`make` writes it beside the runtime; tools/components.py writes it for another one"
                    .to_owned(),
        })?;
        for component in found.components {
            if !list.contains(&component) {
                list.push(component);
            }
        }
    }
    let mut components: Vec<Value> = Vec::new();
    for one in &list {
        let of_crate = || format!("pkg:cargo/{}@{}", one.name, one.version);
        let purl = one.purl.clone().unwrap_or_else(of_crate);
        let mut component = json!({
            "type": "library",
            "bom-ref": purl,
            "name": one.name,
            "version": one.version,
            "licenses": [{ "expression": one.license }],
            "purl": purl,
        });
        if let (Some(repository), Some(component)) = (&one.repository, component.as_object_mut()) {
            let reference = json!([{ "type": "vcs", "url": repository }]);
            component.insert("externalReferences".to_owned(), reference);
        }
        components.push(component);
    }
    let paths = subject
        .compiled
        .program
        .paths
        .iter()
        .map(|(key, _)| key.as_str());
    let packages: BTreeSet<&str> = paths.filter_map(package_of).collect();
    components.extend(packages.iter().map(
        |name| json!({ "type": "library", "bom-ref": format!("package:{name}"), "name": name }),
    ));
    let mut files: Vec<(String, &str, String)> = Vec::new();
    for (key, path) in &subject.compiled.program.paths {
        let digests = &subject.compiled.digests;
        if let Some((_, digest)) = digests.iter().find(|(read, _)| read == path) {
            files.push((key.clone(), "module", digest.clone()));
        }
    }
    for asset in subject.assets {
        let bytes = std::fs::read(&asset.file).map_err(|source| Failure::File {
            action: "read",
            path: asset.file.clone(),
            source,
        })?;
        files.push((asset.path.as_str().to_owned(), "asset", digest(&bytes)));
    }
    files.sort();
    components.extend(files.iter().map(|(name, kind, digest)| {
        json!({
            "type": "file",
            "bom-ref": format!("{kind}:{name}"),
            "name": name,
            "hashes": [{ "alg": "SHA-256", "content": digest }],
        })
    }));
    let name = PathBuf::from(subject.source.file_stem().unwrap_or_default());
    let mut program = json!({
        "type": "application",
        "bom-ref": "program",
        "name": name.to_string_lossy(),
    });
    let version = subject.stamp.iter().find(|(name, _)| name == "version");
    if let (Some((_, version)), Some(program)) = (version, program.as_object_mut()) {
        program.insert("version".to_owned(), json!(version));
    }
    let references: Vec<&Value> = components
        .iter()
        .filter_map(|one| one.get("bom-ref"))
        .collect();
    let dependencies = json!([{ "ref": "program", "dependsOn": references }]);
    let serial = serial(&json!([program, components]).to_string());
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial,
        "version": 1,
        "metadata": {
            "tools": { "components": [{
                "type": "application",
                "name": "semac",
                "version": env!("CARGO_PKG_VERSION"),
            }] },
            "component": program,
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// The package that a module belongs to: `owner/name`, or a name.
fn package_of(key: &str) -> Option<&str> {
    let rest = key.strip_prefix(PACKAGES)?;
    rest.rsplit_once('/').map(|(package, _)| package)
}

/// A number that follows from a text, in the form of a UUID (version 8, RFC 9562).
fn serial(text: &str) -> String {
    let digest = digest(text.as_bytes());
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default().to_owned();
    format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_and_serial_numbers() {
        assert_eq!(
            package_of("@packages/text-tools/package.sema"),
            Some("text-tools")
        );
        assert_eq!(
            package_of("@packages/ada/tools/src.sema"),
            Some("ada/tools")
        );
        assert_eq!(package_of("lib/a.sema"), None);
        let number = serial("x");
        assert_eq!(number, serial("x"));
        assert_ne!(number, serial("y"));
        assert_eq!(number.len(), "urn:uuid:".len() + 36);
    }
}
