//! Where the bytes of an archive live: in a mapped file, in the running program or in memory.

use crate::layout::DATA_ALIGNMENT;

#[derive(Debug)]
pub(crate) enum Backing {
    #[cfg(not(target_family = "wasm"))]
    Mapped(memmap2::Mmap),
    /// A segment of the running program.
    Segment(&'static [u8]),
    /// The content starts at `start`, chosen so that it is aligned like the
    /// start of a page would be: code modules must be usable in place here too.
    Owned { bytes: Vec<u8>, start: usize },
}

impl Backing {
    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        let alignment = DATA_ALIGNMENT as usize;
        if bytes.as_ptr().addr().is_multiple_of(alignment) {
            return Self::Owned { bytes, start: 0 };
        }
        let mut shifted: Vec<u8> = Vec::with_capacity(bytes.len() + alignment);
        let start = shifted.as_ptr().addr().next_multiple_of(alignment) - shifted.as_ptr().addr();
        shifted.resize(start, 0);
        shifted.extend_from_slice(&bytes);
        Self::Owned {
            bytes: shifted,
            start,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            #[cfg(not(target_family = "wasm"))]
            Self::Mapped(mapping) => mapping,
            Self::Segment(bytes) => bytes,
            Self::Owned { bytes, start } => bytes.get(*start..).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Backing;

    #[test]
    fn owned_bytes_are_aligned() {
        for length in 0..64 {
            let content: Vec<u8> = (0..length).collect();
            let backing = Backing::owned(content.clone());
            assert_eq!(backing.bytes(), content);
            if length > 0 {
                assert_eq!(backing.bytes().as_ptr().addr() % 8, 0);
            }
        }
    }
}
