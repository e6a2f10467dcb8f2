//! What is wrong with a Worker's folder though wrangler would take it. Pure: what Docker says comes in.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::deploy::cloudflare::config::{self, live_classes};
use crate::deploy::cloudflare::export::exports;
use crate::deploy::cloudflare::image::ImageRef;
use crate::deploy::cloudflare::instance::{ACCOUNT_DISK, Disk, InstanceType, MOST, Needs, TYPES};
use crate::deploy::cloudflare::jsonc::{Value, What};
use crate::deploy::cloudflare::plan::Plan;
use crate::limits::Bytes;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The file, as a path in the folder.
    pub(crate) file: String,
    /// The line, from 1, if there is one.
    pub(crate) line: Option<usize>,
    pub(crate) problem: String,
    pub(crate) hint: String,
}

/// What Docker knows of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is on this machine, and so large when unpacked.
    Here(Bytes),
    /// It is in its registry.
    There,
    /// It is nowhere.
    Nowhere,
    /// Nobody could tell.
    Unknown,
}

/// All that is looked at.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    /// `wrangler.jsonc`.
    pub(crate) config: &'a Value,
    /// The text of the module that `main` names, if it is there.
    pub(crate) main: Option<&'a str>,
    /// What the folder was made for, if leanrepl made it.
    pub(crate) plan: Option<&'a Plan>,
    /// What Docker knows, by the text of the reference.
    pub(crate) images: &'a BTreeMap<String, Seen>,
}

/// Everything that is wrong, in the order of the file.
pub(crate) fn findings(looked: &Looked<'_>) -> Vec<Finding> {
    let mut found = Found(Vec::new());
    let config = looked.config;
    let migrated = live_classes(config.list("migrations"));
    let mut images: BTreeMap<&str, Bytes> = BTreeMap::new();
    for container in config.list("containers") {
        let image = container.get("image");
        if let Some(image) = image {
            check_image(image, looked, &mut found);
        }
        let size = check_size(container, looked, &mut found);
        if let Some((text, size)) = image.and_then(Value::text).zip(size) {
            images.insert(text, size);
        }
        check_class(container, looked, &migrated, &mut found);
    }
    check_migrations(config, &mut found);
    check_names(config, looked, &mut found);
    check_account(config, &images, &mut found);
    found.0.sort_by_key(|finding| finding.line);
    found.0
}

/// The findings so far.
struct Found(Vec<Finding>);

impl Found {
    /// Adds one about a value of `wrangler.jsonc`.
    fn add(&mut self, at: &Value, problem: String, hint: impl Into<String>) {
        self.0.push(Finding {
            file: config::FILE.to_owned(),
            line: Some(at.line),
            problem,
            hint: hint.into(),
        });
    }
}

/// The image of a container: wrangler takes `:latest`, and an image that does not exist.
fn check_image(image: &Value, looked: &Looked<'_>, found: &mut Found) {
    let Some(text) = image.text() else {
        return;
    };
    // A path means that wrangler builds the image itself.
    if text.starts_with(['.', '/']) || text.ends_with("Dockerfile") {
        return;
    }
    if let Err(unfit) = ImageRef::settled(text) {
        found.add(image, format!("the image `{text}` {unfit}"), unfit.hint());
    } else if looked.images.get(text) == Some(&Seen::Nowhere) {
        found.add(
            image,
            format!("the image `{text}` is neither on this machine nor found in its registry"),
            format!("build it with `leanrepl build-image --tag {text}`, or log in where it is with `docker login`"),
        );
    }
}

/// The instance type of a container, and whether the image fits it. Tells the size of the image.
fn check_size(container: &Value, looked: &Looked<'_>, found: &mut Found) -> Option<Bytes> {
    let needs = needs(container, looked);
    let Some(named) = container.get("instance_type") else {
        let smallest = TYPES.first();
        if let Some(why) = smallest
            .zip(needs)
            .and_then(|(smallest, needs)| smallest.objection(needs))
        {
            found.add(
                container,
                format!("no instance type is named, which means `lite`, but {why}"),
                better(needs),
            );
        }
        return needs.map(|needs| needs.image);
    };
    match &named.what {
        What::Text(name) => match InstanceType::named(name) {
            Some(known) => {
                if let Some(why) = needs.and_then(|needs| known.objection(needs)) {
                    found.add(named, why, better(needs));
                }
            }
            None => found.add(
                named,
                format!("there is no instance type `{name}`"),
                better(needs),
            ),
        },
        What::Object(_) => check_custom(named, needs, found),
        _ => {}
    }
    needs.map(|needs| needs.image)
}

/// A custom instance type: wrangler does not look at its limits.
fn check_custom(named: &Value, needs: Option<Needs>, found: &mut Found) {
    let (vcpu, memory, disk) = MOST;
    for (key, most) in [("vcpu", vcpu), ("memory_mib", memory), ("disk_mb", disk)] {
        let Some((value, number)) = named
            .get(key)
            .and_then(|value| Some((value, value.number()?)))
        else {
            continue;
        };
        if number > most {
            found.add(
                value,
                format!("a custom instance type has at most {most} of `{key}`, not {number}"),
                format!("write {most} or less"),
            );
            continue;
        }
        let needed = needs.map(|needs| match key {
            "memory_mib" => mib(needs.memory),
            "disk_mb" => mb(needs.image),
            _ => 0.0,
        });
        if let Some(needed) = needed.filter(|needed| *needed > number) {
            found.add(
                value,
                format!("the container needs {needed:.0} of `{key}`, not {number}"),
                better(needs),
            );
        }
    }
}

fn better(needs: Option<Needs>) -> String {
    match needs.map(InstanceType::smallest) {
        Some(Ok(fitting)) => format!("write \"instance_type\": \"{}\"", fitting.name),
        Some(Err(failure)) => failure.hint().to_owned(),
        None => {
            let names: Vec<&str> = TYPES.iter().map(|known| known.name).collect();
            format!("write one of {}", names.join(", "))
        }
    }
}

/// What a container needs: as Docker sees its image, else as the folder's record says.
fn needs(container: &Value, looked: &Looked<'_>) -> Option<Needs> {
    let class = container.get("class_name").and_then(Value::text)?;
    let known = looked
        .plan?
        .containers
        .iter()
        .find(|known| known.name.class() == class)?;
    let mut needs = known.needs()?;
    let image = container.get("image").and_then(Value::text);
    if let Some(Seen::Here(bytes)) = image.and_then(|image| looked.images.get(image)) {
        needs.image = *bytes;
    }
    Some(needs)
}

/// The class of a container: bound, exported, and made by a migration.
fn check_class(container: &Value, looked: &Looked<'_>, migrated: &[String], found: &mut Found) {
    let Some((at, class)) = container
        .get("class_name")
        .and_then(|at| Some((at, at.text()?)))
    else {
        return;
    };
    let bindings = looked
        .config
        .get("durable_objects")
        .map_or(&[][..], |part| part.list("bindings"));
    if !bindings
        .iter()
        .any(|binding| is_text(binding.get("class_name"), class))
    {
        found.add(
            at,
            format!("the class `{class}` is not bound, so that the Worker cannot reach it"),
            format!("add {{ \"name\": …, \"class_name\": \"{class}\" }} to \"durable_objects\".\"bindings\""),
        );
    }
    if !migrated.iter().any(|known| known == class) {
        found.add(
            at,
            format!("no migration makes the class `{class}`"),
            format!(
                "add a step with \"new_sqlite_classes\": [\"{class}\"] at the end of \"migrations\""
            ),
        );
    }
    if looked.main.is_some_and(|text| !exports(text, class)) {
        let main = looked
            .config
            .get("main")
            .and_then(Value::text)
            .unwrap_or_default();
        found.0.push(Finding {
            file: main.to_owned(),
            line: None,
            problem: format!("the class `{class}` of a container is not exported"),
            hint: format!("write `export class {class} extends Container`, or run `leanrepl cloudflare init` again"),
        });
    }
}

/// Whether a value is that text.
fn is_text(value: Option<&Value>, text: &str) -> bool {
    value.and_then(Value::text) == Some(text)
}

/// The history of classes: containers need those with `SQLite`, and tags name one step each.
fn check_migrations(config: &Value, found: &mut Found) {
    let mut tags: Vec<&str> = Vec::new();
    for step in config.list("migrations") {
        for class in step.list("new_classes") {
            let name = class.text().unwrap_or_default();
            let is_container = config
                .list("containers")
                .iter()
                .any(|container| is_text(container.get("class_name"), name));
            if is_container {
                found.add(
                    class,
                    format!("the class `{name}` of a container is made by `new_classes`, without SQLite"),
                    "move it to \"new_sqlite_classes\"; if it was deployed already, delete the class by a new step and take another name",
                );
            }
        }
        match step.get("tag").and_then(|at| Some((at, at.text()?))) {
            Some((at, tag)) if tags.contains(&tag) => found.add(
                at,
                format!(
                    "two migrations have the tag `{tag}`, so that the second is never carried out"
                ),
                "give the later one a tag of its own",
            ),
            Some((_, tag)) => tags.push(tag),
            None => {}
        }
    }
}

/// Two containers of one class, and more instances in use than there can be.
fn check_names(config: &Value, looked: &Looked<'_>, found: &mut Found) {
    let mut classes: Vec<&str> = Vec::new();
    for container in config.list("containers") {
        let Some(class) = container.get("class_name") else {
            continue;
        };
        let name = class.text().unwrap_or_default();
        if classes.contains(&name) {
            found.add(
                class,
                format!("two containers have the class `{name}`"),
                "give each a class of its own",
            );
        }
        classes.push(name);
        let plan = looked.plan.map_or(&[][..], |plan| &plan.containers);
        let spread = plan
            .iter()
            .find(|known| known.name.class() == name)
            .map(|known| known.spread);
        let most = container
            .get("max_instances")
            .and_then(|at| Some((at, at.number()?)));
        if let Some((spread, (at, most))) = spread.zip(most)
            && f64::from(spread) > most
        {
            found.add(
                at,
                format!(
                    "requests are spread over {spread} instances, but there are at most {most}"
                ),
                format!(
                    "write {} or more, one of them for `/cold`",
                    spread.saturating_add(1)
                ),
            );
        }
    }
}

/// The images of the whole account.
fn check_account(config: &Value, images: &BTreeMap<&str, Bytes>, found: &mut Found) {
    let all = images
        .values()
        .fold(0_u64, |sum, size| sum.saturating_add(size.get()));
    if all > ACCOUNT_DISK.get()
        && let Some(at) = config.get("containers")
    {
        found.add(
            at,
            format!(
                "the images take {} together, but an account has {}",
                Disk(Bytes::new(all)),
                Disk(ACCOUNT_DISK)
            ),
            "take away versions that nobody asks for, with `npx wrangler containers images delete` too",
        );
    }
}

/// A size in MiB.
#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of memory are far below 2^53"
)]
fn mib(size: Bytes) -> f64 {
    size.get().div_ceil(1 << 20) as f64
}

/// A size in MB.
#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of disks are far below 2^53"
)]
fn mb(size: Bytes) -> f64 {
    size.get().div_ceil(1_000_000) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloudflare::config::Old;
    use crate::deploy::cloudflare::files;
    use crate::deploy::cloudflare::plan::tests::plan;

    /// The generated file for `mathlib-4-27-0` with replacements, and what is found in it: line and
    /// problem.
    fn found(edits: &[(&str, &str)], images: &[(&str, Seen)]) -> Vec<(Option<usize>, String)> {
        let plan = plan(&["mathlib-4-27-0"]);
        let files = files::all(&plan, &Old::default()).unwrap();
        let text = |path: &str| {
            let file = files.iter().find(|file| file.path == path).unwrap();
            edits
                .iter()
                .fold(file.text.clone(), |text, (old, new)| text.replace(old, new))
        };
        let images = images
            .iter()
            .map(|(name, seen)| ((*name).to_owned(), *seen))
            .collect();
        let found = findings(&Looked {
            config: &Value::read(&text("wrangler.jsonc")).unwrap(),
            main: Some(&text("src/index.ts")),
            plan: Some(&plan),
            images: &images,
        });
        found
            .into_iter()
            .map(|finding| (finding.line, finding.problem))
            .collect()
    }

    /// The reference in the generated file.
    const IMAGE: &str = "registry.cloudflare.com/0123/mathlib-4-27-0:v1";

    #[test]
    fn nothing_is_wrong_with_what_was_generated() {
        assert_eq!(found(&[], &[]), []);
        assert_eq!(found(&[], &[(IMAGE, Seen::There)]), []);
    }

    #[test]
    fn each_thing_that_wrangler_does_not_notice_is_found_with_its_line() {
        let class = "Mathlib_4_27_0";
        for (old, new, line, problem) in [
            (":v1\"", ":latest\"", 19, "has the tag `latest`"),
            (
                "registry.cloudflare.com/0123/",
                "",
                19,
                "does not say its registry",
            ),
            (
                "standard-3",
                "standard-1",
                20,
                "an image of 10.4 GB does not fit the 8.0 GB of disk",
            ),
            (
                "\"standard-3\"",
                "\"huge\"",
                20,
                "there is no instance type `huge`",
            ),
            (
                "\"standard-3\"",
                "{ \"vcpu\": 8 }",
                20,
                "at most 4 of `vcpu`, not 8",
            ),
            (
                "\"standard-3\"",
                "{ \"disk_mb\": 8000 }",
                20,
                "needs 10400 of `disk_mb`, not 8000",
            ),
            (
                "\"max_instances\": 3",
                "\"max_instances\": 0",
                21,
                "spread over 1 instances, but there are at most 0",
            ),
            (
                "new_sqlite_classes\": [",
                "new_classes\": [",
                39,
                "without SQLite",
            ),
            (
                "\"new_sqlite_classes\": [",
                "\"x\": [",
                18,
                "no migration makes the class",
            ),
            (
                "\"name\": \"MATHLIB_4_27_0\",\n        \"class_name\": \"Mathlib_4_27_0\"",
                "\"name\": \"X\"",
                18,
                "is not bound",
            ),
        ] {
            let seen = found(&[(old, new)], &[]);
            let [(at, text)] = &seen[..] else {
                panic!("{new}: {seen:?}");
            };
            assert!(text.contains(problem), "{text}");
            assert_eq!(*at, Some(line), "{text}");
        }
        let unexported = found(
            &[(&format!("export class {class}"), &format!("class {class}"))],
            &[],
        );
        assert_eq!(
            unexported,
            [(
                None,
                format!("the class `{class}` of a container is not exported")
            )]
        );
    }

    #[test]
    fn what_docker_sees_counts_more_than_what_was_said() {
        let missing = found(&[], &[(IMAGE, Seen::Nowhere)]);
        assert!(
            missing[0].1.contains("neither on this machine nor"),
            "{missing:?}"
        );
        let large = found(&[], &[(IMAGE, Seen::Here(Bytes::new(17_000_000_000)))]);
        assert!(
            large[0]
                .1
                .starts_with("an image of 17.0 GB does not fit the 16.0 GB"),
            "{large:?}"
        );
    }
}
