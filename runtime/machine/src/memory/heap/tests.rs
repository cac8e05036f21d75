//! Properties of the collector, against a model of what must be there.

use std::collections::HashMap;

use super::{Heap, Roots, Tracer};
use crate::memory::value::{Kind, Value};

struct Held(Vec<Value>);

impl Roots for Held {
    fn trace(&mut self, tracer: &mut Tracer<'_>) {
        tracer.values(&mut self.0);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

/// What a value in a field must be: an object by number, a list of the numbers of objects, or nil.
#[derive(Clone, PartialEq, Debug)]
enum Field {
    Nil,
    Object(usize),
    List(Vec<usize>),
    Vector(Vec<usize>),
}

/// A graph of mutable objects (field 0 holds the number) and immutable lists, and its model.
struct Graph {
    heap: Heap,
    held: Held,
    roots: Vec<usize>,
    model: HashMap<usize, Vec<Field>>,
    next: usize,
}

impl Graph {
    fn new() -> Graph {
        Graph {
            heap: Heap::new(),
            held: Held(Vec::new()),
            roots: Vec::new(),
            model: HashMap::new(),
            next: 0,
        }
    }

    fn make(&mut self, fields: usize) {
        let number = self.next;
        self.next += 1;
        let object = self
            .heap
            .object_filled(Kind::Tuple, 0, fields + 1, Value::NIL);
        self.heap.set_field(object, 0, Value::index(number));
        self.model.insert(number, vec![Field::Nil; fields]);
        self.roots.push(number);
        self.held.0.push(object);
    }

    /// Any object that can be reached, by a walk of random length from a root.
    fn pick(&self, random: &mut Random) -> (usize, Value) {
        let root = random.below(self.roots.len());
        let (mut number, mut value) = (self.roots[root], self.held.0[root]);
        for _ in 0..random.below(6) {
            let fields = &self.model[&number];
            let index = random.below(fields.len());
            match &fields[index] {
                Field::Nil => {}
                Field::Object(next) => {
                    number = *next;
                    value = self.heap.field(value, index + 1);
                }
                Field::List(numbers) => {
                    let at = random.below(numbers.len());
                    number = numbers[at];
                    let list = self.heap.field(value, index + 1);
                    value = self.heap.list_nth(list, at).unwrap();
                }
                Field::Vector(numbers) => {
                    let at = random.below(numbers.len());
                    number = numbers[at];
                    value = self.heap.values(self.heap.field(value, index + 1))[at];
                }
            }
        }
        (number, value)
    }

    fn link(&mut self, random: &mut Random) {
        let (from, object) = self.pick(random);
        let index = random.below(self.model[&from].len());
        let (field, value) = match random.below(5) {
            0 => (Field::Nil, Value::NIL),
            1 => {
                // A list, consed onto one that exists if the field holds one.
                let (mut numbers, mut list) = match &self.model[&from][index] {
                    Field::List(numbers) => (numbers.clone(), self.heap.field(object, index + 1)),
                    _ => (Vec::new(), Value::EMPTY),
                };
                if numbers.len() > 40 {
                    (numbers, list) = (Vec::new(), Value::EMPTY);
                }
                for _ in 0..random.below(5) + 1 {
                    let (number, value) = self.pick(random);
                    numbers.insert(0, number);
                    list = self.heap.cons(value, list);
                }
                if random.below(3) == 0 && numbers.len() > 1 {
                    numbers.remove(0);
                    list = self.heap.rest_unchecked(list);
                }
                (Field::List(numbers), list)
            }
            2 => {
                // A vector, or what is left of one, which may share it.
                let picked: Vec<_> = (0..random.below(60) + 2)
                    .map(|_| self.pick(random))
                    .collect();
                let (mut numbers, values): (Vec<usize>, Vec<Value>) = picked.into_iter().unzip();
                let mut vector = self.heap.vector(&values);
                for _ in 0..random.below(3) {
                    let start = random.below(numbers.len() / 2);
                    numbers.drain(..start);
                    vector = self.heap.vector_rest(vector, start);
                }
                (Field::Vector(numbers), vector)
            }
            _ => {
                let (number, value) = self.pick(random);
                (Field::Object(number), value)
            }
        };
        self.heap.set_field(object, index + 1, value);
        self.model.get_mut(&from).unwrap()[index] = field;
    }

    fn drop_root(&mut self, random: &mut Random) {
        let index = random.below(self.roots.len());
        self.roots.swap_remove(index);
        self.held.0.swap_remove(index);
    }

    /// Compares everything that is reachable with the model.
    fn check(&self) {
        let mut seen = std::collections::HashSet::new();
        let mut pending: Vec<(usize, Value)> = self
            .roots
            .iter()
            .copied()
            .zip(self.held.0.iter().copied())
            .collect();
        while let Some((number, value)) = pending.pop() {
            assert_eq!(self.heap.field(value, 0), Value::index(number));
            if !seen.insert(number) {
                continue;
            }
            let fields = &self.model[&number];
            assert_eq!(self.heap.fields(value).len(), fields.len() + 1);
            for (index, field) in fields.iter().enumerate() {
                let value = self.heap.field(value, index + 1);
                match field {
                    Field::Nil => assert_eq!(value, Value::NIL),
                    Field::Object(number) => pending.push((*number, value)),
                    Field::List(numbers) => {
                        assert_eq!(self.heap.list_len(value), numbers.len());
                        let elements: Vec<Value> = self.heap.list_iter(value).collect();
                        assert_eq!(elements.len(), numbers.len());
                        pending.extend(numbers.iter().copied().zip(elements));
                    }
                    Field::Vector(numbers) => {
                        let elements = self.heap.values(value);
                        assert_eq!(elements.len(), numbers.len());
                        pending.extend(numbers.iter().copied().zip(elements.iter().copied()));
                    }
                }
            }
        }
    }
}

fn run(seed: u64, rounds: usize, stress: bool) {
    let mut random = Random(seed);
    let mut graph = Graph::new();
    graph.heap.set_stress(stress);
    for round in 0..rounds {
        if graph.roots.len() < 3 || random.below(10) < 3 && graph.roots.len() < 60 {
            // A large object now and then.
            let fields = match random.below(40) {
                0 => 1000,
                _ => random.below(6) + 1,
            };
            graph.make(fields);
        } else if random.below(12) == 0 {
            graph.drop_root(&mut random);
        } else {
            graph.link(&mut random);
        }
        if random.below(20) == 0 || graph.heap.wants_collection() && random.below(3) == 0 {
            let full = random.below(50) == 0;
            graph.heap.collect(&mut graph.held, full);
        }
        if round % 200 == 0 {
            graph.heap.collect(&mut graph.held, false);
            graph.heap.verify(&mut graph.held);
            graph.check();
        }
    }
    graph.heap.collect(&mut graph.held, true);
    graph.heap.verify(&mut graph.held);
    graph.check();
    assert!(graph.heap.stats().minor_collections > 5);
}

#[test]
fn graphs_survive_collections_at_any_time() {
    // Miri takes a thousand times as long.
    let (seeds, short, long) = if cfg!(miri) {
        (2, 250, 400)
    } else {
        (7, 6_000, 20_000)
    };
    for seed in 1..=seeds {
        run(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15), short, true);
    }
    run(88_172_645_463_325_252, long, false);
}

/// Marking takes many steps; meanwhile objects move from where it has not been to where it has.
#[test]
#[cfg_attr(miri, ignore = "takes hours under Miri")]
fn references_that_move_behind_the_marking_are_found() {
    let mut heap = Heap::new();
    let mut held = Held(Vec::new());
    for _ in 0..2_000 {
        let chain = (0..20).fold(Value::NIL, |next, i| {
            heap.object(Kind::Tuple, 0, &[Value::small(i), next])
        });
        held.0.push(chain);
        heap.collect(&mut held, false);
    }
    heap.set_stress(true);
    let mut moved = 0;
    let mut random = Random(4_711);
    for _ in 0..20_000 {
        // Cuts the end of one chain off and hangs it under the first element of another.
        let (from, to) = (random.below(2_000), random.below(2_000));
        let mut last = held.0[from];
        while heap.field(heap.field(last, 1), 1) != Value::NIL && heap.field(last, 1) != Value::NIL
        {
            last = heap.field(last, 1);
        }
        let end = heap.field(last, 1);
        if end != Value::NIL && from != to {
            heap.set_field(last, 1, Value::NIL);
            let old = heap.field(held.0[to], 1);
            let wrapped = heap.object(Kind::Tuple, 0, &[heap.field(end, 0), old]);
            heap.set_field(held.0[to], 1, wrapped);
            moved += 1;
        }
        heap.collect(&mut held, false);
    }
    heap.collect(&mut held, true);
    let count: usize = held
        .0
        .iter()
        .map(|chain| {
            let mut count = 0;
            let mut next = *chain;
            while next != Value::NIL {
                count += 1;
                next = heap.field(next, 1);
            }
            count
        })
        .sum();
    assert_eq!(count, 40_000);
    let markings = heap.stats().major_collections;
    assert!(moved > 10_000 && markings > 2, "{moved}, {markings}");
}

/// Writing to a large array costs what was written, not what it holds.
#[test]
#[cfg_attr(miri, ignore = "takes hours under Miri")]
fn large_arrays_are_traced_by_cards() {
    let mut heap = Heap::new();
    let mut held = Held(vec![heap.object_filled(
        Kind::Tuple,
        0,
        300_000,
        Value::NIL,
    )]);
    heap.collect(&mut held, false);
    for index in (0..300_000).step_by(1_777) {
        let text = heap.string(&format!("{index}"));
        heap.set_field(held.0[0], index, text);
        heap.collect(&mut held, false);
    }
    heap.collect(&mut held, true);
    for index in 0..300_000 {
        let value = heap.field(held.0[0], index);
        match index % 1_777 {
            0 => assert_eq!(heap.as_str(value), Some(index.to_string().as_str())),
            _ => assert_eq!(value, Value::NIL),
        }
    }
}

/// With a steady amount of live data, memory stays within about twice as much.
#[test]
#[cfg_attr(miri, ignore = "takes hours under Miri")]
fn a_steady_load_stays_small() {
    let mut heap = Heap::new();
    let mut held = Held(Vec::new());
    let mut random = Random(12_345);
    // About 50 bytes each with the vector: 20 MB live.
    const OBJECTS: usize = 200_000;
    let make = |heap: &Heap, random: &mut Random| {
        let text = heap.string(&"x".repeat(random.below(80)));
        heap.vector(&[text, Value::NIL, Value::TRUE])
    };
    for _ in 0..OBJECTS {
        held.0.push(make(&heap, &mut random));
        if heap.wants_collection() {
            heap.collect(&mut held, false);
        }
    }
    heap.collect(&mut held, true);
    let live = heap.stats().old_bytes;
    let mut most = 0;
    for _ in 0..10 * OBJECTS {
        let index = random.below(OBJECTS);
        held.0[index] = make(&heap, &mut random);
        if heap.wants_collection() {
            heap.collect(&mut held, false);
            most = most.max(heap.old.borrow().reserved_bytes());
        }
    }
    assert!(
        most < live * 21 / 10,
        "{most} bytes for {live} live, {:?}",
        heap.stats()
    );
}
