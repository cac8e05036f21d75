//! On Linux the runtime is linked for a fixed address in every build: the archive of a program is
//! then one of its segments (`vfs/src/segment.rs`), in tests as in what ships.

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
