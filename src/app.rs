//! Builds the rooms, owns the clock, starts and stops server and worker in order.

mod beside;
mod sending;
mod supervised;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::config::{Config, Evidence, StoreLimits};
use crate::doctor::{Doctor, Setup};
use crate::explain::Explainer;
use crate::http::{Access, AccessTerms, Dashboard, Rooms, router};
use crate::ledger::{Ledger, StoreTerms};
use crate::metrics::Metrics;
use crate::mrr::RateTable;
use crate::pipeline::{Completer, Door, DoorTerms, Settler, Watch};
use crate::pull::{Puller, note_absence};
use crate::report::{self, Reporter};
use crate::{http, stripe};

/// The time now, in unix seconds: the one clock of the process.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Receives, settles, and fetches what is missing where there is a key.
    Everything,
    /// Receives; another one settles.
    Receive,
}

/// The rooms behind every command.
#[derive(Debug, Clone)]
pub struct App {
    /// What is configured.
    pub config: Config,
    /// The store, its schema current.
    pub ledger: Ledger,
}

impl App {
    /// Opens the store and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// The store's, with the remedy.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let ledger = Self::open_store(&config).await?;
        ledger.migrate().await?;
        Ok(Self { config, ledger })
    }

    /// Opens the store alone, by the limits that are configured, and leaves its schema as it is.
    ///
    /// # Errors
    ///
    /// The store's, with the remedy.
    pub async fn open_store(config: &Config) -> anyhow::Result<Ledger> {
        Ok(Ledger::open_by(config.database_url.expose(), store_terms(config)).await?)
    }

    /// What settles deliveries by this configuration.
    #[must_use]
    pub fn settler(&self) -> Settler {
        self.settler_by(&self.config)
    }

    /// What would settle them by another.
    #[must_use]
    pub fn settler_by(&self, config: &Config) -> Settler {
        Settler::new(self.ledger.clone(), config.catalogue.clone(), config.policy.clone(), config.timezone)
    }

    /// Stripe's API, where there is a key to it.
    ///
    /// # Errors
    ///
    /// A key or an address that can't be used.
    pub fn api(&self) -> anyhow::Result<Option<Api>> {
        let Some(key) = &self.config.api_key else { return Ok(None) };
        Ok(Some(Api::new(key.expose(), self.config.api_base.as_deref())?))
    }

    /// What fetches what events leave out, where there is a key to Stripe's API.
    ///
    /// # Errors
    ///
    /// A key or an address that can't be used.
    pub fn completer(&self) -> anyhow::Result<Option<Completer>> {
        Ok(self.api()?.map(|api| Completer::new(self.ledger.clone(), api)))
    }

    /// What reads lists of this API into the store.
    #[must_use]
    pub fn puller(&self, api: Api) -> Puller {
        Puller::new(self.ledger.clone(), api, now)
    }

    /// What answers questions about the ledger by this configuration.
    #[must_use]
    pub fn reporter(&self) -> Reporter {
        let config = &self.config;
        let reporting = &config.reporting;
        let settings = report::Settings {
            zone: config.timezone,
            policy: config.policy.clone(),
            pricing_note: config.pricing_note.clone(),
            owner_key: Some(reporting.owner.key().to_owned()),
            segments: reporting.segments.iter().map(|key| key.key().to_owned()).collect(),
            size_bands: reporting.size_bands.iter().map(whole_units).collect(),
            targets: targets(&config.targets),
            consolidation: reporting.currency.clone().map(|currency| report::Consolidation {
                currency,
                rates: RateTable::default(),
                through: 0,
            }),
            ..report::Settings::of("live")
        };
        Reporter::new(self.ledger.clone(), settings)
    }

    /// What looks for what is wrong.
    #[must_use]
    pub fn doctor(&self) -> Doctor {
        let config = &self.config;
        let is_odd = |secret: &&crate::config::Secret| !secret.expose().starts_with("whsec_");
        let setup = Setup {
            has_secret: !config.webhook_secrets.is_empty(),
            odd_secrets: config.webhook_secrets.iter().filter(is_odd).count(),
            listens_without_token: !config.listen.ip().is_loopback() && config.api_tokens.is_empty(),
            has_key: config.api_key.is_some(),
        };
        Doctor::new(self.ledger.clone(), self.reporter(), setup)
    }

    /// The pages; where nothing may be settled, months can't be closed there.
    fn dashboard(&self, does: Duty) -> Dashboard {
        Dashboard {
            reporter: self.reporter(),
            explainer: Explainer::new(self.ledger.clone()),
            ledger: self.ledger.clone(),
            doctor: self.doctor(),
            settler: (does == Duty::Everything).then(|| self.settler()),
            gives_bytes: self.config.evidence == Evidence::Bytes,
            now,
        }
    }

    /// Serves on `listener` until `stop` is done, then answers what was taken, settles it, and
    /// closes the store. One that only receives leaves settling and fetching to others.
    ///
    /// # Errors
    ///
    /// The store's refusal to close.
    pub async fn serve(
        self,
        listener: TcpListener,
        does: Duty,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let stored = Arc::new(Notify::new());
        let metrics = Metrics::new().context("the metrics can't be made")?;
        let settler = self.settler();
        let (door, committer) =
            Door::open(self.ledger.clone(), self.door_terms(), Arc::clone(&stored), settler.pace());
        let door = if does == Duty::Receive { door.settled_elsewhere() } else { door };
        let door = Arc::new(door);
        let (mut beside, mut watch, mut sending) = (Vec::new(), None, None);
        if does == Duty::Everything {
            note_absence(&self.ledger, now()).await?;
            if let Some(api) = self.api()? {
                beside = beside::start_fetching(&self, &api, &stored, &metrics);
            }
            beside.push(beside::start_keeping_sums(self.reporter(), &metrics));
            watch = Some(Watch::begin(self.ledger.clone()).await?);
            sending = Some(sending::start(self.courier()?, metrics.clone(), now));
        }
        let start_worker = || worker::start(settler, self.ledger.clone(), stored, metrics.clone());
        let working = (does == Duty::Everything).then(start_worker);
        let limits = http_limits(&self.config);
        let tokens = self.config.api_tokens.iter().map(crate::config::Secret::expose);
        let access = Access::by_tokens(tokens, access_terms(&self.config));
        let api = http::api(self.reporter(), Explainer::new(self.ledger.clone()), now);
        let private = http::dashboard(self.dashboard(does)).merge(api).merge(http::metrics(
            metrics.clone(),
            Arc::clone(&door),
            watch,
            now,
        ));
        let trusted_proxies = self.config.trusted_proxies.clone();
        let rooms = Rooms { door, limits, trusted_proxies, metrics: metrics.clone(), now };
        // The router holds the door: when it is gone, the committer has answered all and ends.
        http::serve(listener, router(rooms, access, private), limits, metrics, stop).await;
        committer.await.context("the committer ended early")?;
        // What they were about to fetch is fetched by the next ones.
        beside.iter().for_each(JoinHandle::abort);
        if let Some(sending) = sending {
            sending.stop().await;
        }
        if let Some((stop_worker, worker)) = working {
            stop_worker.send_replace(true);
            worker.await.context("the worker ended early")?;
        }
        self.ledger.close().await?;
        Ok(())
    }

    fn door_terms(&self) -> DoorTerms {
        let secrets = self.config.webhook_secrets.iter();
        DoorTerms {
            secrets: secrets.filter_map(|secret| stripe::Secret::new(secret.expose())).collect(),
            tolerance_seconds: self.config.tolerance_seconds,
            waiting: self.config.limits.waiting,
            patience: Duration::from_secs(self.config.limits.commit_seconds),
            lag_limit_seconds: self.config.limits.lag_seconds,
        }
    }
}

/// The limits as the doors know them.
fn http_limits(config: &Config) -> http::Limits {
    let limits = &config.limits;
    http::Limits {
        connections: limits.connections,
        header_bytes: limits.header_bytes,
        body_bytes: config.max_body_bytes,
        form_bytes: limits.form_bytes,
        waiting_bytes: limits.waiting_bytes,
        questions: limits.questions,
        page_rows: limits.page_rows,
        header_seconds: limits.header_seconds,
        body_seconds: limits.body_seconds,
        answer_seconds: limits.answer_seconds,
        drain_seconds: limits.drain_seconds,
    }
}

/// What who shows tokens may try.
fn access_terms(config: &Config) -> AccessTerms {
    let limits = &config.limits;
    AccessTerms {
        guesses: limits.token_guesses,
        guess_seconds: limits.guess_seconds,
        session_seconds: limits.session_seconds,
    }
}

/// The terms of the store.
fn store_terms(config: &Config) -> StoreTerms {
    let StoreLimits { statement, connect, lock, readers, writers } = config.limits.store;
    StoreTerms { statement: Some(statement), connect, lock, readers, writers }
}

/// What is aimed at, as ratios; what is not configured is as usual, or not aimed at.
fn targets(given: &crate::config::Targets) -> report::Targets {
    let share = |target: crate::config::Decimal| report::Fraction {
        numerator: target.millionths,
        denominator: 1_000_000,
    };
    let usual = report::Targets::default();
    report::Targets {
        expansion_share_of_new_arr: given
            .expansion_share_of_new_arr
            .map_or(usual.expansion_share_of_new_arr, share),
        owner_book_growth: given.owner_book_growth.map_or(usual.owner_book_growth, share),
        owners: given.owners.iter().map(|(owner, target)| (owner.clone(), share(*target))).collect(),
        expansion_rate: given.expansion_rate.map(share),
        nrr: given.nrr.map(share),
        grr: given.grr.map(share),
        logo_churn: given.logo_churn.map(share),
    }
}

/// A bound of a size band in whole major units.
fn whole_units(bound: &crate::config::Decimal) -> u64 {
    u64::try_from(bound.millionths / 1_000_000).unwrap_or_default()
}
