//! Names and passwords for registries, from the settings of Docker's client and its helper programs.
//! Never shown, and never handed to anything but Docker's daemon.

use std::collections::HashMap;
use std::fs;

use bollard::auth::DockerCredentials;
use serde::Deserialize;

use crate::deploy::docker::endpoint::config_folder;
use crate::env_vars;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;
use crate::process::run::Run;
use crate::work::WorkContext;

/// The registry of names without one, as the settings and the helpers know it.
const HUB: &str = "https://index.docker.io/v1/";

/// The name that helpers give to a user who has a token instead of a password.
const TOKEN: &str = "<token>";

/// The most that is taken of what a helper says.
const ANSWER: Bytes = Bytes::mib(1);

/// The settings that say how to log in.
#[derive(Debug, Default, Deserialize)]
struct Config {
    /// What is known by registry.
    #[serde(default)]
    auths: HashMap<String, Auth>,
    /// The helper for all registries without one of their own.
    #[serde(rename = "credsStore")]
    store: Option<String>,
    /// Helpers by registry.
    #[serde(rename = "credHelpers", default)]
    helpers: HashMap<String, String>,
}

/// What is known about one registry.
#[derive(Debug, Default, Deserialize)]
struct Auth {
    /// Name and password, as `base64(NAME:PASSWORD)`. Docker's daemon takes it apart.
    auth: Option<String>,
    identitytoken: Option<String>,
}

/// What a helper says.
#[derive(Deserialize)]
struct Answer {
    /// The name.
    #[serde(rename = "Username")]
    name: String,
    /// The password or token.
    #[serde(rename = "Secret")]
    secret: String,
}

/// The registry that the name of an image begins with, as the settings know it.
pub(crate) fn registry(image: &str) -> String {
    // As in Docker's own grammar: a first part with a dot or a port, or `localhost`, is a host.
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => match host {
            "docker.io" | "index.docker.io" => HUB.to_owned(),
            host => host.to_owned(),
        },
        _ => HUB.to_owned(),
    }
}

/// How to log in to the registry of an image, if the user ever did.
///
/// # Errors
/// Settings that cannot be read, and a helper that fails.
pub(super) fn for_image(
    image: &str,
    work: WorkContext<'_>,
) -> Result<Option<DockerCredentials>, Failure> {
    of(&config()?, &registry(image), work)
}

/// All that the settings hold themselves, for the bases of a build. Helpers are not asked: each may
/// open a window.
pub(super) fn all(work: WorkContext<'_>) -> Result<HashMap<String, DockerCredentials>, Failure> {
    let mut config = config()?;
    config.store = None;
    config.helpers.clear();
    let mut found = HashMap::new();
    for registry in config.auths.keys() {
        if let Some(known) = of(&config, registry, work)? {
            found.insert(registry.clone(), known);
        }
    }
    Ok(found)
}

/// How to log in to a registry.
fn of(
    config: &Config,
    registry: &str,
    work: WorkContext<'_>,
) -> Result<Option<DockerCredentials>, Failure> {
    if let Some(helper) = config.helpers.get(registry).or(config.store.as_ref()) {
        return ask(helper, registry, work).map(Some);
    }
    // Some programs write the address with its protocol.
    let known = [registry.to_owned(), format!("https://{registry}")];
    let auth = known.iter().find_map(|name| config.auths.get(name));
    Ok(auth.map(|auth| {
        let pair = auth.auth.as_deref().and_then(pair);
        let (username, password) = pair.unzip();
        DockerCredentials {
            username,
            password,
            identitytoken: auth.identitytoken.clone(),
            serveraddress: Some(registry.to_owned()),
            ..DockerCredentials::default()
        }
    }))
}

/// The settings; those of a user who has none are empty.
fn config() -> Result<Config, Failure> {
    let Some(path) = config_folder().map(|folder| folder.join("config.json")) else {
        return Ok(Config::default());
    };
    let Ok(text) = fs::read(&path) else {
        return Ok(Config::default());
    };
    serde_json::from_slice(&text).map_err(|err| {
        Failure::new(
            Kind::Usage,
            format!("Docker's settings in `{}` cannot be read", path.display()),
            "fix the file, or name another folder with the variable `DOCKER_CONFIG`",
        )
        .caused_by(err)
    })
}

fn ask(helper: &str, registry: &str, work: WorkContext<'_>) -> Result<DockerCredentials, Failure> {
    let program = format!("docker-credential-{helper}");
    let bug = |err: std::io::Error| Failure::bug("cannot ask for credentials").caused_by(err);
    let mut question = tempfile().map_err(bug)?;
    std::io::Write::write_all(&mut question, registry.as_bytes()).map_err(bug)?;
    std::io::Seek::rewind(&mut question).map_err(bug)?;
    let failed = |failure: Failure| {
        Failure::new(
            Kind::Remote,
            format!("no credentials for `{registry}`"),
            "log in first with `docker login`, and run the same command again",
        )
        .caused_by(failure)
    };
    // What it says goes nowhere but here: an observer would show it under `-v`.
    let output = Run::new(&program)
        .arg("get")
        .environment(env_vars::for_network())
        .stdin(question)
        .purpose(format!("asking for the credentials of `{registry}`"))
        .kind(Kind::Remote)
        .max_stdout(ANSWER)
        .finish(&crate::event::Unobserved, work.cancel)
        .map_err(|failure| match failure.kind() {
            Kind::Interrupted => failure,
            _ => failed(Failure::new(
                failure.kind(),
                failure.problem(),
                failure.hint(),
            )),
        })?;
    let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_secret| {
        let problem = format!("`{program}` does not answer as a helper of Docker does");
        failed(Failure::new(
            Kind::Remote,
            problem,
            "see that it is installed properly",
        ))
    })?;
    let mut known = DockerCredentials {
        serveraddress: Some(registry.to_owned()),
        ..DockerCredentials::default()
    };
    if answer.name == TOKEN {
        known.identitytoken = Some(answer.secret);
    } else {
        (known.username, known.password) = (Some(answer.name), Some(answer.secret));
    }
    Ok(known)
}

/// A file without a name, for what a helper reads.
fn tempfile() -> std::io::Result<fs::File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(memfd_create("registry", MemfdFlags::CLOEXEC)?.into())
}

/// The name and the password in what the settings hold.
fn pair(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(base64(auth)?).ok()?;
    let (name, password) = text.trim_end_matches('\0').split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// The bytes of a text in base64; none if it is no such text.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let digit = digits.iter().position(|known| *known == letter)?;
        bits = (bits << 6) | u32::try_from(digit).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_belongs_to_the_registry_of_its_name() {
        for (image, host) in [
            ("lean", HUB),
            ("me/lean:v1", HUB),
            ("docker.io/me/lean", HUB),
            ("localhost/lean", "localhost"),
            ("localhost:5000/lean", "localhost:5000"),
            ("ghcr.io/me/lean@sha256:00", "ghcr.io"),
        ] {
            assert_eq!(registry(image), host, "{image}");
        }
    }

    #[test]
    fn a_name_and_a_password_are_read() {
        // RFC 4648, and `user:pass:word`.
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
        }
        let known = pair("dXNlcjpwYXNzOndvcmQ=").unwrap();
        assert_eq!(known, ("user".to_owned(), "pass:word".to_owned()));
        assert_eq!(pair("?"), None);
        assert_eq!(pair("Zm9v"), None);
    }
}
