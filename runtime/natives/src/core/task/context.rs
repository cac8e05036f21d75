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
    /// Sets an entry in the innermost frame of the task's context.
    /// (context/with {} (fn () (context/set :user "ada") (context/get :user))) => "ada"
    "context/set" (key: Any, value: Any) -> Nil => set;

    /// The value of an entry in the innermost frame that has it, or nil.
    /// (context/with {:depth 1} (fn () (context/get :depth))) => 1
    /// (context/get :no-such-entry) => nil
    "context/get" (key: Any) -> Any => get;

    /// Whether any frame has the entry.
    /// (context/with {:a nil} (fn () (context/has? :a))) => #t
    "context/has?" (key: Any) -> Bool => has;

    /// Removes an entry from all frames and gives the innermost value it had, or nil.
    /// (context/with {:a 1} (fn () (list (context/remove :a) (context/has? :a)))) => (1 #f)
    "context/remove" (key: Any) -> Any => remove;

    /// Removes an entry from all frames and gives the innermost value it had, or nil.
    /// (context/with {:b 2} (fn () (context/pull :b))) => 2
    "context/pull" (key: Any) -> Any => remove;

    /// Sets all entries of a map in the innermost frame.
    /// (context/with {:a 1} (fn () (context/merge {:a 2 :b 3}) (context/get :a))) => 2
    "context/merge" (entries: Map) -> Nil => merge;

    /// All entries as one map; inner frames hide outer ones.
    /// (begin (context/clear) (context/with {:a 1} (fn () (context/with {:a 2} context/all)))) => {:a 2}
    "context/all" () -> Map => all;

    /// Drops all frames with their entries. Hidden entries and stacks stay.
    /// (begin (context/set :a 1) (context/clear) (context/all)) => {}
    "context/clear" () -> Nil => clear;

    /// Pushes a value onto the stack of this name.
    /// (begin (context/push :steps "open") (context/pop :steps)) => "open"
    "context/push" (name: Any, value: Any) -> Nil => push;

    /// Takes the value pushed last from the stack of this name; nil if it is empty.
    /// (context/pop :no-such-stack) => nil
    "context/pop" (name: Any) -> Any => pop;

    /// The values on the stack of this name, the one pushed first in front.
    /// (begin (context/push :path 1) (context/push :path 2) (context/stack :path)) => (1 2)
    "context/stack" (name: Any) -> List => stack;

    /// Sets an entry that only the functions for hidden entries show.
    /// (begin (context/set-hidden :token "t1") (list (context/get-hidden :token) (context/get :token))) => ("t1" nil)
    "context/set-hidden" (key: Any, value: Any) -> Nil => set_hidden;

    /// The value of a hidden entry, or nil.
    /// (begin (context/set-hidden :seed 7) (context/get-hidden :seed)) => 7
    "context/get-hidden" (key: Any) -> Any => get_hidden;

    /// Whether there is a hidden entry of this name.
    /// (context/has-hidden? :no-such-entry) => #f
    "context/has-hidden?" (key: Any) -> Bool => has_hidden;

    /// Adds an innermost frame with the entries of a map.
    "%context-push-frame" (entries: Map) -> Nil => push_frame;

    /// Drops the innermost frame unless it is the only one.
    "%context-pop-frame" () -> Nil => pop_frame;
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
