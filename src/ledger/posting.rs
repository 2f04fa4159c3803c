//! Postings: movements as they stand in the ledger (R23), which are only ever added.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use sha2::{Digest, Sha256};

use super::mirror::{self, read, write};
use super::sql::{KEYS_A_STATEMENT, Table, all, statement, with_customers};
use super::{CustomerKey, LedgerError};
use crate::mrr::{
    Cause, Class, CustomerId, Delta, Evidence, Instant, Kind, Month, Motion, Movement, Mrr, PriceId,
    ProductId, Side,
};

/// A posting as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Its place in the ledger.
    pub seq: i64,
    /// The movement's name: the same movement has the same one by whatever road it came.
    pub id: String,
    /// Its book.
    pub book: String,
    /// Its customer.
    pub customer: CustomerId,
    /// The movement; of a reversal, what it takes back, with the signs turned.
    pub movement: Movement,
    /// The month it took effect in.
    pub month: Month,
    /// When it was posted.
    pub recorded_at: i64,
    /// The month whose books it was posted in.
    pub posted_in: Month,
    /// The name of the posting that it takes back.
    pub adjusts: Option<String>,
    /// The place of the posting that it takes back.
    pub reverses: Option<i64>,
    /// The version that derived it.
    pub engine: String,
    /// The digest of the policy it was derived by.
    pub policy: String,
}

pub(super) const COLUMNS: [&str; 34] = [
    "id",
    "book",
    "customer",
    "subscription",
    "item",
    "product_before",
    "product_after",
    "price_before",
    "price_after",
    "quantity_before",
    "quantity_after",
    "item_mrr_before",
    "item_mrr_after",
    "currency",
    "class",
    "kind",
    "cause",
    "motion",
    "is_metered",
    "delta",
    "customer_mrr_before",
    "customer_mrr_after",
    "bridge",
    "effective_at",
    "month",
    "recorded_at",
    "posted_in",
    "grade",
    "event",
    "sha256",
    "engine",
    "policy",
    "reverses",
    "adjusts",
];

/// The table as postings are added to it.
pub(super) const POSTING: Table = Table { name: "posting", columns: &COLUMNS, tail: "" };

/// Who posts, when, into which month's books.
#[derive(Clone, Copy)]
pub(super) struct Entry<'e> {
    pub(super) key: &'e CustomerKey,
    pub(super) month: Month,
    pub(super) posted_in: Month,
    pub(super) recorded_at: i64,
    pub(super) engine: &'e str,
    pub(super) policy: &'e str,
    /// The posting that it takes back, and its name.
    pub(super) reverses: Option<(i64, &'e str)>,
}

#[derive(FromQueryResult)]
pub(super) struct PostingRow {
    seq: i64,
    id: String,
    book: String,
    customer: String,
    subscription: String,
    item: String,
    product_before: Option<String>,
    product_after: Option<String>,
    price_before: Option<String>,
    price_after: Option<String>,
    quantity_before: Option<i64>,
    quantity_after: Option<i64>,
    item_mrr_before: Option<i64>,
    item_mrr_after: Option<i64>,
    currency: String,
    class: String,
    kind: String,
    cause: String,
    motion: String,
    is_metered: i64,
    delta: i64,
    customer_mrr_before: i64,
    customer_mrr_after: i64,
    bridge: Option<String>,
    effective_at: i64,
    month: String,
    recorded_at: i64,
    posted_in: String,
    grade: String,
    event: String,
    sha256: String,
    engine: String,
    policy: String,
    reverses: Option<i64>,
    adjusts: Option<String>,
}

/// The name of a movement, `mv_` and 16 hex digits over all that it says and the event that proves it:
/// the same facts give the same movements by whatever road they came. The bytes' digest is left out,
/// for one event may be stored as a webhook or as an export renders it.
///
/// # Errors
///
/// [`LedgerError`] of a bridge that can't be written.
pub fn movement_id(key: &CustomerKey, movement: &Movement) -> Result<String, LedgerError> {
    let digest = Sha256::digest(movement_text(key, movement)?);
    Ok(format!("mv_{}", hex::encode(&digest[..8])))
}

/// All that a movement says and the event that proves it, as one text.
pub(super) fn movement_text(key: &CustomerKey, movement: &Movement) -> Result<String, LedgerError> {
    let side = |side: &Option<Side>| match side {
        Some(side) => {
            format!("{}\u{1f}{}\u{1f}{}\u{1f}{}", side.product, side.price, side.quantity, side.mrr)
        }
        None => String::new(),
    };
    let parts = [
        key.book.clone(),
        key.customer.to_string(),
        movement.effective_at.0.to_string(),
        movement.class.as_str().to_owned(),
        movement.kind.as_str().to_owned(),
        movement.cause.as_str().to_owned(),
        movement.motion.as_str().to_owned(),
        movement.subscription.to_string(),
        movement.item.to_string(),
        movement.currency.to_string(),
        movement.is_metered.to_string(),
        side(&movement.before),
        side(&movement.after),
        movement.delta.to_string(),
        movement.customer_mrr_before.to_string(),
        movement.customer_mrr_after.to_string(),
        bridge(movement)?.unwrap_or_default(),
        movement.evidence.event.to_string(),
    ];
    Ok(parts.join("\u{1e}"))
}

/// A posting stands that takes nothing back and was not taken back.
pub(super) const STANDS: &str =
    "p.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses = p.seq)";

/// What stands of customers' movements, of each after an instant: of all time if there is none.
pub(super) async fn standing<C: ConnectionTrait>(
    db: &C,
    book: &str,
    of: &[(&CustomerId, Option<Instant>)],
) -> Result<BTreeMap<CustomerId, Vec<Posting>>, LedgerError> {
    let mut standing: BTreeMap<CustomerId, Vec<Posting>> = BTreeMap::new();
    for chunk in of.chunks(KEYS_A_STATEMENT) {
        let columns = COLUMNS.map(|column| format!("p.{column}")).join(", ");
        let sql = format!(
            "{} SELECT p.seq, {columns} FROM k CROSS JOIN posting p WHERE p.book = ? AND p.customer = k.customer \
             AND p.effective_at > k.since AND {STANDS} ORDER BY p.seq",
            with_customers(chunk.len(), "since")
        );
        let since = |since: Option<Instant>| since.map_or(i64::MIN, |since| since.0);
        let keys = chunk.iter().flat_map(|(name, at)| [name.to_string().into(), since(*at).into()]);
        let values = keys.chain([book.into()]).collect();
        let rows: Vec<PostingRow> = all(db, "read postings", statement(sql, values)).await?;
        for row in rows {
            let posting = row.restore()?;
            standing.entry(posting.customer.clone()).or_default().push(posting);
        }
    }
    Ok(standing)
}

/// The values of a new row, in the order of [`POSTING`]'s columns.
pub(super) fn values(entry: Entry<'_>, id: &str, movement: &Movement) -> Result<Vec<Value>, LedgerError> {
    let fits = |what: &'static str, value: i128| {
        let customer = entry.key.customer.clone();
        i64::try_from(value).map_err(|_| LedgerError::DoesNotFit { what, value, customer })
    };
    let level = |side: &Option<Side>| side.as_ref().map(|side| fits("a level", side.mrr.0)).transpose();
    let quantity =
        |side: &Option<Side>| side.as_ref().map(|side| fits("a quantity", side.quantity.into())).transpose();
    let product = |side: &Option<Side>| side.as_ref().map(|side| side.product.to_string());
    let price = |side: &Option<Side>| side.as_ref().map(|side| side.price.to_string());
    let (before, after) = (&movement.before, &movement.after);
    Ok(vec![
        id.into(),
        entry.key.book.clone().into(),
        entry.key.customer.to_string().into(),
        movement.subscription.to_string().into(),
        movement.item.to_string().into(),
        product(before).into(),
        product(after).into(),
        price(before).into(),
        price(after).into(),
        quantity(before)?.into(),
        quantity(after)?.into(),
        level(before)?.into(),
        level(after)?.into(),
        movement.currency.to_string().into(),
        movement.class.as_str().into(),
        movement.kind.as_str().into(),
        movement.cause.as_str().into(),
        movement.motion.as_str().into(),
        i64::from(movement.is_metered).into(),
        fits("a movement", movement.delta.0)?.into(),
        fits("a customer's MRR", movement.customer_mrr_before.0)?.into(),
        fits("a customer's MRR", movement.customer_mrr_after.0)?.into(),
        bridge(movement)?.into(),
        movement.effective_at.0.into(),
        entry.month.to_string().into(),
        entry.recorded_at.into(),
        entry.posted_in.to_string().into(),
        mirror::word_of(movement.evidence.grade).into(),
        movement.evidence.event.to_string().into(),
        movement.evidence.sha256.to_string().into(),
        entry.engine.into(),
        entry.policy.into(),
        entry.reverses.map(|(seq, _)| seq).into(),
        entry.reverses.map(|(_, id)| id.to_owned()).into(),
    ])
}

/// What takes a movement back: the same with its sides and signs turned.
pub(super) fn reversal(movement: &Movement) -> Movement {
    Movement {
        before: movement.after.clone(),
        after: movement.before.clone(),
        delta: -movement.delta,
        customer_mrr_before: movement.customer_mrr_after,
        customer_mrr_after: movement.customer_mrr_before,
        bridge: None,
        ..movement.clone()
    }
}

fn bridge(movement: &Movement) -> Result<Option<String>, LedgerError> {
    movement.bridge.as_ref().map(write::<mirror::Bridge, _>).transpose()
}

impl PostingRow {
    pub(super) fn restore(self) -> Result<Posting, LedgerError> {
        let grade = mirror::grade(&self.grade).ok_or_else(|| unknown("grade", &self.grade))?;
        let bridge =
            self.bridge.as_deref().map(|json| read::<mirror::Bridge, _>("a bridge", json)).transpose()?;
        let movement = Movement {
            effective_at: Instant(self.effective_at),
            class: Class::parse(&self.class).ok_or_else(|| unknown("class", &self.class))?,
            kind: Kind::parse(&self.kind).ok_or_else(|| unknown("kind", &self.kind))?,
            cause: Cause::parse(&self.cause).ok_or_else(|| unknown("cause", &self.cause))?,
            motion: Motion::parse(&self.motion).ok_or_else(|| unknown("motion", &self.motion))?,
            subscription: self.subscription.into(),
            item: self.item.into(),
            currency: self.currency.into(),
            is_metered: self.is_metered != 0,
            before: side(self.product_before, self.price_before, self.quantity_before, self.item_mrr_before),
            after: side(self.product_after, self.price_after, self.quantity_after, self.item_mrr_after),
            delta: Delta(self.delta.into()),
            customer_mrr_before: Mrr(self.customer_mrr_before.into()),
            customer_mrr_after: Mrr(self.customer_mrr_after.into()),
            bridge,
            evidence: Evidence { grade, event: self.event.into(), sha256: self.sha256.into() },
        };
        Ok(Posting {
            seq: self.seq,
            id: self.id,
            book: self.book,
            customer: self.customer.into(),
            movement,
            month: Month::parse(&self.month).ok_or_else(|| unknown("month", &self.month))?,
            recorded_at: self.recorded_at,
            posted_in: Month::parse(&self.posted_in).ok_or_else(|| unknown("month", &self.posted_in))?,
            adjusts: self.adjusts,
            reverses: self.reverses,
            engine: self.engine,
            policy: self.policy,
        })
    }
}

fn side(
    product: Option<String>,
    price: Option<String>,
    quantity: Option<i64>,
    mrr: Option<i64>,
) -> Option<Side> {
    Some(Side {
        product: ProductId::from(product?),
        price: PriceId::from(price?),
        quantity: u64::try_from(quantity?).ok()?,
        mrr: Mrr(mrr?.into()),
    })
}

fn unknown(what: &'static str, word: &str) -> LedgerError {
    LedgerError::UnknownWord { what, word: word.to_owned() }
}
