//! `movements`: the ledger's movements, as `upswell movements` gives them.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::lists::{Part, not_a_cursor, page};
use super::words::{CauseWord, ClassWord, ClassesWord, GradeWord, KindWord, KindsWord, MotionWord};
use super::{Figures, answer, refusal};
use crate::http::{Limits, Problem};
use crate::ledger::Wanted;
use crate::report::movements_ndjson;

/// The filters, as the command's flags, and which part of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `wanted` reads")]
struct Filters {
    /// The book, where there are several.
    #[param(example = "live")]
    book: Option<String>,
    /// Only of this month.
    #[param(example = "2026-10", pattern = r"^\d{4}-\d{2}$")]
    month: Option<String>,
    /// Only of this customer.
    #[param(example = "cus_1")]
    customer: Option<String>,
    /// Only of this class, or of the classes that this word puts together.
    #[param(value_type = Option<ClassesWord>, inline)]
    class: Option<String>,
    /// Only of this kind, or of the kinds that this word puts together.
    #[param(value_type = Option<KindsWord>, inline)]
    kind: Option<String>,
    /// Only of this cause.
    #[param(value_type = Option<CauseWord>, inline)]
    cause: Option<String>,
    /// Only moved so.
    #[param(value_type = Option<MotionWord>, inline)]
    motion: Option<String>,
    /// Only of this product: the item's after it, or before it where nothing is left.
    #[param(example = "prod_1")]
    product: Option<String>,
    /// Only of this price, likewise.
    #[param(example = "price_1")]
    price: Option<String>,
    /// Only in this currency.
    #[param(example = "usd")]
    currency: Option<String>,
    /// Only those that rest on evidence of this grade.
    #[param(value_type = Option<GradeWord>, inline)]
    grade: Option<String>,
    /// Only of customers who were new in that month; goes with `month`.
    #[param(value_type = Option<bool>, example = false)]
    new_customers: bool,
    /// Only those after this place in the ledger.
    #[param(minimum = 0)]
    since_seq: Option<i64>,
    /// Adjustments and reversals as well.
    #[param(value_type = Option<bool>, example = false)]
    all: bool,
    /// How many at most; where UPSWELL_MAX_PAGE_ROWS is less than 1,000, up to that.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// The `next` of the part before.
    after: Option<String>,
}

/// A movement as it stands in the ledger.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what the report room writes")]
struct Movement {
    /// Its place in the ledger.
    seq: i64,
    /// Its name: the same movement has the same one by whatever road it came.
    #[schema(example = "mv_0123456789abcdef")]
    id: String,
    /// Its book.
    book: String,
    #[schema(inline)]
    class: ClassWord,
    #[schema(inline)]
    kind: KindWord,
    #[schema(inline)]
    cause: CauseWord,
    #[schema(inline)]
    motion: MotionWord,
    /// Its customer.
    customer: String,
    /// Its subscription.
    subscription: String,
    /// Its item.
    item: String,
    /// The product of the item after it, or before it where nothing is left.
    #[schema(required)]
    product: Option<String>,
    /// The price, likewise.
    #[schema(required)]
    price: Option<String>,
    /// Its currency.
    currency: String,
    /// The amount, in minor units.
    #[schema(example = "4000")]
    delta: String,
    /// The customer's MRR before it.
    customer_mrr_before: String,
    /// The customer's MRR after it.
    customer_mrr_after: String,
    /// The item's quantity before.
    #[schema(required)]
    quantity_before: Option<String>,
    /// The item's quantity after.
    #[schema(required)]
    quantity_after: Option<String>,
    /// The item's price before.
    #[schema(required)]
    price_before: Option<String>,
    /// When it took effect.
    #[schema(format = DateTime)]
    effective_at: String,
    /// The month it belongs to.
    month: String,
    /// When it was posted.
    #[schema(format = DateTime)]
    recorded_at: String,
    /// The month whose books it is in.
    posted_in: String,
    evidence: Evidence,
    /// The movement that it corrects.
    #[schema(required)]
    adjusts: Option<String>,
}

/// What proves a movement.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what the report room writes")]
struct Evidence {
    #[schema(inline)]
    grade: GradeWord,
    /// The event, or the listed object or row.
    event: String,
    /// The digest of its stored bytes.
    sha256: String,
}

/// Some of the movements.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what a page is written as")]
pub(super) struct Movements {
    /// The movements, in the ledger's order.
    data: Vec<Movement>,
    /// What `after` is for those that follow; null where none do.
    #[schema(required)]
    next: Option<String>,
}

/// The ledger's standing movements, or all: what `upswell movements --format ndjson` gives a line for.
#[utoipa::path(
    get,
    path = "/api/v1/movements",
    operation_id = "movements",
    tag = "figures",
    params(Filters),
    responses((status = 200, description = "Some of the movements.", body = Movements), refusal::OfLists)
)]
pub(super) async fn list(
    State(figures): State<Figures>,
    Extension(limits): Extension<Limits>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut asked = Asked::of::<Filters>(&uri)?;
    let Part { limit, after } = Part::read(&mut asked, limits.page_rows)?;
    let after: Option<i64> = after.map(|cursor| cursor.parse().map_err(|_| not_a_cursor())).transpose()?;
    let settings = figures.reporter.settings(asked.text("book").as_deref()).await;
    let settings = settings.map_err(|error| refusal::of_asking(&error))?;
    let wanted = Wanted {
        since_seq: asked.number("since_seq", 0)?.max(after),
        all: asked.flag("all")?,
        // One more than wanted tells whether there are more.
        limit: Some(limit + 1),
        ..asked.movements()?.wanted(&settings.book)
    };
    let rows = figures.reporter.movements(&wanted).await;
    let mut rows = rows.map_err(|error| refusal::of_asking(&error))?;
    let are_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| are_more).map(|row| row.seq.to_string());
    Ok(answer::json(&headers, page(movements_ndjson(&rows), next)?))
}
