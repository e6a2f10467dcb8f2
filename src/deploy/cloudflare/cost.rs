//! What containers cost in a month. Pure arithmetic over Cloudflare's price table.

use serde::Serialize;

use crate::deploy::cloudflare::instance::InstanceType;
use crate::deploy::cloudflare::name::Kind;
use crate::limits::Bytes;

/// What the Workers Paid plan costs a month, in dollars.
pub(crate) const PLAN_DOLLARS: f64 = 5.0;

/// The length of a month.
pub(crate) const DAYS: f64 = 30.0;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

/// Prices in dollars, and how much is included in the plan: memory by the GiB-second.
const MEMORY: (f64, f64) = (0.000_002_5, 25.0 * 3600.0);

/// Processors by the vCPU-second in which they work.
const CPU: (f64, f64) = (0.000_020, 375.0 * 60.0);

/// Disk by the GB-second.
const DISK: (f64, f64) = (0.000_000_07, 200.0 * 3600.0);

/// What a container does in a day.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Its name, or that of its instance type.
    pub(crate) name: String,
    pub(crate) instance: &'static InstanceType,
    /// Over how many instances requests are spread.
    pub(crate) spread: u32,
    pub(crate) requests: u32,
    /// Seconds that one takes.
    pub(crate) request_seconds: f64,
    /// Seconds from the first request until Lean is ready.
    pub(crate) wake_seconds: f64,
    /// Seconds for which it stays awake after its last request.
    pub(crate) sleep_after_seconds: f64,
}

/// How long a kind of image takes to wake, in seconds.
pub(crate) fn wake_seconds(kind: Option<Kind>) -> f64 {
    match kind {
        Some(Kind::Core) => 10.0,
        Some(Kind::Lean) => 5.0,
        // The whole library is imported.
        Some(Kind::Mathlib) | None => 40.0,
    }
}

/// What one container comes to in a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Day {
    pub(crate) name: String,
    pub(crate) instance_type: &'static str,
    pub(crate) requests: u32,
    pub(crate) wakes: f64,
    pub(crate) awake_hours: f64,
    pub(crate) gib_seconds: f64,
    pub(crate) vcpu_seconds: f64,
    pub(crate) gb_seconds: f64,
}

/// One thing that is paid for, over a month.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Meter {
    pub(crate) used: f64,
    /// How much of that is included in the plan.
    pub(crate) included: f64,
    pub(crate) price: f64,
    pub(crate) dollars: f64,
}

impl Meter {
    /// For so much a month.
    fn new(used: f64, (price, included): (f64, f64)) -> Self {
        Self {
            used,
            included,
            price,
            dollars: (used - included).max(0.0) * price,
        }
    }
}

/// A month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Estimate {
    pub(crate) containers: Vec<Day>,
    /// Memory, in GiB-seconds.
    pub(crate) memory: Meter,
    /// Processors, in vCPU-seconds.
    pub(crate) cpu: Meter,
    /// Disk, in GB-seconds.
    pub(crate) disk: Meter,
    pub(crate) plan_dollars: f64,
    /// All of it, in dollars a month.
    pub(crate) dollars: f64,
}

/// What such loads cost in a month.
pub(crate) fn estimate(loads: &[Load]) -> Estimate {
    let containers: Vec<Day> = loads.iter().map(day).collect();
    let month = |part: fn(&Day) -> f64| containers.iter().map(part).sum::<f64>() * DAYS;
    let memory = Meter::new(month(|day| day.gib_seconds), MEMORY);
    let cpu = Meter::new(month(|day| day.vcpu_seconds), CPU);
    let disk = Meter::new(month(|day| day.gb_seconds), DISK);
    Estimate {
        memory,
        cpu,
        disk,
        plan_dollars: PLAN_DOLLARS,
        dollars: PLAN_DOLLARS + memory.dollars + cpu.dollars + disk.dollars,
        containers,
    }
}

/// A day of one container.
///
/// Requests are taken to come at any time of the day, each independent of the others. Then an instance
/// that gets one every `gap` seconds on average is asleep for the share `exp(-stay / gap)` of the time,
/// where `stay` is how long one request keeps it awake, and just that share of its requests wakes it.
fn day(load: &Load) -> Day {
    let instances = f64::from(load.spread.max(1));
    let requests = f64::from(load.requests);
    let stay = load.sleep_after_seconds + load.request_seconds;
    let asleep = (-stay * requests / instances / DAY_SECONDS).exp();
    let wakes = requests * asleep;
    let waking = wakes * load.wake_seconds;
    let awake = (DAY_SECONDS * instances * (1.0 - asleep) + waking).min(DAY_SECONDS * instances);
    let vcpu = f64::from(load.instance.vcpu_sixteenths) / 16.0;
    Day {
        name: load.name.clone(),
        instance_type: load.instance.name,
        requests: load.requests,
        wakes,
        awake_hours: awake / 3600.0,
        gib_seconds: awake * units(load.instance.memory, 1 << 30),
        // An import and a request keep all processors busy at worst.
        vcpu_seconds: (requests * load.request_seconds + waking).min(awake) * vcpu,
        gb_seconds: awake * units(load.instance.disk, 1_000_000_000),
    }
}

/// A size in units of so many bytes.
#[expect(
    clippy::cast_precision_loss,
    reason = "sizes of memory and disks are far below 2^53"
)]
fn units(size: Bytes, unit: u64) -> f64 {
    size.get() as f64 / unit as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A load on `standard-3`.
    fn load(requests: u32) -> Load {
        Load {
            name: "mathlib-4-27-0".to_owned(),
            instance: InstanceType::named("standard-3").unwrap(),
            spread: 1,
            requests,
            request_seconds: 2.0,
            wake_seconds: 40.0,
            sleep_after_seconds: 600.0,
        }
    }

    /// Whether two numbers are the same but for rounding.
    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-6 * other.abs().max(1.0)
    }

    #[test]
    fn nothing_is_paid_but_the_plan_while_all_is_asleep() {
        let month = estimate(&[load(0)]);
        assert!(near(month.dollars, 5.0) && near(month.containers[0].awake_hours, 0.0));
    }

    #[test]
    fn an_instance_that_never_sleeps_costs_its_month_less_what_is_included() {
        let month = estimate(&[load(40_000)]);
        let seconds = 30.0 * 86_400.0;
        assert!(near(month.containers[0].awake_hours, 24.0));
        assert!(near(
            month.memory.dollars,
            (seconds * 8.0 - 90_000.0) * 0.000_002_5
        ));
        assert!(near(
            month.disk.dollars,
            (seconds * 16.0 - 720_000.0) * 0.000_000_07
        ));
        // 40,000 requests of 2 s on 2 processors.
        assert!(near(
            month.cpu.dollars,
            (40_000.0 * 4.0 * 30.0 - 22_500.0) * 0.000_02
        ));
    }

    #[test]
    fn one_request_a_day_keeps_it_awake_for_its_stay() {
        let day = day(&load(1));
        assert!(day.wakes > 0.99 && day.wakes < 1.0, "{day:?}");
        let seconds = day.awake_hours * 3600.0;
        assert!(seconds > 635.0 && seconds < 642.0, "{day:?}");
    }

    #[test]
    fn more_requests_never_cost_less() {
        let mut last = 0.0;
        for requests in [0, 1, 10, 100, 1000, 10_000, 100_000, u32::MAX] {
            let dollars = estimate(&[load(requests)]).dollars;
            assert!(
                dollars >= last && dollars.is_finite(),
                "{requests}: {dollars} < {last}"
            );
            last = dollars;
        }
    }

    #[test]
    fn what_is_included_is_included_once() {
        let one = estimate(&[load(500)]).memory;
        let two = estimate(&[load(500), load(500)]).memory;
        assert!(near(
            two.dollars,
            2.0 * one.dollars + 90_000.0 * 0.000_002_5
        ));
    }
}
