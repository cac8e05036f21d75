//! The native functions of Sema, by tier: one folder a tier, one file and one table a family.
//!
//! The rooms, each of which uses those before it only: `table`, and the tiers `core`, `std`, `net`, `full`.
//!
//! The tiers are cargo features, each containing the lower ones. The machine
//! ([`sema_machine`]) gets [`NATIVES`], the table of the tier that this crate was built for, and
//! names none of its entries.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]
#![deny(unsafe_code)]

pub mod core;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "std")]
pub mod std;
mod table;

#[cfg(test)]
pub(crate) mod expression;
#[cfg(test)]
pub mod testing;

use sema_machine::host::native::{Native, Tier};
use sema_machine::host::natives::Natives;
use sema_machine::natives_of;

/// The tier that this crate was built for.
pub const TIER: Tier = if cfg!(feature = "full") {
    Tier::Full
} else if cfg!(feature = "net") {
    Tier::Net
} else if cfg!(feature = "std") {
    Tier::Std
} else {
    Tier::Core
};

/// All natives of the tier.
pub static NATIVES: Natives = natives_of!(TABLES);

/// The families of the tier, one table of each kind a family.
macro_rules! families {
    ($($(#[$only:meta])? $family:ident $(:: $inner:ident)*;)*) => {
        /// The tables of all families of the tier.
        static TABLES: &[&[Native]] = &[$($(#[$only])? $family$(::$inner)*::TABLE,)*];

        /// What all natives of the tier say about themselves.
        #[cfg(feature = "declarations")]
        pub static DECLARATIONS: &[&[sema_machine::host::declaration::Declaration]] =
            &[$($(#[$only])? $family$(::$inner)*::DECLARATIONS,)*];
    };
}

families! {
    core::control::dynamic;
    core::control::errors;
    core::control::forms;
    core::control::predicates;
    core::control::records;
    core::map::maps;
    core::number::bits;
    core::number::elementary;
    core::number::math;
    core::number::number_conversion;
    core::number::number_predicates;
    core::sequence::bytes;
    core::sequence::lists;
    core::sequence::lists::combine;
    core::sequence::lists::select;
    core::sequence::lists::statistics;
    core::sequence::mutable;
    core::sequence::shared;
    core::sequence::vectors;
    core::system::console;
    core::system::file_lines;
    core::system::files;
    core::system::log;
    core::system::memory;
    core::system::paths;
    core::system::streams;
    core::system::sys;
    core::system::time;
    core::task::channels;
    core::task::context;
    core::task::delays;
    core::task::tasks;
    core::text::chars;
    core::text::strings;
    core::text::strings_case;
    core::text::strings_convert;
    core::text::strings_normalize;
    core::text::strings_search;
    core::text::strings_width;
    #[cfg(feature = "std")]
    std::archive::gzip;
    #[cfg(feature = "std")]
    std::archive::tar;
    #[cfg(feature = "std")]
    std::archive::zip;
    #[cfg(feature = "std")]
    std::check;
    #[cfg(feature = "std")]
    std::crypto::base64;
    #[cfg(feature = "std")]
    std::crypto::hash;
    #[cfg(feature = "std")]
    std::crypto::hex;
    #[cfg(feature = "std")]
    std::crypto::random;
    #[cfg(feature = "std")]
    std::crypto::stream;
    #[cfg(feature = "std")]
    std::csv;
    #[cfg(feature = "std")]
    std::datetime;
    #[cfg(feature = "std")]
    std::diff;
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    std::events;
    #[cfg(feature = "std")]
    std::format;
    #[cfg(feature = "std")]
    std::html;
    #[cfg(feature = "std")]
    std::json;
    #[cfg(feature = "std")]
    std::kv;
    #[cfg(feature = "std")]
    std::markdown;
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    std::process::handles;
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    std::process::shell;
    #[cfg(feature = "std")]
    std::read;
    #[cfg(feature = "std")]
    std::regex;
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    std::signals;
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    std::terminal::keys;
    #[cfg(all(feature = "std", not(target_family = "wasm")))]
    std::terminal::mode;
    #[cfg(feature = "std")]
    std::terminal::progress;
    #[cfg(feature = "std")]
    std::terminal::screen;
    #[cfg(feature = "std")]
    std::terminal::spinner;
    #[cfg(feature = "std")]
    std::terminal::style;
    #[cfg(feature = "std")]
    std::text;
    #[cfg(feature = "std")]
    std::text::documents;
    #[cfg(feature = "std")]
    std::toml;
    #[cfg(feature = "std")]
    std::typed_arrays;
    #[cfg(feature = "net")]
    net::http::client;
    #[cfg(feature = "net")]
    net::http::client::upload;
    #[cfg(feature = "net")]
    net::http::escaping;
    #[cfg(feature = "net")]
    net::http::server;
    #[cfg(feature = "net")]
    net::http::server::respond;
    #[cfg(feature = "net")]
    net::http::server::responses;
    #[cfg(feature = "net")]
    net::http::server::router;
    #[cfg(feature = "net")]
    net::http::writing;
    #[cfg(feature = "net")]
    net::guard;
    #[cfg(feature = "net")]
    net::llm::request;
    #[cfg(feature = "net")]
    net::llm::events;
    #[cfg(feature = "net")]
    net::llm::state;
    #[cfg(feature = "net")]
    net::llm::tape;
    #[cfg(feature = "net")]
    net::llm::turns;
    #[cfg(feature = "net")]
    net::llm_values;
    #[cfg(feature = "net")]
    net::oauth;
    #[cfg(feature = "net")]
    net::llm_values::conversations;
    #[cfg(feature = "net")]
    net::llm_values::schema;
    #[cfg(feature = "net")]
    net::llm_values::tools;
    #[cfg(feature = "net")]
    net::websocket;
    #[cfg(feature = "net")]
    net::memory;
    #[cfg(feature = "net")]
    net::protocol;
    #[cfg(feature = "net")]
    net::telemetry;
    #[cfg(feature = "net")]
    net::vectors;
    #[cfg(feature = "net")]
    net::vectors::store;
}

#[cfg(all(test, feature = "declarations", feature = "std"))]
mod posix {
    use super::DECLARATIONS;

    /// What the runtimes for WebAssembly leave out (see `families!`) says so, so that the compiler knows.
    #[test]
    fn families_that_not_all_platforms_have_are_declared_so() {
        let left_out = [
            super::std::events::DECLARATIONS,
            super::std::process::handles::DECLARATIONS,
            super::std::process::shell::DECLARATIONS,
            super::std::signals::DECLARATIONS,
            super::std::terminal::keys::DECLARATIONS,
            super::std::terminal::mode::DECLARATIONS,
        ];
        let count = |tables: &[&[sema_machine::host::declaration::Declaration]]| {
            let all = tables.iter().copied().flatten();
            let names: Vec<_> = all.filter(|one| !one.posix).map(|one| one.name).collect();
            names
        };
        assert_eq!(count(&left_out), [""; 0]);
        assert!(
            DECLARATIONS
                .iter()
                .copied()
                .flatten()
                .any(|one| one.name == "sys/pid" && one.posix)
        );
    }
}

#[cfg(test)]
mod tests {
    use ::std::collections::HashMap;

    use super::NATIVES;

    #[test]
    fn every_name_is_declared_once_and_found() {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut problems = Vec::new();
        for (number, native) in NATIVES.all().iter().enumerate() {
            if let Some(first) = seen.insert(native.name, number) {
                problems.push(format!(
                    "`{}` is declared twice: {first}, {number}",
                    native.name
                ));
                continue;
            }
            match (NATIVES.find(native.name), native.alias_of) {
                (None, Some(original)) => problems.push(format!(
                    "`{}` is an alias of `{original}`, which does not exist",
                    native.name
                )),
                (Some(found), Some(original)) if NATIVES.find(original) != Some(found) => {
                    problems.push(format!("`{}` is not `{original}`", native.name));
                }
                (Some(found), None) if found as usize != number => {
                    problems.push(format!("`{}` is found as {found}", native.name));
                }
                (None, None) => problems.push(format!("`{}` is not found", native.name)),
                _ => {}
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }
}
