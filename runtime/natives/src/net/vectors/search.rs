//! Finding the vectors that are most alike to one.
//!
//! The search is exact, but looks at all numbers of few vectors only. Besides the floats there are
//! *codes*: the unit vectors in sixteen bits a number. The dot product of two vectors of codes is off by
//! no more than a bound that is known, so those that can be among the best are found by codes, which
//! takes a quarter of the memory traffic, and are compared by floats.

use super::{cosine, dot};

/// What a number of a unit vector is multiplied by. Sums of products stay below `i32::MAX`, whatever
/// part of the vectors they are of (Cauchy-Schwarz).
const SCALE: f64 = 30_000.0;

/// Fewer vectors are compared by floats at once.
const FEW: usize = 256;

/// Vectors of one length.
#[derive(Default)]
pub struct Codes {
    /// Numbers of a vector.
    width: usize,
    codes: Vec<i16>,
    /// How many vectors there are.
    count: usize,
}

/// The codes of a vector; none if it has a number that is not finite.
fn encoded(vector: &[f64]) -> Option<Vec<i16>> {
    let length = dot(vector, vector).sqrt();
    if !length.is_finite() {
        return None;
    }
    let factor = if length > 0.0 { SCALE / length } else { 0.0 };
    Some(
        vector
            .iter()
            .map(|number| (number * factor).round() as i16)
            .collect(),
    )
}

/// The dot product of codes.
fn product(a: &[i16], b: &[i16]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(x, y)| i32::from(*x) * i32::from(*y))
        .sum()
}

impl Codes {
    /// The codes of vectors; `None` if they differ in length, are empty, or not all finite.
    pub fn of<'v>(mut vectors: impl ExactSizeIterator<Item = &'v [f64]>) -> Option<Codes> {
        let count = vectors.len();
        let first = vectors.next()?;
        let mut codes = Codes {
            width: first.len(),
            codes: Vec::with_capacity(count.saturating_mul(first.len())),
            count: 0,
        };
        for vector in std::iter::once(first).chain(vectors) {
            if !codes.push(vector) {
                return None;
            }
        }
        (codes.width > 0).then_some(codes)
    }

    /// Numbers of each vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Adds a vector; whether it fits.
    pub fn push(&mut self, vector: &[f64]) -> bool {
        if vector.len() != self.width {
            return false;
        }
        match encoded(vector) {
            Some(codes) => {
                self.codes.extend(codes);
                self.count += 1;
                true
            }
            None => false,
        }
    }

    /// The vectors that may be among the `wanted` best.
    fn candidates(&self, query: &[i16], wanted: usize) -> Vec<usize> {
        let products: Vec<i32> = self
            .codes
            .chunks_exact(self.width)
            .map(|codes| product(query, codes))
            .collect();
        let mut order = products.clone();
        let place = order.len() - wanted;
        let (_, least, _) = order.select_nth_unstable(place);
        // Each number is off by at most one half: the product by the sum of both vectors' deviations.
        let width = self.width as f64;
        let deviation = width.sqrt() * SCALE * 1.01 + width / 4.0 + 1.0;
        let least = f64::from(*least) - 2.0 * deviation;
        let found = products.iter().enumerate();
        found
            .filter(|(_, product)| f64::from(**product) >= least)
            .map(|(index, _)| index)
            .collect()
    }
}

/// Indices and similarities of the `wanted` vectors that are most alike to `query`, the most alike first, of
/// equal ones that with the smaller index. `codes` are those of all vectors, if there are any.
pub fn best<'v>(
    count: usize,
    vector: impl Fn(usize) -> &'v [f64],
    codes: Option<&Codes>,
    query: &[f64],
    wanted: usize,
) -> Vec<(usize, f64)> {
    let wanted = wanted.min(count);
    if wanted == 0 {
        return Vec::new();
    }
    let candidates = match codes {
        Some(codes) if codes.count == count && count >= FEW && wanted < count => {
            encoded(query).map(|query| codes.candidates(&query, wanted))
        }
        _ => None,
    };
    let candidates = candidates.unwrap_or_else(|| (0..count).collect());
    let mut scored: Vec<(usize, f64)> = candidates
        .into_iter()
        .map(|index| (index, cosine(query, vector(index))))
        .collect();
    // Those that are no number come last.
    let key = |score: f64| {
        if score.is_nan() {
            f64::NEG_INFINITY
        } else {
            score
        }
    };
    scored.sort_by(|(a, x), (b, y)| key(*y).total_cmp(&key(*x)).then(a.cmp(b)));
    scored.truncate(wanted);
    scored
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, the same each time.
    fn noise(count: usize, width: usize, clusters: u64) -> Vec<Vec<f64>> {
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        (0..count)
            .map(|index| {
                let center = index as u64 % clusters;
                (0..width)
                    .map(|at| next() * 0.1 + ((at as u64 + center) % clusters) as f64)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn codes_find_what_floats_find() {
        for clusters in [1, 5, 50] {
            let vectors = noise(2000, 37, clusters);
            let codes = Codes::of(vectors.iter().map(Vec::as_slice)).unwrap();
            for query in vectors.iter().step_by(97) {
                let vector = |index: usize| vectors[index].as_slice();
                let exact = best(vectors.len(), vector, None, query, 10);
                let found = best(vectors.len(), vector, Some(&codes), query, 10);
                assert_eq!(found, exact, "{clusters} clusters");
            }
        }
    }

    #[test]
    fn few_candidates_are_left() {
        let vectors = noise(20_000, 64, 40);
        let codes = Codes::of(vectors.iter().map(Vec::as_slice)).unwrap();
        let query = encoded(&vectors[3]).unwrap();
        let candidates = codes.candidates(&query, 10).len();
        assert!(candidates < 2000, "{candidates}");
    }

    #[test]
    fn odd_vectors_have_no_codes() {
        let vectors: [&[f64]; 2] = [&[1.0, 2.0], &[1.0]];
        assert!(Codes::of(vectors.into_iter()).is_none());
        assert!(Codes::of([&[f64::NAN][..]].into_iter()).is_none());
        let empty: &[f64] = &[];
        assert!(Codes::of([empty].into_iter()).is_none());
    }

    #[test]
    fn ties_keep_their_order_and_no_number_comes_last() {
        let vectors = [
            vec![f64::NAN, 1.0],
            vec![1.0, 0.0],
            vec![2.0, 0.0],
            vec![0.0, 0.0],
        ];
        let vector = |index: usize| vectors[index].as_slice();
        let found = best(4, vector, None, &[1.0, 0.0], 4);
        let order: Vec<usize> = found.iter().map(|(index, _)| *index).collect();
        assert_eq!(order, [1, 2, 3, 0]);
    }
}
