//! Passwords and keys from files and variables. Never shows one.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::env_vars;
use crate::failure::{Failure, Kind};

/// The most bytes of a file with a secret.
const LONGEST: u64 = 4096;

/// The bits of a file mode that let everyone read, write or run.
const OTHERS: u32 = 0o007;

/// Bytes that are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Its bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The password of a Redis server: that in the file, else that in the variable, without the line end.
    ///
    /// # Errors
    /// A file that cannot be used (see `Secret::from_file`), or an empty password in it.
    pub fn password(file: Option<&Path>) -> Result<Option<Self>, Failure> {
        let Some(path) = file else {
            let value = env_vars::read(env_vars::REDIS_PASSWORD);
            return Ok(value.map(|value| Self(value.into_encoded_bytes())));
        };
        let mut secret = Self::from_file(path, "--redis-password-file")?;
        while secret.0.last().is_some_and(|byte| b"\r\n".contains(byte)) {
            secret.0.pop();
        }
        if secret.0.is_empty() {
            return Err(Failure::new(
                Kind::Usage,
                format!("there is no password in `{}`", path.display()),
                "write the password of the Redis server into the file, as its only line",
            ));
        }
        Ok(Some(secret))
    }

    /// All of a file that not everyone can read.
    ///
    /// # Errors
    /// A file that is not there, is not a regular file, is longer than 4096 bytes, or that everyone can read.
    pub(crate) fn from_file(path: &Path, option: &str) -> Result<Self, Failure> {
        let shown = path.display();
        let unusable = |problem: String, hint: String| Failure::new(Kind::Usage, problem, hint);
        let unread = |err| {
            let problem = format!("cannot read `{shown}`");
            unusable(
                problem,
                format!("name a file that can be read with `{option} FILE`"),
            )
            .caused_by(err)
        };
        // A pipe could keep this waiting.
        let found = std::fs::metadata(path).map_err(unread)?;
        if !found.is_file() {
            let hint = format!("name a regular file with `{option} FILE`");
            return Err(unusable(format!("`{shown}` is not a file"), hint));
        }
        let file = File::open(path).map_err(unread)?;
        let found = file.metadata().map_err(unread)?;
        if found.permissions().mode() & OTHERS != 0 {
            return Err(unusable(
                format!("every user of this machine can read the secret in `{shown}`"),
                format!("run `chmod 600 {shown}`"),
            ));
        }
        let mut bytes = Vec::new();
        file.take(LONGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(unread)?;
        if bytes.len() as u64 > LONGEST {
            let hint = format!("name the file of the secret itself with `{option} FILE`");
            return Err(unusable(
                format!("`{shown}` is longer than {LONGEST} bytes"),
                hint,
            ));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file with that content and mode.
    fn file(folder: &Path, content: &[u8], mode: u32) -> std::path::PathBuf {
        let path = folder.join(format!("secret-{mode:o}-{}", content.len()));
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_password_is_the_line_of_its_file_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        for (content, mode) in [(&b"s3cret\r\n"[..], 0o600), (b"s3cret", 0o440)] {
            let path = file(folder.path(), content, mode);
            let secret = Secret::password(Some(&path)).unwrap().unwrap();
            assert_eq!(secret.bytes(), b"s3cret");
            assert_eq!(format!("{secret:?}"), "Secret(…)");
        }
    }

    #[test]
    fn a_file_that_cannot_hold_a_secret_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let long = vec![b'x'; 4097];
        for (path, problem) in [
            (folder.path().to_owned(), "is not a file"),
            (folder.path().join("none"), "cannot read"),
            (file(folder.path(), b"s3cret", 0o604), "every user"),
            (file(folder.path(), b"\n", 0o600), "no password"),
            (file(folder.path(), &long, 0o600), "longer than 4096"),
        ] {
            let failure = Secret::password(Some(&path)).unwrap_err();
            assert_eq!(failure.kind(), Kind::Usage);
            assert!(failure.problem().contains(problem), "{failure:?}");
            assert!(failure.problem().contains(&path.display().to_string()));
        }
    }
}
