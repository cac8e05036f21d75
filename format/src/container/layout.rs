//! Where everything is in a `.semac` file. The prose is in `docs/module-format.md`.
//!
//! The file is made to be used where it is mapped: fixed-width little-endian words,
//! offsets relative to the file or the section, no relocation. Sections lie in
//! ascending order of kind without gaps other than padding to four bytes, so a
//! module has exactly one valid layout and overlaps cannot be expressed.

use std::fmt;

/// Version of the format. It rises with every change of the instructions, the sections or the layout.
pub const FORMAT_VERSION: u16 = 1; // 2026-11-20: first version

/// The oldest version that this release reads. A version stays in the window as long as its files mean what they
/// meant; `fixtures/format` holds files of each of them, which the tests load and run.
pub const OLDEST_FORMAT_VERSION: u16 = 1;

/// Whether this release reads files of a version.
pub const fn reads_version(version: u16) -> bool {
    OLDEST_FORMAT_VERSION <= version && version <= FORMAT_VERSION
}

/// First bytes: a NUL (no text file), the name, and a line end that text-mode transfers change.
pub const MAGIC: [u8; 8] = *b"\0SEMAC\r\n";

/// Bytes 12 to 15: end of text, a lone line feed, and two bytes that reveal the byte order.
pub const CANARY: u32 = u32::from_le_bytes([0x1a, 0x0a, 0x34, 0x12]);

/// Size of the header in bytes.
pub const HEADER_BYTES: usize = 64;

/// Offsets of the header's fields.
pub mod header {
    /// `u16`
    pub const VERSION: usize = 8;
    /// `u16`, zero
    pub const RESERVED: usize = 10;
    /// `u32`
    pub const CANARY: usize = 12;
    /// `u64`: XXH3-64 of all bytes from [`HASHED_FROM`]
    pub const CONTENT_HASH: usize = 16;
    /// First byte covered by the content hash.
    pub const HASHED_FROM: usize = 24;
    /// `u32`: length of the file
    pub const LENGTH: usize = 24;
    /// `u16`
    pub const SECTION_COUNT: usize = 28;
    /// `u16`
    pub const FLAGS: usize = 30;
    /// Text, padded with NUL
    pub const PRODUCER: usize = 32;
    /// Room for the producer.
    pub const PRODUCER_BYTES: usize = 32;
}

/// Header flag: debug information was left out on purpose.
pub const FLAG_STRIPPED: u16 = 1;

/// All header flags of this version.
pub const KNOWN_FLAGS: u16 = FLAG_STRIPPED;

/// Words of a section table entry: kind and flags (16 bits each), offset, length in bytes.
pub const SECTION_ENTRY_WORDS: usize = 3;

/// Section flag: a reader that does not know the section must refuse the file.
pub const SECTION_REQUIRED: u16 = 1;

/// Words of a function entry, see [`function`].
pub const FUNCTION_ENTRY_WORDS: usize = 8;

/// Words of a function entry, in order.
pub mod function {
    /// First word of the code, relative to the code section.
    pub const CODE_START: usize = 0;
    /// Number of code words.
    pub const CODE_WORDS: usize = 1;
    /// Index of the name's string plus one; zero for none.
    pub const NAME: usize = 2;
    /// Size of the register window.
    pub const REGISTERS: usize = 3;
    /// Required arguments (low half) and fixed parameters (high half).
    pub const PARAMETERS: usize = 4;
    /// Captured variables (low half) and flags (high half).
    pub const CAPTURES: usize = 5;
    /// First handler.
    pub const HANDLER_START: usize = 6;
    /// Number of handlers.
    pub const HANDLER_COUNT: usize = 7;
    /// Flag: takes any number of further arguments.
    pub const FLAG_REST: u16 = 1;
    /// Flag: code of the embedded library.
    pub const FLAG_LIBRARY: u16 = 2;
    /// All flags.
    pub const KNOWN_FLAGS: u16 = FLAG_REST | FLAG_LIBRARY;
}

/// Words of a handler entry: start, end, target, register.
pub const HANDLER_ENTRY_WORDS: usize = 4;

/// Words of a part entry: string index of the name, function.
pub const PART_ENTRY_WORDS: usize = 2;

// A change here is a change of the format.
const _: () = assert!(header::PRODUCER + header::PRODUCER_BYTES == HEADER_BYTES);
const _: () = assert!(OLDEST_FORMAT_VERSION <= FORMAT_VERSION);
const _: () = assert!(HEADER_BYTES.is_multiple_of(4));
const _: () = assert!(FUNCTION_ENTRY_WORDS * 4 == 32);
const _: () = assert!(HANDLER_ENTRY_WORDS * 4 == 16);
const _: () = assert!(SECTION_ENTRY_WORDS * 4 == 12);
const _: () = assert!(function::HANDLER_COUNT + 1 == FUNCTION_ENTRY_WORDS);

/// Kinds of packed constants: the low byte of a constant word. The upper 24 bits hold the value,
/// a string index, or the offset of a record in the constant data, in words.
pub mod constant {
    /// Value 0.
    pub const NIL: u8 = 0;
    /// Value 0 or 1.
    pub const BOOL: u8 = 1;
    /// Value 0.
    pub const EMPTY_LIST: u8 = 2;
    /// Signed 24-bit value.
    pub const SMALL_INT: u8 = 3;
    /// Record: two words.
    pub const INT: u8 = 4;
    /// Record: sign (bit 31) and byte count, then the magnitude, padded with zero bytes.
    pub const BIG_INT: u8 = 5;
    /// Record: two constant indices.
    pub const RATIO: u8 = 6;
    /// Record: two words.
    pub const FLOAT: u8 = 7;
    /// Record: two constant indices.
    pub const COMPLEX: u8 = 8;
    /// Value: the code point.
    pub const CHAR: u8 = 9;
    /// String index.
    pub const STR: u8 = 10;
    /// String index.
    pub const SYMBOL: u8 = 11;
    /// String index.
    pub const KEYWORD: u8 = 12;
    /// Record: count, then constant indices.
    pub const LIST: u8 = 13;
    /// Record: count, then constant indices.
    pub const VECTOR: u8 = 14;
    /// Record: count of pairs, then key and value indices.
    pub const MAP: u8 = 15;
    /// Record: byte count, then the bytes, padded with zero bytes.
    pub const BYTES: u8 = 16;
    /// Record: count, then two words each.
    pub const F64_ARRAY: u8 = 17;
    /// Record: count, then two words each.
    pub const I64_ARRAY: u8 = 18;
}

macro_rules! sections {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal $text:literal $required:literal;)*) => {
        /// The kinds of sections.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Section { $($(#[doc = $doc])* $name = $number),* }
        impl Section {
            /// All kinds, in file order.
            pub const ALL: &[Section] = &[$(Section::$name),*];
            /// The section with this number.
            pub const fn from_number(number: u16) -> Option<Section> {
                match number { $($number => Some(Section::$name),)* _ => None }
            }
            /// Whether readers must know it.
            pub const fn required(self) -> bool { match self { $(Section::$name => $required),* } }
            /// What it is called in messages.
            pub const fn name(self) -> &'static str { match self { $(Section::$name => $text),* } }
        }
    };
}

sections! {
    /// One offset into the string bytes per string and one for the end.
    StringOffsets = 1 "string" true;
    /// The text of all strings, UTF-8. String 0 is the module's name.
    StringBytes = 2 "string bytes" true;
    /// Packed constants, one word each.
    Constants = 3 "constant" true;
    /// Records of constants that do not fit a word.
    ConstantData = 4 "constant data" true;
    /// Function entries.
    Functions = 5 "function" true;
    /// Instruction words of all functions.
    Code = 6 "code" true;
    /// Handler entries of all functions.
    Handlers = 7 "handler" true;
    /// String indices of the names of globals.
    Globals = 8 "global" true;
    /// String indices of the names of natives.
    Natives = 9 "native" true;
    /// String indices of the names of capabilities.
    Capabilities = 10 "capability" true;
    /// Import records (bincode).
    Imports = 11 "import" true;
    /// Export records (bincode).
    Exports = 12 "export" true;
    /// Exported macros, opaque.
    Macros = 13 "macro" false;
    /// Line tables and local names: length before compression, then zstd (or plain) bincode.
    Debug = 14 "debug" false;
    /// Part entries: modules that were merged into this one and run later.
    Parts = 15 "part" true;
}

impl fmt::Display for Section {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The hash of a whole file's content, as the header holds it.
pub fn content_hash(file: &[u8]) -> u64 {
    hash(file.get(header::HASHED_FROM..).unwrap_or(&[]))
}

/// XXH3 with 64 bits: finds damage, not malice; fast enough to be paid at every start.
pub(crate) fn hash(content: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(content)
}
