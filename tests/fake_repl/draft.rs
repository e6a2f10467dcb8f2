//! From what a text asks for to the reply. Knows no environments and runs nothing.

use serde_json::{Map, Value, json};

use crate::directive::{Place, place_json};
use crate::frame::Manner;
use crate::misdeed::Misdeed;
use crate::pretty;

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What happens before the reply.
    pub(crate) misdeeds: Vec<Misdeed>,
    /// The reply without its blank line.
    pub(crate) reply: String,
    /// How it goes out.
    pub(crate) manner: Manner,
}

/// What a reply is made of.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    /// The fields of the reply by name; a list that stays empty is left out.
    lists: Map<String, Value>,
    /// What happens before.
    pub(crate) misdeeds: Vec<Misdeed>,
    /// How it goes out.
    pub(crate) manner: Manner,
    /// A text in place of the reply.
    pub(crate) instead: Option<String>,
    /// Whether to add fields of a newer REPL.
    pub(crate) unknown_field: bool,
    /// The number of the state that was kept with it.
    pub(crate) snapshot: Option<usize>,
}

impl Draft {
    /// Adds an item to one of the lists.
    pub(crate) fn push(&mut self, list: &str, item: Value) {
        let list = self.lists.entry(list).or_insert_with(|| json!([]));
        if let Some(items) = list.as_array_mut() {
            items.push(item);
        }
    }

    /// Adds a message.
    pub(crate) fn say(&mut self, severity: &str, pos: Place, end_pos: Option<Place>, data: &str) {
        let message = json!({
            "severity": severity,
            "pos": place_json(pos),
            "endPos": end_pos.map(place_json),
            "data": data.trim(),
        });
        self.push("messages", message);
    }

    /// Makes an accepted text a rejected one, and the other way round.
    pub(crate) fn turn_round(&mut self) {
        let messages = self.lists.get_mut("messages").and_then(Value::as_array_mut);
        let is_error = |message: &&mut Value| message["severity"] == "error";
        let mut errors = messages.into_iter().flatten().filter(is_error).peekable();
        if errors.peek().is_none() {
            drop(errors);
            self.say("error", (1, 0), None, "not so");
            return;
        }
        for error in errors {
            error["severity"] = "info".into();
        }
    }

    /// The answer with the environment `env`.
    pub(crate) fn finish(mut self, env: usize) -> Answer {
        self.lists.insert("env".to_owned(), env.into());
        if let Some(number) = self.snapshot {
            self.lists.insert("snapshot".to_owned(), number.into());
            self.lists.insert("snapshotBytes".to_owned(), 4096.into());
        }
        let mut reply = Value::Object(self.lists);
        if self.unknown_field {
            add_unknown_fields(&mut reply);
        }
        let reply = match self.instead {
            Some(text) => text,
            None => pretty::print(&reply),
        };
        Answer {
            misdeeds: self.misdeeds,
            reply,
            manner: self.manner,
        }
    }
}

/// An answer that is this reply and nothing else.
pub(crate) fn plain(reply: &Value) -> Answer {
    Answer {
        misdeeds: Vec::new(),
        reply: pretty::print(reply),
        manner: Manner::Whole,
    }
}

/// Adds a field to each object of a reply.
fn add_unknown_fields(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(add_unknown_fields),
        Value::Object(fields) => {
            fields.values_mut().for_each(add_unknown_fields);
            fields.insert("fromTheFuture".to_owned(), json!({"kept": [1, "two"]}));
        }
        _ => {}
    }
}
