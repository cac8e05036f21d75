//! The way on which a program reaches a native: who calls whom, from the code that runs first.

use std::collections::{HashMap, VecDeque};

use sema_format::Module;
use sema_format::decode::{Located, decode_at};
use sema_format::isa::{Op, Operand};
use sema_format::model::Function;
use sema_natives::NATIVES;

/// One call on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
    /// Where: file, line, column. `None` inside of the library, and without line tables.
    pub position: Option<(String, u32, u32)>,
}

/// What code of a module's start is called.
const START: &str = "the program";
/// The number of the function that runs it.
const MAIN: usize = 0;
/// Functions without a name.
const NAMELESS: &str = "a function";

/// A shortest way to the native of this name, a step a call; empty if none is found, because what is called is known only at
/// run time.
pub fn way(modules: &[Module], native: &str) -> Vec<Step> {
    let wanted = NATIVES.find(native);
    modules
        .iter()
        .find_map(|module| {
            let is_it = |name: &String| wanted.is_some() && NATIVES.find(name) == wanted;
            let number = module.natives.iter().position(is_it)?;
            Graph::of(module).way(i64::try_from(number).ok()?, native)
        })
        .unwrap_or_default()
}

/// Which functions a module's functions name, and where.
struct Graph<'m> {
    module: &'m Module,
    /// By function: what it names, and at which word.
    names: Vec<Vec<(Named, u32)>>,
    /// The functions that are put into global variables.
    globals: HashMap<i64, Vec<usize>>,
}

/// What an instruction names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Function(usize),
    Global(i64),
    Native(i64),
}

/// The number of no global variable.
const NO_GLOBAL: i64 = -1;

fn instructions(function: &Function) -> impl Iterator<Item = Located<'_>> {
    let mut pc = 0;
    std::iter::from_fn(move || {
        let located = decode_at(&function.code, pc).ok()?;
        pc = located.next_pc();
        Some(located)
    })
}

impl<'m> Graph<'m> {
    fn of(module: &'m Module) -> Graph<'m> {
        let mut graph = Graph {
            module,
            names: Vec::new(),
            globals: HashMap::new(),
        };
        for function in &module.functions {
            let mut named = Vec::new();
            // The functions that registers hold, and where in `named` that is noted.
            let mut held: HashMap<i64, (usize, usize)> = HashMap::new();
            for located in instructions(function) {
                let mut target = None;
                let mut found = None;
                for (_, operand, value) in located.operands() {
                    match operand {
                        Operand::Dst => target = Some(value),
                        Operand::Src if located.op == Op::DefineGlobal => target = Some(value),
                        Operand::Function => found = usize::try_from(value).ok(),
                        Operand::Native => named.push((Named::Native(value), located.pc)),
                        Operand::Global if located.op == Op::DefineGlobal => {
                            let register = target.and_then(|register| held.remove(&register));
                            if let Some((function, noted)) = register {
                                graph.globals.entry(value).or_default().push(function);
                                // A definition is no call.
                                if let Some(noted) = named.get_mut(noted) {
                                    noted.0 = Named::Global(NO_GLOBAL);
                                }
                            }
                        }
                        Operand::Global => named.push((Named::Global(value), located.pc)),
                        _ => {}
                    }
                }
                if let Some(function) = found {
                    named.push((Named::Function(function), located.pc));
                }
                if let Some(register) = target.filter(|_| located.op != Op::DefineGlobal) {
                    match found {
                        Some(function) => held.insert(register, (function, named.len() - 1)),
                        None => held.remove(&register),
                    };
                }
            }
            graph.names.push(named);
        }
        graph
    }

    /// The functions that something named stands for.
    fn functions(&self, named: Named) -> &[usize] {
        match named {
            Named::Global(global) => self.globals.get(&global).map_or(&[], Vec::as_slice),
            Named::Function(_) | Named::Native(_) => &[],
        }
    }

    fn way(&self, native: i64, name: &str) -> Option<Vec<Step>> {
        let parts = self.module.parts.iter();
        let parts = parts.filter_map(|part| usize::try_from(part.function).ok());
        let mut queue: VecDeque<usize> = [MAIN].into_iter().chain(parts).collect();
        // From where each function was reached first.
        let mut from: HashMap<usize, Option<(usize, u32)>> =
            queue.iter().map(|root| (*root, None)).collect();
        while let Some(current) = queue.pop_front() {
            for &(named, pc) in self.names.get(current)? {
                if named == Named::Native(native) {
                    let mut steps = self.steps(current, pc, name);
                    let mut at = current;
                    while let Some(Some((caller, pc))) = from.get(&at) {
                        let callee = self.name(at);
                        let mut before = self.steps(*caller, *pc, &callee);
                        before.append(&mut steps);
                        steps = before;
                        at = *caller;
                    }
                    return Some(steps);
                }
                let direct = match named {
                    Named::Function(function) => Some(function),
                    _ => None,
                };
                for &next in direct.iter().chain(self.functions(named)) {
                    from.entry(next).or_insert_with(|| {
                        queue.push_back(next);
                        Some((current, pc))
                    });
                }
            }
        }
        None
    }

    fn name(&self, function: usize) -> String {
        if function == MAIN {
            return START.to_owned();
        }
        let name = self
            .module
            .functions
            .get(function)
            .and_then(|one| one.name.clone());
        name.unwrap_or_else(|| NAMELESS.to_owned())
    }

    /// What the word `pc` of a function calls, from that function on: through the calls that have been inlined there.
    fn steps(&self, function: usize, pc: u32, callee: &str) -> Vec<Step> {
        let caller = self.name(function);
        let whole = |caller: String, position| {
            vec![Step {
                caller,
                callee: callee.to_owned(),
                position,
            }]
        };
        let Some(code) = self.module.functions.get(function) else {
            return Vec::new();
        };
        let Some(line) = code.lines.iter().rfind(|line| line.pc <= pc) else {
            return whole(caller, None);
        };
        let place = |file: u32, line: u32, column: u32, library: bool| {
            let file = self.module.files.get(file as usize).filter(|_| !library)?;
            Some((file.clone(), line, column))
        };
        let mut steps = Vec::new();
        let mut callee = callee.to_owned();
        let mut position = (line.file, line.line, line.column);
        let mut context = line.context / 2;
        while let Some(inlined) = context
            .checked_sub(1)
            .and_then(|number| code.inlined.get(number as usize))
        {
            let name = inlined.name.clone().unwrap_or_else(|| NAMELESS.to_owned());
            let (file, line, column) = position;
            steps.push(Step {
                caller: name.clone(),
                callee,
                position: place(file, line, column, inlined.library),
            });
            callee = name;
            position = (inlined.file, inlined.line, inlined.column);
            // Refers to earlier entries only.
            context = (inlined.context / 2).min(context.saturating_sub(1));
        }
        let (file, line, column) = position;
        steps.push(Step {
            caller,
            callee,
            position: place(file, line, column, code.library),
        });
        steps.reverse();
        steps
    }
}
