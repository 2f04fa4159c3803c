//! What is handed on: the report of a period in its forms, and what is said of it in a message.

use sha2::{Digest, Sha256};

use super::{Dispatch, Period, SendError};
use crate::report::{Form, MonthStatus, Report, Reporter, Settings, Summary, local_time};

/// How many customers a message names, where it may.
pub(super) const MOST_NAMED: usize = 5;

/// A report made ready.
pub(super) struct Parcel {
    pub(super) name: String,
    pub(super) period: Period,
    pub(super) book: String,
    pub(super) files: Vec<ReportFile>,
    pub(super) message: Message,
}

/// A file of a report.
pub(super) struct ReportFile {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
}

/// What is said of a report.
pub(super) struct Message {
    pub(super) title: String,
    /// How the month stands, and through when it is known.
    pub(super) facts: String,
    pub(super) summaries: Vec<Summary>,
    pub(super) names_customers: bool,
    /// The report as a page, where the mail itself is to be it.
    pub(super) page: Option<String>,
}

impl Parcel {
    /// Makes the report of a period; with `page` also as the page that a mail itself may be.
    pub(super) async fn of(
        reporter: &Reporter,
        dispatch: &Dispatch,
        period: Period,
        with_page: bool,
    ) -> Result<Self, SendError> {
        let settings = reporter.settings(dispatch.book.as_deref()).await?;
        let settings = Settings { view: dispatch.view, currency: dispatch.currency.clone(), ..settings };
        let mut report = reporter.month(&settings, period.month()).await?;
        if let (true, Err(reason)) = (settings.asks_for_consolidated(), &report.consolidated) {
            return Err(SendError::NotConsolidated { reason: reason.clone() });
        }
        if with_page || dispatch.forms.iter().any(|form| form.holds_register()) {
            report = reporter.with_register(&settings, report).await?;
        }
        let file = |form: &Form| Ok(ReportFile { form: *form, bytes: report.in_form(*form)? });
        Ok(Self {
            name: dispatch.name.clone(),
            period,
            book: settings.book,
            files: dispatch.forms.iter().map(file).collect::<Result<_, SendError>>()?,
            message: Message {
                title: title(&report, period),
                facts: facts(&report),
                summaries: report.summaries(),
                names_customers: dispatch.names_customers,
                page: if with_page { Some(report.to_html()?) } else { None },
            },
        })
    }

    /// The digest of all that is handed on.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.message.text());
        self.files.iter().for_each(|file| digest.update(&file.bytes));
        hex::encode(digest.finalize())
    }

    /// What a file is called by itself.
    pub(super) fn file_name(&self, form: Form) -> String {
        format!("expansion-report-{}.{}", self.period, form.as_str())
    }
}

impl Message {
    /// It as plain text.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.title, self.facts);
        if self.summaries.is_empty() {
            text.push_str("\nNo customer had MRR in this month, and none moved.\n");
        }
        for summary in &self.summaries {
            text.push_str(&format!("\n{}\n", summary.name));
            for figure in &summary.figures {
                text.push_str(&format!("  {}: {} ({})\n", figure.name, figure.value, figure.note));
            }
            text.extend(summary.said.iter().map(|sentence| format!("{sentence}\n")));
            text.extend(self.named(summary).map(|named| format!("{named}\n")));
        }
        text
    }

    /// Who expanded most, if that may be said.
    pub(super) fn named(&self, summary: &Summary) -> Option<String> {
        if !self.names_customers || summary.expanders.is_empty() {
            return None;
        }
        let one = |(customer, amount): &(String, String)| format!("{customer} ({amount})");
        let most: Vec<String> = summary.expanders.iter().take(MOST_NAMED).map(one).collect();
        Some(format!("Most expansion: {}.", most.join(", ")))
    }
}

fn title(report: &Report, period: Period) -> String {
    let month = report.month;
    let until = match period {
        Period::Month(_) => String::new(),
        Period::MonthToDate(day) => format!(", month to date ({day})"),
    };
    let view = report.view.map(|view| format!(", {} view", view.as_str())).unwrap_or_default();
    format!("Expansion report {month}{until}{view}")
}

fn facts(report: &Report) -> String {
    let status = match report.status {
        MonthStatus::Open => "open: its figures may still change",
        MonthStatus::Closed => "closed",
        MonthStatus::Restated => "closed, restated since",
    };
    let through = report.data_through.map(|at| format!(", data through {}", local_time(at, report.zone)));
    let zone = report.zone.name();
    format!("Book {}, the month is {status}{}, time zone {zone}.", report.book, through.unwrap_or_default())
}
