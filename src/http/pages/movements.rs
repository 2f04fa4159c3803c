//! The ledger's movements, of which every figure is made.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab};
use super::shown::{A_PAGE, Line, code, signed};
use super::{Dashboard, page};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::Asked;
use crate::http::api::refusal;
use crate::ledger::{Wanted, WantedSum};
use crate::mrr::{Cause, Class, Currency, Grade, Kind, Landing, Motion};
use crate::report::{
    Basis, Classes, Kinds, LedHere, MovementFilter, MovementRow, Report, Scale, Settings, heading,
};

/// What is asked for.
struct Filters {
    by: MovementFilter,
    /// Beside what a restated report has.
    restated: bool,
    all: bool,
    after: Option<i64>,
}

#[derive(Template)]
#[template(path = "pages/movements.html")]
struct MovementsPage {
    frame: Frame,
    filters: Filters,
    lines: Vec<Line>,
    with_customer: bool,
    /// How many they are on all pages, and what they come to.
    sum: Option<Sum>,
    /// The figures of the month's report that they are behind.
    figures: Vec<Figure>,
    /// Whether the report was asked, and nets what is here.
    is_netted: bool,
    /// The way to those that follow.
    next: Option<String>,
}

/// What movements come to.
struct Sum {
    movements: u64,
    /// A currency each.
    amounts: Vec<String>,
}

/// A figure of a report.
struct Figure {
    led: LedHere,
    /// How it stands to the sum of the movements; of an amount in one currency.
    standing: Option<&'static str>,
}

/// A field of the form: its name, its label, and its words, each with whether it is asked for.
struct Choice {
    name: &'static str,
    label: &'static str,
    words: Vec<(&'static str, bool)>,
}

impl Filters {
    /// What may be asked of the page beside what movements are cut by.
    const OTHERS: [&str; 4] = ["book", "restated", "all", "after"];

    fn read(asked: &mut Asked) -> Result<Self, Problem> {
        Ok(Self {
            by: asked.movements()?,
            restated: asked.flag("restated")?,
            all: asked.flag("all")?,
            after: asked.number("after", 0)?,
        })
    }

    fn wanted(&self, book: &str) -> Wanted {
        // One more than shown tells whether there are more.
        let limit = Some(A_PAGE + 1);
        Wanted { since_seq: self.after, all: self.all, limit, ..self.by.wanted(book) }
    }

    /// The address of the same question, behind an entry.
    fn after(&self, frame: &Frame, seq: i64) -> String {
        let mut and = vec![("after", seq.to_string())];
        and.extend(self.restated.then(|| ("restated", "true".to_owned())));
        and.extend(self.all.then(|| ("all", "true".to_owned())));
        frame.to_movements(&self.by, &and)
    }
}

impl MovementsPage {
    /// What can be chosen from words.
    fn choices(&self) -> Vec<Choice> {
        let by = &self.filters.by;
        // A kind that is the name of a class is chosen as the class.
        let is_own = |kind: &Kinds| !matches!(kind, Kinds::Of(kind) if Class::parse(kind.as_str()).is_some());
        let classes = Classes::ALL.into_iter().map(|class| (class.as_str(), by.class == Some(class)));
        let kinds = Kinds::ALL.into_iter().filter(is_own);
        let kinds = kinds.map(|kind| (kind.as_str(), by.kind == Some(kind)));
        let causes = Cause::ALL.iter().map(|cause| (cause.as_str(), by.cause == Some(*cause)));
        let motions = Motion::ALL.iter().map(|motion| (motion.as_str(), by.motion == Some(*motion)));
        let grades = Grade::ALL.iter().map(|grade| (grade.as_str(), by.grade == Some(*grade)));
        let choice = |name, label, words: Vec<_>| Choice { name, label, words };
        vec![
            choice("class", "Class", classes.collect()),
            choice("kind", "Kind", kinds.collect()),
            choice("cause", "Cause", causes.collect()),
            choice("motion", "Motion", motions.collect()),
            choice("grade", "Evidence", grades.collect()),
        ]
    }

    /// What is written: name, label, what stands there, an example.
    fn fields(&self) -> [(&'static str, &'static str, String, &'static str); 4] {
        let by = &self.filters.by;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let currency = by.currency.as_ref().map(ToString::to_string).unwrap_or_default();
        [
            ("customer", "Customer", text(&by.customer), ""),
            ("product", "Product", text(&by.product), ""),
            ("price", "Price", text(&by.price), ""),
            ("currency", "Currency", currency, "usd"),
        ]
    }

    fn month(&self) -> String {
        self.filters.by.month.map(|month| month.to_string()).unwrap_or_default()
    }

    /// The report whose figures these are behind.
    fn report_href(&self) -> String {
        let restated = if self.filters.restated { "?restated=true" } else { "" };
        self.frame.to(&format!("/months/{}{restated}", self.month()))
    }
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    uri: Uri,
) -> Result<Response, Problem> {
    let known: Vec<String> =
        Filters::OTHERS.into_iter().chain(MovementFilter::NAMES).map(str::to_owned).collect();
    let mut asked = Asked::among(&uri, &known)?;
    let filters = Filters::read(&mut asked)?;
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Movements, "Movements").await?;
    let wanted = filters.wanted(&settings.book);
    let rows = rooms.reporter.movements(&wanted).await;
    let mut rows = rows.map_err(|error| refusal::of_asking(&error))?;
    let are_more = rows.len() > A_PAGE;
    rows.truncate(A_PAGE);
    let next = rows.last().filter(|_| are_more).map(|row| filters.after(&frame, row.seq));
    let is_first = filters.after.is_none();
    // Of all that ever moved, a sum is made only where it is on the page.
    let is_summed = is_first && (!are_more || filters.by.month.is_some() || filters.by.customer.is_some());
    let sums = if is_summed { sums(&rooms, &wanted).await? } else { None };
    let led = if is_first { led(&rooms, &settings, &filters).await? } else { Vec::new() };
    let mut lines: Vec<Line> = rows.iter().map(|row| Line::of(row, &frame, settings.zone)).collect();
    count(&rooms, &settings, &filters, &rows, &mut lines).await?;
    let figures: Vec<Figure> = led.into_iter().map(|led| Figure::of(led, sums.as_deref())).collect();
    page(&MovementsPage {
        is_netted: figures.iter().any(|figure| figure.standing == Some(NETTED)),
        figures,
        sum: sums.as_deref().map(Sum::of),
        lines,
        with_customer: true,
        next,
        filters,
        frame,
    })
}

async fn sums(rooms: &Dashboard, wanted: &Wanted) -> Result<Option<Vec<WantedSum>>, Problem> {
    let sums = rooms.reporter.movement_sums(wanted).await;
    sums.map_err(|error| refusal::of_asking(&error))
}

/// The figures of the month's report that lead here.
async fn led(rooms: &Dashboard, settings: &Settings, filters: &Filters) -> Result<Vec<LedHere>, Problem> {
    let Some(month) = filters.by.month.filter(|_| !filters.all) else { return Ok(Vec::new()) };
    let basis = if filters.restated { Basis::Restated } else { Basis::Reported };
    let settings = Settings { basis, ..settings.clone() };
    let report: Report =
        rooms.reporter.month(&settings, month).await.map_err(|error| refusal::of_asking(&error))?;
    Ok(report.led_here(&filters.by))
}

/// Says of each movement of a month that counts elsewhere than its class and kind say, where that is.
async fn count(
    rooms: &Dashboard,
    settings: &Settings,
    filters: &Filters,
    rows: &[MovementRow],
    lines: &mut [Line],
) -> Result<(), Problem> {
    let Some(month) = filters.by.month.filter(|_| !filters.all) else { return Ok(()) };
    let landings = rooms.reporter.landings(settings, month, rows).await;
    let landings = landings.map_err(|error| refusal::of_asking(&error))?;
    for ((row, landing), line) in rows.iter().zip(landings).zip(lines) {
        line.counts = elsewhere(row, &landing);
    }
    Ok(())
}

/// Where a movement counts that its class and kind do not name, and why (R26).
fn elsewhere(row: &MovementRow, landing: &Landing) -> Option<String> {
    let movement = &row.movement;
    let Some(lane) = landing.lane else {
        return Some(format!("in no lane: {}", landing.reason.sentence()));
    };
    let is_own_kind = landing.kind.is_none_or(|kind| kind == movement.kind);
    if lane.as_str() == movement.class.as_str() && is_own_kind {
        return None;
    }
    let kind = landing.kind.map(|kind: Kind| format!(", {}", heading(kind.as_str()).to_lowercase()));
    let (lane, kind) = (heading(lane.as_str()).to_lowercase(), kind.unwrap_or_default());
    Some(format!("in the report {lane}{kind}: {}", landing.reason.sentence()))
}

const EQUAL: &str = "their sum";
const ROUNDED: &str = "their sum, rounded with its table (R1)";
const NETTED: &str = "netted per customer (R26)";
const CONVERTED: &str = "at the month's rates (R9)";

impl Figure {
    fn of(led: LedHere, sums: Option<&[WantedSum]>) -> Self {
        let apart = |sums: &[WantedSum]| match sums {
            [] => Some(units(&led.text)),
            [sum] => Some(units(&led.text) - units(&Scale::of(&sum.currency).flow(sum.delta))),
            _ => None,
        };
        let standing = match sums.map(apart) {
            _ if !led.is_amount => None,
            _ if led.is_consolidated => Some(CONVERTED),
            Some(Some(0)) => Some(EQUAL),
            Some(Some(-1 | 1)) => Some(ROUNDED),
            Some(_) => Some(NETTED),
            None => None,
        };
        Self { led, standing }
    }
}

/// The printed units of an amount as it is printed.
fn units(text: &str) -> i128 {
    let digits: String = text.chars().filter(|letter| letter.is_ascii_digit() || *letter == '-').collect();
    digits.parse().unwrap_or_default()
}

impl Sum {
    fn of(sums: &[WantedSum]) -> Self {
        let amount = |sum: &WantedSum| {
            let currency: &Currency = &sum.currency;
            format!("{} {}", signed(Scale::of(currency), sum.delta), code(currency))
        };
        let movements = sums.iter().map(|sum| sum.movements).sum();
        Self { movements, amounts: sums.iter().map(amount).collect() }
    }
}
