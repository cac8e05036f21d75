//! Multiples of the base point of P-256 are those that ring makes with its table.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![allow(unsafe_code, reason = "ring's functions are those of C")]

#[path = "../src/base_point.rs"]
mod base_point;

use base_point::{
    __wrap_ring_core_0_17_14__p256_point_mul_base,
    __wrap_ring_core_0_17_14__p256_point_mul_base_vartime,
};
use ring::digest::{SHA256, digest};

type Number = [u64; 4];
type Point = [Number; 3];
type Multiple = unsafe extern "C" fn(*mut u64, *const u64);

unsafe extern "C" {
    // Tests are linked without the option that replaces them.
    fn ring_core_0_17_14__p256_point_mul_base(product: *mut u64, scalar: *const u64);
    fn ring_core_0_17_14__p256_point_mul_base_vartime(product: *mut u64, scalar: *const u64);
    fn ring_core_0_17_14__p256_mul_mont(product: *mut u64, left: *const u64, right: *const u64);
}

/// The order of the curve.
const ORDER: Number = [
    0xf3b9_cac2_fc63_2551,
    0xbce6_faad_a717_9e84,
    0xffff_ffff_ffff_ffff,
    0xffff_ffff_0000_0000,
];

fn product(left: Number, right: Number) -> Number {
    let mut product = Number::default();
    // SAFETY: all have four limbs.
    unsafe {
        ring_core_0_17_14__p256_mul_mont(product.as_mut_ptr(), left.as_ptr(), right.as_ptr());
    }
    product
}

fn multiple(function: Multiple, scalar: Number) -> Point {
    let mut point = Point::default();
    // SAFETY: three numbers of four limbs, and one.
    unsafe { function(point.as_mut_ptr().cast(), scalar.as_ptr()) };
    point
}

/// Whether two points are the same: they are given as x/z², y/z³ and z.
fn is_same(one: Point, other: Point) -> bool {
    let [squared, other_squared] = [one, other].map(|point| product(point[2], point[2]));
    let [cubed, other_cubed] =
        [(one, squared), (other, other_squared)].map(|(point, squared)| product(point[2], squared));
    product(one[0], other_squared) == product(other[0], squared)
        && product(one[1], other_cubed) == product(other[1], cubed)
        && (one[2] == Number::default()) == (other[2] == Number::default())
}

#[test]
fn multiples_are_those_of_the_table() {
    // ring learns what the processor can do, which its functions in C go by.
    assert_eq!(digest(&SHA256, b"").as_ref().len(), 32);
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut scalars = vec![[1, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1 << 63]];
    // The largest, and its neighbours.
    scalars.extend((1..20).map(|less| [ORDER[0] - less, ORDER[1], ORDER[2], ORDER[3]]));
    // One bit each, and a few in a row.
    for bit in 0..255 {
        for bits in [1, 3, 31] {
            let mut scalar = Number::default();
            scalar[bit / 64] |= bits << (bit % 64);
            scalars.push(scalar);
        }
    }
    scalars.extend((0..2000).map(|_| [next(), next(), next(), next() >> 1]));
    for scalar in scalars {
        let pairs: [(Multiple, Multiple); 2] = [
            (
                ring_core_0_17_14__p256_point_mul_base,
                __wrap_ring_core_0_17_14__p256_point_mul_base,
            ),
            (
                ring_core_0_17_14__p256_point_mul_base_vartime,
                __wrap_ring_core_0_17_14__p256_point_mul_base_vartime,
            ),
        ];
        for (table, ours) in pairs {
            let [theirs, ours] = [table, ours].map(|function| multiple(function, scalar));
            assert!(is_same(theirs, ours), "{scalar:x?}");
        }
        let wrong = [scalar[0] ^ 1, scalar[1], scalar[2], scalar[3]];
        let [right, wrong] = [scalar, wrong].map(|scalar| multiple(pairs[0].1, scalar));
        assert!(!is_same(right, wrong), "{scalar:x?}");
    }
}
