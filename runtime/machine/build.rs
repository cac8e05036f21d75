//! Chooses how the VM goes from one instruction to the next.
//!
//! Optimised builds thread: each handler ends in a call of the next one, which LLVM turns into a
//! jump (a sibling call: same signature, nothing left to drop). Unoptimised builds would grow the
//! machine stack with every instruction, so their handlers return to a loop. The torture test in
//! `compiler/core/tests/dispatch.rs` runs every kind of instruction many times on a small stack; `make tail-calls`
//! runs it optimised. WebAssembly has such jumps with the feature `tail-call` alone.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(sema_threaded)");
    println!("cargo::rerun-if-env-changed=OPT_LEVEL");
    let optimised = matches!(
        std::env::var("OPT_LEVEL").as_deref(),
        Ok("2" | "3" | "s" | "z")
    );
    // WebAssembly has jumps from function to function only with a feature that not every engine has (docs/adr/0031).
    let is_wasm = std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm");
    let features = std::env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let has_jumps = !is_wasm || features.split(',').any(|feature| feature == "tail-call");
    if optimised && has_jumps {
        println!("cargo::rustc-cfg=sema_threaded");
    }
}
