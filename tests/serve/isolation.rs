//! On core Lean no source changes or reads the evaluation of another: the source after an attacker gets the
//! answer that it gets alone, by every way in and in both orders. Each attack is first shown to work where sources share
//! their process.

mod attacks;

use std::time::Duration;

use serde_json::{Value, json};

use crate::real_clients::core_world;
use crate::served::{Answer, Served};

use attacks::{ATTACKS, Attack, DONE, SECRET};

/// Longer than all sources of a test take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a client reads about a source: the messages, of which none says a thing of times or numbers.
type Told = Vec<Value>;

/// Sends sources, in one request if it can, and gives the answers.
type Door = fn(&Served, &str, &[&str]) -> Vec<Told>;

/// The ways in over HTTP, with their names.
const DOORS: [(&str, Door); 3] = [("raw", one_by_one), ("own", own), ("kimina", kimina)];

/// A server on core Lean with one session.
fn serve(args: &[&str]) -> Served {
    let fixed = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--toolchain",
        "core",
        "--sessions",
        "1",
        "--spares",
        "0",
        "--trust-proxy",
    ];
    let served = Served::run(core_world().patience(PATIENCE), fixed.iter().chain(args));
    served.wait_ready();
    served
}

/// The messages of a result.
fn messages(result: &Value) -> Told {
    result["messages"].as_array().cloned().unwrap_or_default()
}

/// Sends a raw source for a client.
fn raw(served: &Served, client: &str, source: &str) -> (Answer, Told) {
    let answer = served.post_with("/", source.as_bytes(), &[("x-forwarded-for", client)]);
    let told = messages(&answer.json());
    (answer, told)
}

/// Sends a request for a client.
fn post(served: &Served, client: &str, path: &str, body: &Value) -> Value {
    let headers = [
        ("x-forwarded-for", client),
        ("content-type", "application/json"),
    ];
    let answer = served.post_with(path, body.to_string().as_bytes(), &headers);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Sends sources in one request of leanrepl's own interface.
fn own(served: &Served, client: &str, sources: &[&str]) -> Vec<Told> {
    let reply = post(served, client, "/v1/eval", &json!({"sources": sources}));
    let results = reply["results"].as_array().unwrap();
    let level = served.get("/version").json()["isolation"].clone();
    for result in results {
        assert_eq!(result["isolation"], level, "{result}");
    }
    results.iter().map(messages).collect()
}

/// Sends sources in one request of Kimina's interface.
fn kimina(served: &Served, client: &str, sources: &[&str]) -> Vec<Told> {
    let snippets: Vec<Value> = sources
        .iter()
        .enumerate()
        .map(|(index, code)| json!({"id": index.to_string(), "code": code}))
        .collect();
    let body = json!({"snippets": snippets});
    let reply = post(served, client, "/api/check", &body);
    let results = reply["results"].as_array().unwrap();
    let of = |index: usize| {
        let id = json!(index.to_string());
        let is_it = |result: &&Value| result["id"] == id;
        messages(&results.iter().find(is_it).unwrap()["response"])
    };
    (0..sources.len()).map(of).collect()
}

/// Sends sources as raw ones, one after the other.
fn one_by_one(served: &Served, client: &str, sources: &[&str]) -> Vec<Told> {
    let send = |source: &&str| raw(served, client, source).1;
    sources.iter().map(send).collect()
}

/// Whether an attacker came as far as it wanted.
fn is_made(told: &Told) -> bool {
    let says = |message: &Value| {
        message["data"]
            .as_str()
            .is_some_and(|data| data.contains(DONE))
    };
    told.iter().any(says)
}

/// The answers to the victims if nothing precedes them: each has a process of its own.
fn alone<'a>(attacks: impl IntoIterator<Item = &'a Attack>) -> Vec<Told> {
    let served = serve(&["--isolation", "source", "--mode", "lean"]);
    let victims: Vec<&str> = attacks.into_iter().map(|attack| attack.victim).collect();
    let told = own(&served, "192.0.2.1", &victims);
    served.stop();
    told
}

/// Fails unless the attacker was at work and the victim got the answer that it gets alone.
fn assert_harmless(attack: &Attack, attacker: &Told, victim: &Told, alone: &Told) {
    assert!(is_made(attacker), "{}: {attacker:?}", attack.name);
    assert_eq!(victim, alone, "{}", attack.name);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn each_attack_works_on_sources_that_share_their_process() {
    let alone = alone(&ATTACKS);
    for (attack, alone) in ATTACKS.iter().zip(&alone) {
        let served = serve(&["--isolation", "none"]);
        let (answer, _) = raw(&served, "192.0.2.1", attack.attacker);
        assert_eq!(answer.header("x-lean-isolation"), Some("none"));
        let (_, victim) = raw(&served, "192.0.2.2", attack.victim);
        let stolen = attack
            .thief
            .map(|thief| raw(&served, "192.0.2.1", thief).0.text);
        served.stop();
        match stolen {
            Some(stolen) => assert!(stolen.contains(SECRET), "{}: {stolen}", attack.name),
            None => assert_ne!(&victim, alone, "{}", attack.name),
        }
    }
}

/// Fails unless each victim gets by every way over HTTP the answer that it gets alone.
fn assert_harmless_over_http(alone: &[Told]) {
    let served = serve(&[]);
    let version = served.get("/version").json();
    assert_eq!(version["isolation"], "source", "{version}");
    for (attack, alone) in ATTACKS.iter().zip(alone) {
        for (door, send) in DOORS {
            let send = |sources: &[&str]| send(&served, "192.0.2.1", sources);
            let first = send(&[attack.attacker, attack.victim]);
            let second = send(&[attack.victim, attack.attacker, attack.victim]);
            for (attacker, victim) in [(&first[0], &first[1]), (&second[1], &second[2])] {
                assert_harmless(attack, attacker, victim, alone);
            }
            assert_eq!(&second[0], alone, "{} by {door}", attack.name);
            if let Some(thief) = attack.thief {
                let read = json!(send(&[attack.attacker, attack.victim, thief])[2]);
                assert!(!read.to_string().contains(SECRET), "by {door}: {read}");
            }
        }
    }
    served.stop();
}

/// The same for files of one run of `eval`.
fn assert_harmless_to_files(alone: &[Told]) {
    for order in [["attacker", "victim"], ["victim", "attacker"]] {
        let world = ATTACKS.iter().enumerate().fold(
            core_world().patience(PATIENCE),
            |world, (index, attack)| {
                world
                    .file(&format!("{index}-attacker.lean"), attack.attacker)
                    .file(&format!("{index}-victim.lean"), attack.victim)
            },
        );
        let names: Vec<String> = (0..ATTACKS.len())
            .flat_map(|index| order.map(|role| format!("{index}-{role}.lean")))
            .collect();
        let words = ["eval", "--json", "--toolchain", "core", "--jobs", "1"];
        let seen = world.leanrepl(words.into_iter().chain(names.iter().map(String::as_str)));
        let lines = seen.json_lines();
        let told = |name: String| {
            let line = lines.iter().find(|line| line["name"] == name).unwrap();
            assert_eq!(line["isolation"], "source", "{line}");
            messages(line)
        };
        for (index, (attack, alone)) in ATTACKS.iter().zip(alone).enumerate() {
            let attacker = told(format!("{index}-attacker.lean"));
            let victim = told(format!("{index}-victim.lean"));
            assert_harmless(attack, &attacker, &victim, alone);
        }
    }
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn no_attack_reaches_the_next_source_by_any_way_in() {
    let alone = alone(&ATTACKS);
    assert_harmless_over_http(&alone);
    assert_harmless_to_files(&alone);
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn no_attack_reaches_another_client_where_processes_belong_to_clients() {
    // Each costs starts, so each comes by one way only: one on messages, on sources that are read, on memory.
    let attacks = [0, 1, 5].map(|index| &ATTACKS[index]);
    let alone = alone(attacks);
    let served = serve(&["--isolation", "client"]);
    let (attacker, victim) = ("192.0.2.1", "198.51.100.1");
    for ((attack, alone), (door, send)) in attacks.into_iter().zip(&alone).zip(DOORS) {
        let made = send(&served, attacker, &[attack.attacker]);
        let told = send(&served, victim, &[attack.victim]);
        assert_harmless(attack, &made[0], &told[0], alone);
        if let Some(thief) = attack.thief {
            let read = json!(send(&served, attacker, &[thief]));
            assert!(!read.to_string().contains(SECRET), "by {door}: {read}");
        }
    }
    served.stop();
}

#[test]
#[ignore = "needs core Lean; run cargo xtask test"]
fn a_lease_starts_from_what_no_source_has_touched() {
    let attack = &ATTACKS[0];
    let served = serve(&[]);
    assert!(is_made(&raw(&served, "192.0.2.1", attack.attacker).1));
    let made = served.post("/v1/sessions", "").json();
    let session = format!("/v1/sessions/{}", made["id"].as_str().unwrap());
    let commands = format!("{session}/commands");
    let reply = served.post_json(&commands, &json!({"cmd": attack.victim}));
    let told = messages(&reply.json()["reply"]);
    assert_eq!(told[0]["severity"], "error", "{reply:?}");
    served.delete(&session);
    served.stop();
}
