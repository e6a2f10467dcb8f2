//! What goes wrong with a REPL while it has a text, and what may be said about the text then. Knows
//! the directives of the fake REPL and nothing of HTTP.

/// One kind of fault. The text says to the fake what to do, so that it happens wherever the text
/// runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// How it is called in the report.
    pub(crate) name: &'static str,
    /// How often it is chosen, in thousandths.
    pub(crate) weight: u64,
    /// The lines of the text before the one with its verdict. `MARK` stands for the text's own mark,
    /// `NAME` for a name of its own, `OTHER` for a name of another text, `FILE` for a file of its own.
    pub(crate) lines: &'static str,
    /// Whether Lean's own verdict may come of it all the same.
    pub(crate) may_be_decided: bool,
    /// For which reasons the text may be undecided.
    pub(crate) reasons: &'static [&'static str],
    /// What the text needs of its surroundings.
    pub(crate) needs: Needs,
}

/// What a fault needs in order to happen or to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// A short limit of time.
    ShortTime,
    /// Processes or files of the REPL, which a sandbox takes away.
    Freedom,
    /// Both.
    ShortTimeAndFreedom,
}

impl Fault {
    /// Whether the text runs into its limit of time, so that this should be short.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self.needs, Needs::ShortTime | Needs::ShortTimeAndFreedom)
    }

    /// Whether the fault can be played in a sandbox.
    pub(crate) fn is_confinable(&self) -> bool {
        !matches!(self.needs, Needs::Freedom | Needs::ShortTimeAndFreedom)
    }
}

/// A fault after which Lean's own verdict has to come.
const fn harmless(name: &'static str, weight: u64, lines: &'static str) -> Fault {
    Fault {
        name,
        weight,
        lines,
        may_be_decided: true,
        reasons: &[],
        needs: Needs::Nothing,
    }
}

/// A fault after which nobody knows, for this reason.
const fn fatal(
    name: &'static str,
    weight: u64,
    lines: &'static str,
    reasons: &'static [&'static str],
) -> Fault {
    Fault {
        name,
        weight,
        lines,
        may_be_decided: false,
        reasons,
        needs: Needs::Nothing,
    }
}

/// A fault with other needs.
const fn needing(fault: Fault, needs: Needs) -> Fault {
    Fault { needs, ..fault }
}

/// A fault that may or may not keep Lean's own verdict from coming.
const fn racy(fault: Fault) -> Fault {
    Fault {
        may_be_decided: true,
        ..fault
    }
}

/// All of them; the weights add up to about a thousand.
pub(crate) static FAULTS: [Fault; 43] = [
    harmless("none", 380, ""),
    harmless("import", 60, "import Mathlib\n#check Real"),
    harmless(
        "own and foreign names",
        60,
        "def NAME := 1\n#check NAME\n#check OTHER",
    ),
    harmless("hole", 20, "--! sorry 1:0 ⊢ True"),
    fatal("import of nothing", 15, "import Nowhere", &["import"]),
    // Death.
    fatal("dies", 20, "--! die", &["crash"]),
    fatal(
        "dies halfway through the reply",
        15,
        "--! die-mid-reply",
        &["crash"],
    ),
    fatal("aborts", 8, "--! abort", &["crash"]),
    fatal("segmentation fault", 8, "--! segv", &["crash"]),
    fatal("stack overflow", 8, "--! stack-overflow", &["crash"]),
    needing(
        harmless("dies once", 40, "--! once FILE die"),
        Needs::Freedom,
    ),
    needing(
        harmless("aborts once", 10, "--! once FILE abort"),
        Needs::Freedom,
    ),
    // Silence and delay.
    needing(
        fatal("hangs", 20, "--! hang", &["timeout"]),
        Needs::ShortTime,
    ),
    needing(
        fatal("answers too late", 15, "--! slow 3000", &["timeout"]),
        Needs::ShortTime,
    ),
    harmless("answers late", 30, "--! slow 40"),
    harmless("byte by byte", 10, "--! slow-bytes"),
    needing(
        fatal("hangs with a child", 10, "--! spawn-hang", &["timeout"]),
        Needs::ShortTimeAndFreedom,
    ),
    needing(
        harmless("leaves a child", 20, "--! spawn-setsid"),
        Needs::Freedom,
    ),
    // Floods.
    fatal(
        "floods stdout without end",
        10,
        "--! flood-stdout endless",
        &["reply_too_large"],
    ),
    fatal(
        "floods stdout",
        15,
        "--! flood-stdout 200000",
        &["protocol_error"],
    ),
    harmless("floods stderr", 20, "--! flood-stderr 300000"),
    harmless("mark on stderr", 25, "--! stderr MARK"),
    harmless("long reply", 10, "--! huge 300000"),
    fatal(
        "reply that is too long",
        8,
        "--! huge 2000000",
        &["reply_too_large"],
    ),
    harmless("many messages", 10, "--! many 2000"),
    // Garbage.
    fatal("no JSON", 10, "--! garbage", &["protocol_error"]),
    fatal(
        "JSON of another shape",
        10,
        "--! wrong-type",
        &["protocol_error"],
    ),
    fatal(
        "JSON that breaks off",
        8,
        "--! noise-blank {\"env\": 1, \"messages\": [",
        &["protocol_error"],
    ),
    fatal(
        "stray line",
        10,
        "--! noise MARK is no reply",
        &["protocol_error"],
    ),
    fatal(
        "stray block",
        10,
        "--! noise-blank MARK is no reply",
        &["protocol_error"],
    ),
    fatal("stray bytes", 10, "--! noise-bytes", &["protocol_error"]),
    harmless("fields of a newer REPL", 10, "--! unknown-field"),
    // Replies that nobody asked for.
    fatal(
        "forged reply",
        15,
        "--! fake-reply {\"env\": 9}",
        &["protocol_error"],
    ),
    racy(fatal("replies twice", 15, "--! twice", &["protocol_error"])),
    racy(fatal(
        "another text's reply first",
        15,
        "--! stale",
        &["protocol_error"],
    )),
    racy(fatal(
        "another text's reply, slowly",
        8,
        "--! stale\n--! slow 5",
        &["protocol_error"],
    )),
    needing(
        racy(fatal(
            "forged reply at once",
            10,
            "--! late-fake-reply 0 {\"env\": 9}",
            &["protocol_error"],
        )),
        Needs::Freedom,
    ),
    needing(
        racy(fatal(
            "forged reply later",
            10,
            "--! late-fake-reply 3 {\"env\": 9}",
            &["protocol_error"],
        )),
        Needs::Freedom,
    ),
    needing(
        racy(fatal(
            "forged reply while it waits",
            10,
            "--! late-fake-reply 1 {\"env\": 9}\n--! slow 400",
            &["protocol_error"],
        )),
        Needs::Freedom,
    ),
    // Memory.
    fatal("grows", 8, "--! grow 400000000", &["memory"]),
    harmless("leaks", 40, "--! leak 12000000"),
    harmless("leaks much", 10, "--! leak 60000000"),
    harmless(
        "leaks and leaves a word",
        10,
        "--! leak 12000000\n--! stderr MARK",
    ),
];

/// What an attacker sends besides: sources that change what later ones of the same process are answered, or
/// hear them. Each is answered truthfully itself.
pub(crate) static HOSTILE: [Fault; 7] = [
    harmless("poisons", 200, "--! poison MARK"),
    harmless("listens", 300, "--! spy"),
    harmless("steals", 350, "--! steal"),
    harmless("poisons slowly", 50, "--! poison MARK\n--! slow 20"),
    harmless(
        "breaks the way back: another number",
        35,
        "--! break-restore other-number\n--! poison MARK",
    ),
    harmless(
        "breaks the way back: no number",
        35,
        "--! break-restore no-number\n--! poison MARK",
    ),
    harmless(
        "breaks the way back: dies",
        30,
        "--! break-restore die\n--! poison MARK",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_an_end_that_is_allowed() {
        for fault in FAULTS.iter().chain(&HOSTILE) {
            assert!(
                fault.may_be_decided || !fault.reasons.is_empty(),
                "{fault:?}"
            );
            let all = FAULTS.iter().chain(&HOSTILE);
            let namesakes = all.filter(|other| other.name == fault.name);
            assert_eq!(namesakes.count(), 1, "{fault:?}");
        }
    }
}
