//! The tree of a document, and its text as HTML.

use super::tokens::{Attributes, unique};

/// Number of a node in its tree.
pub type Id = usize;

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// The root.
    Document,
    /// `<!DOCTYPE …>`
    Doctype(String),
    /// An element.
    Element {
        /// Name in lower case.
        name: String,
        /// Attributes in their order.
        attributes: Attributes,
    },
    /// Text.
    Text(String),
    /// A comment.
    Comment(String),
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub data: Data,
    /// What it lies in.
    pub parent: Option<Id>,
    /// What lies in it, in order.
    pub children: Vec<Id>,
}

/// A document. Node 0 is the root.
#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
}

/// The root of every tree.
pub const ROOT: Id = 0;

/// Elements without content.
pub fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements whose text is written as it is.
fn is_raw(name: &str) -> bool {
    matches!(
        name,
        "style" | "script" | "xmp" | "iframe" | "noembed" | "noframes" | "plaintext"
    )
}

impl Default for Tree {
    fn default() -> Tree {
        let root = Node {
            data: Data::Document,
            parent: None,
            children: Vec::new(),
        };
        Tree { nodes: vec![root] }
    }
}

impl Tree {
    /// How many nodes there have been.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A node.
    pub fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// The name of an element; empty for other nodes.
    pub fn name(&self, id: Id) -> &str {
        match self.nodes.get(id).map(|node| &node.data) {
            Some(Data::Element { name, .. }) => name,
            _ => "",
        }
    }

    /// The attributes of an element.
    pub fn attributes(&self, id: Id) -> &[(String, String)] {
        match self.nodes.get(id).map(|node| &node.data) {
            Some(Data::Element { attributes, .. }) => attributes,
            _ => &[],
        }
    }

    /// The children of a node.
    pub fn children(&self, id: Id) -> &[Id] {
        self.nodes.get(id).map_or(&[], |node| &node.children)
    }

    /// What a node lies in.
    pub fn parent(&self, id: Id) -> Option<Id> {
        self.nodes.get(id)?.parent
    }

    /// A new node that lies nowhere yet.
    pub fn create(&mut self, data: Data) -> Id {
        self.nodes.push(Node {
            data,
            parent: None,
            children: Vec::new(),
        });
        self.nodes.len() - 1
    }

    fn attributes_mut(&mut self, id: Id) -> Option<&mut Attributes> {
        match self.nodes.get_mut(id).map(|node| &mut node.data) {
            Some(Data::Element { attributes, .. }) => Some(attributes),
            _ => None,
        }
    }

    /// Adds attributes to an element.
    pub fn add_attributes(&mut self, id: Id, more: Attributes) {
        if let Some(attributes) = self.attributes_mut(id) {
            attributes.extend(more);
        }
    }

    /// Leaves out the attributes of an element whose names have come before.
    pub fn leave_out_repeated(&mut self, id: Id) {
        if let Some(attributes) = self.attributes_mut(id) {
            *attributes = unique(std::mem::take(attributes));
        }
    }

    /// Takes a node out of where it lies.
    pub fn detach(&mut self, id: Id) {
        let parent = self.nodes.get_mut(id).and_then(|node| node.parent.take());
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
            // Mostly it is the last one.
            if let Some(place) = parent.children.iter().rposition(|child| *child == id) {
                parent.children.remove(place);
            }
        }
    }

    /// Puts a node into another, before one of its children or at the end.
    pub fn insert(&mut self, id: Id, parent: Id, before: Option<Id>) {
        self.detach(id);
        let Some(node) = self.nodes.get_mut(parent) else {
            return;
        };
        let end = node.children.len();
        let place =
            before.and_then(|before| node.children.iter().rposition(|child| *child == before));
        node.children.insert(place.unwrap_or(end), id);
        if let Some(node) = self.nodes.get_mut(id) {
            node.parent = Some(parent);
        }
    }

    /// Puts text into a node, as part of the text that comes before if there is one.
    pub fn insert_text(&mut self, text: &str, parent: Id, before: Option<Id>) {
        let children = self.children(parent);
        let place = before.and_then(|before| children.iter().rposition(|child| *child == before));
        let place = place.unwrap_or(children.len());
        let neighbour = place
            .checked_sub(1)
            .and_then(|place| children.get(place))
            .copied();
        if let Some(Node {
            data: Data::Text(content),
            ..
        }) = neighbour.and_then(|neighbour| self.nodes.get_mut(neighbour))
        {
            content.push_str(text);
            return;
        }
        let id = self.create(Data::Text(text.to_owned()));
        self.insert(id, parent, before);
    }

    /// Moves all children of a node to the end of another.
    pub fn move_children(&mut self, from: Id, to: Id) {
        let children = match self.nodes.get_mut(from) {
            Some(node) => std::mem::take(&mut node.children),
            None => return,
        };
        for child in &children {
            if let Some(node) = self.nodes.get_mut(*child) {
                node.parent = Some(to);
            }
        }
        if let Some(node) = self.nodes.get_mut(to) {
            node.children.extend(children);
        }
    }

    /// The nodes below a node in the order of the document. `enter` says whether to go into one.
    pub fn walk<'t>(
        &'t self,
        top: Id,
        mut enter: impl FnMut(Id) -> bool + 't,
    ) -> impl Iterator<Item = Id> + 't {
        let mut todo: Vec<Id> = self.children(top).iter().rev().copied().collect();
        std::iter::from_fn(move || {
            let id = todo.pop()?;
            if enter(id) {
                todo.extend(self.children(id).iter().rev());
            }
            Some(id)
        })
    }

    /// The words of the texts in a node, but for scripts, styles and templates.
    pub fn text(&self, top: Id) -> String {
        let hidden = |id: Id| matches!(self.name(id), "script" | "style" | "template");
        let mut text = String::new();
        if hidden(top) {
            return text;
        }
        for id in self.walk(top, |id| !hidden(id)) {
            let Some(Data::Text(content)) = self.node(id).map(|node| &node.data) else {
                continue;
            };
            for word in content.split_whitespace() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        text
    }

    /// Whether the text in an element is written as it is. In a head that of `noscript` is read so, too.
    fn is_raw(&self, id: Id) -> bool {
        match self.name(id) {
            "noscript" => self
                .parent(id)
                .is_some_and(|above| self.name(above) == "head"),
            name => is_raw(name),
        }
    }

    /// The HTML of a node; of the root that of its children.
    pub fn html(&self, top: Id) -> String {
        enum Step {
            Open(Id),
            Close(Id),
        }
        let mut out = String::new();
        let mut todo = vec![Step::Open(top)];
        while let Some(step) = todo.pop() {
            let id = match step {
                Step::Open(id) => id,
                Step::Close(id) => {
                    out.push_str("</");
                    out.push_str(self.name(id));
                    out.push('>');
                    continue;
                }
            };
            let Some(node) = self.nodes.get(id) else {
                continue;
            };
            match &node.data {
                Data::Document => {}
                Data::Doctype(name) => {
                    out.push_str("<!DOCTYPE ");
                    out.push_str(name);
                    out.push('>');
                }
                Data::Comment(text) => {
                    out.push_str("<!--");
                    out.push_str(text);
                    out.push_str("-->");
                }
                Data::Text(text) => match node.parent.is_some_and(|parent| self.is_raw(parent)) {
                    true => out.push_str(text),
                    false => escape(text, false, &mut out),
                },
                Data::Element { name, attributes } => {
                    out.push('<');
                    out.push_str(name);
                    for (name, value) in attributes {
                        out.push(' ');
                        out.push_str(name);
                        out.push_str("=\"");
                        escape(value, true, &mut out);
                        out.push('"');
                    }
                    out.push('>');
                    if is_void(name) {
                        continue;
                    }
                    todo.push(Step::Close(id));
                }
            }
            todo.extend(node.children.iter().rev().map(|child| Step::Open(*child)));
        }
        out
    }
}

fn escape(text: &str, in_attribute: bool, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            '"' if in_attribute => out.push_str("&quot;"),
            '<' if !in_attribute => out.push_str("&lt;"),
            '>' if !in_attribute => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}
