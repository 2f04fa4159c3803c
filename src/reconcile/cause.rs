//! Why Stripe's figure may differ from ours: the causes that can be proved, and what each does to ours.

use std::fmt;

use crate::mrr::{ChurnPolicy, Counting, Policy};

/// Why Stripe's figure of a customer and month differs from ours, in the order in which causes are
/// tried and taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// One of the two leaves usage out (R8).
    Metered,
    /// The two are net of different discounts (R6).
    DiscountPolicy,
    /// One of the two counts trials (R5).
    Trial,
    /// One of the two counts what is paused (R5).
    Pause,
    /// An end counts when it was asked for, or when it came (R14).
    ChurnPolicy,
    /// Late payers count, or lapse after some days (R5).
    PastDue,
    /// It was there before the ledger's first word of it (R12).
    History,
    /// The two months end at other instants.
    TimeZone,
    /// Stripe's figures are not older than two days, and did not know yet.
    Freshness,
    /// Stripe tells it in another currency.
    Currency,
    /// Nothing of the above.
    Unknown,
}

impl Cause {
    /// Every cause, in the order of the columns.
    pub const ALL: [Self; 11] = [
        Self::Metered,
        Self::DiscountPolicy,
        Self::Trial,
        Self::Pause,
        Self::ChurnPolicy,
        Self::PastDue,
        Self::History,
        Self::TimeZone,
        Self::Freshness,
        Self::Currency,
        Self::Unknown,
    ];

    /// The cause's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metered => "metered",
            Self::DiscountPolicy => "discount_policy",
            Self::Trial => "trial",
            Self::Pause => "pause",
            Self::ChurnPolicy => "churn_policy",
            Self::PastDue => "past_due",
            Self::History => "history",
            Self::TimeZone => "time_zone",
            Self::Freshness => "freshness",
            Self::Currency => "currency",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which discounts a figure is net of: what Stripe can be set to, and what our policies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Discounts {
    /// Only those for ever, which Stripe always subtracts.
    Forever,
    /// Those for ever and those used once.
    ForeverAndOnce,
    /// Those for ever and repeating ones while they run.
    Recurring,
    /// All.
    All,
    /// None.
    None,
}

impl Discounts {
    const ALL: [Self; 5] = [Self::Forever, Self::All, Self::ForeverAndOnce, Self::Recurring, Self::None];

    fn words(self) -> &'static str {
        match self {
            Self::Forever => "net of discounts for ever only",
            Self::ForeverAndOnce => "net of discounts for ever and once",
            Self::Recurring => "net of recurring discounts, not of those used once",
            Self::All => "net of all discounts",
            Self::None => "net of no discounts",
        }
    }
}

/// A choice that is made otherwise than ours to arrive at Stripe's figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Choice {
    /// Usage left out.
    NoUsage,
    /// Other discounts.
    Discounts(Discounts),
    /// Trials the other way.
    Trial,
    /// Pauses the other way.
    Pause,
    /// Ends the other way.
    Churn,
    /// Late payers that never lapse.
    PastDue,
    /// What was opened later stands before.
    Before,
}

impl Choice {
    /// All choices, in the order of their causes.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let discounts = Discounts::ALL.into_iter().map(Self::Discounts);
        let rest = [Self::Trial, Self::Pause, Self::Churn, Self::PastDue, Self::Before];
        [Self::NoUsage].into_iter().chain(discounts).chain(rest)
    }

    /// What it is a case of.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::NoUsage => Cause::Metered,
            Self::Discounts(_) => Cause::DiscountPolicy,
            Self::Trial => Cause::Trial,
            Self::Pause => Cause::Pause,
            Self::Churn => Cause::ChurnPolicy,
            Self::PastDue => Cause::PastDue,
            Self::Before => Cause::History,
        }
    }

    /// Whether it is one that an account makes once for all of its customers.
    pub(super) fn is_setting(self) -> bool {
        self != Self::Before
    }

    /// What makes ours Stripe's, for a person.
    pub(super) fn words(self, ours: &Policy) -> &'static str {
        match (self, ours) {
            (Self::NoUsage, _) => "without usage",
            (Self::Discounts(discounts), _) => discounts.words(),
            (Self::Trial, Policy { trialing: Counting::Zero, .. }) => "with trials",
            (Self::Trial, _) => "without trials",
            (Self::Pause, Policy { paused: Counting::Zero, .. }) => "with what is paused",
            (Self::Pause, _) => "without what is paused",
            (Self::Churn, Policy { churn: ChurnPolicy::Ended, .. }) => "ending when the end is asked for",
            (Self::Churn, _) => "ending when the end comes",
            (Self::PastDue, _) => "with late payers however late",
            (Self::Before, _) => "with what was there before the ledger's first word of it",
        }
    }
}
