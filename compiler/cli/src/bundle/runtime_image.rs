//! The runtime executable that programs are appended to: where it comes from and what it runs on.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sema_machine::platform::elf_note;
use sema_machine::platform::tier::Tier;

/// The runtime that was put into semac when it was built; empty if none was.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/runtime.bin"));

/// The platform semac was built for, and its embedded runtime too.
const HOST: &str = env!("SEMAC_TARGET");

/// The variable that names the folder with the runtimes of other tiers: `TARGET/sema-rt-TIER` in it.
const RUNTIMES: &str = "SEMAC_RUNTIMES";

/// Name of the runtime executable, looked for beside semac when none is embedded.
const FILE_NAME: &str = "sema-rt";

/// Name of the runtime executable that contains the compiler. It is several times as large as the
/// other one, so semac does not carry it: it lies beside semac.
const DYNAMIC_FILE_NAME: &str = "sema-rt-dynamic";

/// A platform that `--target` accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name as a triple.
    pub triple: &'static str,
    /// Shorter names.
    pub aliases: &'static [&'static str],
}

/// The platforms that programs can be built for without `--runtime`.
pub const SUPPORTED_TARGETS: &[Target] = &[Target {
    triple: HOST,
    aliases: &["host", HOST_SYSTEM],
}];

const HOST_SYSTEM: &str = std::env::consts::OS;

impl Target {
    /// The target of this name.
    ///
    /// # Errors
    /// [`RuntimeError::UnknownTarget`]
    pub fn named(name: &str) -> Result<Target, RuntimeError> {
        SUPPORTED_TARGETS
            .iter()
            .find(|target| target.triple == name || target.aliases.contains(&name))
            .copied()
            .ok_or_else(|| RuntimeError::UnknownTarget(name.to_owned()))
    }
}

/// Why there is no runtime to append to.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// It cannot be read.
    #[error("cannot read the runtime '{}': {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no executable.
    #[error("'{}' is not an executable that programs can be appended to", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
    },
    /// It is an executable, but no runtime.
    #[error("'{}' is an executable, but not a runtime for programs", path.display())]
    NotRuntime {
        /// The file.
        path: PathBuf,
    },
    /// It runs modules of another format.
    #[error("'{}' is the runtime of semac {release}, which cannot run what this semac makes", path.display())]
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
    #[error("there is no runtime of tier {} here", .0.name())]
    NoTier(Tier),
    /// The given runtime lacks natives.
    #[error("'{}' is a runtime of tier {}, and the program needs tier {}", path.display(), has.name(), needs.name())]
    LowerTier {
        /// The file.
        path: PathBuf,
        /// Its tier.
        has: Tier,
        /// What the program needs.
        needs: Tier,
    },
    /// The runtime that contains the compiler does not lie beside semac.
    #[error("there is no '{DYNAMIC_FILE_NAME}' beside semac, which --dynamic needs")]
    NoDynamic,
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
            | Self::OtherRelease { .. } => {
                "give the sema-rt executable of this release for the platform you build for"
            }
            Self::NoTier(_) => {
                "`make all-runtimes` builds the runtimes of all tiers into dist/runtimes; \
                 SEMAC_RUNTIMES names another folder that holds them"
            }
            Self::LowerTier { .. } => {
                "give a runtime of the tier; `semac build -v` shows which builtins ask for it"
            }
            Self::NoDynamic => "`make` puts it there; or name it with --runtime PATH",
            Self::None => "build semac with `make`, or name a runtime with --runtime PATH",
            Self::UnknownTarget(_) => {
                "`semac build --list-targets` lists the targets; for another platform give its \
                 runtime with --runtime PATH"
            }
        }
    }
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
}

/// What an executable runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The triple, as far as the file tells.
    pub target: String,
    /// The system.
    pub system: &'static str,
    /// The processor.
    pub processor: &'static str,
}

/// A runtime executable.
#[derive(Clone, Debug)]
pub struct RuntimeImage {
    /// The file's bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Where it came from.
    pub origin: Origin,
    /// What it runs on.
    pub platform: Platform,
    /// The tier of its natives, as far as the file tells.
    pub tier: Option<Tier>,
}

/// A file beside semac, if it exists.
fn beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(name);
    path.is_file().then_some(path)
}

/// Where runtimes with a tier may lie, the smallest tier first.
fn candidates(tier: Tier) -> Vec<PathBuf> {
    let folder = std::env::var_os(RUNTIMES)
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(std::env::current_exe().ok()?.with_file_name("runtimes")));
    let tiers = Tier::ALL.into_iter().filter(|candidate| *candidate >= tier);
    let of_tiers = folder.into_iter().flat_map(|folder| {
        let names = tiers
            .clone()
            .map(|tier| format!("{FILE_NAME}-{}", tier.name()));
        names.map(move |name| folder.join(HOST).join(name))
    });
    of_tiers
        .filter(|path| path.is_file())
        .chain(beside(FILE_NAME))
        .collect()
}

impl RuntimeImage {
    /// The runtime to use for a program that needs the natives of a tier: the given one; else with
    /// `dynamic` the one that contains the compiler, beside semac; else the smallest that has the tier of
    /// the one semac carries, those of `SEMAC_RUNTIMES` or of `runtimes` beside semac, and `sema-rt` beside semac.
    ///
    /// # Errors
    /// See [`RuntimeError`].
    pub fn find(
        given: Option<&Path>,
        dynamic: bool,
        tier: Tier,
    ) -> Result<RuntimeImage, RuntimeError> {
        if let Some(path) = given {
            let image = Self::read(path, Origin::Given(path.to_owned()))?;
            return match image.tier {
                Some(has) if has < tier => Err(RuntimeError::LowerTier {
                    path: path.to_owned(),
                    has,
                    needs: tier,
                }),
                _ => Ok(image),
            };
        }
        if dynamic {
            let path = beside(DYNAMIC_FILE_NAME).ok_or(RuntimeError::NoDynamic)?;
            return Self::read(&path, Origin::Beside(path.clone()));
        }
        let embedded = elf_note::find(EMBEDDED).and_then(|note| Tier::numbered(note.tier));
        if embedded.is_some_and(|has| has >= tier) {
            let platform = Platform::of(EMBEDDED).ok_or(RuntimeError::None)?;
            return Ok(RuntimeImage {
                bytes: Cow::Borrowed(EMBEDDED),
                origin: Origin::Embedded,
                platform,
                tier: embedded,
            });
        }
        for path in candidates(tier) {
            let image = Self::read(&path, Origin::Beside(path.clone()))?;
            if image.tier.is_some_and(|has| has >= tier) {
                return Ok(image);
            }
        }
        Err(match embedded {
            Some(_) => RuntimeError::NoTier(tier),
            None => RuntimeError::None,
        })
    }

    fn read(path: &Path, origin: Origin) -> Result<RuntimeImage, RuntimeError> {
        let bytes = fs::read(path).map_err(|source| RuntimeError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let platform = Platform::of(&bytes).ok_or_else(|| RuntimeError::NotExecutable {
            path: path.to_owned(),
        })?;
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
            platform,
            tier,
        })
    }
}

impl Platform {
    /// What an executable file runs on, by its header; `None` for anything but 64-bit ELF.
    ///
    /// Source: System V ABI, chapter 4, "ELF Header"; machine numbers from its registry.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Platform> {
        if !file.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let machine = file.get(18..20)?;
        let processor = match u16::from_le_bytes([*machine.first()?, *machine.get(1)?]) {
            62 => "x86_64",
            183 => "aarch64",
            243 => "riscv64",
            _ => return None,
        };
        let target = if HOST.starts_with(processor) {
            HOST.to_owned()
        } else {
            format!("{processor}-unknown-linux-gnu")
        };
        Some(Platform {
            target,
            system: "linux",
            processor,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The start of an ELF file for a machine.
    pub(crate) fn elf(machine: u16) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file
    }

    #[test]
    fn platforms() {
        assert_eq!(Platform::of(&elf(183)).unwrap().processor, "aarch64");
        assert_eq!(Platform::of(&elf(3)), None);
        assert_eq!(Platform::of(b"\x7fELF\x02\x01"), None);
        assert_eq!(Platform::of(b"#!/bin/sh\n"), None);
    }

    #[test]
    fn targets() {
        assert_eq!(Target::named("host").unwrap().triple, HOST);
        assert_eq!(Target::named(HOST).unwrap().triple, HOST);
        assert!(Target::named("amiga").is_err());
    }

    #[test]
    fn only_executables_are_runtimes() {
        let refusal =
            RuntimeImage::find(Some(Path::new("Cargo.toml")), false, Tier::Core).unwrap_err();
        assert!(
            matches!(refusal, RuntimeError::NotExecutable { .. }),
            "{refusal}"
        );
        let this = std::env::current_exe().unwrap();
        let refusal = RuntimeImage::find(Some(&this), false, Tier::Core).unwrap_err();
        assert!(
            matches!(refusal, RuntimeError::NotRuntime { .. }),
            "{refusal}"
        );
        let refusal =
            RuntimeImage::find(Some(Path::new("/nowhere/rt")), false, Tier::Core).unwrap_err();
        assert!(
            matches!(refusal, RuntimeError::Unreadable { .. }),
            "{refusal}"
        );
    }
}
