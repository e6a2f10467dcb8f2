//! What a kernel offers to confine a session with. Puts nothing in force.

/// What the running kernel lets this process put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Landlock, which closes the file system.
    pub files: bool,
    /// Filters of system calls, which close the rest.
    pub calls: bool,
}

impl Offer {
    /// No confinement.
    pub(crate) const NOTHING: Self = Self {
        files: false,
        calls: false,
    };

    /// What it does not offer, each with what a session can do for the lack of it.
    pub(crate) fn lacks(self) -> Vec<&'static str> {
        let files = "Landlock (Linux 5.13 or newer, with `landlock` among its `lsm=`): sessions read and write all files that you can";
        let calls = "filters of system calls (seccomp): sessions use the network, start processes and signal others as you can";
        [(self.files, files), (self.calls, calls)]
            .into_iter()
            .filter_map(|(is_there, lack)| (!is_there).then_some(lack))
            .collect()
    }
}
