//! What elan would run, in a home and folders made for the test.

use std::os::unix::fs::symlink;

use super::*;

/// A home of elan and a project below a folder, none of which names a toolchain.
struct Place {
    _folder: tempfile::TempDir,
    above: PathBuf,
    elan: Elan,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let home = root.join("elan");
        fs::create_dir_all(home.join("toolchains")).unwrap();
        fs::create_dir_all(root.join("above/project")).unwrap();
        Self {
            elan: Elan {
                home: Some(home),
                variables: Variables::new(),
                toolchain_variable: None,
            },
            above: root.join("above"),
            _folder: folder,
        }
    }

    /// Writes a file below the folder above the project.
    fn write(&self, name: &str, text: &str) {
        let path = self.above.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn prefer(&self, text: &str) {
        let home = self.elan.home.as_ref().unwrap();
        fs::write(
            home.join("settings.toml"),
            format!("version = \"12\"\n{text}"),
        )
        .unwrap();
    }

    /// Which toolchain the project gets, and from where.
    fn active(&self) -> Result<(String, Origin), Failure> {
        let active = self.elan.active(&self.above.join("project"))?;
        Ok((active.toolchain.to_string(), active.origin))
    }
}

#[test]
fn what_is_nearer_to_the_project_wins_and_the_variable_over_all() {
    let mut place = Place::new();
    let above = place.above.clone();
    place.prefer("default_toolchain = \"stable\"\n[overrides]\n");
    let stable = "leanprover/lean4:stable".to_owned();
    assert_eq!(place.active().unwrap(), (stable, Origin::Default));

    let overrides = format!("[overrides]\n{above:?} = \"leanprover/lean4:v4.26.0\"\n");
    place.prefer(&overrides);
    let set = (
        "leanprover/lean4:v4.26.0".to_owned(),
        Origin::Override(above.clone()),
    );
    assert_eq!(place.active().unwrap(), set);

    // In one folder the override comes first, yet a file further down is nearer.
    place.write("lean-toolchain", "v4.25.0\n");
    assert_eq!(place.active().unwrap(), set);
    place.write("project/lean-toolchain", "4.27.0\n");
    let file = Origin::File(above.join("project/lean-toolchain"));
    let written = ("leanprover/lean4:v4.27.0".to_owned(), file);
    assert_eq!(place.active().unwrap(), written);

    place.elan.toolchain_variable = Some("v4.9.0".into());
    let wished = ("leanprover/lean4:v4.9.0".to_owned(), Origin::Variable);
    assert_eq!(place.active().unwrap(), wished);
}

#[test]
fn a_linked_name_is_taken_as_it_is_whatever_origin_is_written() {
    let place = Place::new();
    let toolchains = place.elan.home.as_ref().unwrap().join("toolchains");
    symlink(&place.above, toolchains.join("v4.27.0")).unwrap();
    place.write("project/lean-toolchain", "leanprover/lean4:v4.27.0");
    assert_eq!(place.active().unwrap().0, "v4.27.0");
    fs::remove_file(toolchains.join("v4.27.0")).unwrap();
    assert_eq!(place.active().unwrap().0, "leanprover/lean4:v4.27.0");
}

#[test]
fn a_folder_is_a_toolchain_if_it_holds_a_lean() {
    let place = Place::new();
    place.write("my lean/bin/lean", "");
    let folder = place.above.join("my lean");
    place.write("project/lean-toolchain", "../my lean\n");
    assert_eq!(place.active().unwrap().0, folder.display().to_string());
    place.write("project/lean-toolchain", "../elsewhere");
    let failure = place.active().unwrap_err();
    let cause = failure.causes().concat();
    assert!(cause.ends_with("project/../elsewhere/bin/lean`"), "{cause}");
}

#[test]
fn a_text_that_names_none_is_called_so_with_its_place() {
    let mut place = Place::new();
    assert!(
        place
            .active()
            .unwrap_err()
            .problem()
            .starts_with("nothing says which toolchain")
    );
    place.write("project/lean-toolchain", "\n# later\n");
    let failure = place.active().unwrap_err();
    assert!(
        failure
            .problem()
            .ends_with("/project/lean-toolchain` names no toolchain")
    );
    assert_eq!(failure.causes(), ["its first line is empty"]);
    place.elan.toolchain_variable = Some("what ever".into());
    let failure = place.active().unwrap_err();
    assert_eq!(
        failure.problem(),
        "the variable `ELAN_TOOLCHAIN` names no toolchain"
    );
}

#[test]
fn settings_that_are_no_toml_are_named() {
    let place = Place::new();
    place.prefer("= 3");
    let failure = place.active().unwrap_err();
    assert!(failure.problem().contains("settings.toml"), "{failure}");
    assert_eq!(failure.kind(), Kind::Project);
}
