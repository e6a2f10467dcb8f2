//! `wrangler.jsonc`: serialized from types, with a comment before each part. Never touches disk.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use crate::deploy::cloudflare::container::Container;
use crate::deploy::cloudflare::jsonc;
use crate::deploy::cloudflare::plan::Plan;
use crate::digest;
use crate::failure::Failure;

/// The file's name.
pub(crate) const FILE: &str = "wrangler.jsonc";

/// The runtime's behaviour that the Worker was tested with. Wrangler 4.71.0 knows no later one.
const COMPATIBILITY_DATE: &str = "2026-02-24";

/// The binding of the rate limit.
pub(crate) const RATE_LIMIT: &str = "RATE_LIMIT";

/// Seconds over which a rate limit counts.
pub(crate) const RATE_PERIOD_SECONDS: u32 = 60;

/// What leanrepl writes; other keys at the top are the user's.
const OURS: [&str; 9] = [
    "$schema",
    "name",
    "main",
    "compatibility_date",
    "observability",
    "containers",
    "durable_objects",
    "migrations",
    "ratelimits",
];

/// Whether logs are kept.
#[derive(Debug, Serialize)]
struct Observability {
    enabled: bool,
}

/// One container as wrangler reads it.
#[derive(Debug, Serialize)]
struct Application<'a> {
    name: String,
    class_name: String,
    image: &'a str,
    instance_type: &'a str,
    /// The most instances at a time.
    max_instances: u32,
}

/// The part for Durable Objects.
#[derive(Debug, Serialize)]
struct DurableObjects {
    bindings: Vec<Binding>,
}

/// How the Worker reaches a class.
#[derive(Debug, Serialize)]
struct Binding {
    name: String,
    class_name: String,
}

/// One step in the history of classes.
#[derive(Debug, Serialize)]
struct Migration {
    tag: String,
    /// Classes that begin with it. Containers need the kind with `SQLite`.
    new_sqlite_classes: Vec<String>,
}

/// How often one caller may ask.
#[derive(Debug, Serialize)]
struct RateLimit {
    name: &'static str,
    /// A number of its own in the account.
    namespace_id: String,
    simple: Simple,
}

/// So many requests in such a time.
#[derive(Debug, Serialize)]
struct Simple {
    limit: u32,
    /// Seconds; Cloudflare takes 10 or 60.
    period: u32,
}

/// What of an older `wrangler.jsonc` outlives the writing of a new one.
#[derive(Debug, Default)]
pub(crate) struct Old {
    /// Its migrations as they are: they say what was deployed.
    migrations: Vec<jsonc::Value>,
    classes: Vec<String>,
    extra: Vec<(String, jsonc::Value)>,
}

impl Old {
    /// What is in the text of an older file.
    pub(crate) fn of(file: &jsonc::Value) -> Self {
        let migrations = file.list("migrations");
        Self {
            migrations: migrations.to_vec(),
            classes: live_classes(migrations),
            extra: file
                .pairs()
                .iter()
                .filter(|(key, _)| !OURS.contains(&key.as_str()))
                .cloned()
                .collect(),
        }
    }
}

/// The classes that there are after those migrations.
pub(crate) fn live_classes(migrations: &[jsonc::Value]) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for step in migrations {
        let texts = |key: &str| {
            let items = step.list(key).iter();
            items
                .filter_map(|item| item.text().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        classes.extend(texts("new_sqlite_classes"));
        classes.extend(texts("new_classes"));
        for renamed in step.list("renamed_classes") {
            let part = |key: &str| renamed.get(key).and_then(jsonc::Value::text);
            classes.retain(|class| Some(class.as_str()) != part("from"));
            classes.extend(part("to").map(str::to_owned));
        }
        let deleted = texts("deleted_classes");
        classes.retain(|class| !deleted.contains(class));
        classes.extend(
            step.list("transferred_classes")
                .iter()
                .filter_map(|moved| moved.get("to")?.text().map(str::to_owned)),
        );
    }
    classes
}

/// The text of the file.
///
/// # Errors
/// A bug, if something cannot be written as JSON.
pub(crate) fn text(plan: &Plan, old: &Old) -> Result<String, Failure> {
    let mut parts = Parts(String::new());
    parts.add("", "$schema", &"node_modules/wrangler/config-schema.json")?;
    parts.add(
        "The first part of the address: NAME.ACCOUNT.workers.dev.",
        "name",
        &plan.worker,
    )?;
    parts.add("", "main", &"src/index.ts")?;
    parts.add(
        "How the runtime behaves. A later date may change that: run the tests then.",
        "compatibility_date",
        &COMPATIBILITY_DATE,
    )?;
    parts.add(
        "Keeps logs, which `npx wrangler tail` and the dashboard show.",
        "observability",
        &Observability { enabled: true },
    )?;
    if !plan.stub {
        add_containers(&mut parts, &plan.containers, plan)?;
    }
    let migrations = migrations(plan, old);
    if !migrations.is_empty() {
        parts.add(
            "The history of the classes, of which Cloudflare remembers how far it came: steps are only ever\nadded at the end. Containers need `new_sqlite_classes`.",
            "migrations",
            &migrations,
        )?;
    }
    if let Some(limit) = plan.rate_limit {
        parts.add(
            "Requests that one address may send a minute, counted at each of Cloudflare's places.",
            "ratelimits",
            &[RateLimit {
                name: RATE_LIMIT,
                namespace_id: namespace(plan.worker.as_str()),
                simple: Simple {
                    limit,
                    period: RATE_PERIOD_SECONDS,
                },
            }],
        )?;
    }
    for (place, (key, value)) in old.extra.iter().enumerate() {
        let comment = if place == 0 { "Yours." } else { "" };
        parts.add(comment, key, value)?;
    }
    Ok(parts.finish())
}

/// The parts that belong to containers.
fn add_containers(parts: &mut Parts, containers: &[Container], plan: &Plan) -> Result<(), Failure> {
    let applications: Vec<Application<'_>> = containers
        .iter()
        .map(|known| Application {
            name: format!("{}-{}", plan.worker.as_str(), known.name),
            class_name: known.name.class(),
            image: known.image.as_deref().unwrap_or_default(),
            instance_type: &known.instance_type,
            max_instances: known.max_instances,
        })
        .collect();
    parts.add(
        "One for each version. The image must be in its registry before a deploy and under a tag of its own:\na new image under an old tag, or under `latest`, is not noticed. It must fit the disk of the instance\ntype (4, 8, 12, 16, 20 GB for basic and standard-1 to standard-4), and Lean its memory.",
        "containers",
        &applications,
    )?;
    let bindings = containers
        .iter()
        .map(|known| Binding {
            name: known.name.binding(),
            class_name: known.name.class(),
        })
        .collect();
    parts.add(
        "How the Worker reaches them; each class is exported by src/index.ts.",
        "durable_objects",
        &DurableObjects { bindings },
    )
}

/// A step of the history of classes, as it was or made now.
#[derive(Debug)]
enum Step<'a> {
    /// Never rewritten.
    Old(&'a jsonc::Value),
    /// Added at the end.
    New(Migration),
}

impl Serialize for Step<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Old(step) => step.serialize(serializer),
            Self::New(step) => step.serialize(serializer),
        }
    }
}

/// The old migrations and, if there are new classes, one more.
fn migrations<'a>(plan: &Plan, old: &'a Old) -> Vec<Step<'a>> {
    let mut migrations: Vec<Step<'_>> = old.migrations.iter().map(Step::Old).collect();
    if plan.stub {
        return migrations;
    }
    let classes = plan.containers.iter().map(|known| known.name.class());
    let new: Vec<String> = classes
        .filter(|class| !old.classes.contains(class))
        .collect();
    if !new.is_empty() {
        let is_taken = |tag: &String| {
            let has = |step: &jsonc::Value| {
                step.get("tag").and_then(jsonc::Value::text) == Some(tag.as_str())
            };
            old.migrations.iter().any(has)
        };
        let mut tags = (old.migrations.len() + 1..).map(|number| format!("v{number}"));
        migrations.push(Step::New(Migration {
            tag: tags.find(|tag| !is_taken(tag)).unwrap_or_default(),
            new_sqlite_classes: new,
        }));
    }
    migrations
}

/// A number that is the same for the same Worker, and most likely no other's.
fn namespace(worker: &str) -> String {
    let digest = digest::of_bytes(worker.as_bytes());
    let start = digest.get(..7).unwrap_or_default();
    u32::from_str_radix(start, 16)
        .unwrap_or(1)
        .max(1)
        .to_string()
}

/// The text so far.
struct Parts(String);

impl Parts {
    /// Adds a key with its comment.
    fn add(&mut self, comment: &str, key: &str, value: &impl Serialize) -> Result<(), Failure> {
        self.0
            .push_str(if self.0.is_empty() { "{\n" } else { ",\n" });
        for line in comment.lines() {
            // Writing to a string cannot fail, here and below.
            let _written = writeln!(self.0, "  // {line}");
        }
        let key = serde_json::to_string(key).map_err(unwritable)?;
        let value = serde_json::to_string_pretty(value).map_err(unwritable)?;
        let _written = write!(self.0, "  {key}: {}", value.replace('\n', "\n  "));
        Ok(())
    }

    fn finish(mut self) -> String {
        self.0.push_str("\n}\n");
        self.0
    }
}

/// That a value cannot be written as JSON.
fn unwritable(err: serde_json::Error) -> Failure {
    Failure::bug("a part of wrangler.jsonc is no JSON").caused_by(err)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::deploy::cloudflare::plan::tests::plan;

    /// The file for these containers over an older one.
    fn over(names: &[&str], old: &str) -> jsonc::Value {
        let old = Old::of(&jsonc::Value::read(old).unwrap());
        jsonc::Value::read(&text(&plan(names), &old).unwrap()).unwrap()
    }

    #[test]
    fn each_container_has_its_class_its_binding_and_its_migration() {
        let file = over(&["core-4-28-0", "lean-4-27-0", "mathlib-4-27-0"], "{}").to_json();
        let classes = json!(["Core_4_28_0", "Lean_4_27_0", "Mathlib_4_27_0"]);
        assert_eq!(
            file["migrations"],
            json!([{"tag": "v1", "new_sqlite_classes": classes}])
        );
        assert_eq!(
            file["containers"][2],
            json!({
                "name": "lean-mathlib-4-27-0",
                "class_name": "Mathlib_4_27_0",
                "image": "registry.cloudflare.com/0123/mathlib-4-27-0:v1",
                "instance_type": "standard-3",
                "max_instances": 3,
            })
        );
        assert_eq!(
            file["durable_objects"]["bindings"][1],
            json!({"name": "LEAN_4_27_0", "class_name": "Lean_4_27_0"})
        );
    }

    #[test]
    fn a_migration_is_added_and_none_is_rewritten() {
        let steps = json!([
            {"tag": "first", "new_classes": ["Odd"]},
            {"tag": "v3", "new_sqlite_classes": ["Lean_4_27_0"], "deleted_classes": ["Odd"]},
        ]);
        let old = json!({ "migrations": steps }).to_string();
        let file = over(&["lean-4-27-0"], &old).to_json();
        assert_eq!(file["migrations"], steps);
        let file = over(&["lean-4-27-0", "lean-4-28-0"], &old).to_json();
        let kept = &file["migrations"].as_array().unwrap()[..2];
        assert_eq!(kept, steps.as_array().unwrap());
        let added = json!({"tag": "v4", "new_sqlite_classes": ["Lean_4_28_0"]});
        assert_eq!(file["migrations"][2], added);
    }

    #[test]
    fn a_class_that_was_deleted_begins_anew_and_one_that_was_renamed_is_there() {
        let old = r#"{"migrations": [
            {"tag": "v1", "new_sqlite_classes": ["Lean_1", "Old_2"]},
            {"tag": "v2", "deleted_classes": ["Lean_1"], "renamed_classes": [{"from": "Old_2", "to": "Lean_2"}]},
        ]}"#;
        let file = over(&["lean-1", "lean-2"], old).to_json();
        assert_eq!(
            file["migrations"][2]["new_sqlite_classes"],
            json!(["Lean_1"])
        );
    }

    #[test]
    fn keys_of_the_users_stay() {
        let old = r#"{ "routes": [{"pattern": "lean.example/*"}], "account_id": "0123", "name": "other" }"#;
        let file = over(&["lean-1"], old).to_json();
        assert_eq!(file["routes"][0]["pattern"], "lean.example/*");
        assert_eq!(
            (&file["account_id"], &file["name"]),
            (&json!("0123"), &json!("lean"))
        );
    }
}
