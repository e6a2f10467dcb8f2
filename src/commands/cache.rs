//! The cache of results in front of sessions, and `leanrepl cache`.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::cli::cache::{CacheAction, CacheArgs, CacheCommandArgs};
use crate::cli::{DataFormat, RunCommand};
use crate::commands::RunContext;
use crate::commands::exit_code::DONE;
use crate::engine::cache::cached::{CacheParts, Cached};
use crate::engine::cache::environments::Environments;
use crate::engine::cache::lookup::Audience;
use crate::engine::cache::redis_store::RedisStore;
use crate::engine::cache::sqlite::{Bounds, SqliteStore};
use crate::engine::cache::store::{Store, StoreError, Which};
use crate::engine::evaluate::Evaluate;
use crate::engine::pool::Pool;
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, Wait};
use crate::process::sandbox;
use crate::redis::OpenError;
use crate::session::spec::SessionSpec;
use crate::settings::cache::{self, Place};
use crate::ui::json;

/// How long `leanrepl cache` says that a result may be kept: it keeps none itself.
const LONGEST: Wait = Wait::secs(100 * 365 * 86_400);

/// A cache that is ready for sessions of a specification.
pub(crate) struct CachePlan {
    store: Arc<dyn Store>,
    environments: Environments,
    audience: Audience,
    observer: Arc<dyn Observer>,
    /// Of the sessions.
    spec: Arc<SessionSpec>,
}

impl CachePlan {
    /// Makes it ready, before any session starts; none if results are not kept. What keeps them from being kept
    /// although that is asked for is noted, and the sources are evaluated all the same.
    ///
    /// # Errors
    /// A place that cannot be named, and a Redis server that cannot be used.
    pub(crate) fn new(
        args: &CacheArgs,
        audience: Audience,
        spec: &Arc<SessionSpec>,
        observer: Arc<dyn Observer>,
    ) -> Result<Option<Self>, Failure> {
        let offer = sandbox::in_force(&spec.lean.launch);
        let store: Arc<dyn Store> = match cache::place(args.cache.as_deref(), "off")? {
            Place::Off => return Ok(None),
            _ if !(offer.files && offer.calls || args.cache_trust) => {
                note(
                    observer.as_ref(),
                    "no results are kept, since the sessions are not confined and a source could change them; \
                     `--cache-trust` keeps them",
                );
                return Ok(None);
            }
            Place::Redis(url) => {
                cache::keep_from_sessions(&args.redis, &spec.lean.launch)?;
                let settings = cache::redis(&args.redis, url, args.cache_max_age.get())?;
                match RedisStore::open(settings) {
                    Ok(store) => Arc::new(store),
                    Err(OpenError::Away(failure)) => {
                        let text = format!("no results are kept: {}", failure.problem());
                        note(observer.as_ref(), &text);
                        return Ok(None);
                    }
                    Err(OpenError::Unfit(failure)) => return Err(failure),
                }
            }
            Place::Folder(folder) => match SqliteStore::open(&folder, cache::bounds(args)) {
                Ok(store) => Arc::new(store),
                Err(err) => {
                    let folder = folder.display();
                    let text = format!("results cannot be kept in `{folder}`: {err}");
                    note(observer.as_ref(), &text);
                    return Ok(None);
                }
            },
        };
        Ok(Some(Self {
            store,
            environments: Environments::new(spec),
            audience,
            observer,
            spec: Arc::clone(spec),
        }))
    }
}

/// Who evaluates: the pool, or the cache in front of it.
pub(crate) struct Front {
    pub(crate) evaluate: Arc<dyn Evaluate>,
    pub(crate) cached: Option<Arc<Cached>>,
}

impl Front {
    /// The cache that is ready, if one is, in front of a pool of its sessions.
    pub(crate) fn new(plan: Option<CachePlan>, pool: &Arc<Pool>) -> Self {
        let Some(plan) = plan else {
            return Self {
                evaluate: Arc::<Pool>::clone(pool),
                cached: None,
            };
        };
        let parts = CacheParts {
            inner: Arc::<Pool>::clone(pool),
            store: plan.store,
            environments: plan.environments,
            audience: plan.audience,
            observer: plan.observer,
        };
        let cached = Cached::start(parts, &plan.spec);
        Self {
            evaluate: Arc::<Cached>::clone(&cached),
            cached: Some(cached),
        }
    }
}

fn note(observer: &dyn Observer, text: &str) {
    observer.tell(Event::Noted { text });
}

impl RunCommand<RunContext> for CacheCommandArgs {
    /// Looks at the results, or forgets some.
    ///
    /// # Errors
    /// Results that are not there or cannot be used.
    fn run(self, context: &RunContext) -> Result<u8, Failure> {
        let store = open(&self)?;
        let name = store.name();
        let which = match self.action {
            CacheAction::Stats => None,
            CacheAction::Clear => Some(Which::All),
            CacheAction::Invalidate(args) => args
                .module
                .map(Which::Module)
                .or(args.class.map(Which::Class)),
        };
        let failed = |err: StoreError| {
            let problem = format!("the results in `{name}` cannot be used");
            let hint = "run it again; if it is a folder, it may be removed";
            Failure::new(Kind::Build, problem, hint).caused_by(err)
        };
        let forgotten = which.as_ref().map(|which| store.forget(which)).transpose();
        let forgotten = forgotten.map_err(failed)?;
        let holdings = store.holdings().map_err(failed)?;
        let line = if self.json {
            json!({
                "type": "cache", "version": json::VERSION, "place": name, "forgotten": forgotten, "results": holdings.entries,
                "environments": holdings.environments, "bytes": holdings.bytes,
            })
            .to_string()
        } else {
            let gone = forgotten.map_or(String::new(), |count| format!("{count} forgotten, "));
            format!(
                "{gone}{} kept in {} ({}; environments: {})",
                holdings.entries,
                name,
                Bytes::new(holdings.bytes),
                holdings.environments
            )
        };
        // A reader that went away has seen enough.
        let _written = context.ui.data_line(&line)?;
        Ok(DONE)
    }

    fn format(&self) -> DataFormat {
        DataFormat::json_if(self.json)
    }
}

/// The results that are looked at.
fn open(args: &CacheCommandArgs) -> Result<Arc<dyn Store>, Failure> {
    match cache::place(args.cache.as_deref(), "auto")? {
        Place::Off => Err(Failure::new(
            Kind::Usage,
            "the cache is off, so there is nothing to look at",
            "name a folder with `--cache`, or `auto` for the cache folder",
        )),
        Place::Folder(folder) => Ok(Arc::new(open_folder(&folder)?)),
        Place::Redis(url) => {
            let settings = cache::redis(&args.redis, url, LONGEST.get())?;
            let store = RedisStore::open(settings).map_err(OpenError::into_failure)?;
            Ok(Arc::new(store))
        }
    }
}

/// The results in a folder, which has to be there.
fn open_folder(folder: &Path) -> Result<SqliteStore, Failure> {
    let hint = "name the folder with `--cache`; `eval --cache auto` makes one in the cache folder";
    if !SqliteStore::is_in(folder) {
        let problem = format!("there are no results in `{}`", folder.display());
        return Err(Failure::new(Kind::Usage, problem, hint));
    }
    let bounds = Bounds {
        size: Bytes::new(u64::MAX),
        age: LONGEST.get(),
    };
    SqliteStore::open(folder, bounds).map_err(|err| {
        let problem = format!("the results in `{}` cannot be used", folder.display());
        let hint = "name another folder with `--cache`, or remove the file `results.sqlite` in it";
        Failure::new(Kind::Build, problem, hint).caused_by(err)
    })
}
