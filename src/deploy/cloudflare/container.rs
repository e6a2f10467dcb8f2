//! One container of a Worker: its image, what it needs, and what it runs on. Pure.

use serde::{Deserialize, Serialize};

use crate::deploy::cloudflare::instance::{InstanceType, Needs};
use crate::deploy::cloudflare::name::RouteName;
use crate::failure::{Failure, Kind};
use crate::limits::Bytes;

/// Instances of a container at most, unless said otherwise.
const MAX_INSTANCES: u32 = 3;

/// How long a container stays awake after its last request, unless said otherwise.
const SLEEP_AFTER_SECONDS: u64 = 600;

/// One container beside others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Container {
    /// Its name in the path of a request.
    pub(crate) name: RouteName,
    /// The reference to its image; a stub needs none.
    pub(crate) image: Option<String>,
    /// The unpacked image in bytes, if it was said.
    pub(crate) image_bytes: Option<u64>,
    /// The resident memory at its peak in bytes, if it was said.
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) instance_type: String,
    /// Whether that was said, rather than chosen.
    pub(crate) type_was_named: bool,
    /// The most instances at a time, cold ones included.
    pub(crate) max_instances: u32,
    /// Over how many of them requests are spread.
    pub(crate) spread: u32,
    /// How long it stays awake after its last request, in seconds.
    pub(crate) sleep_after_seconds: u64,
}

impl Container {
    /// A container about which nothing more is known.
    pub(crate) fn new(name: RouteName) -> Self {
        Self {
            name,
            image: None,
            image_bytes: None,
            memory_bytes: None,
            instance_type: String::new(),
            type_was_named: false,
            max_instances: MAX_INSTANCES,
            spread: 1,
            sleep_after_seconds: SLEEP_AFTER_SECONDS,
        }
    }

    /// What it needs: as it was said, else as is known of its kind.
    pub(crate) fn needs(&self) -> Option<Needs> {
        let known = self.name.kind().map(Needs::of);
        let image = self.image_bytes.map(Bytes::new);
        let memory = self.memory_bytes.map(Bytes::new);
        Some(Needs {
            image: image.or(known.map(|known| known.image))?,
            memory: memory.or(known.map(|known| known.memory))?,
        })
    }

    /// Whether its needs are guessed from its name.
    pub(crate) fn is_guessed(&self) -> bool {
        self.image_bytes.is_none() || self.memory_bytes.is_none()
    }

    /// Chooses its instance type, or proves the one that was named.
    pub(crate) fn settle_type(&mut self) -> Result<(), Failure> {
        if !self.type_was_named {
            let needs = self.needs().ok_or_else(|| self.unknown_needs())?;
            InstanceType::smallest(needs)?
                .name
                .clone_into(&mut self.instance_type);
            return Ok(());
        }
        let named = InstanceType::named(&self.instance_type);
        let why = named
            .zip(self.needs())
            .and_then(|(named, needs)| named.objection(needs));
        why.map_or(Ok(()), |why| {
            let better = self.needs().map(InstanceType::smallest).transpose();
            let hint = match better {
                Ok(Some(better)) => format!("use `--instance-type {}={}`", self.name, better.name),
                Ok(None) | Err(_) => "make the image smaller".to_owned(),
            };
            Err(Failure::new(
                Kind::Usage,
                format!("`{}`: {why}", self.name),
                hint,
            ))
        })
    }

    /// That nothing says how large it is.
    fn unknown_needs(&self) -> Failure {
        let name = &self.name;
        Failure::new(
            Kind::Usage,
            format!("it is not known how large the container `{name}` is"),
            format!(
                "say `--image-size {name}=SIZE` and `--memory {name}=SIZE`, or `--instance-type {name}=TYPE`"
            ),
        )
    }
}
