//! `upswell.toml` as it is written. A key that is not known is an error: a misspelt policy would
//! otherwise change figures silently.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, Settings};

const DEFAULT_PATH: &str = "upswell.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) policy: PolicyTable,
    pub(super) reporting: ReportingTable,
    pub(super) targets: TargetsTable,
    pub(super) ladder: Vec<LadderTable>,
    pub(super) catalogue: CatalogueTable,
    pub(super) delivery: Vec<DeliveryTable>,
    pub(super) smtp: Option<SmtpTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyTable {
    pub(super) churn: Option<String>,
    pub(super) past_due: Option<toml::Value>,
    pub(super) paused: Option<String>,
    pub(super) trialing: Option<String>,
    pub(super) discounts: Option<String>,
    pub(super) usage_window: Option<i64>,
    pub(super) transfer_window: Option<String>,
    pub(super) pricing_note: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReportingTable {
    pub(super) timezone: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) segments: Vec<String>,
    pub(super) size_bands: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TargetsTable {
    pub(super) expansion_share_of_new_arr: Option<String>,
    pub(super) owner_book_growth: Option<String>,
    pub(super) expansion_rate: Option<String>,
    pub(super) nrr: Option<String>,
    pub(super) grr: Option<String>,
    pub(super) logo_churn: Option<String>,
    pub(super) owners: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LadderTable {
    pub(super) steps: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CatalogueTable {
    pub(super) add_ons: Vec<String>,
    pub(super) not_seats: Vec<String>,
    pub(super) successors: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DeliveryTable {
    pub(super) name: String,
    pub(super) day: Option<u32>,
    pub(super) weekday: Option<String>,
    pub(super) at: Option<String>,
    pub(super) book: Option<String>,
    pub(super) view: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) formats: Option<Vec<String>>,
    pub(super) only_closed: bool,
    pub(super) names_customers: bool,
    pub(super) file: Option<String>,
    pub(super) email: Vec<String>,
    pub(super) body: Option<String>,
    pub(super) webhook: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SmtpTable {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) security: Option<String>,
    pub(super) user: Option<String>,
    pub(super) from: String,
    pub(super) authority: Option<PathBuf>,
}

/// The file's path and text. A file that nobody named may be missing; one that was named may not.
pub(super) fn read(settings: &Settings) -> Result<(PathBuf, String), ConfigError> {
    let named = settings.get("UPSWELL_CONFIG");
    let path = PathBuf::from(named.map_or(DEFAULT_PATH, |given| given.value.as_str()));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
            Ok((path, String::new()))
        }
        Err(source) => Err(ConfigError::Unreadable { path, source }),
    }
}

/// The text of a file that somebody named.
pub(super) fn text_of(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })
}

pub(super) fn parse(path: &Path, text: &str) -> Result<File, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::File {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })
}
