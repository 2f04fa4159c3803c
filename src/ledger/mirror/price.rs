//! The stored form of prices.

use std::num::{NonZeroU32, NonZeroU64};

use serde::{Deserialize, Serialize};

use super::{Mirror, record, words};
use crate::mrr;

words!(Interval of mrr::Interval { Day = "day", Week = "week", Month = "month", Year = "year" });
words!(UsageType of mrr::UsageType { Licensed = "licensed", Metered = "metered" });
words!(TiersMode of mrr::TiersMode { Graduated = "graduated", Volume = "volume" });

record!(Cadence of mrr::Cadence {
    #[serde(rename = "every")]
    interval: Interval,
    count: NonZeroU32,
});

record!(TransformQuantity of mrr::TransformQuantity {
    divide_by: NonZeroU64,
    round_up: bool,
});

record!(Tier of mrr::Tier {
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to: Option<u64>,
    flat: i128,
    unit: i128,
});

record!(Price of mrr::Price {
    id: String,
    product: String,
    currency: String,
    cadence: Cadence,
    #[serde(rename = "usage")]
    usage_type: UsageType,
    scheme: Scheme,
    #[serde(rename = "seat")]
    is_seat: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    succeeds: Option<String>,
});

/// The stored form of [`mrr::Scheme`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scheme {
    /// Every unit or package costs the same.
    PerUnit {
        unit: i128,
        #[serde(skip_serializing_if = "Option::is_none")]
        transform: Option<TransformQuantity>,
    },
    /// Bands.
    Tiered { mode: TiersMode, tiers: Vec<Tier> },
    /// Tiers that the payload left out.
    TiersNotSent,
    /// An amount that the payload left out.
    AmountNotSent,
    /// All but the id.
    PriceNotSent,
    /// What it asks in the subscription's currency.
    OptionNotSent,
}

impl Mirror<mrr::Scheme> for Scheme {
    fn of(core: &mrr::Scheme) -> Self {
        match core {
            mrr::Scheme::PerUnit { unit, transform } => {
                Self::PerUnit { unit: unit.0, transform: Mirror::of(transform) }
            }
            mrr::Scheme::Tiered { mode, tiers } => {
                Self::Tiered { mode: Mirror::of(mode), tiers: Mirror::of(tiers) }
            }
            mrr::Scheme::TiersNotSent => Self::TiersNotSent,
            mrr::Scheme::AmountNotSent => Self::AmountNotSent,
            mrr::Scheme::PriceNotSent => Self::PriceNotSent,
            mrr::Scheme::OptionNotSent => Self::OptionNotSent,
        }
    }

    fn restore(self) -> mrr::Scheme {
        match self {
            Self::PerUnit { unit, transform } => {
                mrr::Scheme::PerUnit { unit: mrr::PriceAmount(unit), transform: transform.restore() }
            }
            Self::Tiered { mode, tiers } => {
                mrr::Scheme::Tiered { mode: mode.restore(), tiers: tiers.restore() }
            }
            Self::TiersNotSent => mrr::Scheme::TiersNotSent,
            Self::AmountNotSent => mrr::Scheme::AmountNotSent,
            Self::PriceNotSent => mrr::Scheme::PriceNotSent,
            Self::OptionNotSent => mrr::Scheme::OptionNotSent,
        }
    }
}
