//! Bytes as words: the only unsafe code of this crate.
//!
//! Tables and code of a module are arrays of little-endian 32-bit words that are
//! used where the file is mapped. Copying them would cost time and private memory
//! at every start; a decoder per access would cost more in the VM's inner loop.
#![allow(
    unsafe_code,
    reason = "reinterprets slices; nothing else in the crate may"
)]

#[cfg(target_endian = "big")]
compile_error!(
    "module files are little-endian and used in place; big-endian hosts need a loader that swaps"
);

/// The bytes as words. `None` when they are not aligned to 4 or not a multiple of 4 long.
pub fn words_of(bytes: &[u8]) -> Option<&[u32]> {
    let aligned = bytes.as_ptr().addr().is_multiple_of(align_of::<u32>());
    if !aligned || !bytes.len().is_multiple_of(size_of::<u32>()) {
        return None;
    }
    // SAFETY: the pointer is valid for `bytes.len()` bytes for the lifetime of the borrow, which the
    // result shares; it is aligned for u32 and the length is whole words, both checked above; every
    // bit pattern is a u32; the memory is borrowed shared, so nobody writes it meanwhile.
    Some(unsafe {
        std::slice::from_raw_parts(bytes.as_ptr().cast::<u32>(), bytes.len() / size_of::<u32>())
    })
}

/// The words as bytes.
pub fn bytes_of(words: &[u32]) -> &[u8] {
    // SAFETY: the pointer is valid for `size_of_val(words)` bytes for the lifetime of the borrow, which
    // the result shares; u8 needs no alignment, a u32 has no padding, and the borrow is shared.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), size_of_val(words)) }
}

/// A copy of a module file in memory that is aligned as [`crate::ModuleView::parse`] needs it.
///
/// Mapped archives are aligned already; this is for files that were read into a `Vec<u8>`.
#[derive(Clone, Debug)]
pub struct AlignedBytes {
    words: Vec<u32>,
    length: usize,
}

impl AlignedBytes {
    /// Copies `bytes`.
    pub fn copy_of(bytes: &[u8]) -> AlignedBytes {
        let words = bytes
            .chunks(4)
            .map(|chunk| {
                let mut word = [0; 4];
                for (to, from) in word.iter_mut().zip(chunk) {
                    *to = *from;
                }
                u32::from_ne_bytes(word)
            })
            .collect();
        AlignedBytes {
            words,
            length: bytes.len(),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        let all = bytes_of(&self.words);
        all.get(..self.length).unwrap_or(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_bytes_and_length() {
        for length in 0..9u8 {
            let bytes: Vec<u8> = (0..length).collect();
            let copy = AlignedBytes::copy_of(&bytes);
            assert_eq!(copy.as_bytes(), bytes);
            assert_eq!(
                words_of(copy.as_bytes()).is_some(),
                length.is_multiple_of(4)
            );
        }
    }

    #[test]
    fn misaligned_bytes_are_refused() {
        let copy = AlignedBytes::copy_of(&[0; 12]);
        assert!(words_of(&copy.as_bytes()[1..9]).is_none());
        assert_eq!(words_of(&copy.as_bytes()[4..]).unwrap().len(), 2);
    }

    #[test]
    fn words_are_little_endian() {
        let copy = AlignedBytes::copy_of(&[1, 2, 3, 4]);
        assert_eq!(words_of(copy.as_bytes()), Some(&[0x0403_0201][..]));
    }
}
