//! A customer's month (R26): what it started and ended with, and which lanes lie between.

use super::testing::*;
use crate::mrr::{
    Class, Delta, Fate, Instant, Item, Kind, Lane, MICRO, Motion, MotionSigns, Mrr, NetMonth, Origin, State,
    Status, levels_before, net_month,
};

/// The first days of the months of 2026, from January on.
const FIRSTS: [i64; 4] = [0, 31, 59, 90];
pub(super) const JANUARY: usize = 0;
const FEBRUARY: usize = 1;
const MARCH: usize = 2;

fn net(story: &Story, month: usize) -> NetMonth {
    let Some((start, end)) = FIRSTS.get(month).zip(FIRSTS.get(month + 1)) else { panic!("no such month") };
    let derivation = story.derive();
    let whole = net_month(&derivation.levels, &derivation.movements, day(*start), day(*end));
    // Postings may stand in another order than they took effect: corrections come later.
    let mut posted = derivation.movements;
    posted.reverse();
    posted.sort_by_key(|movement| (movement.effective_at, std::cmp::Reverse(rank(movement.class))));
    let again = net_month(&derivation.levels, &posted, day(*start), day(*end));
    assert_eq!(again.fate, whole.fate);
    for (currency, net) in &whole.currencies {
        let lanes = net.cells.iter().fold(net.start, |sum, cell| sum + cell.delta);
        assert_eq!(lanes, net.end, "{currency} does not foot");
        let lane = |month: &NetMonth, lane| month.currencies[currency].lane(lane);
        for cell in &net.cells {
            assert_eq!(lane(&again, cell.lane), lane(&whole, cell.lane), "the order of postings matters");
        }
    }
    whole
}

fn rank(class: Class) -> u8 {
    match class {
        Class::Opening => 0,
        Class::Pause | Class::Resume => 1,
        _ => 2,
    }
}

/// What became of the customer; for each currency start, brought and end; and its cells.
pub(super) fn month(story: &Story, month: usize) -> Vec<String> {
    let net = net(story, month);
    let fate = match net.fate {
        Fate::Absent => "absent".to_owned(),
        Fate::Came(lane) => format!("came {}", lane.as_str()),
        Fate::Stayed => "stayed".to_owned(),
        Fate::Went(lane) => format!("went {}", lane.as_str()),
    };
    let mut lines = vec![fate];
    for (currency, net) in net.currencies {
        let level = |level: Mrr| in_dollars(level - Mrr::ZERO);
        lines.push(format!("{currency} {} {} {}", level(net.start), in_dollars(net.brought), level(net.end)));
        for cell in net.cells {
            let kind = cell.kind.map(|kind| format!("/{}", kind.as_str())).unwrap_or_default();
            lines.push(format!("{}{kind} {} {}", cell.lane.as_str(), cell.price, in_dollars(cell.delta)));
        }
    }
    lines
}

fn changed(story: Story, sub: &str, at: Instant, items: &[Item]) -> Story {
    let state = State { items: items.to_vec(), ..story.state(sub) };
    story.updated(sub, at, state)
}

/// On basic for $10 since 3 January.
fn payer() -> Story {
    Story::new().created("a", day(3), active(&[basic("a.1", 1)]))
}

#[test]
fn all_that_a_new_customer_ends_its_month_with_is_new() {
    let story = changed(payer(), "a", day(9), &[basic("a.1", 3), pro("a.2", 1)]);
    assert_eq!(month(&story, JANUARY), ["came new", "usd +0 +0 +50", "new basic_1 +30", "new pro_1 +20"]);
    assert_eq!(month(&story, FEBRUARY), ["stayed", "usd +50 +0 +50"]);
}

#[test]
fn the_first_second_of_a_month_belongs_to_it() {
    let story = Story::new().created("a", day(31), active(&[basic("a.1", 1)])).deleted("a", day(59));
    assert_eq!(month(&story, JANUARY), ["absent"]);
    assert_eq!(month(&story, FEBRUARY), ["came new", "usd +0 +0 +10", "new basic_1 +10"]);
    assert_eq!(month(&story, MARCH), ["went churn", "usd +10 +0 +0", "churn basic_1 -10"]);
}

#[test]
fn levels_before_an_instant_are_those_that_stand_up_to_it() {
    let story = changed(payer(), "a", day(9), &[basic("a.1", 3), item("a.2", &price("free", "free", 0), 1)]);
    let levels = story.derive().levels;
    let before = |at| levels_before(&levels, at).iter().map(|level| level.quantity).collect::<Vec<_>>();
    assert_eq!(before(day(3)), [] as [u64; 0]);
    assert_eq!(before(Instant(day(3).0 + 1)), [1]);
    assert_eq!(before(day(9)), [1]);
    // What costs nothing is no level.
    assert_eq!(before(day(10)), [3]);
}

#[test]
fn all_that_a_customer_started_with_leaves_in_the_lane_it_left_by() {
    let story = changed(payer(), "a", day(9), &[basic("a.1", 2), pro("a.2", 1)]);
    let story = changed(story, "a", day(40), &[basic("a.1", 1), pro("a.2", 1)]);
    let churned = story.clone().deleted("a", day(45));
    assert_eq!(
        month(&churned, FEBRUARY),
        ["went churn", "usd +40 +0 +0", "churn basic_1 -20", "churn pro_1 -20"]
    );
    let paused = story.pause("a", day(45));
    assert_eq!(
        month(&paused, FEBRUARY),
        ["went pause", "usd +40 +0 +0", "pause basic_1 -20", "pause pro_1 -20"]
    );
    assert_eq!(month(&paused, MARCH), ["absent"]);
    let resumed = paused.resume("a", day(70));
    assert_eq!(
        month(&resumed, MARCH),
        ["came resume", "usd +0 +0 +30", "resume basic_1 +10", "resume pro_1 +20"]
    );
}

#[test]
fn who_is_back_from_an_earlier_month_is_reactivated() {
    let story = payer().deleted("a", day(20)).created("b", day(40), active(&[pro("b.1", 1)]));
    assert_eq!(month(&story, JANUARY), ["absent", "usd +0 +0 +0"]);
    assert_eq!(month(&story, FEBRUARY), ["came reactivation", "usd +0 +0 +20", "reactivation pro_1 +20"]);
}

#[test]
fn an_opening_counts_as_having_stood_at_the_start() {
    let first_heard = |at| {
        let before = active(&[basic("a.1", 1)]);
        let story = Story::new();
        story.snapshot("a", at, Origin::Updated, Some(before), active(&[basic("a.1", 3)]))
    };
    let story = first_heard(day(5));
    assert_eq!(
        month(&story, JANUARY),
        ["stayed", "usd +0 +10 +30", "opening basic_1 +10", "expansion/seat basic_1 +20"]
    );
    let story = story.deleted("a", day(9));
    assert_eq!(
        month(&story, JANUARY),
        ["went churn", "usd +0 +10 +0", "opening basic_1 +10", "churn basic_1 -10"]
    );
}

#[test]
fn a_month_that_grew_is_expansion_with_its_losses_in_it() {
    let story =
        payer().created("b", day(4), active(&[pro("b.1", 1), item("b.2", &price("x", "extra", 4), 1)]));
    let story = changed(story, "a", day(40), &[item("a.1", &price("pro_1", "pro", 20), 3)]);
    let story = changed(story, "b", day(41), &[basic("b.1", 1)]);
    // a: seats +20, tier +30. b: tier -10, and extra is gone.
    assert_eq!(
        month(&story, FEBRUARY),
        [
            "stayed",
            "usd +34 +0 +70",
            "expansion/seat basic_1 +20",
            "expansion/upsell pro_1 +30",
            "expansion/upsell basic_1 -10",
            "expansion/cross_sell x -4",
        ]
    );
    let families = &net(&story, FEBRUARY).currencies[&"usd".into()].families;
    let families: Vec<String> =
        families.iter().map(|(kind, delta)| format!("{} {}", kind.as_str(), in_dollars(*delta))).collect();
    assert_eq!(families, ["upsell +20", "cross_sell -4", "seat +20"]);
}

#[test]
fn a_month_that_shrank_is_contraction_with_its_gains_in_it() {
    let story = Story::new().created("a", day(3), active(&[basic("a.1", 9), pro("a.2", 2)]));
    let story = changed(
        story,
        "a",
        day(40),
        &[basic("a.1", 1), pro("a.2", 2), item("a.3", &price("x", "extra", 4), 1)],
    );
    let story = changed(story, "a", day(41), &[basic("a.1", 1), item("a.3", &price("x", "extra", 4), 1)]);
    assert_eq!(
        month(&story, FEBRUARY),
        [
            "stayed",
            "usd +130 +0 +14",
            "contraction/seat basic_1 -80",
            "contraction/product_removed x +4",
            "contraction/product_removed pro_1 -40",
        ]
    );
}

#[test]
fn what_sums_to_nothing_is_in_no_lane() {
    let story = changed(payer(), "a", day(40), &[basic("a.1", 2)]);
    let story = changed(story, "a", day(41), &[basic("a.1", 1)]);
    assert_eq!(month(&story, FEBRUARY), ["stayed", "usd +10 +0 +10"]);
}

#[test]
fn what_sums_to_nothing_is_kept_by_its_upward_words() {
    let story = changed(payer(), "a", day(40), &[pro("a.1", 1)]);
    let story = changed(story, "a", day(41), &[basic("a.1", 1)]);
    let net = net(&story, FEBRUARY);
    let balanced = net.currencies[&"usd".into()].balanced.iter();
    let balanced: Vec<_> = balanced.map(|cell| (cell.lane, cell.kind, in_dollars(cell.delta))).collect();
    let upsell = |amount: &str| (Lane::Expansion, Some(Kind::Upsell), amount.to_owned());
    assert_eq!(balanced, [upsell("+10"), upsell("-10")]);
}

#[test]
fn who_comes_or_goes_more_than_once_came_first_and_went_last() {
    let story = payer().pause("a", day(20)).resume("a", day(40)).deleted("a", day(45));
    let back = story.created("b", day(55), active(&[pro("b.1", 1)]));
    assert_eq!(month(&back, FEBRUARY), ["came resume", "usd +0 +0 +20", "resume pro_1 +20"]);
    let story = payer().pause("a", day(35)).resume("a", day(40)).deleted("a", day(45));
    assert_eq!(month(&story, FEBRUARY), ["went churn", "usd +10 +0 +0", "churn basic_1 -10"]);
}

#[test]
fn a_pause_in_the_second_in_which_all_else_ends_comes_before_the_churn() {
    let story =
        payer().created("b", day(4), active(&[pro("b.1", 1)])).pause("a", day(40)).deleted("b", day(40));
    assert_eq!(
        month(&story, FEBRUARY),
        ["went churn", "usd +30 +0 +0", "churn basic_1 -10", "churn pro_1 -20"]
    );
}

#[test]
fn what_pauses_and_resumes_move_is_no_expansion() {
    let story = payer().created("b", day(4), active(&[pro("b.1", 1)])).pause("b", day(35));
    assert_eq!(month(&story, FEBRUARY), ["stayed", "usd +30 +0 +10", "pause pro_1 -20"]);
    let story = changed(story, "a", day(62), &[basic("a.1", 2)]).resume("b", day(65));
    assert_eq!(
        month(&story, MARCH),
        ["stayed", "usd +10 +0 +40", "resume pro_1 +20", "expansion/seat basic_1 +10"]
    );
}

#[test]
fn a_gap_inside_the_month_is_bridged() {
    let returned = [pro("b.1", 1), item("b.2", &price("x", "extra", 4), 1)];
    for gone in [31, 35] {
        let story = payer().deleted("a", day(gone)).created("b", day(45), active(&returned));
        let [fate, levels, cells @ ..] = &month(&story, FEBRUARY)[..] else { panic!("no month") };
        assert_eq!((fate.as_str(), levels.as_str()), ("stayed", "usd +10 +0 +24"));
        assert!(cells.iter().all(|cell| cell.starts_with("expansion/")), "{cells:?}");
    }
    let story = payer().deleted("a", day(35)).created("b", day(45), active(&[pro("b.1", 1)]));
    assert_eq!(month(&story, FEBRUARY), ["stayed", "usd +10 +0 +20", "expansion/upsell pro_1 +10"]);
}

#[test]
fn a_gap_that_a_resume_ended_is_not_bridged() {
    let story = |gone: Item, resumed: Item| {
        let story =
            Story::new().created("a", day(3), active(&[gone])).created("b", day(4), active(&[resumed]));
        story.pause("b", day(20)).deleted("a", day(35)).resume("b", day(45))
    };
    assert_eq!(
        month(&story(basic("a.1", 1), pro("b.1", 1)), FEBRUARY),
        ["stayed", "usd +10 +0 +20", "resume pro_1 +20", "contraction/product_removed basic_1 -10"]
    );
    // The same product at the other end: seats.
    assert_eq!(
        month(&story(basic("a.1", 1), basic("b.1", 2)), FEBRUARY),
        ["stayed", "usd +10 +0 +20", "resume basic_1 +20", "contraction/seat basic_1 -10"]
    );
}

#[test]
fn usage_that_went_into_a_gap_is_usage() {
    let calls = item("a.m", &metered("calls", "calls"), 1);
    let story = Story::new()
        .created("a", day(0), active(&[basic("a.1", 1), calls]))
        .created("b", day(4), active(&[pro("b.1", 1)]))
        .billed("a", (day(0), day(31)), &[("a.m", 5)]);
    let story = story.pause("b", day(33)).deleted("a", day(35)).resume("b", day(45));
    assert_eq!(
        month(&story, FEBRUARY),
        [
            "stayed",
            "usd +35 +0 +20",
            "pause pro_1 -20",
            "resume pro_1 +20",
            "contraction/product_removed basic_1 -10",
            "contraction/usage calls -5",
        ]
    );
}

#[test]
fn what_begins_before_an_opening_is_heard_of_is_expansion() {
    let before = active(&[basic("b.1", 1)]);
    let story = Story::new().created("a", day(33), active(&[pro("a.1", 1)])).snapshot(
        "b",
        day(40),
        Origin::Updated,
        Some(before.clone()),
        before,
    );
    assert_eq!(
        month(&story, FEBRUARY),
        ["stayed", "usd +0 +10 +30", "opening basic_1 +10", "expansion/cross_sell pro_1 +20"]
    );
}

#[test]
fn an_end_while_paused_stands_as_it_was_booked() {
    let story = payer().pause("a", day(20)).deleted("a", day(40));
    assert_eq!(
        month(&story, FEBRUARY),
        ["went churn", "usd +0 +0 +0", "pause basic_1 +10", "churn basic_1 -10"]
    );
    let moved =
        payer().pause("a", day(20)).deleted("a", day(58)).created("b", day(60), active(&[pro("b.1", 1)]));
    assert_eq!(
        month(&moved, FEBRUARY),
        ["went transfer", "usd +0 +0 +0", "pause basic_1 +10", "transfer basic_1 -10"]
    );
}

#[test]
fn who_came_paused_and_left_inside_the_month_was_never_there() {
    let story = payer().pause("a", day(5)).deleted("a", day(9));
    assert_eq!(month(&story, JANUARY), ["absent", "usd +0 +0 +0"]);
}

#[test]
fn another_subscription_that_came_and_went_is_no_part_of_an_end_while_paused() {
    let story = payer().pause("a", day(20));
    let came_and_went = story.clone().created("b", day(33), active(&[pro("b.1", 1)])).deleted("b", day(36));
    let booked = ["went churn", "usd +0 +0 +0", "pause basic_1 +10", "churn basic_1 -10"];
    assert_eq!(month(&came_and_went.clone().deleted("a", day(45)), FEBRUARY), booked);
    let moved = came_and_went.created("c", day(37), active(&[pro("c.1", 1)])).deleted("c", day(40));
    assert_eq!(month(&moved.deleted("a", day(50)), FEBRUARY), booked);
}

#[test]
fn a_transfer_inside_the_month_is_in_no_lane_and_one_from_an_earlier_month_is_brought() {
    let next =
        |gone, back| payer().deleted("a", day(gone)).created("b", day(back), active(&[basic("b.1", 3)]));
    let inside = next(40, 42);
    assert_eq!(month(&inside, FEBRUARY), ["stayed", "usd +10 +0 +30", "expansion/seat basic_1 +20"]);
    let over = next(58, 60);
    assert_eq!(month(&over, FEBRUARY), ["went transfer", "usd +10 +0 +0", "transfer basic_1 -10"]);
    assert_eq!(
        month(&over, MARCH),
        ["stayed", "usd +0 +10 +30", "transfer basic_1 +10", "expansion/seat basic_1 +20"]
    );
    let again = over.deleted("b", day(70)).created("c", day(72), active(&[basic("c.1", 4), pro("c.2", 1)]));
    assert_eq!(
        month(&again, MARCH),
        [
            "stayed",
            "usd +0 +10 +60",
            "transfer basic_1 +10",
            "expansion/seat basic_1 +20",
            "expansion/seat basic_1 +10",
            "expansion/cross_sell pro_1 +20",
        ]
    );
}

#[test]
fn a_transfer_of_two_items_that_returns_is_not_brought() {
    let story = Story::new().created("a", day(3), active(&[basic("a.1", 1), pro("a.2", 1)]));
    let story = story.deleted("a", day(40)).created("b", day(42), active(&[basic("b.1", 1), pro("b.2", 2)]));
    assert_eq!(month(&story, FEBRUARY), ["stayed", "usd +30 +0 +50", "expansion/seat pro_1 +20"]);
}

#[test]
fn who_left_for_another_subscription_and_left_it_too_went() {
    let story = payer().deleted("a", day(58)).created("b", day(60), active(&[basic("b.1", 1)]));
    let story = story.deleted("b", day(80));
    assert_eq!(
        month(&story, MARCH),
        ["went churn", "usd +0 +10 +0", "transfer basic_1 +10", "churn basic_1 -10"]
    );
}

#[test]
fn a_payer_in_another_currency_is_there_already() {
    let story = payer().created("b", day(40), active(&[item("b.1", &euros(price("pro_eur", "pro", 18)), 1)]));
    assert_eq!(
        month(&story, FEBRUARY),
        ["stayed", "eur +0 +0 +18", "expansion/cross_sell pro_eur +18", "usd +10 +0 +10"]
    );
    let swapped = story.deleted("a", day(50));
    assert_eq!(
        month(&swapped, FEBRUARY),
        [
            "stayed",
            "eur +0 +0 +18",
            "expansion/cross_sell pro_eur +18",
            "usd +10 +0 +0",
            "contraction/product_removed basic_1 -10",
        ]
    );
}

#[test]
fn a_lane_of_whole_levels_tells_who_moved_each_item_last() {
    let deliberate = MotionSigns { declared: Some(Motion::Deliberate), ..MotionSigns::default() };
    let organic = MotionSigns { declared: Some(Motion::Organic), ..MotionSigns::default() };
    let story = Story { motion: deliberate, ..Story::new() }.created("a", day(3), active(&[basic("a.1", 1)]));
    let story = Story { motion: organic, ..story }.created("b", day(4), active(&[pro("a.1", 1)]));
    let story = Story { motion: MotionSigns::default(), ..story };
    let calls = item("a.m", &metered("calls", "calls"), 1);
    let story = story.created("c", day(5), active(&[item("c.1", &price("x", "extra", 4), 1), calls]));
    let story = story.billed("c", (day(5), day(20)), &[("a.m", 5)]);
    let net = net(&story, JANUARY);
    let cells = &net.currencies[&"usd".into()].cells;
    let mut told: Vec<String> =
        cells.iter().map(|cell| format!("{} {}", cell.price, cell.motion.as_str())).collect();
    told.sort();
    assert_eq!(told, ["basic_1 deliberate", "calls organic", "pro_1 organic", "x unknown"]);
}

#[test]
fn who_is_unpaid_left_and_who_pays_again_is_back() {
    let story = payer().status("a", day(40), Status::Unpaid).status("a", day(70), Status::Active);
    assert_eq!(month(&story, FEBRUARY), ["went churn", "usd +10 +0 +0", "churn basic_1 -10"]);
    assert_eq!(month(&story, MARCH), ["came reactivation", "usd +0 +0 +10", "reactivation basic_1 +10"]);
}

#[test]
fn what_is_posted_for_a_closed_month_is_a_lane_and_counts_as_having_stood_at_the_start() {
    // January was closed at $10 before the seats of the 9th were heard of; February knows of $30.
    let story = changed(payer(), "a", day(9), &[basic("a.1", 3)]);
    let story = changed(story, "a", day(40), &[basic("a.1", 4)]);
    let movements = story.derive().movements;
    let month = net(&story, FEBRUARY).with_prior_period(&movements[1..2]);
    let usd = &month.currencies[&"usd".into()];
    let dollars = |amount: i128| amount * 100 * MICRO;
    assert_eq!((usd.start, usd.brought, usd.end), (Mrr(dollars(10)), Delta(dollars(20)), Mrr(dollars(40))));
    assert_eq!(usd.base(), Mrr(dollars(30)));
    assert_eq!(usd.lane(Lane::PriorPeriod), Delta(dollars(20)));
    assert_eq!(usd.lane(Lane::Expansion), Delta(dollars(10)));
}

#[test]
fn what_is_held_for_nothing_over_a_gap_neither_comes_nor_goes() {
    let free = item("f.1", &price("free_1", "free", 0), 1);
    let story = payer().created("f", day(1), active(&[free])).deleted("a", day(35));
    let back = story.created("b", day(45), active(&[pro("b.1", 1)]));
    assert_eq!(month(&back, FEBRUARY), ["stayed", "usd +10 +0 +20", "expansion/upsell pro_1 +10"]);
}

#[test]
fn what_was_paid_for_and_is_free_over_a_gap_is_what_it_left_with() {
    let free = item("a.1", &price("basic_0", "basic", 0), 1);
    let story = changed(payer(), "a", day(35), &[free]);
    let back = story.created("b", day(45), active(&[pro("b.1", 1)]));
    assert_eq!(
        month(&back, FEBRUARY),
        ["stayed", "usd +10 +0 +20", "expansion/upsell basic_0 -10", "expansion/cross_sell pro_1 +20"]
    );
}
