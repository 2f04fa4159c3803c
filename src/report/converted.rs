//! A customer's month in the reporting currency (R9).

use super::exchange::Exchange;
use crate::mrr::{Cell, Currency, Delta, Lane, Level, Motion, Movement, NetCurrency, NetMonth};

/// A customer's month in the reporting currency.
pub(super) struct Told {
    pub(super) net: NetCurrency,
    pub(super) starting: Vec<Level>,
    pub(super) ending: Vec<Level>,
    /// Of each adjustment of closed months, what the starting levels hold of it.
    pub(super) prior: Vec<Delta>,
}

/// A customer's month in one currency: starting levels at the rate before, all else at the month's own.
pub(super) fn tell(
    net: Option<&NetMonth>,
    starting: &[&Level],
    ending: &[&Level],
    (before, now): (&Exchange, &Exchange),
) -> Option<Told> {
    let mut whole = NetCurrency::default();
    let mut told = Vec::with_capacity(starting.len());
    for level in starting {
        let (old, new) = (before.level(level)?, now.level(level)?);
        whole.start += old.mrr;
        if new.mrr != old.mrr {
            let cell = Cell {
                lane: Lane::Fx,
                kind: None,
                cause: None,
                product: level.product.clone(),
                price: level.price.clone(),
                motion: Motion::Unknown,
                delta: new.mrr - old.mrr,
            };
            whole.brought += cell.delta;
            whole.cells.push(cell);
        }
        told.push(old);
    }
    let ending: Vec<Level> = ending.iter().map(|level| now.level(level)).collect::<Option<_>>()?;
    whole.end = ending.iter().map(|level| level.mrr).sum();
    let (mut parts, mut adjusted) = (Vec::new(), Vec::new());
    for (currency, net) in net.into_iter().flat_map(|net| &net.currencies) {
        whole.brought += Delta(now.convert(currency, net.brought.0)?);
        for (kind, delta) in &net.families {
            *whole.families.entry(*kind).or_default() += Delta(now.convert(currency, delta.0)?);
        }
        for cell in net.cells.iter().chain(&net.balanced) {
            let own = cell.delta.0;
            let cell = Cell { delta: Delta(now.convert(currency, own)?), ..cell.clone() };
            if cell.lane == Lane::PriorPeriod {
                // What was reported did not hold it: no rate changed on it (R9), and it comes at the month's own.
                let held = Delta(before.convert(currency, own)?);
                whole.start += -held;
                whole.brought += held - cell.delta;
                let fx = Cell {
                    lane: Lane::Fx,
                    motion: Motion::Unknown,
                    delta: held - cell.delta,
                    ..cell.clone()
                };
                whole.cells.extend((fx.delta != Delta::ZERO).then_some(fx));
                adjusted.push(held);
            }
            let is_part = matches!(cell.lane, Lane::Expansion | Lane::Contraction);
            if is_part { &mut parts } else { &mut whole.cells }.push(cell);
        }
    }
    lay(&mut whole, parts);
    Some(Told { net: whole, starting: told, ending, prior: adjusted })
}

/// The parts of a customer who stayed are expansion or contraction by what they come to together (R26).
fn lay(whole: &mut NetCurrency, parts: Vec<Cell>) {
    let rest: Delta = parts.iter().map(|cell| cell.delta).sum();
    let lane = if rest < Delta::ZERO { Lane::Contraction } else { Lane::Expansion };
    let cells = if rest == Delta::ZERO { &mut whole.balanced } else { &mut whole.cells };
    cells.extend(parts.into_iter().map(|cell| Cell {
        lane,
        kind: cell.kind.map(|kind| kind.in_lane(lane)),
        ..cell
    }));
}

/// Each amount was rounded for itself, far below what is printed: the last part takes what that leaves.
pub(super) fn foot(whole: &mut NetCurrency) {
    let parts: Delta = whole.cells.iter().map(|cell| cell.delta).sum();
    let left = (whole.end - whole.start) - parts;
    if let Some(last) = whole.cells.last_mut() {
        last.delta += left;
    }
}

/// The month's movements in the reporting currency.
pub(super) fn movements(movements: &[Movement], now: &Exchange, to: &Currency) -> Option<Vec<Movement>> {
    let told = |movement: &Movement| {
        let delta = Delta(now.convert(&movement.currency, movement.delta.0)?);
        Some(Movement { delta, currency: to.clone(), ..movement.clone() })
    };
    movements.iter().map(told).collect()
}
