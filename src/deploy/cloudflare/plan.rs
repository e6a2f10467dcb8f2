//! What a Worker's folder is made for: its name, who may ask, and the containers. A later run changes
//! what it names and leaves the rest. Pure.

use serde::{Deserialize, Serialize};

use crate::deploy::cloudflare::container::Container;
use crate::deploy::cloudflare::image::ImageRef;
use crate::deploy::cloudflare::instance::InstanceType;
use crate::deploy::cloudflare::name::{RouteName, WorkerName};
use crate::deploy::cloudflare::scoped::Scoped;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Access {
    /// Everybody.
    Open,
    /// Who has the key, a secret of the Worker.
    Key,
}

/// All that the files of a folder are made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) worker: WorkerName,
    pub(crate) stub: bool,
    pub(crate) access: Access,
    /// Requests a minute from one address; absent if there is no limit.
    pub(crate) rate_limit: Option<u32>,
    /// The containers, in the order in which they were added.
    pub(crate) containers: Vec<Container>,
}

/// What one run asks for; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerRequest {
    pub(crate) worker: Option<WorkerName>,
    /// A Worker without containers.
    pub(crate) stub: bool,
    pub(crate) access: Option<Access>,
    /// Requests a minute from one address; none at all if 0.
    pub(crate) rate_limit: Option<u32>,
    pub(crate) containers: Vec<(RouteName, Option<ImageRef>)>,
    /// What Docker says of those images that are on this machine.
    pub(crate) measured: Vec<(RouteName, Bytes)>,
    pub(crate) image_size: Vec<Scoped<Bytes>>,
    /// Resident memory at the peak.
    pub(crate) memory: Vec<Scoped<Bytes>>,
    pub(crate) instance_type: Vec<Scoped<&'static InstanceType>>,
    /// The most instances.
    pub(crate) max_instances: Vec<Scoped<u32>>,
    /// Over how many instances requests are spread.
    pub(crate) spread: Vec<Scoped<u32>>,
    /// Seconds awake after the last request.
    pub(crate) sleep_after_seconds: Vec<Scoped<u64>>,
}

impl Plan {
    /// What a folder without a plan begins with.
    pub(crate) fn new(worker: WorkerName) -> Self {
        Self {
            worker,
            stub: false,
            access: Access::Open,
            rate_limit: None,
            containers: Vec::new(),
        }
    }

    /// The plan with the wishes of one run.
    ///
    /// # Errors
    /// A value for a container that there is not, one that is too large for its instance type, containers
    /// that would lose what was deployed.
    pub(crate) fn with(mut self, request: &WorkerRequest) -> Result<Self, Failure> {
        if request.stub && !self.stub && self.containers.iter().any(|known| known.image.is_some()) {
            return Err(Failure::new(
                Kind::Usage,
                "this folder has containers already, which a stub would take away",
                "leave out `--stub`, or make the stub in another folder",
            ));
        }
        self.stub = request.stub;
        if let Some(worker) = &request.worker {
            self.worker = worker.clone();
        }
        self.access = request.access.unwrap_or(self.access);
        if let Some(limit) = request.rate_limit {
            self.rate_limit = (limit > 0).then_some(limit);
        }
        for (name, image) in &request.containers {
            self.add(name, image.as_ref());
        }
        for (name, size) in &request.measured {
            let mut known = self.containers.iter_mut();
            if let Some(known) = known.find(|known| known.name == *name) {
                known.image_bytes = Some(size.get());
            }
        }
        self.set(&request.image_size, |known, size| {
            known.image_bytes = Some(size.get());
        })?;
        self.set(&request.memory, |known, size| {
            known.memory_bytes = Some(size.get());
        })?;
        self.set(&request.max_instances, |known, count| {
            known.max_instances = *count;
        })?;
        self.set(&request.spread, |known, count| known.spread = *count)?;
        self.set(&request.sleep_after_seconds, |known, span| {
            known.sleep_after_seconds = *span;
        })?;
        self.set(&request.instance_type, |known, named| {
            named.name.clone_into(&mut known.instance_type);
            known.type_was_named = true;
        })?;
        self.proven()
    }

    /// Adds a container, or gives it another image.
    fn add(&mut self, name: &RouteName, image: Option<&ImageRef>) {
        let image = image.map(|image| image.as_str().to_owned());
        let found = self.containers.iter_mut().find(|known| known.name == *name);
        match (found, image) {
            (Some(known), Some(image)) => known.image = Some(image),
            (Some(_), None) => {}
            (None, image) => self.containers.push(Container {
                image,
                ..Container::new(name.clone())
            }),
        }
    }

    /// Sets values: those for all first, so that those for one outrank them.
    fn set<T>(
        &mut self,
        values: &[Scoped<T>],
        set: impl Fn(&mut Container, &T),
    ) -> Result<(), Failure> {
        for scoped in values.iter().filter(|scoped| scoped.name.is_none()) {
            self.containers
                .iter_mut()
                .for_each(|known| set(known, &scoped.value));
        }
        for scoped in values {
            let Some(name) = &scoped.name else { continue };
            let known = self.containers.iter_mut().find(|known| known.name == *name);
            let known = known.ok_or_else(|| {
                Failure::new(
                    Kind::Usage,
                    format!("there is no container `{name}` to which that value could belong"),
                    format!("add it with `--container {name}=IMAGE`"),
                )
            })?;
            set(known, &scoped.value);
        }
        Ok(())
    }

    /// The plan, if it can be carried out.
    fn proven(mut self) -> Result<Self, Failure> {
        if self.containers.is_empty() {
            return Err(Failure::new(
                Kind::Usage,
                "a Worker needs the name of a container at least",
                "name one with `--container NAME=IMAGE`, for example `--container mathlib-4-27-0=registry.cloudflare.com/ACCOUNT/leanrepl:v4.27.0`",
            ));
        }
        if self.stub {
            return Ok(self);
        }
        for known in &mut self.containers {
            let name = &known.name;
            if known.image.is_none() {
                return Err(Failure::new(
                    Kind::Usage,
                    format!("the container `{name}` has no image"),
                    format!(
                        "name it with `--container {name}=IMAGE`, or use `--stub` for a Worker without containers"
                    ),
                ));
            }
            if known.spread > known.max_instances {
                return Err(Failure::new(
                    Kind::Usage,
                    format!(
                        "requests to `{name}` would be spread over {} instances, but there are at most {}",
                        known.spread, known.max_instances
                    ),
                    format!(
                        "raise `--max-instances {name}={}`, by one more for requests to `/cold`",
                        known.spread + 1
                    ),
                ));
            }
            known.settle_type()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request for containers of these names, each with an image.
    pub(crate) fn request(names: &[&str]) -> WorkerRequest {
        let container = |name: &&str| {
            let image = format!("registry.cloudflare.com/0123/{name}:v1");
            (name.parse().unwrap(), Some(image.parse().unwrap()))
        };
        WorkerRequest {
            containers: names.iter().map(container).collect(),
            ..WorkerRequest::default()
        }
    }

    /// A plan of these containers.
    pub(crate) fn plan(names: &[&str]) -> Plan {
        Plan::new("lean".parse().unwrap())
            .with(&request(names))
            .unwrap()
    }

    #[test]
    fn a_later_run_changes_what_it_names_and_leaves_the_rest() {
        let first = plan(&["lean-4-27-0", "mathlib-4-27-0"]);
        let mut more = request(&["lean-4-28-0"]);
        more.spread = vec!["lean-4-28-0=2".parse().unwrap()];
        more.access = Some(Access::Key);
        let second = first.clone().with(&more).unwrap();
        assert_eq!(second.containers[..2], first.containers[..]);
        assert_eq!(
            (second.containers[2].spread, second.access),
            (2, Access::Key)
        );
        assert_eq!(
            second.clone().with(&WorkerRequest::default()).unwrap(),
            second
        );
    }

    #[test]
    fn a_value_for_one_outranks_a_value_for_all() {
        let mut request = request(&["lean-4-27-0", "mathlib-4-27-0"]);
        request.max_instances = vec!["mathlib-4-27-0=7".parse().unwrap(), "5".parse().unwrap()];
        let plan = Plan::new("lean".parse().unwrap()).with(&request).unwrap();
        let most: Vec<u32> = plan
            .containers
            .iter()
            .map(|known| known.max_instances)
            .collect();
        assert_eq!(most, [5, 7]);
    }

    #[test]
    fn a_size_that_was_measured_counts_unless_another_one_is_said() {
        let mut request = request(&["core-4-28-0", "lean-4-27-0"]);
        request.measured = ["core-4-28-0", "lean-4-27-0"]
            .map(|name| (name.parse().unwrap(), Bytes::new(9_000_000_000)))
            .to_vec();
        request.image_size = vec!["lean-4-27-0=1GB".parse().unwrap()];
        let plan = Plan::new("lean".parse().unwrap()).with(&request).unwrap();
        let types: Vec<_> = plan
            .containers
            .iter()
            .map(|known| known.instance_type.as_str())
            .collect();
        assert_eq!(types, ["standard-2", "standard-1"]);
    }

    #[test]
    fn a_type_that_is_too_small_is_refused_with_one_that_is_not() {
        let mut request = request(&["mathlib-4-27-0"]);
        request.instance_type = vec!["standard-1".parse().unwrap()];
        let failure = Plan::new("lean".parse().unwrap())
            .with(&request)
            .unwrap_err();
        assert_eq!(
            failure.problem(),
            "`mathlib-4-27-0`: an image of 10.4 GB does not fit the 8.0 GB of disk of `standard-1`"
        );
        assert_eq!(
            failure.hint(),
            "use `--instance-type mathlib-4-27-0=standard-3`"
        );
    }

    #[test]
    fn a_stub_becomes_a_worker_but_never_the_other_way_round() {
        let mut stub = request(&[]);
        stub.stub = true;
        stub.containers = vec![("lean-4-27-0".parse().unwrap(), None)];
        let stubbed = Plan::new("lean".parse().unwrap()).with(&stub).unwrap();
        let failure = stubbed.clone().with(&WorkerRequest::default()).unwrap_err();
        assert_eq!(
            failure.problem(),
            "the container `lean-4-27-0` has no image"
        );
        let full = stubbed.with(&request(&["lean-4-27-0"])).unwrap();
        assert!(!full.stub);
        assert!(
            full.with(&stub)
                .unwrap_err()
                .problem()
                .contains("a stub would take away")
        );
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused() {
        let new = || Plan::new("lean".parse().unwrap());
        assert!(new().with(&WorkerRequest::default()).is_err());
        assert!(
            new()
                .with(&request(&["other-1"]))
                .unwrap_err()
                .problem()
                .contains("not known how large")
        );
        let mut wide = request(&["lean-1"]);
        wide.spread = vec!["9".parse().unwrap()];
        assert!(
            new()
                .with(&wide)
                .unwrap_err()
                .problem()
                .contains("at most 3")
        );
        let mut lost = request(&["lean-1"]);
        lost.spread = vec!["lean-2=1".parse().unwrap()];
        assert!(
            new()
                .with(&lost)
                .unwrap_err()
                .problem()
                .contains("no container `lean-2`")
        );
    }
}
