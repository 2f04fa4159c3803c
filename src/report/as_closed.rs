//! Closed months (R24): a report as it was reported, from the books that were closed; restated, from what
//! stands now, with the bridge between the two.

use std::collections::BTreeMap;

use super::build::check_range;
use super::reporter::{AskError, Reporter, in_effect};
use super::{
    Adjustment, Basis, ClosedMonth, CustomerHistory, CustomerRow, History, IncompleteLine, RangeReport,
    Report, Settings, customer_rows, month_report, range_report,
};
use crate::ledger::{Closing, Closings, Posting, standing_among};
use crate::mrr::{CustomerId, Month};

impl Reporter {
    /// The report of a month: of a closed one as it was reported, unless restated is asked for.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn month(&self, settings: &Settings, month: Month) -> Result<Report, AskError> {
        let mut report = self.of_month(settings, month).await?;
        self.say_compared(std::slice::from_mut(&mut report), settings).await?;
        Ok(report)
    }

    async fn of_month(&self, settings: &Settings, month: Month) -> Result<Report, AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        if let (Basis::Reported, Some(closing)) = (settings.basis, closings.of(month)) {
            return self.as_reported(settings, &closings, &closing).await;
        }
        let settings = &self.with_rates(settings, month, month, None).await?;
        let kept = self.by_kept(settings, &closings, (month, month)).await?;
        let report = match kept.and_then(|mut reports| reports.pop()) {
            Some(report) => report,
            None => {
                let history = self.current(settings, &closings, month, month).await?;
                month_report(&history, settings, month)
            }
        };
        self.restated(report, settings, &closings).await
    }

    /// The reports of the months from one to another.
    ///
    /// # Errors
    ///
    /// The store's; a range that is none.
    pub async fn range(&self, settings: &Settings, from: Month, to: Month) -> Result<RangeReport, AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        check_range(from, to)?;
        let settings = &self.with_rates(settings, from, to, None).await?;
        let mut range = match self.by_kept(settings, &closings, (from, to)).await? {
            Some(months) => RangeReport { from, to, months },
            None => {
                let history = self.current(settings, &closings, from, to).await?;
                range_report(&history, settings, from, to)?
            }
        };
        for report in &mut range.months {
            match (settings.basis, closings.of(report.month)) {
                (_, None) => {}
                (Basis::Reported, Some(closing)) => {
                    *report = self.as_reported(settings, &closings, &closing).await?;
                }
                (Basis::Restated, Some(_)) => {
                    *report = self.restated(report.clone(), settings, &closings).await?;
                }
            }
        }
        self.say_compared(&mut range.months, settings).await?;
        Ok(range)
    }

    /// Says in reports what comparisons with Stripe's own figures found of their months, whenever that was: it is no
    /// figure of a month, and a closed one is compared after it was closed as well.
    async fn say_compared(&self, reports: &mut [Report], settings: &Settings) -> Result<(), AskError> {
        let (Some(first), Some(last)) = (reports.first(), reports.last()) else { return Ok(()) };
        let compared = self.ledger().compared(&settings.book, (first.month, last.month)).await?;
        for report in reports {
            let of_month =
                compared.iter().filter(|one| one.month == report.month && settings.shows(&one.currency));
            report.compared = of_month.cloned().collect();
        }
        Ok(())
    }

    /// The customers at the end of a month: of a closed one as they were reported, unless restated is asked
    /// for.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn customers(
        &self,
        settings: &Settings,
        month: Month,
        with_zeros: bool,
    ) -> Result<Vec<CustomerRow>, AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        if let (Basis::Reported, Some(closing)) = (settings.basis, closings.of(month)) {
            let settings = self.settings_of(settings, &closing).await?;
            let history = self.closed_history(&settings, &closings, &closing).await?;
            return Ok(customer_rows(&history, &settings, month, with_zeros));
        }
        let history = self.history(settings, month.end(settings.zone)).await?;
        Ok(customer_rows(&history, settings, month, with_zeros))
    }

    /// The settings that know which months of their book are closed, for what is compared as restated.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn with_closed(&self, settings: Settings) -> Result<Settings, AskError> {
        let closings = self.ledger().closings(&settings.book).await?;
        let closed = closings.all().map(|closing| (closing.month, closed_month(closing))).collect();
        Ok(Settings { closed, basis: Basis::Restated, ..settings })
    }

    /// What stands now; as reported, with what was posted in the first open month for closed ones.
    async fn current(
        &self,
        settings: &Settings,
        closings: &Closings,
        from: Month,
        to: Month,
    ) -> Result<History, AskError> {
        let mut history = self.history(settings, to.end(settings.zone)).await?;
        let open = closings.last().map(|last| last.month.next());
        if let (Basis::Reported, Some(open)) =
            (settings.basis, open.filter(|open| (from..=to).contains(open)))
        {
            let posted = self.ledger().adjustments(&settings.book, closings, open).await?;
            history.adjust(posted);
        }
        Ok(history)
    }

    /// A closed month's report, restated already, with the bridge; an open month's as it is.
    async fn restated(
        &self,
        report: Report,
        settings: &Settings,
        closings: &Closings,
    ) -> Result<Report, AskError> {
        let Some(closing) = closings.of(report.month) else { return Ok(report) };
        let reported = self.as_reported(settings, closings, &closing).await?;
        let later = self.ledger().adjustments_of(&settings.book, closings, report.month).await?;
        let later: Vec<Adjustment> = later.into_iter().map(adjustment).collect();
        Ok(report.bridged(&reported, &later, settings))
    }

    async fn as_reported(
        &self,
        settings: &Settings,
        closings: &Closings,
        closing: &Closing,
    ) -> Result<Report, AskError> {
        let settings = self.settings_of(settings, closing).await?;
        let settings = self.with_rates_of(settings, closing).await?;
        if let Some(report) = self.closed_from_kept(&settings, closings, closing).await? {
            return Ok(report);
        }
        let history = self.closed_history(&settings, closings, closing).await?;
        Ok(month_report(&history, &settings, closing.month))
    }

    /// The settings that a month was closed under: its time zone and policy, and the facts it knew.
    pub(super) async fn settings_of(
        &self,
        settings: &Settings,
        closing: &Closing,
    ) -> Result<Settings, AskError> {
        let mut settings = Settings { data_through: closing.data_through, ..settings.clone() };
        if let Some(rules) = self.ledger().rules(&closing.rules).await? {
            settings.zone = rules.zone;
            settings.policy = rules.policy;
        }
        settings.closed.insert(closing.month, closed_month(closing));
        settings.basis = Basis::Reported;
        if let Some(by) = &mut settings.consolidation {
            by.through = self.ledger().last_rate(Some(closing.closed_at)).await?;
        }
        Ok(settings)
    }

    /// The settings of a closed month with the rates that were known when it was closed.
    pub(super) async fn with_rates_of(
        &self,
        settings: Settings,
        closing: &Closing,
    ) -> Result<Settings, AskError> {
        let (month, known_by) = (closing.month, Some(closing.closed_at));
        self.with_rates(&settings, month, month, known_by).await
    }

    /// What a closed month's books hold of its customers.
    async fn closed_history(
        &self,
        settings: &Settings,
        closings: &Closings,
        closing: &Closing,
    ) -> Result<History, AskError> {
        let (book, month) = (settings.book.as_str(), closing.month);
        let mut customers: BTreeMap<CustomerId, CustomerHistory> = BTreeMap::new();
        for (customer, kept) in self.ledger().kept(book, 0, closing.seq).await? {
            let lines = kept.incomplete.into_iter();
            let incomplete = lines.map(|(subscription, item, missing, since)| IncompleteLine {
                subscription,
                item,
                missing,
                since,
            });
            let history = CustomerHistory {
                levels: kept.levels,
                scheduled: kept.scheduled,
                country: kept.country,
                metadata: kept.metadata,
                incomplete: incomplete.collect(),
                ..CustomerHistory::of(customer.clone())
            };
            customers.insert(customer, history);
        }
        // A key that nobody reported by then is read as it is now.
        for (customer, attributes) in self.ledger().attributes(book).await? {
            let other =
                attributes.metadata.into_iter().filter(|(key, _)| !closing.segment_keys.contains(key));
            let other: BTreeMap<String, String> = other.collect();
            if let Some(history) = customers.get_mut(&customer) {
                history.metadata.extend(other);
            }
        }
        let mut of = |customer: &CustomerId, fill: &mut dyn FnMut(&mut CustomerHistory)| {
            fill(customers.entry(customer.clone()).or_insert_with(|| CustomerHistory::of(customer.clone())));
        };
        let postings = self.ledger().postings_in_books(book, closings, month).await?;
        for (customer, movements) in &mut in_effect(standing_among(postings)) {
            of(customer, &mut |history| history.movements = std::mem::take(movements));
        }
        let before = month.end(settings.zone);
        for status in self.ledger().statuses(book, before, closing.through_delivery).await? {
            of(&status.customer, &mut |history| {
                history.statuses.insert(status.subscription.clone(), status.status);
            });
        }
        let mut history = History { customers: customers.into_values().collect(), noticed: Vec::new() };
        history.adjust(self.ledger().adjustments(book, closings, month).await?);
        Ok(history)
    }
}

impl History {
    /// Gives each customer what was posted for it in later months than it belongs to.
    fn adjust(&mut self, posted: Vec<Posting>) {
        let mut by_customer = by_customer(posted);
        for customer in &mut self.customers {
            customer.adjustments = by_customer.remove(&customer.customer).unwrap_or_default();
        }
        let rest = by_customer
            .into_iter()
            .map(|(customer, adjustments)| CustomerHistory { adjustments, ..CustomerHistory::of(customer) });
        self.customers.extend(rest);
        self.customers.sort_by(|one, other| one.customer.cmp(&other.customer));
    }
}

/// Adjustments by whose they are, in the ledger's order.
pub(super) fn by_customer(posted: Vec<Posting>) -> BTreeMap<CustomerId, Vec<Adjustment>> {
    let mut by_customer: BTreeMap<CustomerId, Vec<Adjustment>> = BTreeMap::new();
    for posting in posted {
        by_customer.entry(posting.customer.clone()).or_default().push(adjustment(posting));
    }
    by_customer
}

fn closed_month(closing: &Closing) -> ClosedMonth {
    ClosedMonth { closed_at: closing.closed_at, digest: closing.digest.clone(), postings: closing.postings }
}

fn adjustment(posting: Posting) -> Adjustment {
    Adjustment {
        id: posting.id,
        customer: posting.customer,
        month: posting.month,
        posted_in: posting.posted_in,
        movement: posting.movement,
        adjusts: posting.adjusts,
    }
}
