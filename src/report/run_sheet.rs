//! A run of months laid out for people: the one sheet that all its faces show.

use super::notices::exceptions;
use super::range::{Grid, range_sections, segment_months};
use super::run::Run;
use super::sheet::{BESIDE, Section, Sheet, SheetBlock, chosen, exchange_rates, facts};
use super::{RangeReport, Targets, View, run_charts, run_said};

impl RangeReport {
    /// The sheet as a view has it, or with all that a terminal has room for.
    pub(super) fn sheet(&self) -> Sheet {
        self.laid_out(self.view().is_some() || self.months.iter().any(|report| report.by.is_some()))
    }

    /// The sheet with what is too long for a terminal: every segment.
    pub(super) fn whole_sheet(&self) -> Sheet {
        self.laid_out(true)
    }

    fn laid_out(&self, has_segments: bool) -> Sheet {
        let view = self.view();
        let last = self.months.last();
        let incomplete = last.and_then(|last| super::lists::incomplete(&last.incomplete, last.zone));
        let rest = incomplete.into_iter().chain(last.and_then(exceptions));
        let is_chosen = |section: &Section| {
            let is_listed = |view: View| view.sections().contains(&section.key.as_str());
            section.key == "incomplete" || view.is_none_or(is_listed)
        };
        let title = format!("Expansion report {} to {}", self.from, self.to);
        Sheet {
            title: view.map_or_else(|| title.clone(), |view| format!("{title}, {} view", view.as_str())),
            is_run: true,
            facts: self.facts(),
            blocks: self.runs().iter().map(|run| self.block(run, view, has_segments)).collect(),
            rest_title: BESIDE,
            rest: rest.filter(is_chosen).collect(),
            register: None,
        }
    }

    fn block(&self, run: &Run<'_>, view: Option<View>, has_segments: bool) -> SheetBlock {
        let grid = Grid::of(run);
        let targets = self.targets();
        let mut sections = range_sections(self, &grid);
        if has_segments {
            sections.extend(segment_months(&grid));
        }
        SheetBlock {
            code: run.code.clone(),
            currency: run.name.clone(),
            tiles: run_said::tiles(&grid, view, &targets),
            said: run_said::said(&grid, &targets),
            sections: match view {
                Some(view) => chosen(sections, view),
                None => sections,
            },
        }
    }

    /// The charts of each block of the sheet.
    pub(super) fn drawings(&self) -> Vec<Vec<super::drawing::Drawing>> {
        let targets = self.targets();
        self.runs().iter().map(|run| run_charts::drawings(&Grid::of(run), &targets)).collect()
    }

    /// For whom it is laid out, as its months are.
    fn view(&self) -> Option<View> {
        self.months.last().and_then(|report| report.view)
    }

    /// What is aimed at.
    pub(super) fn targets(&self) -> Targets {
        self.months.last().map(|report| report.targets.clone()).unwrap_or_default()
    }

    /// What is said about the whole: what the last month says, but for that month's own.
    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = self.months.last().map(facts).unwrap_or_default();
        facts.retain(|(name, _)| {
            !["Month", "Closed", "Currencies", "Evidence", "Movements", "Consolidated", "Exchange rates"]
                .contains(&name.as_str())
        });
        for report in self.months.iter().filter(|report| report.reporting_currency.is_some()) {
            if let Err(reason) = &report.consolidated {
                facts.push(("Consolidated".to_owned(), format!("{}: no: {reason}", report.month)));
            }
        }
        let mut rates: Vec<String> = self.months.iter().flat_map(exchange_rates).collect();
        // A month's rate is also the next one's rate of the month before.
        let mut seen = std::collections::BTreeSet::new();
        rates.retain(|rate| seen.insert(rate.clone()));
        if !rates.is_empty() {
            facts.push(("Exchange rates".to_owned(), rates.join(" · ")));
        }
        facts
    }
}
