//! What the compiler produces: a module in memory, before it becomes a file.
//!
//! Everything here is owned and named; indices appear only where code refers to
//! them (constants, globals, functions, natives, imports). The writer
//! (`container::write`) interns the strings and lays the tables out;
//! [`crate::ModuleView`] reads them in place, and [`crate::ModuleView::to_module`]
//! comes back here.
//!
//! Compound constants refer to *earlier* constants only. So a decoder needs no
//! recursion and a constant cannot contain itself.

/// The largest window a function may ask for; keeps stack arithmetic far from overflow.
pub const MAX_REGISTERS: u32 = 1 << 20;

/// The largest index of a string or a constant record that a packed word can hold.
pub const MAX_PACKED: u32 = (1 << 24) - 1;

/// A compiled module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Display path, for example `lib/util.sema`; never absolute.
    pub name: String,
    /// The constant pool.
    pub constants: Vec<Constant>,
    /// The functions; number 0 is the main function, which runs once on import.
    pub functions: Vec<Function>,
    /// Names of the module's globals, by index.
    pub globals: Vec<String>,
    /// The modules this one imports.
    pub imports: Vec<Import>,
    /// What other modules may import.
    pub exports: Vec<Export>,
    /// Names of the native functions that the code uses, by index.
    pub natives: Vec<String>,
    /// Capabilities that the code needs.
    pub capabilities: Vec<String>,
    /// Exported macros in the compiler's own form; empty when there are none.
    pub macros: Vec<u8>,
    /// Names of source files, for line entries.
    pub files: Vec<String>,
    /// Modules of the program that were merged into this one and do not run with its main function:
    /// each runs when an import of it is first reached.
    pub parts: Vec<Part>,
}

/// A module that is part of another one. An import whose `resolved` is its name runs its main
/// function unless that has run; it binds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What imports resolve to and what messages call it.
    pub name: String,
    /// The function that runs it. It takes no arguments and captures nothing.
    pub function: u32,
}

/// A constant. Indices refer to earlier constants of the same module.
///
/// Floats are held as their bits, so that constants can be compared and hashed
/// (the compiler shares equal ones) and a NaN is equal to itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// `nil`
    Nil,
    /// `#t` or `#f`
    Bool(bool),
    /// `'()`
    EmptyList,
    /// An exact integer that fits 64 bits.
    Int(i64),
    /// A larger exact integer.
    BigInt {
        /// Whether it is below zero.
        negative: bool,
        /// The magnitude, least significant byte first, without trailing zero bytes.
        magnitude: Vec<u8>,
    },
    /// An exact ratio of two integer constants.
    Ratio {
        /// Index of an `Int` or `BigInt`.
        numerator: u32,
        /// Index of an `Int` or `BigInt` above zero.
        denominator: u32,
    },
    /// A float, as IEEE 754 bits.
    Float(u64),
    /// A complex number of two real constants.
    Complex {
        /// Index of an `Int`, `BigInt`, `Ratio` or `Float`.
        real: u32,
        /// The same.
        imaginary: u32,
    },
    /// A character.
    Char(char),
    /// A string.
    Str(String),
    /// A symbol.
    Symbol(String),
    /// A keyword, without its colon.
    Keyword(String),
    /// A list of constants.
    List(Vec<u32>),
    /// A vector of constants.
    Vector(Vec<u32>),
    /// A sorted map of constants; the loader sorts it.
    Map(Vec<(u32, u32)>),
    /// A byte vector.
    Bytes(Vec<u8>),
    /// An array of floats, as bits.
    F64Array(Vec<u64>),
    /// An array of 64-bit integers.
    I64Array(Vec<i64>),
}

impl Constant {
    /// The float constant of this value.
    pub fn float(value: f64) -> Constant {
        Constant::Float(value.to_bits())
    }
}

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// The name in traces and listings.
    pub name: Option<String>,
    /// The instruction words.
    pub code: Vec<u32>,
    /// Size of the register window, parameters included.
    pub registers: u32,
    /// How many arguments a call must have at least.
    pub required: u16,
    /// Fixed parameters, optional ones included.
    pub parameters: u16,
    /// Whether the register after the parameters receives a list of all further arguments.
    pub rest: bool,
    /// How many variables a closure of this function captures.
    pub captures: u16,
    /// Exception handlers; the first one that covers an instruction gets the exception, so inner
    /// ones come before outer ones.
    pub handlers: Vec<Handler>,
    /// Source positions in ascending order of `pc`; each holds until the next.
    pub lines: Vec<LineEntry>,
    /// The inlined calls that the source positions refer to.
    pub inlined: Vec<InlinedCall>,
    /// Names of local variables, for debuggers and listings.
    pub locals: Vec<LocalName>,
    /// Whether this is code of the embedded library, which traces do not show.
    pub library: bool,
}

/// An exception handler. Offsets are words from the start of the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handler {
    /// First covered word.
    pub start: u32,
    /// First word that is no longer covered.
    pub end: u32,
    /// Where control goes.
    pub target: u32,
    /// The register that receives the exception.
    pub register: u8,
}

/// A source position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineEntry {
    /// First word of the function that it applies to.
    pub pc: u32,
    /// Index into the module's `files`.
    pub file: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// Which inlined call the code belongs to: twice its number in the function's `inlined`, counted
    /// from 1; 0 for code of the function itself. Odd if the instruction is a call in tail position
    /// there: then no frame of that code is left while the callee runs.
    pub context: u32,
}

/// A call that was replaced by the code of the function it calls: in traces, a frame without a
/// frame on the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinedCall<S = Option<String>> {
    /// The function's name in traces.
    pub name: S,
    /// Whether traces leave it out.
    pub library: bool,
    /// Index into the module's `files`.
    pub file: u32,
    /// Line of the call, from 1.
    pub line: u32,
    /// Column of the call, from 1.
    pub column: u32,
    /// What the call belongs to, as in [`LineEntry::context`]; refers to earlier entries only.
    pub context: u32,
}

/// The name of a local variable. `S` is `String` in a [`Module`] and `&str` in a view of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalName<S = String> {
    /// The name in the source.
    pub name: S,
    /// The slot that holds it.
    pub register: u32,
    /// First word where it does.
    pub start: u32,
    /// First word where it no longer does.
    pub end: u32,
}

/// An import. `S` is `String` in a [`Module`] and `&str` in a view of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import<S = String> {
    /// The path as the program wrote it.
    pub path: S,
    /// The path of the module in the VFS.
    pub resolved: S,
    /// The names that the program selected, if it did.
    pub names: Option<Vec<S>>,
    /// The exported names that are bound, each with the global that receives it.
    pub bindings: Vec<(S, u32)>,
    /// Whether every export is bound, also those unknown at build time.
    pub whole: bool,
}

/// An export. `S` is `String` in a [`Module`] and `&str` in a view of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export<S = String> {
    /// The exported name.
    pub name: S,
    /// What is exported.
    pub kind: ExportKind,
    /// How a function may be called.
    pub arity: Option<Arity>,
    /// The documentation of the definition.
    pub doc: Option<S>,
    /// Line of the definition, from 1; 0 when stripped.
    pub line: u32,
    /// Column of the definition, from 1; 0 when stripped.
    pub column: u32,
    /// The global that holds the value. Macros have one too, which stays without a value.
    pub global: u32,
}

/// What an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ExportKind {
    /// A function that is defined once.
    Function,
    /// Any other value.
    Value,
    /// A macro; its expander is in the macros section.
    Macro,
}

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Arity {
    /// At least so many.
    pub minimum: u16,
    /// At most so many; `None` for any number.
    pub maximum: Option<u16>,
}

impl LocalName<&str> {
    /// A copy that owns its name.
    pub fn to_owned_strings(&self) -> LocalName {
        LocalName {
            name: self.name.to_owned(),
            register: self.register,
            start: self.start,
            end: self.end,
        }
    }
}

impl Import<&str> {
    /// A copy that owns its strings.
    pub fn to_owned_strings(&self) -> Import {
        Import {
            path: self.path.to_owned(),
            resolved: self.resolved.to_owned(),
            names: self
                .names
                .as_ref()
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            bindings: self
                .bindings
                .iter()
                .map(|(name, global)| ((*name).to_owned(), *global))
                .collect(),
            whole: self.whole,
        }
    }
}

impl Export<&str> {
    /// A copy that owns its strings.
    pub fn to_owned_strings(&self) -> Export {
        Export {
            name: self.name.to_owned(),
            kind: self.kind,
            arity: self.arity,
            doc: self.doc.map(str::to_owned),
            line: self.line,
            column: self.column,
            global: self.global,
        }
    }
}
