//! What is counted and measured, for Prometheus. It knows nobody: whoever sees something tells it.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// The bounds of acknowledgement times, in seconds: a commit takes a millisecond where the disk is fast, and Stripe
/// gives up after some ten seconds.
const ACKNOWLEDGE_BOUNDS: [f64; 13] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// What deliveries come to that are there from the start, so that a rate over them has a beginning.
const OUTCOMES: [&str; 15] = [
    "stored",
    "duplicate",
    "conflict",
    "signature_missing",
    "signature_malformed",
    "signature_no_v1",
    "signature_wrong",
    "signature_stale",
    "signature_repeated",
    "not_json",
    "body_too_large",
    "body_too_slow",
    "body_broken_off",
    "busy",
    "store_unavailable",
];

/// Why a run of the worker fails: the store, or a defect.
const FAILURES: [&str; 2] = ["error", "defect"];

/// What sending a report can come to.
const SENDINGS: [&str; 2] = ["sent", "failed"];

/// Why requests for figures are refused, by the codes of the answers.
const REFUSALS: [&str; 5] = ["not_local", "token_missing_or_wrong", "too_many_guesses", "cross_site", "busy"];

/// The metrics of the process, and of the ledger as it was last looked at.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    deliveries: IntCounterVec,
    acknowledge: Histogram,
    waiting: IntGauge,
    clock_ahead: IntGauge,
    connections: IntGauge,
    connections_shed: IntCounter,
    refusals: IntCounterVec,
    store_up: IntGauge,
    pending: IntGauge,
    lag: Gauge,
    parked: IntGauge,
    incomplete: IntGauge,
    unsent_reports: IntGauge,
    reports: IntCounterVec,
    worker_failures: IntCounterVec,
    movements: IntCounterVec,
    reversals: IntCounterVec,
}

/// The ledger, as it is shown to Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Deliveries that wait to be settled.
    pub pending: i64,
    /// The age of the oldest of them.
    pub lag_seconds: i64,
    /// Parked deliveries.
    pub parked: i64,
    /// Incomplete items.
    pub incomplete: i64,
    /// Reports that could not be sent.
    pub unsent_reports: i64,
}

impl Metrics {
    /// All of them, at zero.
    ///
    /// # Errors
    ///
    /// A name that is no name or given twice, which a test would show.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let all = &registry;
        let acknowledge = HistogramOpts::new(
            "upswell_acknowledge_seconds",
            "From the header of a delivery to its answer, of those that were answered 200.",
        )
        .buckets(ACKNOWLEDGE_BOUNDS.to_vec());
        tell_version(all)?;
        let metrics = Self {
            deliveries: counters(
                all,
                "upswell_deliveries_total",
                "Deliveries by what they came to.",
                &["outcome"],
            )?,
            acknowledge: Histogram::with_opts(acknowledge)?,
            waiting: gauge(
                all,
                "upswell_waiting_deliveries",
                "Deliveries in memory that wait for their commit.",
            )?,
            clock_ahead: gauge(
                all,
                "upswell_clock_ahead_seconds",
                "How far ahead of this machine's clock the newest delivery was signed.",
            )?,
            connections: gauge(all, "upswell_connections", "Connections that are held.")?,
            connections_shed: counter(
                all,
                "upswell_connections_shed_total",
                "Connections closed or refused because all places were taken.",
            )?,
            refusals: counters(
                all,
                "upswell_refusals_total",
                "Requests for figures that were refused.",
                &["code"],
            )?,
            store_up: store_up(all)?,
            pending: gauge(all, "upswell_inbox_pending", "Stored deliveries that wait to be settled.")?,
            lag: lag(all)?,
            parked: gauge(all, "upswell_parked", "Stored deliveries that this version can't use.")?,
            incomplete: gauge(
                all,
                "upswell_incomplete",
                "Items held at their last known level, for something about them is missing.",
            )?,
            unsent_reports: unsent_reports(all)?,
            reports: reports(all)?,
            worker_failures: worker_failures(all)?,
            movements: counters(
                all,
                "upswell_movements_total",
                "Movements posted since this process started, by whichever process.",
                &["class", "kind"],
            )?,
            reversals: counters(
                all,
                "upswell_reversals_total",
                "Movements taken back since this process started, by whichever process.",
                &["class", "kind"],
            )?,
            registry: registry.clone(),
        };
        all.register(Box::new(metrics.acknowledge.clone()))?;
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// A label that was never counted is there as well: nothing and zero are two things.
    fn begin_at_zero(&self) {
        OUTCOMES.iter().for_each(|outcome| drop(self.deliveries.with_label_values(&[outcome])));
        REFUSALS.iter().for_each(|code| drop(self.refusals.with_label_values(&[code])));
        FAILURES.iter().for_each(|reason| drop(self.worker_failures.with_label_values(&[reason])));
        SENDINGS.iter().for_each(|outcome| drop(self.reports.with_label_values(&[outcome])));
        for counters in [&self.movements, &self.reversals] {
            drop(counters.with_label_values(&["expansion", "seat"]));
        }
    }

    /// A delivery that was stored or known already: `stored`, `duplicate` or `conflict`, how long it took, and
    /// by how much it was signed ahead of our clock.
    pub fn acknowledged(&self, outcome: &str, took: Duration, ahead_seconds: i64) {
        self.deliveries.with_label_values(&[outcome]).inc();
        self.acknowledge.observe(took.as_secs_f64());
        self.clock_ahead.set(ahead_seconds);
    }

    /// A delivery that was not taken, by the code of its answer.
    pub fn refused_delivery(&self, code: &str) {
        self.deliveries.with_label_values(&[code]).inc();
    }

    /// A request for figures that was refused, by the code of its answer.
    pub fn refused(&self, code: &str) {
        self.refusals.with_label_values(&[code]).inc();
    }

    /// A report was sent to somebody when it was due, or could not be.
    pub fn sent_report(&self, is_sent: bool) {
        let outcome = if is_sent { SENDINGS[0] } else { SENDINGS[1] };
        self.reports.with_label_values(&[outcome]).inc();
    }

    /// A run of the worker failed because of the store, or of it or what works beside it for a defect; it goes on.
    pub fn worker_failed(&self, is_defect: bool) {
        let reason = if is_defect { FAILURES[1] } else { FAILURES[0] };
        self.worker_failures.with_label_values(&[reason]).inc();
    }

    /// So many connections are held.
    pub fn connections(&self, held: usize) {
        self.connections.set(i64::try_from(held).unwrap_or(i64::MAX));
    }

    /// A connection had to go, or could not be held.
    pub fn shed(&self) {
        self.connections_shed.inc();
    }

    /// So many deliveries wait for their commit.
    pub fn waiting(&self, deliveries: usize) {
        self.waiting.set(i64::try_from(deliveries).unwrap_or(i64::MAX));
    }

    /// Whether the store answered a look at it. While it does not, the last figures of the ledger stand.
    pub fn store(&self, is_up: bool) {
        self.store_up.set(i64::from(is_up));
    }

    /// The ledger was looked at.
    pub fn ledger(&self, standing: Standing) {
        let Standing { pending, lag_seconds, parked, incomplete, unsent_reports } = standing;
        self.store(true);
        self.pending.set(pending);
        self.lag.set(Duration::from_secs(lag_seconds.unsigned_abs()).as_secs_f64());
        self.parked.set(parked);
        self.incomplete.set(incomplete);
        self.unsent_reports.set(unsent_reports);
    }

    /// So many movements of a class and kind were posted or, of reversals, taken back.
    pub fn posted(&self, class: &str, kind: &str, is_reversal: bool, count: u64) {
        let counters = if is_reversal { &self.reversals } else { &self.movements };
        counters.with_label_values(&[class, kind]).inc_by(count);
    }

    /// All of them, in Prometheus's text form.
    ///
    /// # Errors
    ///
    /// What can't be written as text.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// The type of [`Metrics::text`].
    #[must_use]
    pub fn content_type() -> String {
        TextEncoder::new().format_type().to_owned()
    }
}

fn tell_version(all: &Registry) -> Result<(), prometheus::Error> {
    let build = IntGaugeVec::new(Opts::new("upswell_build_info", "The version that runs."), &["version"])?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    all.register(Box::new(build))
}

fn gauge(all: &Registry, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
    let gauge = IntGauge::new(name, help)?;
    all.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn store_up(all: &Registry) -> Result<IntGauge, prometheus::Error> {
    gauge(all, "upswell_store_up", "Whether the store answered when it was last looked at.")
}

fn unsent_reports(all: &Registry) -> Result<IntGauge, prometheus::Error> {
    let help = "Reports that somebody is to have and that could not be sent.";
    gauge(all, "upswell_unsent_reports", help)
}

fn reports(all: &Registry) -> Result<IntCounterVec, prometheus::Error> {
    let help = "Tries of this process to send a report when it was due, by what they came to.";
    counters(all, "upswell_reports_total", help, &["outcome"])
}

fn worker_failures(all: &Registry) -> Result<IntCounterVec, prometheus::Error> {
    let help = "Runs of the worker that failed, after which it tried again: an error of the store, or a defect, also of what works \
         beside it.";
    counters(all, "upswell_worker_failures_total", help, &["reason"])
}

fn lag(all: &Registry) -> Result<Gauge, prometheus::Error> {
    let help = "The age of the oldest delivery that the worker has not settled.";
    let gauge = Gauge::new("upswell_settlement_lag_seconds", help)?;
    all.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn counter(all: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    let counter = IntCounter::new(name, help)?;
    all.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn counters(
    all: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    all.register(Box::new(counters.clone()))?;
    Ok(counters)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_metric_is_there_before_anything_happens() {
        let text = Metrics::new().unwrap().text().unwrap();
        for line in [
            "upswell_deliveries_total{outcome=\"stored\"} 0",
            "upswell_acknowledge_seconds_bucket{le=\"0.001\"} 0",
            "upswell_acknowledge_seconds_bucket{le=\"10\"} 0",
            "upswell_inbox_pending 0",
            "upswell_settlement_lag_seconds 0",
            "upswell_movements_total{class=\"expansion\",kind=\"seat\"} 0",
            "upswell_parked 0",
            "upswell_incomplete 0",
            "upswell_unsent_reports 0",
            "upswell_reports_total{outcome=\"failed\"} 0",
            "upswell_worker_failures_total{reason=\"error\"} 0",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
        }
    }
}
