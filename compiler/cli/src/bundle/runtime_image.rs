//! The runtime executable that programs are appended to: where it comes from and what it runs on.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sema_machine::platform::elf_note;
use sema_machine::platform::tier::Tier;

use super::target::Target;
use crate::paths::shown;

/// The runtime that was put into semac when it was built; empty if none was.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/runtime.bin"));

/// The variable that names the folder with the runtimes of other tiers: `TARGET/sema-rt-TIER` in it.
const RUNTIMES: &str = "SEMAC_RUNTIMES";

/// Name of the runtime executable, looked for beside semac when none is embedded.
const FILE_NAME: &str = "sema-rt";

/// Name of the runtime executable that contains the compiler. It is several times as large as the
/// other one, so semac does not carry it: it lies beside semac.
const DYNAMIC_FILE_NAME: &str = "sema-rt-dynamic";

/// Why there is no runtime to append to.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// It cannot be read.
    #[error("cannot read the runtime '{}': {source}", shown(&path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no executable.
    #[error("'{}' is not an executable that programs can be appended to", shown(&path))]
    NotExecutable {
        /// The file.
        path: PathBuf,
    },
    /// Its tables name places behind its end.
    #[error("the runtime '{}' is not complete: its end is missing", shown(&path))]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// It is an executable, but no runtime.
    #[error("'{}' is an executable, but not a runtime for programs", shown(&path))]
    NotRuntime {
        /// The file.
        path: PathBuf,
    },
    /// It runs modules of another format.
    #[error("'{}' is the runtime of semac {release}, which cannot run what this semac makes", shown(&path))]
    OtherRelease {
        /// The file.
        path: PathBuf,
        /// Whose runtime it is.
        release: String,
    },
    /// This semac carries none and none lies beside it.
    #[error("this semac was built without a runtime, and there is no '{FILE_NAME}' beside it")]
    None,
    /// No runtime with the tier is there.
    #[error("there is no runtime of tier {} for {target} here", tier.name())]
    NoTier {
        /// The tier.
        tier: Tier,
        /// The platform.
        target: &'static str,
    },
    /// The given runtime is for another platform.
    #[error("'{}' is a runtime for {}, not for {asked}", shown(&path), has)]
    OtherTarget {
        /// The file.
        path: PathBuf,
        /// Its platform.
        has: &'static str,
        /// The platform that was asked for.
        asked: &'static str,
    },
    /// The given runtime lacks natives.
    #[error("'{}' is a runtime of tier {}, and the program needs tier {}", shown(&path), has.name(), needs.name())]
    LowerTier {
        /// The file.
        path: PathBuf,
        /// Its tier.
        has: Tier,
        /// What the program needs.
        needs: Tier,
    },
    /// The runtime that contains the compiler is not there.
    #[error("there is no '{DYNAMIC_FILE_NAME}' for {0}, which --dynamic needs")]
    NoDynamic(&'static str),
    /// A target nobody knows.
    #[error("unknown target '{0}'")]
    UnknownTarget(String),
}

impl RuntimeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. }
            | Self::NotExecutable { .. }
            | Self::NotRuntime { .. }
            | Self::Truncated { .. }
            | Self::OtherRelease { .. } => {
                "give the sema-rt executable of this release for the platform you build for"
            }
            Self::NoTier {
                tier: Tier::Full, ..
            } if !is_in_use(Tier::Full) => {
                "no builtin is of tier full yet: --tier net gives all there are"
            }
            Self::NoTier { target, .. } if Target::named(target).is_some_and(Target::is_host) => {
                "`make all-runtimes` builds the runtimes of all tiers into dist/runtimes; \
                 SEMAC_RUNTIMES names another folder that holds them"
            }
            Self::NoTier { tier, target }
                if Target::named(target).is_some_and(|target| target.highest_tier() < *tier) =>
            {
                "WebAssembly has the tiers core and std: leave --tier out, or build for another platform"
            }
            Self::NoTier { .. } => {
                "`make runtimes TARGET=...` builds those of another platform into dist/runtimes; \
                 SEMAC_RUNTIMES names another folder that holds them"
            }
            Self::OtherTarget { .. } => {
                "give the runtime of that platform, or leave --target or --runtime out"
            }
            Self::LowerTier { .. } => {
                "give a runtime of the tier; `semac build -v` shows which builtins ask for it"
            }
            Self::NoDynamic(_) => {
                "`make` puts the one for this machine beside semac, `make runtimes TARGET=...` others into \
                 dist/runtimes; or name it with --runtime PATH"
            }
            Self::None => "build semac with `make`, or name a runtime with --runtime PATH",
            Self::UnknownTarget(names) if names.contains(',') => {
                "for several platforms repeat the option: --target x86_64 --target arm64"
            }
            Self::UnknownTarget(name) if Target::named(&name.to_lowercase()).is_some() => {
                "targets are written in lower case; `semac build --list-targets` lists them"
            }
            Self::UnknownTarget(_) => {
                "`semac build --list-targets` lists the targets; for another platform give its \
                 runtime with --runtime PATH"
            }
        }
    }
}

/// Whether a builtin is of this tier.
fn is_in_use(tier: Tier) -> bool {
    let families = sema_natives::DECLARATIONS.iter();
    families
        .flat_map(|family| family.iter())
        .any(|builtin| builtin.tier == tier)
}

/// Where a runtime came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Given with `--runtime`.
    Given(PathBuf),
    /// Carried by semac.
    Embedded,
    /// Found beside semac.
    Beside(PathBuf),
    /// Installed where the program will run: the first line of the file names it.
    Installed(String),
}

impl Origin {
    /// The file that it was read from.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Origin::Given(path) | Origin::Beside(path) => Some(path),
            Origin::Embedded | Origin::Installed(_) => None,
        }
    }
}

/// A runtime executable.
#[derive(Clone, Debug)]
pub struct RuntimeImage {
    /// The file's bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Where it came from.
    pub origin: Origin,
    /// What it runs on.
    pub target: &'static Target,
    /// The tier of its natives, as far as the file tells.
    pub tier: Option<Tier>,
}

/// A file beside semac, if it exists.
fn beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(name);
    path.is_file().then_some(path)
}

/// The folder with the runtimes of a platform, whether it exists or not: `SEMAC_RUNTIMES`, `runtimes` beside semac, or where
/// an installed semac has them, `../lib/semac/runtimes`.
fn folder_of(target: &Target) -> Option<PathBuf> {
    let named = std::env::var_os(RUNTIMES).filter(|folder| !folder.is_empty());
    let folder = match named {
        Some(folder) => PathBuf::from(folder),
        None => {
            let semac = std::env::current_exe().ok()?;
            let beside = semac.with_file_name("runtimes");
            match semac.parent().and_then(Path::parent) {
                Some(prefix) if !beside.is_dir() => prefix.join("lib/semac/runtimes"),
                _ => beside,
            }
        }
    };
    Some(folder.join(target.triple))
}

/// Where runtimes of at least a tier lie, the smallest tier first.
fn candidates(target: &Target, tier: Tier) -> Vec<PathBuf> {
    let folder = folder_of(target);
    let tiers = Tier::ALL.into_iter().filter(|candidate| *candidate >= tier);
    let of_tiers = tiers.filter_map(|tier| {
        let path = folder
            .as_ref()?
            .join(format!("{FILE_NAME}-{}", tier.name()));
        path.is_file().then_some(path)
    });
    let beside = beside(FILE_NAME).filter(|_| target.is_host());
    of_tiers.chain(beside).collect()
}

/// The runtime that contains the compiler.
fn with_compiler(target: &Target) -> Option<PathBuf> {
    let path = folder_of(target).map(|folder| folder.join(DYNAMIC_FILE_NAME));
    path.filter(|path| path.is_file())
        .or_else(|| beside(DYNAMIC_FILE_NAME).filter(|_| target.is_host()))
}

/// The runtime that was put into semac, if one was.
fn embedded() -> Option<RuntimeImage> {
    Some(RuntimeImage {
        bytes: Cow::Borrowed(EMBEDDED),
        origin: Origin::Embedded,
        target: Target::of(EMBEDDED)?,
        tier: Tier::numbered(elf_note::find(EMBEDDED)?.tier),
    })
}

impl RuntimeImage {
    /// The runtime to use for a program that needs the natives of a tier, on a platform (`None`: that of the given runtime, else
    /// that of semac): the given one; else with `dynamic` the one that contains the compiler; else the smallest that has the
    /// tier of the one semac carries, those of `SEMAC_RUNTIMES` or of `runtimes` beside semac, and `sema-rt` beside semac.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn find(
        given: Option<&Path>,
        dynamic: bool,
        tier: Tier,
        target: Option<&'static Target>,
    ) -> Result<RuntimeImage, RuntimeError> {
        if let Some(path) = given {
            let image = Self::read(path, Origin::Given(path.to_owned()))?;
            if let Some(asked) = target.filter(|asked| *asked != image.target) {
                return Err(RuntimeError::OtherTarget {
                    path: path.to_owned(),
                    has: image.target.triple,
                    asked: asked.triple,
                });
            }
            return match image.tier {
                Some(has) if has < tier => Err(RuntimeError::LowerTier {
                    path: path.to_owned(),
                    has,
                    needs: tier,
                }),
                _ => Ok(image),
            };
        }
        let target = target.or_else(Target::host).ok_or(RuntimeError::None)?;
        if dynamic {
            let path = with_compiler(target).ok_or(RuntimeError::NoDynamic(target.triple))?;
            return Self::read(&path, Origin::Beside(path.clone()));
        }
        let embedded = embedded();
        let has_embedded = embedded.is_some();
        if let Some(image) = embedded
            && image.target == target
            && image.tier.is_some_and(|has| has >= tier)
        {
            return Ok(image);
        }
        let mut passed_over = None;
        for path in candidates(target, tier) {
            let image = Self::read(&path, Origin::Beside(path.clone()))?;
            if image.target == target && image.tier.is_some_and(|has| has >= tier) {
                return Ok(image);
            }
            // The one beside semac has no name that says more.
            let has_name = path.file_name().is_some_and(|name| name != FILE_NAME);
            passed_over = passed_over.or(has_name.then_some((path, image)));
        }
        if let Some((path, image)) = passed_over {
            return Err(match image.tier {
                Some(has) if image.target == target => RuntimeError::LowerTier {
                    path,
                    has,
                    needs: tier,
                },
                _ => RuntimeError::OtherTarget {
                    path,
                    has: image.target.triple,
                    asked: target.triple,
                },
            });
        }
        if has_embedded || !target.is_host() {
            let target = target.triple;
            return Err(RuntimeError::NoTier { tier, target });
        }
        Err(RuntimeError::None)
    }

    /// Instead of a runtime, the line that names one which is installed where the program will run: `#!PROGRAM`. It has
    /// to have the tier.
    #[must_use]
    pub fn installed(program: &str, tier: Tier) -> RuntimeImage {
        RuntimeImage {
            bytes: Cow::Owned(format!("#!{program}\n").into_bytes()),
            origin: Origin::Installed(program.to_owned()),
            target: &super::target::ANY,
            tier: Some(tier),
        }
    }

    /// The runtimes there are for a platform: what it is called, where it is from, its size in bytes. The smallest tier first.
    #[must_use]
    pub fn available(target: &'static Target) -> Vec<(&'static str, Origin, u64)> {
        let mut found = Vec::new();
        if let Some(image) = embedded().filter(|image| image.target == target) {
            let name = image.tier.map_or("unknown", Tier::name);
            found.push((name, Origin::Embedded, image.bytes.len() as u64));
        }
        for path in candidates(target, Tier::Core) {
            let Ok(image) = Self::read(&path, Origin::Beside(path.clone())) else {
                continue;
            };
            let name = image.tier.map_or("unknown", Tier::name);
            if image.target == target && found.iter().all(|(other, _, _)| *other != name) {
                found.push((name, image.origin, image.bytes.len() as u64));
            }
        }
        if let Some(path) = with_compiler(target)
            && let Ok(metadata) = fs::metadata(&path)
        {
            found.push(("dynamic", Origin::Beside(path), metadata.len()));
        }
        found
    }

    fn read(path: &Path, origin: Origin) -> Result<RuntimeImage, RuntimeError> {
        let bytes = fs::read(path).map_err(|source| RuntimeError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let target = Target::of(&bytes).ok_or_else(|| RuntimeError::NotExecutable {
            path: path.to_owned(),
        })?;
        if !sema_vfs::is_whole(&bytes) {
            return Err(RuntimeError::Truncated {
                path: path.to_owned(),
            });
        }
        let tier = match elf_note::find(&bytes) {
            Some(found) if found.format == u32::from(sema_format::FORMAT_VERSION) => {
                Tier::numbered(found.tier)
            }
            Some(found) => {
                return Err(RuntimeError::OtherRelease {
                    path: path.to_owned(),
                    release: found.release,
                });
            }
            // A built program has lost the note to the segment of its archive. The writer refuses it
            // and says what it is.
            None if sema_vfs::Archive::open_executable(path).is_ok() => None,
            None => {
                return Err(RuntimeError::NotRuntime {
                    path: path.to_owned(),
                });
            }
        };
        Ok(RuntimeImage {
            bytes: Cow::Owned(bytes),
            origin,
            target,
            tier,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executables_are_runtimes() {
        let refusal =
            RuntimeImage::find(Some(Path::new("Cargo.toml")), false, Tier::Core, None).unwrap_err();
        assert!(
            matches!(refusal, RuntimeError::NotExecutable { .. }),
            "{refusal}"
        );
        let this = std::env::current_exe().unwrap();
        let refusal = RuntimeImage::find(Some(&this), false, Tier::Core, None).unwrap_err();
        assert!(
            matches!(refusal, RuntimeError::NotRuntime { .. }),
            "{refusal}"
        );
        let refusal = RuntimeImage::find(Some(Path::new("/nowhere/rt")), false, Tier::Core, None)
            .unwrap_err();
        assert!(
            matches!(refusal, RuntimeError::Unreadable { .. }),
            "{refusal}"
        );
    }
}
