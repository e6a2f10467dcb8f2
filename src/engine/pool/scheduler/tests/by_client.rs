//! Sessions that run the sources of one client only: who gives one up, when, and to whom.

use super::*;

/// Sessions that serve one client each.
const BY_CLIENT: Level = (Some(Isolation::Client), false, false);

/// Sessions that wear by nothing, so that only clients make them go.
fn play(sessions: usize, spares: usize) -> Play {
    let mut settings = settings(sessions, spares);
    settings.wear = WearLimits {
        requests: None,
        ..WearLimits::default()
    };
    settings.queue.jobs = 1000;
    let mut play = Play::at(BY_CLIENT, settings);
    play.settle();
    play
}

/// Hands in entries of a client that waits for as long as a test takes.
fn ask(play: &mut Play, client: u8, entries: usize) {
    for _ in 0..entries {
        play.submit_for(client.to_string().into(), 10_000);
    }
}

impl Play {
    /// The clients that the entries belong to that run now.
    fn running(&self) -> Vec<String> {
        let tasks = self.tasks.iter().filter_map(|task| match task {
            Some(Task::Run(entry)) => Some(entry.client.to_string()),
            _ => None,
        });
        tasks.collect()
    }

    /// Lets all that runs end, and all threads take and do what follows but for sources; each step of the
    /// clock is one second.
    fn round(&mut self) {
        for worker in 0..self.tasks.len() {
            self.end(worker, true);
        }
        self.tick(1);
        for _ in 0..4 {
            for worker in 0..self.tasks.len() {
                self.take(worker);
                if !matches!(self.tasks[worker], Some(Task::Run(_))) {
                    self.end(worker, true);
                }
            }
        }
        self.check();
    }

    fn replaced(&self) -> u64 {
        self.scheduler.restarts.of(RecycleReason::Client)
    }
}

#[test]
fn no_session_goes_while_one_client_alone_has_work() {
    let mut play = play(2, 1);
    for _ in 0..50 {
        ask(&mut play, 0, 3);
        play.round();
        play.round();
        play.round();
    }
    assert_eq!(play.replaced(), 0);
    assert_eq!(play.answers.len(), 150);
}

#[test]
fn a_client_without_a_session_gets_one_that_is_not_used_at_once() {
    let mut play = play(1, 1);
    ask(&mut play, 0, 1);
    play.round();
    play.round();
    ask(&mut play, 1, 1);
    // The spare takes the place, without a look of the supervisor.
    play.take(0);
    play.take(1);
    assert_eq!(play.running(), ["1"]);
    assert!(matches!(play.tasks[0], Some(Task::Retire)));
    assert_eq!(play.replaced(), 1);
}

#[test]
fn a_busy_session_stays_for_a_turn_after_another_client_begins_to_wait_and_then_goes() {
    let mut play = play(1, 0);
    ask(&mut play, 0, 100);
    play.round();
    ask(&mut play, 1, 1);
    let mut seconds = 0;
    while play.replaced() == 0 {
        assert_eq!(play.running(), ["0"]);
        play.round();
        seconds += 1;
        assert!(seconds < 100, "the other client starves");
    }
    // The turn is over when the first source ends after it.
    assert_eq!(seconds, 31);
    assert_eq!(play.running(), ["1"]);
}

#[test]
fn a_client_with_two_sessions_leaves_one_to_a_client_without_any() {
    let mut play = play(2, 0);
    ask(&mut play, 0, 8);
    play.round();
    assert_eq!(play.running(), ["0", "0"]);
    ask(&mut play, 1, 1);
    play.round();
    let mut running = play.running();
    running.sort();
    assert_eq!(running, ["0", "1"]);
    assert_eq!(play.replaced(), 1);
}

#[test]
fn a_session_that_rests_goes_to_a_client_that_has_one_already_only_after_a_while() {
    let mut play = play(2, 0);
    ask(&mut play, 0, 1);
    ask(&mut play, 1, 1);
    play.round();
    ask(&mut play, 1, 6);
    play.round();
    assert_eq!((play.running(), play.replaced()), (vec!["1".to_owned()], 0));
    play.round();
    assert_eq!(play.running(), ["1", "1"]);
    assert_eq!(play.replaced(), 1);
}

#[test]
fn a_session_is_not_given_up_for_another_client_while_no_other_can_start() {
    let mut play = Play::at(BY_CLIENT, settings(2, 0));
    for (worker, is_well) in [(0, true), (1, false)] {
        play.take(worker);
        play.end(worker, is_well);
    }
    ask(&mut play, 0, 1);
    play.take(0);
    play.end(0, true);
    ask(&mut play, 1, 1);
    assert_eq!(play.scheduler.workers[0].status, Status::Idle);
    assert_eq!(play.replaced(), 0);
    // The pause is over, and the next start succeeds.
    play.tick(1);
    play.settle();
    assert_eq!((play.answers.len(), play.replaced()), (2, 0));
}

#[test]
fn a_session_whose_pool_promises_more_than_it_holds_is_not_taken() {
    let mut play = play(1, 1);
    assert_eq!(play.scheduler.state().isolation, Some(Isolation::Client));
    assert_eq!(play.scheduler.hold(Holding::Restored), Ok(false));
    assert_eq!(play.scheduler.hold(Holding::SingleUse), Ok(false));
    assert_eq!(play.scheduler.hold(Holding::Shared), Err(Isolation::Client));
    ask(&mut play, 0, 1);
    play.settle();
    assert_eq!(play.answers.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Clients that each keep so many entries waiting: all of them are served, again and again.
    #[test]
    fn every_client_that_keeps_asking_is_served_within_the_turns_of_the_others(
        sessions in 1..4_usize,
        spares in 0..2_usize,
        clients in proptest::collection::vec(1..4_u32, 1..6),
    ) {
        let mut play = play(sessions, spares);
        let mut owner = BTreeMap::<u32, usize>::new();
        let mut last = vec![0_u32; clients.len()];
        for second in 1..150_u32 {
            for (client, depth) in clients.iter().enumerate() {
                let open = owner
                    .iter()
                    .filter(|(item, of)| **of == client && !play.answers.contains_key(item))
                    .count();
                for _ in open..usize::try_from(*depth).unwrap() {
                    let item = play.submit_for(client.to_string().into(), 10_000);
                    owner.insert(item, client);
                }
            }
            let before = play.answers.len();
            play.round();
            if play.answers.len() > before {
                for item in play.answers.keys() {
                    if let Some(client) = owner.remove(item) {
                        last[client] = second;
                    }
                }
            }
            for (client, served) in last.iter().enumerate() {
                // A turn of the others, and a start for each client at most.
                prop_assert!(second - served <= 30 + 4 * 6, "client {client} waits since {served}, now {second}");
            }
        }
        // Clients that always have something waiting keep a session for a turn of many sources.
        if clients.iter().all(|depth| usize::try_from(*depth).unwrap() > sessions) {
            let most = 150 / 30 * u64::try_from(clients.len() * sessions).unwrap() + 20;
            prop_assert!(play.replaced() <= most, "{} of {most}", play.replaced());
        }
        if clients.len() == 1 {
            prop_assert_eq!(play.replaced(), 0);
        }
    }
}
