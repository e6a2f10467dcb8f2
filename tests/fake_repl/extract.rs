//! The extractors that `leanrepl extract` sends to a worker, played: `--extract FILE` names the modules, with
//! what goes wrong at each.
//!
//! The file is a JSON list of `{"module": "A.B", "constants": 3, "directive": "die", "rows": ["…"]}`. `directive`, which
//! may be absent, is a directive without its `--!`, followed whenever the module is asked for. `rows`, which may
//! be absent, takes the place of the rows of its constants.

use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;
use serde_json::json;

/// How each command begins.
const COMMAND: &str = "LeanRepl.Extract.";

/// A module of the file.
#[derive(Debug, Deserialize)]
struct Module {
    #[serde(rename = "module")]
    name: String,
    constants: u64,
    directive: Option<String>,
    rows: Option<Vec<String>>,
}

/// What is printed, and what goes wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) output: String,
    /// Directives, each as a line.
    pub(crate) directives: Vec<String>,
}

/// Plays a line that is one of these commands.
pub(crate) fn play(line: &str, file: Option<&str>) -> Option<Result<Played, String>> {
    let command = line.strip_prefix("#eval ")?.strip_prefix(COMMAND)?;
    let file = file?;
    Some(read(file).and_then(|modules| of(command, &modules)))
}

fn read(file: &str) -> Result<Vec<Module>, String> {
    let text = fs::read_to_string(file).map_err(|err| format!("fake-repl: {file}: {err}"))?;
    serde_json::from_str(&text).map_err(|err| format!("fake-repl: {file}: {err}"))
}

fn of(command: &str, modules: &[Module]) -> Result<Played, String> {
    let mut played = Played::default();
    if command.starts_with("modules ") {
        for Module {
            name, constants, ..
        } in modules
        {
            let parts: Vec<&str> = name.split('.').collect();
            line(
                &mut played,
                &json!({"module": name, "parts": parts, "constants": constants}).to_string(),
            );
        }
        return Ok(played);
    }
    if !command.starts_with("pageWith ") {
        return Err(format!("fake-repl: no extractor is played for `{command}`"));
    }
    // The items are the last list of the command.
    let (_, items) = command.rsplit_once(" #[(").unwrap_or((command, ""));
    let (items, _) = items.rsplit_once(")]").unwrap_or(("", ""));
    for item in items.split("), (").filter(|item| !item.is_empty()) {
        let (parts, numbers) = item
            .split_once("], ")
            .ok_or("fake-repl: an item has no parts")?;
        let parts: Vec<&str> = parts
            .trim_start_matches("#[")
            .split(", ")
            .map(|part| part.trim_matches('"'))
            .collect();
        let name = parts.join(".");
        let (first, count) = numbers
            .split_once(", ")
            .ok_or("fake-repl: an item has no numbers")?;
        let (first, count): (u64, u64) = (number(first)?, number(count)?);
        let module = modules.iter().find(|module| module.name == name);
        let module = module.ok_or_else(|| format!("fake-repl: there is no module `{name}`"))?;
        played.directives.extend(
            module
                .directive
                .iter()
                .map(|directive| format!("--! {directive}")),
        );
        let own = || {
            (first..first + count)
                .map(|index| row(&name, index))
                .collect()
        };
        let rows = module.rows.clone().unwrap_or_else(own);
        for row in &rows {
            line(&mut played, row);
        }
        line(
            &mut played,
            &json!({"$end": {"module": name, "rows": rows.len(), "next": null}}).to_string(),
        );
    }
    Ok(played)
}

/// A row of `types`.
fn row(module: &str, index: u64) -> String {
    json!({
        "name": format!("{module}.c{index}"),
        "module": module,
        "type": format!("Nat → Fin {index}"),
        "docString": null,
        "allowCompletion": index.is_multiple_of(2),
    })
    .to_string()
}

fn line(played: &mut Played, text: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(played.output, "{text}");
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_err| format!("fake-repl: `{text}` is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_from_the_command() {
        let modules = vec![Module {
            name: "A.B".to_owned(),
            constants: 9,
            directive: Some("die".to_owned()),
            rows: None,
        }];
        let command =
            "pageWith LeanRepl.Extract.types #[#[\"A\"]] \"null\" #[(#[\"A\", \"B\"], 3, 2)] 100";
        let played = of(command, &modules).unwrap();
        let lines: Vec<&str> = played.output.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("A.B.c3") && lines[1].contains("A.B.c4"));
        assert_eq!(
            lines[2],
            "{\"$end\":{\"module\":\"A.B\",\"next\":null,\"rows\":2}}"
        );
        assert_eq!(played.directives, ["--! die"]);
        assert_eq!(
            of(
                "pageWith LeanRepl.Extract.types #[] \"null\" #[] 100",
                &modules
            )
            .unwrap(),
            Played::default()
        );
        assert!(
            of(
                "pageWith LeanRepl.Extract.types #[] \"null\" #[(#[\"C\"], 0, 1)] 1",
                &modules
            )
            .is_err()
        );
    }
}
