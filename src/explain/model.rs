//! An explanation as data. Money is text in minor units; instants are RFC 3339 in UTC.

use serde::Serialize;
use utoipa::ToSchema;

/// What an id turned out to be, explained.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Explained {
    /// A customer, or one subscription of it.
    Customer(Box<CustomerExplained>),
    /// A stored delivery.
    Event(Box<EventExplained>),
    /// A movement.
    Movement(Box<MovementExplained>),
    /// A price, a product or a coupon.
    Catalogue(CatalogueExplained),
}

/// A customer, from its facts to the cells of its months.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustomerExplained {
    /// Its book.
    pub book: String,
    /// The customer.
    pub customer: String,
    /// Only this subscription, where one was asked for.
    #[schema(required)]
    pub subscription: Option<String>,
    /// Only this month, where one was asked for.
    #[schema(required)]
    pub month: Option<String>,
    /// By what it was settled.
    pub settled: Settled,
    /// What was told, and what came about without a word, in the order it took effect.
    pub told: Vec<Told>,
    /// Each item's level through time.
    pub levels: Vec<LevelTold>,
    /// Its standing movements.
    pub movements: Vec<MovementTold>,
    /// Its months as they are netted.
    pub months: Vec<MonthTold>,
}

/// A stored delivery: what it said and what it came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventExplained {
    /// Its book.
    pub book: String,
    /// The delivery.
    pub event: EventTold,
    /// `settled`, `ignored`, `parked` or `pending`.
    pub outcome: &'static str,
    /// Why it is ignored or parked.
    #[schema(required)]
    pub reason: Option<String>,
    /// The JSON path that does not fit.
    #[schema(required)]
    pub path: Option<String>,
    /// What to do about it.
    #[schema(required)]
    pub remedy: Option<&'static str>,
    /// What it said.
    pub told: Vec<Told>,
    /// What its book learnt from it.
    pub teaches: Vec<Lesson>,
    /// The customers that it made be derived.
    pub derived: Vec<String>,
    /// The standing movements that it proves.
    pub movements: Vec<MovementTold>,
}

/// A movement, its two sides valued.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MovementExplained {
    /// Its book.
    pub book: String,
    /// Its customer.
    pub customer: String,
    /// By what the customer was settled.
    pub settled: Settled,
    /// The movement.
    pub movement: MovementTold,
    /// What its evidence said.
    pub told: Vec<Told>,
}

/// What is known of a price, a product or a coupon.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CatalogueExplained {
    /// The book.
    pub book: String,
    /// The id.
    pub id: String,
    /// What was learnt, in the order of learning.
    pub known: Vec<Lesson>,
    /// The customers whose facts refer to it.
    pub asked_by: Vec<String>,
}

/// By what a customer was settled.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Settled {
    /// The version.
    pub engine: String,
    /// The digest of policy and catalogue.
    pub policy: String,
    /// The reporting time zone.
    pub timezone: String,
    /// When.
    pub settled_at: String,
    /// The number of the last lesson of the catalogue that counted.
    pub catalogue_seq: i64,
}

/// A stored delivery, without what it said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventTold {
    /// The event.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The API version that rendered it.
    #[schema(required)]
    pub api_version: Option<String>,
    /// When it was made.
    pub created: String,
    /// How many bytes are stored.
    pub bytes: usize,
    /// Their digest.
    pub sha256: String,
    /// When it was signed; null of a backfill.
    #[schema(required)]
    pub signed_at: Option<String>,
    /// The file and line of a backfill.
    #[schema(required)]
    pub place: Option<String>,
    /// When it came.
    pub received_at: String,
}

/// What was told at an instant, or came about without a word.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Told {
    /// When it took effect.
    pub at: String,
    /// The delivery; null where nothing was told.
    #[schema(required)]
    pub event: Option<EventTold>,
    /// What it says, in words.
    pub says: String,
    /// What the subscriptions that it is about are worth from then on.
    pub worth: Vec<Worth>,
    #[serde(skip)]
    pub(super) order: (i64, i64),
}

/// A subscription at an instant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Worth {
    /// When.
    pub at: String,
    /// The subscription.
    pub subscription: String,
    /// What it counts for: `levels`, `paused` or `zero`.
    pub counts: &'static str,
    /// Why, with the rule.
    pub why: String,
    /// Its items.
    pub lines: Vec<LineWorth>,
}

/// One item at an instant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineWorth {
    /// The item.
    pub item: String,
    /// Its product.
    pub product: String,
    /// Its price.
    pub price: String,
    /// Its currency.
    pub currency: String,
    /// Its quantity.
    pub quantity: String,
    /// Whether its level comes from invoices.
    pub is_metered: bool,
    /// The arithmetic.
    pub steps: Vec<Step>,
    /// Discounts that take nothing off it.
    pub set_aside: Vec<DiscountAside>,
    /// What was learnt of the parts that the payload leaves out.
    pub learnt: Vec<Taught>,
    /// What it is worth a month; null where something is missing.
    #[schema(required)]
    pub level: Option<String>,
    /// What is missing (R4).
    #[schema(required)]
    pub missing: Option<String>,
    /// The level that the ledger holds from then on; null where the subscription counts for nothing.
    #[schema(required)]
    pub stands: Option<String>,
}

/// One step of the arithmetic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// The rule.
    pub rule: &'static str,
    /// What is done: `quantity`, `packages`, `units`, `band`, `period`, `discount`, `tax`, `usage`, `mean`,
    /// `month`, `round`.
    pub step: &'static str,
    /// Written-out arithmetic.
    pub arithmetic: String,
    /// What it comes to.
    pub result: String,
    /// What it is about.
    #[schema(required)]
    pub note: Option<String>,
}

/// A discount that takes nothing off.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DiscountAside {
    /// The discount, or its coupon.
    pub discount: String,
    /// Whose it is: `item`, `subscription` or `customer`.
    pub of: &'static str,
    /// Why, with the rule.
    pub why: String,
}

/// Where a part that a payload leaves out was learnt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Taught {
    /// What it is about.
    pub about: String,
    /// Since when it holds.
    pub since: String,
    /// The event, or the listed object.
    pub event: String,
    /// The digest of the bytes.
    pub sha256: String,
}

/// Something that the catalogue holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Lesson {
    /// Its number, in the order of learning; null of one that is not settled.
    #[schema(required)]
    pub seq: Option<i64>,
    /// `price`, `product`, `coupon` or `items`.
    pub kind: &'static str,
    /// The id.
    pub id: String,
    /// Since when it holds.
    pub since: String,
    /// What it says, in words.
    pub says: String,
    /// `event` or `listing`.
    pub grade: &'static str,
    /// The event, or the listed object.
    pub event: String,
    /// The digest of the bytes.
    pub sha256: String,
}

/// One item's level over one stretch of time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LevelTold {
    /// The subscription.
    pub subscription: String,
    /// The item.
    pub item: String,
    /// Its price.
    pub price: String,
    /// Its currency.
    pub currency: String,
    /// Its quantity.
    pub quantity: u64,
    /// The level.
    pub mrr: String,
    /// Since when.
    pub from: String,
    /// Until when, exclusive; null while it lasts.
    #[schema(required)]
    pub until: Option<String>,
    /// The event, or the rule, that made it so.
    pub because: String,
}

/// A movement with its sides, its posting and its cell.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MovementTold {
    /// Its name.
    pub id: String,
    /// What happened to the customer.
    pub class: &'static str,
    /// What happened to the item.
    pub kind: &'static str,
    /// Why.
    pub cause: &'static str,
    /// Who moved.
    pub motion: &'static str,
    /// The rules that decide it.
    pub rules: Vec<&'static str>,
    /// Which step of the decomposition it is (R17); null of a movement that is none.
    #[schema(required)]
    pub part: Option<&'static str>,
    /// The subscription.
    pub subscription: String,
    /// The item.
    pub item: String,
    /// Its currency.
    pub currency: String,
    /// When it took effect.
    pub effective_at: String,
    /// The item before.
    #[schema(required)]
    pub before: Option<SideTold>,
    /// The item after.
    #[schema(required)]
    pub after: Option<SideTold>,
    /// The amount.
    pub delta: String,
    /// The customer's MRR before it.
    pub customer_mrr_before: String,
    /// The customer's MRR after it.
    pub customer_mrr_after: String,
    /// How good the evidence is.
    pub grade: &'static str,
    /// The event.
    pub event: String,
    /// The digest of its bytes.
    pub sha256: String,
    /// The posting.
    pub posting: PostingTold,
    /// The cell of the report that it lands in.
    pub cell: CellTold,
}

/// One side of a movement.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SideTold {
    /// Its product.
    pub product: String,
    /// Its price.
    pub price: String,
    /// Its quantity.
    pub quantity: u64,
    /// Its level.
    pub mrr: String,
    /// How it is valued: `state`, as a state was; `between`, between two states (R17); `held`, the last known
    /// level (R4).
    pub valued: &'static str,
    /// The arithmetic; none of a level that is held.
    pub steps: Vec<Step>,
}

/// A movement as it stands in the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostingTold {
    /// Its place.
    pub seq: i64,
    /// When it was posted.
    pub recorded_at: String,
    /// The month it belongs to.
    pub month: String,
    /// The month it was posted in.
    pub posted_in: String,
    /// The movement that it corrects.
    #[schema(required)]
    pub adjusts: Option<String>,
    /// The place of the posting that takes it back.
    #[schema(required)]
    pub reversed_by: Option<i64>,
    /// The version that derived it.
    pub engine: String,
    /// The digest of the policy it was derived by.
    pub policy: String,
}

/// The cell of the roll-forward that a movement lands in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CellTold {
    /// The month.
    pub month: String,
    /// The lane; null where netting leaves nothing of it.
    #[schema(required)]
    pub lane: Option<&'static str>,
    /// The kind, in expansion and contraction.
    #[schema(required)]
    pub kind: Option<&'static str>,
    /// What the customer has in that cell, netted.
    pub netted: String,
    /// Why.
    pub why: &'static str,
    /// The month whose report shows it as a prior-period adjustment, its own being closed (R24).
    #[schema(required)]
    pub prior_period_of: Option<String>,
}

/// A customer's month as it is restated, netted (R26).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MonthTold {
    /// The month.
    pub month: String,
    /// `came`, `went`, `stayed` or `absent`.
    pub customer: &'static str,
    /// Its currencies.
    pub currencies: Vec<CurrencyTold>,
}

/// One currency of a customer's month.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CurrencyTold {
    /// The currency.
    pub currency: String,
    /// MRR at the month's start.
    pub starting_mrr: String,
    /// What is treated as if it had stood there.
    pub brought: String,
    /// The lanes between.
    pub cells: Vec<NetCell>,
    /// MRR at the month's end.
    pub ending_mrr: String,
}

/// One lane of a customer's month, for one price.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NetCell {
    /// The lane.
    pub lane: &'static str,
    /// The kind, in expansion and contraction.
    #[schema(required)]
    pub kind: Option<&'static str>,
    /// The product.
    pub product: String,
    /// The price.
    pub price: String,
    /// The amount.
    pub delta: String,
}
