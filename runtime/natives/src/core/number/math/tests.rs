//! Tables of expressions and their results.

use super::super::{bits, elementary, number_conversion, number_predicates};
use super::*;
use crate::expression::run;
use sema_machine::host::output::Output;

/// Checks lines `EXPRESSION => RESULT`; of an error its kind and message.
fn check(table: &str) {
    let host = Host::new(Output::memory(), &crate::NATIVES);
    let tables = &[
        TABLE,
        bits::TABLE,
        elementary::TABLE,
        number_conversion::TABLE,
        number_predicates::TABLE,
    ];
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (expression, result) = line.split_once(" => ").unwrap();
        assert_eq!(run(&host, tables, expression), result, "{expression}");
    }
}

#[test]
fn arithmetic() {
    check(
        r#"
        (+) => 0
        (*) => 1
        (-) => :arity
        (/ 1) => :arity
        (- 5) => -5
        (- 0.0) => -0.0
        (+ 9223372036854775807 1) => 9223372036854775808
        (* 1125899906842624 1125899906842624) => 1267650600228229401496703205376
        (- -9223372036854775808 170141183460469231731687303715884105728) => -170141183460469231740910675752738881536
        (+ 1/3 2/3) => 1
        (+ 1/3 0.5) => 0.8333333333333333
        (* 2/3 3/4) => 1/2
        (/ 7 2) => 7/2
        (/ 6 -4) => -3/2
        (/ 1 0) => :eval division by zero
        (/ 1.0 0) => inf
        (/ 0 0.0) => NaN
        (/ 1.5-2i 0) => :eval division by zero
        (+ "a" "b") => "ab"
        (+ "a" "b" "c") => :type-error expected number, got string
        (+ 1 "x") => :type-error expected number or string, got int and string
        (* 1 nil) => :type-error expected number, got int and nil
        (- 1 2 :k) => :type-error expected number, got keyword
        (* 1+2i 1-2i) => 5
        (/ 1+2i 3+4i) => 11/25+2/25i
        (* -2.5 0+1i) => 0.0-2.5i
        (/ 3+4i inf) => NaN-NaNi
        (/ 3+4i nan) => NaN+NaNi
        (- 1+2.0i 1+2.0i) => 0+0.0i
        (quotient -7 2) => -3
        (quotient -9223372036854775808 -1) => 9223372036854775808
        (remainder -7 2) => -1
        (mod -7 2) => 1
        (mod 7 -2) => -1
        (mod -7.5 2) => -1.5
        (mod 5 0) => :eval modulo by zero
        (mod 5 0.0) => NaN
        (mod 1/2 2) => :type-error expected integer, got rational
        (quotient 1 0) => :eval quotient: division by zero
        (quotient 1 2.5) => :type-error expected integer, got float
        (gcd) => 0
        (gcd 12 18 -24) => 6
        (lcm 4 -6) => 12
        (lcm 0 5) => 0
        (gcd 1.5 2) => :type-error expected integer, got float
        "#,
    );
}

#[test]
fn comparison() {
    check(
        r#"
        (= 1 1.0) => #t
        (= 1/2 0.5) => #t
        (= 9007199254740993 9007199254740992.0) => #f
        (= 1+0.0i 1) => #t
        (= 1 "x") => #f
        (= nan nan) => #f
        (< 1 2 3) => #t
        (< 2 1 "x") => #f
        (< 1 2 "x") => :type-error expected number, got string
        (< 1 nil) => :type-error expected number, got int and nil
        (> 1 nil) => :type-error expected number, got int and nil
        (< 1/3 0.3333333333333333) => #f
        (> 1e300 1267650600228229401496703205376) => #t
        (>= 1 1.0) => #t
        (<= nan nan) => #f
        (<= 1+2i 1) => :eval cannot order complex numbers
        (max 1 2.0 3/2) => 2.0
        (min 1 1.0) => 1.0
        (max 1/2 1/3) => 1/2
        (max 1 nan) => :eval max: cannot order these numbers
        (max nan) => NaN
        (min) => :arity
        (zero? 0.0+0.0i) => #t
        (positive? 1+2i) => #f
        (negative? -1/2) => #t
        (zero? "x") => :type-error expected number, got string
        (even? -9223372036854775808) => #t
        (odd? 1.0) => :type-error expected integer, got float
        (integer? 2.0) => #t
        (rational? 0.5) => #f
        (exact? 1.5-2i) => #f
        (inexact? "x") => #f
        "#,
    );
}

#[test]
fn rounding_powers_and_roots() {
    check(
        r#"
        (round 5/2) => 2
        (round 7/2) => 4
        (round -1/2) => 0
        (round -2.5) => -2.0
        (floor -7/2) => -4
        (ceil -7/2) => -3
        (truncate -7/2) => -3
        (floor 1+2i) => :type-error expected real number, got complex
        (abs -1/2) => 1/2
        (abs 3+4i) => 5.0
        (sqrt 16) => 4
        (sqrt 1/4) => 1/2
        (sqrt -4) => 0+2i
        (sqrt -2.0) => 0+1.4142135623730951i
        (sqrt 1267650600228229401496703205376) => 1125899906842624
        (sqrt 3+4i) => 2.0+1.0i
        (expt 2 -2) => 1/4
        (expt -2/3 -3) => -27/8
        (expt 2 100) => 1267650600228229401496703205376
        (expt 2 0.5) => 1.4142135623730951
        (expt -1 0.5) => NaN
        (expt 1+2i -2) => -3/25-4/25i
        (expt 0 -1) => :eval expt: 0 raised to a negative power
        (expt -1 99999999999999999999) => -1
        (expt 10 1000000000) => :eval integer exceeds the limit of 134217728 bits
        (expt 1/2 -99999999999999999999) => :eval integer exceeds the limit of 134217728 bits
        (expt 1+2i 99999999999) => :eval integer exceeds the limit of 134217728 bits
        (expt 0+1i 99999999999) => 0-1i
        (exact-integer-sqrt 17) => (4 1)
        (exact-integer-sqrt -1) => :eval exact-integer-sqrt: argument must be non-negative
        (rationalize 3/10 1/10) => 1/3
        (rationalize 0.3 1/10) => 0.3333333333333333
        (rationalize -3/10 1/10) => -1/3
        (rationalize 1 inf) => 0.0
        "#,
    );
}

#[test]
fn conversion() {
    check(
        r##"
        (exact 1.5) => 3/2
        (exact 2.0) => 2
        (exact 0.1) => 3602879701896397/36028797018963968
        (exact nan) => NaN
        (inexact 1/3) => 0.3333333333333333
        (inexact 1+2i) => 1.0+2.0i
        (inexact 9223372036854775807) => 9223372036854775808.0
        (int -7/2) => -3
        (int "12") => 12
        (int "99999999999999999999") => 99999999999999999999
        (int "12.5") => :eval cannot convert '12.5' to int
        (int 1e19) => :eval int: cannot convert 10000000000000000000 to an integer (not finite or out of i64 range)
        (int nil) => :type-error expected number or string, got nil
        (float "1e3") => 1000.0
        (float "1/2") => :eval cannot convert '1/2' to float
        (float 1+2i) => :type-error expected real number, got complex
        (number->string -255 16) => "-ff"
        (number->string 1.5 16) => :type-error expected exact integer, got float
        (number->string 255 3) => :eval number->string: unsupported radix 3 (expected 2, 8, 10, or 16)
        (number/to-string 1/2) => "1/2"
        (string->number " 12 ") => 12
        (string->number "FF" 16) => 255
        (string->number " ff " 16) => #f
        (string->number "1/2+3.5i") => 1/2+3.5i
        (string->number "") => #f
        (string->number 5) => :type-error string->number argument 1 expected string, got int
        (numerator 6/4) => 3
        (denominator 5) => 1
        (numerator 0.5) => :type-error expected rational, got float
        (make-rectangular 1 0) => 1
        (make-rectangular 1 0.0) => 1+0.0i
        (make-polar 1 0) => 1.0+0.0i
        (real-part 1/2+3.5i) => 1/2
        (imag-part 1.5) => 0
        (angle -1) => 3.141592653589793
        "##,
    );
}
