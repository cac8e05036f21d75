//! `memcpy`, `memmove`, `memset` and `memcmp` of runtime executables that are linked with musl, whose
//! own are written for size: `rep movsq` costs 15 to 20 ns however short the block, and comparisons go
//! byte by byte. Blocks of 40 to 300 bytes (nodes of maps, strings, numbers) are what this runtime
//! copies all the time (docs/adr/0008-memory-functions.md).
//!
//! They are written in assembly because a compiler may turn a loop of a `memcpy` written in Rust
//! into a call of `memcpy`. Where the linker needs one of the four names it finds these before the C
//! library's.

#[cfg(all(target_arch = "x86_64", target_env = "musl"))]
std::arch::global_asm!(
    include_str!("memcpy/x86_64.s"),
    ".globl memcpy",
    ".globl memmove",
    ".globl memset",
    ".globl memcmp",
    ".globl bcmp",
    ".set memcpy, sema_memcpy",
    ".set memmove, sema_memmove",
    ".set memset, sema_memset",
    ".set memcmp, sema_memcmp",
    ".set bcmp, sema_memcmp",
);

// Tests look at them under their own names, whatever the C library.
#[cfg(all(
    test,
    target_arch = "x86_64",
    target_os = "linux",
    not(target_env = "musl")
))]
std::arch::global_asm!(include_str!("memcpy/x86_64.s"));

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use std::cmp::Ordering;

    unsafe extern "C" {
        fn sema_memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
        fn sema_memset(to: *mut u8, byte: i32, bytes: usize) -> *mut u8;
        fn sema_memcmp(a: *const u8, b: *const u8, bytes: usize) -> i32;
    }

    /// Lengths around every distinction that the code makes.
    fn lengths() -> impl Iterator<Item = usize> {
        (0..300).chain([
            511, 512, 1000, 2047, 2048, 2049, 2063, 4095, 4096, 4097, 4111, 9001,
        ])
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 31 + i / 251) as u8).collect()
    }

    #[test]
    fn copies_exactly_whatever_the_overlap() {
        for length in lengths() {
            for (from, to) in [
                (64, 64),
                (64, 65),
                (64, 71),
                (70, 64),
                (64, 128),
                (200, 7),
                (3, 290),
            ] {
                let mut block = pattern(length + 400);
                let mut expected = block.clone();
                expected.copy_within(from..from + length, to);
                // SAFETY: both ranges lie in the block.
                unsafe {
                    let start = block.as_mut_ptr();
                    let given = sema_memmove(start.add(to), start.add(from), length);
                    assert_eq!(given, start.add(to));
                }
                assert!(block == expected, "{length} from {from} to {to}");
            }
            let source = pattern(length);
            let mut target = vec![0xEE; length + 32];
            // SAFETY: the target has 16 bytes more on each side.
            unsafe { sema_memmove(target.as_mut_ptr().add(16), source.as_ptr(), length) };
            assert!(target[16..16 + length] == source[..]);
            assert!(
                target[..16]
                    .iter()
                    .chain(&target[16 + length..])
                    .all(|&byte| byte == 0xEE)
            );
        }
    }

    #[test]
    fn fills_exactly() {
        for length in lengths() {
            let mut block = vec![0xEE; length + 32];
            // SAFETY: the block has 16 bytes more on each side.
            let given = unsafe { sema_memset(block.as_mut_ptr().add(16), 0x1A5, length) };
            assert_eq!(given, block[16..].as_mut_ptr());
            assert!(
                block[16..16 + length].iter().all(|&byte| byte == 0xA5),
                "{length}"
            );
            assert!(
                block[..16]
                    .iter()
                    .chain(&block[16 + length..])
                    .all(|&byte| byte == 0xEE)
            );
        }
    }

    #[test]
    fn compares_the_first_difference() {
        for length in (0..70).chain([127, 128, 129, 1000]) {
            let a = pattern(length);
            // SAFETY: both have that many bytes.
            let compare = |b: &[u8]| unsafe { sema_memcmp(a.as_ptr(), b.as_ptr(), length) }.cmp(&0);
            assert_eq!(compare(&a.clone()), Ordering::Equal);
            for at in 0..length {
                for change in [1u8, 0x80, 0xFF] {
                    let mut b = a.clone();
                    b[at] = b[at].wrapping_add(change);
                    // What follows the first difference does not matter.
                    if let Some(last) = b.last_mut().filter(|_| at + 1 < length) {
                        *last = last.wrapping_add(0x7F);
                    }
                    assert_eq!(compare(&b), a.cmp(&b), "{length} at {at}");
                }
            }
        }
    }
}
