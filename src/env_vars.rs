//! The variables of the process environment that mean something to leanrepl, and what of them is
//! handed to children. Besides clap, the only reader of the environment; never decides what a value
//! means.

mod cluster;
mod variable;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

pub use cluster::{
    JOB_COMPLETION_INDEX, SLURM_ARRAY_TASK_COUNT, SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_MAX,
    SLURM_ARRAY_TASK_MIN,
};
pub use variable::Variable;

/// Where leanrepl keeps what it builds and installs.
pub const CACHE_DIR: Variable = Variable {
    name: "LEANREPL_CACHE_DIR",
    doc: "Folder for what leanrepl builds and installs; the default is `leanrepl` in the user's cache folder.",
};

/// The user's cache folder.
pub const XDG_CACHE_HOME: Variable = Variable {
    name: "XDG_CACHE_HOME",
    doc: "The user's cache folder; the default is `.cache` in the home folder.",
};

/// The user's home folder.
pub const HOME: Variable = Variable {
    name: "HOME",
    doc: "The user's home folder.",
};

/// Where programs are looked for.
pub const PATH: Variable = Variable {
    name: "PATH",
    doc: "Folders in which programs are looked for.",
};

/// Where temporary files go.
pub const TMPDIR: Variable = Variable {
    name: "TMPDIR",
    doc: "Folder for temporary files; a confined session gets one of its own in it.",
};

/// Where the loader looks for libraries.
pub const LD_LIBRARY_PATH: Variable = Variable {
    name: "LD_LIBRARY_PATH",
    doc: "Folders in which the system looks for libraries; a confined session reads them.",
};

/// The user asks for plain text.
pub const NO_COLOR: Variable = Variable {
    name: "NO_COLOR",
    doc: "Turns colour off if it is set to anything.",
};

/// Whether nobody looks at the terminal.
pub const CI: Variable = Variable {
    name: "CI",
    doc: "Turns progress bars into plain lines if it is set to anything.",
};

/// What the terminal can do.
pub const TERM: Variable = Variable {
    name: "TERM",
    doc: "Kind of the terminal; `dumb` turns colour and progress bars off.",
};

/// Where Lean looks for compiled modules.
pub const LEAN_PATH: Variable = Variable {
    name: "LEAN_PATH",
    doc: "Folders in which Lean looks for compiled modules; leanrepl sets it for each session.",
};

/// Where Lean itself is installed.
pub const LEAN_SYSROOT: Variable = Variable {
    name: "LEAN_SYSROOT",
    doc: "Folder of the Lean installation; leanrepl sets it for each session.",
};

/// How many threads Lean starts.
pub const LEAN_NUM_THREADS: Variable = Variable {
    name: "LEAN_NUM_THREADS",
    doc: "Threads that Lean starts for tasks; leanrepl sets it for core Lean.",
};

/// Which toolchain elan runs.
pub const ELAN_TOOLCHAIN: Variable = Variable {
    name: "ELAN_TOOLCHAIN",
    doc: "Toolchain that elan runs; leanrepl sets it for what it starts.",
};

/// Where elan lives.
pub const ELAN_HOME: Variable = Variable {
    name: "ELAN_HOME",
    doc: "Folder of elan with its toolchains and settings; the default is `.elan` in the home folder.",
};

/// Whether elan is silent about overrides.
pub const ELAN_NO_OVERRIDE_NOTICE: Variable = Variable {
    name: "ELAN_NO_OVERRIDE_NOTICE",
    doc: "Keeps elan from telling that an override is used; leanrepl sets it for what it starts.",
};

/// Where Docker's daemon listens.
pub const DOCKER_HOST: Variable = Variable {
    name: "DOCKER_HOST",
    doc: "Address of Docker's daemon, as Docker itself takes it.",
};

/// Which context of Docker is used.
pub const DOCKER_CONTEXT: Variable = Variable {
    name: "DOCKER_CONTEXT",
    doc: "Context whose daemon is used, as Docker's own client takes it.",
};

/// Where the settings of Docker's client are.
pub const DOCKER_CONFIG: Variable = Variable {
    name: "DOCKER_CONFIG",
    doc: "Folder of the settings of Docker's client; the default is `.docker` in the home folder.",
};

/// Whether wrangler tells its makers what it is used for.
pub const WRANGLER_SEND_METRICS: Variable = Variable {
    name: "WRANGLER_SEND_METRICS",
    doc: "Keeps wrangler from reporting its use if it is `false`; leanrepl sets it for what it starts.",
};

/// Which program wrangler takes for Docker.
pub const WRANGLER_DOCKER_BIN: Variable = Variable {
    name: "WRANGLER_DOCKER_BIN",
    doc: "Program that wrangler and `leanrepl cloudflare` take for Docker's client; the default is `docker`.",
};

/// The API keys of a server.
pub const API_KEYS: Variable = Variable {
    name: "LEANREPL_API_KEYS",
    doc: "API keys for `leanrepl serve` without `--api-keys`, separated by commas.",
};

/// The API keys of a server, as Kimina Lean Server calls them.
pub const SERVER_API_KEY: Variable = Variable {
    name: "LEAN_SERVER_API_KEY",
    doc: "The same as `LEANREPL_API_KEYS`, which goes first.",
};

/// Where a server listens.
pub const SERVER_HOST: Variable = Variable {
    name: "LEAN_SERVER_HOST",
    doc: "Address on which `leanrepl serve` listens without `--listen`; the default is 0.0.0.0.",
};

/// The port on which a server listens.
pub const SERVER_PORT: Variable = Variable {
    name: "LEAN_SERVER_PORT",
    doc: "Port on which `leanrepl serve` listens without `--listen`; the default is 8000.",
};

/// How little a server logs.
pub const SERVER_QUIET: Variable = Variable {
    name: "LEAN_SERVER_QUIET",
    doc: "Lets `leanrepl serve` log only what goes wrong if it is set to anything.",
};

/// How long a text may run on a server.
pub const SERVER_TIMEOUT: Variable = Variable {
    name: "LEAN_TIMEOUT",
    doc: "Longest run of a text on `leanrepl serve` without `--timeout`, in seconds.",
};

/// The key of a Worker.
pub const API_KEY: Variable = Variable {
    name: "LEANREPL_API_KEY",
    doc: "Key of a Worker, with which `cloudflare deploy` asks whether it is ready.",
};

/// Where results are kept.
pub const CACHE: Variable = Variable {
    name: "LEANREPL_CACHE",
    doc: "Where `eval` and `serve` keep results if `--cache` does not say: `off`, `auto`, a folder or `redis://HOST`.",
};

/// The password of a Redis server.
pub const REDIS_PASSWORD: Variable = Variable {
    name: "LEANREPL_REDIS_PASSWORD",
    doc: "Password of the Redis server without `--redis-password-file`.",
};

/// Which session a process is of.
pub const SESSION: Variable = Variable {
    name: "LEANREPL_SESSION",
    doc: "Set by leanrepl for each session, so that the processes it leaves behind are found.",
};

/// The variables that belong to leanrepl.
pub const OURS: [Variable; 11] = [
    CACHE_DIR,
    CACHE,
    API_KEY,
    API_KEYS,
    SERVER_API_KEY,
    SERVER_HOST,
    SERVER_PORT,
    SERVER_QUIET,
    SERVER_TIMEOUT,
    REDIS_PASSWORD,
    SESSION,
];

/// The variables of others that leanrepl reads or sets.
pub const FOREIGN: [Variable; 19] = [
    DOCKER_HOST,
    DOCKER_CONTEXT,
    DOCKER_CONFIG,
    WRANGLER_DOCKER_BIN,
    WRANGLER_SEND_METRICS,
    TERM,
    XDG_CACHE_HOME,
    HOME,
    PATH,
    TMPDIR,
    LD_LIBRARY_PATH,
    NO_COLOR,
    CI,
    LEAN_PATH,
    LEAN_SYSROOT,
    LEAN_NUM_THREADS,
    ELAN_TOOLCHAIN,
    ELAN_HOME,
    ELAN_NO_OVERRIDE_NOTICE,
];

/// Variables as names and values, in the form that a child takes them.
pub type Variables = Vec<(OsString, OsString)>;

/// Names handed to every child; one that ends in `*` stands for all with that beginning.
///
/// A list of what may pass, because code that a session runs can read its variables: a token or a
/// password of the user must not be among them.
const FOR_CHILDREN: [&str; 15] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "TERM",
    "LEAN_*",
    "ELAN_*",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
];

/// Names that no child gets, whatever list they are in: code that a session runs could read the
/// keys of its own server.
const FOR_NOBODY: [&str; 2] = ["LEAN_SERVER_*", "LEANREPL_*"];

/// Names handed to tools that fetch something: the way to the network.
const FOR_NETWORK: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_*",
];

/// Names handed to npm besides: its settings and the user's registry. Packages are installed without
/// running their scripts, so nothing but npm itself reads them.
const FOR_NPM: [&str; 7] = [
    "npm_config_*",
    "NPM_*",
    "NODE_AUTH_TOKEN",
    "NODE_EXTRA_CA_CERTS",
    "NODE_OPTIONS",
    "NODE_USE_SYSTEM_CA",
    "XDG_*",
];

/// Names handed to wrangler and Docker besides those for npm: the user's account, and where the daemon is.
const FOR_CLOUDFLARE: [&str; 4] = ["CLOUDFLARE_*", "CF_*", "DOCKER_*", "WRANGLER_*"];

/// Names handed to git besides: how it reaches a repository. Not those that name a repository, such as
/// `GIT_DIR`, which a hook of git sets for all that it starts.
const FOR_GIT: [&str; 8] = [
    "GIT_ASKPASS",
    "GIT_CONFIG_*",
    "GIT_PROXY_*",
    "GIT_SSH",
    "GIT_SSH_*",
    "GIT_SSL_*",
    "SSH_AUTH_SOCK",
    "XDG_CONFIG_HOME",
];

/// Names that say where Lean and its modules are. What is asked of a toolchain must not be answered by
/// another one that was left in a shell.
const OF_LEAN: [&str; 4] = ["LEAN_PATH", "LEAN_SRC_PATH", "LEAN_SYSROOT", "LEAN_GITHASH"];

/// The value of a variable; one that is set to nothing counts as not set.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub fn read(variable: Variable) -> Option<OsString> {
    std::env::var_os(variable.name).filter(|value| !value.is_empty())
}

/// The folder for temporary files.
pub fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

/// The environment of a session or a tool: only what is known to be harmless.
pub fn cleaned() -> Variables {
    keep(all(), &[&FOR_CHILDREN])
}

/// The environment of npm: that of every child and the user's own registry settings.
pub fn for_npm() -> Variables {
    keep(all(), &[&FOR_CHILDREN, &FOR_NETWORK, &FOR_NPM])
}

/// The environment of wrangler and of the user's Docker: that of npm, the account and the daemon.
pub fn for_cloudflare() -> Variables {
    keep(
        all(),
        &[&FOR_CHILDREN, &FOR_NETWORK, &FOR_NPM, &FOR_CLOUDFLARE],
    )
}

/// The environment of tools that fetch something: that of every child and the way to the network.
pub fn for_network() -> Variables {
    keep(all(), &[&FOR_CHILDREN, &FOR_NETWORK])
}

/// The environment of git: that of every child, the way to the network and to repositories.
pub fn for_git() -> Variables {
    keep(all(), &[&FOR_CHILDREN, &FOR_NETWORK, &FOR_GIT])
}

/// The same without what says where a Lean and its modules are.
pub fn without_lean(mut variables: Variables) -> Variables {
    variables.retain(|(name, _)| !OF_LEAN.iter().any(|known| is_like(name, known)));
    variables
}

/// The value of the variable of that name among `variables`.
pub fn value_in(variables: &[(OsString, OsString)], variable: Variable) -> Option<&OsStr> {
    variables
        .iter()
        .rev()
        .find(|(name, _)| name == variable.name)
        .map(|(_, value)| value.as_os_str())
}

/// The whole environment of this process.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn all() -> Variables {
    std::env::vars_os().collect()
}

/// Those variables whose names are in one of the lists.
fn keep(variables: Variables, lists: &[&[&str]]) -> Variables {
    variables
        .into_iter()
        .filter(|(name, _)| {
            let is_in = |list: &[&str]| list.iter().any(|known| is_like(name, known));
            lists.iter().any(|list| is_in(list)) && !is_in(&FOR_NOBODY)
        })
        .collect()
}

/// Whether a name is the known one, or begins like it if that ends in `*`.
pub fn is_like(name: &OsStr, known: &str) -> bool {
    known.strip_suffix('*').map_or_else(
        || name == known,
        |start| name.as_encoded_bytes().starts_with(start.as_bytes()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Variables {
        names
            .iter()
            .map(|name| (OsString::from(name), OsString::from("value")))
            .collect()
    }

    /// The names that are left of `names` after `lists`.
    fn kept(names: &[&str], lists: &[&[&str]]) -> Vec<String> {
        keep(named(names), lists)
            .into_iter()
            .map(|(name, _)| name.into_string().unwrap())
            .collect()
    }

    #[test]
    fn no_secret_of_the_user_reaches_a_session() {
        let names = [
            "PATH",
            "AWS_SECRET_ACCESS_KEY",
            "LC_ALL",
            "NPM_TOKEN",
            "LEAN_PATH",
            "ELAN_HOME",
            "GITHUB_TOKEN",
            "SSH_AUTH_SOCK",
            "PATHS",
            "http_proxy",
            "LEANREPL_CACHE_DIR",
            "LEANREPL_API_KEYS",
            "LEANREPL_REDIS_PASSWORD",
            "LEAN_SERVER_API_KEY",
        ];
        assert_eq!(
            kept(&names, &[&FOR_CHILDREN]),
            ["PATH", "LC_ALL", "LEAN_PATH", "ELAN_HOME"]
        );
    }

    #[test]
    fn npm_keeps_the_settings_of_the_users_registry() {
        let names = [
            "npm_config_registry",
            "NPM_CONFIG_USERCONFIG",
            "NPM_TOKEN",
            "https_proxy",
            "NO_PROXY",
            "NODE_EXTRA_CA_CERTS",
            "XDG_CONFIG_HOME",
            "HOME",
            "GITHUB_TOKEN",
        ];
        let left = kept(&names, &[&FOR_CHILDREN, &FOR_NETWORK, &FOR_NPM]);
        assert_eq!(left, names[..names.len() - 1]);
    }

    #[test]
    fn git_is_told_how_to_reach_a_repository_but_not_which_one_it_is_in() {
        let names = [
            "GIT_SSH_COMMAND",
            "GIT_SSL_CAINFO",
            "GIT_DIR",
            "GIT_INDEX_FILE",
        ];
        let left = kept(&names, &[&FOR_CHILDREN, &FOR_NETWORK, &FOR_GIT]);
        assert_eq!(left, ["GIT_SSH_COMMAND", "GIT_SSL_CAINFO"]);
    }

    #[test]
    fn a_lean_that_was_left_in_a_shell_is_forgotten() {
        let left = without_lean(named(&["LEAN_PATH", "LEAN_SYSROOT", "LEAN_NUM_THREADS"]));
        assert_eq!(left, named(&["LEAN_NUM_THREADS"]));
    }

    #[test]
    fn the_last_of_two_values_counts_as_it_does_for_a_child() {
        let variables = [
            (OsString::from("PATH"), OsString::from("/old")),
            (OsString::from("PATH"), OsString::from("/new")),
        ];
        assert_eq!(value_in(&variables, PATH), Some(OsStr::new("/new")));
        assert_eq!(value_in(&variables, HOME), None);
    }

    #[test]
    fn what_this_process_hands_on_is_part_of_what_it_has() {
        let all = all();
        assert!(cleaned().iter().all(|pair| all.contains(pair)));
        assert!(value_in(&cleaned(), PATH).is_some());
        assert_eq!(read(PATH).as_deref(), value_in(&for_npm(), PATH));
    }
}
