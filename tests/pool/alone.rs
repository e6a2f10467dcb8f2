//! Tests that measure their process: each runs in one of its own, in which no other test runs.

use std::process::Command;

/// Set in the process in which nothing but one test runs.
const ALONE: &str = "POOL_TEST_ALONE";

/// Whether only this test runs in this process. If not, it is run in another one, and fails here if it
/// fails there.
#[expect(
    clippy::disallowed_methods,
    reason = "the process of the test is no process of the library"
)]
pub(crate) fn alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let out = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    // A name that is no longer that of a test would run none and succeed.
    assert!(
        out.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    false
}

/// Resident bytes of this process.
pub(crate) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * u64::try_from(rustix::param::page_size()).unwrap()
}
