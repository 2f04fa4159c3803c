//! Every customer's month against Stripe's figure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;

use super::cause::{Cause, Choice};
use super::export::{Export, Line};
use super::gap::{Gap, ItemGap, Reconciliation};
use super::ours::{Choices, Subject};
use super::search::{Cell, Clock, Explanation, TheirEnd, explain, explain_by_settings, is_met};
use crate::ledger::{CustomerKey, LearntSoFar, Ledger, LedgerError, SettlementRules};
use crate::mrr::{
    Catalogue, Currency, CustomerId, Delta, Instant, ItemId, Learnt, Level, MICRO, Month, Mrr, levels_before,
};

/// No two places' clocks are further from one another than from UTC by this.
const MAX_OFFSET_SECONDS: i64 = 14 * 3_600;
/// Stripe's figures take up to two days to know of a change.
const FRESHNESS_SECONDS: i64 = 48 * 3_600;

/// What is compared, and what is known about the files beyond what they say.
#[derive(Debug, Clone)]
pub struct Question {
    /// The book (R13).
    pub book: String,
    /// The time zone whose months are ours.
    pub zone: Tz,
    /// The time zone of Stripe's account, where it is known.
    pub stripe_zone: Option<Tz>,
    /// When the files were made.
    pub exported_at: Instant,
    /// The first month; all from the files' first without.
    pub from: Option<Month>,
    /// The last month; all to the files' last without.
    pub to: Option<Month>,
    /// Only this currency.
    pub currency: Option<Currency>,
    /// Only this customer.
    pub customer: Option<CustomerId>,
}

/// Compares a book with Stripe's own figures and names what makes each gap.
///
/// # Errors
///
/// The store's refusal.
pub async fn reconcile(
    ledger: &Ledger,
    export: &Export,
    question: &Question,
) -> Result<Reconciliation, LedgerError> {
    let levels = ledger.levels(&question.book, None).await?;
    let mut so_far = LearntSoFar::default();
    ledger.learn_on(&question.book, &mut so_far).await?;
    let since = ledger.data_since(&question.book).await?.map(Instant);
    let mut comparison = Comparison {
        ledger,
        export,
        question,
        levels,
        learnt: so_far.learnt,
        since,
        months: export.months(question.exported_at, question.stripe_zone.unwrap_or(question.zone)),
        proved: BTreeMap::new(),
    };
    comparison.months.retain(|month| {
        question.from.is_none_or(|from| *month >= from) && question.to.is_none_or(|to| *month <= to)
    });
    let mut found = Vec::new();
    for (customer, currencies) in comparison.customers() {
        found.append(&mut comparison.customer(&customer, &currencies).await?);
    }
    comparison.go_over_unknown(&mut found).await?;
    Ok(comparison.result(found))
}

/// A customer's month and what makes its gap.
struct Found {
    cell: Cell,
    explanation: Explanation,
    note: Option<&'static str>,
}

impl Found {
    fn is_unknown(&self) -> bool {
        self.explanation.parts.iter().any(|(cause, _)| *cause == Cause::Unknown)
    }

    fn whole(cell: Cell, cause: Cause, note: Option<&'static str>) -> Self {
        let parts = vec![(cause, cell.gap())];
        Self { cell, explanation: Explanation { parts, ..Explanation::default() }, note }
    }
}

struct Comparison<'c> {
    ledger: &'c Ledger,
    export: &'c Export,
    question: &'c Question,
    levels: BTreeMap<CustomerId, Vec<Level>>,
    /// What the book has learnt (R4).
    learnt: Arc<Learnt>,
    /// The ledger's first word of anybody.
    since: Option<Instant>,
    months: BTreeSet<Month>,
    /// How many gaps each setting of Stripe's account makes alone.
    proved: BTreeMap<Choice, u64>,
}

impl Comparison<'_> {
    /// Whom either side knows, with the currencies.
    fn customers(&self) -> BTreeMap<CustomerId, BTreeSet<Currency>> {
        let ours = self.levels.iter().flat_map(|(customer, levels)| {
            levels.iter().map(|level| (customer.clone(), level.currency.clone()))
        });
        let mut customers: BTreeMap<CustomerId, BTreeSet<Currency>> = BTreeMap::new();
        for (customer, currency) in ours.chain(self.export.lines().cloned()) {
            if self.question.customer.as_ref().is_none_or(|asked| *asked == customer) {
                customers.entry(customer).or_default().insert(currency);
            }
        }
        customers
    }

    /// A customer's months, those at zero on both sides left out.
    async fn customer(
        &mut self,
        customer: &CustomerId,
        currencies: &BTreeSet<Currency>,
    ) -> Result<Vec<Found>, LedgerError> {
        let cells = self.cells(customer, currencies);
        let agrees = |cell: &Cell| cell.is_met_by(cell.ours);
        let mut subject = match cells.iter().all(agrees) {
            true => None,
            false => self.subject(customer).await?,
        };
        let mut found = Vec::with_capacity(cells.len());
        for cell in cells {
            if agrees(&cell) {
                let explanation = Explanation { rounding: cell.gap(), ..Explanation::default() };
                found.push(Found { cell, explanation, note: None });
                continue;
            }
            found.push(self.explained(cell, subject.as_mut()));
        }
        if let Some(subject) = &mut subject {
            doubt(subject, &mut found);
        }
        name_other_currencies(&mut found);
        Ok(found)
    }

    fn explained(&mut self, cell: Cell, subject: Option<&mut Subject>) -> Found {
        let is_before = |first: Option<Instant>| first.is_some_and(|first| cell.end <= first);
        let Some(subject) = subject else {
            let cause = if is_before(self.since) { Cause::History } else { Cause::Unknown };
            return Found::whole(cell, cause, Some("the ledger has no facts about this customer"));
        };
        let clock = self.clock(cell.month);
        if let Some(explanation) = explain(subject, &cell, &clock) {
            if let Some(setting) = explanation.only_setting() {
                *self.proved.entry(setting).or_default() += 1;
            }
            return Found { cell, explanation, note: None };
        }
        let heard_of = subject.heard_of().filter(|(_, is_midlife)| *is_midlife).map(|(at, _)| at);
        if is_before(self.since) || is_before(heard_of) {
            return Found::whole(cell, Cause::History, Some("the ledger's first word of it is later"));
        }
        let is_named = self.export.names(&cell.line.0);
        let note = (!is_named).then_some("the files do not name this customer");
        Found::whole(cell, Cause::Unknown, note)
    }

    /// What stays unknown is looked at once more by the settings that other gaps have proved, so that
    /// only what they leave is unknown.
    async fn go_over_unknown(&mut self, found: &mut [Found]) -> Result<(), LedgerError> {
        let settings = self.settings();
        if settings.is_empty() {
            return Ok(());
        }
        let mut last: Option<(CustomerId, Option<Subject>)> = None;
        for found in found.iter_mut().filter(|found| found.is_unknown()) {
            let customer = &found.cell.line.0;
            if last.as_ref().is_none_or(|(last, _)| last != customer) {
                last = Some((customer.clone(), self.subject(customer).await?));
            }
            if let Some((_, Some(subject))) = &mut last {
                found.explanation = explain_by_settings(subject, &found.cell, &settings);
            }
        }
        Ok(())
    }

    /// The settings of Stripe's account: each cause's choice that makes the most gaps alone.
    fn settings(&self) -> Choices {
        let mut most: BTreeMap<Cause, (u64, Choice)> = BTreeMap::new();
        for (choice, count) in &self.proved {
            let held = most.entry(choice.cause()).or_insert((*count, *choice));
            if *count > held.0 {
                *held = (*count, *choice);
            }
        }
        most.into_values().map(|(_, choice)| choice).collect()
    }

    async fn subject(&self, customer: &CustomerId) -> Result<Option<Subject>, LedgerError> {
        let key = CustomerKey { book: self.question.book.clone(), customer: customer.clone() };
        let known = self.ledger.known(&key, None).await?;
        let rules = self.ledger.rules_of(&key).await?;
        let settled = known.settled_at.zip(rules);
        Ok(settled.map(|(settled_at, rules)| {
            let catalogue = Catalogue { learnt: Arc::clone(&self.learnt), ..rules.catalogue };
            let rules = SettlementRules { catalogue, ..rules };
            Subject::new(known.timeline.facts, rules, settled_at)
        }))
    }

    fn cells(&self, customer: &CustomerId, currencies: &BTreeSet<Currency>) -> Vec<Cell> {
        let levels = self.levels.get(customer).map_or(&[][..], Vec::as_slice);
        let mut cells = Vec::new();
        for currency in currencies {
            let line = (customer.clone(), currency.clone());
            let fractional = fractional_items(levels, currency);
            for month in &self.months {
                let end = month.end(self.question.zone);
                let held = levels_before(levels, end).into_iter().filter(|level| level.currency == *currency);
                let ours: Mrr = held.map(|level| level.mrr).sum();
                let theirs = self.export.figure(&line, *month);
                if ours == Mrr::ZERO && theirs == Mrr::ZERO {
                    continue;
                }
                let slack = self.export.slack(&line, *month, &fractional);
                cells.push(Cell { line: line.clone(), month: *month, end, ours, theirs, slack });
            }
        }
        cells
    }

    fn clock(&self, month: Month) -> Clock {
        let ours = month.end(self.question.zone);
        let offsets = &self.export.offsets;
        let end = match self.question.stripe_zone {
            Some(zone) => TheirEnd::Known(vec![month.end(zone)]),
            None if !offsets.is_empty() => {
                let local = month.end(Tz::UTC).0;
                TheirEnd::Known(offsets.iter().map(|offset| Instant(local - offset)).collect())
            }
            None => {
                TheirEnd::Within(Instant(ours.0 - MAX_OFFSET_SECONDS), Instant(ours.0 + MAX_OFFSET_SECONDS))
            }
        };
        let exported_at = self.question.exported_at;
        Clock { end, exported_at, fresh_from: Instant(exported_at.0 - FRESHNESS_SECONDS) }
    }

    /// Which items differ, where the rows name them.
    fn items(&self, line: &Line, month: Month, slack: i128) -> Vec<ItemGap> {
        let theirs = self.export.items(line, month);
        let levels = self.levels.get(&line.0).map_or(&[][..], Vec::as_slice);
        let held = levels_before(levels, month.end(self.question.zone));
        let mut items: BTreeMap<ItemId, (Mrr, Mrr)> =
            theirs.into_iter().map(|(item, mrr)| (item, (Mrr::ZERO, mrr))).collect();
        if items.is_empty() {
            return Vec::new();
        }
        for level in held.into_iter().filter(|level| level.currency == line.1) {
            items.entry(level.item.clone()).or_default().0 += level.mrr;
        }
        let differ = items.into_iter().filter(|(_, (ours, theirs))| (*theirs - *ours).0.abs() > slack);
        differ.map(|(item, (ours, theirs))| ItemGap { item, ours, theirs }).collect()
    }

    fn result(&self, found: Vec<Found>) -> Reconciliation {
        let question = self.question;
        let mut result = Reconciliation::of(question, self.export);
        for Found { cell, explanation, note } in found {
            if question.currency.as_ref().is_some_and(|asked| *asked != cell.line.1) {
                continue;
            }
            let key = (cell.month, cell.line.1.clone());
            let of_month = result.months.entry(key).or_default();
            of_month.take(&cell, &explanation);
            if cell.gap() == Delta::ZERO {
                result.agree(cell.month, &cell.line.1);
                continue;
            }
            let mut details: Vec<String> = note.iter().map(ToString::to_string).collect();
            details.extend(explanation.details);
            let items = match explanation.parts.is_empty() {
                true => Vec::new(),
                false => self.items(&cell.line, cell.month, cell.slack),
            };
            let (customer, currency) = cell.line;
            result.push(Gap {
                customer,
                currency,
                month: cell.month,
                ours: cell.ours,
                theirs: cell.theirs,
                causes: explanation.parts,
                rounding: explanation.rounding,
                details,
                items,
            });
        }
        result.sort();
        result
    }
}

/// The items of a currency that ever held a level which is no whole number of minor units.
fn fractional_items(levels: &[Level], currency: &Currency) -> BTreeSet<ItemId> {
    let fractional = levels.iter().filter(|level| level.currency == *currency && level.mrr.0 % MICRO != 0);
    fractional.map(|level| level.item.clone()).collect()
}

/// Says of a gap that settings of Stripe's account explain where another month of the same customer does
/// without them: an account has them for all months or for none.
fn doubt(subject: &mut Subject, found: &mut [Found]) {
    let agrees = |found: &Found| found.explanation.parts.is_empty();
    let mut doubts = Vec::new();
    for (place, explained) in found.iter().enumerate() {
        let settings: Choices =
            explained.explanation.choices.iter().copied().filter(|choice| choice.is_setting()).collect();
        let other = |other: &&Found| {
            other.cell.line == explained.cell.line
                && agrees(other)
                && !is_met(subject, &other.cell, &settings)
        };
        if let Some(other) = found.iter().find(other) {
            doubts.push((place, format!("though {} agrees as it is", other.cell.month)));
        }
    }
    for (place, doubt) in doubts {
        found[place].explanation.details.push(doubt);
    }
}

/// Names the months in which Stripe tells a customer only in currencies in which we hold nothing, and we
/// hold it only in currencies of which Stripe tells nothing.
fn name_other_currencies(found: &mut [Found]) {
    let mut sides: BTreeMap<Month, (bool, bool, bool)> = BTreeMap::new();
    for Found { cell, .. } in found.iter() {
        let (only_ours, only_theirs, both) = sides.entry(cell.month).or_default();
        match (cell.ours == Mrr::ZERO, cell.theirs == Mrr::ZERO) {
            (false, true) => *only_ours = true,
            (true, false) => *only_theirs = true,
            _ => *both = true,
        }
    }
    for found in found.iter_mut().filter(|found| found.is_unknown()) {
        if sides.get(&found.cell.month) == Some(&(true, true, false)) {
            found.explanation.parts = vec![(Cause::Currency, found.cell.gap())];
            found.note = Some("Stripe tells it in another currency; without a rate only the name is known");
        }
    }
}
