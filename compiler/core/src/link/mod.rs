//! From units to what runs: the units of a program become one, and the library's functions that it uses
//! are added.
//!
//! - [`visible`] says whether code of run time can see the modules of a program: then they stay apart
//! - [`order`] decides where the code of each module runs
//! - [`aliases`] finds imported names that mean nothing but a global of the module they come from
//! - [`merge`] makes one unit of all
//! - [`library`] adds the part of the standard library that is written in Sema, which [`definitions`] lowers
//! - [`data_reader`] gives programs that run without a compiler their own reader of data
//! - [`reads`] is which files the program reads under literal names
//! - [`service`] adds what the command line asks for: a server of the program's tools, a tape for its calls of models
//! - [`prices`] adds the prices of models where they are asked for
//! - [`reach`] shows the path of calls by which a program gets somewhere
//! - [`requirements`] is what the program asks of its runtime

mod aliases;
pub mod data_reader;
mod definitions;
pub mod library;
mod merge;
mod order;
pub mod prices;
pub mod reach;
pub mod reads;
pub mod requirements;
pub mod service;
pub mod shown;
mod visible;

use crate::hashing::HashMap;
use std::rc::Rc;

use crate::front::datum::Interner;
use crate::ir::{GlobalId, Unit};

/// What a program is linked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A program that runs: of its entry stay the exports that it lists.
    Program,
    /// A module that others import: what its entry exports stays, listed or not.
    Library,
}

/// Merges the units of a program, of which the last is the entry and the others come before those that
/// import them as far as there is no cycle. Gives one unit, or the units as they are if code of run time can
/// see them.
///
/// Calls in tail position must be marked ([`crate::middle::frames::mark`]).
pub fn close(units: Vec<Unit>, output: Output, interner: &mut Interner) -> Vec<Unit> {
    if visible::at_run_time(&units) {
        return units;
    }
    let world = World { units, output };
    match order::places(&world) {
        Some(places) => {
            let aliases = aliases::find(&world);
            vec![merge::merge(world, &places, &aliases, interner)]
        }
        None => world.units,
    }
}

/// The units that are merged.
struct World {
    units: Vec<Unit>,
    output: Output,
}

/// A global of one of the units.
type Name = (usize, GlobalId);

impl World {
    /// The number of the entry.
    fn entry(&self) -> usize {
        self.units.len().saturating_sub(1)
    }

    /// Numbers of the units by their keys.
    fn numbers(&self) -> HashMap<Rc<str>, usize> {
        let units = self.units.iter().enumerate();
        units
            .map(|(number, unit)| (unit.name.clone(), number))
            .collect()
    }

    /// For each unit, the numbers of the units that its imports mean; `None` if one is missing.
    fn imports(&self) -> Option<Vec<Vec<usize>>> {
        let numbers = self.numbers();
        let units = self.units.iter();
        let each = units.map(|unit| {
            let imports = unit.imports.iter();
            imports
                .map(|import| numbers.get(&import.module).copied())
                .collect()
        });
        each.collect()
    }
}

/// The globals that units export, by name.
fn exports(units: &[Unit]) -> Vec<HashMap<Rc<str>, GlobalId>> {
    let each = units.iter().map(|unit| {
        let mut exports = HashMap::default();
        for (name, global, _) in unit.all_exports() {
            exports.entry(name).or_insert(global);
        }
        exports
    });
    each.collect()
}
