//! What a price asks for a quantity, and how often (R2, R3). How it becomes MRR is in `value`.

use std::fmt;
use std::num::NonZeroU32;

use super::{Currency, PriceId, ProductId};

/// The unit of a price's billing interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// A day; a year has 365 of them (R2).
    Day,
    /// A week; a year has 52 of them (R2).
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// How often a price bills: every `count` intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cadence {
    /// The interval's unit.
    pub interval: Interval,
    /// How many of them make one billing period.
    pub count: NonZeroU32,
}

impl Cadence {
    /// Every month.
    pub const MONTHLY: Self = Self { interval: Interval::Month, count: NonZeroU32::MIN };

    /// The factor that turns an amount of one billing period into a month's (R2), as numerator and
    /// denominator: month 1/n, year 1/(12 n), week 52/(12 n), day 365/(12 n).
    ///
    /// ```
    /// use upswell::mrr::{Cadence, Interval};
    /// let quarterly = Cadence { interval: Interval::Month, count: 3.try_into()? };
    /// assert_eq!(quarterly.monthly_factor(), (1, 3));
    /// # Ok::<(), std::num::TryFromIntError>(())
    /// ```
    #[must_use]
    pub fn monthly_factor(self) -> (i128, i128) {
        let count = i128::from(self.count.get());
        match self.interval {
            Interval::Day => (365, 12 * count),
            Interval::Week => (52, 12 * count),
            Interval::Month => (1, count),
            Interval::Year => (1, 12 * count),
        }
    }

    /// Whether both bill equally often: twelve months are a year.
    #[must_use]
    pub fn equals(self, other: Self) -> bool {
        let (a, b) = self.monthly_factor();
        let (c, d) = other.monthly_factor();
        a * d == b * c
    }
}

/// An amount of minor units with up to twelve decimals, as prices state it: the integer counts
/// units of 1e-12 of a minor unit (R3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PriceAmount(pub i128);

impl PriceAmount {
    /// Units of 1e-12 in one minor unit.
    pub const ONE: i128 = 1_000_000_000_000;

    /// A whole number of minor units.
    #[must_use]
    pub fn minor_units(units: i64) -> Self {
        Self(i128::from(units) * Self::ONE)
    }

    /// Reads a decimal text such as `"0.5"` or `"1200"`; `None` if it is not a plain decimal number
    /// of at most 24 digits before the point and 12 after it.
    ///
    /// ```
    /// use upswell::mrr::PriceAmount;
    /// assert_eq!(PriceAmount::parse("0.5"), Some(PriceAmount(500_000_000_000)));
    /// assert_eq!(PriceAmount::parse("12"), Some(PriceAmount::minor_units(12)));
    /// assert_eq!(PriceAmount::parse("1e3"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let part = part.trim_end_matches('0');
        let plain = |run: &str| run.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 24 || part.len() > 12 || !plain(whole) || !plain(part) {
            return None;
        }
        let amount: i128 = format!("{whole}{part:0<12}").parse().ok()?;
        Some(Self(if negative { -amount } else { amount }))
    }
}

impl fmt::Display for PriceAmount {
    /// Minor units with as many decimals as it has, up to twelve.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs() / Self::ONE.unsigned_abs();
        let part = format!("{:012}", self.0.unsigned_abs() % Self::ONE.unsigned_abs());
        match part.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            part => write!(f, "{sign}{whole}.{part}"),
        }
    }
}

/// Whether a price bills for what is held or for what was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageType {
    /// Billed for the quantity held.
    Licensed,
    /// Billed for usage; its level comes from invoices (R8).
    Metered,
}

/// How packages of units are counted before the unit amount applies (`transform_quantity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransformQuantity {
    /// Units in a package.
    pub divide_by: std::num::NonZeroU64,
    /// Whether a package begun counts as a whole one.
    pub round_up: bool,
}

/// How the tiers of a price combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TiersMode {
    /// Each band's units at the band's own rate.
    Graduated,
    /// All units at the rate of the band that the quantity falls into.
    Volume,
}

/// One band of a tiered price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tier {
    /// The last unit of the band, inclusive; none for the last band.
    pub up_to: Option<u64>,
    /// What entering the band costs.
    pub flat: PriceAmount,
    /// What each unit in it costs.
    pub unit: PriceAmount,
}

/// How an amount follows from a quantity (R3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Every unit, or package of units, costs the same.
    PerUnit {
        /// What one costs.
        unit: PriceAmount,
        /// How units make packages, if they do.
        transform: Option<TransformQuantity>,
    },
    /// Bands, in rising order.
    Tiered {
        /// How they combine.
        mode: TiersMode,
        /// The bands.
        tiers: Vec<Tier>,
    },
    /// The payload says that the price is tiered and leaves the tiers out, as every event does (R4).
    TiersNotSent,
    /// The payload carries neither an amount nor tiers.
    AmountNotSent,
    /// The payload carries the price's id alone: neither its amount nor its product, cadence and usage
    /// type are known (R4).
    PriceNotSent,
    /// The subscription pays in another currency than the price's own, and the payload leaves out what
    /// the price asks in it (`currency_options`, R4).
    OptionNotSent,
}

/// A price, or a legacy plan, as it is embedded in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Price {
    /// The price's id, or the plan's.
    pub id: PriceId,
    /// Its product; a legacy plan without one is its own product, named by the plan's id (R3).
    pub product: ProductId,
    /// The currency of its amounts.
    pub currency: Currency,
    /// How often it bills.
    pub cadence: Cadence,
    /// Licensed or metered.
    pub usage_type: UsageType,
    /// How the amount follows from the quantity.
    pub scheme: Scheme,
    /// False where the price's metadata says `upswell_seat=false`: its units are packs or blocks (R16).
    pub is_seat: bool,
    /// The price that this one follows, where its metadata names it in `upswell_succeeds` (R21).
    pub succeeds: Option<PriceId>,
}
