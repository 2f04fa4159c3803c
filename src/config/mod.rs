//! The only reader of the environment, of `.env` and of `upswell.toml`.
//!
//! Flags win over the environment, the environment over `.env`, and that over the file. Whatever is
//! wrong is said with the name of the variable, flag or key it came from, and an example.

mod build;
mod decimal;
mod delivery;
mod duration;
mod file;
mod keys;
mod limits;
mod secret;
mod settings;
mod variables;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::mrr::{Catalogue, Currency, Policy};

pub use decimal::Decimal;
pub use delivery::{Delivery, DeliveryTarget, DeliveryTime, MailBody, Smtp, SmtpSecurity};
pub use duration::seconds_of;
pub use limits::{Limits, StoreLimits};
pub use secret::Secret;
pub use settings::Settings;
pub use variables::{VARIABLES, Variable};

/// What is configured, checked and typed.
#[derive(Debug, Clone)]
pub struct Config {
    /// The signing secrets of the webhook endpoints, any of which may have signed a delivery; empty
    /// where nothing is received.
    pub webhook_secrets: Vec<Secret>,
    /// The key that reads Stripe's API, to complete what events leave out; `None` where nothing is fetched.
    pub api_key: Option<Secret>,
    /// Where Stripe's API is, if not at Stripe.
    pub api_base: Option<String>,
    /// Where the store is; hidden in logs, for it may hold a password.
    pub database_url: Secret,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The bearer tokens of API and dashboard; without one, only loopback is answered.
    pub api_tokens: Vec<Secret>,
    /// What of the evidence those see whom they let in.
    pub evidence: Evidence,
    /// The time zone whose calendar months are the periods.
    pub timezone: chrono_tz::Tz,
    /// How old a signature may be; exactly so old is accepted.
    pub tolerance_seconds: i64,
    /// How large a delivery may be; exactly so large is accepted.
    pub max_body_bytes: usize,
    /// What strangers can make the server hold, and for how long.
    pub limits: Limits,
    /// The proxies whose word on where a request comes from counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// The choices that change figures.
    pub policy: Policy,
    /// Free text on pricing, printed on reports.
    pub pricing_note: String,
    /// What is known about products and prices beyond the payloads (R21).
    pub catalogue: Catalogue,
    /// How reports are cut.
    pub reporting: Reporting,
    /// What the owner of the figures aims at.
    pub targets: Targets,
    /// Who is to have reports by themselves, and when.
    pub deliveries: Vec<Delivery>,
    /// The mail server that reports are sent by.
    pub smtp: Option<Smtp>,
    /// What is logged: a filter such as `info,upswell=debug`.
    pub log: String,
    /// The form in which it is logged.
    pub log_format: LogFormat,
    /// The OpenTelemetry collector that traces go to; none go anywhere without.
    pub traces_to: Option<String>,
}

/// How reports are cut (domain section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// The currency to consolidate in (R9); `None` while there is none.
    pub currency: Option<Currency>,
    /// The metadata key that names whose book a customer is in.
    pub owner: MetadataKey,
    /// The metadata keys to segment by.
    pub segments: Vec<MetadataKey>,
    /// The bounds of the size bands, ascending, in major units of the reporting currency.
    pub size_bands: Vec<Decimal>,
}

/// A key of a customer's or subscription's metadata, written `metadata.KEY` in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetadataKey(String);

impl MetadataKey {
    /// Reads `metadata.KEY`; `None` where the text is not of that form.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        path.strip_prefix("metadata.").filter(|key| !key.trim().is_empty()).map(|key| Self(key.to_owned()))
    }

    /// The key alone, without `metadata.`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0
    }
}

/// What is aimed at; core expansion counts (R16).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targets {
    /// Core expansion as a part of new ARR.
    pub expansion_share_of_new_arr: Option<Decimal>,
    /// Expansion as a part of the growth of an owner's book.
    pub owner_book_growth: Option<Decimal>,
    /// Core expansion over the base.
    pub expansion_rate: Option<Decimal>,
    /// Net revenue retention.
    pub nrr: Option<Decimal>,
    /// Gross revenue retention.
    pub grr: Option<Decimal>,
    /// Customers lost, as a part of those there at the start, at most.
    pub logo_churn: Option<Decimal>,
    /// `owner_book_growth` of single owners, by name.
    pub owners: BTreeMap<String, Decimal>,
}

/// What the dashboard gives out of the evidence: stored events hold names and e-mail addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Length and digest of the stored bytes.
    Digests,
    /// The bytes as well, as a file.
    Bytes,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Why the configuration can't be used. Values are never repeated: they may be secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A variable, flag or key has a value that can't be used.
    #[error("{named}: {problem}; for example {example}")]
    Value {
        /// The variable, flag or key, as the user wrote it.
        named: String,
        /// What is wrong with it.
        problem: String,
        /// One that works.
        example: String,
    },
    /// The file of `UPSWELL_CONFIG` can't be read.
    #[error(
        "the configuration file {} can't be read; name another with UPSWELL_CONFIG or --config, \
         for example UPSWELL_CONFIG=upswell.toml",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not TOML, or holds a key that is not known.
    #[error(
        "{}: {reason}\nupswell.example.toml shows every key, for example\n[policy]\nchurn = \"ended\"",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Where and what, with the line.
        reason: String,
    },
    /// `.env` can't be read.
    #[error(
        ".env: the entry {after} is not of the form NAME=value; quote values with blanks, for \
         example UPSWELL_LISTEN='127.0.0.1:8080'"
    )]
    DotEnv {
        /// Which entry, without its content.
        after: String,
    },
}

impl Config {
    /// Reads flags, environment, `.env` and the file. `flags` maps the names of variables to the
    /// values their flags were given.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names what can't be used and gives an example.
    pub fn load(flags: &[(&'static str, String)]) -> Result<Self, ConfigError> {
        let settings = Settings::gather(flags)?;
        let (path, text) = file::read(&settings)?;
        build::config(&settings, &path, &text)
    }

    /// What would be configured if `path` were the file of `UPSWELL_CONFIG`: flags and environment win
    /// over it as they do over that one.
    ///
    /// # Errors
    ///
    /// As of [`Config::load`].
    pub fn load_with(flags: &[(&'static str, String)], path: &std::path::Path) -> Result<Self, ConfigError> {
        let settings = Settings::gather(flags)?;
        let text = file::text_of(path)?;
        build::config(&settings, path, &text)
    }

    /// A configuration from what is given alone, for the demo and for tests: neither the environment
    /// nor a file is read. `text` stands for `upswell.toml`.
    ///
    /// # Errors
    ///
    /// As of [`Config::load`].
    pub fn from_given(environment: &[(&'static str, &str)], text: &str) -> Result<Self, ConfigError> {
        let settings = Settings::from_given(environment, &[]);
        build::config(&settings, std::path::Path::new("upswell.toml"), text)
    }
}
