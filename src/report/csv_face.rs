//! The report as CSV, in long form: one figure a row, exact, with its unit.

use super::choices::policy_choices;
use super::{CONSOLIDATED, CurrencyBlock, Figures, RangeReport, Rate, Report, ReportError};
use crate::ledger::ComparedMonth;
use crate::mrr::{Class, Currency};

const HEAD: [&str; 6] = ["month", "currency", "section", "name", "value", "unit"];

impl Report {
    /// Every figure as a row of CSV; a ratio without a value is empty, its unit the reason.
    ///
    /// # Errors
    ///
    /// [`ReportError::Csv`], which does not happen for text in memory.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        csv_text(&HEAD, rows(self))
    }
}

impl RangeReport {
    /// Every figure of every month as a row of CSV, then what the months come to, under the first and the last of
    /// them: `2025-11..2026-10`.
    ///
    /// # Errors
    ///
    /// [`ReportError::Csv`], which does not happen for text in memory.
    pub fn to_csv(&self) -> Result<String, ReportError> {
        csv_text(&HEAD, self.months.iter().flat_map(rows).chain(self.total_rows()))
    }
}

/// A head and rows as CSV text, made inert for spreadsheets.
///
/// # Errors
///
/// [`ReportError::Csv`], which does not happen for text in memory.
pub fn csv_text(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<String, ReportError> {
    csv_part(Some(head), rows)
}

/// Some rows of a CSV text, made inert for spreadsheets; those that come first bring the head.
///
/// # Errors
///
/// [`ReportError::Csv`], which does not happen for text in memory.
pub fn csv_part(
    head: Option<&[&str]>,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<String, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if let Some(head) = head {
        writer.write_record(head)?;
    }
    for row in rows {
        writer.write_record(row.into_iter().map(inert))?;
    }
    writer.flush()?;
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8(bytes)?)
}

/// A text that a spreadsheet would run as a formula gets an apostrophe before it: ids of plans and
/// metadata are other people's words. Numbers stay numbers.
fn inert(cell: String) -> String {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_formula = match cell.chars().next() {
        // The wide forms are read as the plain ones by some.
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＠' | '＋' | '－') => true,
        Some('+' | '-') => !is_number(&cell[1..]),
        _ => false,
    };
    if is_formula { format!("'{cell}") } else { cell }
}

/// Rows of one month, or of a run of months, and a block.
pub(super) struct Rows<'r> {
    month: String,
    /// The currency's code, or `consolidated`.
    name: &'r str,
    currency: &'r Currency,
    pub(super) rows: Vec<Vec<String>>,
}

impl<'r> Rows<'r> {
    pub(super) fn of(month: String, name: &'r str, currency: &'r Currency) -> Self {
        Self { month, name, currency, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, section: &str, name: &str, value: &impl ToString, unit: &str) {
        self.rows.push(vec![
            self.month.clone(),
            self.name.to_owned(),
            section.to_owned(),
            name.to_owned(),
            value.to_string(),
            unit.to_owned(),
        ]);
    }

    pub(super) fn amount(&mut self, section: &str, name: &str, value: &impl ToString) {
        let unit = format!("{}_minor", self.currency);
        self.push(section, name, value, &unit);
    }

    pub(super) fn rate(&mut self, section: &str, name: &str, rate: &Rate, unit: &str) {
        match rate {
            Rate::Known(fraction) => self.push(section, name, &fraction.to_decimal(), unit),
            Rate::Unknown(reason) => self.push(section, name, &"", &format!("n/a: {reason}")),
        }
    }

    pub(super) fn figures(&mut self, prefix: &str, figures: &Figures) {
        let section = |name: &str| format!("{prefix}{name}");
        let roll = &figures.rollforward;
        self.amount(&section("rollforward"), "starting_mrr", &roll.starting_mrr);
        for (lane, amount) in &roll.lanes {
            self.amount(&section("rollforward"), lane.as_str(), amount);
        }
        if !prefix.is_empty() {
            self.amount(&section("rollforward"), "transfer_in", &roll.transfer_in);
            self.amount(&section("rollforward"), "transfer_out", &roll.transfer_out);
        }
        self.amount(&section("rollforward"), "ending_mrr", &roll.ending_mrr);
        for (kind, amount) in &figures.expansion_by_kind {
            self.amount(&section("expansion_by_kind"), kind.as_str(), amount);
        }
        for (kind, amount) in &figures.contraction_by_kind {
            self.amount(&section("contraction_by_kind"), kind.as_str(), amount);
        }
        for (name, amount) in [
            ("core_expansion", figures.core_expansion),
            ("total_expansion", figures.total_expansion),
            ("net_expansion", figures.net_expansion),
            ("retained_base_growth", figures.retained_base_growth),
        ] {
            self.amount(&section("summary"), name, &amount);
        }
    }
}

fn rows(report: &Report) -> Vec<Vec<String>> {
    let own = report.currencies.iter();
    let mut rows: Vec<Vec<String>> =
        own.flat_map(|block| block_rows(report, block.currency.as_str(), block)).collect();
    let row = |section: &str, name: &str, value: String, unit: String| {
        [&report.month.to_string(), CONSOLIDATED, section, name, &value, &unit].map(str::to_owned).to_vec()
    };
    match &report.consolidated {
        Ok(block) => rows.extend(block_rows(report, CONSOLIDATED, block)),
        Err(reason) if report.reporting_currency.is_some() => {
            rows.push(row("rollforward", "ending_mrr", String::new(), format!("n/a: {reason}")));
        }
        Err(_) => {}
    }
    rows.extend(report.exchange_rates.iter().map(|used| {
        let unit = format!("{} per {}", used.to, used.from);
        row("exchange_rates", &format!("{} {}", used.from, used.month), used.to_decimal(), unit)
    }));
    rows.extend(header(report));
    rows.extend(policy_rows(report));
    rows.extend(noticed(report));
    rows
}

/// What is said of the whole, which belongs to no currency.
fn header(report: &Report) -> Vec<Vec<String>> {
    let said = [
        ("book", report.book.clone()),
        ("status", report.status.as_str().to_owned()),
        ("as", report.basis.as_str().to_owned()),
        ("data_through", report.data_through.map(super::ordered::rfc3339).unwrap_or_default()),
    ];
    let row = |(name, value): (&str, String)| {
        vec![
            report.month.to_string(),
            String::new(),
            "report".to_owned(),
            name.to_owned(),
            value,
            String::new(),
        ]
    };
    said.into_iter().map(row).collect()
}

/// How many movements stand in the month, and what a person should look at.
fn noticed(report: &Report) -> Vec<Vec<String>> {
    let row = |section: &str, name: &str, count: u64, unit: &str| {
        [&*report.month.to_string(), "", section, name, &count.to_string(), unit].map(str::to_owned).to_vec()
    };
    let movements = row("movements", "standing", report.movements, "movements");
    let exceptions = report.exceptions.iter().map(|exception| {
        let concern = exception.concern;
        row("exceptions", concern.as_str(), exception.count, concern.remedy())
    });
    let by_evidence = report
        .movements_by_evidence
        .iter()
        .map(|(grade, count)| row("movements_by_evidence", grade.as_str(), *count, "movements"));
    [movements].into_iter().chain(by_evidence).chain(exceptions).chain(compared(report)).collect()
}

/// What comparisons with Stripe's own figures found.
fn compared(report: &Report) -> Vec<Vec<String>> {
    let rows = |found: &ComparedMonth| {
        let minor = format!("{}_minor", found.currency);
        let amounts = [("ours", found.ours), ("stripes", found.theirs)];
        let amounts = amounts.map(|(name, mrr)| (name, mrr.to_string(), minor.clone()));
        let counts = [
            ("agreed", found.agreed),
            ("rounded", found.rounded),
            ("explained", found.explained),
            ("unknown", found.unknown),
        ];
        let counts = counts.map(|(name, count)| (name, count.to_string(), "customers".to_owned()));
        let section = format!("reconciliation:{}", found.form);
        let row = |(name, value, unit): (&str, String, String)| {
            let place = [report.month.to_string(), found.currency.to_string(), section.clone()];
            place.into_iter().chain([name.to_owned(), value, unit]).collect()
        };
        amounts.into_iter().chain(counts).map(row).collect::<Vec<Vec<String>>>()
    };
    report.compared.iter().flat_map(rows).collect()
}

/// What the figures were made by, which belongs to no currency: keys as `upswell.toml` has them.
fn policy_rows(report: &Report) -> Vec<Vec<String>> {
    let row = |key: &str, value: &str, unit: &str| {
        [&*report.month.to_string(), "", "policy", key, value, unit].map(str::to_owned).to_vec()
    };
    let choices = policy_choices(&report.policy);
    let mut rows: Vec<Vec<String>> = choices
        .iter()
        .map(|choice| row(choice.key.trim_start_matches("policy."), &choice.value, choice.rule))
        .collect();
    rows.push(row("timezone", report.zone.name(), ""));
    if let Some(view) = report.view {
        rows.push(row("view", view.as_str(), ""));
    }
    if !report.pricing_note.is_empty() {
        rows.push(row("pricing_note", &report.pricing_note, ""));
    }
    rows
}

fn block_rows(report: &Report, name: &str, block: &CurrencyBlock) -> Vec<Vec<String>> {
    let mut rows = Rows::of(report.month.to_string(), name, &block.currency);
    rows.figures("", &block.figures);
    rows.amount("summary", "expansion_from_outside", &block.expansion_from_outside);
    rows.amount("summary", "starting_arr", &block.starting_arr);
    rows.amount("summary", "ending_arr", &block.ending_arr);
    rows.amount("summary", "at_risk", &block.at_risk);
    rows.amount("first_month", "expansion", &block.first_month.0);
    rows.amount("first_month", "contraction", &block.first_month.1);
    rows.rate("summary", "arpa", &block.arpa, &format!("{}_minor", block.currency));
    for (name, rate) in block.named_rates() {
        rows.rate("rates", name, rate, "ratio");
    }
    for (name, rate) in block.sources() {
        rows.rate("sources", name, rate, "ratio");
    }
    for standing in block.standings(&report.targets) {
        rows.rate("targets", standing.figure, &Rate::Known(standing.target), standing.aim.as_str());
        let met = standing.is_met().map_or("", |is_met| if is_met { "true" } else { "false" });
        rows.push("targets_met", standing.figure, &met, "");
    }
    for (grade, mrr, share) in block.evidence_shares() {
        rows.amount("evidence", grade, &mrr);
        rows.rate("evidence_shares", grade, &share, "ratio");
    }
    for (name, count) in block.figures.customers.named() {
        rows.push("customers", name, &count, "customers");
    }
    for (motion, amount) in &block.motion {
        rows.amount("motion", motion.as_str(), amount);
    }
    for class in Class::ALL {
        rows.amount("activity", class.as_str(), &block.activity.class(*class));
    }
    for (kind, amount) in block.activity.kinds() {
        rows.amount("activity_by_kind", kind.as_str(), &amount);
    }
    let split = [Class::Expansion, Class::Contraction, Class::Switch];
    for ((class, kind), amount) in block.activity.sums.iter().filter(|((class, _), _)| split.contains(class))
    {
        rows.amount(&format!("activity_by_kind:{}", class.as_str()), kind.as_str(), amount);
    }
    rest(&mut rows, block);
    super::csv_sections::sections(&mut rows, report, block);
    closed(&mut rows, report, block);
    rows.rows
}

/// How a closed month stands, what was posted for closed months, and the bridge (R24).
fn closed(rows: &mut Rows<'_>, report: &Report, block: &CurrencyBlock) {
    if let Some(closing) = &report.closing {
        rows.push("closing", "status", &report.status.as_str(), "");
        rows.push("closing", "digest", &closing.digest, "sha256");
    }
    for entry in &block.prior_period_adjustments {
        let section = format!("prior_period_adjustments:{}:{}", entry.month, entry.customer);
        rows.amount(&section, &entry.id, &entry.movement.delta);
    }
    for row in block.bridge.iter().flat_map(|bridge| &bridge.rows) {
        rows.amount("bridge:reported", row.lane, &row.reported);
        rows.amount("bridge:adjustment", row.lane, &row.adjustment());
        rows.amount("bridge:restated", row.lane, &row.restated);
    }
}

/// What has a name of the book's own: segments, cohorts, customers.
fn rest(rows: &mut Rows<'_>, block: &CurrencyBlock) {
    for table in &block.segments {
        for row in &table.rows {
            let prefix = format!("segment:{}:{}:", table.dimension, row.segment);
            rows.figures(&prefix, &row.figures);
            rows.rate(&format!("{prefix}rates"), "expansion_rate", &row.figures.expansion_rate, "ratio");
            rows.rate(&format!("{prefix}rates"), "nrr", &row.figures.nrr, "ratio");
            rows.rate(&format!("{prefix}rates"), "grr", &row.figures.grr, "ratio");
            for (name, count) in row.figures.customers.named() {
                rows.push(&format!("{prefix}customers"), name, &count, "customers");
            }
        }
    }
    for cohort in &block.cohorts {
        let section = format!("cohort:{}", cohort.month);
        rows.push(&section, "customers", &cohort.figures.customers.starting, "customers");
        rows.push(&section, "ending_customers", &cohort.figures.customers.ending, "customers");
        rows.amount(&section, "starting_mrr", &cohort.figures.rollforward.starting_mrr);
        rows.amount(&section, "ending_mrr", &cohort.figures.rollforward.ending_mrr);
        rows.rate(&section, "nrr", &cohort.figures.nrr, "ratio");
        rows.rate(&section, "grr", &cohort.figures.grr, "ratio");
    }
    for book in &block.owners {
        let section = format!("owner:{}", book.owner);
        rows.amount(&section, "core_expansion", &book.core_expansion);
        rows.amount(&section, "growth", &book.growth);
        rows.rate(&section, "owner_book_growth", &book.owner_book_growth, "ratio");
    }
    for (customer, mrr) in &block.late_payers {
        rows.amount("late_payers", customer.as_str(), mrr);
    }
    for expander in &block.top_expanders {
        rows.amount("top_expanders", expander.customer.as_str(), &expander.expansion);
        for (kind, amount) in &expander.by_kind {
            rows.amount(&format!("top_expanders:{}", expander.customer), kind.as_str(), amount);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_cell_that_a_spreadsheet_would_run_is_made_inert() {
        let row = ["=1+1", "＝1+1", "+A1", "@x", "-2+3", "-2500.333333", "n/a", "cus_1"]
            .map(str::to_owned)
            .to_vec();
        let text = csv_text(&["a", "b", "c", "d", "e", "f", "g", "h"], [row]).unwrap();
        assert_eq!(text.lines().nth(1), Some("'=1+1,'＝1+1,'+A1,'@x,'-2+3,-2500.333333,n/a,cus_1"));
    }
}
