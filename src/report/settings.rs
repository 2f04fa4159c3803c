//! What is asked of a report, and the choices it prints.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;

use super::{CONSOLIDATED, Consolidation, ReportError, Targets, View};
use crate::mrr::{Currency, Instant, Month, Policy};

/// The choices behind a report; everything that is not in the ledger. No clock: what time it is
/// comes in as `data_through`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The reporting time zone, whose calendar months are the periods.
    pub zone: Tz,
    /// The book, account and mode (R13).
    pub book: String,
    /// The policy in force, printed on every report.
    pub policy: Policy,
    /// Free text on pricing, printed beside the policy.
    pub pricing_note: String,
    /// The metadata key that names whose book a customer is in.
    pub owner_key: Option<String>,
    /// Metadata keys that customers are segmented by, in order.
    pub segments: Vec<String>,
    /// Where bands of a customer's MRR begin, in major units, ascending.
    pub size_bands: Vec<u64>,
    /// What is aimed at.
    pub targets: Targets,
    /// The newest fact behind the figures; `None` of an empty ledger.
    pub data_through: Option<Instant>,
    /// The months that are closed (R24).
    pub closed: BTreeMap<Month, ClosedMonth>,
    /// Whether as reported or restated.
    pub basis: Basis,
    /// The one currency that is asked for, or [`super::CONSOLIDATED`]; `None` for all.
    pub currency: Option<Currency>,
    /// The reporting currency and its rates (R9); `None` where nothing is consolidated.
    pub consolidation: Option<Consolidation>,
    /// The one dimension that is asked for; `None` for all.
    pub by: Option<Dimension>,
    /// For whom it is laid out; `None` for everybody.
    pub view: Option<View>,
}

impl Settings {
    /// The defaults for one book.
    #[must_use]
    pub fn of(book: &str) -> Self {
        Self {
            zone: Tz::UTC,
            book: book.to_owned(),
            policy: Policy::default(),
            pricing_note: String::new(),
            owner_key: None,
            segments: Vec::new(),
            size_bands: vec![100, 1_000, 10_000],
            targets: Targets::default(),
            data_through: None,
            closed: BTreeMap::new(),
            basis: Basis::Reported,
            currency: None,
            consolidation: None,
            by: None,
            view: None,
        }
    }

    /// Whether the consolidated block is asked for by name: as such, or by the reporting currency.
    #[must_use]
    pub fn asks_for_consolidated(&self) -> bool {
        let (asked, by) = (self.currency.as_ref(), self.consolidation.as_ref());
        asked
            .is_some_and(|asked| asked.as_str() == CONSOLIDATED || by.is_some_and(|by| by.currency == *asked))
    }

    /// Whether movements of a currency are shown: all but where one currency alone is asked for.
    #[must_use]
    pub fn shows(&self, currency: &Currency) -> bool {
        let asked = self.currency.as_ref().filter(|_| !self.asks_for_consolidated());
        asked.is_none_or(|asked| asked == currency)
    }

    /// The metadata keys that customers are segmented by, the owner's among them, as they are kept when a month is
    /// closed.
    #[must_use]
    pub fn metadata_keys(&self) -> BTreeSet<String> {
        let bare = |key: &String| key.strip_prefix("metadata.").unwrap_or(key).to_owned();
        self.segments.iter().chain(self.owner_key.iter()).map(bare).collect()
    }

    /// The dimensions that the report is to show, in order.
    #[must_use]
    pub fn dimensions(&self) -> Vec<Dimension> {
        if let Some(by) = &self.by {
            return vec![by.clone()];
        }
        let owner = self.owner_key.is_some().then_some(Dimension::Owner);
        Dimension::PLAIN
            .into_iter()
            .chain(owner)
            .chain(self.segments.iter().map(|key| Dimension::metadata(key)))
            .collect()
    }
}

/// How a month was closed (R24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedMonth {
    /// When.
    pub closed_at: Instant,
    /// The digest of its books, in hexadecimal.
    pub digest: String,
    /// How many postings are in them.
    pub postings: i64,
}

/// Whether a month's figures may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonthStatus {
    /// They may.
    Open,
    /// What was reported does not change any more.
    Closed,
    /// Closed, and shown with figures that are not those reported.
    Restated,
}

impl MonthStatus {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Restated => "restated",
        }
    }
}

/// Whether a closed month shows what was reported or what is known now (R24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// What was posted until the month was closed.
    Reported,
    /// What stands now.
    Restated,
}

impl Basis {
    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Restated => "restated",
        }
    }
}

/// What customers or their lines are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// Product of a line.
    Product,
    /// Price of a line.
    Price,
    /// Currency of a line; the one row of its currency's block.
    Currency,
    /// Country of the customer.
    Country,
    /// Band of the customer's MRR in the block's currency.
    SizeBand,
    /// How long the customer has been there.
    Tenure,
    /// Whether a line is billed by seat, by usage or flat.
    PricingModel,
    /// Whose book the customer is in.
    Owner,
    /// A metadata key of the customer.
    Metadata(String),
}

impl Dimension {
    /// The dimensions that need no configuration.
    pub const PLAIN: [Self; 7] = [
        Self::Product,
        Self::Price,
        Self::Currency,
        Self::Country,
        Self::SizeBand,
        Self::Tenure,
        Self::PricingModel,
    ];

    /// A metadata key, written with or without `metadata.` in front.
    #[must_use]
    pub fn metadata(key: &str) -> Self {
        Self::Metadata(key.strip_prefix("metadata.").unwrap_or(key).to_owned())
    }

    /// The dimension's word.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Product => "product".to_owned(),
            Self::Price => "price".to_owned(),
            Self::Currency => "currency".to_owned(),
            Self::Country => "country".to_owned(),
            Self::SizeBand => "size_band".to_owned(),
            Self::Tenure => "tenure".to_owned(),
            Self::PricingModel => "pricing_model".to_owned(),
            Self::Owner => "owner".to_owned(),
            Self::Metadata(key) => format!("metadata.{key}"),
        }
    }

    /// Reads a dimension's word.
    ///
    /// # Errors
    ///
    /// [`ReportError::UnknownDimension`] for a word that is none.
    pub fn parse(word: &str) -> Result<Self, ReportError> {
        let plain = Self::PLAIN.into_iter().chain([Self::Owner]);
        let metadata = word.strip_prefix("metadata.").filter(|key| !key.is_empty());
        plain
            .chain(metadata.map(Self::metadata))
            .find(|dimension| dimension.name() == word)
            .ok_or_else(|| ReportError::UnknownDimension { word: word.to_owned() })
    }
}
