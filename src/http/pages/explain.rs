//! Where a figure comes from, down to the digest of the stored bytes: `upswell explain` as a page.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;

use super::frame::{Frame, Tab};
use super::shown::major;
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
    page(&ExplainPage { frame, story: Story::of(explained) })
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
