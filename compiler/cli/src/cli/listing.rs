//! Bytecode as JSON, for `semac disasm --json`.

use sema_format::decode::decode_at;
use sema_format::{FormatError, ModuleView};
use serde::Serialize;

/// A module.
#[derive(Serialize)]
pub(super) struct ModuleListing {
    name: String,
    format: u16,
    producer: String,
    bytes: usize,
    content_hash: String,
    natives: Vec<String>,
    capabilities: Vec<String>,
    globals: Vec<String>,
    functions: Vec<FunctionListing>,
}

#[derive(Serialize)]
struct FunctionListing {
    index: u32,
    name: Option<String>,
    registers: u32,
    required: u32,
    parameters: u32,
    rest: bool,
    captures: u32,
    library: bool,
    instructions: Vec<InstructionListing>,
    handlers: Vec<HandlerListing>,
}

#[derive(Serialize)]
struct InstructionListing {
    pc: u32,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
struct HandlerListing {
    start: u32,
    end: u32,
    target: u32,
    register: u32,
}

/// What a module holds.
pub(super) fn module(view: &ModuleView<'_>) -> Result<ModuleListing, FormatError> {
    let owned = |name: Result<&str, FormatError>| name.map(str::to_owned);
    let globals = (0..view.global_count()).map(|index| owned(view.global_name(index)));
    let functions = (0..view.function_count()).map(|index| function(view, index));
    Ok(ModuleListing {
        name: view.name()?.to_owned(),
        format: sema_format::FORMAT_VERSION,
        producer: view.producer().to_owned(),
        bytes: view.bytes().len(),
        content_hash: format!("{:016x}", view.content_hash()),
        natives: view.natives().map(owned).collect::<Result<_, _>>()?,
        capabilities: view.capabilities().map(owned).collect::<Result<_, _>>()?,
        globals: globals.collect::<Result<_, _>>()?,
        functions: functions.collect::<Result<_, _>>()?,
    })
}

fn function(view: &ModuleView<'_>, index: u32) -> Result<FunctionListing, FormatError> {
    let entry = view.function(index)?;
    let code = view.function_code(&entry)?;
    let debug = view.debug()?;
    let mut instructions = Vec::new();
    let mut pc = 0;
    while (pc as usize) < code.len() {
        let location = debug.as_ref().and_then(|debug| debug.location(index, pc));
        instructions.push(InstructionListing {
            pc,
            text: sema_format::disasm::instruction_text(code, pc),
            file: location.as_ref().map(|location| location.file.to_owned()),
            line: location.as_ref().map(|location| location.line),
        });
        pc = match decode_at(code, pc) {
            Ok(instruction) => instruction.next_pc(),
            Err(_) => pc.saturating_add(1),
        };
    }
    let handlers = view.handlers(&entry)?;
    Ok(FunctionListing {
        index,
        name: view.function_name(&entry)?.map(str::to_owned),
        registers: entry.registers,
        required: entry.required.into(),
        parameters: entry.parameters.into(),
        rest: entry.rest,
        captures: entry.captures.into(),
        library: entry.library,
        instructions,
        handlers: handlers
            .map(|handler| HandlerListing {
                start: handler.start,
                end: handler.end,
                target: handler.target,
                register: handler.register.into(),
            })
            .collect(),
    })
}
