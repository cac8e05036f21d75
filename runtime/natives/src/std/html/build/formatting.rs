//! Elements of formatting that overlap with others (HTML, 13.2.4.3 and 13.2.6.4.7, "adoption agency").

use super::Builder;
use super::body::{is_special, scope};
use crate::std::html::tokens::Attributes;
use crate::std::html::tree::Id;

/// Elements that are kept to be opened again at most, so that documents do not grow without bound.
const MOST: usize = 64;

/// An entry in the list of elements that are opened again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// What is before it is not seen: a cell, a caption or the like begins.
    Marker,
    /// An element.
    Element(Id),
}

impl Builder<'_> {
    /// Opens an element of formatting and remembers it.
    pub fn open_formatting(&mut self, name: &str, attributes: Attributes) {
        let id = self.insert_element(name, attributes);
        let same = |entry: &Entry| match entry {
            Entry::Marker => None,
            Entry::Element(other) => Some(
                self.tree.name(*other) == self.tree.name(id)
                    && self.tree.attributes(*other) == self.tree.attributes(id),
            ),
        };
        // Of equal ones three are kept.
        let equal: Vec<usize> = (self.formatting.iter().enumerate().rev())
            .map_while(|(place, entry)| same(entry).map(|same| (place, same)))
            .filter_map(|(place, same)| same.then_some(place))
            .collect();
        if let Some(earliest) = equal.get(2..).and_then(<[usize]>::last) {
            self.formatting.remove(*earliest);
        }
        let elements = |entry: &&Entry| **entry != Entry::Marker;
        if self.formatting.iter().rev().take_while(elements).count() >= MOST
            && let Some(first) = self.first_since_marker()
        {
            self.formatting.remove(first);
        }
        self.formatting.push(Entry::Element(id));
    }

    fn first_since_marker(&self) -> Option<usize> {
        let marker = (self.formatting.iter()).rposition(|entry| *entry == Entry::Marker);
        let first = marker.map_or(0, |marker| marker + 1);
        (first < self.formatting.len()).then_some(first)
    }

    /// Opens what is remembered and closed.
    pub fn reopen_formatting(&mut self) {
        let is_open = |builder: &Self, entry: &Entry| match entry {
            Entry::Marker => true,
            Entry::Element(id) => builder.open.iter().rev().any(|open| open == id),
        };
        let mut first = self.formatting.len();
        while let Some(entry) = first
            .checked_sub(1)
            .and_then(|place| self.formatting.get(place))
        {
            if is_open(self, entry) {
                break;
            }
            first -= 1;
        }
        for place in first..self.formatting.len() {
            let Some(Entry::Element(id)) = self.formatting.get(place).cloned() else {
                continue;
            };
            let name = self.tree.name(id).to_owned();
            let attributes = self.tree.attributes(id).to_vec();
            let id = self.insert_element(&name, attributes);
            if let Some(entry) = self.formatting.get_mut(place) {
                *entry = Entry::Element(id);
            }
        }
    }

    /// Forgets what is remembered since the last marker.
    pub fn clear_formatting(&mut self) {
        while let Some(Entry::Element(_)) = self.formatting.pop() {}
    }

    /// Forgets one element.
    pub fn forget(&mut self, id: Id) {
        self.formatting.retain(|entry| *entry != Entry::Element(id));
    }

    /// The last remembered element of this name since the last marker.
    pub fn remembered(&self, name: &str) -> Option<Id> {
        for entry in self.formatting.iter().rev() {
            match entry {
                Entry::Marker => return None,
                Entry::Element(id) if self.tree.name(*id) == name => return Some(*id),
                Entry::Element(_) => {}
            }
        }
        None
    }

    fn place_in_open(&self, id: Id) -> Option<usize> {
        self.open.iter().rposition(|open| *open == id)
    }

    fn copy_of(&mut self, id: Id) -> Id {
        let name = self.tree.name(id).to_owned();
        let attributes = self.tree.attributes(id).to_vec();
        self.element(&name, attributes)
    }

    /// Closes an element of formatting. What is inside of it and goes on gets copies of it.
    pub fn close_formatting(&mut self, name: &str) {
        let current = self.current();
        if self.tree.name(current) == name && !self.formatting.contains(&Entry::Element(current)) {
            self.open.pop();
            return;
        }
        for _ in 0..8 {
            let Some(element) = self.remembered(name) else {
                self.close_other(name);
                return;
            };
            let Some(at) = self.place_in_open(element) else {
                self.forget(element);
                return;
            };
            if !self.in_scope(&[name], scope) {
                return;
            }
            let block = (self.open.iter().enumerate().skip(at + 1))
                .find(|(_, id)| is_special(self.tree.name(**id)))
                .map(|(place, id)| (place, *id));
            let Some((block_at, block)) = block else {
                self.open.truncate(at);
                self.forget(element);
                return;
            };
            let Some(ancestor) = at
                .checked_sub(1)
                .and_then(|above| self.open.get(above))
                .copied()
            else {
                return;
            };
            self.adopt(element, ancestor, block_at, block);
        }
    }

    fn adopt(&mut self, element: Id, ancestor: Id, block_at: usize, block: Id) {
        let entry = Entry::Element(element);
        let mut bookmark = self.formatting.iter().position(|other| *other == entry);
        let mut last = block;
        let mut place = block_at;
        for round in 1.. {
            place = match place.checked_sub(1) {
                Some(above) => above,
                None => break,
            };
            let Some(node) = self
                .open
                .get(place)
                .copied()
                .filter(|node| *node != element)
            else {
                break;
            };
            let listed = (self.formatting.iter()).position(|other| *other == Entry::Element(node));
            let Some(listed) = listed.filter(|_| round <= 3) else {
                if let Some(listed) = listed {
                    self.formatting.remove(listed);
                    bookmark = bookmark.map(|mark| if listed < mark { mark - 1 } else { mark });
                }
                self.open.remove(place);
                continue;
            };
            let copy = self.copy_of(node);
            if let Some(entry) = self.formatting.get_mut(listed) {
                *entry = Entry::Element(copy);
            }
            if let Some(open) = self.open.get_mut(place) {
                *open = copy;
            }
            if last == block {
                bookmark = Some(listed + 1);
            }
            self.tree.insert(last, copy, None);
            last = copy;
        }
        let (parent, before) = self.place(ancestor);
        self.tree.insert(last, parent, before);
        let copy = self.copy_of(element);
        self.tree.move_children(block, copy);
        self.tree.insert(copy, block, None);
        if let Some(old) = self.formatting.iter().position(|other| *other == entry) {
            self.formatting.remove(old);
            bookmark = bookmark.map(|mark| if old < mark { mark - 1 } else { mark });
        }
        let mark = bookmark
            .unwrap_or(self.formatting.len())
            .min(self.formatting.len());
        self.formatting.insert(mark, Entry::Element(copy));
        self.open.retain(|open| *open != element);
        if let Some(block_at) = self.place_in_open(block) {
            self.open.insert(block_at + 1, copy);
        }
    }
}
