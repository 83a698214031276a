//! What `docker stack deploy` takes at all: every key and value of a file held against one [`table`] of the format.
//! Invariant: a value that is not known (`${X}`) is of every type.

mod table;

use super::Hit;
use super::hit;
use crate::lint::compose::Stack;
use crate::lint::yaml::{Node, Scalar, Span, Value};

/// What may stand in a place.
pub(super) enum Form {
    /// Whatever; another rule looks at it.
    Any,
    Text,
    Truth,
    /// A whole number, 0 or more.
    Whole,
    /// A whole number of either sign.
    Integer,
    Number,
    TextOrNumber,
    /// A span of time as Go has it.
    Time,
    /// An amount of memory.
    Bytes,
    /// One of these words.
    Word(&'static [&'static str]),
    /// That, or nothing at all.
    Maybe(&'static Form),
    /// The one of these of which it has the shape: scalar, list or mapping.
    Either(&'static [Form]),
    List(&'static Form),
    /// A mapping of names that the file chooses.
    Named(&'static Form),
    /// A mapping of these keys, and no other.
    Keys(&'static [(&'static str, Form)]),
    /// A mapping of these keys, and of `x-`.
    Extended(&'static [(&'static str, Form)]),
    /// A mapping of these keys; others are taken, and ignored.
    Loose(&'static [(&'static str, Form)]),
}

/// In what way a place is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// No such key: the file is refused.
    Key,
    /// No such key: it is ignored.
    Ignored,
    /// Of another type: the file is refused.
    Type,
    /// A word that Docker does not know.
    Word,
}

/// A place that is wrong.
struct Wrong {
    fault: Fault,
    /// Whether it is in a published port, which has a rule of its own.
    port: bool,
    span: Span,
    message: String,
}

/// Every place that is wrong in this way; `ports` for those of published ports alone.
pub(super) fn faults(stack: &Stack, wanted: &[Fault], ports: bool) -> Vec<Hit> {
    let mut found = Vec::new();
    for (key, node) in stack.root.pairs().iter().filter(|(key, _)| !key.text.starts_with("x-")) {
        match table::TOP.iter().find(|(name, _)| *name == key.text) {
            Some((_, form)) => walk(node, form, &Path::top(&key.text), &mut found),
            None => found.push(Wrong {
                fault: Fault::Key,
                port: false,
                span: key.span.clone(),
                message: format!("`{}` is no key of a stack's file", key.text),
            }),
        }
    }
    let wanted = found.iter().filter(|wrong| wanted.contains(&wrong.fault) && wrong.port == ports);
    wanted.map(|wrong| hit(&wrong.span, wrong.message.clone())).collect()
}

/// The keys that lead to a place.
#[derive(Clone)]
struct Path(Vec<String>);

impl Path {
    fn top(key: &str) -> Self {
        Self(vec![key.to_owned()])
    }

    fn then(&self, key: &str) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_owned());
        Self(keys)
    }

    /// Whose it is: a service's name, or the kind and name of what is declared beside services.
    fn who(&self) -> String {
        match self.0.as_slice() {
            [top, name, ..] if top == "services" => format!("{name}: "),
            _ => String::new(),
        }
    }

    /// What it is, within that.
    fn what(&self) -> String {
        let skip = if self.0.first().is_some_and(|top| top == "services") { 2 } else { 0 };
        self.0.get(skip..).unwrap_or_default().join(".")
    }

    fn is_port(&self) -> bool {
        matches!(self.0.as_slice(), [top, _, key, _, ..] if top == "services" && key == "ports")
    }
}

fn walk(node: &Node, form: &Form, at: &Path, found: &mut Vec<Wrong>) {
    let wrong =
        |fault, span: &Span, message| Wrong { fault, port: at.is_port(), span: span.clone(), message };
    match (form, &node.value) {
        (Form::Any, _) => {}
        (Form::Maybe(_), _) if node.is_null() => {}
        (Form::Maybe(form), _) => walk(node, form, at, found),
        (Form::Either(forms), _) => match forms.iter().find(|form| fits(form, node)) {
            Some(form) => walk(node, form, at, found),
            None => found.push(wrong(Fault::Type, &node.span, mismatch(node, form, at))),
        },
        (Form::List(form), Value::List(items)) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, form, &at.then(&index.to_string()), found);
            }
        }
        (Form::Named(form), Value::Map(pairs)) => {
            for (key, node) in pairs {
                walk(node, form, &at.then(&key.text), found);
            }
        }
        (Form::Keys(known) | Form::Extended(known) | Form::Loose(known), Value::Map(pairs)) => {
            for (key, node) in pairs {
                let of_its_own = !matches!(form, Form::Keys(_)) && key.text.starts_with("x-");
                match known.iter().find(|(name, _)| *name == key.text) {
                    Some((name, form)) => walk(node, form, &at.then(name), found),
                    None if of_its_own => {}
                    None => {
                        let fault = if matches!(form, Form::Loose(_)) { Fault::Ignored } else { Fault::Key };
                        found.push(wrong(fault, &key.span, unknown(&at.then(&key.text), fault, known)));
                    }
                }
            }
        }
        (Form::Word(words), Value::Scalar(scalar)) if matches!(kind(scalar, node), Kind::Text) => {
            if !words.contains(&scalar.text.as_str()) {
                let (who, what, text) = (at.who(), at.what(), &scalar.text);
                let message = format!("{who}`{what}: {text}` is none of {}", words.join(", "));
                found.push(wrong(Fault::Word, &node.span, message));
            }
        }
        (form, Value::Scalar(scalar)) if holds(form, scalar, node) => {}
        _ => found.push(wrong(Fault::Type, &node.span, mismatch(node, form, at))),
    }
}

fn unknown(at: &Path, fault: Fault, known: &[(&str, Form)]) -> String {
    let key = at.0.last().map_or("", String::as_str);
    let near = known.iter().map(|(name, _)| (strsim::damerau_levenshtein(name, key), name));
    let meant = near.min().filter(|(letters, name)| *letters <= 2 && *letters < name.len() / 2);
    let meant = meant.map(|(_, name)| format!(", do you mean `{name}`?")).unwrap_or_default();
    let does = if fault == Fault::Ignored { "ignores" } else { "does not take" };
    format!("{}a stack {does} `{}`{meant}", at.who(), at.what())
}

/// What YAML takes a scalar for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nobody knows before the variables in it do.
    Unknown,
    Nothing,
    Truth,
    Number,
    Text,
}

fn kind(scalar: &Scalar, node: &Node) -> Kind {
    let text = scalar.text.as_str();
    if node.is_null() {
        return Kind::Nothing;
    }
    if node.word().is_some_and(|word| word.known().is_none()) {
        return Kind::Unknown;
    }
    let digit = text.trim_start_matches(['-', '+', '.']).starts_with(|c: char| c.is_ascii_digit());
    match text {
        _ if !scalar.plain => Kind::Text,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Truth,
        _ if digit && number(text).is_some() => Kind::Number,
        _ => Kind::Text,
    }
}

/// A number as YAML writes one: with `_` between digits, in base 16, 8 or 2 where it says so.
fn number(text: &str) -> Option<f64> {
    let text = text.replace('_', "");
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return u32::from_str_radix(digits, base).ok().map(f64::from);
        }
    }
    text.parse().ok()
}

/// Whether a scalar may stand where this form is.
fn holds(form: &Form, scalar: &Scalar, node: &Node) -> bool {
    let kind = kind(scalar, node);
    let whole =
        |least: f64| number(&scalar.text).is_some_and(|number| number.fract() == 0.0 && number >= least);
    match (form, kind) {
        (_, Kind::Unknown) => true,
        (Form::Text, Kind::Text) | (Form::Truth, Kind::Truth) | (Form::Number, Kind::Number) => true,
        (Form::TextOrNumber, Kind::Text | Kind::Number) => true,
        (Form::Whole, Kind::Number) => whole(0.0),
        (Form::Integer, Kind::Number) => whole(f64::NEG_INFINITY),
        (Form::Time, Kind::Text) => node.word().is_some_and(|word| word.duration().is_some()),
        (Form::Bytes, Kind::Text) => node.word().is_some_and(|word| word.bytes().is_some()),
        _ => false,
    }
}

/// Whether a node has the shape that a form asks for.
fn fits(form: &Form, node: &Node) -> bool {
    match form {
        Form::Any => true,
        Form::Maybe(form) => node.is_null() || fits(form, node),
        Form::Either(forms) => forms.iter().any(|form| fits(form, node)),
        Form::List(_) => matches!(node.value, Value::List(_)),
        Form::Named(_) | Form::Keys(_) | Form::Extended(_) | Form::Loose(_) => {
            matches!(node.value, Value::Map(_))
        }
        _ => matches!(node.value, Value::Scalar(_)) && !node.is_null(),
    }
}

fn mismatch(node: &Node, form: &Form, at: &Path) -> String {
    let is = match &node.value {
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
        Value::Scalar(scalar) => match kind(scalar, node) {
            Kind::Nothing => "nothing".to_owned(),
            Kind::Truth => "a truth value".to_owned(),
            Kind::Number => format!("the number {}", scalar.text),
            Kind::Text | Kind::Unknown => format!("the text \"{}\"", scalar.text),
        },
    };
    format!("{}`{}` is {is} and must be {}", at.who(), at.what(), wanted(form))
}

fn wanted(form: &Form) -> String {
    match form {
        Form::Any => "a value".to_owned(),
        Form::Text | Form::Word(_) => "a text".to_owned(),
        Form::Truth => "true or false".to_owned(),
        Form::Whole => "a whole number, 0 or more".to_owned(),
        Form::Integer => "a whole number".to_owned(),
        Form::Number => "a number".to_owned(),
        Form::TextOrNumber => "a text or a number".to_owned(),
        Form::Time => "a text like 90s or 1m30s".to_owned(),
        Form::Bytes => "a text like 512M".to_owned(),
        Form::Maybe(form) => wanted(form),
        Form::Either(forms) => forms.iter().map(wanted).collect::<Vec<_>>().join(" or "),
        Form::List(_) => "a list".to_owned(),
        Form::Named(_) | Form::Keys(_) | Form::Extended(_) | Form::Loose(_) => "a mapping".to_owned(),
    }
}
