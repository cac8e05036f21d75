//! The context: values that a task hands to the functions it calls and the tasks it starts.
//!
//! The whole state of a task is one immutable value, so that the scheduler can keep, copy and
//! trace it: a vector of the frames (a list of maps, innermost first), the hidden entries (a map)
//! and the stacks (a map of lists, last pushed first). Nil is the state before anything is set.

use sema_machine::data::collections::{is_map, iter, key, sorted_map};
use sema_machine::host::Host;
use sema_machine::host::arguments::{argument, argument_error};
use sema_machine::host::condition::Outcome;
use sema_machine::memory::value::Value;
use sema_machine::natives;

natives! {
    /// Sets an entry in the innermost frame.
    "context/set" (key: Keyword, value: Any) -> Nil => set;

    /// The innermost value of an entry, or nil.
    "context/get" (key: Keyword) -> Any => get;

    /// Whether an entry exists.
    "context/has?" (key: Keyword) -> Bool => has;

    /// Removes an entry everywhere and gives its value.
    "context/remove" (key: Keyword) -> Any => remove;

    /// Removes an entry everywhere and gives its value.
    "context/pull" (key: Keyword) -> Any => remove;

    /// Sets all entries of a map.
    "context/merge" (m: Map) -> Nil => merge;

    /// All entries as one map.
    "context/all" () -> Map => all;

    /// Drops all frames and entries.
    "context/clear" () -> Nil => clear;

    /// Pushes a value onto a stack.
    "context/push" (name: Keyword, value: Any) -> Nil => push;

    /// Pops the last pushed value of a stack, or nil.
    "context/pop" (name: Keyword) -> Any => pop;

    /// The values of a stack, first pushed first.
    "context/stack" (name: Keyword) -> List => stack;

    /// Sets a hidden entry.
    "context/set-hidden" (key: Any, value: Any) -> Nil => set_hidden;

    /// The value of a hidden entry, or nil.
    "context/get-hidden" (key: Any) -> Any => get_hidden;

    /// Whether a hidden entry exists.
    "context/has-hidden?" (key: Any) -> Bool => has_hidden;

    /// Adds a frame with the entries of a map.
    "%context-push-frame" (a: Any) -> Any => push_frame;

    /// Drops the innermost frame unless it is the only one.
    "%context-pop-frame" () -> Any => pop_frame;
}

/// The state of the running task.
fn state(host: &Host) -> Value {
    host.context.get()
}

fn set_state(host: &Host, state: Value) {
    host.context.set(state);
}

/// A state taken apart.
struct Context {
    frames: Value,
    hidden: Value,
    stacks: Value,
}

impl Context {
    fn current(host: &Host) -> Context {
        match host.heap.as_vector(state(host)) {
            Some(&[frames, hidden, stacks]) => Context {
                frames,
                hidden,
                stacks,
            },
            _ => {
                let empty = sorted_map::empty(&host.heap);
                Context {
                    frames: host.heap.list(&[empty]),
                    hidden: empty,
                    stacks: empty,
                }
            }
        }
    }

    fn store(&self, host: &Host) {
        set_state(
            host,
            host.heap.vector(&[self.frames, self.hidden, self.stacks]),
        );
    }

    /// The value of an entry in the innermost frame that has it.
    fn lookup(&self, host: &Host, key: Value) -> Option<Value> {
        host.heap
            .list_iter(self.frames)
            .find_map(|frame| sorted_map::get(host, frame, key))
    }

    /// Changes the innermost frame.
    fn update_frame(&mut self, host: &Host, change: impl FnOnce(Value) -> Value) {
        let frames: Vec<Value> = host.heap.list_iter(self.frames).collect();
        if let Some((&innermost, outer)) = frames.split_first() {
            let rest = host.heap.list(outer);
            self.frames = host.heap.cons(change(innermost), rest);
        }
    }
}

fn set(host: &Host, args: &[Value]) -> Outcome {
    let (name, value) = (argument(args, 0), argument(args, 1));
    key::check(host, name)?;
    let mut context = Context::current(host);
    context.update_frame(host, |frame| sorted_map::insert(host, frame, name, value));
    context.store(host);
    Ok(Value::NIL)
}

fn get(host: &Host, args: &[Value]) -> Outcome {
    let found = Context::current(host).lookup(host, argument(args, 0));
    Ok(found.unwrap_or(Value::NIL))
}

fn has(host: &Host, args: &[Value]) -> Outcome {
    let found = Context::current(host).lookup(host, argument(args, 0));
    Ok(Value::bool(found.is_some()))
}

fn remove(host: &Host, args: &[Value]) -> Outcome {
    let name = argument(args, 0);
    let mut context = Context::current(host);
    let Some(removed) = context.lookup(host, name) else {
        return Ok(Value::NIL);
    };
    let frames: Vec<Value> = host
        .heap
        .list_iter(context.frames)
        .map(|frame| sorted_map::remove(host, frame, name))
        .collect();
    context.frames = host.heap.list(&frames);
    context.store(host);
    Ok(removed)
}

/// The map that is the first argument, in the representation of frames.
fn map_argument(host: &Host, function: &str, args: &[Value]) -> Outcome {
    let map = argument(args, 0);
    if !is_map(map) {
        return Err(argument_error(host, function, 0, "map", map));
    }
    Ok(sorted_map::from_entries(
        host,
        &iter(&host.heap, map).collect::<Vec<_>>(),
    ))
}

fn merge(host: &Host, args: &[Value]) -> Outcome {
    let added = map_argument(host, "context/merge", args)?;
    let mut context = Context::current(host);
    context.update_frame(host, |frame| sorted_map::merge(host, frame, added));
    context.store(host);
    Ok(Value::NIL)
}

fn all(host: &Host, _: &[Value]) -> Outcome {
    let mut frames: Vec<Value> = host.heap.list_iter(Context::current(host).frames).collect();
    let outermost = frames
        .pop()
        .unwrap_or_else(|| sorted_map::empty(&host.heap));
    let merge = |all, frame| sorted_map::merge(host, all, frame);
    Ok(frames.into_iter().rev().fold(outermost, merge))
}

fn clear(host: &Host, _: &[Value]) -> Outcome {
    let mut context = Context::current(host);
    context.frames = host.heap.list(&[sorted_map::empty(&host.heap)]);
    context.store(host);
    Ok(Value::NIL)
}

fn push_frame(host: &Host, args: &[Value]) -> Outcome {
    let frame = map_argument(host, "context/with", args)?;
    let mut context = Context::current(host);
    context.frames = host.heap.cons(frame, context.frames);
    context.store(host);
    Ok(Value::NIL)
}

fn pop_frame(host: &Host, _: &[Value]) -> Outcome {
    let mut context = Context::current(host);
    if host.heap.list_len(context.frames) > 1 {
        context.frames = host.heap.rest_unchecked(context.frames);
        context.store(host);
    }
    Ok(Value::NIL)
}

fn stack_of(host: &Host, context: &Context, name: Value) -> Value {
    sorted_map::get(host, context.stacks, name).unwrap_or(Value::EMPTY)
}

fn push(host: &Host, args: &[Value]) -> Outcome {
    let name = argument(args, 0);
    key::check(host, name)?;
    let mut context = Context::current(host);
    let pushed = host
        .heap
        .cons(argument(args, 1), stack_of(host, &context, name));
    context.stacks = sorted_map::insert(host, context.stacks, name, pushed);
    context.store(host);
    Ok(Value::NIL)
}

fn pop(host: &Host, args: &[Value]) -> Outcome {
    let name = argument(args, 0);
    let mut context = Context::current(host);
    let stack = stack_of(host, &context, name);
    if !host.heap.is_pair(stack) {
        return Ok(Value::NIL);
    }
    let rest = host.heap.rest_unchecked(stack);
    context.stacks = sorted_map::insert(host, context.stacks, name, rest);
    context.store(host);
    Ok(host.heap.first_unchecked(stack))
}

fn stack(host: &Host, args: &[Value]) -> Outcome {
    let pushed = stack_of(host, &Context::current(host), argument(args, 0));
    let mut values: Vec<Value> = host.heap.list_iter(pushed).collect();
    values.reverse();
    Ok(host.heap.list(&values))
}

fn set_hidden(host: &Host, args: &[Value]) -> Outcome {
    let name = argument(args, 0);
    key::check(host, name)?;
    let mut context = Context::current(host);
    context.hidden = sorted_map::insert(host, context.hidden, name, argument(args, 1));
    context.store(host);
    Ok(Value::NIL)
}

fn get_hidden(host: &Host, args: &[Value]) -> Outcome {
    let found = sorted_map::get(host, Context::current(host).hidden, argument(args, 0));
    Ok(found.unwrap_or(Value::NIL))
}

fn has_hidden(host: &Host, args: &[Value]) -> Outcome {
    let found = sorted_map::get(host, Context::current(host).hidden, argument(args, 0));
    Ok(Value::bool(found.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, type_message};

    #[test]
    fn frames_hide_and_reveal() {
        let bench = Bench::new();
        let key = bench.host.keyword("x");
        let get = || bench.call("context/get", &[key]);
        bench.call("context/set", &[key, Value::small(1)]);
        let frame = sorted_map::from_entries(&bench.host, &[(key, Value::small(5))]);
        bench.call("%context-push-frame", &[frame]);
        assert_eq!(get(), Value::small(5));
        bench.call("context/set", &[key, Value::small(6)]);
        assert_eq!(get(), Value::small(6));
        let all = bench.call("context/all", &[]);
        assert_eq!(
            sorted_map::get(&bench.host, all, key),
            Some(Value::small(6))
        );
        bench.call("%context-pop-frame", &[]);
        assert_eq!(get(), Value::small(1));
        bench.call("%context-push-frame", &[frame]);
        assert_eq!(bench.call("context/remove", &[key]), Value::small(5));
        bench.call("%context-pop-frame", &[]);
        assert_eq!(
            (get(), bench.call("context/has?", &[key])),
            (Value::NIL, Value::FALSE)
        );
        let error = bench.error("context/merge", &[Value::small(5)]);
        assert_eq!(
            type_message(error),
            "context/merge argument 1 expected map, got int"
        );
    }

    #[test]
    fn the_last_frame_stays() {
        let bench = Bench::new();
        let key = bench.host.keyword("r");
        let frame = sorted_map::empty(&bench.host.heap);
        bench.call("%context-push-frame", &[frame]);
        bench.call("context/clear", &[]);
        bench.call("context/set", &[key, Value::small(1)]);
        bench.call("%context-pop-frame", &[]);
        assert_eq!(bench.call("context/get", &[key]), Value::small(1));
    }

    #[test]
    fn stacks_and_hidden_entries_are_apart() {
        let bench = Bench::new();
        let key = bench.host.keyword("s");
        bench.call("context/push", &[key, Value::small(1)]);
        bench.call("context/push", &[key, Value::small(2)]);
        bench.call("context/set-hidden", &[key, Value::TRUE]);
        bench.call("context/clear", &[]);
        assert_eq!(bench.call("context/get", &[key]), Value::NIL);
        assert_eq!(bench.call("context/get-hidden", &[key]), Value::TRUE);
        let stack = bench.call("context/stack", &[key]);
        assert_eq!(
            bench.host.heap.list_iter(stack).collect::<Vec<_>>(),
            [Value::small(1), Value::small(2)]
        );
        let pop = || bench.call("context/pop", &[key]);
        assert_eq!(
            (pop(), pop(), pop()),
            (Value::small(2), Value::small(1), Value::NIL)
        );
    }

    #[test]
    fn states_are_values() {
        let bench = Bench::new();
        let key = bench.host.keyword("x");
        bench.call("context/set", &[key, Value::small(1)]);
        let inherited = state(&bench.host);
        bench.call("context/set", &[key, Value::small(2)]);
        set_state(&bench.host, inherited);
        assert_eq!(bench.call("context/get", &[key]), Value::small(1));
    }
}
