//! Movements with their sides valued, their postings and the cells that they land in; levels; months.

use super::build::occasion;
use super::case::Case;
use super::steps::steps;
use super::{
    CellTold, CurrencyTold, LevelTold, MonthTold, MovementTold, NetCell, PostingTold, SideTold, rfc3339,
};
use crate::ledger::Posting;
use crate::mrr::{
    Cause, Class, Fate, Grade, Instant, Kind, Lane, Level, Month, Movement, NetMonth, Occasion, Side,
    landing, net_month,
};

/// The posting that takes another one back, if one does.
pub(super) fn reversal<'c>(case: &'c Case, posting: &Posting) -> Option<&'c Posting> {
    case.postings.iter().find(|other| other.reverses == Some(posting.seq))
}

/// A posting as a movement told down to its arithmetic and up to its cell.
pub(super) fn movement_told(case: &Case, posting: &Posting) -> MovementTold {
    let movement = &posting.movement;
    let side =
        |side: &Option<Side>, is_after| side.as_ref().map(|side| side_told(case, movement, side, is_after));
    MovementTold {
        id: posting.id.clone(),
        class: movement.class.as_str(),
        kind: movement.kind.as_str(),
        cause: movement.cause.as_str(),
        motion: movement.motion.as_str(),
        rules: rules(movement),
        part: part(movement),
        subscription: movement.subscription.to_string(),
        item: movement.item.to_string(),
        currency: movement.currency.to_string(),
        effective_at: rfc3339(movement.effective_at),
        before: side(&movement.before, false),
        after: side(&movement.after, true),
        delta: movement.delta.to_string(),
        customer_mrr_before: movement.customer_mrr_before.to_string(),
        customer_mrr_after: movement.customer_mrr_after.to_string(),
        grade: movement.evidence.grade.as_str(),
        event: movement.evidence.event.to_string(),
        sha256: movement.evidence.sha256.to_string(),
        posting: PostingTold {
            seq: posting.seq,
            recorded_at: rfc3339(Instant(posting.recorded_at)),
            month: posting.month.to_string(),
            posted_in: posting.posted_in.to_string(),
            adjusts: posting.adjusts.clone(),
            reversed_by: reversal(case, posting).map(|reversal| reversal.seq),
            engine: posting.engine.clone(),
            policy: posting.policy.clone(),
        },
        cell: cell(case, posting),
    }
}

fn side_told(case: &Case, movement: &Movement, side: &Side, is_after: bool) -> SideTold {
    // An opening's only side is the state before the first fact; what takes back turns its sides.
    let found = case.explanation.side(&movement.subscription, movement.effective_at, side, is_after);
    SideTold {
        product: side.product.to_string(),
        price: side.price.to_string(),
        quantity: side.quantity,
        mrr: side.mrr.to_string(),
        valued: found.as_ref().map_or("held", |found| if found.is_between { "between" } else { "state" }),
        steps: found.map(|found| steps(&found.steps)).unwrap_or_default(),
    }
}

/// The rules that decide a movement.
fn rules(movement: &Movement) -> Vec<&'static str> {
    let mut rules = match movement.class {
        Class::Opening => vec!["R12"],
        Class::Transfer => vec!["R19"],
        Class::Pause | Class::Resume => vec!["R5", "R15"],
        Class::Churn => vec!["R14", "R15"],
        _ => vec!["R15"],
    };
    if Kind::of_class(movement.class).is_none() {
        rules.push("R16");
        if part(movement).is_some() {
            rules.push("R17");
        }
        let prices = movement.before.as_ref().zip(movement.after.as_ref());
        if prices.is_some_and(|(before, after)| before.price != after.price) {
            rules.push("R18");
        }
    }
    if movement.is_metered {
        rules.push("R8");
    }
    if movement.kind == Kind::Discount {
        rules.push("R6");
    }
    if matches!(movement.cause, Cause::AddOn | Cause::Price) {
        rules.push("R21");
    }
    if movement.evidence.grade == Grade::PreviousAttributes {
        rules.push("R10");
    }
    rules
}

/// Which step of the pinned order a movement is (R17).
fn part(movement: &Movement) -> Option<&'static str> {
    let is_taken_apart = Kind::of_class(movement.class).is_none()
        && movement.before.is_some()
        && movement.after.is_some()
        && !movement.is_metered;
    let part = match movement.cause {
        Cause::Quantity => "1 of 3: quantity at the old price",
        Cause::Tier | Cause::Term | Cause::Price => "2 of 3: tier, price or term at the new quantity",
        Cause::DiscountStarted | Cause::DiscountEnded | Cause::DiscountChanged => "3 of 3: discount",
        _ => return None,
    };
    is_taken_apart.then_some(part)
}

/// A month netted from what stands (R26).
fn netted(case: &Case, month: Month) -> NetMonth {
    let zone = case.rules.zone;
    let movements: Vec<Movement> =
        case.standing().into_iter().map(|posting| posting.movement.clone()).collect();
    net_month(&case.levels, &movements, month.start(zone), month.end(zone))
}

/// In the months as they are restated; what was posted for a closed month is named as such.
fn cell(case: &Case, posting: &Posting) -> CellTold {
    let month = posting.month;
    let prior_period_of = (posting.posted_in != month).then(|| posting.posted_in.to_string());
    if posting.adjusts.is_some() || reversal(case, posting).is_some() {
        let why = "it does not stand: a posting and its reversal sum to nothing (R22)";
        let netted = "0".to_owned();
        return CellTold { month: month.to_string(), lane: None, kind: None, netted, why, prior_period_of };
    }
    let landed = landing(&netted(case, month), &posting.movement, month.start(case.rules.zone));
    CellTold {
        month: month.to_string(),
        lane: landed.lane.map(Lane::as_str),
        kind: landed.kind.map(Kind::as_str),
        netted: landed.netted.to_string(),
        why: landed.reason.sentence(),
        prior_period_of,
    }
}

/// A customer's month, netted.
pub(super) fn month_told(case: &Case, month: Month) -> MonthTold {
    let net = netted(case, month);
    let customer = match net.fate {
        Fate::Absent => "absent",
        Fate::Came(_) => "came",
        Fate::Stayed => "stayed",
        Fate::Went(_) => "went",
    };
    let cell = |cell: &crate::mrr::Cell| NetCell {
        lane: cell.lane.as_str(),
        kind: cell.kind.map(Kind::as_str),
        product: cell.product.to_string(),
        price: cell.price.to_string(),
        delta: cell.delta.to_string(),
    };
    let currencies = net.currencies.iter().map(|(currency, net)| CurrencyTold {
        currency: currency.to_string(),
        starting_mrr: net.start.to_string(),
        brought: net.brought.to_string(),
        cells: net.cells.iter().map(cell).collect(),
        ending_mrr: net.end.to_string(),
    });
    MonthTold { month: month.to_string(), customer, currencies: currencies.collect() }
}

/// The levels of the subscriptions asked for, of all time or that stood in a month.
pub(super) fn levels_told(
    case: &Case,
    is_asked: &dyn Fn(&str) -> bool,
    month: Option<Month>,
) -> Vec<LevelTold> {
    let zone = case.rules.zone;
    let stood = |level: &&Level| {
        month.is_none_or(|month| {
            level.from < month.end(zone) && level.until.is_none_or(|until| until > month.start(zone))
        })
    };
    let levels = case.levels.iter().filter(|level| is_asked(level.subscription.as_str())).filter(stood);
    let told = |level: &Level| LevelTold {
        subscription: level.subscription.to_string(),
        item: level.item.to_string(),
        price: level.price.to_string(),
        currency: level.currency.to_string(),
        quantity: level.quantity,
        mrr: level.mrr.to_string(),
        from: rfc3339(level.from),
        until: level.until.map(rfc3339),
        because: because(case, level),
    };
    levels.map(told).collect()
}

/// The event, or what came about without one, that made a level what it is.
fn because(case: &Case, level: &Level) -> String {
    let own = |moment: &&crate::mrr::Moment| {
        moment.at == level.from
            && moment.subscription == level.subscription
            && moment.occasion != Occasion::Opening
    };
    match case.explanation.moments.iter().rfind(own) {
        Some(moment) if matches!(moment.occasion, Occasion::Told { .. }) => moment.evidence.event.to_string(),
        Some(moment) => occasion(moment).to_owned(),
        None => "a change of the customer at that instant (R15)".to_owned(),
    }
}
