//! The maps that `catch` binds, and the traces in them.
//!
//! A program that uses conditions as control flow raises the same ones over and over, so everything
//! that does not depend on the raised value is made once: the keywords, the map of a frame, and the
//! list of a whole trace.
//!
//! The hint of a condition is for the report, not for the program, so its map has no entry for it. A
//! condition that is caught and thrown again still reports it: [`ConditionMaps`] remembers the hints of
//! the last few condition maps by the string that is their message, which also survives `assoc`.

#![allow(clippy::indexing_slicing, reason = "the place was found by a search")]

use std::borrow::Cow;

use sema_format::Location;

use super::module::{ANONYMOUS, Func};
use super::report::{FrameInfo, Reached, Uncaught};
use super::unwind::{Payload, Raised, TRACE_FRAMES};
use crate::data::collections::sorted_map;
use crate::data::print;
use crate::host::Host;
use crate::host::condition::{Condition, ConditionKind, Extra};
use crate::memory::heap::Tracer;
use crate::memory::value::{Kind, Value};

/// Places whose frames are remembered; a power of two.
const REMEMBERED_FRAMES: usize = 64;
/// Traces whose lists are remembered.
const REMEMBERED_TRACES: usize = 8;
/// Hints that are remembered.
const REMEMBERED_HINTS: usize = 8;
/// Entries of a condition map that need no allocation to be sorted.
const USUAL_ENTRIES: usize = 8;

/// A place in a trace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TracePoint {
    pub func: *const Func,
    pub pc: u32,
}

/// The frames that a place stands for.
#[derive(Clone, Copy)]
struct RememberedFrames {
    point: TracePoint,
    waiting: bool,
    /// How many, those of library code included.
    count: usize,
    /// List of the maps of the others.
    maps: Value,
}

/// What condition maps are made of, kept from one to the next.
pub(crate) struct ConditionMaps {
    keys: Option<Box<Keys>>,
    frames: Vec<Option<RememberedFrames>>,
    traces: Vec<(Vec<TracePoint>, Value)>,
    /// The trace that is replaced next.
    oldest: usize,
    /// Messages of condition maps and the hints that belong to them, as strings.
    hints: [[Value; 2]; REMEMBERED_HINTS],
    /// The hint that is replaced next.
    oldest_hint: usize,
}

impl Default for ConditionMaps {
    fn default() -> ConditionMaps {
        ConditionMaps {
            keys: None,
            frames: Vec::new(),
            traces: Vec::new(),
            oldest: 0,
            hints: [[Value::NIL; 2]; REMEMBERED_HINTS],
            oldest_hint: 0,
        }
    }
}

/// The keywords of condition maps.
struct Keys {
    kind: Value,
    message: Value,
    value: Value,
    stack_trace: Value,
    column: Value,
    file: Value,
    line: Value,
    name: Value,
    /// By [`ConditionKind`].
    kinds: Vec<Value>,
}

impl Keys {
    fn new(host: &Host) -> Keys {
        let known = host.condition_keywords();
        Keys {
            kind: known.kind,
            message: host.keyword("message"),
            value: known.value,
            stack_trace: host.keyword("stack-trace"),
            column: host.keyword("col"),
            file: host.keyword("file"),
            line: host.keyword("line"),
            name: host.keyword("name"),
            kinds: ConditionKind::ALL
                .iter()
                .map(|kind| host.keyword(kind.name()))
                .collect(),
        }
    }

    fn of_kind(&self, kind: ConditionKind) -> Value {
        self.kinds.get(kind as usize).copied().unwrap_or(Value::NIL)
    }

    /// The frame that a map of a trace stands for. A program may have made it.
    fn frame(&self, host: &Host, map: Value) -> FrameInfo {
        let text = |key| text_of(host, entry(host, map, key));
        let number = |key| entry(host, map, key).as_fixnum().unwrap_or(0) as u32;
        let line = number(self.line);
        FrameInfo {
            reached: Reached::ByCall,
            name: text(self.name),
            // Lines count from one.
            code: None,
            position: (line != 0).then(|| (text(self.file), line, number(self.column))),
        }
    }

    /// The kind of a condition map that `catch` gave out.
    fn kind_of(&self, host: &Host, value: Value) -> Option<ConditionKind> {
        let kind = entry(host, value, self.kind);
        if !host.heap.is_string(entry(host, value, self.message)) {
            return None;
        }
        let place = self.kinds.iter().position(|known| *known == kind)?;
        ConditionKind::ALL.get(place).copied()
    }
}

impl ConditionMaps {
    /// The map that `catch` binds.
    pub(crate) fn map(&mut self, host: &Host, raised: &Raised) -> Value {
        let ConditionMaps {
            keys,
            frames,
            traces,
            oldest,
            hints,
            oldest_hint,
        } = self;
        let keys = keys.get_or_insert_with(|| Box::new(Keys::new(host)));
        match &raised.payload {
            Payload::Thrown(value) | Payload::Awaited(value) => {
                if keys.kind_of(host, *value).is_some() {
                    return *value;
                }
                let message = match host.heap.as_str(*value) {
                    Some(_) => *value,
                    None => host.heap.string(&print::shown(host, *value)),
                };
                let trace = trace_list(host, keys, frames, traces, oldest, &raised.trace);
                // In the order of the names.
                let entries = [
                    [keys.message, message],
                    [keys.stack_trace, trace],
                    [keys.kind, keys.of_kind(ConditionKind::User)],
                    [keys.value, *value],
                ];
                sorted_map::from_few_sorted(&host.heap, &entries)
            }
            Payload::Condition(condition) => {
                let message = host.heap.string(&condition.message);
                if let Some(hint) = &condition.hint
                    && let Some(place) = hints.get_mut(*oldest_hint)
                {
                    *place = [message, host.heap.string(hint)];
                    *oldest_hint = (*oldest_hint + 1) % REMEMBERED_HINTS;
                }
                let trace = trace_list(host, keys, frames, traces, oldest, &raised.trace);
                let mut entries: Vec<(&str, Value, Value)> = Vec::with_capacity(USUAL_ENTRIES);
                entries.push(("message", keys.message, message));
                entries.push(("stack-trace", keys.stack_trace, trace));
                entries.push(("type", keys.kind, keys.of_kind(condition.kind)));
                for (key, extra) in &condition.extra {
                    let value = extra_value(host, extra);
                    match entries.binary_search_by(|entry| entry.0.cmp(key)) {
                        Ok(place) => entries[place].2 = value,
                        Err(place) => entries.insert(place, (key, host.keyword(key), value)),
                    }
                }
                let entries: Vec<_> = entries.iter().map(|entry| [entry.1, entry.2]).collect();
                sorted_map::from_few_sorted(&host.heap, &entries)
            }
        }
    }

    /// The hint of a condition map with this message, if it is one of the last that had any.
    fn hint_of(&self, host: &Host, message: Value) -> Option<Cow<'static, str>> {
        let [_, hint] = self.hints.iter().find(|[known, _]| *known == message)?;
        Some(host.heap.as_str(*hint)?.to_owned().into())
    }

    /// Forgets what is remembered of places in the code.
    pub(super) fn forget_places(&mut self) {
        self.frames.clear();
        self.traces.clear();
        self.oldest = 0;
    }

    /// Shows the remembered values to the collector.
    pub(crate) fn trace(&mut self, tracer: &mut Tracer<'_>) {
        for frames in self.frames.iter_mut().flatten() {
            tracer.value(&mut frames.maps);
        }
        for (_, list) in &mut self.traces {
            tracer.value(list);
        }
        for value in self.hints.as_flattened_mut() {
            tracer.value(value);
        }
    }
}

fn extra_value(host: &Host, extra: &Extra) -> Value {
    match extra {
        Extra::Text(text) => host.heap.string(text),
        Extra::Int(number) => host.heap.int(*number),
        Extra::Keyword(name) => host.keyword(name),
        Extra::Value(value) => *value,
    }
}

/// The list of a trace's visible frames.
fn trace_list(
    host: &Host,
    keys: &Keys,
    frames: &mut Vec<Option<RememberedFrames>>,
    traces: &mut Vec<(Vec<TracePoint>, Value)>,
    oldest: &mut usize,
    trace: &[TracePoint],
) -> Value {
    if let Some((_, list)) = traces.iter().find(|(points, _)| points == trace) {
        return *list;
    }
    let mut visible: Vec<Value> = Vec::new();
    let mut count = 0;
    for (depth, point) in trace.iter().enumerate() {
        let (more, maps) = frame_maps(host, keys, frames, *point, depth > 0);
        if count + more > TRACE_FRAMES {
            // As many as there would be if nothing were inlined.
            unfold(point, depth > 0, &mut |name, location, library| {
                count += 1;
                if !library && count <= TRACE_FRAMES {
                    visible.push(frame_map(host, keys, name, location));
                }
            });
            break;
        }
        count += more;
        visible.extend(host.heap.list_iter(maps));
    }
    let list = host.heap.list(&visible);
    let remembered = (trace.to_vec(), list);
    if traces.len() < REMEMBERED_TRACES {
        traces.push(remembered);
    } else if let Some(place) = traces.get_mut(*oldest) {
        *place = remembered;
        *oldest = (*oldest + 1) % REMEMBERED_TRACES;
    }
    list
}

/// How many frames a place stands for, and the list of the maps of those that show.
fn frame_maps(
    host: &Host,
    keys: &Keys,
    frames: &mut Vec<Option<RememberedFrames>>,
    point: TracePoint,
    waiting: bool,
) -> (usize, Value) {
    if frames.is_empty() {
        frames.resize(REMEMBERED_FRAMES, None);
    }
    // Functions are 64 bytes long, so the bits below say nothing.
    let hash = (point.func as usize >> 6).wrapping_mul(31) + point.pc as usize;
    let place = frames.get_mut(hash % REMEMBERED_FRAMES);
    if let Some(Some(remembered)) = place.as_deref()
        && (remembered.point, remembered.waiting) == (point, waiting)
    {
        return (remembered.count, remembered.maps);
    }
    let mut count = 0;
    let mut visible = Vec::new();
    unfold(&point, waiting, &mut |name, location, library| {
        count += 1;
        if !library {
            visible.push(frame_map(host, keys, name, location));
        }
    });
    let maps = host.heap.list(&visible);
    if let Some(place) = place {
        *place = Some(RememberedFrames {
            point,
            waiting,
            count,
            maps,
        });
    }
    (count, maps)
}

fn frame_map(host: &Host, keys: &Keys, name: &str, location: Option<Location<'_>>) -> Value {
    let name = host.heap.string(name);
    match location {
        // In the order of the names.
        Some(at) => sorted_map::from_few_sorted(
            &host.heap,
            &[
                [keys.column, Value::index(at.column as usize)],
                [keys.file, host.heap.string(at.file)],
                [keys.line, Value::index(at.line as usize)],
                [keys.name, name],
            ],
        ),
        None => sorted_map::from_few_sorted(&host.heap, &[[keys.name, name]]),
    }
}

/// Shows the frames that a place stands for to `visit`: name, position, whether it is library code. `waiting`
/// if it is not the innermost place of the trace.
fn unfold(
    point: &TracePoint,
    waiting: bool,
    visit: &mut dyn FnMut(&str, Option<Location<'_>>, bool),
) {
    // SAFETY: what runs is loaded, and a trace is looked at before anything is collected. Remembered ones are forgotten when code
    // is freed.
    let function = unsafe { &*point.func };
    let module = function.module();
    module.frames(function.index, point.pc, waiting, &mut |frame| {
        let (name, library) = match frame.inlined {
            Some((name, library)) => (name.unwrap_or(ANONYMOUS), library),
            None => (function.name(), module.is_library(function.index)),
        };
        visit(name, frame.location, library);
    });
}

/// Shows the frames of user code to `visit`, those of inlined functions among them.
pub(crate) fn visible_frames(trace: &[TracePoint], visit: &mut dyn FnMut(FrameInfo)) {
    let mut count = 0;
    for (depth, point) in trace.iter().enumerate() {
        let place = CodePlace {
            point,
            waiting: depth > 0,
        };
        unfold(point, depth > 0, &mut |name, location, library| {
            count += 1;
            if !library && count <= TRACE_FRAMES {
                visit(FrameInfo {
                    reached: Reached::ByCall,
                    name: name.to_owned(),
                    code: location.is_none().then(|| place.to_string()),
                    position: location.map(|at| (at.file.to_owned(), at.line, at.column)),
                });
            }
        });
    }
}

/// A place in the code, for those who have its line tables.
#[derive(Clone, Copy)]
struct CodePlace<'t> {
    point: &'t TracePoint,
    waiting: bool,
}

impl std::fmt::Display for CodePlace<'_> {
    /// Module, number of the function, and word in it: behind `@` if it is the innermost place of a trace, else behind
    /// `+`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // SAFETY: as in `unfold`.
        let function = unsafe { &*self.point.func };
        let mark = if self.waiting { '+' } else { '@' };
        let (module, pc) = (function.module(), self.point.pc);
        write!(out, "{}#{}{mark}{pc}", module.name, function.index)
    }
}

/// The text of a string; empty if it is something else.
#[inline(never)]
fn text_of(host: &Host, value: Value) -> String {
    host.heap.as_str(value).unwrap_or_default().to_owned()
}

/// The entry of a map with this key; nil if there is none, or no map.
#[inline(never)]
fn entry(host: &Host, map: Value, key: Value) -> Value {
    if map.kind() != Kind::Map {
        return Value::NIL;
    }
    sorted_map::get_keyword(host, map, key).unwrap_or(Value::NIL)
}

/// The frames that a condition noted when it was raised, for those who report one that they have caught. None of what is no condition.
pub fn frames_of(host: &Host, condition: Value) -> Vec<FrameInfo> {
    let keys = Keys::new(host);
    let trace = entry(host, condition, keys.stack_trace);
    if trace.kind() != Kind::List {
        return Vec::new();
    }
    let maps = host.heap.list_iter(trace);
    maps.map(|map| keys.frame(host, map)).collect()
}

impl ConditionMaps {
    /// What was raised, for the report of an uncaught condition; with the frames that a condition noted
    /// when it was first raised, if this is not the first time.
    pub(crate) fn describe(&self, host: &Host, payload: Payload) -> Uncaught {
        let value = match payload {
            Payload::Condition(condition) => {
                return Uncaught {
                    condition,
                    frames: Vec::new(),
                };
            }
            Payload::Thrown(value) | Payload::Awaited(value) => value,
        };
        let keys = Keys::new(host);
        let mut condition = Condition::new(ConditionKind::User, "");
        let mut frames = Vec::new();
        let mut thrown = value;
        if let Some(kind) = keys.kind_of(host, value) {
            let message = entry(host, value, keys.message);
            condition.kind = kind;
            condition.hint = self.hint_of(host, message);
            let trace = entry(host, value, keys.stack_trace);
            // Its maps say nothing of places in the code, which reports have where there are no lines.
            if let Some((points, _)) = self.traces.iter().find(|(_, list)| *list == trace) {
                visible_frames(points, &mut |frame| frames.push(frame));
            } else if trace.kind() == Kind::List {
                let maps = host.heap.list_iter(trace);
                frames.extend(maps.map(|map| keys.frame(host, map)));
            }
            if kind != ConditionKind::User {
                condition.message = print::display(host, message).into();
                return Uncaught { condition, frames };
            }
            thrown = entry(host, value, keys.value);
        }
        condition.message = print::shown(host, thrown).into();
        Uncaught { condition, frames }
    }
}
