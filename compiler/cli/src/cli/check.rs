//! `semac check`: everything that is wrong, nothing built.

use super::arguments::{Check, Optimization};
use super::clock::Clock;
use super::count_text;
use semac_core::driver::{Surroundings, World};
use semac_core::front::expand::steps::DEFAULT_STEPS;

use super::failure::note;
use super::program::{self, Counts};

/// Optimisation finds no mistakes; leaving it out makes checking fast.
const NO_OPTIMIZATION: Optimization = Optimization {
    level: 0,
    macro_steps: DEFAULT_STEPS,
    stoppable: false,
    time_passes: false,
};

pub(super) fn execute(arguments: &Check) -> u8 {
    let clock = Clock::new(arguments.time_passes);
    let mut total = Counts::default();
    for file in &arguments.files {
        let surroundings = Surroundings::Runtime;
        let world = World::PROGRAM;
        let (result, counts) = program::check(
            file,
            &NO_OPTIMIZATION,
            &arguments.lints,
            surroundings,
            world,
            &clock,
        );
        if let Err(failure) = result {
            failure.show();
        }
        total.errors += counts.errors;
        total.warnings += counts.warnings;
    }
    clock.show();
    if total != Counts::default() {
        note(&format!(
            "\n{}, {}\n",
            count_text(total.errors, "error"),
            count_text(total.warnings, "warning")
        ));
    }
    let failed = total.errors > 0 || (arguments.lints.deny_warnings && total.warnings > 0);
    u8::from(failed)
}
