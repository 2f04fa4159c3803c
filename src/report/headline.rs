//! A report in one line for each currency, for lists of months: the figures as the report itself prints them.

use chrono_tz::Tz;

use super::sections::{Printed, short, title};
use super::{Report, Scale};
use crate::mrr::{Instant, Lane};

/// One currency of a month, as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// The currency's code in capitals, or that all are consolidated in it.
    pub name: String,
    /// MRR at the month's end.
    pub ending_mrr: String,
    /// Core expansion.
    pub core_expansion: String,
    /// Expansion less contraction and churn.
    pub net_expansion: String,
    /// Net revenue retention, or `n/a`.
    pub nrr: String,
}

impl Report {
    /// The report in a line for each of its blocks.
    #[must_use]
    pub fn headlines(&self) -> Vec<Headline> {
        let headline = |(name, block): (String, &super::CurrencyBlock)| {
            let scale = Scale::of(&block.currency);
            let printed = Printed::of(&block.figures, scale);
            let lost = printed.lane(Lane::Contraction) + printed.lane(Lane::Churn);
            Headline {
                name,
                ending_mrr: scale.level(block.figures.rollforward.ending_mrr),
                core_expansion: scale.text(printed.core()),
                net_expansion: scale.text(printed.lane(Lane::Expansion) + lost),
                nrr: short(&block.figures.nrr),
            }
        };
        self.blocks().map(headline).collect()
    }
}

/// A word of the contract as a heading: `cross_sell` is read as "Cross-sell".
#[must_use]
pub fn heading(word: &str) -> String {
    title(word)
}

/// An instant in a time zone, to the minute.
#[must_use]
pub fn local_time(at: Instant, zone: Tz) -> String {
    super::sheet::local(at, zone)
}
