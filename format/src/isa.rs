//! The instruction set, declared once.
//!
//! Everything that knows about instructions is an expansion of the table in this
//! file: the opcode enum, the typed [`Instruction`] with its encoder and decoder,
//! the operand lists that drive the disassembler and the verifier, and the
//! reference page `docs/bytecode.md`.
//!
//! # Encoding
//!
//! Code is a sequence of 32-bit little-endian words, executed in place from the
//! mapped file. The opcode is the low byte of the first word; the remaining three
//! bytes hold the fields `a`, `b`, `c` (one byte each), or `a` and a 16-bit field
//! (`bx` unsigned, `sbx` signed), or one signed 24-bit field `s24`. Some
//! instructions have a second word, `x` (unsigned) or `sx` (signed). `closure`
//! is followed by as many capture words as its function captures variables.
//!
//! # Frames
//!
//! Registers are the slots of the running function's window on the task's value
//! stack: `r0` is the first parameter. A call places the callee in `r[a]` and the
//! arguments in the registers after it; the callee's window starts at `r[a+1]`,
//! so arguments are never copied, and the result comes back in `r[a]`. The slot
//! below a window holds the running closure while it runs.
//!
//! Jump offsets count words and are relative to the word after the whole
//! instruction.
//!
//! # Naming
//!
//! Operation first, then the operand form: `…i` takes an immediate, `…k` a known
//! function of this module, `…n` a native; a branch starts with `j`, and `jn…`
//! jumps when the test fails (for numbers that differs from the opposite test,
//! because of NaN).

#![allow(
    clippy::indexing_slicing,
    reason = "the tables have an entry for each operation code and predicate"
)]

#[macro_use]
mod fields;
mod predicate;

pub use predicate::Predicate;

/// What an operand means: how it is printed and what the verifier checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Register that is written.
    Dst,
    /// Register that is read.
    Src,
    /// First register of a call window: `r[a]` callee and result, `r[a+1] ..= r[a+b]` arguments.
    /// Only ever field `a`, with the argument count in `b`.
    CallBase,
    /// First register of a range that is read. Only ever field `b`, with the count in `c`.
    RangeStart,
    /// Number of registers in a window or a range.
    Count,
    /// Index into the module's constant pool.
    Const,
    /// Index into the module's globals.
    Global,
    /// Index into the module's functions.
    Function,
    /// Index into the module's list of required natives.
    Native,
    /// Index of a module import.
    Import,
    /// Index of a captured variable of the running closure.
    Capture,
    /// Number of capture words that follow; equals the function's capture count.
    CaptureCount,
    /// Signed immediate integer.
    Imm,
    /// One of the [`special`] values.
    Special,
    /// One of the type predicates, see [`Predicate`].
    Predicate,
    /// Jump offset in words.
    Jump,
    /// Stack slot beyond the byte-addressable registers that is read.
    SlotSrc,
    /// Stack slot beyond the byte-addressable registers that is written.
    SlotDst,
}

/// Where control goes after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next instruction.
    Next,
    /// To the next instruction or by the jump offset.
    Branch,
    /// Always by the jump offset.
    Jump,
    /// Leaves the function (return, tail call, throw).
    Exit,
}

/// The values `load_special` can load.
pub mod special {
    /// `nil`
    pub const NIL: u8 = 0;
    /// `#f`
    pub const FALSE: u8 = 1;
    /// `#t`
    pub const TRUE: u8 = 2;
    /// `'()`
    pub const EMPTY_LIST: u8 = 3;
    /// The marker of a missing optional argument (library code only).
    pub const MISSING: u8 = 4;
    /// How many there are.
    pub const COUNT: u8 = 5;
}

/// One operand of an instruction: its field, its meaning.
pub struct OperandInfo {
    /// The field's name, as in the encoding section above.
    pub field: &'static str,
    /// The meaning.
    pub kind: Operand,
}

/// What the table says about one instruction.
pub struct OpInfo {
    /// The opcode.
    pub op: Op,
    /// The name in listings.
    pub mnemonic: &'static str,
    /// The operands in the order in which they are printed.
    pub operands: &'static [OperandInfo],
    /// Control flow.
    pub flow: Flow,
    /// Words of the instruction, without capture words.
    pub words: u32,
}

macro_rules! instructions {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident = $mnemonic:literal ($($field:ident : $kind:ident),*) $flow:ident;
    )*) => {
        /// The opcodes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Op { $($(#[doc = $doc])* $name),* }

        /// An instruction with its operands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Instruction {
            $($(#[doc = $doc])* #[allow(missing_docs, reason = "fields are named after the encoding")] $name { $($field: field_type!($field)),* }),*
        }

        /// The table, indexed by opcode.
        pub const INSTRUCTIONS: &[OpInfo] = &[
            $(OpInfo {
                op: Op::$name,
                mnemonic: $mnemonic,
                operands: &[$(OperandInfo { field: stringify!($field), kind: Operand::$kind }),*],
                flow: Flow::$flow,
                words: 1 $(+ field_words!($field))*,
            }),*
        ];

        /// What the instructions do, indexed by opcode: apart from the table, which is part of every
        /// runtime.
        pub const DOCS: &[&str] = &[$(concat!($($doc),*)),*];

        impl Instruction {
            /// The opcode.
            pub const fn op(&self) -> Op { match self { $(Instruction::$name { .. } => Op::$name),* } }

            /// The first word and, where the instruction has one, the second.
            #[allow(unused_mut, unused_assignments, reason = "instructions without a second word leave it alone")]
            pub const fn encode(self) -> (u32, Option<u32>) {
                match self {
                    $(Instruction::$name { $($field),* } => {
                        let mut first = Op::$name as u32;
                        let mut second: Option<u32> = None;
                        $(field_put!(first, second, $field, $field);)*
                        (first, second)
                    }),*
                }
            }

            /// Decodes the instruction whose first word is `first`; `second` is the word after
            /// it, if there is one. `None`: unknown opcode or missing second word.
            #[allow(unused_variables, unused_macros, reason = "instructions without operands read neither word")]
            #[allow(non_upper_case_globals, reason = "constants named after the opcodes to match on")]
            pub const fn decode(first: u32, second: Option<u32>) -> Option<Instruction> {
                $(const $name: u8 = Op::$name as u8;)*
                match first as u8 {
                    $($name => {
                        macro_rules! take { (x) => { match second { Some(word) => word, None => return None } };
                            (sx) => { match second { Some(word) => word as i32, None => return None } };
                            ($f:ident) => { field_take!(first, second, $f) } }
                        Some(Instruction::$name { $($field: take!($field)),* })
                    })*
                    _ => None,
                }
            }
        }
    };
}

instructions! {
    // --- moves and constants ---
    /// Copies a register.
    Move = "move" (a: Dst, b: Src) Next;
    /// Loads a constant.
    LoadConst = "load_const" (a: Dst, bx: Const) Next;
    /// Loads a constant with an index above 65535.
    LoadConstWide = "load_const_wide" (a: Dst, x: Const) Next;
    /// Loads a small integer.
    LoadInt = "load_int" (a: Dst, sbx: Imm) Next;
    /// Loads nil, a boolean or the empty list.
    LoadSpecial = "load_special" (a: Dst, b: Special) Next;
    /// Reads a stack slot beyond the byte-addressable registers.
    LoadSlot = "load_slot" (a: Dst, x: SlotSrc) Next;
    /// Writes a stack slot beyond the byte-addressable registers.
    StoreSlot = "store_slot" (a: Src, x: SlotDst) Next;

    // --- variables ---
    /// Reads a captured variable of the running closure.
    GetCapture = "get_capture" (a: Dst, bx: Capture) Next;
    /// Reads a captured variable that lives in a box.
    GetCaptureBox = "get_capture_box" (a: Dst, bx: Capture) Next;
    /// Assigns a captured variable that lives in a box.
    SetCaptureBox = "set_capture_box" (a: Src, bx: Capture) Next;
    /// Makes a box that holds `r[b]`.
    NewBox = "new_box" (a: Dst, b: Src) Next;
    /// Reads the box in `r[b]`.
    GetBox = "get_box" (a: Dst, b: Src) Next;
    /// Stores `r[b]` into the box in `r[a]`.
    SetBox = "set_box" (a: Src, b: Src) Next;
    /// Reads a global; raises `:unbound` when it has no value.
    GetGlobal = "get_global" (a: Dst, x: Global) Next;
    /// Assigns a global that must already have a value (`set!`).
    SetGlobal = "set_global" (a: Src, x: Global) Next;
    /// Creates or overwrites a global (`define`).
    DefineGlobal = "define_global" (a: Src, x: Global) Next;
    /// Makes a closure of function `x`; `bx` capture words follow: bit 31 clear, a register of
    /// this frame; set, a captured variable of the running closure.
    Closure = "closure" (a: Dst, bx: CaptureCount, x: Function) Next;
    /// Sets captured variable `b` of the closure in `r[a]`, for closures that refer to each other.
    PatchCapture = "patch_capture" (a: Src, b: Imm, c: Src) Next;
    /// Loads a native function as a value.
    LoadNative = "load_native" (a: Dst, bx: Native) Next;

    // --- calls ---
    /// Calls whatever `r[a]` holds with `b` arguments.
    Call = "call" (a: CallBase, b: Count) Next;
    /// The same, replacing the running frame.
    TailCall = "tail_call" (a: CallBase, b: Count) Exit;
    /// Calls a function of this module that captures nothing; `b` is its exact frame of parameters
    /// (optional ones filled, rest arguments already in a list).
    CallKnown = "callk" (a: CallBase, b: Count, x: Function) Next;
    /// The same, replacing the running frame.
    TailCallKnown = "tail_callk" (a: CallBase, b: Count, x: Function) Exit;
    /// Calls a native with the arguments `r[b] .. r[b+c]`; the arity has been checked.
    CallNative = "calln" (a: Dst, b: RangeStart, c: Count, x: Native) Next;
    /// Like `call`, the last argument being a sequence that is spread.
    Apply = "apply" (a: CallBase, b: Count) Next;
    /// Like `tail_call`, the last argument being a sequence that is spread.
    TailApply = "tail_apply" (a: CallBase, b: Count) Exit;
    /// Returns.
    Return = "return" (a: Src) Exit;
    /// Raises the value in `r[a]` as `throw` does.
    Throw = "throw" (a: Src) Exit;

    // --- control ---
    /// Jumps.
    Jump = "jump" (s24: Jump) Jump;
    /// Jumps backwards.
    Loop = "loop" (s24: Jump) Jump;
    /// Jumps if `r[a]` is nil or #f.
    JumpFalse = "jfalse" (a: Src, sbx: Jump) Branch;
    /// Jumps if `r[a]` is neither nil nor #f.
    JumpTrue = "jtrue" (a: Src, sbx: Jump) Branch;
    /// Jumps if `r[a] < r[b]`.
    JumpLess = "jlt" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps unless `r[a] < r[b]`.
    JumpNotLess = "jnlt" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps if `r[a] <= r[b]`.
    JumpLessEqual = "jle" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps unless `r[a] <= r[b]`.
    JumpNotLessEqual = "jnle" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps if `r[a] > r[b]`.
    JumpGreater = "jgt" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps unless `r[a] > r[b]`.
    JumpNotGreater = "jngt" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps if `r[a] >= r[b]`.
    JumpGreaterEqual = "jge" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps unless `r[a] >= r[b]`.
    JumpNotGreaterEqual = "jnge" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps if `(= r[a] r[b])`.
    JumpEqual = "jeq" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps unless `(= r[a] r[b])`.
    JumpNotEqual = "jneq" (a: Src, b: Src, sx: Jump) Branch;
    /// Jumps if `r[a] < sbx`.
    JumpLessImm = "jlti" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps unless `r[a] < sbx`.
    JumpNotLessImm = "jnlti" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps if `r[a] <= sbx`.
    JumpLessEqualImm = "jlei" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps unless `r[a] <= sbx`.
    JumpNotLessEqualImm = "jnlei" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps if `r[a] > sbx`.
    JumpGreaterImm = "jgti" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps unless `r[a] > sbx`.
    JumpNotGreaterImm = "jngti" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps if `r[a] >= sbx`.
    JumpGreaterEqualImm = "jgei" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps unless `r[a] >= sbx`.
    JumpNotGreaterEqualImm = "jngei" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps if `(= r[a] sbx)`.
    JumpEqualImm = "jeqi" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps unless `(= r[a] sbx)`.
    JumpNotEqualImm = "jneqi" (a: Src, sbx: Imm, sx: Jump) Branch;
    /// Jumps if `(equal? r[a] constant)`; the constant is not a collection or a NaN.
    JumpEqualConst = "jeqk" (a: Src, bx: Const, sx: Jump) Branch;
    /// Jumps unless `(equal? r[a] constant)`.
    JumpNotEqualConst = "jneqk" (a: Src, bx: Const, sx: Jump) Branch;
    /// Jumps if predicate `b` holds for `r[a]`.
    JumpTest = "jtest" (a: Src, b: Predicate, sx: Jump) Branch;
    /// Jumps unless predicate `b` holds for `r[a]`.
    JumpNotTest = "jntest" (a: Src, b: Predicate, sx: Jump) Branch;

    // --- numbers ---
    /// Sum, as `+` with two arguments.
    Add = "add" (a: Dst, b: Src, c: Src) Next;
    /// Sum of two numbers only: strings are a type error, as in `+` with three arguments.
    AddNumbers = "addn" (a: Dst, b: Src, c: Src) Next;
    /// Difference.
    Subtract = "sub" (a: Dst, b: Src, c: Src) Next;
    /// Product.
    Multiply = "mul" (a: Dst, b: Src, c: Src) Next;
    /// Exact quotient, as `/` with two arguments.
    Divide = "div" (a: Dst, b: Src, c: Src) Next;
    /// `quotient`
    Quotient = "quotient" (a: Dst, b: Src, c: Src) Next;
    /// `remainder`
    Remainder = "remainder" (a: Dst, b: Src, c: Src) Next;
    /// `modulo`
    Modulo = "modulo" (a: Dst, b: Src, c: Src) Next;
    /// Sum with a small integer.
    AddImm = "addi" (a: Dst, b: Src, sc: Imm) Next;
    /// Sum of a small integer and a register: the operands in the other order.
    ImmAdd = "iadd" (a: Dst, b: Src, sc: Imm) Next;
    /// Difference of a register and a small integer.
    SubtractImm = "subi" (a: Dst, b: Src, sc: Imm) Next;
    /// `(< b c)` as a value.
    Less = "lt" (a: Dst, b: Src, c: Src) Next;
    /// `(<= b c)` as a value.
    LessEqual = "le" (a: Dst, b: Src, c: Src) Next;
    /// `(> b c)` as a value.
    Greater = "gt" (a: Dst, b: Src, c: Src) Next;
    /// `(>= b c)` as a value.
    GreaterEqual = "ge" (a: Dst, b: Src, c: Src) Next;
    /// `(= b c)` as a value.
    NumEqual = "eq" (a: Dst, b: Src, c: Src) Next;
    /// `(equal? b c)` as a value.
    Equal = "equal" (a: Dst, b: Src, c: Src) Next;
    /// `not`
    Not = "not" (a: Dst, b: Src) Next;
    /// Predicate `c` of `r[b]` as a value.
    Test = "test" (a: Dst, b: Src, c: Predicate) Next;

    // --- data ---
    /// `car` / `first`
    First = "first" (a: Dst, b: Src) Next;
    /// `cdr` / `rest`
    Rest = "rest" (a: Dst, b: Src) Next;
    /// `cons`
    Cons = "cons" (a: Dst, b: Src, c: Src) Next;
    /// `nth`
    Nth = "nth" (a: Dst, b: Src, c: Src) Next;
    /// `length`
    Length = "length" (a: Dst, b: Src) Next;
    /// `get` with two arguments.
    Get = "get" (a: Dst, b: Src, c: Src) Next;
    /// `(keyword map)`: the value under a constant keyword.
    GetKeyword = "get_keyword" (a: Dst, b: Src, x: Const) Next;
    /// A list of `r[b] .. r[b+c]`.
    MakeList = "make_list" (a: Dst, b: RangeStart, c: Count) Next;
    /// A vector of `r[b] .. r[b+c]`.
    MakeVector = "make_vector" (a: Dst, b: RangeStart, c: Count) Next;
    /// `mutable-array/get` with two arguments.
    ArrayGet = "array_get" (a: Dst, b: Src, c: Src) Next;
    /// `(mutable-array/set! r[a] r[b] r[c])`
    ArraySet = "array_set" (a: Src, b: Src, c: Src) Next;
    /// `mutable-cell/get`
    CellGet = "cell_get" (a: Dst, b: Src) Next;
    /// `(mutable-cell/set! r[a] r[b])`
    CellSet = "cell_set" (a: Src, b: Src) Next;

    // --- modules ---
    /// Runs the imported module's main function unless it has run; the result goes to `r[a]`, which
    /// is the base of the call window.
    RunModule = "run_module" (a: CallBase, b: Count, x: Import) Next;
    /// Copies the imported names of import `x` into this module's globals.
    BindImports = "bind_imports" (a: Dst, x: Import) Next;
    /// Marks this module as completely run.
    ModuleDone = "module_done" () Next;

    // --- combined, and for patterns ---
    /// Two copies: `r[a]` from `r[b]`, then `r[c]` from `r[x]`.
    Move2 = "move2" (a: Dst, b: Src, c: Dst, x: Src) Next;
    /// Element `c` of the list or vector in `r[b]`, nil if there is none.
    Element = "element" (a: Dst, b: Src, c: Imm) Next;
    /// Jumps if `r[a]` is a list or a vector of exactly `b` elements.
    JumpLength = "jlen" (a: Src, b: Imm, sx: Jump) Branch;
    /// Jumps unless `r[a]` is a list or a vector of exactly `b` elements.
    JumpNotLength = "jnlen" (a: Src, b: Imm, sx: Jump) Branch;

    // --- numbers again ---
    /// `-` with one argument.
    Negate = "neg" (a: Dst, b: Src) Next;
    /// `sqrt`
    SquareRoot = "sqrt" (a: Dst, b: Src) Next;
    /// `add` where floats are likely: they are tried first.
    FloatAdd = "fadd" (a: Dst, b: Src, c: Src) Next;
    /// `sub` where floats are likely.
    FloatSubtract = "fsub" (a: Dst, b: Src, c: Src) Next;
    /// `mul` where floats are likely.
    FloatMultiply = "fmul" (a: Dst, b: Src, c: Src) Next;

    // --- combined with the next instruction, see `Op::combined` ---
    /// `fmul` and an `fadd` of the product and `r[a]`.
    MultiplyThenAdd = "fmul+fadd" (a: Src, b: Src, c: Src) Next;
    /// `fmul` and an `fsub` of the product and `r[a]`, in either order.
    MultiplyThenSubtract = "fmul+fsub" (a: Src, b: Src, c: Src) Next;
    /// `fmul` and an `fmul` of the product and `r[a]`.
    MultiplyThenMultiply = "fmul+fmul" (a: Src, b: Src, c: Src) Next;
    /// `fadd` and an `fadd` of the sum and `r[a]`.
    AddThenAdd = "fadd+fadd" (a: Src, b: Src, c: Src) Next;
    /// `fadd` and an `fmul` of the sum and `r[a]`.
    AddThenMultiply = "fadd+fmul" (a: Src, b: Src, c: Src) Next;
    /// `fsub` and an `fadd` of the difference and `r[a]`.
    SubtractThenAdd = "fsub+fadd" (a: Src, b: Src, c: Src) Next;
    /// `fsub` and an `fmul` of the difference and `r[a]`.
    SubtractThenMultiply = "fsub+fmul" (a: Src, b: Src, c: Src) Next;
    /// `array_get` and an `fadd` of the element and `r[a]`.
    ElementThenAdd = "array_get+fadd" (a: Src, b: Src, c: Src) Next;
    /// `array_get` and an `fsub` of the element and `r[a]`, in either order.
    ElementThenSubtract = "array_get+fsub" (a: Src, b: Src, c: Src) Next;
    /// `array_get` and an `fmul` of the element and `r[a]`.
    ElementThenMultiply = "array_get+fmul" (a: Src, b: Src, c: Src) Next;
    /// `array_get`, an `fadd` of the element and `r[a]`, and an `array_set` of the sum in the place of
    /// the element.
    ElementThenAddThenSet = "array_get+fadd+array_set" (a: Src, b: Src, c: Src) Next;
    /// `array_get` and a test of the element.
    ElementThenJumpFalse = "array_get+jfalse" (a: Dst, b: Src, c: Src) Next;
    /// `addi` and a comparison of the sum.
    StepThenJumpLess = "addi+jlt" (a: Dst, b: Src, sc: Imm) Next;
    /// `addi` and a comparison of the sum.
    StepThenJumpNotGreater = "addi+jngt" (a: Dst, b: Src, sc: Imm) Next;
    /// `addi` and a comparison of the sum.
    StepThenJumpNotGreaterEqual = "addi+jnge" (a: Dst, b: Src, sc: Imm) Next;
    /// `addi` and a comparison of the sum.
    StepThenJumpNotEqual = "addi+jneq" (a: Dst, b: Src, sc: Imm) Next;
    /// `addi` and a comparison of the sum.
    StepThenJumpNotGreaterEqualImm = "addi+jngei" (a: Dst, b: Src, sc: Imm) Next;
    /// `subi` and a comparison of the difference.
    StepThenJumpNotEqualImm = "subi+jneqi" (a: Dst, b: Src, sc: Imm) Next;
    /// `rest` and a test of it.
    RestThenJumpTest = "rest+jtest" (a: Dst, b: Src) Next;
    /// `rest` and a test of it.
    RestThenJumpNotTest = "rest+jntest" (a: Dst, b: Src) Next;

    // --- records and decisions ---
    /// A record of the type in global `x` with the fields `r[b] .. r[b+c]`.
    MakeRecord = "record" (a: Dst, b: RangeStart, c: Count, x: Global) Next;
    /// Field `c` of `r[b]`, which must be a record of the type in global `x`.
    RecordRef = "record_ref" (a: Dst, b: Src, c: Imm, x: Global) Next;
    /// Whether `r[b]` is a record of the type in global `x`.
    RecordTest = "record_test" (a: Dst, b: Src, x: Global) Next;
    /// Executes one of the `jump`s that follow, one for each element of a vector: that of the element
    /// that is `equal?` to `r[a]`, else goes on behind them. The elements are not collections or NaN.
    Switch = "switch" (a: Src, bx: Const) Next;

    // --- counted: in programs that can stop tasks ---
    /// Counts a step of the running task, which may be stopped here.
    CountStep = "count" () Next;
    /// `call` that counts a step.
    CountedCall = "count+call" (a: CallBase, b: Count) Next;
    /// `tail_call` that counts a step.
    CountedTailCall = "count+tail_call" (a: CallBase, b: Count) Exit;
    /// `callk` that counts a step.
    CountedCallKnown = "count+callk" (a: CallBase, b: Count, x: Function) Next;
    /// `tail_callk` that counts a step.
    CountedTailCallKnown = "count+tail_callk" (a: CallBase, b: Count, x: Function) Exit;

    // --- steps of operations on three and more numbers, besides `addn` ---
    /// Difference as a step of `-` with three and more arguments: errors name the wrong operand alone.
    SubtractNumbers = "subn" (a: Dst, b: Src, c: Src) Next;
    /// Product as a step of `*` with three and more arguments: errors name the wrong operand alone.
    MultiplyNumbers = "muln" (a: Dst, b: Src, c: Src) Next;
}

impl Op {
    /// [`Op::from_byte`] for the dispatch loop: compiles to a bounds check.
    #[inline(always)]
    pub fn from_byte_fast(byte: u8) -> Option<Op> {
        Op::from_byte(byte)
    }

    /// The opcode with this number.
    pub const fn from_byte(byte: u8) -> Option<Op> {
        if (byte as usize) < INSTRUCTIONS.len() {
            Some(INSTRUCTIONS[byte as usize].op)
        } else {
            None
        }
    }

    /// The table entry.
    pub const fn info(self) -> &'static OpInfo {
        &INSTRUCTIONS[self as usize]
    }
}

/// Capture word of `closure`: set when the variable is captured from the running closure's own
/// captures, clear when it is a register.
pub const CAPTURE_FROM_CLOSURE: u32 = 1 << 31;

#[cfg(test)]
mod tests;
