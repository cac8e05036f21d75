//! Prepares the part of the standard library that is written in Sema: reads the declarations of its
//! functions and notes where each function stands, so that the compiler reads and lowers only what a program
//! reaches.

#[path = "build/library.rs"]
mod library;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/library.rs");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets it")?);
    let folder = here.join(library::FOLDER);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "sema") {
            let name = path.file_name().unwrap_or_default();
            let name = name.to_str().ok_or("names of files are UTF-8")?.to_owned();
            println!("cargo::rerun-if-changed={}", path.display());
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    // The order in which the system lists a folder is no input.
    files.sort();
    let prepared = library::read(&files)?.to_rust();
    let output = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(output.join("library.rs"), prepared)?;
    Ok(())
}
