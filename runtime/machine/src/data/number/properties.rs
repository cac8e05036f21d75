//! Laws of arithmetic, checked on numbers of all kinds and sizes.

use std::cmp::Ordering;

use super::*;
use crate::host::output::Output;

/// A generator of numbers; the sequence is fixed, so a failure can be repeated.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// An integer whose number of bits is spread over all representations.
    fn integer(&mut self, host: &Host) -> Value {
        let heap = &host.heap;
        let limits = [
            0,
            1,
            -1,
            crate::memory::value::FIXNUM_MAX,
            crate::memory::value::FIXNUM_MIN,
            i64::MAX,
            i64::MIN,
        ];
        match self.next() % 8 {
            0 => heap.int(limits[self.next() as usize % limits.len()]),
            1 | 2 => heap.int(self.next() as i64 % 100),
            3 | 4 => heap.int(self.next() as i64 >> (self.next() % 64)),
            _ => {
                let (high, low) = (heap.int(self.next() as i64), heap.int(self.next() as i64));
                let shift = self.next() % 300;
                let shifted = integer::shift_left(heap, high, shift).ok().unwrap();
                integer::add(heap, shifted, low)
            }
        }
    }

    fn exact(&mut self, host: &Host) -> Value {
        let numerator = self.integer(host);
        let denominator = self.integer(host);
        if self.next().is_multiple_of(2) || is_exact_zero(denominator) {
            return numerator;
        }
        ratio::make(&host.heap, numerator, denominator)
    }

    fn number(&mut self, host: &Host) -> Value {
        let real = self.exact(host);
        if self.next().is_multiple_of(3) {
            return complex::make(&host.heap, real, self.exact(host));
        }
        real
    }

    fn float(&mut self) -> f64 {
        loop {
            let float = match self.next() % 3 {
                0 => f64::from_bits(self.next()),
                1 => (self.next() as i64 >> (self.next() % 64)) as f64,
                _ => (self.next() as i32 as f64) / 64.0,
            };
            if float.is_finite() {
                return float;
            }
        }
    }
}

fn host() -> Host {
    Host::new(Output::memory(), &crate::host::natives::Natives::NONE)
}

fn text(host: &Host, number: Value) -> String {
    let mut text = String::new();
    write_number(&host.heap, number, &mut text);
    text
}

/// Value of a result that must not be an error.
fn ok(outcome: Outcome) -> Value {
    outcome.ok().unwrap()
}

fn assert_same(host: &Host, a: Value, b: Value) {
    assert!(
        equal(&host.heap, a, b),
        "{} and {}",
        text(host, a),
        text(host, b)
    );
    assert_eq!(hash(&host.heap, a), hash(&host.heap, b));
    assert_eq!(order(&host.heap, a, b), Ordering::Equal);
}

#[test]
fn exact_numbers_are_a_field() {
    let host = &host();
    let mut generator = Generator(0x1234_5678_9ABC_DEF1);
    for _ in 0..4000 {
        let (a, b, c) = (
            generator.number(host),
            generator.number(host),
            generator.number(host),
        );
        let sum = |x, y| ok(add(host, x, y));
        let product = |x, y| ok(multiply(host, x, y));
        assert_same(host, sum(a, b), sum(b, a));
        assert_same(host, product(a, b), product(b, a));
        assert_same(host, sum(sum(a, b), c), sum(a, sum(b, c)));
        assert_same(host, product(product(a, b), c), product(a, product(b, c)));
        assert_same(
            host,
            product(a, sum(b, c)),
            sum(product(a, b), product(a, c)),
        );
        assert_same(host, ok(subtract(host, sum(a, b), b)), a);
        assert_same(host, sum(a, ok(negate(host, a))), Value::small(0));
        if !is_exact_zero(b) {
            assert_same(host, ok(divide(host, product(a, b), b)), a);
            assert_same(host, product(ok(divide(host, a, b)), b), a);
        }
    }
}

#[test]
fn division_identity() {
    let host = &host();
    let heap = &host.heap;
    let mut generator = Generator(0xDEAD_BEEF_0BAD_F00D);
    for _ in 0..10_000 {
        let (a, b) = (generator.integer(host), generator.integer(host));
        if is_exact_zero(b) {
            continue;
        }
        let (quotient, remainder) = (ok(quotient(host, a, b)), ok(remainder(host, a, b)));
        let product = ok(multiply(host, quotient, b));
        assert_same(host, ok(add(host, product, remainder)), a);
        let magnitude = |value| integer::absolute(heap, value);
        assert!(integer::compare(heap, magnitude(remainder), magnitude(b)).is_lt());
        assert!([0, integer::sign(heap, a)].contains(&integer::sign(heap, remainder)));

        let modulo = ok(modulo(host, a, b));
        assert!(integer::compare(heap, magnitude(modulo), magnitude(b)).is_lt());
        assert!([0, integer::sign(heap, b)].contains(&integer::sign(heap, modulo)));
        let difference = integer::subtract(heap, a, modulo);
        assert_same(
            host,
            integer::remainder(heap, difference, b),
            Value::small(0),
        );

        let floor = ok(ratio::round(
            heap,
            ratio::make(heap, a, b),
            ratio::Rounding::Floor,
        ));
        assert_same(host, ok(add(host, ok(multiply(host, floor, b)), modulo)), a);
    }
}

#[test]
fn common_divisors() {
    let host = &host();
    let heap = &host.heap;
    let mut generator = Generator(77);
    for _ in 0..3000 {
        let (a, b) = (generator.integer(host), generator.integer(host));
        let divisor = integer::gcd(heap, a, b);
        assert_same(
            host,
            divisor,
            heap.bigint(&num_integer::Integer::gcd(
                &integer::big(heap, a),
                &integer::big(heap, b),
            )),
        );
    }
}

#[test]
fn text_reads_back() {
    let host = &host();
    let mut generator = Generator(0xFEED_5EED);
    for _ in 0..5000 {
        let exact = generator.number(host);
        let read = text::parse(&host.heap, &text(host, exact), 10).unwrap();
        assert_same(host, read, exact);
        let float = Value::float(generator.float());
        let read = text::parse(&host.heap, &text(host, float), 10).unwrap();
        assert_eq!(read.bits(), float.bits());
        let integer = generator.integer(host);
        for radix in [2, 8, 10, 16] {
            let digits = integer::radix_text(&host.heap, integer, radix);
            assert_same(
                host,
                text::parse(&host.heap, &digits, radix).unwrap(),
                integer,
            );
        }
    }
}

#[test]
fn floats_convert_exactly_and_back() {
    let host = &host();
    let heap = &host.heap;
    let mut generator = Generator(0xABCD_EF01);
    for _ in 0..10_000 {
        let float = generator.float();
        let exact = ratio::from_float(heap, float);
        assert_eq!(to_float(heap, exact), float);
        assert!(same_value(heap, exact, Value::float(float)));
        // A little more or less is still nearest to the same double, but not equal to it.
        let tiny = ratio::make(
            heap,
            Value::small(1),
            ok(integer::shift_left(heap, Value::small(1), 1200)),
        );
        for (operation, order) in [
            (Arithmetic::Add, Ordering::Greater),
            (Arithmetic::Subtract, Ordering::Less),
        ] {
            let near = ok(ratio::operate(heap, operation, exact, tiny));
            assert_eq!(to_float(heap, near), float);
            assert_eq!(compare_exact(heap, near, Value::float(float)), Some(order));
        }
    }
}

#[test]
fn rounding_to_doubles_breaks_ties_to_even() {
    let host = &host();
    for (literal, float) in [
        ("9007199254740993", 9_007_199_254_740_992.0),
        ("9007199254740995", 9_007_199_254_740_996.0),
        ("9223372036854776832", 9_223_372_036_854_775_808.0),
        ("9223372036854776833", 9_223_372_036_854_777_856.0),
        (
            "170141183460469250621153235194464960513",
            170_141_183_460_469_269_510_619_166_673_045_815_296.0,
        ),
        (
            "170141183460469250621153235194464960512",
            170_141_183_460_469_231_731_687_303_715_884_105_728.0,
        ),
        ("18014398509481986/2", 9_007_199_254_740_992.0),
        ("27021597764222979/3", 9_007_199_254_740_992.0),
        ("1/3", 1.0 / 3.0),
    ] {
        let value = text::parse(&host.heap, literal, 10).unwrap();
        assert_eq!(to_float(&host.heap, value), float, "{literal}");
    }
    let heap = &host.heap;
    let power = |bits| ok(integer::shift_left(heap, Value::small(1), bits));
    for (numerator, bits, float) in [(1, 1074, 5e-324), (1, 1075, 0.0), (3, 1075, 1e-323)] {
        let subnormal = ratio::make(heap, Value::small(numerator), power(bits));
        assert_eq!(to_float(heap, subnormal), float);
    }
    assert_eq!(to_float(heap, power(1024)), f64::INFINITY);
}

#[test]
fn order_agrees_across_kinds() {
    let host = &host();
    let heap = &host.heap;
    let mut generator = Generator(0x5EED);
    let mut numbers: Vec<Value> = (0..300)
        .map(|index| match index % 3 {
            0 => generator.integer(host),
            1 => generator.exact(host),
            _ => Value::float(generator.float()),
        })
        .collect();
    numbers.extend([f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.0].map(Value::float));
    // Sorting panics or scrambles when the order is not total.
    numbers.sort_by(|a, b| order(heap, *a, *b));
    for pair in numbers.windows(2) {
        assert_ne!(order(heap, pair[0], pair[1]), Ordering::Greater);
        assert_eq!(
            order(heap, pair[1], pair[0]),
            order(heap, pair[0], pair[1]).reverse()
        );
    }
    assert!(numbers.last().unwrap().as_float().unwrap().is_nan());
}
