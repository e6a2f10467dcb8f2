//! What Lean's elaborator did, as a tree. Never decides what in it matters.

use serde_json::Value;

use crate::lean::fields::{DecodeError, Fields, Object, boolean, list, string};
use crate::lean::message::Extra;
use crate::lean::position::Position;

/// A tree of elaboration steps. As deep as the text is nested; a reply bounds that.
#[derive(Debug, Clone, PartialEq)]
pub enum InfoTree {
    /// A step and what it consists of.
    Node {
        /// Lean's name for the kind of step, such as `TacticInfo`.
        kind: String,
        /// What is known of the step; nothing for most kinds.
        node: Option<Box<Info>>,
        /// The steps inside.
        children: Vec<Self>,
        /// Unknown fields.
        extra: Extra,
    },
    /// A place that was never elaborated.
    Hole {
        /// The goal there, pretty-printed.
        goal_state: String,
        /// Unknown fields.
        extra: Extra,
    },
}

/// What is known of one step.
#[derive(Debug, Clone, PartialEq)]
pub enum Info {
    /// A tactic ran.
    Tactic(TacticInfo),
    /// A command was elaborated.
    Command(CommandInfo),
    /// A term was elaborated.
    Term(TermInfo),
    /// A kind that this version does not know, as it came.
    Other(Value),
}

/// A tactic that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct TacticInfo {
    /// The name of the tactic's syntax.
    pub name: Option<String>,
    /// The piece of text.
    pub stx: Syntax,
    /// The goals before it, each pretty-printed.
    pub goals_before: Vec<String>,
    /// The goals after it, each pretty-printed.
    pub goals_after: Vec<String>,
    /// Unknown fields.
    pub extra: Extra,
}

/// A command that was elaborated.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandInfo {
    /// The name of the elaborator.
    pub elaborator: Option<String>,
    /// The piece of text.
    pub stx: Syntax,
    /// Unknown fields.
    pub extra: Extra,
}

/// A term that was elaborated.
#[derive(Debug, Clone, PartialEq)]
pub struct TermInfo {
    /// The name of the elaborator.
    pub elaborator: Option<String>,
    /// The piece of text.
    pub stx: Syntax,
    /// The type it should have, pretty-printed.
    pub expected_type: Option<String>,
    /// The term, pretty-printed.
    pub expr: String,
    /// Whether it binds a variable.
    pub is_binder: bool,
    /// Unknown fields.
    pub extra: Extra,
}

/// A piece of text as Lean parsed it.
#[derive(Debug, Clone, PartialEq)]
pub struct Syntax {
    /// The text, pretty-printed; absent where that failed.
    pub pp: Option<String>,
    /// Where it stands.
    pub range: Range,
    /// The name of its syntax (REPL v4.22 and later).
    pub kind: Option<String>,
    /// The names of the syntax of its parts (REPL v4.22 and later).
    pub arg_kinds: Vec<String>,
    /// Unknown fields.
    pub extra: Extra,
}

/// Where a piece of text stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// Whether a macro made it, so that the places are only near.
    pub synthetic: bool,
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub finish: Position,
    /// Unknown fields.
    pub extra: Extra,
}

impl InfoTree {
    /// Reads a tree as the REPL writes it.
    pub fn from_value(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::of(value, "an infotree node")?;
        if fields.has("goalState") {
            return Self::hole(fields);
        }
        // All but the descent is done elsewhere: what this frame holds counts once per level.
        let children = fields.required_list("children", Self::from_value)?;
        Self::node(fields, children)
    }

    fn hole(mut fields: Fields) -> Result<Self, DecodeError> {
        Ok(Self::Hole {
            goal_state: fields.required("goalState", string)?,
            extra: fields.rest(),
        })
    }

    /// Reads a node without its children.
    fn node(mut fields: Fields, children: Vec<Self>) -> Result<Self, DecodeError> {
        let kind = fields.required("kind", string)?;
        let decode = match kind.as_str() {
            "TacticInfo" => TacticInfo::from_value,
            "TermInfo" => TermInfo::from_value,
            // The name had one m too many up to REPL v4.18.
            "CommandInfo" | "CommmandInfo" => CommandInfo::from_value,
            _ => |value| Ok(Info::Other(value)),
        };
        Ok(Self::Node {
            node: fields.optional("node", decode)?.map(Box::new),
            children,
            kind,
            extra: fields.rest(),
        })
    }

    /// Writes it as the REPL does.
    pub fn into_value(self) -> Value {
        match self {
            Self::Node {
                kind,
                node,
                children,
                extra,
            } => {
                let object = Object::with(extra)
                    .put("kind", kind)
                    .put_some("node", node.map(|info| info.into_value()));
                let mut values = Vec::with_capacity(children.len());
                for child in children {
                    values.push(child.into_value());
                }
                object.put("children", values).into_value()
            }
            Self::Hole { goal_state, extra } => Object::with(extra)
                .put("goalState", goal_state)
                .into_value(),
        }
    }
}

impl Info {
    /// Writes it as the REPL does.
    fn into_value(self) -> Value {
        match self {
            Self::Tactic(info) => Object::with(info.extra)
                .put_some("name", info.name)
                .put("stx", info.stx.into_value())
                .put("goalsBefore", info.goals_before)
                .put("goalsAfter", info.goals_after)
                .into_value(),
            Self::Command(info) => Object::with(info.extra)
                .put_some("elaborator", info.elaborator)
                .put("stx", info.stx.into_value())
                .into_value(),
            Self::Term(info) => Object::with(info.extra)
                .put_some("elaborator", info.elaborator)
                .put("stx", info.stx.into_value())
                .put_some("expectedType", info.expected_type)
                .put("expr", info.expr)
                .put("isBinder", info.is_binder)
                .into_value(),
            Self::Other(value) => value,
        }
    }
}

impl TacticInfo {
    /// Reads what the REPL tells of a tactic.
    fn from_value(value: Value) -> Result<Info, DecodeError> {
        let mut fields = Fields::of(value, "a tactic's node")?;
        Ok(Info::Tactic(Self {
            name: fields.optional("name", string)?,
            stx: fields.required("stx", Syntax::from_value)?,
            goals_before: fields.required_list("goalsBefore", string)?,
            goals_after: fields.required_list("goalsAfter", string)?,
            extra: fields.rest(),
        }))
    }
}

impl CommandInfo {
    /// Reads what the REPL tells of a command.
    fn from_value(value: Value) -> Result<Info, DecodeError> {
        let mut fields = Fields::of(value, "a command's node")?;
        Ok(Info::Command(Self {
            elaborator: fields.optional("elaborator", string)?,
            stx: fields.required("stx", Syntax::from_value)?,
            extra: fields.rest(),
        }))
    }
}

impl TermInfo {
    /// Reads what the REPL tells of a term.
    fn from_value(value: Value) -> Result<Info, DecodeError> {
        let mut fields = Fields::of(value, "a term's node")?;
        Ok(Info::Term(Self {
            elaborator: fields.optional("elaborator", string)?,
            stx: fields.required("stx", Syntax::from_value)?,
            expected_type: fields.optional("expectedType", string)?,
            expr: fields.required("expr", string)?,
            is_binder: fields.required("isBinder", boolean)?,
            extra: fields.rest(),
        }))
    }
}

impl Syntax {
    /// Reads a piece of text.
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::of(value, "a piece of syntax")?;
        Ok(Self {
            pp: fields.optional("pp", string)?,
            range: fields.required("range", Range::from_value)?,
            kind: fields.optional("kind", string)?,
            arg_kinds: fields.list("argKinds", string)?,
            extra: fields.rest(),
        })
    }

    /// Writes it as the REPL does.
    fn into_value(self) -> Value {
        Object::with(self.extra)
            .put_some("pp", self.pp)
            .put("range", self.range.into_value())
            .put_some("kind", self.kind)
            .put_list("argKinds", self.arg_kinds, Value::String)
            .into_value()
    }
}

impl Range {
    /// Reads where a piece of text stands.
    fn from_value(value: Value) -> Result<Self, DecodeError> {
        let mut fields = Fields::of(value, "a range")?;
        Ok(Self {
            synthetic: fields.required("synthetic", boolean)?,
            start: fields.required_position("start")?,
            finish: fields.required_position("finish")?,
            extra: fields.rest(),
        })
    }

    /// Writes it as the REPL does.
    fn into_value(self) -> Value {
        Object::with(self.extra)
            .put("synthetic", self.synthetic)
            .put_position("start", Some(self.start))
            .put_position("finish", Some(self.finish))
            .into_value()
    }
}

/// Reads the trees of a reply.
pub(crate) fn forest(value: Value) -> Result<Vec<InfoTree>, DecodeError> {
    list(value, InfoTree::from_value)
}
