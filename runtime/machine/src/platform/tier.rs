//! The tiers of runtimes.

/// The smallest runtime that has a native. Each tier has the natives of the lower ones too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tier {
    /// Data, control, console, files, time, tasks.
    Core,
    /// What text, data, file, process and terminal programs need beyond that.
    Std,
    /// The network, language models and what they exchange.
    Net,
    /// The rest: databases, documents, devices.
    Full,
}

impl Tier {
    /// All tiers, the smallest first.
    pub const ALL: [Tier; 4] = [Tier::Core, Tier::Std, Tier::Net, Tier::Full];

    /// Its name on the command line and in names of files.
    pub const fn name(self) -> &'static str {
        match self {
            Tier::Core => "core",
            Tier::Std => "std",
            Tier::Net => "net",
            Tier::Full => "full",
        }
    }

    /// The tier of this name.
    pub fn named(name: &str) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| tier.name() == name)
    }

    /// The tier with this number, as in the note of a runtime.
    pub fn numbered(number: u32) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| *tier as u32 == number)
    }
}
