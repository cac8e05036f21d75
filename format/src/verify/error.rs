//! Why a module is refused, down to the rule and the instruction.

use crate::container::layout::Section;
use crate::decode::DecodeError;
use crate::error::FormatError;
use crate::model::MAX_REGISTERS;

/// Why a module is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The file is damaged.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A constant is not what it must be.
    #[error("constant {index} is not valid: {problem}")]
    Constant {
        /// The constant.
        index: u32,
        /// What is wrong.
        problem: &'static str,
    },
    /// An import, an export or a part refers to something that does not exist or does not fit.
    #[error("the {section} of `{name}` is not valid: {problem}")]
    Interface {
        /// Imports, exports or parts.
        section: Section,
        /// The name or path.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A function's entry or handler is not valid.
    #[error("function {function}{}: {rule}", shown_name(.name))]
    Function {
        /// The function.
        function: u32,
        /// Its name.
        name: Option<String>,
        /// The rule that it breaks.
        rule: Rule,
    },
    /// An instruction is not valid.
    #[error("function {function}{}, word {pc}: `{instruction}`: {rule}", shown_name(.name))]
    Instruction {
        /// The function.
        function: u32,
        /// Its name.
        name: Option<String>,
        /// The instruction's first word, from the start of the function.
        pc: u32,
        /// The instruction as a listing shows it.
        instruction: String,
        /// The rule that it breaks.
        rule: Rule,
    },
}

/// What is proved; each value is a way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's message says what it is")]
pub enum Rule {
    #[error("a module needs a main function")]
    NoMain,
    #[error("the main function takes no parameters and captures nothing")]
    MainSignature,
    #[error("its code does not follow that of the function before it")]
    CodePlacement,
    #[error("its handlers do not follow those of the function before it")]
    HandlerPlacement,
    #[error("it has no code")]
    NoCode,
    #[error("it requires {required} arguments but has {parameters} parameters")]
    Required { required: u16, parameters: u16 },
    #[error("its {parameters} parameters do not fit its window of {registers} registers")]
    Parameters { parameters: u32, registers: u32 },
    #[error("its window of {0} registers is larger than {MAX_REGISTERS}")]
    Window(u32),
    #[error("handler {0} does not cover whole instructions")]
    HandlerRange(u32),
    #[error("handler {0} does not go to an instruction")]
    HandlerTarget(u32),
    #[error("handler {index} writes register {register}, outside the window of {registers}")]
    HandlerRegister {
        index: u32,
        register: u32,
        registers: u32,
    },
    #[error("{0}")]
    Decode(#[from] DecodeError),
    #[error("control falls off the end of the function")]
    FallsOff,
    #[error("`{0}` must follow it")]
    Combined(&'static str),
    #[error("register {register} is outside the window of {registers}")]
    Register { register: u32, registers: u32 },
    #[error("registers {start} to {end} are outside the window of {registers}")]
    Range {
        start: u32,
        end: u32,
        registers: u32,
    },
    #[error("{section} {index} does not exist: there are {count}")]
    Index {
        section: Section,
        index: u32,
        count: u32,
    },
    #[error("`apply` without an argument to spread")]
    NothingToSpread,
    #[error("captured variable {index} does not exist: the function captures {count}")]
    Capture { index: u32, count: u32 },
    #[error("function {function} captures {expected} variables, not {given}")]
    CaptureCount {
        function: u32,
        expected: u32,
        given: u32,
    },
    #[error("function {function} takes a frame of {expected}, not {given}")]
    KnownArguments {
        function: u32,
        expected: u32,
        given: u32,
    },
    #[error("function {0} captures variables, so only a closure of it can be called")]
    KnownCaptures(u32),
    #[error("native {native} does not take {arguments} arguments")]
    NativeArguments { native: u32, arguments: u32 },
    #[error("{0} is not a special value")]
    Special(u32),
    #[error("{0} is not a predicate")]
    Predicate(u32),
    #[error("constant {0} cannot be compared in place (it is a collection or a NaN)")]
    ComparedConstant(u32),
    #[error("constant {0} is not a keyword")]
    Keyword(u32),
    #[error("the jump to word {0} does not hit an instruction")]
    JumpTarget(i64),
    #[error("constant {0} is not a vector of values that can be compared in place")]
    SwitchConstant(u32),
    #[error("{0} `jump`s and another instruction must follow")]
    SwitchJumps(u32),
    #[error("`loop` must jump backwards")]
    LoopForward,
}

fn shown_name(name: &Option<String>) -> String {
    name.as_ref()
        .map(|name| format!(" `{}`", name.escape_debug()))
        .unwrap_or_default()
}
