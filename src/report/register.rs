//! The register of movements: what stands in a month, posting by posting, for the faces that hold it.

use super::reporter::{AskError, Reporter, movement_row};
use super::{Basis, MovementRow, RangeReport, Report, Settings};
use crate::ledger::{Wanted, place, standing_among};

impl Reporter {
    /// The report with its month's register: of a closed month as it was reported, the movements in its books.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn with_register(&self, settings: &Settings, mut report: Report) -> Result<Report, AskError> {
        report.register = Some(self.register_of(settings, &report).await?);
        Ok(report)
    }

    /// The reports of a run of months, each with its month's register.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn with_registers(
        &self,
        settings: &Settings,
        mut range: RangeReport,
    ) -> Result<RangeReport, AskError> {
        for report in &mut range.months {
            report.register = Some(self.register_of(settings, report).await?);
        }
        Ok(range)
    }

    async fn register_of(&self, settings: &Settings, report: &Report) -> Result<Vec<MovementRow>, AskError> {
        let (book, month) = (settings.book.as_str(), report.month);
        let closings = self.ledger().closings(book).await?;
        let mut postings = if report.basis == Basis::Reported && closings.of(month).is_some() {
            standing_among(self.ledger().postings_in_books(book, &closings, month).await?)
        } else {
            let wanted = Wanted {
                book: Some(book.to_owned()),
                from_month: Some(month),
                to_month: Some(month),
                ..Wanted::default()
            };
            let mut postings = self.ledger().postings(&wanted).await?;
            place(&mut postings, &closings);
            postings
        };
        postings.retain(|posting| posting.month == month && settings.shows(&posting.movement.currency));
        postings.sort_by_key(|posting| (posting.movement.effective_at, posting.seq));
        Ok(postings.into_iter().map(movement_row).collect())
    }
}
