//! How a customer's month is netted (R26), so that expansion only comes from customers in the
//! denominator and every rate agrees with the waterfall.

use std::collections::{BTreeMap, BTreeSet};

use super::roll_forward::upward;
use super::{
    Bridge, Cause, Cell, Class, Currency, Delta, Fate, Instant, ItemId, Kind, Lane, Level, Motion, Movement,
    Mrr, NetCurrency, NetMonth, PriceId, ProductId, SubscriptionId,
};

/// Nets a customer's month (R26) from its item levels and its standing movements in their order, of
/// which only those from `start` until `end` (exclusive) are read.
///
/// The parts of a month sum to its change exactly: `start` + cells = `end` for each currency.
#[must_use]
pub fn net_month(levels: &[Level], movements: &[Movement], start: Instant, end: Instant) -> NetMonth {
    let in_month = |movement: &&Movement| movement.effective_at >= start && movement.effective_at < end;
    let mut movements: Vec<&Movement> = movements.iter().filter(in_month).collect();
    // What was corrected was posted again, behind what it stands beside at its instant.
    movements.sort_by_key(|movement| (movement.effective_at, order_in_change(movement.class)));
    let starting = levels_before(levels, start);
    let ending = levels_before(levels, end);
    let mut month = Month { start, movements, starting, ending, currencies: BTreeMap::new() };
    month.bring_forward();
    let fate = month.fate();
    match fate {
        Fate::Came(lane) => month.came(lane),
        Fate::Went(lane) => month.went(lane),
        Fate::Stayed => month.stayed(),
        Fate::Absent => {}
    }
    let fate = match fate {
        Fate::Absent => month.ended_while_paused().map_or(Fate::Absent, Fate::Went),
        fate => fate,
    };
    NetMonth { fate, currencies: month.currencies }
}

/// The levels that stand just before an instant, those of nothing left out.
pub fn levels_before(levels: &[Level], at: Instant) -> Vec<&Level> {
    let stands = |level: &&Level| {
        level.from < at && level.until.is_none_or(|until| until >= at) && level.mrr.is_positive()
    };
    levels.iter().filter(stands).collect()
}

struct Month<'m> {
    start: Instant,
    movements: Vec<&'m Movement>,
    starting: Vec<&'m Level>,
    ending: Vec<&'m Level>,
    currencies: BTreeMap<Currency, NetCurrency>,
}

/// A part of the month of a customer who stayed.
struct Part<'m> {
    kind: Kind,
    cause: Cause,
    product: &'m ProductId,
    price: &'m PriceId,
    motion: Motion,
    delta: Delta,
}

impl<'m> Month<'m> {
    /// Both ends, and what openings and transfers out of earlier months are treated as (R26).
    fn bring_forward(&mut self) {
        for level in &self.starting {
            self.currencies.entry(level.currency.clone()).or_default().start += level.mrr;
        }
        for level in &self.ending {
            self.currencies.entry(level.currency.clone()).or_default().end += level.mrr;
        }
        for movement in &self.movements {
            self.currencies.entry(movement.currency.clone()).or_default();
        }
        for (movement, lane) in self.brought() {
            if let (Some(net), Some(cell)) =
                (self.currencies.get_mut(&movement.currency), cell(movement, lane))
            {
                net.brought += cell.delta;
                net.cells.push(cell);
            }
        }
    }

    /// The openings, and the transfers that return from an earlier month: those that nothing of this
    /// month went out for.
    fn brought(&self) -> Vec<(&'m Movement, Lane)> {
        let mut out: BTreeMap<&Currency, Delta> = BTreeMap::new();
        let mut brought = Vec::new();
        for movement in self.movements.iter().copied() {
            match movement.class {
                Class::Opening => brought.push((movement, Lane::Opening)),
                Class::Transfer if movement.delta < Delta::ZERO => {
                    *out.entry(&movement.currency).or_default() += movement.delta;
                }
                Class::Transfer => {
                    let went_out = out.entry(&movement.currency).or_default();
                    if *went_out == Delta::ZERO {
                        brought.push((movement, Lane::Transfer));
                    } else {
                        *went_out += movement.delta;
                    }
                }
                _ => {}
            }
        }
        brought
    }

    fn fate(&self) -> Fate {
        let had = self.currencies.values().any(|net| net.base().is_positive());
        let has = self.currencies.values().any(|net| net.end.is_positive());
        let came = |movement: &&Movement| lane_of_arrival(movement.class);
        let went =
            |movement: &&Movement| lane_of_departure(movement.class).filter(|_| movement.delta < Delta::ZERO);
        match (had, has) {
            (false, false) => Fate::Absent,
            // Who ended while paused and moved on (R19) has none of them: it is back from the pause.
            (false, true) => Fate::Came(self.movements.iter().find_map(came).unwrap_or(Lane::Resume)),
            (true, false) => Fate::Went(self.movements.iter().rev().find_map(went).unwrap_or(Lane::Churn)),
            (true, true) => Fate::Stayed,
        }
    }

    /// All of E in the lane of the month's first movement from zero.
    fn came(&mut self, lane: Lane) {
        for level in std::mem::take(&mut self.ending) {
            self.book_whole(level, lane, level.mrr - Mrr::ZERO);
        }
    }

    /// All of S' in the lane of the month's last movement to zero.
    fn went(&mut self, lane: Lane) {
        for level in std::mem::take(&mut self.starting) {
            self.book_whole(level, lane, Mrr::ZERO - level.mrr);
        }
        for (movement, _) in self.brought() {
            if let Some(brought) = cell(movement, lane) {
                self.push(&movement.currency, Cell { delta: -brought.delta, ..brought });
            }
        }
    }

    /// One item's whole level in one lane.
    fn book_whole(&mut self, level: &Level, lane: Lane, delta: Delta) {
        let motion = self.motion_of(&level.subscription, &level.item);
        let (product, price) = (level.product.clone(), level.price.clone());
        self.push(&level.currency, Cell { lane, kind: None, cause: None, product, price, motion, delta });
    }

    /// What pauses and resumes moved goes to their lanes, the rest is expansion or contraction.
    fn stayed(&mut self) {
        let mut parts: BTreeMap<&Currency, Vec<Part<'m>>> = BTreeMap::new();
        for movement in self.movements.clone() {
            let lane = match movement.class {
                Class::Pause => Lane::Pause,
                Class::Resume => Lane::Resume,
                _ => continue,
            };
            if let Some(cell) = cell(movement, lane) {
                self.push(&movement.currency, cell);
            }
        }
        for (currency, part) in self.parts() {
            parts.entry(currency).or_default().push(part);
        }
        for (currency, parts) in parts {
            let rest: Delta = parts.iter().map(|part| part.delta).sum();
            let net = self.currencies.entry(currency.clone()).or_default();
            for part in parts {
                *net.families.entry(upward(part.kind)).or_default() += part.delta;
                let lane = if rest < Delta::ZERO { Lane::Contraction } else { Lane::Expansion };
                let cell = Cell {
                    lane,
                    kind: Some(part.kind.in_lane(lane)),
                    cause: Some(part.cause),
                    product: part.product.clone(),
                    price: part.price.clone(),
                    motion: part.motion,
                    delta: part.delta,
                };
                // What sums to nothing is in no lane.
                let cells = if rest == Delta::ZERO { &mut net.balanced } else { &mut net.cells };
                cells.push(cell);
            }
        }
    }

    /// The parts of the month: what the movements say, where a gap inside the month is bridged.
    fn parts(&self) -> Vec<(&'m Currency, Part<'m>)> {
        let mut parts = Vec::new();
        let mut churned: Vec<(Instant, (&'m Currency, Part<'m>))> = Vec::new();
        let bridged = self.bridged();
        for movement in self.movements.iter().copied() {
            let part = |kind, delta| {
                let side = movement.face()?;
                Some((
                    &movement.currency,
                    Part {
                        kind,
                        cause: movement.cause,
                        product: &side.product,
                        price: &side.price,
                        motion: movement.motion,
                        delta,
                    },
                ))
            };
            match movement.class {
                Class::Expansion | Class::Contraction | Class::Switch => {
                    parts.extend(part(movement.kind, movement.delta));
                }
                Class::Churn => {
                    let kind = self.kind_alone(movement, Kind::ProductRemoved);
                    churned.extend(part(kind, movement.delta).map(|part| (movement.effective_at, part)));
                }
                Class::New | Class::Reactivation => {
                    if let Some(bridge) = self.bridge_of(movement) {
                        // What went into an earlier gap, which another currency ended, is not bridged by this.
                        churned.retain(|(at, (currency, _))| {
                            *currency != &movement.currency || *at < bridge.gap_began_at
                        });
                        parts.extend(bridge.parts.iter().map(|bridge| {
                            (
                                &movement.currency,
                                Part {
                                    kind: bridge.kind,
                                    cause: bridge.kind.usual_cause(),
                                    product: &bridge.product,
                                    price: &bridge.price,
                                    motion: movement.motion,
                                    delta: bridge.delta,
                                },
                            )
                        }));
                    } else if !bridged.contains(&(&movement.currency, movement.effective_at)) {
                        parts.extend(part(self.kind_alone(movement, Kind::CrossSell), movement.delta));
                    }
                }
                // They end a gap, and what churned into it is not bridged.
                Class::Resume | Class::Opening => parts.extend(churned.drain(..).map(|(_, part)| part)),
                Class::Pause | Class::Transfer => {}
            }
        }
        parts.extend(churned.into_iter().map(|(_, part)| part));
        parts
    }

    /// How a return reads, where the gap that it ends began in this month.
    fn bridge_of(&self, movement: &'m Movement) -> Option<&'m Bridge> {
        movement.bridge.as_ref().filter(|bridge| bridge.gap_began_at >= self.start)
    }

    /// The returns that a bridge tells of as a whole; it hangs on one of their movements.
    fn bridged(&self) -> BTreeSet<(&'m Currency, Instant)> {
        let has_bridge = |movement: &&&'m Movement| self.bridge_of(movement).is_some();
        let returns = self.movements.iter().filter(has_bridge);
        returns.map(|movement| (&movement.currency, movement.effective_at)).collect()
    }

    /// The kind of a line that came or went where no gap can be bridged (a resume or an opening ended
    /// it): usage is usage, a product held at the other end is seats, anything else a product.
    fn kind_alone(&self, movement: &Movement, otherwise: Kind) -> Kind {
        let other_end = if movement.delta < Delta::ZERO { &self.ending } else { &self.starting };
        let product = movement.face().map(|side| &side.product);
        if movement.is_metered {
            Kind::Usage
        } else if other_end.iter().any(|level| Some(&level.product) == product) {
            Kind::Seat
        } else {
            otherwise
        }
    }

    /// An end while paused, of a customer at zero at both ends, stands as it was booked: the pause gives
    /// back what it took, and that churns, or leaves for a subscription of the next month (R19). Gives the
    /// lane in which the customer went.
    fn ended_while_paused(&mut self) -> Option<Lane> {
        let given_back: BTreeSet<Instant> = self
            .movements
            .iter()
            .filter(|movement| movement.class == Class::Pause && movement.delta > Delta::ZERO)
            .map(|movement| movement.effective_at)
            .collect();
        let ended = |movement: &Movement| given_back.contains(&movement.effective_at);
        let mut booked: Vec<(&'m Movement, Lane)> = self
            .movements
            .iter()
            .filter_map(|movement| match movement.class {
                Class::Pause => Some((*movement, Lane::Pause)),
                Class::Churn if ended(movement) => Some((*movement, Lane::Churn)),
                Class::Transfer if ended(movement) => Some((*movement, Lane::Transfer)),
                _ => None,
            })
            .collect();
        // What came, was paused and left inside the month, in one currency, was never there.
        let mut sums: BTreeMap<&'m Currency, Delta> = BTreeMap::new();
        for (movement, _) in &booked {
            *sums.entry(&movement.currency).or_default() += movement.delta;
        }
        booked.retain(|(movement, _)| sums.get(&movement.currency) == Some(&Delta::ZERO));
        let went = booked.iter().map(|(_, lane)| *lane).rfind(|lane| *lane != Lane::Pause)?;
        for (movement, lane) in booked {
            if let Some(cell) = cell(movement, lane) {
                self.push(&movement.currency, cell);
            }
        }
        Some(went)
    }

    /// Who moved an item last in this month.
    fn motion_of(&self, subscription: &SubscriptionId, item: &ItemId) -> Motion {
        let moved = |movement: &&&Movement| movement.subscription == *subscription && movement.item == *item;
        self.movements.iter().rfind(moved).map_or(Motion::Unknown, |movement| movement.motion)
    }

    fn push(&mut self, currency: &Currency, cell: Cell) {
        self.currencies.entry(currency.clone()).or_default().cells.push(cell);
    }
}

fn cell(movement: &Movement, lane: Lane) -> Option<Cell> {
    movement.face().map(|side| Cell {
        lane,
        kind: None,
        cause: None,
        product: side.product.clone(),
        price: side.price.clone(),
        motion: movement.motion,
        delta: movement.delta,
    })
}

/// What is brought forward, then what pauses move, then the rest (R15).
fn order_in_change(class: Class) -> u8 {
    match class {
        Class::Opening => 0,
        Class::Pause | Class::Resume => 1,
        _ => 2,
    }
}

pub(super) fn lane_of_arrival(class: Class) -> Option<Lane> {
    match class {
        Class::New => Some(Lane::New),
        Class::Reactivation => Some(Lane::Reactivation),
        Class::Resume => Some(Lane::Resume),
        _ => None,
    }
}

pub(super) fn lane_of_departure(class: Class) -> Option<Lane> {
    match class {
        Class::Churn => Some(Lane::Churn),
        Class::Pause => Some(Lane::Pause),
        Class::Transfer => Some(Lane::Transfer),
        _ => None,
    }
}
