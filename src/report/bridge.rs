//! From what was reported of a closed month to what is known of it now (R24).

use super::build::quiet_block;
use super::{Adjustment, Basis, MonthStatus, Report, RollForward, Settings};
use crate::mrr::{Delta, Lane, Mrr};

/// The bridge of one currency, in the order of its roll-forward; each of its three columns foots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Starting MRR, the lanes, ending MRR.
    pub rows: Vec<BridgeRow>,
}

/// One line of a [`Bridge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BridgeRow {
    /// The lane's word, `starting_mrr` or `ending_mrr`.
    pub lane: &'static str,
    /// As it was reported.
    pub reported: Delta,
    /// As it is known now.
    pub restated: Delta,
}

impl BridgeRow {
    /// What was learnt since.
    #[must_use]
    pub fn adjustment(&self) -> Delta {
        self.restated - self.reported
    }
}

impl Bridge {
    /// The bridge from one roll-forward to another.
    #[must_use]
    pub fn between(reported: &RollForward, restated: &RollForward) -> Self {
        let level = |mrr: Mrr| mrr - Mrr::ZERO;
        let mut rows = vec![BridgeRow {
            lane: "starting_mrr",
            reported: level(reported.starting_mrr),
            restated: level(restated.starting_mrr),
        }];
        rows.extend(Lane::ALL.iter().map(|lane| BridgeRow {
            lane: lane.as_str(),
            reported: reported.lane(*lane),
            restated: restated.lane(*lane),
        }));
        rows.push(BridgeRow {
            lane: "ending_mrr",
            reported: level(reported.ending_mrr),
            restated: level(restated.ending_mrr),
        });
        Self { rows }
    }
}

impl Report {
    /// A closed month restated, with the bridge from what was reported and the postings that make the
    /// difference.
    pub(super) fn bridged(mut self, reported: &Self, later: &[Adjustment], settings: &Settings) -> Self {
        let of =
            |report: &Self, currency| report.currencies.iter().position(|block| block.currency == currency);
        for block in &reported.currencies {
            if of(&self, block.currency.clone()).is_none() {
                self.currencies.push(quiet_block(&block.currency, self.month, settings));
            }
        }
        let mut differs = false;
        for block in &mut self.currencies {
            let before = reported.currencies.iter().find(|before| before.currency == block.currency);
            let nothing = RollForward::default();
            let roll = before.map_or(&nothing, |before| &before.figures.rollforward);
            block.bridge = Some(Bridge::between(roll, &block.figures.rollforward));
            differs |= before.is_none_or(|before| before.figures != block.figures);
        }
        self.basis = Basis::Restated;
        self.closing = reported.closing.clone();
        self.status = if differs { MonthStatus::Restated } else { MonthStatus::Closed };
        self.list_adjustments(later.iter());
        self.list_adjustments_at_its_rates(later, settings);
        self
    }
}
