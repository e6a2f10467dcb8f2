//! Where Docker's daemon listens, found as Docker's own client does: `DOCKER_HOST`, then the context
//! of `DOCKER_CONTEXT` or of `config.json`, then the usual socket. Never connects.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::digest;
use crate::env_vars;
use crate::failure::{Failure, Kind};

/// Where the daemon listens if nothing says otherwise.
const SOCKET: &str = "/var/run/docker.sock";

/// The context that stands for the usual socket.
const DEFAULT: &str = "default";

/// A place with the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) place: Place,
    /// What says so, as in "because …".
    pub(crate) why: String,
}

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A socket of this machine.
    Socket(PathBuf),
    /// A host and a port, without encryption.
    Tcp(String),
}

/// The settings of Docker's client that say where the daemon is.
#[derive(Debug, Default, Deserialize)]
struct Config {
    /// The context in use.
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

/// One context.
#[derive(Debug, Deserialize)]
struct Meta {
    /// What it leads to, by kind.
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

/// What a context leads to.
#[derive(Debug, Deserialize)]
struct Endpoints {
    docker: Target,
}

/// The daemon of a context.
#[derive(Debug, Deserialize)]
struct Target {
    /// Its address.
    #[serde(rename = "Host")]
    host: String,
}

impl Endpoint {
    /// The user's.
    ///
    /// # Errors
    /// An address that cannot be used, and a context that is not there.
    pub(crate) fn locate() -> Result<Self, Failure> {
        let text = |variable| env_vars::read(variable).map(|value| value.display().to_string());
        Self::choose(
            text(env_vars::DOCKER_HOST),
            text(env_vars::DOCKER_CONTEXT),
            config_folder().as_deref(),
        )
    }

    /// The same from what the variables say, and the folder of Docker's settings.
    fn choose(
        host: Option<String>,
        context: Option<String>,
        folder: Option<&Path>,
    ) -> Result<Self, Failure> {
        if let Some(host) = host {
            return Self::parse(&host, "`DOCKER_HOST` says so".to_owned());
        }
        let named = context.map(|name| (name, "`DOCKER_CONTEXT` names it".to_owned()));
        let current = || {
            let path = folder?.join("config.json");
            let config: Config = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((
                config.current_context?,
                format!("`{}` names it", path.display()),
            ))
        };
        match named.or_else(current) {
            Some((name, why)) if name != DEFAULT && !name.is_empty() => {
                Self::of_context(&name, &why, folder)
            }
            _ => Ok(Self {
                place: Place::Socket(PathBuf::from(SOCKET)),
                why: "nothing names another one".to_owned(),
            }),
        }
    }

    /// The endpoint of a context.
    fn of_context(name: &str, why: &str, folder: Option<&Path>) -> Result<Self, Failure> {
        let missing = |cause: String| {
            Failure::new(
                Kind::Usage,
                format!("Docker's context `{name}` cannot be used"),
                "list the contexts with `docker context ls`, and choose one with `docker context use`",
            )
            .caused_by(cause)
        };
        let folder = folder.ok_or_else(|| missing("there is no home folder".to_owned()))?;
        // Docker names the folder of a context by the digest of its name.
        let path = folder
            .join("contexts/meta")
            .join(digest::of_bytes(name.as_bytes()))
            .join("meta.json");
        let text = fs::read(&path)
            .map_err(|err| missing(format!("cannot read `{}`: {err}", path.display())))?;
        let meta: Meta = serde_json::from_slice(&text)
            .map_err(|err| missing(format!("`{}`: {err}", path.display())))?;
        Self::parse(
            &meta.endpoints.docker.host,
            format!("it is that of the context `{name}`, and {why}"),
        )
    }

    /// Reads an address as Docker writes it.
    fn parse(address: &str, why: String) -> Result<Self, Failure> {
        let place = match address.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Place::Socket(PathBuf::from(path)),
            Some(("tcp" | "http", host)) if !host.is_empty() => {
                Place::Tcp(host.trim_end_matches('/').to_owned())
            }
            _ => {
                return Err(Failure::new(
                    Kind::Usage,
                    format!("the address `{address}` of Docker's daemon cannot be used"),
                    "let `DOCKER_HOST` name a socket, such as `unix:///var/run/docker.sock`, or `tcp://HOST:PORT` \
                     without encryption; a daemon behind ssh is reached through `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`",
                )
                .caused_by(why));
            }
        };
        Ok(Self { place, why })
    }
}

/// The folder of the settings of Docker's client.
pub(crate) fn config_folder() -> Option<PathBuf> {
    env_vars::read(env_vars::DOCKER_CONFIG)
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env_vars::read(env_vars::HOME)?).join(".docker")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of settings in which a context is in use.
    fn folder(host: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let meta = dir
            .path()
            .join("contexts/meta")
            .join(digest::of_bytes(b"away"));
        fs::create_dir_all(&meta).unwrap();
        let text = format!(
            r#"{{"Name":"away","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
        );
        fs::write(meta.join("meta.json"), text).unwrap();
        let config = r#"{"auths":{},"currentContext":"away"}"#;
        fs::write(dir.path().join("config.json"), config).unwrap();
        dir
    }

    fn place(host: Option<&str>, context: Option<&str>, folder: Option<&Path>) -> Place {
        let owned = |text: &str| text.to_owned();
        Endpoint::choose(host.map(owned), context.map(owned), folder)
            .unwrap()
            .place
    }

    #[test]
    fn the_variable_outranks_the_context_and_that_the_usual_socket() {
        let socket = |path: &str| Place::Socket(PathBuf::from(path));
        let dir = folder("unix:///away.sock");
        let dir = Some(dir.path());
        assert_eq!(place(Some("unix:///x"), Some("away"), dir), socket("/x"));
        assert_eq!(place(None, None, dir), socket("/away.sock"));
        assert_eq!(place(None, Some("default"), dir), socket(SOCKET));
        assert_eq!(place(None, None, None), socket(SOCKET));
        assert_eq!(
            place(Some("tcp://h:2375/"), None, None),
            Place::Tcp("h:2375".to_owned())
        );
    }

    #[test]
    fn an_address_or_context_that_cannot_be_used_is_named() {
        let dir = folder("npipe:////./pipe/docker");
        for (host, context, problem) in [
            (
                Some("ssh://me@host"),
                None,
                "the address `ssh://me@host` of Docker's daemon cannot be used",
            ),
            (
                Some("unix://x"),
                None,
                "the address `unix://x` of Docker's daemon cannot be used",
            ),
            (
                None,
                None,
                "the address `npipe:////./pipe/docker` of Docker's daemon cannot be used",
            ),
            (
                None,
                Some("nowhere"),
                "Docker's context `nowhere` cannot be used",
            ),
        ] {
            let owned = |text: &str| text.to_owned();
            let chosen = Endpoint::choose(host.map(owned), context.map(owned), Some(dir.path()));
            assert_eq!(chosen.unwrap_err().problem(), problem);
        }
    }
}
