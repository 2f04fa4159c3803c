//! What the roll-forward of one customer and month consists of (R26): starting MRR, lanes, ending MRR.
//! `netting` says how they come about.

use std::collections::BTreeMap;

use super::movement::words;
use super::{Cause, Currency, Delta, Kind, Motion, Movement, Mrr, PriceId, ProductId};

words! {
    /// A lane between starting and ending MRR.
    Lane {
        /// What was posted in the month and belongs to months closed before (R24).
        PriorPeriod = "prior_period",
        /// Brought forward from before the first fact.
        Opening = "opening",
        /// Customers who never paid before.
        New = "new",
        /// Customers who are back.
        Reactivation = "reactivation",
        /// What ends of pauses gave back.
        Resume = "resume",
        /// Customers who stayed and grew.
        Expansion = "expansion",
        /// Customers who stayed and shrank.
        Contraction = "contraction",
        /// Customers who left.
        Churn = "churn",
        /// What pauses took.
        Pause = "pause",
        /// Customers between two subscriptions at a month's end.
        Transfer = "transfer",
        /// What starting MRR became by the change of exchange rates; of a consolidated report only (R9).
        Fx = "fx",
    }
}

/// What a lane consists of: one part of one customer's month.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The lane.
    pub lane: Lane,
    /// The kind's family: upsell with downgrade, `cross_sell` with `product_removed`, each under its
    /// upward word in expansion and its downward word in contraction. None in the other lanes.
    pub kind: Option<Kind>,
    /// Why it moved: the movement's own cause, of a bridged gap that of its kind. None in the lanes without a kind.
    pub cause: Option<Cause>,
    /// The product that moved.
    pub product: ProductId,
    /// The price that moved.
    pub price: PriceId,
    /// Who moved (R20).
    pub motion: Motion,
    /// The amount.
    pub delta: Delta,
}

/// One currency of a customer's month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetCurrency {
    /// MRR at the month's start, S.
    pub start: Mrr,
    /// What openings, transfers from earlier months and adjustments of closed months are treated as having
    /// stood there; with `start` it makes S', the denominator of every rate.
    pub brought: Delta,
    /// MRR at the month's end, E.
    pub end: Mrr,
    /// The lanes between them: `start` + cells = `end`.
    pub cells: Vec<Cell>,
    /// Parts of a month that sum to nothing and are in no lane: they count where several currencies are
    /// netted together.
    pub balanced: Vec<Cell>,
    /// By family, what the month's parts come to, whatever the customer's total did.
    pub families: BTreeMap<Kind, Delta>,
}

impl NetCurrency {
    /// S': what counts as having stood at the month's start.
    #[must_use]
    pub fn base(&self) -> Mrr {
        self.start + self.brought
    }

    /// The sum of one lane.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Delta {
        self.cells.iter().filter(|cell| cell.lane == lane).map(|cell| cell.delta).sum()
    }
}

/// What became of a customer in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Not there at either end.
    Absent,
    /// Came, in the lane named.
    Came(Lane),
    /// Was there and is.
    Stayed,
    /// Went, in the lane named.
    Went(Lane),
}

/// A customer's month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetMonth {
    /// What became of the customer, asked over all its currencies.
    pub fate: Fate,
    /// Each currency in which it had or moved anything.
    pub currencies: BTreeMap<Currency, NetCurrency>,
}

impl NetMonth {
    /// The month as it follows on books that are closed: its start is what was reported, and what was posted
    /// in it for closed months has a lane of its own and is treated as having stood at its start (R24).
    ///
    /// `adjustments` are these postings, reversals among them; the levels that the month was netted from know
    /// them already. S' and all that is figured from it stay as they are.
    #[must_use]
    pub fn with_prior_period<'a>(mut self, adjustments: impl IntoIterator<Item = &'a Movement>) -> Self {
        for movement in adjustments {
            let Some(side) = movement.face() else { continue };
            let net = self.currencies.entry(movement.currency.clone()).or_default();
            net.start += -movement.delta;
            net.brought += movement.delta;
            net.cells.push(Cell {
                lane: Lane::PriorPeriod,
                kind: None,
                cause: None,
                product: side.product.clone(),
                price: side.price.clone(),
                motion: movement.motion,
                delta: movement.delta,
            });
        }
        self
    }
}

/// The family of a kind, by its upward word.
pub(super) fn upward(kind: Kind) -> Kind {
    match kind {
        Kind::Downgrade => Kind::Upsell,
        Kind::ProductRemoved => Kind::CrossSell,
        kind => kind,
    }
}

/// The family of a kind, by its downward word.
fn downward(kind: Kind) -> Kind {
    match kind {
        Kind::Upsell => Kind::Downgrade,
        Kind::CrossSell => Kind::ProductRemoved,
        kind => kind,
    }
}

impl Cause {
    /// The causes that changes of items have; others are of whole subscriptions.
    pub const OF_ITEMS: [Self; 10] = [
        Self::Quantity,
        Self::Tier,
        Self::Product,
        Self::AddOn,
        Self::Usage,
        Self::Price,
        Self::DiscountStarted,
        Self::DiscountEnded,
        Self::DiscountChanged,
        Self::Term,
    ];
}

impl Kind {
    /// The kinds of expansion, each a family by its upward word, in the contract's order (R16).
    pub const EXPANSION: [Self; 7] =
        [Self::Upsell, Self::CrossSell, Self::Seat, Self::Usage, Self::Price, Self::Discount, Self::Term];

    /// The kinds of contraction, each a family by its downward word, in the contract's order (R16).
    pub const CONTRACTION: [Self; 7] = [
        Self::Downgrade,
        Self::ProductRemoved,
        Self::Seat,
        Self::Usage,
        Self::Price,
        Self::Discount,
        Self::Term,
    ];

    /// The kinds of core expansion: upsell, cross-sell, seats, usage (R16). Targets use core.
    pub const CORE: [Self; 4] = [Self::Upsell, Self::CrossSell, Self::Seat, Self::Usage];

    /// The family's word in a lane: downward in contraction, upward elsewhere.
    #[must_use]
    pub fn in_lane(self, lane: Lane) -> Self {
        if lane == Lane::Contraction { downward(self) } else { upward(self) }
    }

    /// Why a part of a bridged gap moved (R26): lines are matched there without a fact of their own that names a
    /// cause, so that each kind has the cause that it has nearly always.
    #[must_use]
    pub fn usual_cause(self) -> Cause {
        match self {
            Self::CrossSell | Self::ProductRemoved => Cause::Product,
            Self::Seat => Cause::Quantity,
            Self::Usage => Cause::Usage,
            Self::Price => Cause::Price,
            Self::Discount => Cause::DiscountChanged,
            Self::Term => Cause::Term,
            _ => Cause::Tier,
        }
    }

    /// Whether it is of core expansion.
    #[must_use]
    pub fn is_core(self) -> bool {
        Self::CORE.contains(&self)
    }
}
