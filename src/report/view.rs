//! Views: what each reader of a report looks at first, of the same figures. A view chooses and orders; it
//! figures nothing.

use super::ReportError;

/// For whom a report is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Who sells to customers: who grew by what, whose book, what is coming.
    Sales,
    /// Who brings customers: expansion beside new business, where it comes from, how cohorts last.
    Marketing,
    /// Who closes the books: that everything foots, what moved since, what the figures rest on.
    Finance,
    /// Who asks for one page.
    Executive,
    /// Who holds a book of customers.
    Owner,
}

impl View {
    /// All views, in the contract's order.
    pub const ALL: [Self; 5] = [Self::Sales, Self::Marketing, Self::Finance, Self::Executive, Self::Owner];

    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Marketing => "marketing",
            Self::Finance => "finance",
            Self::Executive => "executive",
            Self::Owner => "owner",
        }
    }

    /// Reads a view's word.
    ///
    /// # Errors
    ///
    /// [`ReportError::UnknownView`] for a word that is none.
    pub fn parse(word: &str) -> Result<Self, ReportError> {
        let of_word = Self::ALL.into_iter().find(|view| view.as_str() == word);
        of_word.ok_or_else(|| ReportError::UnknownView { word: word.to_owned() })
    }

    /// The figures in large type, in order.
    #[must_use]
    pub fn tiles(self) -> &'static [&'static str] {
        match self {
            Self::Sales => &["core_expansion", "expansion_rate", "owners_on_target", "scheduled", "at_risk"],
            Self::Marketing => {
                &["expansion_share_of_new_arr", "new", "core_expansion", "attach_rate", "expansion_rate"]
            }
            Self::Finance => &["ending_mrr", "net_expansion", "nrr", "prior_period", "at_risk"],
            Self::Executive => {
                &["expansion_rate", "core_expansion", "expansion_share_of_new_arr", "nrr", "ending_mrr"]
            }
            Self::Owner => &["owners_on_target", "core_expansion", "nrr", "scheduled", "at_risk"],
        }
    }

    /// The sections, by their keys, in the order that they are read.
    #[must_use]
    pub fn sections(self) -> &'static [&'static str] {
        match self {
            Self::Sales => &SALES,
            Self::Marketing => &MARKETING,
            Self::Finance => &FINANCE,
            Self::Executive => &EXECUTIVE,
            Self::Owner => &OWNER,
        }
    }
}

const SALES: [&str; 13] = [
    "expansion_by_kind",
    "expansion_by_cause",
    "top_expanders",
    "concentration",
    "owners",
    "targets",
    "motion",
    "scheduled",
    "at_risk",
    "pauses",
    "segments_product",
    "segment_months_product",
    "segments_owner",
];

const MARKETING: [&str; 15] = [
    "trend",
    "targets",
    "expansion_by_month",
    "expansion_by_kind",
    "expansion_by_cause",
    "motion",
    "customers",
    "first_month",
    "cohorts",
    "retention_net",
    "retention_gross",
    "segments_country",
    "segments_size_band",
    "segments_tenure",
    "segments_pricing_model",
];

const FINANCE: [&str; 20] = [
    "rollforward",
    "fx",
    "bridge",
    "prior_period_adjustments",
    "summary",
    "expansion_by_cause",
    "contraction_by_kind",
    "contraction_by_cause",
    "price_and_discount",
    "rates",
    "evidence",
    "at_risk",
    "scheduled",
    "pauses",
    "incomplete",
    "exceptions",
    "movement_evidence",
    "reconciliation",
    "segments_currency",
    "movements",
];

const EXECUTIVE: [&str; 9] = [
    "targets",
    "rollforward",
    "expansion_by_kind",
    "expansion_by_month",
    "rates",
    "trend",
    "top_expanders",
    "concentration",
    "owners",
];

const OWNER: [&str; 10] = [
    "owners",
    "segments_owner",
    "segment_months_owner",
    "targets",
    "top_expanders",
    "scheduled",
    "at_risk",
    "pauses",
    "cohorts",
    "retention_net",
];
