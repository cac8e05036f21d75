//! The native functions of Sema, by tier: one folder a tier, one file and one table a family.
//!
//! The tiers are cargo features, each containing the lower ones. The machine
//! ([`sema_machine`]) gets [`NATIVES`], the table of the tier that this crate was built for, and
//! names none of its entries.

pub mod core;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "std")]
pub mod std;

#[cfg(test)]
pub(crate) mod expression;
#[cfg(test)]
pub mod testing;

use sema_machine::host::native::Native;
use sema_machine::host::natives::Natives;
use sema_machine::natives_of;

/// All natives of the tier.
pub static NATIVES: Natives = natives_of!(TABLES);

/// The tables of all families of the tier.
static TABLES: &[&[Native]] = &[
    core::control::dynamic::TABLE,
    core::control::errors::TABLE,
    core::control::forms::TABLE,
    core::control::predicates::TABLE,
    core::control::records::TABLE,
    core::map::maps::TABLE,
    core::number::bits::TABLE,
    core::number::elementary::TABLE,
    core::number::math::TABLE,
    core::number::number_conversion::TABLE,
    core::number::number_predicates::TABLE,
    core::sequence::bytes::TABLE,
    core::sequence::lists::TABLE,
    core::sequence::lists::combine::TABLE,
    core::sequence::lists::select::TABLE,
    core::sequence::lists::statistics::TABLE,
    core::sequence::mutable::TABLE,
    core::sequence::shared::TABLE,
    core::sequence::vectors::TABLE,
    core::system::console::TABLE,
    core::system::file_lines::TABLE,
    core::system::files::TABLE,
    core::system::log::TABLE,
    core::system::memory::TABLE,
    core::system::paths::TABLE,
    core::system::streams::TABLE,
    core::system::system::TABLE,
    core::system::time::TABLE,
    core::task::channels::TABLE,
    core::task::context::TABLE,
    core::task::delays::TABLE,
    core::task::tasks::TABLE,
    core::text::chars::TABLE,
    core::text::strings::TABLE,
    core::text::strings_case::TABLE,
    core::text::strings_convert::TABLE,
    core::text::strings_normalize::TABLE,
    core::text::strings_search::TABLE,
    core::text::strings_width::TABLE,
    #[cfg(feature = "std")]
    std::typed_arrays::TABLE,
    #[cfg(feature = "net")]
    net::llm_values::TABLE,
    #[cfg(feature = "net")]
    net::llm_values::conversations::TABLE,
    #[cfg(feature = "net")]
    net::llm_values::tools::TABLE,
];

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
