//! Kinds of values: the immediates and the heap objects.

#![allow(
    clippy::indexing_slicing,
    reason = "the tables have an entry for each kind"
)]

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident $shape:ident $type_name:literal;)*) => {
        /// What a value is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[doc = $doc])* $name),* }

        /// How a heap object of a kind is laid out after its header word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Shape {
            /// Never a heap object with a header of its own.
            None,
            /// Bytes: the header's length counts them; one more word precedes them (strings: see
            /// [`crate::memory::heap::text`]).
            Bytes,
            /// 64-bit words without references: the header's length counts them.
            Words,
            /// Values: the header's length counts them.
            Values,
            /// A chunk of list cells.
            Chunk,
        }

        impl Kind {
            /// All kinds, in encoding order.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];
            const SHAPES: &[Shape] = &[$(Shape::$shape),*];
            const NAMES: &[&str] = &[$($type_name),*];

            /// The layout.
            #[inline(always)]
            pub const fn shape(self) -> Shape { Kind::SHAPES[self as usize] }

            /// The name that `type` gives (records have their own) and error messages use.
            pub const fn type_name(self) -> &'static str { Kind::NAMES[self as usize] }
        }
    };
}

kinds! {
    /// A free cell of the old generation, or padding.
    Free None "free";
    /// `nil`
    Nil None "nil";
    /// `#t`, `#f`
    Bool None "bool";
    /// Exact integer: a fixnum, or a heap object of 64-bit digits (`aux` 1 when negative).
    Int Words "int";
    /// IEEE double.
    Float None "float";
    /// Character.
    Char None "char";
    /// Symbol.
    Symbol None "symbol";
    /// Keyword.
    Keyword None "keyword";
    /// Native function.
    Native None "native-fn";
    /// List: the empty list is an immediate, others refer to a cell of a chunk.
    List None "list";
    /// Chunk of list cells (never a value by itself).
    ListChunk Chunk "list-chunk";
    /// End of a chunk (never a value by itself).
    ListLink None "list-link";
    /// Exact ratio: numerator, denominator.
    Ratio Values "rational";
    /// Complex number: real part, imaginary part.
    Complex Values "complex";
    /// UTF-8 text.
    String Bytes "string";
    /// Bytes.
    Bytevector Bytes "bytevector";
    /// 64-bit floats.
    F64Array Words "f64-array";
    /// 64-bit integers.
    I64Array Words "i64-array";
    /// Immutable vector.
    Vector Values "vector";
    /// Persistent sorted map (see [`crate::data::collections::sorted_map`]).
    Map Values "map";
    /// Persistent hash map (see [`crate::data::collections::hash_map`]).
    HashMap Values "hashmap";
    /// Closure: function address as a fixnum, then the captured variables.
    Closure Values "lambda";
    /// Multimethod: name, dispatch function, methods, default, invoker.
    Multimethod Values "multimethod";
    /// Macro: name, transformer or nil.
    Macro Values "macro";
    /// Delayed expression: state, value or thunk.
    Promise Values "promise";
    /// Promise of a task: see the scheduler.
    AsyncPromise Values "async-promise";
    /// Channel: see the scheduler.
    Channel Values "channel";
    /// Growable array: length, buffer tuple.
    MutableArray Values "mutable-array";
    /// One mutable slot.
    MutableCell Values "mutable-cell";
    /// Byte stream: kind, handle of its Rust state.
    Stream Values "stream";
    /// Record: record type, then the fields.
    Record Values "record";
    /// Record type: name symbol, vector of field names.
    RecordType Values "record-type";
    /// LLM prompt: list of messages.
    Prompt Values "prompt";
    /// LLM message: role, text, images.
    Message Values "message";
    /// LLM conversation: messages, model, metadata, usage.
    Conversation Values "conversation";
    /// LLM tool: name, description, parameters, policy subjects, handler, its parameter names.
    Tool Values "tool";
    /// LLM agent: name, system text, tools, model, turns.
    Agent Values "agent";
    /// Captured and assigned variable (never a value of the language).
    Box Values "box";
    /// Internal array: nodes of collections, buffers.
    Tuple Values "tuple";
    /// Rust data owned by an object: index of a slot in the host's table; finalised.
    Foreign Words "foreign";
    /// Marker without a meaning of its own.
    Internal None "internal";
}

impl Kind {
    /// Decodes a byte.
    ///
    /// # Safety
    /// It was written from a `Kind`.
    #[inline(always)]
    pub(crate) const unsafe fn from_byte(byte: u8) -> Kind {
        debug_assert!((byte as usize) < Kind::ALL.len());
        // SAFETY: `Kind` has the layout of a byte, and the caller promises one of its values.
        unsafe { std::mem::transmute::<u8, Kind>(byte) }
    }

    /// Whether values of this kind are numbers.
    #[inline]
    pub const fn is_number(self) -> bool {
        matches!(self, Kind::Int | Kind::Float | Kind::Ratio | Kind::Complex)
    }
}
