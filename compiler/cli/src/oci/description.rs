//! The documents of an image: configuration, manifest, index.

use serde_json::{Value, json};

use super::archive::Blob;
use super::{ImageName, ImageOptions};
use crate::bundle::{IMAGE_MAKER, Target};

const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn descriptor(kind: &str, blob: &Blob) -> Value {
    json!({ "mediaType": kind, "digest": format!("sha256:{}", blob.digest), "size": blob.size })
}

fn with(mut value: Value, key: &str, entry: Value) -> Value {
    if let Value::Object(object) = &mut value {
        object.insert(key.to_owned(), entry);
    }
    value
}

fn pairs(pairs: &[(String, String)]) -> Value {
    let entries = pairs
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(value.clone())));
    Value::Object(entries.collect())
}

/// How the program is run, and what its file system is made of. `layer` is the digest of the layer before it was compressed.
pub(super) fn configuration(target: &Target, options: &ImageOptions, layer: &str) -> Value {
    let (architecture, variant) = target.image_platform;
    let created = chrono::DateTime::from_timestamp(options.created, 0).unwrap_or_default();
    let created = created.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    // What is said last of a variable counts, as with labels: programs do not agree on which of two they see.
    let environment = options
        .environment
        .iter()
        .enumerate()
        .filter(|(at, (name, _))| {
            let mut later = options.environment.iter().skip(at + 1);
            later.all(|(other, _)| other != name)
        })
        .map(|(_, (name, value))| format!("{name}={value}"));
    let mut config = json!({
        "User": options.user,
        "Entrypoint": [format!("/{}", options.program)],
        "WorkingDir": "/",
        "Env": environment.collect::<Vec<_>>(),
        "Labels": pairs(&options.labels),
    });
    if !options.ports.is_empty() {
        let ports = options.ports.iter().map(|port| (port.clone(), json!({})));
        config = with(config, "ExposedPorts", Value::Object(ports.collect()));
    }
    let configuration = json!({
        "created": created,
        "architecture": architecture,
        "os": target.system,
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
        "history": [{ "created": created, "created_by": IMAGE_MAKER }],
    });
    match variant {
        Some(variant) => with(configuration, "variant", json!(variant)),
        None => configuration,
    }
}

/// What an image for one platform is made of.
pub(super) fn manifest(configuration: &Blob, layer: &Blob) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIGURATION, configuration),
        "layers": [descriptor(LAYER, layer)],
    })
}

/// The entry of an index for an image of one platform.
pub(super) fn entry(target: &Target, manifest: &Blob) -> Value {
    let (architecture, variant) = target.image_platform;
    let mut platform = json!({ "architecture": architecture, "os": target.system });
    if let Some(variant) = variant {
        platform = with(platform, "variant", json!(variant));
    }
    with(descriptor(MANIFEST, manifest), "platform", platform)
}

/// The entry of an index for another index.
pub(super) fn index_entry(index: &Blob) -> Value {
    descriptor(INDEX, index)
}

/// An entry that is called by a name. docker and podman look for the whole name, others for the tag.
pub(super) fn called(entry: Value, name: &ImageName) -> Value {
    let ImageName { repository, tag } = name;
    let annotations = json!({
        "org.opencontainers.image.ref.name": tag,
        "io.containerd.image.name": format!("{}:{tag}", full_repository(repository)),
    });
    with(entry, "annotations", annotations)
}

/// The repository with the registry that docker adds where a name has none.
fn full_repository(repository: &str) -> String {
    match repository.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => {
            repository.to_owned()
        }
        Some(_) => format!("docker.io/{repository}"),
        None => format!("docker.io/library/{repository}"),
    }
}

/// An index: one image for several platforms, or all there is in an archive.
pub(super) fn index(entries: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries })
}

/// The entry of `manifest.json`, which `docker load` of releases before 25 reads.
pub(super) fn listed(name: &ImageName, configuration: &Blob, layer: &Blob) -> Value {
    json!({
        "Config": configuration.path(),
        "RepoTags": [format!("{}:{}", name.repository, name.tag)],
        "Layers": [layer.path()],
    })
}
