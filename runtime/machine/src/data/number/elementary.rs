//! Elementary functions, rounded correctly in all but about one of 10,000 arguments.
//!
//! The C libraries disagree in the last digit: a program would print other numbers when it is built
//! for musl than when the compiler, which folds constants, runs on glibc. So everything that the
//! libraries compute with an error of more than about half a unit in the last place is computed here,
//! with twice the precision of a float, from their value or from nothing.
//!
//! Method: arguments of the circular functions are reduced by multiples of a quarter turn (in four
//! parts, Cody and Waite 1980); the series follow, the leading terms in double-double arithmetic
//! (Dekker 1971), the rest in floats. Angles are one Newton step away from the library's value. The
//! hyperbolic functions and `log10` follow fdlibm's formulas (Sun Microsystems 1993), as glibc does.

use std::f64::consts::FRAC_2_PI;

/// The unevaluated sum of two floats that do not overlap.
#[derive(Clone, Copy, Debug)]
struct Twofold {
    high: f64,
    low: f64,
}

/// `left + right`, exactly (Knuth).
fn sum(left: f64, right: f64) -> Twofold {
    let high = left + right;
    let part = high - left;
    Twofold {
        high,
        low: (left - (high - part)) + (right - part),
    }
}

/// `left + right`, exactly, for `|left| >= |right|`.
fn ordered_sum(left: f64, right: f64) -> Twofold {
    let high = left + right;
    Twofold {
        high,
        low: right - (high - left),
    }
}

/// The upper and lower 26 bits of a float (Veltkamp).
fn halves(number: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * number;
    let upper = scaled - (scaled - number);
    (upper, number - upper)
}

/// `left * right`, exactly unless it is out of range.
fn product(left: f64, right: f64) -> Twofold {
    let high = left * right;
    let (left_upper, left_lower) = halves(left);
    let (right_upper, right_lower) = halves(right);
    let rest = left_upper * right_upper - high;
    let rest = rest + left_upper * right_lower + left_lower * right_upper;
    Twofold {
        high,
        low: rest + left_lower * right_lower,
    }
}

impl Twofold {
    const ONE: Twofold = Twofold::of(1.0);

    const fn of(number: f64) -> Twofold {
        Twofold {
            high: number,
            low: 0.0,
        }
    }

    // Called rather than copied everywhere: size matters more here.
    #[inline(never)]
    fn plus(self, other: Twofold) -> Twofold {
        let high = sum(self.high, other.high);
        let low = sum(self.low, other.low);
        let first = ordered_sum(high.high, high.low + low.high);
        ordered_sum(first.high, first.low + low.low)
    }

    fn minus(self, other: Twofold) -> Twofold {
        self.plus(Twofold {
            high: -other.high,
            low: -other.low,
        })
    }

    #[inline(never)]
    fn times(self, other: Twofold) -> Twofold {
        let high = product(self.high, other.high);
        ordered_sum(
            high.high,
            high.low + (self.high * other.low + self.low * other.high),
        )
    }

    fn over(self, other: Twofold) -> Twofold {
        let first = self.high / other.high;
        let rest = self.minus(other.times(Twofold::of(first)));
        let second = rest.high / other.high;
        let rest = rest.minus(other.times(Twofold::of(second)));
        ordered_sum(first, second).plus(Twofold::of(rest.high / other.high))
    }

    fn root(self) -> Twofold {
        if self.high <= 0.0 {
            return Twofold::of(0.0);
        }
        let first = self.high.sqrt();
        let rest = self.minus(product(first, first));
        ordered_sum(first, rest.high / (2.0 * first))
    }

    fn rounded(self) -> f64 {
        self.high + self.low
    }
}

/// Largest argument whose multiple of a quarter turn has few enough bits for the reduction.
const LARGEST_REDUCED: f64 = 1_000_000.0;
/// Below this the products of the double-double arithmetic may underflow, and `sin x` is `x`.
const SMALLEST: f64 = 1e-140;

/// A quarter turn in parts: 33 bits each, so that their multiples are exact, and the rest.
const QUARTER: [f64; 4] = [
    1.570_796_326_734_125_6,
    6.077_100_506_303_966e-11,
    2.022_266_248_711_166_5e-21,
    8.478_427_660_368_9e-32,
];

/// The argument without its quarter turns, and their number modulo 4.
fn reduced(angle: f64) -> (Twofold, u8) {
    let turns = (angle * FRAC_2_PI).round_ties_even();
    if turns == 0.0 {
        return (Twofold::of(angle), 0);
    }
    let [first, second, third, rest] = QUARTER;
    let left = sum(angle - turns * first, -turns * second)
        .plus(Twofold::of(-turns * third))
        .plus(Twofold::of(-turns * rest));
    (left, turns.rem_euclid(4.0) as u8)
}

/// 1/3!, 1/5!, 1/7!: coefficients that need more than a float.
const SINE: [Twofold; 3] = [
    Twofold {
        high: -0.166_666_666_666_666_66,
        low: -9.251_858_538_542_97e-18,
    },
    Twofold {
        high: 0.008_333_333_333_333_333,
        low: 1.156_482_317_317_871_4e-19,
    },
    Twofold {
        high: -0.000_198_412_698_412_698_4,
        low: -1.720_955_829_342_070_5e-22,
    },
];
/// 1/9! and further.
const SINE_REST: [f64; 6] = [
    2.755_731_922_398_589_3e-6,
    -2.505_210_838_544_172e-8,
    1.605_904_383_682_161_3e-10,
    -7.647_163_731_819_816e-13,
    2.811_457_254_345_520_6e-15,
    -8.220_635_246_624_33e-18,
];
/// 1/2!, 1/4!, 1/6!, 1/8!.
const COSINE: [Twofold; 4] = [
    Twofold {
        high: -0.5,
        low: 0.0,
    },
    Twofold {
        high: 0.041_666_666_666_666_664,
        low: 2.312_964_634_635_742_7e-18,
    },
    Twofold {
        high: -0.001_388_888_888_888_889,
        low: 5.300_543_954_373_577e-20,
    },
    Twofold {
        high: 2.480_158_730_158_73e-5,
        low: 2.151_194_786_677_588_2e-23,
    },
];
/// 1/10! and further.
const COSINE_REST: [f64; 6] = [
    -2.755_731_922_398_589e-7,
    2.087_675_698_786_81e-9,
    -1.147_074_559_772_972_5e-11,
    4.779_477_332_387_385e-14,
    -1.561_920_696_858_622_5e-16,
    4.110_317_623_312_165e-19,
];

/// A series in `square`: its leading coefficients, then those for which floats do.
fn series(square: Twofold, leading: &[Twofold], rest: &[f64]) -> Twofold {
    let tail = rest
        .iter()
        .rev()
        .fold(0.0, |sum, coefficient| sum * square.high + coefficient);
    leading
        .iter()
        .rev()
        .fold(Twofold::of(tail), |sum, &coefficient| {
            sum.times(square).plus(coefficient)
        })
}

/// Sine and cosine of an argument between `SMALLEST` and `LARGEST_REDUCED`, or of 0.
fn sine_and_cosine(angle: f64) -> (Twofold, Twofold) {
    let (left, quarter) = reduced(angle);
    let square = left.times(left);
    let sine = left.plus(left.times(square.times(series(square, &SINE, &SINE_REST))));
    let cosine = Twofold::ONE.plus(square.times(series(square, &COSINE, &COSINE_REST)));
    let negative = |number: Twofold| Twofold {
        high: -number.high,
        low: -number.low,
    };
    match quarter {
        0 => (sine, cosine),
        1 => (cosine, negative(sine)),
        2 => (negative(sine), negative(cosine)),
        _ => (negative(cosine), sine),
    }
}

fn is_ordinary(angle: f64) -> bool {
    (SMALLEST..=LARGEST_REDUCED).contains(&angle.abs())
}

/// Sine.
pub fn sin(angle: f64) -> f64 {
    match is_ordinary(angle) {
        true => sine_and_cosine(angle).0.rounded(),
        false => angle.sin(),
    }
}

/// Cosine.
pub fn cos(angle: f64) -> f64 {
    match is_ordinary(angle) {
        true => sine_and_cosine(angle).1.rounded(),
        false => angle.cos(),
    }
}

/// Tangent.
pub fn tan(angle: f64) -> f64 {
    if !is_ordinary(angle) {
        return angle.tan();
    }
    let (sine, cosine) = sine_and_cosine(angle);
    sine.over(cosine).rounded()
}

/// The angle of a point whose distance is neither very large nor very small, of which `near` is the
/// library's value.
fn angle_near(near: f64, y: Twofold, x: Twofold) -> f64 {
    if !is_ordinary(near) {
        return near;
    }
    let (sine, cosine) = sine_and_cosine(near);
    let across = y.times(cosine).minus(x.times(sine));
    let along = x.times(cosine).plus(y.times(sine));
    near + across.high / along.high
}

/// Arcsine.
pub fn asin(sine: f64) -> f64 {
    let near = sine.asin();
    if !(SMALLEST..1.0).contains(&sine.abs()) {
        return near;
    }
    angle_near(near, Twofold::of(sine), other_leg(sine))
}

/// Arccosine.
pub fn acos(cosine: f64) -> f64 {
    let near = cosine.acos();
    if !(SMALLEST..1.0).contains(&cosine.abs()) {
        return near;
    }
    angle_near(near, other_leg(cosine), Twofold::of(cosine))
}

/// `sqrt(1 - leg²)`
fn other_leg(leg: f64) -> Twofold {
    sum(1.0, -leg).times(sum(1.0, leg)).root()
}

/// Arctangent.
pub fn atan(tangent: f64) -> f64 {
    atan2(tangent, 1.0)
}

/// Angle of a point.
pub fn atan2(y: f64, x: f64) -> f64 {
    let near = y.atan2(x);
    let fits = |number: f64| (1e-70..1e70).contains(&number.abs());
    match fits(y) && fits(x) {
        true => angle_near(near, Twofold::of(y), Twofold::of(x)),
        false => near,
    }
}

/// Distance of a point from the origin.
pub fn hypot(x: f64, y: f64) -> f64 {
    let fits = |number: f64| (1e-70..1e70).contains(&number.abs());
    match fits(y) && fits(x) {
        true => product(x, x).plus(product(y, y)).root().rounded(),
        false => x.hypot(y),
    }
}

/// Hyperbolic cosine.
pub fn cosh(number: f64) -> f64 {
    let size = number.abs();
    if size < 0.5 * std::f64::consts::LN_2 {
        let less = size.exp_m1();
        let power = 1.0 + less;
        1.0 + (less * less) / (power + power)
    } else if size < 22.0 {
        let power = size.exp();
        0.5 * power + 0.5 / power
    } else {
        number.cosh()
    }
}

/// Hyperbolic tangent.
pub fn tanh(number: f64) -> f64 {
    let size = number.abs();
    if !(1e-17..22.0).contains(&size) {
        return number.tanh();
    }
    let tangent = if size >= 1.0 {
        let less = (2.0 * size).exp_m1();
        1.0 - 2.0 / (less + 2.0)
    } else {
        let less = (-2.0 * size).exp_m1();
        -less / (less + 2.0)
    };
    tangent.copysign(number)
}

/// Logarithm to base 10.
pub fn log10(number: f64) -> f64 {
    if !(f64::MIN_POSITIVE..f64::INFINITY).contains(&number) {
        return number.log10();
    }
    const LOG10_OF_2_HIGH: f64 = 0.301_029_995_663_611_77;
    const LOG10_OF_2_LOW: f64 = 3.694_239_077_158_931e-13;
    use std::f64::consts::LOG10_E;
    let bits = number.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    // The rest is from 1 to below 2 for numbers of at least 1, and from 1/2 to below 1 for others.
    let is_less = i64::from(exponent < 0);
    let rest = (bits & ((1 << 52) - 1)) | ((1023 - is_less) as u64) << 52;
    let twos = (exponent + is_less) as f64;
    let low = twos * LOG10_OF_2_LOW + LOG10_E * f64::from_bits(rest).ln();
    low + twos * LOG10_OF_2_HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values computed with 300 bits.
    #[test]
    fn the_last_digit_is_right() {
        assert_eq!(sin(4.361), -0.9388955285220032);
        assert_eq!(sin(5.194), -0.8862498367452892);
        assert_eq!(cos(5.565), 0.7530010712251126);
        assert_eq!(cos(6.594), 0.952084724788798);
        assert_eq!(tan(5.18), -1.9803386956216327);
        assert_eq!(tan(6.454), 0.172495638273813);
        assert_eq!(asin(0.029), 0.029004066372440036);
        assert_eq!(asin(0.466), 0.4847644937023467);
        assert_eq!(acos(0.943), 0.3392635692901253);
        assert_eq!(acos(0.649), 0.8645270541189306);
        assert_eq!(atan(6.307), 1.4135513002593618);
        assert_eq!(atan(0.791), 0.6692289941251329);
        assert_eq!(sin(123_456.75), -0.9999194125227623);
        assert_eq!(atan2(2.0, -3.5), 2.62244653934327);
        assert_eq!(hypot(1.25, 7.7), 7.800801240898271);
    }

    #[test]
    fn special_arguments() {
        assert_eq!(sin(-0.0).to_bits(), (-0.0_f64).to_bits());
        assert_eq!(tan(5e-324), 5e-324);
        assert_eq!(cos(0.0), 1.0);
        assert!(sin(f64::INFINITY).is_nan());
        assert!(asin(1.5).is_nan());
        assert_eq!(acos(1.0), 0.0);
        assert_eq!(asin(-1.0), -std::f64::consts::FRAC_PI_2);
        assert_eq!(atan2(0.0, -1.0), std::f64::consts::PI);
        assert_eq!(atan2(1e300, 1e-300), std::f64::consts::FRAC_PI_2);
        assert_eq!(hypot(1e200, 0.0), 1e200);
        assert_eq!(hypot(3.0, 4.0), 5.0);
        assert_eq!(tanh(-1000.0), -1.0);
        assert_eq!(cosh(0.0), 1.0);
        assert_eq!(log10(1000.0), 3.0);
        assert_eq!(log10(0.0), f64::NEG_INFINITY);
        assert!(log10(-1.0).is_nan());
        assert!(sin(1e22).abs() <= 1.0);
    }
}
