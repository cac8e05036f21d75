//! Loaded modules: what the dispatch loop needs of a module, in memory.

use std::cell::{Cell, OnceCell};

use num_bigint::{BigInt, Sign};
use sema_format::Module;
use sema_format::model::Constant;

use crate::error::{Condition, ConditionKind};
use crate::host::Host;
use crate::native::Native;
use crate::natives;
use crate::value::{Kind, Value};

/// A function of a loaded module. Its address is the identity that closures hold.
pub(crate) struct Func {
    pub code: *const u32,
    pub constants: *const Value,
    pub globals: *mut Value,
    pub natives: *const &'static Native,
    pub module: *const LoadedModule,
    /// Registers of its window.
    pub registers: u32,
    /// Fixed parameters, optional ones included.
    pub parameters: u32,
    /// Arguments it needs at least.
    pub required: u32,
    /// Number in the module.
    pub index: u32,
    /// Whether a register after the parameters takes the list of further arguments.
    pub rest: bool,
    /// Whether it takes exactly `parameters` arguments.
    pub exact: bool,
}

/// How far a module is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ModuleState {
    New,
    Running,
    Done,
}

/// A loaded module.
pub(crate) struct LoadedModule {
    pub name: String,
    pub functions: Box<[Func]>,
    constants: Box<[Value]>,
    pub globals: Box<[Cell<Value>]>,
    natives: Box<[&'static Native]>,
    native_indices: Box<[u32]>,
    pub state: Cell<ModuleState>,
    /// For each import, the number of the module once it has been found.
    pub import_targets: Box<[OnceCell<usize>]>,
    pub image: Module,
}

/// Why a module cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A native of another tier or version.
    #[error(
        "module {module} needs the builtin `{native}`, which this runtime does not have; build it with a higher tier"
    )]
    MissingNative {
        /// The module.
        module: String,
        /// The builtin.
        native: String,
    },
    /// Not a valid module.
    #[error("module {module} is damaged: {reason}")]
    Damaged {
        /// The module.
        module: String,
        /// What is wrong.
        reason: String,
    },
}

impl LoadedModule {
    /// Makes the module ready to run. The result must not move: functions point into it.
    pub(crate) fn load(host: &Host, image: Module) -> Result<Box<LoadedModule>, LoadError> {
        let mut native_refs = Vec::with_capacity(image.natives.len());
        let mut native_indices = Vec::with_capacity(image.natives.len());
        for name in &image.natives {
            let Some(index) = natives::find(name) else {
                return Err(LoadError::MissingNative {
                    module: image.name.clone(),
                    native: name.clone(),
                });
            };
            native_refs.push(natives::get(index));
            native_indices.push(index);
        }
        let constants = host.heap.permanently(|_| constants(host, &image.constants));
        let mut module = Box::new(LoadedModule {
            name: image.name.clone(),
            functions: Box::new([]),
            constants: constants.into_boxed_slice(),
            globals: vec![Cell::new(Value::UNBOUND); image.globals.len()].into_boxed_slice(),
            natives: native_refs.into_boxed_slice(),
            native_indices: native_indices.into_boxed_slice(),
            state: Cell::new(ModuleState::New),
            import_targets: image.imports.iter().map(|_| OnceCell::new()).collect(),
            image,
        });
        let address: *const LoadedModule = &raw const *module;
        module.functions = module
            .image
            .functions
            .iter()
            .enumerate()
            .map(|(index, function)| Func {
                code: function.code.as_ptr(),
                constants: module.constants.as_ptr(),
                globals: module.globals.as_ptr().cast::<Value>().cast_mut(),
                natives: module.natives.as_ptr(),
                module: address,
                registers: function.registers,
                parameters: u32::from(function.parameters),
                required: u32::from(function.required),
                index: index as u32,
                rest: function.rest,
                exact: !function.rest && function.required == function.parameters,
            })
            .collect();
        Ok(module)
    }

    /// The native with this index as a value.
    pub(crate) fn native_value(&self, index: usize) -> Value {
        self.native_indices
            .get(index)
            .map_or(Value::NIL, |&number| Value::native(number))
    }

    /// File, line and column of a word of a function.
    pub(crate) fn position(&self, function: u32, pc: u32) -> Option<(&str, u32, u32)> {
        let lines = &self.image.functions.get(function as usize)?.lines;
        let after = lines.partition_point(|entry| entry.pc <= pc);
        let entry = lines.get(after.checked_sub(1)?)?;
        Some((
            self.image
                .files
                .get(entry.file as usize)
                .map_or("", String::as_str),
            entry.line,
            entry.column,
        ))
    }

    /// The name of a function, if it has one.
    pub(crate) fn function_name(&self, function: u32) -> Option<&str> {
        self.image.functions.get(function as usize)?.name.as_deref()
    }

    /// Whether a function belongs to the embedded library.
    pub(crate) fn is_library(&self, function: u32) -> bool {
        self.image
            .functions
            .get(function as usize)
            .is_some_and(|function| function.library)
    }

    /// The global that an export refers to.
    pub(crate) fn export(&self, name: &str) -> Option<usize> {
        self.image
            .exports
            .iter()
            .find(|export| export.name == name)
            .map(|export| export.global as usize)
    }
}

impl Func {
    pub(crate) fn module(&self) -> &LoadedModule {
        // SAFETY: functions live inside their module, which is never moved or unloaded while the
        // VM exists.
        unsafe { &*self.module }
    }

    /// The name in messages: anonymous functions are `<lambda>`.
    pub(crate) fn name(&self) -> &str {
        self.module()
            .function_name(self.index)
            .unwrap_or("<lambda>")
    }

    /// The closure-field encoding of this function.
    pub(crate) fn encode(&self) -> Value {
        Value::index(std::ptr::from_ref(self) as usize)
    }

    /// The function that field 0 of a closure refers to.
    #[inline(always)]
    pub(crate) fn decode(field: Value) -> *const Func {
        (field.bits() & 0xFFFF_FFFF_FFFF) as *const Func
    }
}

/// The function of a closure.
pub(crate) fn closure_function(host: &Host, closure: Value) -> Option<&Func> {
    if closure.kind() != Kind::Closure {
        return None;
    }
    // SAFETY: field 0 of a closure is written only by the VM, from `Func::encode`.
    unsafe { Func::decode(host.heap.field(closure, 0)).as_ref() }
}

fn constants(host: &Host, pool: &[Constant]) -> Vec<Value> {
    let heap = &host.heap;
    let mut values: Vec<Value> = Vec::with_capacity(pool.len());
    for constant in pool {
        let at = |index: &u32| values.get(*index as usize).copied().unwrap_or(Value::NIL);
        let value = match constant {
            Constant::Nil => Value::NIL,
            Constant::Bool(value) => Value::bool(*value),
            Constant::EmptyList => Value::EMPTY,
            Constant::Int(value) => heap.int(*value),
            Constant::BigInt {
                negative,
                magnitude,
            } => heap.bigint(&BigInt::from_bytes_le(
                if *negative { Sign::Minus } else { Sign::Plus },
                magnitude,
            )),
            Constant::Ratio {
                numerator,
                denominator,
            } => heap.object(Kind::Ratio, 0, &[at(numerator), at(denominator)]),
            Constant::Float(bits) => Value::float(f64::from_bits(*bits)),
            Constant::Complex { real, imaginary } => {
                heap.object(Kind::Complex, 0, &[at(real), at(imaginary)])
            }
            Constant::Char(value) => Value::char(*value),
            Constant::Str(text) => heap.string(text),
            Constant::Symbol(name) => host.symbol(name),
            Constant::Keyword(name) => host.keyword(name),
            Constant::List(items) => heap.list(&items.iter().map(at).collect::<Vec<_>>()),
            Constant::Vector(items) => heap.vector(&items.iter().map(at).collect::<Vec<_>>()),
            Constant::Map(entries) => {
                let entries: Vec<(Value, Value)> = entries
                    .iter()
                    .map(|(key, value)| (at(key), at(value)))
                    .collect();
                crate::collections::sorted_map::from_entries(host, &entries)
            }
            Constant::Bytes(bytes) => heap.bytevector(bytes),
            Constant::F64Array(items) => heap.f64_array(
                &items
                    .iter()
                    .map(|bits| f64::from_bits(*bits))
                    .collect::<Vec<_>>(),
            ),
            Constant::I64Array(items) => heap.i64_array(items),
        };
        values.push(value);
    }
    values
}

/// A condition for a module that could not be loaded.
pub(crate) fn load_condition(error: &LoadError) -> Condition {
    Condition::new(ConditionKind::Io, error.to_string())
}
