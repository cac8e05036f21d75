//! The platforms that programs are built for.

use sema_machine::platform::tier::Tier;

/// The platform semac was built for, and its embedded runtime too.
pub(super) const HOST: &str = env!("SEMAC_TARGET");

/// A platform that `--target` accepts.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name as a triple. Runtimes are static where that is possible, so the name of the C library in it says nothing of
    /// what the program needs.
    pub triple: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// The system, as reports call it.
    pub system: &'static str,
    /// The processor, as reports call it.
    pub processor: &'static str,
    /// The format of its executables.
    format: Format,
    /// The processor and its variant as container images call them (`GOARCH`, `GOARM`).
    pub image_platform: (&'static str, Option<&'static str>),
}

/// A format of executables, and how a platform's are told from others.
#[derive(Debug, PartialEq, Eq)]
enum Format {
    /// ELF, and the machine's number in the header (System V ABI, chapter 4, "ELF Header").
    Elf(u16),
    /// A module of WebAssembly.
    Module,
}

/// The platforms that have runtimes. For others give the runtime itself.
pub static TARGETS: [Target; 4] = [
    Target {
        triple: "x86_64-unknown-linux-gnu",
        aliases: &[
            "x86_64-unknown-linux-musl",
            "x86_64-linux",
            "linux/amd64",
            "amd64",
            "x86_64",
        ],
        system: "linux",
        processor: "x86_64",
        format: Format::Elf(62),
        image_platform: ("amd64", None),
    },
    Target {
        triple: "aarch64-unknown-linux-gnu",
        aliases: &[
            "aarch64-unknown-linux-musl",
            "aarch64-linux",
            "linux/arm64",
            "arm64",
            "aarch64",
        ],
        system: "linux",
        processor: "aarch64",
        format: Format::Elf(183),
        image_platform: ("arm64", Some("v8")),
    },
    Target {
        triple: "riscv64gc-unknown-linux-gnu",
        aliases: &[
            "riscv64gc-unknown-linux-musl",
            "riscv64-linux",
            "linux/riscv64",
            "riscv64",
        ],
        system: "linux",
        processor: "riscv64",
        format: Format::Elf(243),
        image_platform: ("riscv64", None),
    },
    Target {
        triple: "wasm32-wasip1",
        aliases: &["wasm32-wasi", "wasm32", "wasm", "wasi/wasm", "wasi"],
        system: "wasi",
        processor: "wasm32",
        format: Format::Module,
        image_platform: ("wasm", None),
    },
];

/// What bundles that an installed runtime runs are built for: every platform.
pub(super) static ANY: Target = Target {
    triple: "any",
    aliases: &[],
    system: "any",
    processor: "any",
    // No executables are for it.
    format: Format::Elf(0),
    image_platform: ("any", None),
};

impl Target {
    /// The target of this name: a triple, another name, or `host`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Target> {
        if name == "host" {
            return Self::host();
        }
        TARGETS
            .iter()
            .find(|target| target.triple == name || target.aliases.contains(&name))
    }

    /// The platform semac itself runs on, if programs can be built for it.
    #[must_use]
    pub fn host() -> Option<&'static Target> {
        Self::named(HOST)
    }

    /// Whether it is the platform semac itself runs on.
    #[must_use]
    pub fn is_host(&self) -> bool {
        Self::host() == Some(self)
    }

    /// Whether programs for it are modules of WebAssembly, which have no processes, no threads and no network, and take
    /// no compiler.
    #[must_use]
    pub fn is_wasm(&self) -> bool {
        self.format == Format::Module
    }

    /// The highest tier that there are runtimes of.
    #[must_use]
    pub fn highest_tier(&self) -> Tier {
        if self.is_wasm() {
            Tier::Std
        } else {
            Tier::Full
        }
    }

    /// How names of executables end.
    #[must_use]
    pub fn suffix(&self) -> &'static str {
        if self.is_wasm() { ".wasm" } else { "" }
    }

    /// The platform of an executable file, by its header; `None` for anything but 64-bit ELF of one of [`TARGETS`] and modules
    /// of WebAssembly.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<&'static Target> {
        if sema_vfs::wasm::is_module(file) {
            return TARGETS.iter().find(|target| target.is_wasm());
        }
        if !file.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let machine: [u8; 2] = file.get(18..20)?.try_into().ok()?;
        let format = Format::Elf(u16::from_le_bytes(machine));
        TARGETS.iter().find(|target| target.format == format)
    }
}

/// Whether an executable has all that its tables name: segments and sections of ELF, sections of WebAssembly.
#[must_use]
pub fn is_whole(file: &[u8]) -> bool {
    if sema_vfs::wasm::is_module(file) {
        return is_whole_module(file.get(8..).unwrap_or_default());
    }
    let number = |at: usize, size: usize| -> Option<u64> {
        let bytes = file.get(at..at.checked_add(size)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let ends_within = |start: u64, length: u64| {
        let end = start.checked_add(length);
        end.is_some_and(|end| end <= file.len() as u64)
    };
    // From elf.h: Elf64_Ehdr, Elf64_Phdr.
    let tables = || {
        let (segments, sections) = (number(32, 8)?, number(40, 8)?);
        let (segment_size, segment_count) = (number(54, 2)?, number(56, 2)?);
        let (section_size, section_count) = (number(58, 2)?, number(60, 2)?);
        if !ends_within(segments, segment_size * segment_count)
            || sections != 0 && !ends_within(sections, section_size * section_count)
        {
            return None;
        }
        for index in 0..segment_count {
            let at = usize::try_from(segments + index * segment_size).ok()?;
            if !ends_within(number(at + 8, 8)?, number(at + 32, 8)?) {
                return None;
            }
        }
        Some(())
    };
    tables().is_some()
}

/// Whether the sections of a module end with it.
fn is_whole_module(mut sections: &[u8]) -> bool {
    while let Some((_, mut rest)) = sections.split_first() {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let Some((&byte, after)) = rest.split_first() else {
                return false;
            };
            rest = after;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 28 {
                break;
            }
        }
        let Some(after) = rest.get(length..) else {
            return false;
        };
        sections = after;
    }
    true
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
    fn names() {
        assert_eq!(Target::named("host").map(|host| host.triple), Some(HOST));
        for (name, processor) in [
            ("aarch64-unknown-linux-musl", "aarch64"),
            ("linux/amd64", "x86_64"),
            ("riscv64", "riscv64"),
            ("wasm32-wasi", "wasm32"),
        ] {
            assert_eq!(Target::named(name).unwrap().processor, processor);
        }
        assert_eq!(Target::named("amiga"), None);
    }

    #[test]
    fn every_name_is_one_targets() {
        let mut names: Vec<&str> = TARGETS
            .iter()
            .flat_map(|target| target.aliases.iter().chain([&target.triple]))
            .copied()
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn what_is_cut_off_is_noticed() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(is_whole(&this));
        for length in [this.len() - 1, this.len() / 2, 100, 64, 20] {
            assert!(!is_whole(&this[..length]), "{length}");
        }
        let module = b"\0asm\x01\0\0\0\x00\x03\x01ab\x01\x81\x00x";
        assert!(is_whole(module));
        assert!(!is_whole(&module[..module.len() - 1]) && !is_whole(&module[..11]));
    }

    #[test]
    fn headers() {
        assert_eq!(Target::of(&elf(183)).unwrap().processor, "aarch64");
        assert_eq!(Target::of(&elf(3)), None);
        assert_eq!(Target::of(b"\x7fELF\x02\x01"), None);
        assert_eq!(Target::of(b"#!/bin/sh\n"), None);
        assert_eq!(Target::of(b"\0asm\x01\0\0\0").unwrap().processor, "wasm32");
        assert_eq!(Target::of(b"\0asm\x0d\0\x01\0"), None, "a component");
    }
}
