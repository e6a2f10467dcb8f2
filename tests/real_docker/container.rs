//! A container of an image, started as a user would start it but without a network.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rig::{docker, try_docker};

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(300);

/// A container that is removed on drop.
pub(crate) struct Container {
    /// Its identity.
    id: String,
}

impl Container {
    /// Starts one and waits until its server takes texts.
    pub(crate) fn ready(image: &str) -> Self {
        let id = docker(&["run", "--detach", "--network", "none", image]);
        let container = Self { id };
        let deadline = Instant::now() + PATIENCE;
        while container
            .probe(&["--path", "/ready"])
            .is_none_or(|answer| answer["status"] != 200)
        {
            assert!(Instant::now() < deadline, "{}", container.logs());
        }
        container
    }

    /// What the server answers to a text.
    pub(crate) fn post(&self, text: &str) -> Value {
        let answer = self.probe(&["--post", text]);
        answer.unwrap_or_else(|| panic!("no answer: {}", self.logs()))
    }

    /// Runs `leanrepl probe` in it; none before the server listens.
    fn probe(&self, args: &[&str]) -> Option<Value> {
        let words = ["exec", &self.id, "leanrepl", "probe"];
        let seen = try_docker(&[&words[..], args].concat());
        serde_json::from_str(&seen.stdout).ok()
    }

    /// What the server has said.
    pub(crate) fn logs(&self) -> String {
        let seen = try_docker(&["logs", &self.id]);
        seen.stdout + &seen.stderr
    }

    /// Asks it to end; the answer is its exit code.
    pub(crate) fn stop(&self) -> String {
        docker(&["stop", "--time", "60", &self.id]);
        docker(&["inspect", "--format", "{{.State.ExitCode}}", &self.id])
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _gone = try_docker(&["rm", "--force", &self.id]);
    }
}
