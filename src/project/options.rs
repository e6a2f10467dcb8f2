//! Which options of Lean hold for the modules of a project, as its Lake file says. Reads the form that Lake
//! calls TOML; a `lakefile.lean` is a program, which only Lake can translate into it. Never runs anything.
//!
//! These are the options of a build. `lake setup-file` says something else: the options of the language
//! server, to which `moreServerOptions` belong, and only after it has built what the file imports.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::lean::module_name::ModuleName;
use crate::lean::options::{ModuleOptions, OptionValue};

/// What a Lake file says about options.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LakeOptions {
    /// That of the package, which holds for all of its modules.
    package: Layer,
    /// Its libraries, in their order.
    libraries: Vec<Library>,
    /// The library whose options hold for what is in none.
    default_library: Option<usize>,
}

/// What a package or a library says.
#[derive(Debug, Clone, PartialEq, Default)]
struct Layer {
    is_debug: bool,
    /// `leanOptions`: the parts of names, with values.
    options: Vec<(Vec<String>, OptionValue)>,
    /// `weakLeanArgs`: arguments of `lean`.
    weak_arguments: Vec<String>,
    /// `moreLeanArgs`: arguments of `lean`, which come later.
    arguments: Vec<String>,
}

/// Modules with options of their own: a library, or an executable, whose only one is its root.
#[derive(Debug, Clone, PartialEq)]
struct Library {
    name: String,
    folder: PathBuf,
    /// Its roots, as paths without an extension.
    roots: Vec<PathBuf>,
    globs: Vec<Glob>,
    layer: Layer,
}

/// Some modules.
#[derive(Debug, Clone, PartialEq)]
enum Glob {
    /// This one.
    One(PathBuf),
    /// Those below this one.
    Below(PathBuf),
    /// This one and those below it.
    AndBelow(PathBuf),
}

/// The options of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) options: ModuleOptions,
    /// Arguments of `lean` that set no option.
    pub(crate) other_arguments: Vec<String>,
}

impl LakeOptions {
    /// Reads the TOML form of the Lake file of the project in `root`.
    ///
    /// # Errors
    /// A Lake file that Lake could not read either; the error is a phrase.
    pub(crate) fn parse(root: &Path, text: &str) -> Result<Self, String> {
        let table: Table = text
            .parse()
            .map_err(|err: toml::de::Error| err.message().to_owned())?;
        let sources = root.join(string(&table, "srcDir").unwrap_or("."));
        let mut libraries = Vec::new();
        for library in tables(&table, "lean_lib") {
            libraries.push(Library::of_library(library, &sources)?);
        }
        let of_libraries = libraries.len();
        for executable in tables(&table, "lean_exe") {
            libraries.push(Library::of_executable(executable, &sources)?);
        }
        let defaults = strings(&table, "defaultTargets");
        let mut names = libraries.iter().take(of_libraries).enumerate();
        let default_library = names
            .find(|(_, library)| defaults.contains(&library.name))
            .map(|(index, _)| index)
            .or((of_libraries > 0).then_some(0));
        Ok(Self {
            package: Layer::of(&table)?,
            libraries,
            default_library,
        })
    }

    /// The options of the module in a file, given by its real path; for a file that is in no library, those
    /// of the default library, else of the package.
    pub(crate) fn of_file(&self, file: &Path) -> Found {
        // Lake looks at the last library first (`Package.findModule?` in Lake/Config/Module.lean).
        let own = self.libraries.iter().rev();
        let own = own.into_iter().find(|library| library.has(file));
        self.merged(own.or_else(|| self.default_library()))
    }

    /// The options of a source that is in no file: those of the default library, else of the package.
    pub(crate) fn of_no_file(&self) -> Found {
        self.merged(self.default_library())
    }

    /// The folder in which the sources of a library are, and whether a file there is one of them; none if
    /// there is no library of that name.
    pub(crate) fn sources_of(&self, library: &str) -> Option<(&Path, impl Fn(&Path) -> bool)> {
        // Executables come after the libraries, and may have the name of one.
        let found = self.libraries.iter().find(|it| it.name == library)?;
        Some((found.folder.as_path(), |file: &Path| found.has(file)))
    }

    /// The default library, if the package has one.
    fn default_library(&self) -> Option<&Library> {
        self.libraries.get(self.default_library?)
    }

    /// The options of the package and of a library, in the order in which Lake hands them to Lean
    /// (`LeanLib.leanOptions`, `leanArgs` and `weakLeanArgs` in Lake/Config/LeanLib.lean).
    fn merged(&self, library: Option<&Library>) -> Found {
        let layers: Vec<&Layer> = std::iter::once(&self.package)
            .chain(library.map(|library| &library.layer))
            .collect();
        let mut options = ModuleOptions::default();
        if layers.iter().any(|layer| layer.is_debug) {
            // Older versions of Lean do not have it.
            options.set(&["weak", "debugAssertions"], OptionValue::Bool(true));
        }
        for (name, value) in layers.iter().flat_map(|layer| &layer.options) {
            let parts: Vec<&str> = name.iter().map(String::as_str).collect();
            // The name was found to be one when it was read.
            options.set(&parts, value.clone());
        }
        let weak = layers.iter().flat_map(|layer| &layer.weak_arguments);
        let strong = layers.iter().flat_map(|layer| &layer.arguments);
        let mut other_arguments = Vec::new();
        let mut arguments = weak.chain(strong);
        while let Some(argument) = arguments.next() {
            let (option, shown) = match (argument.strip_prefix("-D"), argument) {
                (Some(""), _) => {
                    let next = arguments.next().map_or("", String::as_str);
                    (Some(next), format!("-D {next}"))
                }
                (option, argument) => (option, argument.clone()),
            };
            if !option.is_some_and(|option| options.set_argument(option)) {
                other_arguments.push(shown);
            }
        }
        Found {
            options,
            other_arguments,
        }
    }
}

impl Layer {
    /// Reads what a table says.
    fn of(table: &Table) -> Result<Self, String> {
        Ok(Self {
            is_debug: string(table, "buildType") == Some("debug"),
            options: table.get("leanOptions").map_or(Ok(Vec::new()), options)?,
            weak_arguments: strings(table, "weakLeanArgs"),
            arguments: strings(table, "moreLeanArgs"),
        })
    }
}

impl Library {
    /// Reads a `lean_lib`. The sources of the package are in a folder.
    fn of_library(table: &Table, sources: &Path) -> Result<Self, String> {
        let name = string(table, "name").ok_or("a `lean_lib` has no name")?;
        let roots = match table.get("roots") {
            Some(_) => strings(table, "roots"),
            None => vec![name.to_owned()],
        };
        let globs = match table.get("globs") {
            Some(_) => strings(table, "globs"),
            None => roots.clone(),
        };
        Ok(Self {
            name: name.to_owned(),
            folder: sources.join(string(table, "srcDir").unwrap_or(".")),
            roots: roots.iter().filter_map(|root| path(root)).collect(),
            globs: globs.iter().filter_map(|glob| Glob::parse(glob)).collect(),
            layer: Layer::of(table)?,
        })
    }

    /// Reads a `lean_exe`.
    fn of_executable(table: &Table, sources: &Path) -> Result<Self, String> {
        let name = string(table, "name").ok_or("a `lean_exe` has no name")?;
        let root = path(string(table, "root").unwrap_or(name));
        Ok(Self {
            name: name.to_owned(),
            folder: sources.join(string(table, "srcDir").unwrap_or(".")),
            roots: Vec::new(),
            globs: root.into_iter().map(Glob::One).collect(),
            layer: Layer::of(table)?,
        })
    }

    /// Whether it builds the module in a file (`LeanLibConfig.isBuildableModule` in
    /// Lake/Config/LeanLibConfig.lean).
    fn has(&self, file: &Path) -> bool {
        let folder = plain(&self.folder);
        let Ok(inside) = file.strip_prefix(folder) else {
            return false;
        };
        if inside
            .extension()
            .is_none_or(|extension| extension != "lean")
        {
            return false;
        }
        let module = inside.with_extension("");
        let matches = |module: &Path| self.globs.iter().any(|glob| glob.matches(module));
        matches(&module)
            || self
                .roots
                .iter()
                .any(|root| module.starts_with(root) && matches(root))
    }
}

impl Glob {
    /// Reads one, such as `A.B`, `A.+` or `A.*`.
    fn parse(text: &str) -> Option<Self> {
        if let Some(above) = text.strip_suffix(".+") {
            return path(above).map(Self::Below);
        }
        match text.strip_suffix(".*") {
            Some(above) => path(above).map(Self::AndBelow),
            None => path(text).map(Self::One),
        }
    }

    /// Whether a module is one of them.
    fn matches(&self, module: &Path) -> bool {
        match self {
            Self::One(one) => module == one,
            Self::Below(above) => module != above && module.starts_with(above),
            Self::AndBelow(above) => module.starts_with(above),
        }
    }
}

/// The path of a module from the folder of the sources on, without an extension.
fn path(module: &str) -> Option<PathBuf> {
    ModuleName::parse(module).map(|name| name.path())
}

/// A path without the `.` in it.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// `leanOptions`: a table, in which a dotted name is tables in tables, or a list of pairs.
fn options(value: &Value) -> Result<Vec<(Vec<String>, OptionValue)>, String> {
    let mut found = Vec::new();
    match value {
        Value::Table(table) => in_table(table, &[], &mut found)?,
        Value::Array(pairs) => {
            for pair in pairs {
                let (name, value) = match pair {
                    Value::Array(pair) => (pair.first(), pair.get(1)),
                    Value::Table(pair) => (pair.get("name"), pair.get("value")),
                    _ => (None, None),
                };
                let name = name.and_then(Value::as_str);
                let (Some(name), Some(value)) = (name, value) else {
                    return Err("an entry of `leanOptions` is not a name with a value".to_owned());
                };
                found.push(option(name.split('.').map(str::to_owned).collect(), value)?);
            }
        }
        _ => return Err("`leanOptions` is neither a table nor a list".to_owned()),
    }
    Ok(found)
}

/// The options in a table below a name.
fn in_table(
    table: &Table,
    above: &[String],
    found: &mut Vec<(Vec<String>, OptionValue)>,
) -> Result<(), String> {
    for (key, value) in table {
        let mut name = above.to_vec();
        name.push(key.clone());
        match value {
            Value::Table(table) => in_table(table, &name, found)?,
            value => found.push(option(name, value)?),
        }
    }
    Ok(())
}

fn option(name: Vec<String>, value: &Value) -> Result<(Vec<String>, OptionValue), String> {
    let shown = name.join(".");
    let value = match value {
        Value::Boolean(value) => Some(OptionValue::Bool(*value)),
        Value::String(value) => Some(OptionValue::Text(value.clone())),
        Value::Integer(value) => u64::try_from(*value).ok().map(OptionValue::Nat),
        _ => None,
    };
    let Some(value) = value else {
        return Err(format!(
            "the value of `{shown}` is neither a string, nor true or false, nor a number from 0"
        ));
    };
    let parts: Vec<&str> = name.iter().map(String::as_str).collect();
    if !ModuleOptions::default().set(&parts, value.clone()) {
        return Err(format!("`{shown}` is not the name of an option"));
    }
    Ok((name, value))
}

/// The string with that key.
fn string<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key)?.as_str()
}

/// The strings with that key, which may be one that stands alone.
fn strings(table: &Table, key: &str) -> Vec<String> {
    let list = match table.get(key) {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// The tables with that key.
fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    let list = table.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_table)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What holds for a file of a project in `/p`.
    fn of(text: &str, file: &str) -> String {
        let lake = LakeOptions::parse(Path::new("/p"), text).unwrap();
        let found = if file.is_empty() {
            lake.of_no_file()
        } else {
            lake.of_file(&Path::new("/p").join(file))
        };
        found.options.to_string()
    }

    #[test]
    fn a_file_has_the_options_of_its_own_library() {
        let text = "leanOptions = { autoImplicit = false, pp.unicode.fun = true }\n\
            defaultTargets = [\"Beta\", \"tool\"]\n\
            [[lean_lib]]\nname = \"Alpha\"\nleanOptions.maxHeartbeats = 5\n\
            [[lean_lib]]\nname = \"Beta\"\nsrcDir = \"src\"\nroots = [\"B\", \"C.D\"]\n\
            leanOptions = [[\"autoImplicit\", true], { name = \"weak.linter.x\", value = \"y\" }]\n\
            [[lean_lib]]\nname = \"Gamma\"\nglobs = [\"G.+\", \"H.*\", \"I\"]\nroots = [\"I\", \"J\"]\nleanOptions.g = 1\n\
            [[lean_exe]]\nname = \"tool\"\nroot = \"Main\"\nleanOptions.t = 1\n";
        let package = "`autoImplicit=false`, `pp.unicode.fun=true`";
        let beta = "`pp.unicode.fun=true`, `autoImplicit=true`, `weak.linter.x=y`";
        let and = |more: &str| format!("{package}, {more}");
        for (file, expected) in [
            ("Alpha.lean", and("`maxHeartbeats=5`")),
            ("Alpha/X/Y.lean", and("`maxHeartbeats=5`")),
            ("src/B.lean", beta.to_owned()),
            ("src/C/D/E.lean", beta.to_owned()),
            ("G/X.lean", and("`g=1`")),
            ("H.lean", and("`g=1`")),
            ("I/X.lean", and("`g=1`")),
            ("Main.lean", and("`t=1`")),
            // In no library: what the default one has.
            ("Alphabet.lean", beta.to_owned()),
            ("G.lean", beta.to_owned()),
            ("J/X.lean", beta.to_owned()),
            ("Main/X.lean", beta.to_owned()),
            ("../q/Alpha.lean", beta.to_owned()),
            ("", beta.to_owned()),
        ] {
            assert_eq!(of(text, file), expected, "{file}");
        }
    }

    #[test]
    fn a_package_without_libraries_has_its_own_options() {
        assert_eq!(of("leanOptions.a = \"b\"", ""), "`a=b`");
        assert_eq!(of("name = \"p\"", "P.lean"), "");
        assert_eq!(of("[[lean_exe]]\nname = \"m\"\nleanOptions.a = 1", ""), "");
    }

    #[test]
    fn arguments_that_set_options_count_and_others_are_told() {
        let text = "moreLeanArgs = [\"-DmaxHeartbeats=1\", \"-D\", \"weak.x=true\", \"--error=k\"]\n\
            weakLeanArgs = [\"-Dy=1\", \"-DmaxHeartbeats=2\", \"-D\", \"nonsense\"]\nbuildType = \"debug\"\n";
        let lake = LakeOptions::parse(Path::new("/p"), text).unwrap();
        let found = lake.of_no_file();
        assert_eq!(
            found.options.to_string(),
            "`weak.debugAssertions=true`, `y=1`, `maxHeartbeats=1`, `weak.x=true`"
        );
        assert_eq!(found.other_arguments, ["-D nonsense", "--error=k"]);
    }

    #[test]
    fn what_lake_cannot_read_is_not_read_as_nothing() {
        for (text, problem) in [
            (
                "leanOptions = 1",
                "`leanOptions` is neither a table nor a list",
            ),
            (
                "leanOptions = [1]",
                "an entry of `leanOptions` is not a name with a value",
            ),
            (
                "leanOptions.a.b = -1",
                "the value of `a.b` is neither a string, nor true or false, nor a number from 0",
            ),
            (
                "leanOptions = [[\"a b\\nc\", 1]]",
                "`a b\nc` is not the name of an option",
            ),
            ("[[lean_lib]]\nroots = [\"A\"]", "a `lean_lib` has no name"),
        ] {
            let read = LakeOptions::parse(Path::new("/p"), text);
            assert_eq!(read.unwrap_err(), problem, "{text}");
        }
        assert!(LakeOptions::parse(Path::new("/p"), "= broken").is_err());
    }
}
