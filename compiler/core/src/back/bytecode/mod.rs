//! The register bytecode back end: from the core language to a module.

#![allow(
    clippy::indexing_slicing,
    reason = "numbers that functions got when their place was reserved; the main function has the first"
)]

mod branch;
mod calls;
mod constants;
mod counters;
mod expr;
mod function;
mod hoist;
mod loads;
mod loops;
pub mod primitives;
mod spread;
mod switch;

use crate::hashing::{HashMap, HashSet};
use std::rc::Rc;

use sema_format::Module;
use sema_format::model::{Arity, Export, ExportKind, Import, Part};

use crate::front::datum::{Interner, Span};
use crate::front::positions::Positions;
use crate::ir::walk::for_each_child;
use crate::ir::{Builtin, Expr, ExprKind, GlobalId, Lambda, Unit};
use crate::middle::Globals;
use crate::middle::likely::Likely;
use crate::middle::variables::Variables;
use constants::ConstantPool;
use function::FunctionBuilder;

/// Why code could not be generated: limits of the format.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// A function too large for the encoding.
    #[error("this function cannot be encoded: {0}")]
    Assemble(#[from] sema_format::encode::AssembleError),
    /// Too many parameters.
    #[error("a function can have at most {limit} parameters")]
    TooManyParameters {
        /// The limit.
        limit: usize,
    },
    /// A run-time object in code.
    #[error(
        "a macro put a run-time object into code; only data that can be written can be compiled"
    )]
    Opaque,
    /// Too many live temporaries.
    #[error("this expression is nested too deeply; bind parts of it to names with let")]
    TooDeep,
    /// Too many natives.
    #[error("the module uses more builtins than the format can hold")]
    TooManyNatives,
}

/// A code generation error and where it happened.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong.
    pub error: CodegenError,
    /// Where.
    pub span: Span,
}

/// A function that is known to be the value of a global whenever code can ask.
#[derive(Clone)]
pub(crate) struct KnownFunction {
    pub index: u32,
    pub lambda: Rc<Lambda>,
}

/// The state of generating one module.
pub(crate) struct ModuleBuilder<'a> {
    pub positions: &'a dyn Positions,
    pub names: &'a Interner,
    pub module: Module,
    pub constants: ConstantPool,
    pub known: HashMap<GlobalId, KnownFunction>,
    /// Globals whose value is the library function of this name.
    natives: HashMap<&'static str, u32>,
    files: HashMap<String, u32>,
    /// What is known of the unit's globals.
    pub globals: &'a Globals,
    /// Globals that are used otherwise than as the callee of a direct call.
    pub used_as_values: HashSet<GlobalId>,
    /// What numbers are likely to be.
    pub likely: Likely,
    pub unit: &'a Unit,
}

/// Generates the module of a unit.
///
/// # Errors
/// Limits of the format.
pub fn generate(
    unit: &Unit,
    globals: &Globals,
    positions: &dyn Positions,
    names: &Interner,
) -> Result<Module, Failure> {
    let mut builder = ModuleBuilder {
        positions,
        names,
        module: Module {
            name: unit.name.to_string(),
            ..Module::default()
        },
        constants: ConstantPool::default(),
        known: HashMap::default(),
        natives: HashMap::default(),
        files: HashMap::default(),
        globals,
        used_as_values: HashSet::default(),
        likely: Likely::default(),
        unit,
    };
    builder
        .module
        .functions
        .push(sema_format::model::Function::default());
    builder.module.globals = unit
        .globals
        .iter()
        // Most have no name in a unit of a namespace: `to_string` would go through formatting for each.
        .map(|global| String::from(&*global.name))
        .collect();
    builder.module.imports = unit
        .imports
        .iter()
        .map(|import| Import {
            path: import.path.to_string(),
            resolved: import.module.to_string(),
            names: import
                .names
                .as_ref()
                .map(|names| names.iter().map(|name| name.to_string()).collect()),
            bindings: import
                .bindings
                .iter()
                .map(|(name, global)| (name.to_string(), global.0))
                .collect(),
            whole: import.names.is_none(),
        })
        .collect();
    let mut definitions = Vec::new();
    for form in &unit.body {
        if let ExprKind::DefineGlobal(global, value) = &form.kind
            && let ExprKind::Lambda(lambda) = &value.kind
            && globals.known.contains(global)
        {
            let index = builder.module.functions.len() as u32;
            builder
                .module
                .functions
                .push(sema_format::model::Function::default());
            builder.known.insert(
                *global,
                KnownFunction {
                    index,
                    lambda: lambda.clone(),
                },
            );
            definitions.push((*global, index, lambda.clone()));
        }
    }
    for form in &unit.body {
        collect_value_uses(form, &builder.known, &mut builder.used_as_values);
    }
    let mut known = definitions
        .iter()
        .map(|(global, _, lambda)| (*global, &**lambda));
    builder.likely = Likely::collect(unit, &mut known);
    for (global, index, lambda) in definitions {
        let part = unit.parts.iter().find(|part| part.function == global);
        let function = match part {
            Some(part) => {
                builder.part(&part.name, index);
                let forms = std::slice::from_ref(&lambda.body);
                FunctionBuilder::main(&mut builder, forms, Rc::new(Variables::analyse(forms)))?
            }
            None => {
                let variables = Rc::new(Variables::analyse_function(&lambda));
                FunctionBuilder::function(&mut builder, &lambda, variables, Some(global))?
            }
        };
        builder.module.functions[index as usize] = function;
    }
    builder.main()?;
    builder.exports();
    builder.module.constants = std::mem::take(&mut builder.constants).into_constants();
    Ok(builder.module)
}

/// Collects the globals that are read as values.
fn collect_value_uses(
    expr: &Expr,
    known: &HashMap<GlobalId, KnownFunction>,
    uses: &mut HashSet<GlobalId>,
) {
    match &expr.kind {
        ExprKind::Global(global) => {
            uses.insert(*global);
        }
        ExprKind::Call(callee, _)
            if matches!(callee.kind, ExprKind::Builtin(Builtin::RUN_PART)) => {}
        ExprKind::Call(callee, arguments) => {
            let direct = match callee.kind {
                ExprKind::Global(global) => known
                    .get(&global)
                    .is_some_and(|known| calls::accepts(known, arguments.len())),
                _ => false,
            };
            if !direct {
                collect_value_uses(callee, known, uses);
            }
            for argument in arguments {
                collect_value_uses(argument, known, uses);
            }
        }
        _ => for_each_child(expr, &mut |child| collect_value_uses(child, known, uses)),
    }
}

impl ModuleBuilder<'_> {
    /// The number of a native in the module's list.
    pub fn native(&mut self, name: &'static str) -> u32 {
        if let Some(&index) = self.natives.get(name) {
            return index;
        }
        let index = self.module.natives.len() as u32;
        self.module.natives.push(name.to_owned());
        self.natives.insert(name, index);
        index
    }

    /// Notes that a function runs the part with this name.
    fn part(&mut self, name: &str, function: u32) {
        let name = name.to_owned();
        self.module.parts.push(Part { name, function });
    }

    /// The number of an import that runs the part which this global runs.
    pub fn import_of_part(&mut self, global: GlobalId) -> Option<u32> {
        let mut parts = self.unit.parts.iter();
        let name = &parts.find(|part| part.function == global)?.name;
        let mut imports = self.module.imports.iter();
        if let Some(known) = imports.position(|import| *import.resolved == **name) {
            return Some(known as u32);
        }
        self.module.imports.push(Import {
            path: name.to_string(),
            resolved: name.to_string(),
            names: None,
            bindings: Vec::new(),
            whole: false,
        });
        Some(self.module.imports.len() as u32 - 1)
    }

    pub fn file(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.files.get(name) {
            return index;
        }
        let index = self.module.files.len() as u32;
        self.module.files.push(name.to_owned());
        self.files.insert(name.to_owned(), index);
        index
    }

    /// The main function: the unit's forms in order; its value is that of the last.
    fn main(&mut self) -> Result<(), Failure> {
        let mut forms: Vec<Expr> = Vec::with_capacity(self.unit.body.len() + 1);
        let span = Span::default();
        for (number, global) in self.unit.globals.iter().enumerate() {
            if let Some(builtin) = global.shadows {
                let value = Expr::new(ExprKind::Builtin(builtin), span);
                forms.push(Expr::new(
                    ExprKind::DefineGlobal(GlobalId(number as u32), Box::new(value)),
                    span,
                ));
            }
        }
        forms.extend(self.unit.body.iter().cloned());
        if forms.is_empty() {
            forms.push(Expr::nil(span));
        }
        let variables = Rc::new(Variables::analyse(&forms));
        self.module.functions[0] = FunctionBuilder::main(self, &forms, variables)?;
        Ok(())
    }

    fn exports(&mut self) {
        for (name, global, span) in self.unit.all_exports() {
            if self.globals.is_hidden(global) {
                continue;
            }
            let function = self.known.get(&global);
            let position = self.positions.position(span);
            let (line, column) = position.map_or((0, 0), |(_, line, column)| (line, column));
            self.module.exports.push(Export {
                name: name.to_string(),
                kind: match function {
                    Some(_) => ExportKind::Function,
                    None => ExportKind::Value,
                },
                arity: function.map(|known| {
                    let parameters = known.lambda.parameters.len() as u16;
                    Arity {
                        minimum: parameters - known.lambda.optional as u16,
                        maximum: known.lambda.rest.is_none().then_some(parameters),
                    }
                }),
                doc: None,
                line,
                column,
                global: global.0,
            });
        }
    }
}
