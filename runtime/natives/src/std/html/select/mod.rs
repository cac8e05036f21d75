//! Elements that CSS selectors choose.
//!
//! A selector is matched from right to left. Whether something matches above or before an element is remembered, so that a search
//! takes time in proportion to elements times parts of the selector.

mod parse;

use std::cell::RefCell;
use std::collections::HashMap;

pub use parse::{Problem, parse};

use super::tree::{Data, Id, ROOT, Tree};

/// How two parts of a selector are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combinator {
    /// `a b`
    Descendant,
    /// `a > b`
    Child,
    /// `a + b`
    Next,
    /// `a ~ b`
    Later,
}

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `[a]`
    Present,
    /// `[a=v]`
    Equals,
    /// `[a~=v]`
    Word,
    /// `[a|=v]`
    Dash,
    /// `[a^=v]`
    Start,
    /// `[a$=v]`
    End,
    /// `[a*=v]`
    Contains,
}

/// A test of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    name: String,
    operator: Operator,
    value: String,
    any_case: bool,
}

/// A test of the place among siblings: `step * n + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth {
    step: i32,
    offset: i32,
    from_end: bool,
    of_type: bool,
}

/// One test of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Simple {
    /// `name`
    Name(String),
    /// `#id`
    Id(String),
    /// `.class`
    Class(String),
    /// `[attribute]`
    Attribute(Attribute),
    /// `:nth-child(…)` and its relatives
    Nth(Nth),
    /// `:only-child`, `:only-of-type`
    Only {
        /// Whether siblings of other names count.
        of_type: bool,
    },
    /// `:root`
    Root,
    /// `:empty`
    Empty,
    /// `:not(…)`
    Not(Vec<Complex>),
    /// `:is(…)`
    Is(Vec<Complex>),
    /// `:has(…)`
    Has(Vec<Complex>),
}

/// Tests of one element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compound {
    parts: Vec<Simple>,
}

/// Tests of an element and of those it is related to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complex {
    /// In `:has`: how the first element is related to the one that is tested.
    leading: Option<Combinator>,
    first: Compound,
    rest: Vec<(Combinator, Compound)>,
}

/// The places of an element among its siblings, from 1: from the start and the end, of all and of those of its name.
#[derive(Clone, Copy, Default)]
struct Place {
    all: (u32, u32),
    same: (u32, u32),
    /// The element before.
    before: Option<Id>,
}

/// A selector by its address, how many of its parts, an element, and what relative selectors begin at.
type Question = (*const Complex, usize, Id, Id);

/// A search in a tree.
struct Search<'t> {
    tree: &'t Tree,
    places: RefCell<Option<Vec<Place>>>,
    /// Whether something above or before an element matches the parts of a selector up to one.
    known: RefCell<HashMap<Question, bool>>,
}

/// The elements that one of the selectors matches, in the order of the document.
pub fn select(tree: &Tree, selectors: &[Complex]) -> Vec<Id> {
    let search = Search {
        tree,
        places: RefCell::new(None),
        known: RefCell::default(),
    };
    tree.walk(ROOT, |_| true)
        .filter(|id| search.is_element(*id) && search.matches_any(selectors, *id, ROOT))
        .collect()
}

impl Search<'_> {
    fn is_element(&self, id: Id) -> bool {
        !self.tree.name(id).is_empty()
    }

    fn matches_any(&self, selectors: &[Complex], id: Id, anchor: Id) -> bool {
        (selectors.iter()).any(|selector| self.matches(selector, selector.rest.len(), id, anchor))
    }

    /// Whether the parts of a selector up to one match, this one the element. Relative selectors begin at the anchor.
    fn matches(&self, selector: &Complex, part: usize, id: Id, anchor: Id) -> bool {
        let (combinator, compound) =
            match part.checked_sub(1).and_then(|part| selector.rest.get(part)) {
                Some((combinator, compound)) => (Some(*combinator), compound),
                None => (selector.leading, &selector.first),
            };
        if !(compound.parts.iter()).all(|simple| self.test(simple, id)) {
            return false;
        }
        let Some(combinator) = combinator else {
            return true;
        };
        if part == 0 {
            return self.is_related(combinator, anchor, id);
        }
        self.matches_before(selector, part, combinator, id, anchor)
    }

    /// Whether an element in front of the combinator matches the parts before `part`.
    fn matches_before(
        &self,
        selector: &Complex,
        part: usize,
        combinator: Combinator,
        id: Id,
        anchor: Id,
    ) -> bool {
        match combinator {
            Combinator::Child => {
                let parent = self
                    .tree
                    .parent(id)
                    .filter(|parent| self.is_element(*parent));
                parent.is_some_and(|parent| self.matches(selector, part - 1, parent, anchor))
            }
            Combinator::Next => {
                let before = self.sibling_before(id);
                before.is_some_and(|before| self.matches(selector, part - 1, before, anchor))
            }
            Combinator::Descendant | Combinator::Later => {
                let step = |id: Id| match combinator {
                    Combinator::Later => self.sibling_before(id),
                    _ => self
                        .tree
                        .parent(id)
                        .filter(|parent| self.is_element(*parent)),
                };
                // What is known of an element above holds for this one.
                let mut passed = Vec::new();
                let mut at = id;
                let found = loop {
                    let key = (std::ptr::from_ref(selector), part, at, anchor);
                    if let Some(known) = self.known.borrow().get(&key) {
                        break *known;
                    }
                    passed.push(key);
                    let Some(next) = step(at) else {
                        break false;
                    };
                    if self.matches(selector, part - 1, next, anchor) {
                        break true;
                    }
                    at = next;
                };
                let mut known = self.known.borrow_mut();
                known.extend(passed.into_iter().map(|key| (key, found)));
                found
            }
        }
    }

    fn is_related(&self, combinator: Combinator, anchor: Id, id: Id) -> bool {
        match combinator {
            Combinator::Child => self.tree.parent(id) == Some(anchor),
            Combinator::Next => self.sibling_before(id) == Some(anchor),
            Combinator::Later => {
                let before = |id: &Id| self.sibling_before(*id);
                std::iter::successors(before(&id), before).any(|other| other == anchor)
            }
            Combinator::Descendant => {
                let parent = |id: &Id| self.tree.parent(*id);
                std::iter::successors(parent(&id), parent).any(|other| other == anchor)
            }
        }
    }

    fn test(&self, simple: &Simple, id: Id) -> bool {
        match simple {
            Simple::Name(name) => self.tree.name(id) == name,
            Simple::Id(value) => self.attribute(id, "id") == Some(value),
            Simple::Class(class) => (self.attribute(id, "class")).is_some_and(|classes| {
                classes.split_ascii_whitespace().any(|other| other == class)
            }),
            Simple::Attribute(attribute) => {
                (self.attribute(id, &attribute.name)).is_some_and(|value| compare(attribute, value))
            }
            Simple::Root => self.tree.parent(id) == Some(ROOT),
            Simple::Empty => (self.tree.children(id).iter()).all(|child| {
                !matches!(
                    self.tree.node(*child).map(|node| &node.data),
                    Some(Data::Element { .. } | Data::Text(_))
                )
            }),
            Simple::Nth(nth) => {
                let place = self.place(id);
                let (start, end) = if nth.of_type { place.same } else { place.all };
                let index = if nth.from_end { end } else { start };
                let distance = i64::from(index) - i64::from(nth.offset);
                match i64::from(nth.step) {
                    0 => distance == 0,
                    step => distance % step == 0 && distance / step >= 0,
                }
            }
            Simple::Only { of_type } => {
                let place = self.place(id);
                let both = if *of_type { place.same } else { place.all };
                both == (1, 1)
            }
            Simple::Not(selectors) => !self.matches_any(selectors, id, ROOT),
            Simple::Is(selectors) => self.matches_any(selectors, id, ROOT),
            Simple::Has(selectors) => self.has(selectors, id),
        }
    }

    /// Whether something below an element, or behind it, matches relative to it.
    fn has(&self, selectors: &[Complex], anchor: Id) -> bool {
        selectors.iter().any(|selector| {
            let one = std::slice::from_ref(selector);
            let found = |id: Id| self.is_element(id) && self.matches_any(one, id, anchor);
            match selector.leading {
                Some(Combinator::Next | Combinator::Later) => {
                    let siblings = self
                        .tree
                        .parent(anchor)
                        .map_or(&[][..], |parent| self.tree.children(parent));
                    let behind = siblings.iter().skip_while(|id| **id != anchor).skip(1);
                    behind.copied().any(|sibling| {
                        found(sibling) || self.tree.walk(sibling, |_| true).any(found)
                    })
                }
                _ => self.tree.walk(anchor, |_| true).any(found),
            }
        })
    }

    fn attribute(&self, id: Id, name: &str) -> Option<&String> {
        let attributes = self.tree.attributes(id).iter();
        attributes
            .map(|(other, value)| (other, value))
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    fn sibling_before(&self, id: Id) -> Option<Id> {
        self.place(id).before
    }

    fn place(&self, id: Id) -> Place {
        let mut places = self.places.borrow_mut();
        let places = places.get_or_insert_with(|| self.all_places());
        places.get(id).copied().unwrap_or_default()
    }

    fn all_places(&self) -> Vec<Place> {
        let mut places = vec![Place::default(); self.tree.len()];
        for parent in 0..self.tree.len() {
            let children: Vec<Id> = (self.tree.children(parent).iter().copied())
                .filter(|id| self.is_element(*id))
                .collect();
            let mut names: HashMap<&str, u32> = HashMap::new();
            for (index, id) in children.iter().enumerate() {
                let same = names.entry(self.tree.name(*id)).or_default();
                *same += 1;
                if let Some(place) = places.get_mut(*id) {
                    place.all = (index as u32 + 1, (children.len() - index) as u32);
                    place.same.0 = *same;
                    place.before = index
                        .checked_sub(1)
                        .and_then(|before| children.get(before))
                        .copied();
                }
            }
            for id in children {
                let all = names.get(self.tree.name(id)).copied().unwrap_or_default();
                if let Some(place) = places.get_mut(id) {
                    place.same.1 = all + 1 - place.same.0;
                }
            }
        }
        places
    }
}

fn compare(attribute: &Attribute, value: &str) -> bool {
    let lower;
    let (wanted, value) = if attribute.any_case {
        lower = (
            attribute.value.to_ascii_lowercase(),
            value.to_ascii_lowercase(),
        );
        (lower.0.as_str(), lower.1.as_str())
    } else {
        (attribute.value.as_str(), value)
    };
    match attribute.operator {
        Operator::Present => true,
        Operator::Equals => value == wanted,
        Operator::Word => {
            !wanted.is_empty() && value.split_ascii_whitespace().any(|word| word == wanted)
        }
        Operator::Dash => (value.strip_prefix(wanted))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
        Operator::Start => !wanted.is_empty() && value.starts_with(wanted),
        Operator::End => !wanted.is_empty() && value.ends_with(wanted),
        Operator::Contains => !wanted.is_empty() && value.contains(wanted),
    }
}
