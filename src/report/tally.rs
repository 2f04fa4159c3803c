//! Sums over customers: what a currency, a segment and a cohort are all made of.

use super::kept::sums;
use super::{CustomerCounts, Figures, Rate, RollForward};
use crate::mrr::{Cell, Delta, Fate, Kind, Lane, Mrr, NetCurrency};

const NO_BASE: &str = "no starting MRR";

/// The part of one customer's month that falls into one segment; all of it, for a whole currency.
#[derive(Debug, Clone)]
pub(super) struct Slice<'m> {
    /// S.
    pub(super) start: Mrr,
    /// S'.
    pub(super) base: Mrr,
    /// E, in this segment.
    pub(super) end: Mrr,
    /// What retention counts of it: E, also where the customer has moved on to another segment.
    pub(super) kept: Mrr,
    pub(super) cells: Vec<&'m Cell>,
}

impl<'m> Slice<'m> {
    /// The whole of a customer's month in one currency.
    pub(super) fn whole(net: &'m NetCurrency) -> Self {
        Self {
            start: net.start,
            base: net.base(),
            end: net.end,
            kept: net.end,
            cells: net.cells.iter().collect(),
        }
    }

    /// Nothing yet.
    pub(super) fn empty() -> Self {
        Self { start: Mrr::ZERO, base: Mrr::ZERO, end: Mrr::ZERO, kept: Mrr::ZERO, cells: Vec::new() }
    }

    /// The sum of one lane.
    pub(super) fn lane(&self, lane: Lane) -> Delta {
        self.cells.iter().filter(|cell| cell.lane == lane).map(|cell| cell.delta).sum()
    }

    /// What lanes do not explain: what came from another segment, or left for one.
    fn moved(&self) -> Delta {
        let explained: Delta = self.cells.iter().map(|cell| cell.delta).sum();
        (self.end - self.start) - explained
    }
}

/// Running sums over slices.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    start: Mrr,
    base: Mrr,
    end: Mrr,
    kept_of_base: Mrr,
    kept_at_most: Mrr,
    retained_base_growth: Delta,
    lanes: [Delta; Lane::ALL.len()],
    expansion: [Delta; Kind::EXPANSION.len()],
    contraction: [Delta; Kind::CONTRACTION.len()],
    transfer_in: Delta,
    transfer_out: Delta,
    customers: CustomerCounts,
}

sums!(Tally {
    start,
    base,
    end,
    kept_of_base,
    kept_at_most,
    retained_base_growth,
    lanes,
    expansion,
    contraction,
    transfer_in,
    transfer_out,
    customers,
});

impl Default for Tally {
    fn default() -> Self {
        Self {
            start: Mrr::ZERO,
            base: Mrr::ZERO,
            end: Mrr::ZERO,
            kept_of_base: Mrr::ZERO,
            kept_at_most: Mrr::ZERO,
            retained_base_growth: Delta::ZERO,
            lanes: [Delta::ZERO; Lane::ALL.len()],
            expansion: [Delta::ZERO; Kind::EXPANSION.len()],
            contraction: [Delta::ZERO; Kind::CONTRACTION.len()],
            transfer_in: Delta::ZERO,
            transfer_out: Delta::ZERO,
            customers: CustomerCounts::default(),
        }
    }
}

impl Tally {
    /// Adds one customer's slice.
    pub(super) fn add(&mut self, slice: &Slice<'_>, fate: Fate) {
        self.start += slice.start;
        self.base += slice.base;
        self.end += slice.end;
        if slice.base.is_positive() {
            self.kept_of_base += slice.kept;
            self.kept_at_most += slice.base.min(slice.kept);
            if slice.kept.is_positive() {
                self.retained_base_growth += slice.kept - slice.base;
            }
        }
        for cell in &slice.cells {
            self.add_cell(cell);
        }
        let moved = slice.moved();
        if moved > Delta::ZERO {
            self.transfer_in += moved;
        } else {
            self.transfer_out += moved;
        }
        self.count(slice, fate);
    }

    fn add_cell(&mut self, cell: &Cell) {
        self.lanes[cell.lane as usize] += cell.delta;
        let place = |kinds: &[Kind]| kinds.iter().position(|kind| Some(*kind) == cell.kind);
        match cell.lane {
            Lane::Expansion => {
                if let Some(index) = place(&Kind::EXPANSION) {
                    self.expansion[index] += cell.delta;
                }
            }
            Lane::Contraction => {
                if let Some(index) = place(&Kind::CONTRACTION) {
                    self.contraction[index] += cell.delta;
                }
            }
            _ => {}
        }
    }

    /// Counts a customer who had, has or moved anything here.
    fn count(&mut self, slice: &Slice<'_>, fate: Fate) {
        let customers = &mut self.customers;
        customers.starting += u64::from(slice.base.is_positive());
        customers.ending += u64::from(slice.end.is_positive());
        let touches = |lane| slice.cells.iter().any(|cell| cell.lane == lane);
        let counter = match fate {
            Fate::Came(Lane::Reactivation) if touches(Lane::Reactivation) => &mut customers.reactivated,
            Fate::Came(Lane::Resume) if touches(Lane::Resume) => &mut customers.resumed,
            Fate::Came(Lane::New) if touches(Lane::New) => &mut customers.new,
            Fate::Went(Lane::Churn) if touches(Lane::Churn) => &mut customers.churned,
            Fate::Went(Lane::Pause) if touches(Lane::Pause) => &mut customers.paused,
            Fate::Went(Lane::Transfer) if touches(Lane::Transfer) => &mut customers.transferred,
            Fate::Stayed if slice.lane(Lane::Expansion) > Delta::ZERO => &mut customers.expanded,
            Fate::Stayed if slice.lane(Lane::Contraction) < Delta::ZERO => &mut customers.contracted,
            _ => return,
        };
        *counter += 1;
    }

    /// Ending MRR less the base S'.
    pub(super) fn growth(&self) -> Delta {
        self.end - self.base
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        let is_still = |amounts: &[Delta]| amounts.iter().all(|amount| *amount == Delta::ZERO);
        self.start == Mrr::ZERO
            && self.end == Mrr::ZERO
            && is_still(&self.lanes)
            && is_still(&self.expansion)
            && is_still(&self.contraction)
            && is_still(&[self.transfer_in, self.transfer_out])
    }

    /// The figures that the sums come to.
    pub(super) fn figures(&self) -> Figures {
        let lane = |lane: Lane| self.lanes[lane as usize];
        // In a currency of its own there is no lane of exchange rates.
        let is_shown = |name: &&Lane| **name != Lane::Fx || lane(**name) != Delta::ZERO;
        let lanes = Lane::ALL.iter().filter(is_shown).map(|name| (*name, lane(*name))).collect();
        let expansion_by_kind = named(&Kind::EXPANSION, &self.expansion);
        let core_expansion: Delta =
            expansion_by_kind.iter().filter(|(kind, _)| kind.is_core()).map(|(_, amount)| *amount).sum();
        let total_expansion = lane(Lane::Expansion);
        Figures {
            rollforward: RollForward {
                starting_mrr: self.start,
                lanes,
                transfer_in: self.transfer_in,
                transfer_out: self.transfer_out,
                ending_mrr: self.end,
            },
            expansion_by_kind,
            contraction_by_kind: named(&Kind::CONTRACTION, &self.contraction),
            core_expansion,
            total_expansion,
            net_expansion: total_expansion + lane(Lane::Contraction) + lane(Lane::Churn),
            retained_base_growth: self.retained_base_growth,
            expansion_rate: Rate::of_flow(core_expansion, self.base, NO_BASE),
            total_expansion_rate: Rate::of_flow(total_expansion, self.base, NO_BASE),
            nrr: Rate::of(self.kept_of_base.0, self.base.0, NO_BASE),
            grr: Rate::of(self.kept_at_most.0, self.base.0, NO_BASE),
            customers: self.customers,
        }
    }
}

fn named(kinds: &[Kind], amounts: &[Delta]) -> Vec<(Kind, Delta)> {
    kinds.iter().copied().zip(amounts.iter().copied()).collect()
}
