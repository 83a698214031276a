//! YAML as a tree that knows its places: every scalar and every key has the bytes it stands on.
//!
//! Invariants: aliases are resolved and `<<` is merged, so that nobody behind this door sees either; a key
//! stands once in its mapping; the tree is at most [`DEEPEST`] levels deep. What is shared by an alias is
//! shared here too, so a file that multiplies itself takes no more memory than it has bytes.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::Unreadable;

/// Where something stands in the text, in bytes.
pub(super) type Span = Range<usize>;

/// Deeper than any compose file, and shallow enough to walk by recursion.
const DEEPEST: usize = 64;
/// Longer than any compose file.
const LONGEST: usize = 1 << 20;
/// More keys than any compose file has in one mapping.
const MOST_KEYS: usize = 4096;

/// A node, and where it stands; what came by an alias stands where it was written.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Vec<(Key, Rc<Node>)>),
}

/// A scalar as it was written, escapes undone.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Neither quoted nor a block: it may stand for null, a number or a truth.
    pub(super) plain: bool,
}

/// A mapping's key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Span,
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.plain && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The pairs of a mapping; none of anything else.
    pub(super) fn pairs(&self) -> &[(Key, Rc<Node>)] {
        match &self.value {
            Value::Map(pairs) => pairs,
            _ => &[],
        }
    }

    /// What a mapping has under this key.
    pub(super) fn get(&self, key: &str) -> Option<&Rc<Node>> {
        self.pairs().iter().find(|(name, _)| name.text == key).map(|(_, node)| node)
    }

    /// A scalar that is not null.
    pub(super) fn word(&self) -> Option<super::compose::Word> {
        super::compose::Word::of(self)
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Rc<Node>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }
}

/// A list or a mapping of which the end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Rc<Node>>),
    Map { pairs: Vec<(Key, Rc<Node>)>, merged: Vec<Rc<Node>>, key: Option<Key> },
}

/// Reads the one document of a text.
pub(super) fn parse(text: &str) -> Result<Rc<Node>, Unreadable> {
    if text.len() > LONGEST {
        return Err(unreadable("this is longer than 1 MiB and no compose file", 0..0));
    }
    // The parser counts characters.
    let mut bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bytes.push(text.len());
    let byte = |index: usize| bytes.get(index).copied().unwrap_or(text.len());
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    let mut tree = Tree::default();
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => tree.take(event, byte(span.start.index())..byte(span.end.index()))?,
            Err(error) => {
                let at = byte(error.marker().index());
                return Err(unreadable(error.info(), at..at));
            }
        }
    }
    tree.root.ok_or_else(|| unreadable("there is nothing in it", 0..0))
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        match event {
            Event::Alias(anchor) => {
                let inside = || unreadable("this alias stands inside what it stands for", span.clone());
                let node = self.anchors.get(&anchor).cloned().ok_or_else(inside)?;
                self.put(node, span)
            }
            Event::Scalar(text, style, anchor, _) => {
                let scalar = Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.finish(Value::Scalar(scalar), span, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Content::List(Vec::new()), &span, anchor),
            Event::MappingStart(anchor, _) => {
                self.begin(Content::Map { pairs: Vec::new(), merged: Vec::new(), key: None }, &span, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { start, anchor, content }) => {
                    let value = match content {
                        Content::List(items) => Value::List(items),
                        Content::Map { pairs, merged, .. } => Value::Map(merge(pairs, &merged)),
                    };
                    self.finish(value, start..span.end.max(start), anchor)
                }
                None => Ok(()),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, content: Content, span: &Span, anchor: usize) -> Result<(), Unreadable> {
        if self.open.len() >= DEEPEST {
            return Err(unreadable("this is nested deeper than any compose file", span.clone()));
        }
        self.open.push(Open { start: span.start, anchor, content });
        Ok(())
    }

    fn finish(&mut self, value: Value, span: Span, anchor: usize) -> Result<(), Unreadable> {
        let node = Rc::new(Node { span: span.clone(), value });
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.put(node, span)
    }

    /// Puts a node where it belongs; `span` is where that is, also for an alias.
    fn put(&mut self, node: Rc<Node>, span: Span) -> Result<(), Unreadable> {
        let Some(open) = self.open.last_mut() else {
            return match self.root.replace(node) {
                None => Ok(()),
                Some(_) => Err(unreadable("a second document begins here; a stack is one", span)),
            };
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { pairs, merged, key } => match key.take() {
                None => *key = Some(name(&node, span)?),
                Some(key) if key.text == "<<" => merged.extend(mappings(&node, span)?),
                Some(key) => {
                    if pairs.len() >= MOST_KEYS {
                        return Err(unreadable("this mapping has more keys than any compose file", key.span));
                    }
                    if pairs.iter().any(|(known, _)| known.text == key.text) {
                        let what = format!("`{}` stands twice in this mapping", key.text);
                        return Err(unreadable(&what, key.span));
                    }
                    pairs.push((key, node));
                }
            },
        }
        Ok(())
    }
}

fn name(node: &Node, span: Span) -> Result<Key, Unreadable> {
    match &node.value {
        Value::Scalar(scalar) => Ok(Key { text: scalar.text.clone(), span }),
        _ => Err(unreadable("a key must be a name", span)),
    }
}

/// What `<<` may have: a mapping, or a list of some.
fn mappings(node: &Rc<Node>, span: Span) -> Result<Vec<Rc<Node>>, Unreadable> {
    let is_map = |node: &Rc<Node>| matches!(node.value, Value::Map(_));
    match &node.value {
        Value::Map(_) => Ok(vec![Rc::clone(node)]),
        Value::List(items) if items.iter().all(is_map) => Ok(items.clone()),
        _ => Err(unreadable("`<<` merges mappings, and this is none", span)),
    }
}

/// Its own keys first, then those of what it merges, the earlier before the later.
fn merge(mut pairs: Vec<(Key, Rc<Node>)>, merged: &[Rc<Node>]) -> Vec<(Key, Rc<Node>)> {
    for (key, node) in merged.iter().flat_map(|node| node.pairs()) {
        if !pairs.iter().any(|(known, _)| known.text == key.text) {
            pairs.push((key.clone(), Rc::clone(node)));
        }
    }
    pairs
}

fn unreadable(what: &str, span: Span) -> Unreadable {
    Unreadable { what: what.to_owned(), span }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(node: &Node) -> &str {
        match &node.value {
            Value::Scalar(scalar) => &scalar.text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn merged_keys_yield_to_a_mappings_own_and_to_earlier_ones() {
        let tree = parse("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n").unwrap();
        let c = tree.get("c").unwrap();
        let seen: Vec<_> = c.pairs().iter().map(|(key, node)| (key.text.as_str(), text(node))).collect();
        assert_eq!(seen, [("x", "3"), ("y", "1"), ("z", "2")]);
    }

    #[test]
    fn places_are_bytes_also_behind_letters_of_several() {
        let source = "# für König\nimage: größer\nname: 'x'\n";
        let tree = parse(source).unwrap();
        assert_eq!(&source[tree.get("image").unwrap().span.clone()], "größer");
        assert_eq!(&source[tree.get("name").unwrap().span.clone()], "'x'");
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, what, at) in [
            ("a: 1\na: 2\n", "twice", 5),
            ("a: &x [*x]\n", "inside", 7),
            ("a: 1\n---\nb: 2\n", "second document", 9),
            ("? [1, 2]\n: 3\n", "key must be a name", 2),
            ("a:\n  <<: 3\n", "`<<`", 9),
            ("", "nothing", 0),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.what.contains(what), "{text:?}: {}", error.what);
            assert_eq!(error.span.start, at, "{text:?}");
        }
        assert!(parse(&"[".repeat(DEEPEST + 1)).unwrap_err().what.contains("deeper"));
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
    }

    #[test]
    fn a_file_that_multiplies_itself_costs_no_memory() {
        let mut text = "a0: &a0 [x, x]\n".to_owned();
        for level in 1..40 {
            text.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
        }
        assert_eq!(parse(&text).unwrap().pairs().len(), 40);
    }
}
