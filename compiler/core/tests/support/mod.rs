//! A small evaluator of the core language, for tests: it runs transformers at build time and whole programs.

#![allow(dead_code, reason = "each test uses a part")]

mod values;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;

use semac_core::front::datum::{Datum, Interner, Span};
use semac_core::front::diagnostic::{Condition, Diagnostic, EXPANSION};
use semac_core::front::expand::host::{MacroHost, TransformerId};
use semac_core::front::source::SourceMap;
use semac_core::ir::{Expr, ExprKind, Lambda, Unit, VarId};

pub use values::Value;
use values::{condition, elements, from_datum, get, lookup, raised, text, to_datum, truth};

pub struct Closure {
    lambda: Rc<Lambda>,
    environment: Environment,
    unit: usize,
}

type Cell = Rc<RefCell<Value>>;

#[derive(Clone, Default)]
struct Environment(Option<Rc<(VarId, Cell, Environment)>>);

impl Environment {
    fn bind(&self, variable: VarId, value: Value) -> Environment {
        let cell = Rc::new(RefCell::new(value));
        Environment(Some(Rc::new((variable, cell, self.clone()))))
    }

    fn cell(&self, variable: VarId) -> Cell {
        let mut node = self.0.as_ref();
        while let Some(entry) = node {
            if entry.0 == variable {
                return entry.1.clone();
            }
            node = entry.2.0.as_ref();
        }
        panic!("variable {} is not bound", variable.0)
    }
}

type Outcome = Result<Value, Value>;

/// The evaluator.
#[derive(Default)]
pub struct Machine {
    globals: HashMap<(String, String), Value>,
    units: Vec<Rc<Unit>>,
    transformers: Vec<Value>,
    modules: HashMap<String, (Unit, bool)>,
    pub output: String,
    counter: u64,
}

impl Machine {
    /// Runs the modules of a program, the entry last; gives the text of an uncaught condition.
    pub fn run_program(
        &mut self,
        modules: Vec<(String, Unit)>,
        interner: &Interner,
    ) -> Option<String> {
        let entry = modules.last().unwrap().0.clone();
        for (key, unit) in modules {
            self.modules.insert(key, (unit, false));
        }
        self.start(&entry, interner)
            .err()
            .map(|condition| text(&get(&condition, "message"), true))
    }

    fn start(&mut self, key: &str, interner: &Interner) -> Outcome {
        let (unit, done) = self.modules.get_mut(key).unwrap();
        if std::mem::replace(done, true) {
            return Ok(Value::Nil);
        }
        let unit = unit.clone();
        self.run_unit(&unit, interner)
    }

    fn run_unit(&mut self, unit: &Unit, interner: &Interner) -> Outcome {
        let index = self.units.len();
        self.units.push(Rc::new(unit.clone()));
        let mut last = Value::Nil;
        for form in &unit.body {
            last = self.eval(form, &Environment::default(), index, interner)?;
        }
        Ok(last)
    }

    fn global_key(&self, unit: usize, id: semac_core::ir::GlobalId) -> (String, String) {
        let unit = &self.units[unit];
        (
            unit.name.to_string(),
            unit.globals[id.0 as usize].name.to_string(),
        )
    }

    fn eval(&mut self, expr: &Expr, env: &Environment, unit: usize, names: &Interner) -> Outcome {
        match &expr.kind {
            ExprKind::Loop(..) | ExprKind::Recur(..) => {
                panic!("the front end makes no loops: the optimiser does")
            }
            ExprKind::Const(kind) => Ok(from_datum(kind, names)),
            ExprKind::Local(id) => Ok(env.cell(*id).borrow().clone()),
            ExprKind::SetLocal(id, value) => {
                let value = self.eval(value, env, unit, names)?;
                *env.cell(*id).borrow_mut() = value.clone();
                Ok(value)
            }
            ExprKind::Global(id) => {
                let key = self.global_key(unit, *id);
                let shadows = self.units[unit].globals[id.0 as usize].shadows;
                let value = self.globals.get(&key).cloned();
                value
                    .or(shadows.map(|builtin| Value::Builtin(builtin.name())))
                    .ok_or_else(|| condition("unbound", &format!("Unbound variable: {}", key.1)))
            }
            ExprKind::SetGlobal(id, value) => {
                let value = self.eval(value, env, unit, names)?;
                let key = self.global_key(unit, *id);
                self.globals.insert(key, value.clone());
                Ok(value)
            }
            ExprKind::DefineGlobal(id, value) => {
                let value = self.eval(value, env, unit, names)?;
                let key = self.global_key(unit, *id);
                self.globals.insert(key, value);
                Ok(Value::Nil)
            }
            ExprKind::Builtin(builtin) => Ok(Value::Builtin(builtin.name())),
            ExprKind::Lambda(lambda) => Ok(Value::Closure(Rc::new(Closure {
                lambda: lambda.clone(),
                environment: env.clone(),
                unit,
            }))),
            ExprKind::Call(callee, arguments) => {
                let callee = self.eval(callee, env, unit, names)?;
                let arguments = self.eval_all(arguments, env, unit, names)?;
                self.call(&callee, arguments, names)
            }
            ExprKind::Apply(callee, arguments) => {
                let callee = self.eval(callee, env, unit, names)?;
                let mut arguments = self.eval_all(arguments, env, unit, names)?;
                let last = arguments.pop().unwrap();
                arguments.extend(elements(&last)?.iter().cloned());
                self.call(&callee, arguments, names)
            }
            ExprKind::If(test, then, otherwise) => {
                let branch = if truth(&self.eval(test, env, unit, names)?) {
                    then
                } else {
                    otherwise
                };
                self.eval(branch, env, unit, names)
            }
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                let all = matches!(expr.kind, ExprKind::And(_));
                let mut last = Value::Nil;
                for part in parts {
                    last = self.eval(part, env, unit, names)?;
                    if truth(&last) != all {
                        break;
                    }
                }
                Ok(last)
            }
            ExprKind::Seq(parts) => {
                let mut last = Value::Nil;
                for part in parts {
                    last = self.eval(part, env, unit, names)?;
                }
                Ok(last)
            }
            ExprKind::Let(bound, body) => {
                let mut inner = env.clone();
                for (variable, value) in bound {
                    let value = self.eval(value, env, unit, names)?;
                    inner = inner.bind(*variable, value);
                }
                self.eval(body, &inner, unit, names)
            }
            ExprKind::Letrec(bound, body) => {
                let mut inner = env.clone();
                for (variable, _) in bound {
                    inner = inner.bind(*variable, Value::Nil);
                }
                for (variable, value) in bound {
                    let value = self.eval(value, &inner, unit, names)?;
                    *inner.cell(*variable).borrow_mut() = value;
                }
                self.eval(body, &inner, unit, names)
            }
            ExprKind::While(test, body) => {
                while truth(&self.eval(test, env, unit, names)?) {
                    self.eval(body, env, unit, names)?;
                }
                Ok(Value::Nil)
            }
            ExprKind::Try(body, variable, handler) => match self.eval(body, env, unit, names) {
                Ok(value) => Ok(value),
                Err(condition) => {
                    let inner = env.bind(*variable, condition);
                    self.eval(handler, &inner, unit, names)
                }
            },
            ExprKind::Throw(value) => {
                let value = self.eval(value, env, unit, names)?;
                Err(raised(value))
            }
            ExprKind::Import(id) => {
                let import = self.units[unit].imports[id.0 as usize].clone();
                self.start(&import.module, names)?;
                for name in import.names.iter().flatten() {
                    if !import.bindings.iter().any(|(bound, _)| bound == name) {
                        let message = format!("import: module does not export '{name}'");
                        return Err(condition("eval", &message));
                    }
                }
                for (name, id) in &import.bindings {
                    let from = (import.module.to_string(), name.to_string());
                    if let Some(value) = self.globals.get(&from).cloned() {
                        let key = self.global_key(unit, *id);
                        self.globals.insert(key, value);
                    }
                }
                Ok(Value::Nil)
            }
        }
    }

    fn eval_all(
        &mut self,
        parts: &[Expr],
        env: &Environment,
        unit: usize,
        names: &Interner,
    ) -> Result<Vec<Value>, Value> {
        parts
            .iter()
            .map(|part| self.eval(part, env, unit, names))
            .collect()
    }

    pub fn call(&mut self, callee: &Value, arguments: Vec<Value>, names: &Interner) -> Outcome {
        match callee {
            Value::Closure(closure) => {
                let lambda = &closure.lambda;
                let fixed = lambda.parameters.len();
                let fits = if lambda.rest.is_some() {
                    arguments.len() >= fixed
                } else {
                    arguments.len() == fixed
                };
                if !fits {
                    return Err(condition("arity", "wrong number of arguments"));
                }
                let mut env = closure.environment.clone();
                let mut arguments = arguments.into_iter();
                for parameter in &lambda.parameters {
                    env = env.bind(*parameter, arguments.next().unwrap());
                }
                if let Some(rest) = lambda.rest {
                    env = env.bind(rest, Value::List(Rc::new(arguments.collect())));
                }
                self.eval(&lambda.body, &env, closure.unit, names)
            }
            Value::Builtin(name) => self.builtin(name, &arguments, names),
            Value::Keyword(_) => Ok(lookup(&arguments[0], callee)),
            other => Err(condition(
                "eval",
                &format!("not callable: {}", text(other, false)),
            )),
        }
    }

    fn builtin(&mut self, name: &str, arguments: &[Value], names: &Interner) -> Outcome {
        let list = |items: Vec<Value>| Ok(Value::List(Rc::new(items)));
        let integer = |value: &Value| match value {
            Value::Int(value) => Ok(*value),
            _ => Err(condition("type-error", "expected number")),
        };
        let numbers = || {
            arguments
                .iter()
                .map(integer)
                .collect::<Result<Vec<i64>, Value>>()
        };
        Ok(match name {
            "+" => Value::Int(numbers()?.iter().sum()),
            "*" => Value::Int(numbers()?.iter().product()),
            "-" => {
                let numbers = numbers()?;
                let rest: i64 = numbers[1..].iter().sum();
                Value::Int(if numbers.len() == 1 {
                    -numbers[0]
                } else {
                    numbers[0] - rest
                })
            }
            "=" | "equal?" => Value::Bool(text(&arguments[0], false) == text(&arguments[1], false)),
            "<" => Value::Bool(numbers()?.is_sorted_by(|a, b| a < b)),
            ">" => Value::Bool(numbers()?.is_sorted_by(|a, b| a > b)),
            ">=" => Value::Bool(numbers()?.is_sorted_by(|a, b| a >= b)),
            "<=" => Value::Bool(numbers()?.is_sorted_by(|a, b| a <= b)),
            "not" => Value::Bool(!truth(&arguments[0])),
            "nil?" => Value::Bool(matches!(arguments[0], Value::Nil)),
            "null?" => Value::Bool(match &arguments[0] {
                Value::Nil => true,
                Value::List(items) => items.is_empty(),
                _ => false,
            }),
            "list?" => Value::Bool(matches!(arguments[0], Value::List(_))),
            "list" | "%list" => return list(arguments.to_vec()),
            "%vector" => Value::Vector(Rc::new(arguments.to_vec())),
            "%map" => Value::Map(Rc::new(
                arguments
                    .chunks(2)
                    .map(|pair| (pair[0].clone(), pair[1].clone()))
                    .collect(),
            )),
            "cons" => {
                let mut items = vec![arguments[0].clone()];
                items.extend(elements(&arguments[1])?.iter().cloned());
                return list(items);
            }
            "car" | "first" => elements(&arguments[0])?
                .first()
                .cloned()
                .unwrap_or(Value::Nil),
            "cdr" => return list(elements(&arguments[0])?.iter().skip(1).cloned().collect()),
            "append" | "%append-list" | "%append-vector" => {
                let mut items = Vec::new();
                for argument in arguments {
                    items.extend(elements(argument)?.iter().cloned());
                }
                if name == "%append-vector" {
                    return Ok(Value::Vector(Rc::new(items)));
                }
                return list(items);
            }
            "map" => {
                let mut items = Vec::new();
                for item in elements(&arguments[1])?.iter() {
                    items.push(self.call(&arguments[0], vec![item.clone()], names)?);
                }
                return list(items);
            }
            "str" | "%str" => {
                let parts: Vec<String> = arguments.iter().map(|part| text(part, true)).collect();
                Value::Str(parts.concat().into())
            }
            "println" => {
                let parts: Vec<String> = arguments.iter().map(|part| text(part, true)).collect();
                writeln!(self.output, "{}", parts.join(" ")).unwrap();
                Value::Nil
            }
            "error" => return Err(condition("eval", &text(&arguments[0], true))),
            "%gensym" => {
                let stem = text(&arguments[0], true);
                let number = self.next_gensym();
                Value::Symbol(format!("{stem}__{number}").into())
            }
            "%check-sequence" | "%check-sequence-rest" => {
                let found = elements(&arguments[0])?.len() as i64;
                let wanted = integer(&arguments[1])?;
                let fits = if name == "%check-sequence" {
                    found == wanted
                } else {
                    found >= wanted
                };
                if !fits {
                    return Err(condition(
                        "eval",
                        &format!("destructure: expected {wanted} elements, got {found}"),
                    ));
                }
                Value::Nil
            }
            "%check-map" => match arguments[0] {
                Value::Map(_) => Value::Nil,
                _ => return Err(condition("type-error", "expected map or hashmap")),
            },
            "%check-values" => Value::Nil,
            "%sequence-ref" => elements(&arguments[0])?[integer(&arguments[1])? as usize].clone(),
            "%sequence-rest" => {
                let from = integer(&arguments[1])? as usize;
                return list(elements(&arguments[0])?[from..].to_vec());
            }
            "%sequence-of?" | "%sequence-from?" => {
                let wanted = integer(&arguments[1])?;
                Value::Bool(elements(&arguments[0]).is_ok_and(|items| {
                    let found = items.len() as i64;
                    if name == "%sequence-of?" {
                        found == wanted
                    } else {
                        found >= wanted
                    }
                }))
            }
            "%map-like?" => Value::Bool(matches!(arguments[0], Value::Map(_))),
            "%map-has?" => match &arguments[0] {
                Value::Map(entries) => {
                    let key = text(&arguments[1], false);
                    Value::Bool(entries.iter().any(|(known, _)| text(known, false) == key))
                }
                _ => Value::Bool(false),
            },
            "%map-ref" | "get" => lookup(&arguments[0], &arguments[1]),
            "%match-failed" => {
                let message = format!(
                    "match: no clause matched value: {}",
                    text(&arguments[0], false)
                );
                return Err(condition("eval", &message));
            }
            "%make-record-type" => Value::List(Rc::new(arguments.to_vec())),
            "%record" => Value::Record(Rc::new((arguments[0].clone(), arguments[1..].to_vec()))),
            "%record?" => Value::Bool(matches!(arguments[1], Value::Record(_))),
            "%record-ref" => match &arguments[3] {
                Value::Record(record) => record.1[integer(&arguments[1])? as usize].clone(),
                _ => return Err(condition("type-error", "expected record")),
            },
            "%values->list" => match &arguments[0] {
                Value::Record(record) => return list(record.1.clone()),
                other => return list(vec![other.clone()]),
            },
            "values" => Value::Record(Rc::new((Value::Nil, arguments.to_vec()))),
            "%condition-value" => match get(&arguments[0], "type") {
                Value::Keyword(kind) if &*kind == "user" => get(&arguments[0], "value"),
                _ => arguments[0].clone(),
            },
            "%make-macro" => Value::Macro(text(&arguments[0], true).into()),
            other => panic!("the test machine has no {other}"),
        })
    }
}

impl MacroHost for Machine {
    fn run(
        &mut self,
        unit: &Unit,
        interner: &mut Interner,
        _: &SourceMap,
    ) -> Result<(), Box<Diagnostic>> {
        self.run_unit(unit, interner)
            .map(|_| ())
            .map_err(|condition| macro_error(&condition))
    }

    fn define_transformer(
        &mut self,
        unit: &Unit,
        interner: &mut Interner,
        _: &SourceMap,
    ) -> Result<TransformerId, Box<Diagnostic>> {
        let value = self
            .run_unit(unit, interner)
            .map_err(|condition| macro_error(&condition))?;
        self.transformers.push(value);
        Ok(TransformerId(
            u32::try_from(self.transformers.len() - 1).unwrap(),
        ))
    }

    fn call(
        &mut self,
        transformer: TransformerId,
        operands: &[Datum],
        span: Span,
        interner: &mut Interner,
        _: &SourceMap,
    ) -> Result<Datum, Box<Diagnostic>> {
        let function = self.transformers[transformer.0 as usize].clone();
        let arguments = operands
            .iter()
            .map(|operand| from_datum(&operand.kind, interner))
            .collect();
        let value = Machine::call(self, &function, arguments, interner);
        let value = value.map_err(|condition| macro_error(&condition))?;
        Ok(to_datum(&value, span, interner))
    }

    fn copy_global(&mut self, from: (&Rc<str>, &str), to: (&Rc<str>, &str)) {
        if let Some(value) = self
            .globals
            .get(&(from.0.to_string(), from.1.to_string()))
            .cloned()
        {
            self.globals
                .insert((to.0.to_string(), to.1.to_string()), value);
        }
    }

    fn next_gensym(&mut self) -> u64 {
        self.counter += 1;
        self.counter - 1
    }
}

fn macro_error(condition: &Value) -> Box<Diagnostic> {
    let message = text(&get(condition, "message"), true);
    let kind = match get(condition, "type") {
        Value::Keyword(kind) if &*kind == "user" => {
            Condition::User(text(&get(condition, "value"), false))
        }
        _ => Condition::Eval,
    };
    let prefix = if matches!(kind, Condition::User(_)) {
        "User exception: "
    } else {
        ""
    };
    Diagnostic::error(EXPANSION, format!("{prefix}{message}")).as_condition(kind)
}
