//! Results that are kept, over HTTP.

use serde_json::{Value, json};

use crate::served::{Answer, Served};
use crate::world::World;

/// A server that keeps results.
fn serve(args: &[&str]) -> Served {
    let fixed = ["--cache", "kept", "--cache-trust", "--trust-proxy"];
    Served::start(&[&fixed, args].concat())
}

/// Sends a raw source for a client; tells whether the answer was kept.
fn raw(served: &Served, client: &str, source: &str, headers: &[(&str, &str)]) -> (u16, bool) {
    let who = [("x-forwarded-for", client)];
    let answer = served.post_with("/", source.as_bytes(), &[&who, headers].concat());
    (answer.status, is_hit(&answer))
}

fn is_hit(answer: &Answer) -> bool {
    answer.header("x-leanrepl-cache") == Some("hit")
}

/// The value of a line of the metrics.
fn metric(served: &Served, name: &str) -> u64 {
    let text = served.get("/metrics").text;
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{name}: {text}"))
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

#[test]
fn a_client_is_answered_by_its_own_results_through_every_door() {
    let served = serve(&[]);
    let (one, other) = ("198.51.100.1", "203.113.9");
    let source = "--! info fine\n";
    assert_eq!(raw(&served, one, source, &[]), (200, false));
    assert_eq!(raw(&served, one, source, &[]), (200, true));
    assert_eq!(raw(&served, other, source, &[]), (200, false));
    let who = [("x-forwarded-for", one)];
    let eval = |body: Value| {
        served
            .post_with("/v1/eval", body.to_string().as_bytes(), &who)
            .json()
    };
    let reply = eval(json!({"sources": [source, "--! error 1:0 1:1 wrong\n"]}));
    let cached = |index: usize| reply["results"][index]["cached"].clone();
    assert_eq!((cached(0), cached(1)), (true.into(), false.into()));
    let check = json!({"snippets": [{"id": "a", "code": source}]});
    served.post_with("/api/check", check.to_string().as_bytes(), &who);
    assert_eq!(
        metric(&served, r#"leanrepl_cache_requests_total{outcome="hit"}"#),
        3
    );
    assert_eq!(
        metric(&served, r#"leanrepl_cache_requests_total{outcome="miss"}"#),
        3
    );
    assert_eq!(metric(&served, "leanrepl_cache_stores_total"), 3);
    // What was kept took no time.
    let ran = metric(&served, r#"leanrepl_phase_seconds_count{phase="body"}"#);
    assert_eq!(ran, 3);
    assert!(metric(&served, r#"leanrepl_cache_bytes_total{way="read"}"#) > 0);
    served.stop();
}

#[test]
fn all_clients_are_answered_where_they_share() {
    let served = serve(&["--cache-shared"]);
    assert_eq!(
        raw(&served, "198.51.100.1", "--! info a\n", &[]),
        (200, false)
    );
    assert_eq!(raw(&served, "203.113.9", "--! info a\n", &[]), (200, true));
    served.stop();
}

#[test]
fn a_client_can_refuse_kept_results() {
    let served = serve(&[]);
    let (client, source) = ("198.51.100.1", "--! info fine\n");
    let with = |value: &str| raw(&served, client, source, &[("x-leanrepl-cache", value)]);
    assert_eq!(with("off"), (200, false));
    assert_eq!(raw(&served, client, source, &[]), (200, false));
    assert_eq!(raw(&served, client, source, &[]), (200, true));
    assert_eq!(with("refresh"), (200, false));
    assert_eq!(with("off"), (200, false));
    let wrong = served.post_with("/", source.as_bytes(), &[("x-leanrepl-cache", "no")]);
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.text.contains("neither `off` nor `refresh`"),
        "{}",
        wrong.text
    );
    let verify = |disable: bool| {
        let body =
            json!({"codes": [{"custom_id": "a", "proof": source}], "disable_cache": disable});
        let who = [("x-forwarded-for", client)];
        assert_eq!(
            served
                .post_with("/verify", body.to_string().as_bytes(), &who)
                .status,
            200
        );
        metric(&served, r#"leanrepl_cache_requests_total{outcome="hit"}"#)
    };
    let before = verify(true);
    assert_eq!(verify(true), before);
    assert_eq!(verify(false), before + 1);
    served.stop();
}

#[test]
fn the_same_source_many_times_at_once_runs_once() {
    let world = World::new().fake_repl("");
    let served = Served::start_in(world, &["--cache", "kept", "--cache-trust"]);
    served.wait_ready();
    let source = "--! slow 500\n--! info fine\n";
    let sources = vec![source; 20];
    let reply = served
        .post_json("/v1/eval", &json!({"sources": sources}))
        .json();
    assert_eq!(reply["accepted"], 20);
    let results = reply["results"].as_array().unwrap();
    let cached = results.iter().filter(|result| result["cached"] == true);
    assert_eq!(cached.count(), 19);
    assert_eq!(metric(&served, "leanrepl_cache_stores_total"), 1);
    served.stop();
}

#[test]
fn an_undecided_result_is_never_kept() {
    let served = serve(&[]);
    for _ in 0..2 {
        let reply = served
            .post_json("/v1/eval", &json!({"sources": "--! die\n"}))
            .json();
        let result = &reply["results"][0];
        assert_eq!(
            (&result["verdict"], &result["cached"]),
            (&"undecided".into(), &false.into())
        );
    }
    assert_eq!(metric(&served, "leanrepl_cache_stores_total"), 0);
    served.stop();
}
