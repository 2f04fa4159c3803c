//! Which cell of the roll-forward a movement lands in, and why (R26): netting leaves it another lane than
//! its class has, or none.

use super::netting::{lane_of_arrival, lane_of_departure};
use super::{Class, Delta, Fate, Instant, Kind, Lane, Movement, NetMonth};

/// Why a movement is in the cell that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Brought forward: treated as if it had stood at the month's start.
    Brought,
    /// The customer came: all that it has at the month's end is in the lane of its first movement from zero.
    Came,
    /// The customer went: all that it had at the month's start is in the lane of its last movement to zero.
    Went,
    /// What pauses take and give back has its own lane.
    Paused,
    /// Part of the month's rest, which is expansion or contraction by its sign and split by kind.
    Netted,
    /// A gap inside the month: the lines before it against those after it, as if there had been none.
    Bridged,
    /// The month's rest is zero: it is in no lane.
    EvenedOut,
    /// The customer was at zero at both ends, and it is in no lane.
    Absent,
    /// A cancellation while paused, of a customer at zero at both ends: as booked.
    EndedWhilePaused,
    /// Between two subscriptions inside the month: it sums to nothing there.
    Moved,
}

impl Reason {
    /// The reason in a sentence, with its rule.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Brought => "brought forward, as if it had stood at the month's start (R12, R26)",
            Self::Came => {
                "the customer began the month at nothing: all it has at its end is in the lane of the first \
                 movement from zero (R26)"
            }
            Self::Went => {
                "the customer ended the month at nothing: all it had at its start is in the lane of the last \
                 movement to zero (R26)"
            }
            Self::Paused => "what pauses take and give back has its own lane (R15, R26)",
            Self::Netted => {
                "the customer was there at both ends: the month's rest is expansion or contraction by its sign, \
                 split by kind (R26)"
            }
            Self::Bridged => {
                "a gap inside the month is bridged: the lines before it against those after it (R18, R26)"
            }
            Self::EvenedOut => "the month's parts sum to nothing: no lane (R26)",
            Self::Absent => "the customer was at zero at both ends of the month: no lane (R26)",
            Self::EndedWhilePaused => "ended while paused, at zero at both ends: as booked (R15, R26)",
            Self::Moved => "moved to another subscription inside the month: sums to nothing there (R19, R26)",
        }
    }
}

/// The cell of a customer's month that a movement lands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    /// The lane; `None` where netting leaves nothing of it.
    pub lane: Option<Lane>,
    /// The kind's family, in expansion and contraction; `None` as well of a bridged gap, whose parts have
    /// the kinds that the lines before and after it make.
    pub kind: Option<Kind>,
    /// What the customer has in that lane and kind, netted.
    pub netted: Delta,
    /// Why.
    pub reason: Reason,
}

/// Where a standing movement lands in its customer's month, which was netted by `net_month` from `start`.
#[must_use]
pub fn landing(net: &NetMonth, movement: &Movement, start: Instant) -> Landing {
    let (lane, kind, reason) = place(net, movement, start);
    let netted = net.currencies.get(&movement.currency).map_or(Delta::ZERO, |net| {
        let is_there = |cell: &&super::Cell| Some(cell.lane) == lane && (kind.is_none() || cell.kind == kind);
        net.cells.iter().filter(is_there).map(|cell| cell.delta).sum()
    });
    Landing { lane, kind, netted, reason }
}

fn place(net: &NetMonth, movement: &Movement, start: Instant) -> (Option<Lane>, Option<Kind>, Reason) {
    let has = |lane: Lane| {
        let cells = net.currencies.get(&movement.currency).map(|net| net.cells.as_slice());
        cells.is_some_and(|cells| cells.iter().any(|cell| cell.lane == lane))
    };
    match (movement.class, net.fate) {
        (Class::Opening, _) => return (Some(Lane::Opening), None, Reason::Brought),
        (Class::Transfer, Fate::Stayed | Fate::Came(_)) if movement.delta > Delta::ZERO => {
            let is_brought = has(Lane::Transfer);
            let reason = if is_brought { Reason::Brought } else { Reason::Moved };
            return (is_brought.then_some(Lane::Transfer), None, reason);
        }
        (Class::Transfer, Fate::Stayed | Fate::Came(_)) => return (None, None, Reason::Moved),
        _ => {}
    }
    match net.fate {
        Fate::Absent => (None, None, Reason::Absent),
        Fate::Came(lane) => (Some(lane), None, Reason::Came),
        Fate::Went(lane) => {
            let own = lane_of_departure(movement.class).or(lane_of_arrival(movement.class));
            let is_booked = net.currencies.values().all(|net| !net.base().is_positive());
            match own.filter(|own| is_booked && has(*own)) {
                Some(own) => (Some(own), None, Reason::EndedWhilePaused),
                None if is_booked => (None, None, Reason::Absent),
                None => (Some(lane), None, Reason::Went),
            }
        }
        Fate::Stayed => stayed(net, movement, start),
    }
}

fn stayed(net: &NetMonth, movement: &Movement, start: Instant) -> (Option<Lane>, Option<Kind>, Reason) {
    let lanes = net.currencies.get(&movement.currency);
    let rest = lanes.map_or(Delta::ZERO, |net| net.lane(Lane::Expansion) + net.lane(Lane::Contraction));
    let lane = match rest.cmp(&Delta::ZERO) {
        std::cmp::Ordering::Greater => Some(Lane::Expansion),
        std::cmp::Ordering::Less => Some(Lane::Contraction),
        std::cmp::Ordering::Equal => None,
    };
    match movement.class {
        Class::Pause => (Some(Lane::Pause), None, Reason::Paused),
        Class::Resume => (Some(Lane::Resume), None, Reason::Paused),
        _ if lane.is_none() => (None, None, Reason::EvenedOut),
        Class::Churn => (lane, None, Reason::Bridged),
        Class::New | Class::Reactivation => {
            let is_bridged = movement.bridge.as_ref().is_none_or(|bridge| bridge.gap_began_at >= start);
            (lane, None, if is_bridged { Reason::Bridged } else { Reason::Netted })
        }
        _ => (lane, lane.map(|lane| movement.kind.in_lane(lane)), Reason::Netted),
    }
}
