//! The programs that reach Cloudflare and registries for us: wrangler from the folder's own packages, and
//! the user's Docker. Never reads what they say to people.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deploy::cloudflare::check::Seen;
use crate::deploy::cloudflare::folder::Folder;
use crate::deploy::cloudflare::image::ImageRef;
use crate::env_vars::{self, WRANGLER_SEND_METRICS};
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, Deadline};
use crate::process::run::Run;
use crate::work::WorkContext;

/// Where wrangler says what it did, in JSON lines, if it is asked to.
const OUTPUT: &str = ".wrangler/leanrepl-deploy.ndjson";

/// Longest wait for Docker to say what it knows.
const LOOK: Duration = Duration::from_secs(30);

/// Asks for `/health` until it is ready.
const POLL: &str = include_str!("../../../templates/worker/poll.mjs");

/// wrangler, as the folder's `package.json` pins it.
pub(super) fn wrangler(folder: &Folder, work: WorkContext<'_>) -> Result<Run, Failure> {
    let dir = std::path::absolute(folder.dir()).unwrap_or_else(|_| folder.dir().to_owned());
    let program = dir.join("node_modules/.bin/wrangler");
    if !program.exists() {
        return Err(Failure::new(
            Kind::Project,
            format!("wrangler is not installed in `{}`", folder.dir().display()),
            format!("run `npm install` in `{}`", folder.dir().display()),
        ));
    }
    Ok(Run::new(program)
        .dir(dir)
        .environment(env_vars::for_cloudflare())
        .var(WRANGLER_SEND_METRICS.name, "false")
        .var(env_vars::CI.name, "1")
        .var(env_vars::NO_COLOR.name, "1")
        .deadline(work.deadline)
        .kind(Kind::Remote))
}

/// Lets wrangler look at the folder without deploying it.
///
/// # Errors
/// What wrangler objects to.
pub(crate) fn dry_run(folder: &Folder, work: WorkContext<'_>) -> Result<(), Failure> {
    wrangler(folder, work)?
        .args(["deploy", "--dry-run"])
        .purpose("checking the Worker")
        .kind(Kind::Usage)
        .hint("fix what wrangler names; `-v` shows all that it says")
        .finish(work.observer.as_ref(), work.cancel)
        .map(drop)
}

/// Deploys the folder and tells the address of the Worker, if wrangler says one.
///
/// # Errors
/// What keeps wrangler from it.
pub(crate) fn deploy(folder: &Folder, work: WorkContext<'_>) -> Result<Option<String>, Failure> {
    let output = folder.dir().join(OUTPUT);
    // What an earlier deploy left there must not be taken for the answer of this one. If the folder
    // cannot be made, wrangler says so.
    let _made = output.parent().map(std::fs::create_dir_all);
    let _absent = std::fs::remove_file(&output);
    wrangler(folder, work)?
        .arg("deploy")
        .var("WRANGLER_OUTPUT_FILE_PATH", OUTPUT)
        .purpose("deploying the Worker")
        .hint("log in with `npx wrangler login` or set `CLOUDFLARE_API_TOKEN`, and fix what wrangler names")
        .finish(work.observer.as_ref(), work.cancel)?;
    Ok(folder.read(OUTPUT)?.as_deref().and_then(address))
}

/// The address in what wrangler wrote down.
fn address(lines: &str) -> Option<String> {
    let deployed = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .rfind(|line| line.get("type").and_then(serde_json::Value::as_str) == Some("deploy"))?;
    let targets = deployed.get("targets")?.as_array()?;
    let mut texts = targets.iter().filter_map(serde_json::Value::as_str);
    texts
        .find(|text| text.starts_with("https://"))
        .map(|text| text.trim_end_matches('/').to_owned())
}

/// Asks each name's `/health` under an address until it is ready.
///
/// # Errors
/// One that is not ready at the deadline, or that does not take the key.
pub(crate) fn wait_until_ready(
    address: &str,
    names: &[&str],
    work: WorkContext<'_>,
) -> Result<(), Failure> {
    let left = work.deadline.left();
    let mut variables = env_vars::for_npm();
    // Not set on the command, since `-v` echoes what is.
    let key = env_vars::read(env_vars::API_KEY);
    variables.extend(key.map(|key| (env_vars::API_KEY.name.into(), key)));
    Run::new("node")
        .args(["--input-type=module", "-e", POLL, "--"])
        .arg(left.as_millis().to_string())
        .args(names.iter().map(|name| format!("{address}/{name}/health")))
        .environment(variables)
        .purpose("waiting until the Worker is ready")
        // It looks at the time itself and says what it saw last.
        .deadline(Deadline::after(left + LOOK + LOOK))
        .kind(Kind::Remote)
        .hint("a first deploy takes minutes to spread: look at `npx wrangler tail` and run it again, or give it longer with `--timeout`")
        .finish(work.observer.as_ref(), work.cancel)
        .map(drop)
}

/// Installs what the folder's `package.json` pins.
///
/// # Errors
/// No npm, and what keeps it from installing.
pub(crate) fn install(folder: &Folder, work: WorkContext<'_>) -> Result<(), Failure> {
    Run::new("npm")
        .args([
            "install",
            // The programs of the packages come in packages of their own.
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ])
        .dir(folder.dir())
        .environment(env_vars::for_npm())
        .purpose("installing wrangler")
        .deadline(work.deadline)
        .kind(Kind::Remote)
        .hint("see that npm reaches its registry: `npm ping`; `-v` shows all that it says")
        .hint_if_missing("install Node 20 or later with npm")
        .finish(work.observer.as_ref(), work.cancel)
        .map(drop)
}

/// The user's Docker: the program that wrangler would take.
pub(super) fn docker(work: WorkContext<'_>) -> Run {
    let named = env_vars::read(env_vars::WRANGLER_DOCKER_BIN);
    Run::new(named.unwrap_or_else(|| "docker".into()))
        .environment(env_vars::for_cloudflare())
        .deadline(work.deadline)
        .kind(Kind::Remote)
}

/// What Docker knows of each image.
///
/// # Errors
/// The interrupt of the user.
pub(crate) fn look(
    images: &[ImageRef],
    work: WorkContext<'_>,
) -> Result<BTreeMap<String, Seen>, Failure> {
    let brief = || WorkContext {
        deadline: Deadline::after(LOOK.min(work.deadline.left())),
        ..work
    };
    let asked = |args: &[&str]| {
        let run = docker(brief())
            .args(args.iter().copied())
            .purpose("looking at an image");
        match run.finish(work.observer.as_ref(), work.cancel) {
            Ok(output) => Ok(Some(
                String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            )),
            Err(failure) if failure.kind() == Kind::Interrupted => Err(failure),
            Err(_) => Ok(None),
        }
    };
    let mut seen = BTreeMap::new();
    if images.is_empty() {
        return Ok(seen);
    }
    // Without a daemon an image that is not found says nothing.
    if asked(&["version", "--format", "{{.Server.Version}}"])?.is_none() {
        work.observer.tell(Event::Noted {
            text: "Docker does not answer, so that the images were not looked at",
        });
        return Ok(seen);
    }
    for image in images {
        let size = asked(&["image", "inspect", "--format", "{{.Size}}", image.as_str()])?;
        let known = match size.and_then(|size| size.parse().ok()) {
            Some(bytes) => Seen::Here(Bytes::new(bytes)),
            None if asked(&["manifest", "inspect", image.as_str()])?.is_some() => Seen::There,
            // Docker has no key to this registry unless wrangler gave it one.
            None if image.is_at_cloudflare() => {
                let text = format!(
                    "`{image}` is not on this machine, and only wrangler can look into its registry: `npx wrangler containers images list`"
                );
                work.observer.tell(Event::Noted { text: &text });
                Seen::Unknown
            }
            None => Seen::Nowhere,
        };
        seen.insert(image.as_str().to_owned(), known);
    }
    Ok(seen)
}

/// Pushes an image of this machine to its registry: with wrangler to Cloudflare's, to which it has the key.
///
/// # Errors
/// What keeps it from being pushed.
pub(crate) fn push(
    folder: &Folder,
    image: &ImageRef,
    work: WorkContext<'_>,
) -> Result<(), Failure> {
    let run = if image.is_at_cloudflare() {
        wrangler(folder, work)?
            .args(["containers", "push", image.as_str()])
            .hint("log in with `npx wrangler login` or set `CLOUDFLARE_API_TOKEN`; the account in the reference must be yours")
    } else {
        docker(work)
            .args(["push", image.as_str()])
            .hint("log in to the registry with `docker login`")
    };
    run.purpose(format!("pushing `{image}`"))
        .finish(work.observer.as_ref(), work.cancel)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_what_wrangler_writes_for_programs() {
        let lines = r#"{"type":"wrangler-session","version":1}
{"type":"deploy","version":1,"targets":["lean.example/* (zone name: lean.example)","https://lean.me.workers.dev"]}
"#;
        assert_eq!(
            address(lines).as_deref(),
            Some("https://lean.me.workers.dev")
        );
        for lines in [
            "",
            "{",
            r#"{"type":"deploy","targets":null}"#,
            r#"{"type":"deploy","targets":["x"]}"#,
        ] {
            assert_eq!(address(lines), None, "{lines}");
        }
    }
}
