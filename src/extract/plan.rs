//! From what was asked for and what Lean lists to units. Reads compiled modules for their digests, and starts
//! nothing.

use std::collections::HashSet;

use crate::digest;
use crate::extract::extractor::Extractor;
use crate::extract::identity::RunIdentity;
use crate::extract::inputs::Inputs;
use crate::extract::loading;
use crate::extract::order::{Order, SourceFile, Target};
use crate::extract::reply::Module;
use crate::extract::report::Listing;
use crate::extract::unit::{Input, Unit};
use crate::failure::{Failure, Kind};
use crate::lean::header;
use crate::lean::module_name::ModuleName;
use crate::limits::CancelFlag;
use crate::setup::prefault::{self, search_path::SearchPath};
use crate::table::schema::Schema;

/// What is to be extracted.
pub(crate) struct Plan {
    pub(crate) identity: RunIdentity,
    pub(crate) schema: Schema,
    /// All units, sorted by name.
    pub(crate) units: Vec<Unit>,
}

/// Plans an extraction.
///
/// # Errors
/// The interrupt of the user; two sources of one name; nothing to extract.
pub(crate) fn plan(
    order: &Order,
    listing: &Listing,
    interrupt: &CancelFlag,
) -> Result<Plan, Failure> {
    let (schema, key) = match (&order.extractor, &listing.plugin) {
        (Extractor::Builtin(builtin), _) => (builtin.schema()?, builtin.key().to_owned()),
        (Extractor::Plugin(_), Some((schema, key))) => (schema.clone(), key.clone()),
        (Extractor::Plugin(_), None) => {
            return Err(Failure::bug("a plugin was listed without its schema"));
        }
    };
    let lean = &order.factory.spec.lean.identity;
    let identity = RunIdentity {
        extractor: order.extractor.name().to_owned(),
        schema: serde_json::from_str(&schema.to_json())
            .map_err(|err| Failure::bug(format!("a schema cannot be read back: {err}")))?,
        key,
        config: order.config.clone(),
        target: order.target.to_json(),
        lean: listing.lean_version.clone(),
        toolchain: lean.toolchain.clone(),
        repl: lean.repl.clone(),
        preamble: loading::preamble_digest(),
        plugin: match &order.extractor {
            Extractor::Plugin(plugin) => Some(digest::of_bytes(plugin.source.as_bytes())),
            Extractor::Builtin(_) => None,
        },
    };
    let digest = identity.digest()?;
    let mut inputs = Inputs::new(SearchPath::of(&order.factory.spec.lean.launch));
    let mut units = match &order.target {
        Target::Sources { files, .. } => of_sources(files, &digest, &mut inputs, interrupt)?,
        Target::Imports(_) | Target::Library { .. } => {
            of_modules(order, &listing.modules, &digest, &mut inputs, interrupt)?
        }
    };
    units.sort_by(|one, other| one.name.cmp(&other.name));
    let mut pairs = units.iter().zip(units.iter().skip(1));
    if let Some((one, _)) = pairs.find(|(one, other)| one.name == other.name) {
        return Err(Failure::new(
            Kind::Usage,
            format!("`{}` is named twice", one.name),
            "name each source once",
        ));
    }
    if units.is_empty() {
        return Err(Failure::new(
            Kind::Usage,
            "there is nothing to extract",
            "name other modules or files",
        ));
    }
    Ok(Plan {
        identity,
        schema,
        units,
    })
}

/// The units of modules. What they print depends on all modules that are imported with them, such as one that
/// brings a notation: so do their digests.
fn of_modules(
    order: &Order,
    modules: &[Module],
    identity: &str,
    inputs: &mut Inputs,
    interrupt: &CancelFlag,
) -> Result<Vec<Unit>, Failure> {
    let roots = order.target.roots();
    let mut imported = roots.clone();
    if let Extractor::Plugin(plugin) = &order.extractor {
        imported.extend(prefault::imported(&[header::split(&plugin.source)]));
    }
    let all = inputs.digest(&imported, interrupt)?;
    let wanted: Option<HashSet<Vec<String>>> = match &order.target {
        Target::Library { modules, .. } => Some(
            modules
                .iter()
                .map(|module| module.parts().to_vec())
                .collect(),
        ),
        Target::Imports(_) | Target::Sources { .. } => None,
    };
    let is_wanted = |module: &&Module| {
        wanted
            .as_ref()
            .is_none_or(|wanted| wanted.contains(&module.parts))
    };
    let unit = |module: &Module| Unit {
        name: module.name.clone(),
        digest: Unit::digest(identity, &module.name, &all),
        input: Input::Module {
            parts: module.parts.clone(),
            constants: module.constants,
        },
    };
    Ok(modules.iter().filter(is_wanted).map(unit).collect())
}

/// The units of sources: each depends on its text, its options and all that it imports.
fn of_sources(
    files: &[SourceFile],
    identity: &str,
    inputs: &mut Inputs,
    interrupt: &CancelFlag,
) -> Result<Vec<Unit>, Failure> {
    let mut units = Vec::new();
    for file in files {
        let imported: Vec<ModuleName> = prefault::imported(&[header::split(&file.text)]);
        let imports = inputs.digest(&imported, interrupt)?;
        let options = file.options.to_json().to_string();
        let module = file.module.clone().unwrap_or_default();
        let parts = [
            digest::of_bytes(file.text.as_bytes()),
            imports,
            options,
            module,
        ];
        units.push(Unit {
            name: file.name.clone(),
            digest: Unit::digest(identity, &file.name, &parts.join("\n")),
            input: Input::Source {
                path: file.path.clone(),
                text: std::sync::Arc::clone(&file.text),
                module: file.module.clone(),
                options: std::sync::Arc::clone(&file.options),
            },
        });
    }
    Ok(units)
}
