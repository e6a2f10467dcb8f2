//! Where results are kept, as flags and variables say. Opens nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::cache::{CacheArgs, RedisArgs};
use crate::data_dir::DataDir;
use crate::engine::cache::redis_store::RedisSettings;
use crate::engine::cache::seal::SealKey;
use crate::engine::cache::sqlite::Bounds;
use crate::env_vars;
use crate::failure::{Failure, Kind};
use crate::process::launch::Launch;
use crate::process::sandbox;
use crate::redis::RedisUrl;
use crate::redis::secret::Secret;
use crate::settings::value;

/// The folder in the cache folder.
const FOLDER: &str = "results";

/// Where results are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere.
    Off,
    /// In a folder.
    Folder(PathBuf),
    /// On a Redis server.
    Redis(RedisUrl),
}

/// Where results are kept: what is named, else what the variable says, else `absent`.
///
/// # Errors
/// A server that this leanrepl cannot ask, and an empty name.
pub(crate) fn place(named: Option<&str>, absent: &str) -> Result<Place, Failure> {
    let variable = value::text(env_vars::CACHE)?;
    let text = named.or(variable.as_deref()).unwrap_or(absent).trim();
    match text {
        "off" => Ok(Place::Off),
        "auto" => Ok(Place::Folder(DataDir::locate()?.root().join(FOLDER))),
        "" => Err(Failure::new(
            Kind::Usage,
            "`--cache` names nothing",
            "name `auto`, `off`, a folder or `redis://HOST`",
        )),
        _ if RedisUrl::is_meant(text) => RedisUrl::parse(text).map(Place::Redis),
        _ if text.contains("://") => Err(Failure::new(
            Kind::Usage,
            format!("results cannot be kept in `{text}`"),
            "name `auto`, `off`, a folder or `redis://HOST`",
        )),
        _ => {
            let folder = PathBuf::from(text);
            Ok(Place::Folder(
                std::path::absolute(&folder).unwrap_or(folder),
            ))
        }
    }
}

/// How the Redis server at an address is used.
///
/// # Errors
/// A file with a password or a key that cannot be used.
pub(crate) fn redis(
    args: &RedisArgs,
    url: RedisUrl,
    max_age: Duration,
) -> Result<RedisSettings, Failure> {
    Ok(RedisSettings {
        url,
        password: Secret::password(args.redis_password_file.as_deref())?,
        prefix: args.redis_prefix.clone(),
        max_age,
        key: args
            .cache_key
            .as_deref()
            .map(SealKey::from_file)
            .transpose()?,
    })
}

/// Makes sure that confined sessions of a launch cannot read the password and the key.
///
/// # Errors
/// A file in a place that they read ([`Kind::Usage`]).
pub(crate) fn keep_from_sessions(args: &RedisArgs, launch: &Launch) -> Result<(), Failure> {
    let files = args.redis_password_file.iter().chain(&args.cache_key);
    for file in files {
        if let Some(root) = sandbox::exposing(launch, file) {
            return Err(Failure::new(
                Kind::Usage,
                format!(
                    "sources could read the secret in `{}`, because every session reads `{}`",
                    file.display(),
                    root.display()
                ),
                "move the file to a folder of its own, such as `/etc/leanrepl`",
            ));
        }
    }
    Ok(())
}

/// What may be kept.
pub(crate) fn bounds(args: &CacheArgs) -> Bounds {
    Bounds {
        size: args.cache_size,
        age: args.cache_max_age.get(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_absolute_and_a_server_is_refused_by_name() {
        assert_eq!(place(Some("off"), "auto").unwrap(), Place::Off);
        let Place::Folder(folder) = place(Some("results"), "off").unwrap() else {
            panic!("no folder");
        };
        assert!(folder.is_absolute() && folder.ends_with("results"));
        let Place::Redis(url) = place(Some("redis://host"), "off").unwrap() else {
            panic!("no server");
        };
        assert_eq!(url.to_string(), "redis://host:6379");
        let failure = place(Some("memcached://host"), "off").unwrap_err();
        assert!(failure.problem().contains("`memcached://host`"));
        assert!(place(Some(" "), "off").is_err());
    }
}
