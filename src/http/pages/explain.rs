//! Where a figure comes from, down to the digest of the stored bytes: `upswell explain` as a page.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};

use super::frame::{Frame, Tab};
use super::shown::{encoded, major};
use super::{Dashboard, page};
use crate::explain::{
    CatalogueExplained, CustomerExplained, EventExplained, EventTold, Explained, Lesson, LevelTold,
    MonthTold, MovementExplained, MovementTold, Settled, SideTold, Told,
};
use crate::http::Problem;
use crate::http::access::Visitor;
use crate::http::api::asked::{Asked, named};
use crate::http::api::refusal;

#[derive(Template)]
#[template(path = "pages/explain.html")]
struct ExplainPage {
    frame: Frame,
    story: Story,
    /// Whether the stored bytes may be taken along.
    gives_bytes: bool,
}

/// What is told of whatever the id is of; what it has none of is empty.
#[derive(Default)]
struct Story {
    /// What it is: `Movement`, `Event` and so on.
    what: &'static str,
    id: String,
    customer: Option<String>,
    settled: Option<Settled>,
    /// The movement that it is about.
    movement: Option<MovementTold>,
    /// The delivery that it is about.
    event: Option<EventTold>,
    outcome: Option<String>,
    remedy: Option<&'static str>,
    told: Vec<Told>,
    levels: Vec<LevelTold>,
    movements: Vec<MovementTold>,
    months: Vec<MonthTold>,
    lessons: Vec<Lesson>,
    /// The customers that it concerns.
    concerned: Vec<String>,
}

impl ExplainPage {
    fn major(&self, minor_units: &str, currency: &str) -> String {
        major(minor_units, currency)
    }

    /// The way to the bytes of a delivery.
    fn to_bytes(&self, event: &str) -> String {
        self.frame.to(&format!("/explain/{}/bytes", encoded(event)))
    }

    /// The sides of a movement, by name.
    fn sides<'s>(
        &self,
        of: &'s MovementTold,
    ) -> impl Iterator<Item = (&'static str, &'s SideTold)> + use<'s> {
        [("Before", &of.before), ("After", &of.after)]
            .into_iter()
            .filter_map(|(name, side)| Some((name, side.as_ref()?)))
    }
}

/// The page.
pub(super) async fn show(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = named(path)?;
    let mut asked = Asked::among(&uri, &["book", "month"].map(str::to_owned))?;
    let month = asked.month("month")?;
    let book = asked.text("book");
    let (frame, settings) = rooms.open(book.as_deref(), &visitor, Tab::Elsewhere, id.as_str()).await?;
    let explained = rooms.explainer.explain(&settings.book, &id, month).await;
    let explained = explained.map_err(|error| refusal::of_explaining(&error))?;
    page(&ExplainPage { frame, story: Story::of(explained), gives_bytes: rooms.gives_bytes })
}

/// The bytes of a delivery as they are stored, as a file whose digest is the one that is shown. Nothing of them is
/// logged, kept by the browser or shown by it.
pub(super) async fn bytes(
    State(rooms): State<Dashboard>,
    visitor: Extension<Visitor>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = named(path)?;
    let book = Asked::among(&uri, &["book".to_owned()])?.text("book");
    if !rooms.gives_bytes {
        let how = "stored bytes are not given out here; `upswell explain EVENT --bytes` writes them on the machine itself, \
                   and UPSWELL_EVIDENCE=bytes lets the dashboard";
        return Err(refusal::NO_BYTES.problem(how));
    }
    let (_, settings) = rooms.open(book.as_deref(), &visitor, Tab::Elsewhere, id.as_str()).await?;
    let stored = rooms.ledger.stored_event(&id, Some(&settings.book)).await;
    let stored = stored.map_err(|error| refusal::unavailable(&error))?;
    let unknown = || refusal::UNKNOWN_ID.problem("nothing is stored under this id in this book");
    let stored = stored.ok_or_else(unknown)?;
    // Ids are other people's words.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let name: String = id.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.json\"")),
    ];
    Ok((headers, stored.body).into_response())
}

impl Story {
    fn of(explained: Explained) -> Self {
        match explained {
            Explained::Customer(of) => Self::of_customer(*of),
            Explained::Event(of) => Self::of_event(*of),
            Explained::Movement(of) => Self::of_movement(*of),
            Explained::Catalogue(of) => Self::of_catalogue(of),
        }
    }

    fn of_customer(of: CustomerExplained) -> Self {
        Self {
            what: if of.subscription.is_some() { "Subscription" } else { "Customer" },
            id: of.subscription.unwrap_or_else(|| of.customer.clone()),
            customer: Some(of.customer),
            settled: Some(of.settled),
            told: of.told,
            levels: of.levels,
            movements: of.movements,
            months: of.months,
            ..Self::default()
        }
    }

    fn of_event(of: EventExplained) -> Self {
        let path = of.path.map(|path| format!(" at {path}")).unwrap_or_default();
        let reason = of.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        Self {
            what: "Event",
            id: of.event.id.clone(),
            event: Some(of.event),
            outcome: Some(format!("{}{path}{reason}", of.outcome)),
            remedy: of.remedy,
            told: of.told,
            movements: of.movements,
            lessons: of.teaches,
            concerned: of.derived,
            ..Self::default()
        }
    }

    fn of_movement(of: MovementExplained) -> Self {
        Self {
            what: "Movement",
            id: of.movement.id.clone(),
            customer: Some(of.customer),
            settled: Some(of.settled),
            movement: Some(of.movement),
            told: of.told,
            ..Self::default()
        }
    }

    fn of_catalogue(of: CatalogueExplained) -> Self {
        Self {
            what: "In the catalogue",
            id: of.id,
            lessons: of.known,
            concerned: of.asked_by,
            ..Self::default()
        }
    }
}
