//! Exceptions: what stands between the facts and the figures, how often, and what to do about it.

use crate::mrr::{Finding, Instant, Matter};

/// What a person should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Items held at their last known level (R4).
    Incomplete,
    /// Deliveries that this version can't use.
    Parked,
    /// Customers that can't be derived.
    NotDerived,
    /// Events that do not follow on the state before them (R10).
    BrokenChain,
    /// Subscriptions with more items than were shown (R4).
    ItemsTruncated,
    /// Statuses that this version does not know.
    UnknownStatus,
    /// Coupons that are taken as unrestricted (R6).
    UnconfirmedCoupon,
    /// History that was rebuilt without events.
    UnprovedHistory,
    /// Exchange rates that the month lacks (R9).
    MissingRate,
}

impl Concern {
    /// All of them, in the order they are printed.
    pub const ALL: [Self; 9] = [
        Self::Incomplete,
        Self::Parked,
        Self::NotDerived,
        Self::BrokenChain,
        Self::ItemsTruncated,
        Self::UnknownStatus,
        Self::UnconfirmedCoupon,
        Self::UnprovedHistory,
        Self::MissingRate,
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Parked => "parked",
            Self::NotDerived => "not_derived",
            Self::BrokenChain => "broken_chain",
            Self::ItemsTruncated => "items_truncated",
            Self::UnknownStatus => "unknown_status",
            Self::UnconfirmedCoupon => "unconfirmed_coupon",
            Self::UnprovedHistory => "unproved_history",
            Self::MissingRate => "missing_rate",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Incomplete => "Items without a value, held at the last known level",
            Self::Parked => "Deliveries that this version can't use",
            Self::NotDerived => "Customers that can't be derived",
            Self::BrokenChain => "Broken chains: something was missed before",
            Self::ItemsTruncated => "Subscriptions with items past the tenth",
            Self::UnknownStatus => "Statuses that this version does not know",
            Self::UnconfirmedCoupon => "Coupons taken as unrestricted",
            Self::UnprovedHistory => "Places in history that no event proves",
            Self::MissingRate => "Exchange rates that are missing",
        }
    }

    /// What to do; `upswell doctor` names each with its own.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Incomplete => "supply what each lacks, listed under Incomplete; it heals by itself",
            Self::Parked => {
                "nothing is lost: upgrade upswell, which tries them again; `upswell doctor` names each"
            }
            Self::NotDerived => "a defect of upswell: `upswell doctor` names each; please report it",
            Self::BrokenChain => {
                "send the missed events again or backfill an export of that time; `upswell doctor` says which"
            }
            Self::ItemsTruncated => {
                "import each subscription's items or set STRIPE_API_KEY; `upswell doctor` says how"
            }
            Self::UnknownStatus => "upgrade upswell",
            Self::UnconfirmedCoupon => "import the list of coupons; `upswell doctor` says how",
            Self::UnprovedHistory => "`upswell doctor` lists them by cause",
            Self::MissingRate => "import rates with `upswell fx FILE`",
        }
    }
}

/// What the ledger knows of a concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noticed {
    /// What it is.
    pub concern: Concern,
    /// Since when; `None` of what has no instant in the book.
    pub at: Option<Instant>,
    /// How many.
    pub count: u64,
}

impl Noticed {
    /// What a finding is of; `None` of incomplete items, which reports list by themselves.
    #[must_use]
    pub fn of(finding: &Finding) -> Option<Self> {
        let concern = match finding.matter {
            Matter::BrokenChain => Concern::BrokenChain,
            Matter::Incomplete { .. } => return None,
            Matter::ItemsTruncated => Concern::ItemsTruncated,
            Matter::UnknownStatus => Concern::UnknownStatus,
            Matter::UnconfirmedCoupon { .. } => Concern::UnconfirmedCoupon,
            Matter::History { .. } => Concern::UnprovedHistory,
        };
        Some(Self { concern, at: Some(finding.at), count: 1 })
    }

    /// A count of the whole book; `None` of none.
    #[must_use]
    pub fn counted(concern: Concern, count: i64) -> Option<Self> {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        Some(Self { concern, at: None, count })
    }
}

/// A concern of a month's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    /// What it is.
    pub concern: Concern,
    /// How many; never none.
    pub count: u64,
}

/// What was noticed of facts before an instant, by concern.
pub(super) fn exceptions(noticed: &[Noticed], before: Instant) -> Vec<Exception> {
    let counted = |concern: Concern| {
        let of = noticed
            .iter()
            .filter(|noticed| noticed.concern == concern && noticed.at.is_none_or(|at| at < before));
        Exception { concern, count: of.map(|noticed| noticed.count).sum() }
    };
    Concern::ALL.into_iter().map(counted).filter(|exception| exception.count > 0).collect()
}
