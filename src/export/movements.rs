//! Movements as a table of a warehouse.

use std::io::Write;

use super::ExportError;
use super::column::{Column, Holds};
use super::parquet::{Origin, Table, Value};
use crate::mrr::{Side, minor_decimals};
use crate::report::MovementRow;

/// The columns of `movements.parquet`.
pub const MOVEMENTS: &[Column] = &[
    Column::always("seq", Holds::Number, "Its place in the ledger; grows, and is never used twice."),
    Column::always(
        "id",
        Holds::Text,
        "Its name: the same movement has the same one by whatever road it came.",
    ),
    Column::always("book", Holds::Text, "Its book: live, test, or a connected account's."),
    Column::always(
        "class",
        Holds::Text,
        "What became of the customer: new, reactivation, expansion, contraction, switch, churn, pause, resume, transfer, opening (R15).",
    ),
    Column::always(
        "kind",
        Holds::Text,
        "By what: upsell, cross_sell, seat, usage, price, discount, term, downgrade, product_removed, or the class (R16).",
    ),
    Column::always(
        "cause",
        Holds::Text,
        "What brought it about: quantity, tier, add_on, discount_ended and so on (R17).",
    ),
    Column::always("motion", Holds::Text, "Who moved it: deliberate, organic or unknown (R20)."),
    Column::always("customer", Holds::Text, "Its customer, by Stripe's id."),
    Column::always("subscription", Holds::Text, "Its subscription."),
    Column::always("item", Holds::Text, "Its subscription item."),
    Column::maybe("product", Holds::Text, "The item's product after it, or before it where nothing is left."),
    Column::maybe("price", Holds::Text, "The price, likewise."),
    Column::always(
        "currency",
        Holds::Text,
        "Its currency, three small letters; amounts are never converted (R9).",
    ),
    Column::always(
        "minor_per_major",
        Holds::Number,
        "Minor units in a major one of that currency: delta / minor_per_major is in dollars, euros, yen.",
    ),
    Column::always(
        "delta",
        Holds::Amount,
        "How much MRR moved, in minor units, exact to the millionth. Never zero.",
    ),
    Column::always(
        "customer_mrr_before",
        Holds::Amount,
        "The customer's MRR in this currency before it, in minor units.",
    ),
    Column::always(
        "customer_mrr_after",
        Holds::Amount,
        "The customer's MRR in this currency after it, in minor units.",
    ),
    Column::maybe("item_mrr_before", Holds::Amount, "The item's MRR before it; null where the item begins."),
    Column::maybe("item_mrr_after", Holds::Amount, "The item's MRR after it; null where the item ends."),
    Column::maybe("quantity_before", Holds::Number, "The item's quantity before it."),
    Column::maybe("quantity_after", Holds::Number, "The item's quantity after it."),
    Column::maybe("price_before", Holds::Text, "The item's price before it."),
    Column::always("is_metered", Holds::Flag, "Whether the item is billed by usage."),
    Column::always("effective_at", Holds::Instant, "When it took effect (R14)."),
    Column::always(
        "month",
        Holds::Day,
        "The first day of the month that it belongs to, in the reporting time zone.",
    ),
    Column::always("recorded_at", Holds::Instant, "When it was posted."),
    Column::always(
        "posted_in",
        Holds::Day,
        "The first day of the month whose books it is in: another one if its own was closed (R24).",
    ),
    Column::always(
        "grade",
        Holds::Text,
        "What proves it: event, previous_attributes, invoice_line, sigma, listing or csv.",
    ),
    Column::always("event", Holds::Text, "The event, or the listed object or row."),
    Column::always("sha256", Holds::Text, "The digest of its stored bytes."),
    Column::maybe("adjusts", Holds::Text, "The id of the movement that it takes back; only with --all."),
];

/// `movements.parquet`, while it is written.
pub struct MovementsFile<W: Write + Send> {
    table: Table<W>,
}

impl<W: Write + Send> MovementsFile<W> {
    /// Begins it.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn begin(to: W, origin: &Origin) -> Result<Self, ExportError> {
        Ok(Self { table: Table::begin(to, "movements", MOVEMENTS, origin)? })
    }

    /// Adds movements.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn push(&mut self, rows: &[MovementRow]) -> Result<(), ExportError> {
        for row in rows {
            self.table.push(values(row))?;
        }
        Ok(())
    }

    /// Ends it: what it was written to, and how many rows it has.
    ///
    /// # Errors
    ///
    /// [`ExportError::Parquet`].
    pub fn finish(self) -> Result<(W, u64), ExportError> {
        Ok(self.table.finish()?)
    }
}

/// Minor units in a major one of a currency.
pub(super) fn minor_per_major(currency: &crate::mrr::Currency) -> i64 {
    10_i64.pow(minor_decimals(currency))
}

fn values(row: &MovementRow) -> [Value<'_>; 31] {
    let movement = &row.movement;
    let (before, after) = (movement.before.as_ref(), movement.after.as_ref());
    let face = movement.face();
    let mrr = |side: Option<&Side>| side.map_or(Value::Nothing, |side| Value::Amount(side.mrr.0));
    let quantity = |side: Option<&Side>| Value::from(side.and_then(|side| i64::try_from(side.quantity).ok()));
    let evidence = &movement.evidence;
    [
        row.seq.into(),
        row.id.as_str().into(),
        row.book.as_str().into(),
        movement.class.as_str().into(),
        movement.kind.as_str().into(),
        movement.cause.as_str().into(),
        movement.motion.as_str().into(),
        row.customer.as_str().into(),
        movement.subscription.as_str().into(),
        movement.item.as_str().into(),
        face.map(|side| side.product.as_str()).into(),
        face.map(|side| side.price.as_str()).into(),
        movement.currency.as_str().into(),
        minor_per_major(&movement.currency).into(),
        Value::Amount(movement.delta.0),
        Value::Amount(movement.customer_mrr_before.0),
        Value::Amount(movement.customer_mrr_after.0),
        mrr(before),
        mrr(after),
        quantity(before),
        quantity(after),
        before.map(|side| side.price.as_str()).into(),
        Value::Flag(movement.is_metered),
        Value::Instant(movement.effective_at.0),
        Value::Month(row.month),
        Value::Instant(row.recorded_at.0),
        Value::Month(row.posted_in),
        evidence.grade.as_str().into(),
        Value::Text(&evidence.event),
        Value::Text(&evidence.sha256),
        row.adjusts.as_deref().into(),
    ]
}
