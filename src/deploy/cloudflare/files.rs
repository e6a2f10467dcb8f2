//! The files of a Worker's folder as texts. Never touches disk.

use serde::Serialize;
use serde_json::{Value, json};

use crate::deploy::cloudflare::config::{self, Old, RATE_LIMIT, RATE_PERIOD_SECONDS};
use crate::deploy::cloudflare::container::Container;
use crate::deploy::cloudflare::plan::{Access, Plan};
use crate::failure::Failure;
use crate::template::fill;

/// The newest wrangler whose `dev` runs containers without an image beside them; it needs Node 20.
pub(crate) const WRANGLER: &str = "4.71.0";

/// What starts containers from Durable Objects.
const CONTAINERS: &str = "0.3.7";

/// The types of the runtime, of the line that wrangler 4 asks for.
const TYPES: &str = "4.20260702.1";

/// The compiler.
const TYPESCRIPT: &str = "7.0.2";

/// The secret that holds the key.
pub(crate) const KEY: &str = "LEANREPL_API_KEY";

/// A file by its path in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// The path, with `/` between folders.
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

/// The package of the Worker.
#[derive(Debug, Serialize)]
struct Package<'a> {
    name: &'a str,
    /// It is not to be published.
    private: bool,
    /// Its modules are those of the language.
    r#type: &'static str,
    engines: Value,
    /// What `npm run` knows.
    scripts: Value,
    /// What the Worker holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    dependencies: Option<Value>,
    /// What makes it. One version each, so that a later install makes the same.
    #[serde(rename = "devDependencies")]
    dev_dependencies: Value,
}

/// All files for a plan; `old` is what an older `wrangler.jsonc` hands on.
///
/// # Errors
/// A bug, if a text and its holes do not go together.
pub(crate) fn all(plan: &Plan, old: &Old) -> Result<Vec<File>, Failure> {
    let file = |path, text: &str| File {
        path,
        text: text.to_owned(),
    };
    Ok(vec![
        file(config::FILE, &config::text(plan, old)?),
        file("package.json", &package(plan)?),
        file("tsconfig.json", &pretty(&tsconfig())?),
        file(
            ".gitignore",
            "/build\n/node_modules\n/.wrangler\n/.dev.vars\n",
        ),
        file("README.md", &readme(plan)?),
        file("src/index.ts", &index(plan)?),
        file(
            "src/worker.ts",
            include_str!("../../../templates/worker/src/worker.ts"),
        ),
        file(
            "src/replies.ts",
            include_str!("../../../templates/worker/src/replies.ts"),
        ),
        file(
            "src/access.ts",
            include_str!("../../../templates/worker/src/access.ts"),
        ),
        file(
            "test/worker.test.mjs",
            include_str!("../../../templates/worker/test/worker.test.mjs"),
        ),
    ])
}

/// The module that knows the containers, or the one without.
fn index(plan: &Plan) -> Result<String, Failure> {
    let needs_key = match plan.access {
        Access::Open => "false",
        Access::Key => "true",
    };
    let bindings = bindings(plan);
    let limit = if plan.rate_limit.is_some() {
        format!(
            "      limit: {{\n        admits: async (caller) => (await env.{RATE_LIMIT}.limit({{ key: caller }})).success,\n        retryAfter: {RATE_PERIOD_SECONDS},\n      }},"
        )
    } else {
        String::new()
    };
    let common = [
        ("bindings", bindings.as_str()),
        ("needs_key", needs_key),
        ("limit", limit.as_str()),
    ];
    if plan.stub {
        let names = plan
            .containers
            .iter()
            .map(|known| format!("\"{}\"", known.name));
        let names = names.collect::<Vec<_>>().join(", ");
        let text = include_str!("../../../templates/worker/src/stub.ts");
        return fill(
            "stub.ts",
            text,
            &[&common[..], &[("names", &names)]].concat(),
        );
    }
    let classes: Result<Vec<String>, Failure> = plan.containers.iter().map(class).collect();
    let classes = classes?.join("\n");
    let versions = plan.containers.iter().map(|known| {
        let (name, binding) = (&known.name, known.name.binding());
        format!(
            "    [\"{name}\", version(env.{binding}, {})],",
            known.spread
        )
    });
    let versions = versions.collect::<Vec<_>>().join("\n");
    let own = [("classes", classes.trim_end()), ("versions", &versions)];
    let text = include_str!("../../../templates/worker/src/index.ts");
    fill("index.ts", text, &[&common[..], &own].concat())
}

/// The fields of the Worker's environment.
fn bindings(plan: &Plan) -> String {
    let mut bindings: Vec<String> = Vec::new();
    if !plan.stub {
        bindings.extend(plan.containers.iter().map(|known| {
            let (binding, class) = (known.name.binding(), known.name.class());
            format!("  {binding}: DurableObjectNamespace<{class}>;")
        }));
    }
    if plan.rate_limit.is_some() {
        bindings.push(format!("  {RATE_LIMIT}: RateLimit;"));
    }
    bindings.push(format!("  {KEY}?: string;"));
    bindings.join("\n")
}

/// The class of a container.
fn class(container: &Container) -> Result<String, Failure> {
    fill(
        "container.ts",
        include_str!("../../../templates/worker/src/container.ts"),
        &[
            ("name", container.name.as_str()),
            ("class", &container.name.class()),
            (
                "sleep_after",
                &format!("{}s", container.sleep_after_seconds),
            ),
        ],
    )
}

/// `package.json`.
fn package(plan: &Plan) -> Result<String, Failure> {
    pretty(&Package {
        name: plan.worker.as_str(),
        private: true,
        r#type: "module",
        engines: json!({ "node": ">=20" }),
        scripts: json!({
            "check": "tsc --noEmit && wrangler deploy --dry-run",
            "deploy": "wrangler deploy",
            "dev": "wrangler dev",
            "test": "tsc --noEmit false && node --test test/",
        }),
        dependencies: (!plan.stub).then(|| json!({ "@cloudflare/containers": CONTAINERS })),
        dev_dependencies: json!({
            "@cloudflare/workers-types": TYPES,
            "typescript": TYPESCRIPT,
            "wrangler": WRANGLER,
        }),
    })
}

/// `tsconfig.json`: strict, for a bundler, and able to write plain modules for the tests.
fn tsconfig() -> Value {
    json!({
        "compilerOptions": {
            "target": "es2022",
            "module": "es2022",
            "moduleResolution": "bundler",
            "lib": ["es2022"],
            "types": ["@cloudflare/workers-types"],
            "strict": true,
            "noUncheckedIndexedAccess": true,
            "exactOptionalPropertyTypes": true,
            "noImplicitOverride": true,
            "noFallthroughCasesInSwitch": true,
            "noUnusedLocals": true,
            "noUnusedParameters": true,
            "isolatedModules": true,
            "verbatimModuleSyntax": true,
            "allowImportingTsExtensions": true,
            "rewriteRelativeImportExtensions": true,
            "skipLibCheck": true,
            "noEmit": true,
            "rootDir": "src",
            "outDir": "build",
        },
        "include": ["src"],
    })
}

/// `README.md` of the folder.
fn readme(plan: &Plan) -> Result<String, Failure> {
    let name = plan
        .containers
        .first()
        .map_or("", |known| known.name.as_str());
    let rows: Vec<String> = plan
        .containers
        .iter()
        .map(|known| row(plan, known))
        .collect();
    let (key, curl_key) = match plan.access {
        Access::Open => (
            "Everybody may ask. `leanrepl cloudflare init --access key .` changes that.",
            "",
        ),
        Access::Key => (
            "Requests need the key: `Authorization: Bearer KEY`. It is a secret of the Worker, in no file: set it with\n`npx wrangler secret put LEANREPL_API_KEY`. Until it is set, nobody is let in.",
            " -H \"Authorization: Bearer $LEANREPL_API_KEY\"",
        ),
    };
    let limit = plan.rate_limit.map_or_else(
        || "There is no limit to how often one address may ask (`--rate-limit N`).".to_owned(),
        |limit| {
            format!(
                "One address may ask {limit} times a minute; then it gets 429 with `Retry-After`."
            )
        },
    );
    fill(
        "README.md",
        include_str!("../../../templates/worker/README.md"),
        &[
            ("worker", plan.worker.as_str()),
            ("name", name),
            ("rows", &rows.join("\n")),
            ("key", key),
            ("curl_key", curl_key),
            ("limit", &limit),
            ("stub", if plan.stub { STUB } else { "" }),
            ("wrangler", WRANGLER),
        ],
    )
}

/// The row of a container in the README's table.
fn row(plan: &Plan, container: &Container) -> String {
    let sleep = std::time::Duration::from_secs(container.sleep_after_seconds);
    format!(
        "| `/{}` | {} | {} | {} | {} | {} |",
        container.name,
        container
            .image
            .as_deref()
            .map_or_else(|| "none yet".to_owned(), |image| format!("`{image}`")),
        if plan.stub {
            "–"
        } else {
            &container.instance_type
        },
        container.max_instances,
        container.spread,
        humantime::format_duration(sleep),
    )
}

/// What a README says of a stub.
const STUB: &str = "**This is a stub**: there is no Lean behind it. Each text is answered with 503 and `\"stub\":true`, together with how\nmany bytes arrived and which `X-Lean-Timeout`; `/health` with 200, `\"ready\":false` and `\"stub\":true`. It proves the\naccount, the address and the routes. `leanrepl cloudflare init . --container NAME=IMAGE` makes it real, in place.\n";

/// A value as a file of JSON.
fn pretty(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|err| Failure::bug("a file of the Worker is no JSON").caused_by(err))?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloudflare::plan::tests::{plan, request};

    /// The text of one of the files.
    fn text(plan: &Plan, path: &str) -> String {
        let files = all(plan, &Old::default()).unwrap();
        files
            .into_iter()
            .find(|file| file.path == path)
            .unwrap()
            .text
    }

    #[test]
    fn the_worker_knows_each_container_by_its_name() {
        let mut request = request(&["lean-4-27-0", "mathlib-4-27-0"]);
        request.spread = vec!["mathlib-4-27-0=2".parse().unwrap()];
        request.rate_limit = Some(60);
        request.access = Some(Access::Key);
        let plan = Plan::new("lean".parse().unwrap()).with(&request).unwrap();
        let index = text(&plan, "src/index.ts");
        for part in [
            "export class Mathlib_4_27_0 extends Lean {\n  override sleepAfter = \"600s\";\n}\n",
            "[\"mathlib-4-27-0\", version(env.MATHLIB_4_27_0, 2)],",
            "  LEAN_4_27_0: DurableObjectNamespace<Lean_4_27_0>;",
            "needsKey: true,",
            "env.RATE_LIMIT.limit",
        ] {
            assert!(index.contains(part), "{part}\n{index}");
        }
    }

    #[test]
    fn a_stub_has_no_container_and_needs_no_package_for_them() {
        let mut request = request(&["lean-4-27-0"]);
        request.stub = true;
        let plan = Plan::new("lean".parse().unwrap()).with(&request).unwrap();
        for file in all(&plan, &Old::default()).unwrap() {
            assert!(
                !file.text.contains("@cloudflare/containers"),
                "{}",
                file.path
            );
            assert!(
                !file.text.contains("DurableObjectNamespace"),
                "{}",
                file.path
            );
        }
        assert!(text(&plan, "README.md").contains("This is a stub"));
    }

    #[test]
    fn no_file_has_a_hole_left() {
        for file in all(&plan(&["core-4-28-0"]), &Old::default()).unwrap() {
            assert!(
                !file.text.contains("{{") && !file.text.contains("}}\n\n\n"),
                "{}",
                file.path
            );
            assert!(
                file.text.ends_with('\n') && !file.text.ends_with("\n\n"),
                "{}",
                file.path
            );
        }
    }
}
