//! Puts the runtime executable that `semac build` appends programs to inside semac.
//!
//! `SEMAC_EMBED_RUNTIME` names the executable, as an absolute path (`make` sets it). Without it
//! `SEMAC_EMBED_COMPONENTS` names the list of what it is made of (`tools/components.py`). Without the executable
//! semac carries none and looks for `sema-rt` beside itself: that keeps `cargo test` independent of
//! the slow, fully optimised build of the runtime.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SEMAC_EMBED_RUNTIME");
    let runtime = match env::var_os("SEMAC_EMBED_RUNTIME").filter(|path| !path.is_empty()) {
        Some(path) => {
            let path = PathBuf::from(path);
            println!("cargo::rerun-if-changed={}", path.display());
            fs::read(&path)
                .map_err(|error| format!("SEMAC_EMBED_RUNTIME={}: {error}", path.display()))?
        }
        None => Vec::new(),
    };
    let directory = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(directory.join("runtime.bin"), runtime)?;
    println!("cargo::rerun-if-env-changed=SEMAC_EMBED_COMPONENTS");
    let components = match env::var_os("SEMAC_EMBED_COMPONENTS").filter(|path| !path.is_empty()) {
        Some(path) => {
            let path = PathBuf::from(path);
            println!("cargo::rerun-if-changed={}", path.display());
            fs::read(&path)
                .map_err(|error| format!("SEMAC_EMBED_COMPONENTS={}: {error}", path.display()))?
        }
        None => Vec::new(),
    };
    fs::write(directory.join("components.json"), components)?;
    println!("cargo::rustc-env=SEMAC_TARGET={}", env::var("TARGET")?);
    Ok(())
}
