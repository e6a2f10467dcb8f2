//! What a source reaches of the machine when nothing but core Lean itself keeps it in (`--sandbox off`).
//! Each attempt works where the list in `host_imports.cjs` is not in force, or asks for what is not there.
//! `cargo xtask test` installs core Lean and runs these.

#![expect(
    clippy::disallowed_methods,
    reason = "the program is run as a user runs it"
)]
#![expect(clippy::unwrap_used, reason = "a broken set-up fails the test")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use leanrepl::internals::{
    CancelFlag, CoreLean, DataDir, Deadline, Installed, Unobserved, sandbox,
};
use serde_json::Value;

/// Longer than an installation takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often a source is evaluated whose forgery misfires, and what it dies of then.
const TRIES: usize = 5;
const MISFIRE: &str = "memory access out of bounds";

/// What is written where a source must not write, and what it must not read.
const SECRET: &str = "a-secret-of-the-host";

/// Reads and calls what Lean's types forbid. A string is handed to C as the object with the address of its
/// second character, which is odd and so a scalar, of which nothing is counted.
const FORGERY: &str = r#"
unsafe def addressOf (s : String) : Nat := (ptrAddrUnsafe s).toNat + 20
unsafe def textOf (s : String) : Nat := addressOf s / 2
unsafe def dataOf (bytes : ByteArray) : Nat := (ptrAddrUnsafe bytes).toNat + 16
unsafe def raw (n : Nat) : Nat :=
  (unsafeCast (ByteArray.mk #[n.toUInt8, (n / 256).toUInt8, (n / 65536).toUInt8, (n / 16777216).toUInt8]) : Array Nat)[0]!
unsafe def number (r : Nat) : IO Nat := do
  let n := (ptrAddrUnsafe r).toNat
  IO.println s!"result {n}"
  return n
/-- A closure of so many arguments that calls what is at a place of the table. -/
unsafe def closure (α : Type) (place arity : Nat) (k : α → IO Unit) : IO Unit := do
  let bytes := ByteArray.mk #[0, 16, 0, 0, 16, 0, 0, 245, place.toUInt8, (place / 256).toUInt8,
    (place / 65536).toUInt8, 0, arity.toUInt8, 0, 0, 0]
  k (unsafeCast (raw (dataOf bytes)))
  if bytes.size == 0 then IO.println "kept"
"#;

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

/// The place of a function of the C library in the table of the module, from the file that `symbols.cjs`
/// describes.
fn place(name: &str) -> u32 {
    let bytes = fs::read(core().dir().join("package/symbols")).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[4 * at..4 * at + 4].try_into().unwrap());
    let count = word(0) as usize;
    let texts = &bytes[4 * (1 + 2 * count)..];
    let end = |at: usize| word(1 + at) as usize;
    let found = (0..count).find(|&at| {
        let start = if at == 0 { 0 } else { end(at - 1) };
        &texts[start..end(at)] == name.as_bytes()
    });
    word(1 + count + found.unwrap())
}

/// A place on the machine with files to read and to write, and what an attempt left there.
struct Host(tempfile::TempDir);

/// The result of an attempt.
struct Seen {
    /// The verdict on it, and all that is known of why.
    verdict: String,
    /// All messages, and why it is undecided.
    said: String,
}

impl Host {
    /// A folder with a secret, and one of modules that holds a file.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), SECRET).unwrap();
        fs::create_dir(dir.path().join("modules")).unwrap();
        fs::write(dir.path().join("modules/file"), SECRET).unwrap();
        Self(dir)
    }

    /// A path in it.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path as a source has it.
    fn named(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Evaluates the source, again where its forgery misfires: what a made-up object is taken for depends
    /// on what the memory holds beside it.
    fn attempt(&self, source: &str) -> Seen {
        let mut seen = self.attempt_once(source);
        for _ in 1..TRIES {
            if !seen.said.contains(MISFIRE) {
                break;
            }
            seen = self.attempt_once(source);
        }
        seen
    }

    /// Evaluates the source, and after it one that is right, which must be accepted. Nothing on the host
    /// may have changed, and the secret may not have been said.
    fn attempt_once(&self, source: &str) -> Seen {
        let files = [
            ("attempt.lean", source),
            ("next.lean", "example : 2 + 2 = 4 := rfl\n"),
        ];
        for (name, text) in files {
            fs::write(self.path(name), text).unwrap();
        }
        let out = Command::new(env!("CARGO_BIN_EXE_leanrepl"))
            .args(["eval", "--toolchain", "core", "--sandbox", "off", "--json"])
            .args(files.map(|(name, _)| self.path(name)))
            .env("LEAN_PATH", self.path("modules"))
            .env("HOST_SECRET", SECRET)
            .output()
            .unwrap();
        let lines: Vec<Value> = String::from_utf8(out.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let of = |file: &str| {
            let named = |line: &&Value| {
                line["name"]
                    .as_str()
                    .is_some_and(|name| name.ends_with(file))
            };
            lines.iter().find(named).unwrap()
        };
        assert_eq!(of("next.lean")["verdict"], "accepted", "{lines:?}");
        let attempt = of("attempt.lean");
        let said = format!("{} {}", attempt["messages"], attempt["failure"]);
        assert!(!said.contains(SECRET), "{said}");
        self.assert_untouched();
        Seen {
            verdict: attempt["verdict"].as_str().unwrap().to_owned(),
            said,
        }
    }

    /// Nothing is there that was not, and what was there is as it was.
    fn assert_untouched(&self) {
        let names = |dir: &Path| {
            let mut names: Vec<String> = fs::read_dir(dir)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let known = [
            "attempt.lean",
            "modules",
            "next.lean",
            "payload.js",
            "secret",
        ];
        let found = names(self.0.path());
        assert!(
            found.iter().all(|name| known.contains(&name.as_str())),
            "{found:?}"
        );
        assert_eq!(names(&self.path("modules")), ["file"]);
        for name in ["secret", "modules/file"] {
            assert_eq!(fs::read_to_string(self.path(name)).unwrap(), SECRET);
        }
    }

    /// A script of Node that leaves a trace.
    fn payload(&self) -> String {
        format!("require('fs').writeFileSync('{}','')", self.named("trace"))
    }

    /// Calls functions of C or JavaScript by their names, as the compiled code of definitions, each with
    /// the text and so many small numbers. The bodies of the definitions run instead.
    fn call_by_name(&self, text: &str, names: &[(&str, usize)]) {
        let mut parts = vec![FORGERY.to_owned()];
        for &(name, extra) in names {
            let names: Vec<String> = (0..extra).map(|at| format!("b{at}")).collect();
            let params = [&["a".to_owned()][..], &names].concat();
            let (params, sum) = (params.join(" "), params.join(" + "));
            let ones = " 1".repeat(extra);
            parts.push(format!(
                "
@[noinline, export {name}] def {name}Foreign ({params} : Nat) : Nat := {sum}
unsafe def {name}Attempt : IO Unit := do
  let text := \" {text}\"
  let own := textOf text + {extra}
  let _ ← number ({name}Foreign (textOf text){ones})
  if {name}Foreign (textOf text){ones} != own then throw (.userError \"foreign code ran\")
  IO.println s!\"{{text.length}}\"
#eval {name}Attempt
"
            ));
        }
        parts.push("#eval IO.sleep 300\n".to_owned());
        let seen = self.attempt(&parts.concat());
        assert_eq!(seen.verdict, "accepted", "{}", seen.said);
    }

    /// Calls what is at the place of a function of C, with the arguments, among which may be `textOf text`
    /// and `raw (dataOf zeros)`.
    fn call_by_place(&self, name: &str, text: &str, arguments: &[&str], end: &str) -> Seen {
        self.attempt(&forged(name, text, arguments, end))
    }
}

/// The source that calls what is at the place of a function.
fn forged(name: &str, text: &str, arguments: &[&str], end: &str) -> String {
    let arity = arguments.len();
    let kind = "Nat → ".repeat(arity);
    let arguments = arguments.iter().map(|argument| format!(" ({argument})"));
    format!(
        "{FORGERY}
unsafe def attempt : IO Unit :=
  closure ({kind}Nat) {} {arity} fun call => do
    let text := \" {text}\"
    let zeros := ByteArray.mk #[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let _ ← number (call{})
    IO.println s!\"{{text.length + zeros.size}}\"
{end}
",
        place(name),
        arguments.collect::<String>()
    )
}

/// Runs what [`forged`] defines in the thread of Lean.
const HERE: &str = "#eval attempt";

/// Runs it in a thread of its own, which has a table and imports of its own.
const IN_A_THREAD: &str = "#eval show IO Unit from do
  let task ← IO.asTask (prio := .dedicated) attempt
  match task.get with
  | .ok _ => pure ()
  | .error err => throw err";

/// What a source that called something closed is said to have done.
fn assert_closed(seen: &Seen, name: &str) {
    assert_eq!(seen.verdict, "undecided", "{}", seen.said);
    let line = format!("this program called `{name}`, which is closed");
    assert!(seen.said.contains(&line), "{}", seen.said);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_exported_name_is_not_that_of_a_function_of_c() {
    let host = Host::new();
    let touch = format!("touch {}", host.named("trace"));
    let names = [
        ("system", 0),
        ("popen", 1),
        ("getenv", 0),
        ("dlopen", 1),
        ("fopen", 1),
        ("puts", 0),
    ];
    host.call_by_name(&touch, &names);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn an_exported_name_is_not_that_of_a_function_of_javascript() {
    let host = Host::new();
    let script = host.payload();
    fs::write(host.path("payload.js"), &script).unwrap();
    host.call_by_name(
        &script,
        &[
            ("emscripten_run_script_int", 0),
            ("emscripten_run_script_string", 0),
            ("emscripten_run_script", 0),
            ("emscripten_async_run_script", 1),
        ],
    );
    host.call_by_name(
        &host.named("payload.js"),
        &[
            ("emscripten_create_worker", 0),
            ("emscripten_async_load_script", 2),
            ("emscripten_async_wget", 3),
            ("emscripten_wget_data", 3),
            ("emscripten_run_preload_plugins", 2),
        ],
    );
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_made_up_function_pointer_runs_no_command() {
    let host = Host::new();
    let touch = format!("touch {}", host.named("trace"));
    for end in [HERE, IN_A_THREAD] {
        let seen = host.call_by_place("system", &touch, &["textOf text"], end);
        assert_closed(&seen, "_emscripten_system");
    }
    // The C library of the package has no processes: these fail inside of it.
    let zeros = "raw (dataOf zeros)";
    host.call_by_place("popen", &touch, &["textOf text", "textOf text"], HERE);
    let execve = ["textOf text", zeros, zeros];
    host.call_by_place("execve", "/usr/bin/touch", &execve, HERE);
    let spawn = [zeros, "textOf text", zeros, zeros, zeros, zeros];
    host.call_by_place("posix_spawn", "/usr/bin/touch", &spawn, HERE);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_library_that_a_source_writes_is_not_loaded() {
    let host = Host::new();
    let library: Vec<String> = library(&host.payload()).iter().map(u8::to_string).collect();
    let write = format!(
        "#eval IO.FS.writeBinFile \"/x.so\" (ByteArray.mk #[{}])",
        library.join(", ")
    );
    let source = forged("dlopen", "/x.so", &["textOf text", "raw 2"], HERE);
    let seen = host.attempt(&source.replace(HERE, &format!("{write}\n{HERE}")));
    assert_closed(&seen, "_dlopen_js");
    let seen = host.attempt("import Lean\n#eval Lean.loadDynlib \"/x.so\"\n");
    assert_ne!(seen.verdict, "accepted", "{}", seen.said);
}

/// A library whose function of JavaScript (`EM_JS`), which is defined when it is loaded, is this script.
fn library(script: &str) -> Vec<u8> {
    let sized = |bytes: &[u8]| {
        let mut size = Vec::new();
        let mut rest = bytes.len();
        while rest >= 128 {
            size.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        size.push(u8::try_from(rest).unwrap());
        [&size, bytes].concat()
    };
    let section = |id: u8, bytes: &[u8]| [&[id], &sized(bytes)[..]].concat();
    let text = format!("()<::>0;{script}\0");
    // Memory of 4 KiB, which is room for the text; `__memory_base` is where it is.
    let linking = [&sized(b"dylink.0")[..], &[1, 5, 128, 32, 0, 0, 0]].concat();
    let memory = [
        &sized(b"env")[..],
        &sized(b"memory"),
        &[2, 3, 1, 128, 128, 2],
    ]
    .concat();
    let base = [&sized(b"env")[..], &sized(b"__memory_base"), &[3, 0x7f, 0]].concat();
    let exported = [&[1], &sized(b"__em_js__f")[..], &[3, 1]].concat();
    let data = [&[1, 0, 0x23, 0, 0x0b], &sized(text.as_bytes())[..]].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(0, &linking),
        section(2, &[&[2], &memory[..], &base].concat()),
        section(6, &[1, 0x7f, 0, 0x41, 0, 0x0b]),
        section(7, &exported),
        section(11, &data),
    ]
    .concat()
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn no_folder_of_the_machine_can_be_mounted() {
    let host = Host::new();
    // In the package, a piece of JavaScript at this address mounts `/home` and `/tmp`.
    let source = format!(
        "{FORGERY}
@[noinline, export emscripten_asm_const_int] def snippet (a b c : Nat) : Nat := a + b + c
unsafe def attempt : IO Unit := do
  let zeros := ByteArray.mk #[0, 0, 0, 0, 0, 0, 0, 0]
  let _ ← number (snippet {} (raw (dataOf zeros)) (raw (dataOf zeros)))
  IO.println s!\"{{zeros.size}}\"
#eval attempt
#eval IO.FS.readFile {:?}
",
        939_105 / 2,
        host.named("secret")
    );
    let seen = host.attempt(&source);
    assert!(seen.said.contains("no such file"), "{}", seen.said);
    // The program that calls it.
    let arguments = ["raw 0", "raw (dataOf zeros)"];
    let end = format!("{HERE}\n#eval IO.FS.readFile {:?}", host.named("secret"));
    let seen = host.call_by_place("lean_main", "", &arguments, &end);
    assert_ne!(seen.verdict, "accepted", "{}", seen.said);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_source_makes_no_socket() {
    let host = Host::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    for end in [HERE, IN_A_THREAD] {
        let seen = host.call_by_place("socket", "", &["raw 2", "raw 1", "raw 0"], end);
        assert_closed(&seen, "__syscall_socket");
    }
    let [high, low] = listener.local_addr().unwrap().port().to_be_bytes();
    let address = format!(
        "raw (dataOf (ByteArray.mk #[2, 0, {high}, {low}, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))"
    );
    let seen = host.call_by_place("connect", "", &["raw 3", &address, "raw 16"], HERE);
    assert_closed(&seen, "__syscall_connect");
    let seen = host.call_by_place("gethostbyname", "localhost", &["textOf text"], HERE);
    assert_eq!(seen.verdict, "undecided", "{}", seen.said);
    assert!(listener.accept().is_err());
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn files_are_those_of_modules_and_cannot_be_written() {
    let host = Host::new();
    let (secret, trace) = (host.named("secret"), host.named("trace"));
    let (file, other) = (host.named("modules/file"), host.named("modules/other"));
    let attempts = [
        format!("IO.FS.readFile {secret:?}"),
        format!("IO.FS.readFile {:?}", host.named("modules/../secret")),
        "IO.FS.readFile \"/etc/passwd\"".to_owned(),
        "IO.FS.readFile \"/proc/self/environ\"".to_owned(),
        format!("IO.FS.writeFile {file:?} \"x\""),
        format!("IO.FS.writeFile {other:?} \"x\""),
        format!("IO.FS.removeFile {file:?}"),
        format!("IO.FS.rename {file:?} {other:?}"),
        format!("IO.FS.rename {file:?} {trace:?}"),
        format!("IO.FS.createDir {other:?}"),
        format!("IO.FS.removeDir {:?}", host.named("modules")),
        format!("IO.setAccessRights {file:?} {{}}"),
    ];
    let lines = format!("#eval {}\n", attempts.join("\n#eval "));
    let seen = host.attempt(&lines);
    assert_eq!(seen.verdict, "rejected", "{}", seen.said);
    let errors = seen.said.matches("\"severity\":\"error\"").count();
    assert_eq!(errors, attempts.len(), "{}", seen.said);
    // The file can be read: it is the writing that is refused.
    let read = format!(
        "#eval show IO Unit from do\n  let text ← IO.FS.readFile {file:?}\n  if text.length != {} then throw (.userError \"short\")\n",
        SECRET.len()
    );
    let seen = host.attempt(&read);
    assert_eq!(seen.verdict, "accepted", "{}", seen.said);
    let write = format!("#eval IO.FS.writeFile {trace:?} \"x\"\n");
    host.attempt(&write);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_descriptor_for_reading_does_not_become_one_for_writing() {
    let host = Host::new();
    let source = format!(
        "{FORGERY}
unsafe def attempt : IO Unit := do
  let text := \" {}\"
  let word := \" overwritten\"
  let two := ByteArray.mk #[2, 0, 0, 0]
  closure (Nat → Nat → Nat → Nat) {} 3 fun doOpen => do
    let file ← number (doOpen (textOf text) (raw 0) (raw 0))
    closure (Nat → Nat → Nat → Nat) {} 3 fun doControl => do
      let _ ← number (doControl (raw file) (raw 4) (raw (dataOf two)))
      closure (Nat → Nat → Nat → Nat) {} 3 fun doWrite => do
        let _ ← number (doWrite (raw file) (raw (addressOf word + 1)) (raw 8))
        IO.println s!\"{{text.length + word.length + two.size}}\"
#eval attempt
",
        host.named("modules/file"),
        place("open"),
        place("fcntl"),
        place("write"),
    );
    let seen = host.attempt(&source);
    assert!(seen.said.contains("result 4294967295"), "{}", seen.said);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn variables_are_those_of_lean() {
    let host = Host::new();
    let seen = host.attempt(
        "#eval show IO Unit from do
  if (← IO.getEnv \"HOST_SECRET\").isSome then IO.println \"seen\"
  if (← IO.getEnv \"PATH\").isSome then IO.println \"seen\"
  if (← IO.getEnv \"LEAN_PATH\").isNone then IO.println \"not seen\"
",
    );
    assert_eq!(seen.verdict, "accepted", "{}", seen.said);
    assert!(!seen.said.contains("seen"), "{}", seen.said);
    let seen = host.call_by_place("getenv", "HOST_SECRET", &["textOf text"], HERE);
    assert!(seen.said.contains("result 0"), "{}", seen.said);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_source_ends_its_own_process_and_no_other() {
    let host = Host::new();
    let mut other = Command::new("sleep").arg("300").spawn().unwrap();
    let victim = format!("raw {}", other.id());
    for signal in ["raw 9", "raw 15"] {
        host.call_by_place("kill", "", &[&victim, signal], HERE);
    }
    assert!(other.try_wait().unwrap().is_none());
    other.kill().unwrap();
    other.wait().unwrap();
    let ends = [
        "#eval (IO.Process.exit 0 : IO Unit)".to_owned(),
        IN_A_THREAD.replace("attempt", "(IO.Process.exit 0 : IO Unit)"),
    ];
    for end in ends {
        let seen = host.attempt(&end);
        assert_eq!(seen.verdict, "undecided", "{}", seen.said);
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn the_package_asks_for_nothing_that_is_on_no_list() {
    let core = core();
    let scripts = core.scripts();
    let script = "
const fs = require('fs');
const [lists, file] = process.argv.slice(1);
const { CLOSED, OPEN, isKnown, isOpen } = require(lists);
const asked = WebAssembly.Module.imports(new WebAssembly.Module(fs.readFileSync(file)));
const names = asked.filter(({ kind, module }) => kind === 'function' || module === 'GOT.func').map(({ name }) => name);
const unknown = names.filter(name => !isKnown(name));
const listed = [...CLOSED, ...OPEN.flatMap(([, names]) => names)];
const unused = listed.filter(name => !names.includes(name));
const twice = listed.filter((name, at) => listed.indexOf(name) !== at);
console.log(JSON.stringify({ asked: names.length, unknown, unused, twice, system: isOpen('_emscripten_system') }));
";
    let out = Command::new(core.node().0)
        .args([
            "--wasm-lazy-compilation",
            "--wasm-lazy-validation",
            "-e",
            script,
        ])
        .args([
            scripts.join("host_imports.cjs"),
            core.dir().join("package/lean.wasm"),
        ])
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(found["asked"].as_u64().unwrap() > 400, "{found}");
    for list in ["unknown", "unused", "twice"] {
        assert_eq!(found[list], Value::Array(Vec::new()), "{list}");
    }
    assert_eq!(found["system"], false);
}

/// Whether a filter of system calls is in force for the process that a program has started.
fn is_confined(program: &Child) -> bool {
    let deadline = Deadline::after(PATIENCE);
    loop {
        assert!(!deadline.is_over(), "no session was started");
        std::thread::sleep(Duration::from_millis(20));
        let threads = fs::read_dir(format!("/proc/{}/task", program.id())).unwrap();
        let children = threads
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        for child in children.collect::<String>().split_whitespace() {
            let read = |name: &str| fs::read(format!("/proc/{child}/{name}")).unwrap_or_default();
            // Before that, it is still a copy of leanrepl.
            if String::from_utf8_lossy(&read("cmdline")).contains("main.cjs") {
                return String::from_utf8_lossy(&read("status")).contains("Seccomp:\t2");
            }
        }
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn each_command_confines_core_lean_unless_it_is_told_not_to() {
    let host = Host::new();
    fs::write(host.path("A.lean"), "#eval IO.sleep 1000\n").unwrap();
    fs::write(host.path("next.lean"), "example : 2 + 2 = 4 := rfl\n").unwrap();
    let source = host.named("A.lean");
    let pickle = host.named("x.olean");
    let commands = [
        vec!["eval", &source],
        vec!["repl", &source],
        vec!["pickle", "--import", "Init", "-o", &pickle],
        vec![
            "pickle",
            "--compare",
            "--runs",
            "1",
            "--warm-only",
            "-o",
            &pickle,
        ],
    ];
    let confines = sandbox::Offer::of_this_kernel().calls;
    for command in commands {
        for (options, expected) in [(&["--sandbox", "off"][..], false), (&[], confines)] {
            let program = Command::new(env!("CARGO_BIN_EXE_leanrepl"))
                .args(&command)
                .args(["--toolchain", "core"])
                .args(options)
                .current_dir(host.path(""))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            assert_eq!(is_confined(&program), expected, "{command:?} {options:?}");
            let out = program.wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success(), "{command:?} {options:?} {stderr}");
            assert!(!stderr.contains("not confined"), "{stderr}");
        }
    }
    // What the confined ones wrote is there, and can be used.
    let out = Command::new(env!("CARGO_BIN_EXE_leanrepl"))
        .args(["eval", "--toolchain", "core", "--pickle", &pickle])
        .arg(host.path("next.lean"))
        .output();
    assert_eq!(out.unwrap().status.code(), Some(0));
}
