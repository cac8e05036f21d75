//! Generating one function: registers, variables, closures.

#![allow(
    clippy::indexing_slicing,
    reason = "places of bindings, and numbers that functions got when their place was reserved"
)]

use crate::hashing::HashMap;
use std::rc::Rc;

use sema_format::encode::{Assembler, Capture, Label};
use sema_format::isa::{Instruction, special};
use sema_format::model::{Function, InlinedCall};

use super::hoist::Hoist;
use super::{CodegenError, Failure, ModuleBuilder};
use crate::front::datum::{DatumKind, Span};
use crate::ir::{Expr, ExprKind, GlobalId, Lambda, VarId};
use crate::middle::variables::Variables;

/// Variables are kept in registers below this; further ones in slots, so that temporaries always
/// find a register.
const VARIABLE_REGISTERS: u32 = 160;
/// Registers that an instruction can name.
const REGISTERS: u32 = 254;
/// Above this many registers in use, operands that are not at hand wait in slots while further ones are
/// computed: nesting then costs no registers, and the rest is enough for any call.
const CROWDED: u32 = 170;
/// First slot.
const FIRST_SLOT: u32 = 256;
/// Most parameters of a function.
pub(crate) const MAX_PARAMETERS: usize = crate::middle::wide::MOST;

/// Where a variable lives (it, or the box that holds it).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Location {
    Register(u8),
    Slot(u32),
    Capture(u16),
}

/// Where the value of an expression is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dest {
    /// In this register, which is not read before it is written.
    Reg(u8),
    /// Nowhere.
    Effect,
    /// It is the function's result.
    Tail,
}

/// A loop that `Recur` can restart.
#[derive(Clone)]
pub(crate) struct LoopTarget {
    pub head: Label,
    pub variables: Rc<[VarId]>,
    /// Those that only count: see [`super::counters`].
    pub counters: Rc<[VarId]>,
}

/// The function being generated, if calls to itself can be recognised.
#[derive(Clone)]
pub(crate) struct SelfTarget {
    pub global: GlobalId,
    pub head: Label,
    pub variables: Rc<[VarId]>,
}

pub(crate) struct FunctionBuilder<'m, 'a> {
    pub module: &'m mut ModuleBuilder<'a>,
    pub asm: Assembler,
    pub variables: Rc<Variables>,
    pub locations: HashMap<VarId, Location>,
    /// Next free register.
    pub next: u32,
    most: u32,
    next_slot: u32,
    pub loops: HashMap<VarId, LoopTarget>,
    pub loop_registers: HashMap<VarId, Rc<[u8]>>,
    /// Every round of the innermost loop binds the variables in registers from here on anew.
    pub innermost: u32,
    pub itself: Option<SelfTarget>,
    /// Span of the expression being generated.
    pub span: Span,
    /// The calls of the unit that were replaced by code of this function, and their numbers here.
    inlined: Vec<InlinedCall>,
    contexts: HashMap<u32, u32>,
    /// Constants that are in registers while the enclosing loops run.
    pub hoists: Vec<(Hoist, u8)>,
}

impl<'m, 'a> FunctionBuilder<'m, 'a> {
    fn new(module: &'m mut ModuleBuilder<'a>, variables: Rc<Variables>) -> Self {
        FunctionBuilder {
            module,
            asm: Assembler::new(),
            variables,
            locations: HashMap::default(),
            next: 0,
            most: 0,
            next_slot: FIRST_SLOT,
            loops: HashMap::default(),
            loop_registers: HashMap::default(),
            innermost: 0,
            itself: None,
            span: Span::default(),
            inlined: Vec::new(),
            contexts: HashMap::default(),
            hoists: Vec::new(),
        }
    }

    /// The module's main function.
    pub fn main(
        module: &'m mut ModuleBuilder<'a>,
        forms: &[Expr],
        variables: Rc<Variables>,
    ) -> Result<Function, Failure> {
        let mut builder = FunctionBuilder::new(module, variables);
        let result = builder.alloc(Span::default())?;
        for (index, form) in forms.iter().enumerate() {
            let dest = if index + 1 == forms.len() {
                Dest::Reg(result)
            } else {
                Dest::Effect
            };
            let most = std::mem::replace(&mut builder.most, builder.next);
            builder.expr(form, dest)?;
            let used = builder.most;
            builder.most = used.max(most);
            if matches!(dest, Dest::Effect) && !is_definition_of_constant(form) {
                // The next forms may run for long: what this one has left must not stay alive as long.
                for register in builder.next..used {
                    builder.asm.emit(Instruction::LoadSpecial {
                        a: register as u8,
                        b: special::NIL,
                    });
                }
            }
        }
        builder.asm.emit(Instruction::ModuleDone {});
        builder.asm.emit(Instruction::Return { a: result });
        builder.finish(Function::default())
    }

    /// A function; `global` if its value is the known function of that global.
    pub fn function(
        module: &'m mut ModuleBuilder<'a>,
        lambda: &Rc<Lambda>,
        variables: Rc<Variables>,
        global: Option<GlobalId>,
    ) -> Result<Function, Failure> {
        let captures = variables.captures(lambda);
        let mut builder = FunctionBuilder::new(module, variables);
        let parameters: Vec<VarId> = lambda
            .parameters
            .iter()
            .chain(&lambda.rest)
            .copied()
            .collect();
        if parameters.len() > MAX_PARAMETERS {
            return Err(Failure {
                error: CodegenError::TooManyParameters {
                    limit: MAX_PARAMETERS,
                },
                span: lambda.span,
            });
        }
        for &parameter in &parameters {
            let register = builder.alloc(lambda.span)?;
            builder
                .locations
                .insert(parameter, Location::Register(register));
        }
        for (index, &captured) in captures.iter().enumerate() {
            builder
                .locations
                .insert(captured, Location::Capture(index as u16));
        }
        if global.is_some_and(|global| builder.restarts_itself(&lambda.body, global)) {
            builder.hoist(&[&lambda.body])?;
        }
        builder.hoist_repeated(&lambda.body)?;
        let head = builder.asm.here();
        for (register, &parameter) in parameters.iter().enumerate() {
            if builder.variables.is_boxed(parameter) {
                builder.asm.emit(Instruction::NewBox {
                    a: register as u8,
                    b: register as u8,
                });
            }
        }
        if let Some(global) = global {
            builder.itself = Some(SelfTarget {
                global,
                head,
                variables: parameters.clone().into(),
            });
        }
        builder.expr(&lambda.body, Dest::Tail)?;
        let required = lambda.parameters.len() - lambda.optional;
        builder.finish(Function {
            name: lambda.name.as_deref().map(str::to_owned),
            required: required as u16,
            parameters: lambda.parameters.len() as u16,
            rest: lambda.rest.is_some(),
            captures: captures.len() as u16,
            library: lambda.library,
            ..Function::default()
        })
    }

    fn finish(self, mut function: Function) -> Result<Function, Failure> {
        let span = self.span;
        let parameters = u32::from(function.parameters) + u32::from(function.rest);
        let registers = if self.next_slot > FIRST_SLOT {
            self.next_slot
        } else {
            self.most
        };
        function.registers = registers.max(parameters).max(1);
        function.inlined = self.inlined;
        let assembled = self.asm.finish().map_err(|error| Failure {
            error: error.into(),
            span,
        })?;
        assembled.install(&mut function);
        Ok(function)
    }

    // --- registers ---

    /// A fresh register at the top.
    pub fn alloc(&mut self, span: Span) -> Result<u8, Failure> {
        if self.next >= REGISTERS {
            return Err(Failure {
                error: CodegenError::TooDeep,
                span,
            });
        }
        self.next += 1;
        self.most = self.most.max(self.next);
        Ok((self.next - 1) as u8)
    }

    /// Whether registers are scarce.
    pub fn is_crowded(&self) -> bool {
        self.next > CROWDED
    }

    /// Whether a call window with this many registers can be had.
    pub fn has_room(&self, count: usize) -> bool {
        self.next as usize + count <= REGISTERS as usize
    }

    /// A register for intermediate values: the destination itself if it is the top register. While
    /// registers are scarce no variable's own register is a destination, so nothing is lost.
    pub fn scratch(&mut self, dest: u8, span: Span) -> Result<u8, Failure> {
        if self.is_crowded() && u32::from(dest) + 1 == self.next {
            Ok(dest)
        } else {
            self.alloc(span)
        }
    }

    /// Puts the value of a register into a new slot.
    pub fn spill(&mut self, register: u8) -> u32 {
        let slot = self.next_slot;
        self.next_slot += 1;
        self.asm.emit(Instruction::StoreSlot {
            a: register,
            x: slot,
        });
        slot
    }

    /// Loads slots into fresh registers.
    pub fn reload(&mut self, slots: &[u32], span: Span) -> Result<(), Failure> {
        for &slot in slots {
            let register = self.alloc(span)?;
            self.asm.emit(Instruction::LoadSlot {
                a: register,
                x: slot,
            });
        }
        Ok(())
    }

    // --- variables ---

    /// Gives a new variable its place and makes the value in `value` its initial value. `value` is
    /// the register at the top of the stack if it is to become the variable's own register.
    pub fn bind_in_place(&mut self, variable: VarId, register: u8) -> Result<(), Failure> {
        if self.variables.is_boxed(variable) {
            self.asm.emit(Instruction::NewBox {
                a: register,
                b: register,
            });
        }
        if u32::from(register) < VARIABLE_REGISTERS {
            self.locations
                .insert(variable, Location::Register(register));
        } else {
            let slot = self.spill(register);
            self.locations.insert(variable, Location::Slot(slot));
        }
        Ok(())
    }

    /// Frees the registers from `mark` on whose variables have been moved to slots.
    pub fn release_slotted(&mut self, mark: u32) {
        self.next = self.next.min(mark.max(VARIABLE_REGISTERS));
    }

    /// Whether a variable whose value is in this register moves to a slot.
    pub fn is_slotted(&self, register: u8) -> bool {
        u32::from(register) >= VARIABLE_REGISTERS
    }

    /// The register that holds the variable itself, if one does.
    pub fn register_of(&self, variable: VarId) -> Option<u8> {
        match self.locations.get(&variable) {
            Some(Location::Register(register)) if !self.variables.is_boxed(variable) => {
                Some(*register)
            }
            _ => None,
        }
    }

    /// Loads a variable's place (the value, or its box) into a register.
    fn load_location(&mut self, variable: VarId, into: u8) {
        match self.locations.get(&variable) {
            Some(Location::Register(register)) if *register != into => {
                self.asm.copy(into, *register)
            }
            Some(Location::Register(_)) => {}
            Some(Location::Slot(slot)) => {
                self.asm.emit(Instruction::LoadSlot { a: into, x: *slot })
            }
            Some(Location::Capture(index)) => self.asm.emit(Instruction::GetCapture {
                a: into,
                bx: *index,
            }),
            // A variable without a place was never bound: the front end does not make such code.
            None => self.asm.emit(Instruction::LoadSpecial {
                a: into,
                b: special::NIL,
            }),
        }
    }

    /// Loads the value of a variable.
    pub fn load_variable(&mut self, variable: VarId, into: u8) {
        if !self.variables.is_boxed(variable) {
            self.load_location(variable, into);
            return;
        }
        match self.locations.get(&variable) {
            Some(Location::Capture(index)) => self.asm.emit(Instruction::GetCaptureBox {
                a: into,
                bx: *index,
            }),
            Some(Location::Register(register)) => self.asm.emit(Instruction::GetBox {
                a: into,
                b: *register,
            }),
            _ => {
                self.load_location(variable, into);
                self.asm.emit(Instruction::GetBox { a: into, b: into });
            }
        }
    }

    /// Assigns a variable from a register.
    pub fn store_variable(&mut self, variable: VarId, from: u8, span: Span) -> Result<(), Failure> {
        let boxed = self.variables.is_boxed(variable);
        match self.locations.get(&variable).copied() {
            Some(Location::Register(register)) if boxed => self.asm.emit(Instruction::SetBox {
                a: register,
                b: from,
            }),
            Some(Location::Register(register)) if register != from => self.asm.copy(register, from),
            Some(Location::Register(_)) | None => {}
            Some(Location::Capture(index)) => self
                .asm
                .emit(Instruction::SetCaptureBox { a: from, bx: index }),
            Some(Location::Slot(slot)) if boxed => {
                let mark = self.next;
                let holder = self.alloc(span)?;
                self.asm.emit(Instruction::LoadSlot { a: holder, x: slot });
                self.asm.emit(Instruction::SetBox { a: holder, b: from });
                self.next = mark;
            }
            Some(Location::Slot(slot)) => {
                self.asm.emit(Instruction::StoreSlot { a: from, x: slot })
            }
        }
        Ok(())
    }

    // --- closures ---

    /// Makes a closure in a register.
    pub fn closure(&mut self, lambda: &Rc<Lambda>, into: u8) -> Result<(), Failure> {
        let captures = self.variables.captures(lambda);
        let index = self.nested(lambda)?;
        let sources: Vec<Capture> = captures
            .iter()
            .map(|variable| match self.locations.get(variable) {
                Some(Location::Register(register)) => Capture::Register(u32::from(*register)),
                Some(Location::Slot(slot)) => Capture::Register(*slot),
                Some(Location::Capture(index)) => Capture::Captured(u32::from(*index)),
                None => Capture::Register(u32::from(into)),
            })
            .collect();
        self.asm.closure(into, index, &sources);
        Ok(())
    }

    /// Generates a nested function and gives its number.
    fn nested(&mut self, lambda: &Rc<Lambda>) -> Result<u32, Failure> {
        let index = self.module.module.functions.len() as u32;
        self.module.module.functions.push(Function::default());
        let function =
            FunctionBuilder::function(&mut *self.module, lambda, self.variables.clone(), None)?;
        self.module.module.functions[index as usize] = function;
        Ok(index)
    }

    /// Binds variables that see each other and evaluates their initial values in order.
    pub fn letrec(&mut self, bindings: &[(VarId, Expr)]) -> Result<(), Failure> {
        let mark = self.next;
        for (variable, init) in bindings {
            let register = self.alloc(init.span)?;
            // Even a variable that is never read early is copied into closures before it is set.
            self.asm.emit(Instruction::LoadSpecial {
                a: register,
                b: special::NIL,
            });
            self.bind_in_place(*variable, register)?;
            self.release_slotted(mark);
        }
        // Closures that captured a variable before it had its value: holder, index, variable.
        let mut patches: Vec<(VarId, u32, VarId)> = Vec::new();
        for (position, (variable, init)) in bindings.iter().enumerate() {
            let mark = self.next;
            let target = match self.register_of(*variable) {
                Some(register) => register,
                None => self.alloc(init.span)?,
            };
            match &init.kind {
                ExprKind::Lambda(lambda) => {
                    let later: Vec<VarId> = bindings[position..]
                        .iter()
                        .map(|(v, _)| *v)
                        .filter(|v| !self.variables.is_boxed(*v))
                        .collect();
                    for (index, captured) in self.variables.captures(lambda).iter().enumerate() {
                        if later.contains(captured) {
                            patches.push((*variable, index as u32, *captured));
                        }
                    }
                    self.closure(lambda, target)?;
                }
                _ => {
                    // The value may be computed in steps while the variable is still visible as nil.
                    let fresh = self.alloc(init.span)?;
                    self.expr(init, Dest::Reg(fresh))?;
                    self.asm.copy(target, fresh);
                }
            }
            self.store_variable(*variable, target, init.span)?;
            self.next = mark;
            let (due, rest): (Vec<_>, Vec<_>) = patches
                .into_iter()
                .partition(|(_, _, captured)| captured == variable);
            patches = rest;
            for (holder, index, captured) in due {
                self.patch(holder, index, captured, init.span)?;
            }
        }
        Ok(())
    }

    fn patch(
        &mut self,
        holder: VarId,
        index: u32,
        captured: VarId,
        span: Span,
    ) -> Result<(), Failure> {
        let mark = self.next;
        let closure = self.alloc(span)?;
        let value = self.alloc(span)?;
        let Ok(index) = u8::try_from(index) else {
            return Err(Failure {
                error: CodegenError::TooDeep,
                span,
            });
        };
        let closure = match self.register_of(holder) {
            Some(register) => register,
            None => {
                self.load_variable(holder, closure);
                closure
            }
        };
        let value = match self.register_of(captured) {
            Some(register) => register,
            None => {
                self.load_location(captured, value);
                value
            }
        };
        self.asm.emit(Instruction::PatchCapture {
            a: closure,
            b: index,
            c: value,
        });
        self.next = mark;
        Ok(())
    }

    /// The number of a constant.
    pub fn constant(&mut self, datum: &DatumKind) -> Result<u32, Failure> {
        let span = self.span;
        let names = self.module.names;
        self.module
            .constants
            .datum(datum, names)
            .map_err(|error| Failure { error, span })
    }

    /// Notes the source position for the instructions that follow.
    pub fn position(&mut self, span: Span) {
        self.span = span;
        if span == Span::default() {
            return;
        }
        let positions = self.module.positions;
        if let Some((file, line, column)) = positions.position(span) {
            let file = self.module.file(file);
            let context = match span.context >> 1 {
                // The function's own frame is there as long as it runs.
                0 => 0,
                _ => self.context(span.context),
            };
            self.asm.position_in(file, line, column, context);
        }
    }

    /// A context of the unit as this function numbers it.
    fn context(&mut self, context: u32) -> u32 {
        let (number, mark) = (context >> 1, context & 1);
        if let Some(&known) = self.contexts.get(&number) {
            return known | mark;
        }
        let unit = self.module.unit;
        let call = (number as usize)
            .checked_sub(1)
            .and_then(|index| unit.inlined.get(index));
        let Some(call) = call else {
            return mark;
        };
        let around = self.context(call.site.context);
        let positions = self.module.positions;
        let (file, line, column) = match positions.position(call.site) {
            Some((file, line, column)) => (self.module.file(file), line, column),
            None => (0, 0, 0),
        };
        self.inlined.push(InlinedCall {
            name: call.name.as_deref().map(str::to_owned),
            library: call.library,
            file,
            line,
            column,
            context: around,
        });
        let known = (self.inlined.len() as u32) << 1;
        self.contexts.insert(number, known);
        known | mark
    }
}

/// Whether a form only gives a global something that takes no registers to compute.
fn is_definition_of_constant(form: &Expr) -> bool {
    match &form.kind {
        ExprKind::DefineGlobal(_, value) => matches!(
            value.kind,
            ExprKind::Lambda(_) | ExprKind::Const(_) | ExprKind::Builtin(_) | ExprKind::Global(_)
        ),
        _ => false,
    }
}
