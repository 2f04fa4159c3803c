//! Words, ladders, and how far back a fact reaches.

use super::testing::{DAY, active, day, evidence, snapshot, with_status};
use crate::mrr::{
    Class, Delta, Fact, Instant, InvoiceStatus, Kind, Motion, Mrr, NetCurrency, Origin, State, Status,
    UsageInvoice, UsageLine,
};

#[test]
fn every_word_is_read_as_it_is_written() {
    for (motion, word) in
        [(Motion::Deliberate, "deliberate"), (Motion::Organic, "organic"), (Motion::Unknown, "unknown")]
    {
        assert_eq!((motion.as_str(), Motion::parse(word)), (word, Some(motion)));
    }
    assert_eq!(Motion::parse("accidental"), None);
    for class in Class::ALL {
        assert_eq!(Class::parse(class.as_str()), Some(*class));
    }
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
    }
    assert_eq!(Kind::parse("gift"), None);
}

#[test]
fn a_class_without_kinds_of_its_own_gives_its_name_as_kind() {
    for class in Class::ALL {
        let has_kinds = matches!(class, Class::Expansion | Class::Contraction | Class::Switch);
        let expected = (!has_kinds).then_some(class.as_str());
        assert_eq!(Kind::of_class(*class).map(Kind::as_str), expected);
    }
}

#[test]
fn core_expansion_is_upsell_cross_sell_seats_and_usage() {
    let core: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_core()).collect();
    assert_eq!(core, [Kind::Upsell, Kind::CrossSell, Kind::Seat, Kind::Usage]);
}

#[test]
fn what_counts_at_the_start_is_what_stood_and_what_was_brought() {
    let net = NetCurrency { start: Mrr(40), brought: Delta(2), ..NetCurrency::default() };
    assert_eq!(net.base(), Mrr(42));
}

fn told(origin: Origin, state: State) -> Fact {
    Fact::Subscription(snapshot("a", "evt_1", day(10), origin, None, state))
}

#[test]
fn an_end_reaches_back_to_when_it_happened_or_was_asked_for() {
    let asked = State { canceled_at: Some(day(4)), ..active(&[]) };
    let ended = State { ended_at: Some(day(7)), ..asked.clone() };
    let early = State { ended_at: Some(day(2)), ..asked.clone() };
    let reach = |fact: Fact| fact.reaches_back_to();
    assert_eq!(reach(told(Origin::Updated, active(&[]))), day(10));
    // What was asked for and has not happened may yet be taken back.
    assert_eq!(reach(told(Origin::Updated, asked.clone())), day(10));
    assert_eq!(reach(told(Origin::Updated, ended)), day(4));
    assert_eq!(reach(told(Origin::Updated, early)), day(2));
    assert_eq!(reach(told(Origin::Deleted, with_status(Status::Canceled, asked))), day(4));
}

#[test]
fn usage_reaches_back_to_the_last_second_of_its_earliest_period() {
    let line = |end| UsageLine {
        item: "a.m".into(),
        price: "calls".into(),
        cadence: None,
        period_start: day(0),
        period_end: end,
        amount: Delta(1),
    };
    let fact = |period_end, lines| {
        Fact::Usage(UsageInvoice {
            customer: "cus_1".into(),
            subscription: "a".into(),
            invoice: "in_1".into(),
            at: day(10),
            status: InvoiceStatus::Billed,
            is_cycle: true,
            period_end,
            lines,
            evidence: evidence("evt_1"),
        })
    };
    let second_before = |at: Instant| Instant(at.0 - 1);
    assert_eq!(fact(day(20), vec![]).reaches_back_to(), day(10));
    assert_eq!(fact(day(8), vec![]).reaches_back_to(), second_before(day(8)));
    let lines = vec![line(day(9)), line(day(5)), line(day(7))];
    assert_eq!(fact(day(8), lines).reaches_back_to(), Instant(day(5).0 - 1));
    assert_eq!(fact(day(8), vec![]).at(), Instant(day(0).0 + 10 * DAY));
}
