//! `upswell explain`: where a figure comes from, down to the stored bytes.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;

use super::args::month;
use super::{Outcome, UsageError, emit, instant};
use crate::app::App;
use crate::ledger::{CustomerKey, Posting, Stored, Wanted};
use crate::mrr::{Class, Fact, Instant, Known, Month, Scheme, Snapshot, Terms, UsageInvoice, UsageType};
use crate::pipeline::facts_of;

/// What `upswell explain` takes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  upswell explain cus_1 --month 2026-10")]
pub struct ExplainArgs {
    /// A customer, a subscription, an event or a movement
    pub id: String,
    /// Only what counts in this month
    #[arg(long, value_parser = month)]
    pub month: Option<Month>,
    /// The book, where there are several
    #[arg(long)]
    pub book: Option<String>,
}

/// What the id turned out to be.
enum Subject {
    Customer(CustomerKey),
    Subscription(CustomerKey),
    Event(Box<Stored>),
    Movement(Box<Posting>),
}

/// Explains a customer, a subscription, an event or a movement.
///
/// # Errors
///
/// An id that nothing is known of; the store's.
pub async fn run(args: &ExplainArgs, app: &App) -> anyhow::Result<Outcome> {
    let settings = app.reporter().settings(args.book.as_deref()).await?;
    let text = match find(args, app, &settings.book).await? {
        Subject::Customer(key) => explain_customer(args, app, &key, None).await?,
        Subject::Subscription(key) => explain_customer(args, app, &key, Some(&args.id)).await?,
        Subject::Event(stored) => explain_event(app, &stored).await?,
        Subject::Movement(posting) => explain_movement(app, &posting).await?,
    };
    emit(&text)?;
    Ok(Outcome::Done)
}

async fn find(args: &ExplainArgs, app: &App, book: &str) -> anyhow::Result<Subject> {
    let id = args.id.as_str();
    let wanted =
        Wanted { id: Some(id.to_owned()), book: Some(book.to_owned()), all: true, ..Wanted::default() };
    if let Some(posting) = app.ledger.postings(&wanted).await?.pop() {
        return Ok(Subject::Movement(Box::new(posting)));
    }
    if let Some(stored) = app.ledger.stored_event(id, args.book.as_deref()).await? {
        return Ok(Subject::Event(Box::new(stored)));
    }
    let key = CustomerKey { book: book.to_owned(), customer: id.into() };
    if app.ledger.known(&key, None).await?.settled_at.is_some() {
        return Ok(Subject::Customer(key));
    }
    let owners = app.ledger.customer_of(id).await?;
    if let Some(key) = owners.into_iter().find(|key| key.book == book) {
        return Ok(Subject::Subscription(key));
    }
    let what = format!("nothing is known of {id} in book {book}");
    Err(UsageError {
        what,
        example: "upswell explain cus_1, with an id that `upswell customers` lists".to_owned(),
    }
    .into())
}

/// A customer's life: each stored fact with its arithmetic, then the movements it makes.
async fn explain_customer(
    args: &ExplainArgs,
    app: &App,
    key: &CustomerKey,
    subscription: Option<&str>,
) -> anyhow::Result<String> {
    let wanted = Wanted {
        book: Some(key.book.clone()),
        customer: Some(key.customer.to_string()),
        from_month: args.month,
        to_month: args.month,
        ..Wanted::default()
    };
    let mut postings = app.ledger.postings(&wanted).await?;
    postings.retain(|posting| subscription.is_none_or(|id| posting.movement.subscription.as_str() == id));
    postings.sort_by_key(|posting| (posting.movement.effective_at, posting.seq));
    let mut text = format!("customer {} in book {}\n", key.customer, key.book);
    text.push_str("\nWhat Stripe told, and what it is worth\n");
    let mut told: BTreeMap<(Instant, i64), String> = BTreeMap::new();
    for stored in app.ledger.stored_of(key).await? {
        let facts = facts_of(&stored).unwrap_or_default();
        for fact in facts.iter().filter(|fact| *fact.customer() == key.customer) {
            let is_of_month =
                args.month.is_none_or(|month| Month::of(fact.at(), app.config.timezone) == month);
            if is_of_month && subscription.is_none_or(|id| is_about(fact, id)) {
                told.entry((fact.at(), stored.seq)).or_default().push_str(&fact_text(&stored, fact, app));
            }
        }
    }
    text.extend(told.into_values());
    text.push_str("\nThe movements that follow\n");
    for posting in &postings {
        text.push_str(&movement_text(posting));
    }
    if postings.is_empty() {
        text.push_str("  none\n");
    }
    Ok(text)
}

/// An event: its bytes, what became of it, and the movements that it proves.
async fn explain_event(app: &App, stored: &Stored) -> anyhow::Result<String> {
    let mut text = format!("event {} in book {}\n", stored.event_id, stored.book);
    text.push_str(&evidence_text(stored));
    match facts_of(stored) {
        Ok(facts) => {
            for fact in &facts {
                text.push_str(&fact_text(stored, fact, app));
            }
        }
        Err(none) => {
            let path = none.path.map(|path| format!(" at {path}")).unwrap_or_default();
            writeln!(text, "  {}: {}{path}", none.outcome.as_str(), none.reason)?;
        }
    }
    let wanted =
        Wanted { book: Some(stored.book.clone()), event: Some(stored.event_id.clone()), ..Wanted::default() };
    text.push_str("\nThe movements that it proves\n");
    let postings = app.ledger.postings(&wanted).await?;
    for posting in &postings {
        text.push_str(&movement_text(posting));
    }
    if postings.is_empty() {
        text.push_str("  none\n");
    }
    Ok(text)
}

/// A movement: what it says, and the event behind it.
async fn explain_movement(app: &App, posting: &Posting) -> anyhow::Result<String> {
    let mut text =
        format!("movement {} of customer {} in book {}\n", posting.id, posting.customer, posting.book);
    text.push_str(&movement_text(posting));
    writeln!(
        text,
        "    posting {} of {}, recorded {}, by {} under policy {}",
        posting.seq,
        posting.posted_in,
        instant(Instant(posting.recorded_at)),
        posting.engine,
        posting.policy
    )?;
    if let Some(stored) =
        app.ledger.stored_event(&posting.movement.evidence.event, Some(&posting.book)).await?
    {
        text.push_str("\nThe event behind it\n");
        for fact in
            facts_of(&stored).unwrap_or_default().iter().filter(|fact| *fact.customer() == posting.customer)
        {
            text.push_str(&fact_text(&stored, fact, app));
        }
    }
    Ok(text)
}

fn is_about(fact: &Fact, subscription: &str) -> bool {
    match fact {
        Fact::Subscription(fact) => fact.subscription.as_str() == subscription,
        Fact::Usage(fact) => fact.subscription.as_str() == subscription,
        Fact::Quote(fact) => fact.subscription.as_str() == subscription,
        Fact::Customer(_) | Fact::Discount(_) => true,
    }
}

fn evidence_text(stored: &Stored) -> String {
    let signed = stored.signed_at.map_or_else(
        || format!("not signed: backfilled from {}", stored.place.as_deref().unwrap_or("a file")),
        |at| format!("signed {}", instant(Instant(at))),
    );
    format!(
        "    {} bytes, sha256 {}\n    {signed}, received {}, API version {}\n",
        stored.body.len(),
        stored.sha256,
        instant(Instant(stored.received_at)),
        stored.api_version.as_deref().unwrap_or("unknown"),
    )
}

fn fact_text(stored: &Stored, fact: &Fact, app: &App) -> String {
    let mut text =
        format!("  {} {} {}\n{}", instant(fact.at()), stored.event_id, stored.kind, evidence_text(stored));
    match fact {
        Fact::Subscription(fact) => text.push_str(&snapshot_text(fact, app)),
        Fact::Usage(fact) => text.push_str(&usage_text(fact)),
        Fact::Customer(fact) if fact.is_deleted => {
            text.push_str("    the customer was deleted: all its subscriptions end\n");
        }
        Fact::Discount(fact) => {
            let of = fact.subscription.as_ref().map_or("the customer", |id| id.as_str());
            text.push_str(&format!("    a discount of {of}: {:?} (R6)\n", fact.change));
        }
        Fact::Quote(fact) => {
            let at = instant(fact.accepted_at);
            text.push_str(&format!(
                "    quote {} accepted {at}: it stands behind the change of {} (R20)\n",
                fact.quote, fact.subscription
            ));
        }
        Fact::Customer(_) => text.push_str("    attributes of the customer: no figure\n"),
    }
    text
}

/// The state after an event, each line with its arithmetic.
fn snapshot_text(snapshot: &Snapshot, app: &App) -> String {
    let state = &snapshot.state;
    let paused = if state.collection_paused { ", collection paused" } else { "" };
    let mut text = format!("    {} is {:?}{paused} (R5)\n", snapshot.subscription, state.status);
    let known = Known::of(&[], &app.config.catalogue);
    let terms = Terms::of(state, snapshot.at, &known, app.config.policy.discounts);
    for (index, item) in state.items.iter().enumerate() {
        text.push_str(&format!("    {}: {}\n", item.id, arithmetic(&terms, index)));
    }
    text
}

/// How a line's level comes about: unit × quantity × factor, less discounts.
fn arithmetic(terms: &Terms, index: usize) -> String {
    let item = &terms.items[index];
    let price = &item.price;
    if price.usage_type == UsageType::Metered {
        return format!("{} is metered: its level is the last closed period's revenue (R8)", price.id);
    }
    let (numerator, denominator) = price.cadence.monthly_factor();
    let amount = match &price.scheme {
        Scheme::PerUnit { unit, transform: None } => format!("{} × {unit}", item.quantity),
        Scheme::PerUnit { unit, transform: Some(packs) } => {
            let way = if packs.round_up { "up" } else { "down" };
            format!("{} ÷ {} rounded {way} × {unit}", item.quantity, packs.divide_by)
        }
        Scheme::Tiered { mode, tiers } => {
            format!("{} through {} tiers, {mode:?}", item.quantity, tiers.len())
        }
        Scheme::TiersNotSent | Scheme::AmountNotSent | Scheme::PriceNotSent | Scheme::OptionNotSent => {
            format!("{} × an amount that is not known", item.quantity)
        }
    };
    let discounts = terms.discounts_of(index).count();
    let less = if discounts > 0 { format!(" less {discounts} discounts (R6)") } else { String::new() };
    let tax = match item.inclusive_tax {
        0 => String::new(),
        millionths => format!(" × 1000000/{} without tax (R7)", 1_000_000 + u64::from(millionths)),
    };
    let level = terms.level(index);
    let level = level
        .map_or_else(|missing| format!("not known for want of {missing} (R4)"), |level| level.to_string());
    format!(
        "{}: {amount} × {numerator}/{denominator}{less}{tax} = {level} {} a month (R2, R3)",
        price.id, price.currency
    )
}

fn usage_text(invoice: &UsageInvoice) -> String {
    let mut text = format!("    invoice {} ({:?}) (R8)\n", invoice.invoice, invoice.status);
    for line in &invoice.lines {
        text.push_str(&format!(
            "    {}: {} for {} to {}, effective one second before its end\n",
            line.item,
            line.amount,
            instant(line.period_start),
            instant(line.period_end),
        ));
    }
    text
}

fn movement_text(posting: &Posting) -> String {
    let movement = &posting.movement;
    let rule = match movement.class {
        Class::Opening => "R12",
        Class::Transfer => "R19",
        Class::Expansion | Class::Contraction | Class::Switch => "R15, R16, R17",
        _ => "R15",
    };
    let side = |side: &Option<crate::mrr::Side>| {
        side.as_ref().map_or_else(
            || "nothing".to_owned(),
            |side| format!("{} × {} = {}", side.quantity, side.price, side.mrr),
        )
    };
    format!(
        "  {} {} {} {} ({}; {rule}) {} {}\n    {} {}: {} -> {}\n    customer {} -> {}, month {}, evidence {} {} sha256 {}\n",
        instant(movement.effective_at),
        posting.id,
        movement.class.as_str(),
        movement.kind.as_str(),
        movement.cause.as_str(),
        movement.delta,
        movement.currency,
        movement.subscription,
        movement.item,
        side(&movement.before),
        side(&movement.after),
        movement.customer_mrr_before,
        movement.customer_mrr_after,
        posting.month,
        movement.evidence.grade.as_str(),
        movement.evidence.event,
        movement.evidence.sha256,
    )
}
