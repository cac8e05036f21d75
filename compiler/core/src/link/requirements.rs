//! What compiled modules ask of their runtime: the tier, and the builtins that ask for it.

use sema_format::Module;
use sema_format::decode::decode_at;
use sema_format::isa::Operand;
use sema_machine::host::native::{Capability, Tier};
use sema_natives::NATIVES;

use super::data_reader::called;
use crate::ir::Builtin;

/// A builtin that modules can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Its name.
    pub builtin: &'static str,
    /// The native that stands for it in modules.
    pub native: &'static str,
    /// The smallest tier that has it.
    pub tier: Tier,
    /// Whether it needs a POSIX system: [`Declaration::posix`](sema_machine::host::declaration::Declaration::posix).
    pub posix: bool,
    /// Where the program's own code first uses it: file, line, column. `None` if only the library
    /// does, or the module has no line tables.
    pub position: Option<(String, u32, u32)>,
}

/// What modules ask of their runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// The builtins, in the order in which the modules name them.
    pub builtins: Vec<Requirement>,
}

impl Requirement {
    /// What the builtin needs.
    pub fn capabilities(&self) -> Vec<Capability> {
        let native = NATIVES.find(self.builtin).map(|number| NATIVES.get(number));
        let all = native.map_or([Capability::None; 2], |native| native.capabilities);
        all.into_iter()
            .filter(|one| *one != Capability::None)
            .collect()
    }
}

impl Requirements {
    /// What these modules ask for. Names that this compiler does not know count for nothing.
    pub fn of<'m>(modules: impl IntoIterator<Item = &'m Module>) -> Requirements {
        let mut found = Requirements::default();
        for module in modules {
            for (index, name) in module.natives.iter().enumerate() {
                let Some(number) = NATIVES.find(name) else {
                    continue;
                };
                let native = NATIVES.get(number);
                let builtin = called(native.name);
                let known = found.builtins.iter().position(|b| b.builtin == builtin);
                let place = known.unwrap_or_else(|| {
                    found.builtins.push(Requirement {
                        builtin,
                        native: native.name,
                        tier: native.tier,
                        posix: Builtin::find(native.name)
                            .is_some_and(|builtin| builtin.facts().posix),
                        position: None,
                    });
                    found.builtins.len() - 1
                });
                if let Some(requirement) = found.builtins.get_mut(place)
                    && requirement.position.is_none()
                {
                    requirement.position = first_use(module, index);
                }
            }
        }
        found
    }

    /// The smallest tier that has them all.
    pub fn tier(&self) -> Tier {
        let tiers = self.builtins.iter().map(|builtin| builtin.tier);
        tiers.max().unwrap_or(Tier::Core)
    }

    /// The builtins that `tier` does not have, those of the highest tiers first.
    pub fn beyond(&self, tier: Tier) -> Vec<&Requirement> {
        let beyond = self.builtins.iter().filter(|builtin| builtin.tier > tier);
        let mut beyond: Vec<&Requirement> = beyond.collect();
        beyond.sort_by_key(|builtin| std::cmp::Reverse(builtin.tier));
        beyond
    }

    /// The builtins that need one of these capabilities.
    pub fn needing(&self, capabilities: &[Capability]) -> Vec<&Requirement> {
        let needs = |builtin: &&Requirement| {
            let number = NATIVES.find(builtin.builtin);
            let needed = number.map(|number| NATIVES.get(number).capabilities);
            needed.is_some_and(|needed| needed.iter().any(|one| capabilities.contains(one)))
        };
        self.builtins.iter().filter(needs).collect()
    }

    /// The capabilities of the builtins, each once, in ascending order.
    pub fn capabilities(&self) -> Vec<Capability> {
        let mut all: Vec<Capability> = self
            .builtins
            .iter()
            .flat_map(Requirement::capabilities)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Where code of the program itself first names a native.
fn first_use(module: &Module, native: usize) -> Option<(String, u32, u32)> {
    let own = module.functions.iter().filter(|function| !function.library);
    for function in own {
        let mut pc = 0;
        while let Ok(located) = decode_at(&function.code, pc) {
            let names_it = located.operands().any(|(_, operand, value)| {
                operand == Operand::Native && usize::try_from(value) == Ok(native)
            });
            if names_it {
                let line = function.lines.iter().rfind(|line| line.pc <= pc)?;
                let file = module.files.get(line.file as usize)?;
                return Some((file.clone(), line.line, line.column));
            }
            pc = located.next_pc();
        }
    }
    None
}
