//! Puts notices of licences into a runtime: `append_notices RUNTIME < NOTICES`.
//!
//! `make` does it once, when it has built a runtime. Programs get them with the runtime then.

use std::error::Error;
use std::io::{Read, Write};
use std::path::Path;

use sema_vfs::WriteError;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("usage: append_notices RUNTIME < NOTICES")?;
    let path = Path::new(&path);
    let mut notices = String::new();
    std::io::stdin().read_to_string(&mut notices)?;
    let runtime = sema_vfs::with_notices(&std::fs::read(path)?, &notices)?;
    sema_vfs::replace_file(path, true, |file| {
        file.write_all(&runtime).map_err(WriteError::Output)
    })?;
    Ok(())
}
