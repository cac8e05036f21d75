//! Constants and builtins in registers.

use std::rc::Rc;

use sema_format::isa::{Instruction, special};
use sema_natives::core::values::Constant;

use super::Failure;
use super::function::FunctionBuilder;
use crate::front::datum::DatumKind;
use crate::ir::{Builtin, called};

impl FunctionBuilder<'_, '_> {
    pub fn load_constant(&mut self, datum: &DatumKind, register: u8) -> Result<(), Failure> {
        let special = match datum {
            DatumKind::Nil => Some(special::NIL),
            DatumKind::Bool(false) => Some(special::FALSE),
            DatumKind::Bool(true) => Some(special::TRUE),
            DatumKind::List(items) if items.is_empty() => Some(special::EMPTY_LIST),
            _ => None,
        };
        if let Some(b) = special {
            self.asm.emit(Instruction::LoadSpecial { a: register, b });
            return Ok(());
        }
        if let DatumKind::Int(value) = datum
            && let Ok(sbx) = i16::try_from(*value)
        {
            self.asm.emit(Instruction::LoadInt { a: register, sbx });
            return Ok(());
        }
        let index = self.constant(datum)?;
        self.asm.emit(match u16::try_from(index) {
            Ok(bx) => Instruction::LoadConst { a: register, bx },
            Err(_) => Instruction::LoadConstWide {
                a: register,
                x: index,
            },
        });
        Ok(())
    }

    pub fn load_builtin(&mut self, builtin: Builtin, register: u8) -> Result<(), Failure> {
        match builtin.constant() {
            Some(Constant::Float(value)) => {
                return self.load_constant(&DatumKind::Float(value), register);
            }
            Some(Constant::Stream(descriptor)) => {
                let x = u32::from(self.native(called::STANDARD_STREAM)?);
                let (a, b, c, sbx) = (register, register, 1, descriptor);
                self.asm.emit(Instruction::LoadInt { a, sbx });
                self.asm.emit(Instruction::CallNative { a, b, c, x });
                return Ok(());
            }
            None => {}
        }
        if !builtin.is_native() {
            return self.unavailable(builtin.name(), register);
        }
        let index = self.native(builtin)?;
        self.asm.emit(Instruction::LoadNative {
            a: register,
            bx: index,
        });
        Ok(())
    }

    /// Raises a condition: the runtime does not have this builtin.
    fn unavailable(&mut self, name: &'static str, register: u8) -> Result<(), Failure> {
        let shown = name.strip_prefix('%').unwrap_or(name);
        self.load_constant(&DatumKind::Str(Rc::from(shown)), register)?;
        let x = u32::from(self.native(called::UNAVAILABLE)?);
        let (a, b, c) = (register, register, 1);
        self.asm.emit(Instruction::CallNative { a, b, c, x });
        Ok(())
    }

    pub fn native(&mut self, builtin: Builtin) -> Result<u16, Failure> {
        let span = self.span;
        u16::try_from(self.module.native(builtin.name())).map_err(|_| Failure {
            error: super::CodegenError::TooManyNatives,
            span,
        })
    }
}
