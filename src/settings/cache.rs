//! Where results are kept, as flags and variables say. Opens nothing.

use std::path::PathBuf;

use crate::cli::cache::CacheArgs;
use crate::data_dir::DataDir;
use crate::engine::cache::sqlite::Bounds;
use crate::env_vars;
use crate::failure::{Failure, Kind};
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
            "name `auto`, `off` or a folder",
        )),
        _ if text.contains("://") => Err(Failure::new(
            Kind::Usage,
            format!("results cannot be kept in `{text}`"),
            "name `auto`, `off` or a folder",
        )),
        _ => {
            let folder = PathBuf::from(text);
            Ok(Place::Folder(
                std::path::absolute(&folder).unwrap_or(folder),
            ))
        }
    }
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
        let failure = place(Some("memcached://host"), "off").unwrap_err();
        assert!(failure.problem().contains("`memcached://host`"));
        assert!(place(Some(" "), "off").is_err());
    }
}
