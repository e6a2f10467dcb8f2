//! A copy of a Worker's folder for a trial on this machine: its containers' images are taken from this
//! machine, and no limit to requests holds. Never writes into the folder itself and runs nothing of it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::deploy::cloudflare::config;
use crate::deploy::cloudflare::folder::Folder;
use crate::deploy::cloudflare::image::ImageRef;
use crate::deploy::cloudflare::jsonc;
use crate::deploy::cloudflare::local::{self, Engine};
use crate::deploy::cloudflare::name::RouteName;
use crate::deploy::cloudflare::plan::Plan;
use crate::deploy::cloudflare::tools::wrangler;
use crate::env_vars;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;
use crate::names;
use crate::process::sandbox::folder::Folder as Temporary;
use crate::work::WorkContext;

/// `docker` for an engine that cannot build as wrangler wants it to.
const CLASSIC: &str = include_str!("../../../templates/docker-classic.sh");

/// What of the folder is not taken over: what is written anew, what wrangler leaves, and the user's own
/// secrets.
const LEFT_OUT: [&str; 3] = [config::FILE, ".wrangler", ".dev.vars"];

/// More requests a minute than any trial sends.
const NO_LIMIT: u32 = 1_000_000;

/// One container of the Worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: RouteName,
    pub(crate) image: String,
    pub(crate) size: Bytes,
}

/// A copy of a folder, ready to be run.
pub(crate) struct Stage {
    /// Holds all that is made for it.
    temporary: Temporary,
    pub(crate) parts: Vec<Part>,
    /// The trial's name, by which Docker knows what belongs to it.
    pub(super) trial: String,
    pub(super) key: String,
    pub(crate) port: u16,
    pub(super) engine: Engine,
}

impl Stage {
    /// Copies a folder.
    ///
    /// # Errors
    /// A folder without containers or packages, no Docker, an image that is not on this machine, a port
    /// that is taken.
    pub(crate) fn new(
        folder: &Folder,
        plan: &Plan,
        port: Option<u16>,
        work: WorkContext<'_>,
    ) -> Result<Self, Failure> {
        // Says what lacks before anything is made.
        wrangler(folder, work)?;
        let file = folder.config()?.unwrap_or(jsonc::Value {
            line: 1,
            what: jsonc::What::Null,
        });
        let named = named(folder, plan, &file)?;
        let engine = local::engine(work)?;
        let mut parts = Vec::new();
        for (name, image) in named {
            parts.push(here(name, image, work)?);
        }
        let port = free_port(port)?;
        let stage = Self {
            temporary: Temporary::new(&env_vars::temporary_folder()).map_err(unwritable)?,
            parts,
            trial: random()?,
            key: random()?,
            port,
            engine,
        };
        stage.furnish(folder, &file).map_err(unwritable)?;
        Ok(stage)
    }

    /// The copy of the folder.
    pub(super) fn folder(&self) -> PathBuf {
        self.temporary.path().join("worker")
    }

    /// The Dockerfile for a container.
    fn dockerfile(&self, name: &RouteName) -> PathBuf {
        let images = self.temporary.path().join("images");
        images.join(name.as_str()).join("Dockerfile")
    }

    /// Writes all that wrangler reads.
    fn furnish(&self, folder: &Folder, file: &jsonc::Value) -> io::Result<()> {
        let copy = self.folder();
        fs::create_dir(&copy)?;
        for entry in fs::read_dir(std::path::absolute(folder.dir())?)? {
            let entry = entry?;
            let name = entry.file_name();
            if !LEFT_OUT.iter().any(|known| name == *known) {
                symlink(entry.path(), copy.join(name))?;
            }
        }
        for part in &self.parts {
            let path = self.dockerfile(&part.name);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            let text = local::dockerfile(&part.image, part.name.as_str(), &self.trial);
            fs::write(path, text)?;
        }
        let classic = self.classic();
        fs::write(&classic, CLASSIC)?;
        fs::set_permissions(&classic, fs::Permissions::from_mode(0o700))?;
        let place = |class: &str| {
            let part = self.parts.iter().find(|part| part.name.class() == class)?;
            Some(self.dockerfile(&part.name))
        };
        let config = staged(file, &place).map_err(io::Error::other)?;
        fs::write(copy.join(config::FILE), config.to_string())
    }

    /// The program in Docker's place.
    pub(super) fn classic(&self) -> PathBuf {
        self.temporary.path().join("docker")
    }
}

/// The Worker's containers, each with its image.
fn named(
    folder: &Folder,
    plan: &Plan,
    file: &jsonc::Value,
) -> Result<Vec<(RouteName, String)>, Failure> {
    let shown = folder.dir().display();
    let mut named = Vec::new();
    for container in file.list("containers") {
        let text = |key: &str| container.get(key).and_then(jsonc::Value::text);
        let (class, image) = (
            text("class_name").unwrap_or_default(),
            text("image").unwrap_or_default(),
        );
        let mut known = plan.containers.iter();
        let Some(known) = known.find(|known| known.name.class() == class) else {
            return Err(Failure::new(
                Kind::Usage,
                format!(
                    "`{shown}` has a container `{class}` that `leanrepl cloudflare init` did not make"
                ),
                "take it out of `wrangler.jsonc` for the trial, or run wrangler yourself",
            ));
        };
        if let Err(unfit) = ImageRef::settled(image) {
            return Err(Failure::new(
                Kind::Usage,
                format!("the image `{image}` of `{}` {unfit}", known.name),
                unfit.hint(),
            ));
        }
        named.push((known.name.clone(), image.to_owned()));
    }
    if named.is_empty() {
        return Err(Failure::new(
            Kind::Usage,
            format!("`{shown}` has no containers that could be tried"),
            "make a stub real with `leanrepl cloudflare init DIR --container NAME=IMAGE`",
        ));
    }
    Ok(named)
}

/// A container whose image is on this machine.
fn here(name: RouteName, image: String, work: WorkContext<'_>) -> Result<Part, Failure> {
    match local::size(&image, work)? {
        Some(size) => Ok(Part { name, image, size }),
        None => Err(Failure::new(
            Kind::Remote,
            format!("the image `{image}` of `{name}` is not on this machine"),
            format!(
                "build it with `leanrepl build-image --tag {image}`, or fetch it with `docker pull {image}`"
            ),
        )),
    }
}

/// `wrangler.jsonc` for a stage: images built from where `place` says for their class, and no limit to
/// requests.
fn staged(
    file: &jsonc::Value,
    place: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<Value, serde_json::Error> {
    let mut config = serde_json::to_value(file)?;
    let items = |config: &mut Value, key: &str| {
        let list = config.get_mut(key).and_then(Value::as_array_mut);
        list.map(std::mem::take).unwrap_or_default()
    };
    let mut containers = items(&mut config, "containers");
    for container in &mut containers {
        let class = container.get("class_name").and_then(Value::as_str);
        if let (Some(path), Some(fields)) = (class.and_then(place), container.as_object_mut()) {
            fields.insert("image".to_owned(), json!(path));
        }
    }
    let mut limits = items(&mut config, "ratelimits");
    for simple in limits
        .iter_mut()
        .filter_map(|limit| limit.get_mut("simple"))
    {
        if let Some(fields) = simple.as_object_mut() {
            fields.insert("limit".to_owned(), json!(NO_LIMIT));
        }
    }
    if let Some(fields) = config.as_object_mut() {
        fields.insert("containers".to_owned(), Value::Array(containers));
        if !limits.is_empty() {
            fields.insert("ratelimits".to_owned(), Value::Array(limits));
        }
    }
    Ok(config)
}

/// The port that was asked for, or any that is free.
fn free_port(port: Option<u16>) -> Result<u16, Failure> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
    bound
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|err| {
            let shown = port.map_or_else(|| "any port".to_owned(), |port| format!("port {port}"));
            Failure::new(
                Kind::Remote,
                format!("{shown} of this machine cannot be listened on"),
                "name a free one with `--port N`, or leave it out",
            )
            .caused_by(err)
        })
}

/// A name that cannot be guessed.
fn random() -> Result<String, Failure> {
    names::random()
        .map_err(|err| Failure::bug("this system has no source of random bytes").caused_by(err))
}

/// What a user is told if the copy cannot be made.
fn unwritable(err: io::Error) -> Failure {
    let shown = env_vars::temporary_folder();
    Failure::new(
        Kind::Usage,
        format!(
            "the folder cannot be copied for the trial to `{}`",
            shown.display()
        ),
        "make room there, or name another folder for temporary files with `TMPDIR`",
    )
    .caused_by(err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloudflare::config::Old;
    use crate::deploy::cloudflare::plan::{WorkerRequest as PlanWish, tests::plan};

    #[test]
    fn on_a_stage_images_are_built_from_this_machines_and_no_limit_holds() {
        let request = PlanWish {
            rate_limit: Some(5),
            ..PlanWish::default()
        };
        let plan = plan(&["core-4-28-0", "lean-4-27-0"])
            .with(&request)
            .unwrap();
        let text = config::text(&plan, &Old::default()).unwrap();
        let file = jsonc::Value::read(&text).unwrap();
        let place = |class: &str| Some(PathBuf::from(format!("/stage/{class}/Dockerfile")));
        let staged = staged(&file, &place).unwrap();
        let mut same = file.to_json();
        assert_ne!(staged, same);
        same["containers"][0]["image"] = json!("/stage/Core_4_28_0/Dockerfile");
        same["containers"][1]["image"] = json!("/stage/Lean_4_27_0/Dockerfile");
        same["ratelimits"][0]["simple"]["limit"] = json!(NO_LIMIT);
        assert_eq!(staged, same);
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let failure = free_port(Some(port)).unwrap_err();
        assert_eq!(
            failure.problem(),
            format!("port {port} of this machine cannot be listened on")
        );
        assert_ne!(free_port(None).unwrap(), 0);
    }

    #[test]
    fn names_differ() {
        assert_ne!(random().unwrap(), random().unwrap());
    }
}
