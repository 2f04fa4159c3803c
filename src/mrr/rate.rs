//! Dated exchange rates, and which of them is a month's (R9).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{Days, NaiveDate};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::{Currency, Month};

/// How many days before a month's end its rate may be dated.
pub const RATE_MAX_AGE_DAYS: u64 = 10;

/// The currency whose rates join two others, where several could: central banks quote against it.
const COMMON: &str = "eur";

/// An exchange rate: an exact decimal above zero, per major unit.
#[derive(Debug, Clone)]
pub struct ExchangeRate {
    text: String,
    value: BigRational,
}

impl ExchangeRate {
    /// Reads a plain decimal above zero, of up to nine digits before its point and twenty after it.
    ///
    /// ```
    /// use upswell::mrr::ExchangeRate;
    /// let rate = |text| ExchangeRate::parse(text);
    /// assert_eq!(rate("1.0856").map(|rate| rate.to_string()).as_deref(), Some("1.0856"));
    /// assert_eq!(rate("1.50"), rate("1.5"));
    /// assert!(rate("0").is_none() && rate("-1").is_none() && rate("1e3").is_none() && rate("1,5").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_plain = |run: &str, most| run.len() <= most && run.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || text.ends_with('.') || !is_plain(whole, 9) || !is_plain(part, 20) {
            return None;
        }
        let numerator: BigInt = format!("{whole}{part}").parse().ok()?;
        let denominator = BigInt::from(10).pow(u32::try_from(part.len()).ok()?);
        let value = BigRational::new(numerator, denominator);
        (!value.is_zero()).then(|| Self { text: text.to_owned(), value })
    }

    /// How many of the one currency make one of the other.
    #[must_use]
    pub fn value(&self) -> &BigRational {
        &self.value
    }
}

/// Of the value: `1.50` is `1.5`.
impl PartialEq for ExchangeRate {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for ExchangeRate {}

impl fmt::Display for ExchangeRate {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a source said on a day: one of `from` is `rate` of `to`, in major units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The day.
    pub date: NaiveDate,
    /// The currency that one of is exchanged.
    pub from: Currency,
    /// The currency that it is exchanged for.
    pub to: Currency,
    /// How many.
    pub rate: ExchangeRate,
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 {} = {} {} on {}", self.from, self.rate, self.to, self.date)
    }
}

/// The rate of a month, and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRate {
    /// How many of the one currency make one of the other, exactly.
    pub value: BigRational,
    /// The quotes behind it: one, or two that a common currency joins.
    pub quotes: Vec<Quote>,
}

/// There is no rate of a currency for a month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("no rate of {from} in {to} for {date}")]
pub struct MissingRate {
    /// The currency that is to be converted.
    pub from: Currency,
    /// The currency that it is to be converted into.
    pub to: Currency,
    /// The last day of the month.
    pub date: NaiveDate,
}

impl MissingRate {
    /// The first day that a rate for it may be dated.
    #[must_use]
    pub fn earliest(&self) -> NaiveDate {
        earliest(self.date)
    }
}

/// Quotes by pair and day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateTable {
    quotes: BTreeMap<(Currency, Currency), BTreeMap<NaiveDate, ExchangeRate>>,
}

impl RateTable {
    /// Adds a quote; one of the same day and pair takes the place of the one before.
    pub fn add(&mut self, quote: Quote) {
        self.quotes.entry((quote.from, quote.to)).or_default().insert(quote.date, quote.rate);
    }

    /// A month's rate (R9): the last one dated in it, at most ten days before its last day. A pair's own
    /// quotes count in either direction; where the pair has none, a currency that both are quoted
    /// against joins them, the euro before others.
    ///
    /// # Errors
    ///
    /// [`MissingRate`] if there is none; never 1.
    pub fn of_month(&self, from: &Currency, to: &Currency, month: Month) -> Result<MonthRate, MissingRate> {
        let until = month.last_day();
        if from == to {
            return Ok(MonthRate { value: BigRational::one(), quotes: Vec::new() });
        }
        let joined = || {
            self.commons().into_iter().find_map(|common| {
                let (first, second) = (self.pair(from, common, until)?, self.pair(common, to, until)?);
                let quotes = [first.quotes, second.quotes].concat();
                Some(MonthRate { value: first.value * second.value, quotes })
            })
        };
        self.pair(from, to, until).or_else(joined).ok_or_else(|| MissingRate {
            from: from.clone(),
            to: to.clone(),
            date: until,
        })
    }

    /// The newest quote of a pair in either direction; of one day, the pair's own.
    fn pair(&self, from: &Currency, to: &Currency, until: NaiveDate) -> Option<MonthRate> {
        let own = self.newest(from, to, until);
        let inverse = self.newest(to, from, until);
        let is_inverse = match (&own, &inverse) {
            (Some(own), Some(inverse)) => inverse.date > own.date,
            (own, _) => own.is_none(),
        };
        let quote = if is_inverse { inverse? } else { own? };
        let value = quote.rate.value();
        let value = if is_inverse { value.recip() } else { value.clone() };
        Some(MonthRate { value, quotes: vec![quote] })
    }

    fn newest(&self, from: &Currency, to: &Currency, until: NaiveDate) -> Option<Quote> {
        let by_day = self.quotes.get(&(from.clone(), to.clone()))?;
        let (date, rate) = by_day.range(earliest(until)..=until).next_back()?;
        Some(Quote { date: *date, from: from.clone(), to: to.clone(), rate: rate.clone() })
    }

    /// Every currency that is quoted, the euro first, then by code.
    fn commons(&self) -> Vec<&Currency> {
        let all: BTreeSet<&Currency> = self.quotes.keys().flat_map(|(from, to)| [from, to]).collect();
        let mut all: Vec<&Currency> = all.into_iter().collect();
        all.sort_by_key(|currency| currency.as_str() != COMMON);
        all
    }
}

fn earliest(until: NaiveDate) -> NaiveDate {
    until.checked_sub_days(Days::new(RATE_MAX_AGE_DAYS)).unwrap_or(until)
}
