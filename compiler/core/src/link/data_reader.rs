//! Programs that will run without a compiler read data with a reader of their own, if they read any.

use sema_format::Module;

/// The builtins that ask the compiler to read, and those that read data without one.
const READERS: [(&str, &str); 4] = [
    ("read", "%read-datum"),
    ("read/string", "%read-string-datum"),
    ("read-many", "%read-data"),
    ("read/all", "%read-all-data"),
];

/// Lets modules use the readers that need no compiler. What they do not use does not come with them: the readers are
/// natives of tier std, and the runtime is chosen by the natives that modules name.
pub fn without_compiler(modules: &mut [Module]) {
    let natives = modules.iter_mut().flat_map(|module| &mut module.natives);
    for native in natives {
        if let Some((_, reader)) = READERS.iter().find(|(name, _)| name == native) {
            *native = (*reader).to_owned();
        }
    }
}

/// The builtin that a program has called, of which a native stands in its module.
pub fn called(native: &'static str) -> &'static str {
    let found = READERS.iter().find(|(_, reader)| *reader == native);
    found.map_or(native, |(name, _)| name)
}
