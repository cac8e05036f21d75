//! How a program gets somewhere: the path of calls from its start to a builtin or a constant.
//!
//! The graph is read off the compiled modules, so it holds for what runs: what was optimised away is not on it, and
//! calls that were replaced by code are steps all the same ([`sema_format::frames`]). A function refers to another one
//! by calling it, by a global that holds it, or by making a closure of it. Definitions at the top of a module are
//! no use: they count only if nothing else leads to a function.

use crate::hashing::HashMap;
use std::collections::VecDeque;

use sema_format::Module;
use sema_format::decode::decode_at;
use sema_format::frames::{Place, unfold};
use sema_format::isa::{Op, Operand};
use sema_format::model::{Constant, Function, LineEntry};
use sema_natives::NATIVES;

use super::data_reader::called;

/// One call on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The function that calls, as traces call it; `None` is the code of a module itself.
    pub function: Option<String>,
    /// File, line and column of the call, if the module has line tables and it is not in the library.
    pub place: Option<(String, u32, u32)>,
    /// Whether it is a function of the library.
    pub library: bool,
}

/// A function: the number of its module and its own.
type Node = (usize, usize);

/// What a function refers to, and at which word.
#[derive(Clone, Copy, Debug)]
struct Edge {
    pc: u32,
    to: Node,
    /// A definition of a global, which nothing has called yet.
    defines: bool,
}

/// What one looks for.
#[derive(Clone, Copy)]
pub enum Goal<'g> {
    /// One of these natives, called by the names of the builtins that programs call.
    Builtins(&'g [&'g str]),
    /// A function of the library with this name.
    Library(&'g str),
    /// A text that is one of these.
    Texts(&'g [&'g str]),
}

/// What functions without a name are called, in traces too.
const ANONYMOUS: &str = "<lambda>";

/// The functions of a program and what they refer to.
pub struct Reach<'m> {
    modules: &'m [Module],
    edges: HashMap<Node, Vec<Edge>>,
}

impl<'m> Reach<'m> {
    /// Reads the modules of a program, of which the last is the entry.
    pub fn new(modules: &'m [Module]) -> Reach<'m> {
        let defined: Vec<_> = modules.iter().map(definitions).collect();
        let by_name: HashMap<&str, usize> = modules
            .iter()
            .enumerate()
            .map(|(number, module)| (module.name.as_str(), number))
            .collect();
        let mut edges = HashMap::default();
        for (number, module) in modules.iter().enumerate() {
            let globals = held(number, modules, &defined, &by_name);
            for (index, function) in module.functions.iter().enumerate() {
                let found = references(module, function, number, &globals, &by_name);
                edges.insert((number, index), found);
            }
        }
        Reach { modules, edges }
    }

    /// The shortest way to a goal, from the start of the program on; `None` if nothing leads there.
    pub fn path_to(&self, goal: Goal<'_>) -> Option<Vec<Step>> {
        self.search(goal, false).or_else(|| self.search(goal, true))
    }

    /// The same; with `definitions` also through functions that are defined and called by nobody.
    fn search(&self, goal: Goal<'_>, definitions: bool) -> Option<Vec<Step>> {
        let start: Node = (self.modules.len().checked_sub(1)?, 0);
        let mut came: HashMap<Node, Option<(Node, u32)>> = HashMap::from_iter([(start, None)]);
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            if let Some(pc) = self.uses(node, goal) {
                return Some(self.steps(node, pc, &came));
            }
            for edge in self.edges.get(&node).into_iter().flatten() {
                if (definitions || !edge.defines) && !came.contains_key(&edge.to) {
                    came.insert(edge.to, Some((node, edge.pc)));
                    queue.push_back(edge.to);
                }
            }
        }
        None
    }

    fn function(&self, (module, function): Node) -> Option<(&'m Module, &'m Function)> {
        let module = self.modules.get(module)?;
        Some((module, module.functions.get(function)?))
    }

    /// Where a function itself uses a goal.
    fn uses(&self, node: Node, goal: Goal<'_>) -> Option<u32> {
        let (module, function) = self.function(node)?;
        if let Goal::Library(name) = goal {
            return calls_library(function, name);
        }
        let names = |index: i64, kind: Operand| {
            let index = usize::try_from(index).ok()?;
            match (goal, kind) {
                (Goal::Builtins(names), Operand::Native) => {
                    let number = NATIVES.find(module.natives.get(index)?)?;
                    Some(names.contains(&called(NATIVES.get(number).name)))
                }
                (Goal::Texts(texts), Operand::Const) => Some(holds(module, index, texts)),
                _ => None,
            }
        };
        let mut pc = 0;
        while let Ok(located) = decode_at(&function.code, pc) {
            if located
                .operands()
                .any(|(_, kind, index)| names(index, kind) == Some(true))
            {
                return Some(match goal {
                    // Arguments are loaded in front of the call, whose place is known.
                    Goal::Texts(_) => entry_behind(function, pc).unwrap_or(pc),
                    _ => pc,
                });
            }
            pc = located.next_pc();
        }
        None
    }

    fn steps(&self, last: Node, pc: u32, came: &HashMap<Node, Option<(Node, u32)>>) -> Vec<Step> {
        let mut innermost_first = Vec::new();
        let mut at = Some((last, pc));
        while let Some((node, pc)) = at {
            self.unfolded(node, pc, &mut innermost_first);
            at = came.get(&node).copied().flatten();
        }
        innermost_first.reverse();
        innermost_first
    }

    /// The steps that a place in the code stands for, innermost first.
    fn unfolded(&self, node: Node, pc: u32, steps: &mut Vec<Step>) {
        let Some((module, function)) = self.function(node) else {
            return;
        };
        unfold(
            &function.lines,
            &function.inlined,
            pc,
            false,
            &mut |call, place| {
                let (name, library) = match call {
                    Some(call) => (&call.name, call.library),
                    None => (&function.name, function.library),
                };
                // Code without a line of its own stands where its function begins.
                let place = place.or_else(|| function.lines.first().map(Place::from));
                let file =
                    place.and_then(|place| Some((module.files.get(place.file as usize)?, place)));
                let is_main = call.is_none() && (node.1 == 0 || is_part(module, node.1));
                steps.push(Step {
                    function: match is_main {
                        true => None,
                        false => Some(name.clone().unwrap_or_else(|| ANONYMOUS.to_owned())),
                    },
                    place: file
                        .filter(|_| !library)
                        .map(|(file, place)| (file.clone(), place.line, place.column)),
                    library,
                });
            },
        );
    }
}

/// The first word behind another one at which a line entry begins.
fn entry_behind(function: &Function, pc: u32) -> Option<u32> {
    let mut entries = function.lines.iter().map(|entry| entry.pc);
    entries.find(|start| *start > pc)
}

/// Where a function is the function of the library with this name, or has taken in its code.
fn calls_library(function: &Function, name: &str) -> Option<u32> {
    if function.library && function.name.as_deref() == Some(name) {
        return Some(0);
    }
    let is_it = |entry: &&LineEntry| {
        let mut found = false;
        unfold(
            &function.lines,
            &function.inlined,
            entry.pc,
            false,
            &mut |call, _| {
                found |=
                    call.is_some_and(|call| call.library && call.name.as_deref() == Some(name));
            },
        );
        found
    };
    function.lines.iter().find(is_it).map(|entry| entry.pc)
}

fn is_part(module: &Module, function: usize) -> bool {
    module
        .parts
        .iter()
        .any(|part| part.function as usize == function)
}

/// Whether a constant is one of the texts or contains one.
fn holds(module: &Module, index: usize, texts: &[&str]) -> bool {
    // Compound constants refer to smaller indices only.
    let inner = |elements: &[u32]| {
        let mut inside = elements
            .iter()
            .filter(|&&element| (element as usize) < index);
        inside.any(|&element| holds(module, element as usize, texts))
    };
    match module.constants.get(index) {
        Some(Constant::Str(text)) => texts.contains(&text.as_str()),
        Some(Constant::List(elements) | Constant::Vector(elements)) => inner(elements),
        Some(Constant::Map(pairs)) => pairs.iter().any(|(key, value)| inner(&[*key, *value])),
        _ => false,
    }
}

/// The functions that globals of a module are defined as, by global.
fn definitions(module: &Module) -> HashMap<u32, Vec<u32>> {
    let mut found: HashMap<u32, Vec<u32>> = HashMap::default();
    for function in &module.functions {
        each_definition(function, &mut |_, global, made| {
            found.entry(global).or_default().push(made);
        });
    }
    found
}

/// Calls `visit` with the word of each closure that becomes a global, the global and the closure's function.
fn each_definition(function: &Function, visit: &mut dyn FnMut(u32, u32, u32)) {
    // Register, word and function of the closure that was made last.
    let mut made: Option<(u32, u32, u32)> = None;
    let mut pc = 0;
    while let Ok(located) = decode_at(&function.code, pc) {
        let word = |index: usize| located.words.get(index).copied().unwrap_or(0);
        let register = (word(0) >> 8) & 0xff;
        match located.op {
            Op::Closure => made = Some((register, pc, word(1))),
            Op::DefineGlobal | Op::SetGlobal => {
                if let Some((_, at, function)) = made.filter(|(held, _, _)| *held == register) {
                    visit(at, word(1), function);
                }
            }
            // Anything else may change the register.
            Op::PatchCapture => {}
            _ => made = None,
        }
        pc = located.next_pc();
    }
}

/// The functions that the globals of a module may hold: its own, and those of the modules that it imports.
fn held(
    number: usize,
    modules: &[Module],
    defined: &[HashMap<u32, Vec<u32>>],
    by_name: &HashMap<&str, usize>,
) -> HashMap<u32, Vec<Node>> {
    let mut all: HashMap<u32, Vec<Node>> = HashMap::default();
    for (global, functions) in defined.get(number).into_iter().flatten() {
        let nodes = functions
            .iter()
            .map(|function| (number, *function as usize));
        all.entry(*global).or_default().extend(nodes);
    }
    let Some(module) = modules.get(number) else {
        return all;
    };
    for import in &module.imports {
        let Some(&from) = by_name.get(import.resolved.as_str()) else {
            continue;
        };
        for (name, global) in &import.bindings {
            let exports = modules
                .get(from)
                .into_iter()
                .flat_map(|module| &module.exports);
            for export in exports.filter(|export| export.name == *name) {
                let functions = defined
                    .get(from)
                    .and_then(|globals| globals.get(&export.global));
                let nodes = functions
                    .into_iter()
                    .flatten()
                    .map(|function| (from, *function as usize));
                all.entry(*global).or_default().extend(nodes);
            }
        }
    }
    all
}

/// What a function refers to.
fn references(
    module: &Module,
    function: &Function,
    number: usize,
    globals: &HashMap<u32, Vec<Node>>,
    by_name: &HashMap<&str, usize>,
) -> Vec<Edge> {
    let mut defining = Vec::new();
    each_definition(function, &mut |pc, _, _| defining.push(pc));
    let mut edges = Vec::new();
    let mut pc = 0;
    while let Ok(located) = decode_at(&function.code, pc) {
        let mut add = |to: Node| {
            let defines = defining.contains(&pc);
            edges.push(Edge { pc, to, defines });
        };
        for (_, kind, value) in located.operands() {
            let Ok(index) = u32::try_from(value) else {
                continue;
            };
            match kind {
                Operand::Function => add((number, index as usize)),
                Operand::Global if located.op == Op::GetGlobal => {
                    globals
                        .get(&index)
                        .into_iter()
                        .flatten()
                        .for_each(|node| add(*node));
                }
                Operand::Import if located.op == Op::RunModule => {
                    let resolved = module
                        .imports
                        .get(index as usize)
                        .map(|import| &import.resolved);
                    let part = module
                        .parts
                        .iter()
                        .find(|part| Some(&part.name) == resolved);
                    match (part, resolved.and_then(|name| by_name.get(name.as_str()))) {
                        (Some(part), _) => add((number, part.function as usize)),
                        (None, Some(&from)) => add((from, 0)),
                        (None, None) => {}
                    }
                }
                _ => {}
            }
        }
        pc = located.next_pc();
    }
    edges
}
