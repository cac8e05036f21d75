//! On Linux the runtime is linked for a fixed address in every build: the archive of a program is
//! then one of its segments (`vfs/src/segment.rs`), in tests as in what ships. With the network, two functions of ring are replaced
//! (`src/base_point.rs`).

fn main() {
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        // Where the writer of programs puts the archive's address (`vfs/src/wasm.rs`).
        println!("cargo::rustc-link-arg-bins=--export=sema_archive");
        println!("cargo::rustc-link-arg-bins=-zstack-size={STACK}");
    }
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
        let processor = std::env::var("CARGO_CFG_TARGET_ARCH");
        let has_table = matches!(processor.as_deref(), Ok("x86_64" | "aarch64"));
        if has_table && std::env::var_os("CARGO_FEATURE_NET").is_some() {
            for function in ["base", "base_vartime"] {
                println!(
                    "cargo::rustc-link-arg-bins=-Wl,--wrap=ring_core_0_17_14__p256_point_mul_{function}"
                );
            }
        }
    }
}

/// Bytes of the stack of a module of WebAssembly, of which nothing is touched before it is used. What engines keep on stacks of
/// their own is bounded by them.
const STACK: u32 = 1 << 20;
