//! Digests of the pieces of an archive, which somebody vouches for: checksums find accidents, these find intent.
//!
//! Which digest it is and why it can be trusted is up to whoever makes them.

/// Bytes of a digest.
const LENGTH: usize = 32;

/// The digests of all pieces, in the order of their numbers ([`crate::Archive::piece_count`]).
#[derive(Clone, Debug)]
pub struct Digests {
    all: Vec<u8>,
    digest: fn(&[u8]) -> [u8; LENGTH],
    /// Pieces that digests say nothing about: those that hold and sign them.
    exempt: Vec<usize>,
}

impl Digests {
    /// Digests that lie in a row, made by `digest`. Those of the pieces `exempt` are not looked at.
    #[must_use]
    pub fn new(all: Vec<u8>, digest: fn(&[u8]) -> [u8; LENGTH], exempt: Vec<usize>) -> Digests {
        Digests {
            all,
            digest,
            exempt,
        }
    }

    /// Whether a piece has its digest.
    pub(crate) fn fit(&self, number: usize, bytes: &[u8]) -> bool {
        if self.exempt.contains(&number) {
            return true;
        }
        let expected = self.all.as_chunks::<LENGTH>().0.get(number);
        expected.is_some_and(|expected| *expected == (self.digest)(bytes))
    }
}
