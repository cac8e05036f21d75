//! Multiples of the base point of P-256 without a table.
//!
//! ring brings a table of 152 KB for them on x86-64 and AArch64, which is a thirtieth of a runtime and no feature leaves out. Its
//! function for multiples of any point needs none, takes constant time as well, and gives the same point. So the linker is told
//! (`build.rs`) to let calls of the one come here, and drops the table, which nobody names any more. A signature or its
//! check takes some 30 us longer, and there is one for a handshake (docs/adr/0015-network.md).
//!
//! A release of ring with other names is heard: the link fails.

/// A part of a number, the lowest first.
type Limb = u64;

/// The base point, as ring has its numbers: times 2^256, modulo the prime of the curve.
const X: [Limb; 4] = [
    0x79e7_30d4_18a9_143c,
    0x75ba_95fc_5fed_b601,
    0x79fb_732b_7762_2510,
    0x1890_5f76_a537_55c6,
];
const Y: [Limb; 4] = [
    0xddf2_5357_ce95_560a,
    0x8b4a_b8e4_ba19_e45c,
    0xd2e8_8688_dd21_f325,
    0x8571_ff18_2588_5d85,
];

unsafe extern "C" {
    fn ring_core_0_17_14__p256_point_mul(
        product: *mut Limb,
        scalar: *const Limb,
        x: *const Limb,
        y: *const Limb,
    );
}

/// Puts `scalar` (four limbs) times the base point into `product` (three numbers of four limbs).
///
/// # Safety
/// Both must be valid for as many limbs, as those of ring's function are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_ring_core_0_17_14__p256_point_mul_base(
    product: *mut Limb,
    scalar: *const Limb,
) {
    // SAFETY: the caller's pointers are valid, as ring's own function demands, and so are those of the constants.
    unsafe { ring_core_0_17_14__p256_point_mul(product, scalar, X.as_ptr(), Y.as_ptr()) }
}

/// The same for a scalar that is no secret.
///
/// # Safety
/// As above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __wrap_ring_core_0_17_14__p256_point_mul_base_vartime(
    product: *mut Limb,
    scalar: *const Limb,
) {
    // SAFETY: as above.
    unsafe { ring_core_0_17_14__p256_point_mul(product, scalar, X.as_ptr(), Y.as_ptr()) }
}
