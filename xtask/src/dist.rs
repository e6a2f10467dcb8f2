//! `cargo xtask dist`: what a release consists of, in `target/dist`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context;
use clap_complete::Shell;
use leanrepl::internals::digest;

use crate::cargo;
use crate::programs::answers;

/// The target of a binary that needs nothing of the system it runs on.
const MUSL: &str = "x86_64-unknown-linux-musl";

/// The target that every Rust for Linux has; with the C library linked in, it is nearly as good.
const GLIBC: &str = "x86_64-unknown-linux-gnu";

/// The shells that complete a command line.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// How the release is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make only the binary, and print its path last.
    #[arg(long)]
    binary_only: bool,
}

/// Makes all of it.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<bool> {
    let folder = root.join("target/dist");
    let binary = binary(root, Profile::Release, &folder)?;
    if !args.binary_only {
        completions(&folder.join("completions"))?;
        manual(&folder.join("man"))?;
        checksums(&folder)?;
        println!("xtask: the release is in {}", folder.display());
    }
    println!("{}", binary.display());
    Ok(true)
}

/// How the binary is compiled, by the name that Cargo.toml and the folder of the build have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As it is shipped.
    Release,
    /// Not optimised, for tests.
    Trial,
}

impl Profile {
    /// Its name.
    fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Trial => "trial",
        }
    }

    /// What it has beyond the plain product. No test of an image writes a table.
    fn features(self) -> &'static str {
        match self {
            Self::Release => "extract",
            Self::Trial => "",
        }
    }
}

/// Builds the binary and puts it into the folder, the debugging symbols left out.
pub(crate) fn binary(root: &Path, profile: Profile, folder: &Path) -> anyhow::Result<PathBuf> {
    let target = target()?;
    if target == GLIBC {
        println!("xtask: without `rustup target add {MUSL}`, the binary is made with glibc inside");
    }
    let status = cargo(root, "build", profile, target)
        .args(["--package", "leanrepl", "--bin", "leanrepl"])
        .status()
        .context("cannot start cargo")?;
    anyhow::ensure!(status.success(), "cargo ended with {status}");
    fs::create_dir_all(folder)?;
    let place = folder.join("leanrepl");
    let beside = folder.join("leanrepl.new");
    let built = cargo::build_folder(root)?
        .join(target)
        .join(profile.as_str())
        .join("leanrepl");
    fs::copy(&built, &beside).with_context(|| format!("cannot copy `{}`", built.display()))?;
    fs::rename(&beside, &place)?;
    Ok(place)
}

/// `cargo run` with these words, of the same build.
pub(crate) fn run_cargo(
    root: &Path,
    profile: Profile,
    words: &[&str],
) -> anyhow::Result<ExitStatus> {
    let mut command = cargo(root, "run", profile, target()?);
    let status = command.arg("--").args(words).status();
    status.context("cannot start cargo")
}

/// Cargo for a binary that needs nothing of the system it runs on.
fn cargo(root: &Path, verb: &str, profile: Profile, target: &str) -> Command {
    let flags = match target {
        GLIBC => "-C target-feature=+crt-static -C strip=symbols",
        _ => "-C strip=symbols",
    };
    let mut command = Command::new("cargo");
    command
        .args([verb, "--profile", profile.as_str(), "--locked"])
        .args(["--target", target, "--features", profile.features()])
        // With a target named, the flags are not those of build scripts and macros.
        .env("RUSTFLAGS", flags)
        .current_dir(root)
        .stdin(Stdio::null());
    command
}

/// The best target that Rust can build for here.
fn target() -> anyhow::Result<&'static str> {
    if !has_musl()? {
        return Ok(GLIBC);
    }
    anyhow::ensure!(
        has_musl_compiler(),
        "zstd is in C, and there is no C compiler for musl; on Debian: apt-get install musl-tools"
    );
    Ok(MUSL)
}

/// Whether Rust can build for musl here. One that is not managed by rustup is not asked.
fn has_musl() -> anyhow::Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", MUSL])
        .output()
        .context("cannot start rustc")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}

/// Whether the `cc` crate finds a C compiler for musl: by a variable or under one of the names that it tries.
fn has_musl_compiler() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    is_set("CC_x86_64_unknown_linux_musl")
        || is_set("CC_x86_64-unknown-linux-musl")
        || is_set("TARGET_CC")
        || is_set("CC")
        || answers("musl-gcc")
        || answers("x86_64-linux-musl-gcc")
}

/// The files by which shells complete command lines.
fn completions(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let mut command = leanrepl::internals::command();
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut command, "leanrepl", folder)?;
    }
    Ok(())
}

/// The pages of the manual, one for each command.
fn manual(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(leanrepl::internals::command(), folder)?;
    Ok(())
}

/// The digests of all files, in the form that `sha256sum --check` reads.
fn checksums(folder: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for inner in ["", "completions", "man"] {
        for entry in fs::read_dir(folder.join(inner))? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.display().to_string();
            if path.is_file() && name != SUMS {
                files.push((name, digest::of_file(&path)?.0));
            }
        }
    }
    files.sort();
    let lines = files
        .iter()
        .map(|(name, digest)| format!("{digest}  {name}\n"));
    let text: String = lines.collect();
    fs::write(folder.join(SUMS), text)?;
    Ok(())
}

/// The file of digests.
const SUMS: &str = "SHA256SUMS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_and_command_has_its_file_with_its_digest() {
        let folder = std::env::temp_dir().join(format!("leanrepl-dist-{}", std::process::id()));
        completions(&folder.join("completions")).unwrap();
        manual(&folder.join("man")).unwrap();
        checksums(&folder).unwrap();
        let sums = fs::read_to_string(folder.join(SUMS)).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        for name in [
            "completions/leanrepl.bash",
            "completions/_leanrepl",
            "completions/leanrepl.fish",
            "man/leanrepl.1",
            "man/leanrepl-build-image.1",
        ] {
            assert!(sums.contains(&format!("  {name}\n")), "{sums}");
        }
    }
}
