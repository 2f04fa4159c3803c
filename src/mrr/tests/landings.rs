//! R26: the cell of the month that each movement lands in, and why.

use super::testing::*;
use crate::mrr::{Item, Month, Reason, State, Status, landing, net_month};

/// From `payer` on, February is the month that is looked at.
fn payer() -> Story {
    Story::new().created("a", day(0), active(&[basic("a.1", 1)]))
}

/// Where each movement of February lands: its class, the lane with its kind, what is netted there, and why.
fn landings(story: &Story) -> Vec<String> {
    let zone = chrono_tz::UTC;
    let derivation = story.derive();
    let month = Month::of(day(40), zone);
    let (start, end) = (month.start(zone), month.end(zone));
    let net = net_month(&derivation.levels, &derivation.movements, start, end);
    let moved = derivation.movements.iter().filter(|moved| (start..end).contains(&moved.effective_at));
    let shown = |movement| {
        let landed = landing(&net, movement, start);
        let lane = landed.lane.map_or("no lane", |lane| lane.as_str());
        let kind = landed.kind.map(|kind| format!("/{}", kind.as_str())).unwrap_or_default();
        let netted = in_dollars(landed.netted);
        format!("{} in {lane}{kind} {netted} {:?}", movement.class.as_str(), landed.reason)
    };
    moved.map(shown).collect()
}

#[test]
fn what_moves_between_two_levels_lands_by_its_kind() {
    let grown = payer().updated("a", day(35), active(&[basic("a.1", 3)]));
    let grown = grown.updated("a", day(36), active(&[basic("a.1", 3), pro("a.2", 1)]));
    assert_eq!(
        landings(&grown),
        ["expansion in expansion/seat +20 Netted", "expansion in expansion/cross_sell +20 Netted"]
    );
    let shrunk = grown.updated("a", day(37), active(&[basic("a.1", 1)])).updated(
        "a",
        day(38),
        active(&[Item { quantity: 1, ..pro("a.1", 1) }]),
    );
    let shrunk = shrunk.updated("a", day(39), active(&[basic("a.1", 1)]));
    assert!(
        landings(&shrunk).iter().all(|line| line.contains("no lane +0 EvenedOut")),
        "{:?}",
        landings(&shrunk)
    );
}

#[test]
fn a_part_of_another_kind_is_not_what_a_movement_lands_with() {
    let story = payer().updated("a", day(35), active(&[pro("a.1", 4)]));
    assert_eq!(
        landings(&story),
        ["expansion in expansion/seat +30 Netted", "expansion in expansion/upsell +40 Netted"]
    );
}

#[test]
fn what_is_brought_forward_lands_in_its_own_lane() {
    let mut story = Story::new();
    story.states.insert("a".to_owned(), active(&[basic("a.1", 1)]));
    let story = story.updated("a", day(35), active(&[basic("a.1", 2)]));
    assert_eq!(
        landings(&story),
        ["opening in opening +10 Brought", "expansion in expansion/seat +10 Netted"]
    );
}

#[test]
fn who_moved_inside_the_month_lands_nowhere_and_who_comes_from_an_earlier_one_is_brought() {
    let moved =
        |gone, back| payer().deleted("a", day(gone)).created("b", day(back), active(&[basic("b.1", 3)]));
    assert_eq!(
        landings(&moved(40, 42)),
        [
            "transfer in no lane +0 Moved",
            "transfer in no lane +0 Moved",
            "expansion in expansion/seat +20 Netted"
        ]
    );
    assert_eq!(
        landings(&moved(29, 31)),
        ["transfer in transfer +10 Brought", "expansion in expansion/seat +20 Netted"]
    );
    assert_eq!(landings(&moved(58, 60)), ["transfer in transfer -10 Went"]);
    let twice = moved(29, 31).deleted("b", day(40)).created("c", day(42), active(&[basic("c.1", 3)]));
    let out = landings(&twice).into_iter().nth(2);
    assert_eq!(out.as_deref(), Some("transfer in no lane +0 Moved"));
}

#[test]
fn who_came_went_or_was_never_there_lands_whole() {
    let came = Story::new().created("a", day(33), active(&[basic("a.1", 1)]));
    let came = came.updated("a", day(35), active(&[basic("a.1", 3)]));
    assert_eq!(landings(&came), ["new in new +30 Came", "expansion in new +30 Came"]);
    let went = payer().updated("a", day(35), active(&[basic("a.1", 3)])).deleted("a", day(36));
    assert_eq!(landings(&went), ["expansion in churn -10 Went", "churn in churn -10 Went"]);
    let absent = came.deleted("a", day(36));
    assert!(
        landings(&absent).iter().all(|line| line.ends_with("in no lane +0 Absent")),
        "{:?}",
        landings(&absent)
    );
}

#[test]
fn pauses_have_their_own_lanes() {
    let story =
        payer().pause("a", day(35)).resume("a", day(38)).updated("a", day(39), active(&[basic("a.1", 2)]));
    assert_eq!(
        landings(&story),
        [
            "pause in pause -10 Paused",
            "resume in resume +10 Paused",
            "expansion in expansion/seat +10 Netted"
        ]
    );
}

#[test]
fn an_end_while_paused_lands_as_it_was_booked() {
    let paused = payer().pause("a", day(20));
    assert_eq!(
        landings(&paused.clone().deleted("a", day(40))),
        ["pause in pause +10 EndedWhilePaused", "churn in churn -10 EndedWhilePaused"]
    );
    let beside = paused.created("b", day(33), active(&[pro("b.1", 1)])).updated(
        "b",
        day(34),
        active(&[pro("b.1", 2)]),
    );
    let beside = beside.deleted("b", day(36)).deleted("a", day(45));
    assert_eq!(
        landings(&beside),
        [
            "reactivation in no lane +0 Absent",
            "expansion in no lane +0 Absent",
            "churn in churn -10 EndedWhilePaused",
            "pause in pause +10 EndedWhilePaused",
            "churn in churn -10 EndedWhilePaused"
        ]
    );
}

#[test]
fn a_return_over_a_gap_from_before_the_month_is_netted() {
    // A second currency keeps the customer there at both ends.
    let dollars = State { status: Status::Active, ..active(&[basic("a.1", 1)]) };
    let euro = active(&[item("e.1", &euros(price("e", "E", 5)), 1)]);
    let story = Story::new().created("a", day(0), dollars).created("e", day(0), euro);
    let story = story.deleted("a", day(35)).created("b", day(45), active(&[basic("b.1", 1)]));
    assert_eq!(
        landings(&story),
        ["contraction in no lane +0 EvenedOut", "expansion in no lane +0 EvenedOut"]
    );
}

#[test]
fn every_reason_is_said_in_a_sentence_of_its_own() {
    let reasons = [
        Reason::Brought,
        Reason::Came,
        Reason::Went,
        Reason::Paused,
        Reason::Netted,
        Reason::Bridged,
        Reason::EvenedOut,
        Reason::Absent,
        Reason::EndedWhilePaused,
        Reason::Moved,
    ];
    let sentences: std::collections::BTreeSet<&str> =
        reasons.iter().map(|reason| reason.sentence()).collect();
    assert_eq!(sentences.len(), reasons.len());
    assert!(sentences.iter().all(|sentence| sentence.contains("R26") || sentence.contains("no lane")));
}
