//! What a confined session may read: a list of what is let in, so that what nobody thought of stays
//! closed. Never names a folder that holds secrets as a rule: no home, no `/etc`, no `/proc`.

use std::path::{Path, PathBuf};

use crate::env_vars::{self, Variable};
use crate::process::launch::Launch;

/// Programs and libraries of the system, and what the loader, the C library and Node read at their
/// start. Of `/proc` and `/sys` only files that say the same to everybody: `/proc` as a whole shows
/// the variables of every process of the same user.
const SYSTEM: [&str; 24] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/etc/nsswitch.conf",
    "/dev/random",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/version",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Variables that list folders of modules or libraries.
const LISTS: [Variable; 3] = [
    env_vars::LEAN_PATH,
    env_vars::LEAN_SYSROOT,
    env_vars::LD_LIBRARY_PATH,
];

/// The files and folders that a session of this launch reads. Some of them may not exist.
pub(crate) fn of(launch: &Launch) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    roots.extend(program(launch));
    for list in LISTS {
        if let Some(value) = env_vars::value_in(&launch.vars, list) {
            roots.extend(std::env::split_paths(value));
        }
    }
    roots.extend(launch.reads.iter().cloned());
    roots.retain(|root| !root.as_os_str().is_empty());
    let dir = launch.dir.as_deref().unwrap_or(Path::new(""));
    roots.iter().map(|root| dir.join(root)).collect()
}

/// The program's own file, wherever links and `PATH` lead; not its folder, which may be a home.
fn program(launch: &Launch) -> Option<PathBuf> {
    let here = Path::new(".");
    let dir = launch.dir.as_deref().unwrap_or(here);
    let path = env_vars::value_in(&launch.vars, env_vars::PATH);
    which::which_in(&launch.program, path, dir)
        .ok()?
        .canonicalize()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_reads_what_its_launch_names_and_the_system() {
        let mut launch = Launch::new("sh");
        launch.vars = vec![
            ("PATH".into(), "/bin".into()),
            ("LEAN_PATH".into(), "/a/lib::oleans".into()),
            ("LEAN_SYSROOT".into(), "/toolchain".into()),
            ("HOME".into(), "/home/somebody".into()),
        ];
        launch.dir = Some("/project".into());
        launch.reads = vec!["/cache/core".into()];
        let roots = of(&launch);
        let has = |path: &str| roots.iter().any(|root| root == Path::new(path));
        for path in [
            "/usr",
            "/a/lib",
            "/project/oleans",
            "/toolchain",
            "/cache/core",
        ] {
            assert!(has(path), "{path} in {roots:?}");
        }
        let shell = Path::new("/bin/sh").canonicalize().unwrap();
        assert!(roots.contains(&shell), "{roots:?}");
        for path in [
            "",
            "/",
            "/project",
            "/home",
            "/home/somebody",
            "/etc",
            "/proc",
            "/tmp",
        ] {
            assert!(!has(path), "{path} in {roots:?}");
        }
    }
}
