//! What the README must hold: each exit code, each variable, and each reason for "undecided".

/// What is not there. An exit code is a row of a table that begins with the number; a variable and a
/// reason are their names in backticks.
pub(crate) fn missing(
    readme: &str,
    codes: &[u8],
    variables: &[String],
    reasons: &[&str],
) -> Vec<String> {
    let has_code = |code: &u8| {
        let starts = [format!("| {code} |"), format!("| `{code}` |")];
        readme
            .lines()
            .any(|line| starts.iter().any(|start| line.starts_with(start)))
    };
    let codes = codes
        .iter()
        .filter(|code| !has_code(code))
        .map(|code| format!("README.md: no table row begins with the exit code {code}"));
    let variables = variables
        .iter()
        .filter(|name| !readme.contains(&format!("`{name}`")))
        .map(|name| format!("README.md: the variable `{name}` is not described"));
    let reasons = reasons
        .iter()
        .filter(|reason| !readme.contains(&format!("`{reason}`")))
        .map(|reason| format!("README.md: the reason `{reason}` is not described"));
    codes.chain(variables).chain(reasons).collect()
}

/// The names of the variables in the text of `src/env_vars.rs`: each stands in a field `name`.
pub(crate) fn variables(env_vars: &str) -> Vec<String> {
    env_vars
        .lines()
        .filter_map(|line| line.trim().strip_prefix("name: \"")?.strip_suffix("\","))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let readme = "| code |\n| 0 | fine |\n| `70` | bug |\nSet `HOME`.";
        let names = ["HOME".to_owned(), "LEANREPL_X".to_owned()];
        let found = missing(readme, &[0, 7, 70], &names, &["late", "HOME"]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].ends_with("exit code 7"));
        assert!(found[1].contains("`LEANREPL_X`"));
        assert!(found[2].contains("`late`"));
    }

    #[test]
    fn names_are_read_from_their_fields() {
        let text =
            "pub const HOME: Variable = Variable {\n    name: \"HOME\",\n    doc: \"x\",\n};";
        assert_eq!(variables(text), ["HOME"]);
    }
}
