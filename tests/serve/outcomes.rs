//! The line that an operator keeps of each verdict.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use leanrepl::internals::digest;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::mount::Mount;
use crate::served::Served;
use crate::world::World;

/// A source for each verdict, and why it is undecided.
const SOURCES: [(&str, &str, Option<&str>); 3] = [
    ("--! info peculiar", "accepted", None),
    ("--! error 1:0 no", "rejected", None),
    ("--! lacking a part", "undecided", Some("unsupported")),
];

/// The lines of a file, as soon as there are so many.
fn lines(path: &Path, count: usize) -> Vec<Value> {
    let read = || fs::read_to_string(path).unwrap_or_default();
    Served::wait_for(|| read().lines().count() >= count);
    let text = read();
    assert!(text.ends_with('\n'), "{text}");
    let parsed = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}")));
    let lines: Vec<Value> = parsed.collect();
    assert_eq!(lines.len(), count, "{text}");
    lines
}

#[test]
fn each_verdict_over_each_door_is_a_line_with_digests_and_no_source_or_key() {
    let world = World::new()
        .fake_repl("")
        .file("keys", "alice s3cret\n")
        .file("out.ndjson", "");
    let path = world.work("out.ndjson");
    let args = ["--api-keys", "keys", "--outcome-log", "out.ndjson"];
    let args = [&args[..], &["--header", "import Init"]].concat();
    let served = Served::start_in(world, &args);
    served.wait_ready();
    let key = ("authorization", "Bearer s3cret");
    let mut count = 0;
    for (source, verdict, reason) in SOURCES {
        let snippets = json!({"snippets": [{"id": "a", "code": source}]}).to_string();
        let codes = json!({"codes": [{"custom_id": "a", "proof": source}]}).to_string();
        let sources = json!({"sources": [source]}).to_string();
        for (surface, path_of, body) in [
            ("raw", "/", source.to_owned()),
            ("eval", "/v1/eval", sources),
            ("kimina", "/api/check", snippets),
            ("kimina", "/verify", codes),
        ] {
            let id = format!("{verdict}-{count}");
            let before = SystemTime::now();
            let headers = [key, ("x-request-id", &id)];
            let answer = served.post_with(path_of, body.as_bytes(), &headers);
            count += 1;
            let line = lines(&path, count).pop().unwrap();
            let shown = format!("{line} {answer:?}");
            assert_eq!(line["version"], 1, "{shown}");
            assert_eq!(line["request"], id, "{shown}");
            assert_eq!(line["surface"], surface, "{shown}");
            assert_eq!(line["principal"], "alice", "{shown}");
            assert_eq!(line["verdict"], verdict, "{shown}");
            assert_eq!(line["reason"], json!(reason), "{shown}");
            assert_eq!(line["source"], digest::of_bytes(source.as_bytes()));
            assert_eq!(line["environment"].as_str().unwrap().len(), 64, "{shown}");
            assert!(line["isolation"].is_string(), "{shown}");
            assert_eq!(line["cached"], false, "{shown}");
            assert!(line["confinement"]["files"].is_boolean(), "{shown}");
            assert!(line["confinement"]["system_calls"].is_boolean(), "{shown}");
            for part in ["queue", "header", "body"] {
                assert!(line["seconds"][part].is_f64(), "{shown}");
            }
            let time = line["time"].as_str().unwrap();
            assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
            let time = humantime::parse_rfc3339(time).unwrap();
            // The line has whole milliseconds only.
            assert!(time + Duration::from_millis(1) > before, "{shown}");
            assert!(time <= SystemTime::now(), "{shown}");
        }
    }
    let text = fs::read_to_string(&path).unwrap();
    for secret in ["s3cret", "--!", "peculiar"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let all = lines(&path, count);
    assert!(
        all.iter()
            .all(|line| line["environment"] == all[0]["environment"])
    );
    served.stop();
}

#[test]
fn a_result_that_was_kept_is_called_so() {
    let args = [
        "--outcome-log",
        "out.ndjson",
        "--cache",
        "kept",
        "--cache-trust",
    ];
    let served = Served::start(&args);
    let path = served.world.work("out.ndjson");
    let mut count = 0;
    Served::wait_for(|| {
        assert_eq!(served.post("/", "--! info a").status, 200);
        count += 1;
        lines(&path, count).pop().unwrap()["cached"] == true
    });
    assert_eq!(lines(&path, count)[0]["cached"], false);
    served.stop();
}

#[test]
fn a_source_that_was_not_run_since_another_was_accepted_has_a_line_too() {
    let served = Served::start(&["--outcome-log", "out.ndjson", "--sessions", "1"]);
    let sources = ["--! info a", "--! info b", "--! info c"];
    let body = json!({"sources": sources, "first_accepted": true});
    let reply = served.post_json("/v1/eval", &body).json();
    let lines = lines(&served.world.work("out.ndjson"), 3);
    for (index, source) in sources.iter().enumerate() {
        let source = digest::of_bytes(source.as_bytes());
        let line = lines.iter().find(|line| line["source"] == source).unwrap();
        let result = &reply["results"][index];
        assert_eq!(line["verdict"], result["verdict"]);
        assert_eq!(line["reason"], result["reason"]);
    }
    assert!(lines.iter().any(|line| line["reason"] == "skipped"));
    served.stop();
}

#[test]
fn rotation_under_load_loses_and_cuts_nothing() {
    let world = World::new().fake_repl("");
    let args = ["--outcome-log", "out.ndjson", "--outcome-log-size", "20KiB"];
    let served = Served::start_in(world, &args);
    served.wait_ready();
    let batch = |name: &str| -> Vec<String> {
        (0..30)
            .map(|number| format!("--! info {name} {number}"))
            .collect()
    };
    let batches = ["a", "b", "c", "d"].map(batch);
    let url = served.url("/v1/eval");
    std::thread::scope(|scope| {
        for sources in &batches {
            let url = url.as_str();
            scope.spawn(move || {
                let body = json!({ "sources": sources });
                let mut answer = Served::agent().post(url).send_json(&body).unwrap();
                let reply: Value = answer.body_mut().read_json().unwrap();
                assert_eq!(reply["accepted"], sources.len());
            });
        }
    });
    // What was handed to the writer is written before the server ends.
    served.signal(Signal::TERM);
    let (finished, world) = served.finish();
    assert_eq!(finished.exit(), Some(0), "{}", finished.stderr());
    let mut found = Vec::new();
    let mut files = 0;
    for number in 0..10 {
        let name = match number {
            0 => "out.ndjson".to_owned(),
            number => format!("out.ndjson.{number}"),
        };
        let Ok(text) = fs::read_to_string(world.work(&name)) else {
            continue;
        };
        files += 1;
        assert!(text.len() <= 20 << 10, "{name}: {}", text.len());
        assert!(text.ends_with('\n'), "{name}");
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            found.push(line["source"].as_str().unwrap().to_owned());
        }
    }
    let sent = batches.iter().flatten();
    let mut expected: Vec<String> = sent
        .map(|source| digest::of_bytes(source.as_bytes()))
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!((2..=5).contains(&files), "{files}");
}

#[test]
fn what_cannot_be_the_log_keeps_the_server_from_starting() {
    let world = World::new().fake_repl("").file("folder/x", "");
    for (name, problem) in [
        ("folder", "is not a file"),
        ("/dev/full", "is not a file"),
        ("none/out.ndjson", "cannot be written"),
    ] {
        let args = ["serve", "--listen", "127.0.0.1:0", "--repl", "./repl"];
        let seen = world.leanrepl(args.into_iter().chain(["--outcome-log", name]));
        assert_eq!(seen.exit(), Some(2), "{}", seen.stderr());
        let said = seen.stderr();
        assert!(said.contains(&format!("`{name}` {problem}")), "{said}");
        assert!(said.contains("--outcome-log FILE"), "{said}");
    }
}

#[test]
#[ignore = "needs root to mount a small disk; run cargo xtask test"]
fn a_full_disk_costs_lines_and_no_answer() {
    let world = World::new().fake_repl("");
    let disk = world.work("disk");
    let mount = Mount::new(&disk, 64 << 10);
    let served = Served::start_in(world, &["--outcome-log", "disk/out.ndjson"]);
    served.wait_ready();
    let path = disk.join("out.ndjson");
    assert_eq!(served.post("/", "--! info a").status, 200);
    lines(&path, 1);
    let filler = disk.join("filler");
    let mut file = File::create(&filler).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
    let dropped = || {
        let text = served.get("/metrics").text;
        let found = text.lines().find_map(|line| {
            let count = line.strip_prefix("leanrepl_outcome_log_dropped_total ")?;
            count.parse::<u64>().ok()
        });
        found.unwrap()
    };
    // What is left of the last page of the file takes some more.
    let mut sent = 1_u64;
    while dropped() < 3 {
        assert!(sent < 1000, "the disk is never full");
        assert_eq!(served.post("/", "--! info b").status, 200);
        sent += 1;
    }
    fs::remove_file(&filler).unwrap();
    drop(file);
    assert_eq!(served.post("/", "--! info c").status, 200);
    sent += 1;
    let c = digest::of_bytes(b"--! info c");
    Served::wait_for(|| fs::read_to_string(&path).unwrap().contains(&c));
    let count = usize::try_from(sent - dropped()).unwrap();
    lines(&path, count);
    served.signal(Signal::TERM);
    let (finished, _world) = served.finish();
    let said = finished.stderr();
    assert_eq!(
        said.matches("a line of the outcome log is lost").count(),
        1,
        "{said}"
    );
    drop(mount);
}
