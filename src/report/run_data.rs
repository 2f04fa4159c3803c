//! A run of months as data: what its months come to, beside the months themselves.

use super::csv_face::Rows;
use super::json::{activity, amounts, customers, motion, standing};
use super::json_sections::causes;
use super::ordered::{Json, Object, named, object, push_rate, text};
use super::range::Grid;
use super::run::{Run, RunTotal};
use super::run_said::said;
use super::{CONSOLIDATED, RangeReport};

impl RangeReport {
    /// The run as one period, in each currency; a currency whose months are no period has the reason elsewhere.
    pub(super) fn total_json(&self) -> Json {
        let runs = self.currency_runs();
        let block = |run: &Run<'_>| run.total.as_ref().ok().map(|total| self.total_block(run, total));
        let lacking = |run: &Run<'_>| {
            let reason = run.total.as_ref().err()?;
            Some(object([("currency", text(run.currency)), ("reason", text(reason))]))
        };
        let mut entries = named([
            ("months", Json::Count(self.months.len() as u64)),
            ("currencies", Json::List(runs.iter().filter_map(block).collect())),
            ("lacking", Json::List(runs.iter().filter_map(lacking).collect())),
        ]);
        let consolidated = self.consolidated_run();
        match consolidated.as_ref().map(|run| (run, &run.total)) {
            Some((run, Ok(total))) => entries.push((CONSOLIDATED.into(), self.total_block(run, total))),
            other => {
                let broken = other.and_then(|(_, total)| total.as_ref().err().cloned());
                let reason = broken.or_else(|| self.not_consolidated()).unwrap_or_default();
                entries.extend(named([(CONSOLIDATED, Json::Null), ("consolidated_reason", text(&reason))]));
            }
        }
        Json::Object(entries)
    }

    fn total_block(&self, run: &Run<'_>, total: &RunTotal) -> Json {
        let targets = self.targets();
        let mut entries = named([("currency", text(run.currency))]);
        entries.extend(amounts(&total.figures));
        let (mut rates, mut sources) = (Object::new(), Object::new());
        total.named_rates().iter().for_each(|(name, rate)| push_rate(&mut rates, name, rate));
        total.sources().iter().for_each(|(name, rate)| push_rate(&mut sources, name, rate));
        let said = said(&Grid::of(run), &targets);
        entries.extend(named([
            ("rates", Json::Object(rates)),
            ("customers", customers(&total.figures.customers)),
            ("motion", motion(&total.motion)),
            ("activity", activity(&total.activity)),
            ("starting_arr", text(&total.starting_arr)),
            ("ending_arr", text(&total.ending_arr)),
            ("expansion_from_outside", text(&total.expansion_from_outside)),
            ("sources", Json::Object(sources)),
            ("summary", Json::List(said.iter().map(text).collect())),
            ("targets", Json::List(vec![standing(&total.standing(&targets))])),
            ("expansion_by_cause", causes(&total.expansion_by_cause)),
            ("contraction_by_cause", causes(&total.contraction_by_cause)),
        ]));
        Json::Object(entries)
    }

    /// The same as rows of CSV, under the run's first and last month.
    pub(super) fn total_rows(&self) -> Vec<Vec<String>> {
        let own = self.currency_runs();
        let runs = own.iter().map(|run| (run.currency.as_str(), run));
        let consolidated = self.consolidated_run();
        let consolidated = consolidated.iter().map(|run| (CONSOLIDATED, run));
        let rows = |(name, run): (&str, &Run<'_>)| {
            let mut rows = Rows::of(self.span(), name, run.currency);
            match &run.total {
                Ok(total) => total_rows(&mut rows, total),
                Err(reason) => rows.push("rollforward", "ending_mrr", &"", &format!("n/a: {reason}")),
            }
            rows.rows
        };
        runs.chain(consolidated).flat_map(rows).collect()
    }
}

fn total_rows(rows: &mut Rows<'_>, total: &RunTotal) {
    rows.figures("", &total.figures);
    rows.amount("summary", "expansion_from_outside", &total.expansion_from_outside);
    rows.amount("summary", "starting_arr", &total.starting_arr);
    rows.amount("summary", "ending_arr", &total.ending_arr);
    total.named_rates().iter().for_each(|(name, rate)| rows.rate("rates", name, rate, "ratio"));
    total.sources().iter().for_each(|(name, rate)| rows.rate("sources", name, rate, "ratio"));
    for (name, count) in total.figures.customers.named() {
        rows.push("customers", name, &count, "customers");
    }
    for (motion, amount) in &total.motion {
        rows.amount("motion", motion.as_str(), amount);
    }
    for (cause, amount) in &total.expansion_by_cause {
        rows.amount("expansion_by_cause", cause.as_str(), amount);
    }
    for (cause, amount) in &total.contraction_by_cause {
        rows.amount("contraction_by_cause", cause.as_str(), amount);
    }
}
