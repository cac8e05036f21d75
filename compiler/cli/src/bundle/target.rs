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
    fn headers() {
        assert_eq!(Target::of(&elf(183)).unwrap().processor, "aarch64");
        assert_eq!(Target::of(&elf(3)), None);
        assert_eq!(Target::of(b"\x7fELF\x02\x01"), None);
        assert_eq!(Target::of(b"#!/bin/sh\n"), None);
        assert_eq!(Target::of(b"\0asm\x01\0\0\0").unwrap().processor, "wasm32");
        assert_eq!(Target::of(b"\0asm\x0d\0\x01\0"), None, "a component");
    }
}
