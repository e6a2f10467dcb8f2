//! The Lean side of `leanrepl extract` on core Lean: the preamble that workers get, and the request for the
//! tactics of a source. Modules of the folder `package` are compiled by the tests.

#![expect(
    clippy::disallowed_methods,
    reason = "the compiler of core Lean is run without the code that runs programs"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]
#![expect(
    clippy::panic,
    reason = "a session that ends as it should not fails the test"
)]

mod decls;
mod rows;
mod tactics;

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use leanrepl::internals::{
    CancelFlag, CoreLean, DataDir, Deadline, Installed, Observer, Session, SessionLimits,
    Unobserved,
};
use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

const PREAMBLE: &str = include_str!("../../src/extract/preamble.lean");
const DECLS: &str = include_str!("../../src/extract/decls.lean");
const TACTICS: &str = include_str!("../../src/extract/tactics.lean");
const PLUGIN: &str = include_str!("../../examples/depth.lean");

/// An extractor that fails at one constant.
const FAILING: &str = "open LeanRepl.Extract in
def failing : Extractor where
  schema := { fields := [] }
  start _ := return fun constant => do
    if constant.name == `Shapes.grow then
      throwError \"no {constant.name}\"
    return #[]";

/// The modules of the folder, each after those that it imports.
const MODULES: [&str; 6] = [
    "LeanScoutTestProject.Basic",
    "LeanScoutTestProject.Lists",
    "LeanScoutTestProject",
    "Shapes",
    "First",
    "Second",
];

/// What a worker with the package has.
const HEADER: &str = "import Lean\nimport LeanScoutTestProject\nimport First\nimport Second\n";

/// A request and where its reply goes.
type Question = (Value, Sender<Value>);

/// One session for all tests, since each start costs seconds. A session ends with its thread, which is
/// therefore none of a test.
static SESSION: LazyLock<Mutex<Sender<Question>>> = LazyLock::new(|| {
    let (questions, asked) = channel::<Question>();
    thread::spawn(move || {
        let dir = tempfile::tempdir().unwrap();
        let core = core();
        compile(&core, dir.path());
        let mut launch = core.launch();
        for (name, value) in &mut launch.vars {
            if name == "LEAN_PATH" {
                value.push(":");
                value.push(dir.path());
            }
        }
        let observer: Arc<dyn Observer> = Arc::new(Unobserved);
        let limits = SessionLimits::default();
        let mut session =
            Session::start(&launch, limits, &CancelFlag::default(), &observer).unwrap();
        for (request, reply) in asked {
            let object = session
                .ask_object(&request.to_string(), Deadline::after(PATIENCE))
                .unwrap();
            reply.send(Value::Object(object)).unwrap();
        }
    });
    Mutex::new(questions)
});

/// The environment with the package and the preamble.
static ENV: LazyLock<u64> = LazyLock::new(|| {
    let env = extended(None, HEADER);
    let env = extended(Some(env), PREAMBLE);
    extended(Some(env), DECLS)
});

/// The installed core Lean.
fn core() -> Installed {
    let core = CoreLean::new(DataDir::locate().unwrap());
    core.ensure(
        Deadline::after(PATIENCE),
        &Unobserved,
        &CancelFlag::default(),
    )
    .unwrap()
}

/// Compiles the modules of the package.
fn compile(core: &Installed, out: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extract_lean/package");
    let compiler = core.compiler();
    let output = Command::new(compiler.program)
        .args(compiler.args)
        .args([&sources, out])
        .args(MODULES)
        .envs(compiler.vars)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
}

/// The reply to a request.
fn ask(request: Value) -> Value {
    let (reply, replied) = channel();
    SESSION.lock().unwrap().send((request, reply)).unwrap();
    replied
        .recv()
        .unwrap_or_else(|_| panic!("the session has ended"))
}

/// The environment after a source that Lean has nothing to say about.
fn extended(env: Option<u64>, source: &str) -> u64 {
    let reply = ask(json!({ "cmd": source, "env": env }));
    assert_eq!(reply.get("messages"), None, "{reply}");
    reply["env"].as_u64().unwrap()
}

/// The lines that a command prints, or the errors that it reports.
fn print(env: u64, command: &str) -> Result<Vec<String>, String> {
    let reply = ask(json!({ "cmd": command, "env": env }));
    let messages = reply["messages"].as_array().cloned().unwrap_or_default();
    let of = |severity: &str| -> Vec<String> {
        let chosen = messages
            .iter()
            .filter(|message| message["severity"] == severity);
        chosen
            .map(|message| message["data"].as_str().unwrap().to_owned())
            .collect()
    };
    let errors = of("error");
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    Ok(of("info")
        .iter()
        .flat_map(|data| data.lines().map(str::to_owned))
        .collect())
}

/// The same, where each line is JSON.
fn objects(env: u64, command: &str) -> Result<Vec<Value>, String> {
    let lines = print(env, command)?;
    Ok(lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect())
}

/// A string of Lean.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The parts of names as Lean has them; no part here needs guillemets.
fn parts(module: &str) -> String {
    let parts: Vec<String> = module.split('.').map(quoted).collect();
    format!("#[{}]", parts.join(", "))
}

fn all_parts(modules: &[&str]) -> String {
    let modules: Vec<String> = modules.iter().map(|module| parts(module)).collect();
    format!("#[{}]", modules.join(", "))
}

/// What a page is asked for.
struct Page<'a> {
    /// `pageWith` and the name of an extractor.
    extractor: &'a str,
    roots: &'a [&'a str],
    config: &'a str,
    /// A module, the first constant and how many.
    items: &'a [(&'a str, usize, usize)],
    max_bytes: usize,
}

/// All constants of these modules, which are the roots.
fn whole<'a>(
    extractor: &'a str,
    roots: &'a [&'a str],
    items: &'a [(&'a str, usize, usize)],
) -> Page<'a> {
    Page {
        extractor,
        roots,
        config: "null",
        items,
        max_bytes: 1 << 25,
    }
}

impl Page<'_> {
    fn command(&self) -> String {
        let items: Vec<String> = self
            .items
            .iter()
            .map(|(module, first, count)| format!("({}, {first}, {count})", parts(module)))
            .collect();
        format!(
            "#eval LeanRepl.Extract.{} {} {} #[{}] {}",
            self.extractor,
            all_parts(self.roots),
            quoted(self.config),
            items.join(", "),
            self.max_bytes
        )
    }

    /// Its rows and its ends, in an environment.
    fn try_in(&self, env: u64) -> Result<(Vec<Value>, Vec<Value>), String> {
        let lines = objects(env, &self.command())?;
        let (ends, rows): (Vec<Value>, Vec<Value>) = lines
            .into_iter()
            .partition(|line| line.get("$end").is_some());
        Ok((rows, ends.iter().map(|line| line["$end"].clone()).collect()))
    }

    fn rows(&self) -> Vec<Value> {
        self.try_in(*ENV).unwrap().0
    }
}

/// The row of that name.
fn row<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter()
        .find(|row| row["name"] == name)
        .unwrap_or_else(|| panic!("there is no row of `{name}`"))
}

/// The names of rows.
fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect()
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_str().unwrap())
        .collect()
}
