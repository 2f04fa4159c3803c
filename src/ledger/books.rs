//! The books of a closed month: the postings that were in them when it was closed, what was kept of its
//! customers beside them, and the digests over both.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::mirror::{self, Mirror};
use super::posting::movement_text;
use super::sql::{Table, all, statement};
use super::{Closings, CustomerKey, Ledger, LedgerError, Posting, Wanted};
use crate::mrr::{CustomerId, Instant, ItemId, Level, Month, Movement, SubscriptionId};

/// What a month's report is made of beside postings, kept of a customer when the month is closed: levels
/// with what no movement tells (a swap at the same amount, late payment), the forward view, segments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeptCustomer {
    /// Each item's level through time.
    pub levels: Vec<Level>,
    /// What was to come.
    pub scheduled: Vec<Movement>,
    /// Country of its address.
    pub country: Option<String>,
    /// The metadata that reports were segmented by.
    pub metadata: BTreeMap<String, String>,
    /// What could not be valued: subscription, item, what was missing, since when.
    pub incomplete: Vec<(SubscriptionId, ItemId, String, Instant)>,
}

/// Its stored form; add fields as optional ones, never rename one.
#[derive(Serialize, Deserialize)]
struct StoredCustomer {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    levels: Vec<mirror::Level>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scheduled: Vec<mirror::Movement>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    incomplete: Vec<(String, String, String, i64)>,
}

#[derive(FromQueryResult)]
struct KeptRow {
    customer: String,
    body: String,
}

/// The table as what is kept is added to it.
pub(super) const CLOSED_CUSTOMER: Table =
    Table { name: "closed_customer", columns: &["book", "customer", "closing", "body"], tail: "" };

impl Ledger {
    /// The postings in a closed month's books and those before, in the ledger's order, each with the month
    /// whose books it is in: what stood, what was taken back, and the reversals.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn postings_in_books(
        &self,
        book: &str,
        closings: &Closings,
        month: Month,
    ) -> Result<Vec<Posting>, LedgerError> {
        let through = closings.of(month).map_or(i64::MAX, |closing| closing.through_posting);
        let wanted =
            Wanted { book: Some(book.to_owned()), to_month: Some(month), all: true, ..Wanted::default() };
        let mut postings = self.postings(&wanted).await?;
        postings.retain(|posting| posting.seq <= through);
        place(&mut postings, closings);
        postings.retain(|posting| posting.posted_in <= month);
        Ok(postings)
    }

    /// The prior-period adjustments in an open or closed month's books: what was posted in it that belongs
    /// to a month closed before. What was taken back in the same books is left out.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn adjustments(
        &self,
        book: &str,
        closings: &Closings,
        posted_in: Month,
    ) -> Result<Vec<Posting>, LedgerError> {
        let Some(before) = closings.of(posted_in.minus(1)) else { return Ok(Vec::new()) };
        let mut postings = self.posted_since(book, before.through_posting, posted_in.minus(1)).await?;
        place(&mut postings, closings);
        postings.retain(|posting| posting.posted_in == posted_in);
        Ok(without_undone(postings))
    }

    /// What was posted after a month was closed that belongs to it or to one before: what its restated
    /// figures differ by.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn adjustments_of(
        &self,
        book: &str,
        closings: &Closings,
        month: Month,
    ) -> Result<Vec<Posting>, LedgerError> {
        let Some(closing) = closings.of(month) else { return Ok(Vec::new()) };
        let mut postings = self.posted_since(book, closing.through_posting, month).await?;
        place(&mut postings, closings);
        Ok(without_undone(postings))
    }

    /// What was posted after a place in the ledger, by which a month was closed, that belongs to it or to one
    /// before.
    async fn posted_since(&self, book: &str, seq: i64, month: Month) -> Result<Vec<Posting>, LedgerError> {
        let wanted = Wanted {
            book: Some(book.to_owned()),
            to_month: Some(month),
            since_seq: Some(seq),
            late: true,
            all: true,
            ..Wanted::default()
        };
        self.postings(&wanted).await
    }

    /// What was kept of a book's customers up to a closing, with the closings after another one (0 for all):
    /// a customer is left out that these did not find changed.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn kept(
        &self,
        book: &str,
        after: i64,
        closing: i64,
    ) -> Result<BTreeMap<CustomerId, KeptCustomer>, LedgerError> {
        let bodies = self.kept_bodies(book, after, closing).await?;
        let restore = |(customer, body): (String, String)| {
            Ok((CustomerId::from(customer), KeptCustomer::from_body(&body)?))
        };
        bodies.into_iter().map(restore).collect()
    }

    /// The customers kept after one closing and up to another, as they are stored: each as its last row has
    /// it.
    pub(super) async fn kept_bodies(
        &self,
        book: &str,
        after: i64,
        closing: i64,
    ) -> Result<BTreeMap<String, String>, LedgerError> {
        let sql = "SELECT customer, body FROM closed_customer WHERE book = $1 AND closing > $2 AND closing <= $3 \
                   ORDER BY customer, closing";
        let values = vec![book.into(), after.into(), closing.into()];
        let rows: Vec<KeptRow> = all(self.reader(), "read what was kept", statement(sql, values)).await?;
        Ok(rows.into_iter().map(|row| (row.customer, row.body)).collect())
    }

    /// The digest over what was kept with one closing, made anew.
    ///
    /// # Errors
    ///
    /// The store's refusal.
    pub async fn kept_digest(&self, book: &str, closing: i64) -> Result<String, LedgerError> {
        let sql = "SELECT customer, body FROM closed_customer WHERE book = $1 AND closing = $2 \
                   ORDER BY customer";
        let values = vec![book.into(), closing.into()];
        let rows: Vec<KeptRow> = all(self.reader(), "read what was kept", statement(sql, values)).await?;
        Ok(kept_digest(rows.iter().map(|row| (row.customer.as_str(), row.body.as_str()))))
    }

    /// All that is to be kept of a book's customers as the store stands; of metadata only these keys.
    pub(super) async fn to_keep(
        &self,
        book: &str,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<CustomerId, KeptCustomer>, LedgerError> {
        let mut kept: BTreeMap<CustomerId, KeptCustomer> = BTreeMap::new();
        for (customer, levels) in self.levels(book, None).await? {
            kept.entry(customer).or_default().levels = levels;
        }
        for (customer, scheduled) in self.scheduled(book).await? {
            kept.entry(customer).or_default().scheduled = scheduled;
        }
        for (customer, attributes) in self.attributes(book).await? {
            let of = kept.entry(customer).or_default();
            of.country = attributes.country;
            of.metadata = attributes.metadata;
            of.metadata.retain(|key, _| keys.contains(key));
        }
        for found in self.findings(Some(book)).await? {
            let crate::mrr::Matter::Incomplete { item, missing } = found.finding.matter else { continue };
            let line = (found.finding.subscription, item, missing, found.finding.at);
            kept.entry(found.key.customer).or_default().incomplete.push(line);
        }
        Ok(kept)
    }
}

impl KeptCustomer {
    /// Its stored form.
    pub(super) fn to_body(&self) -> Result<String, LedgerError> {
        let incomplete = self.incomplete.iter().map(|(subscription, item, missing, since)| {
            (subscription.to_string(), item.to_string(), missing.clone(), since.0)
        });
        let stored = StoredCustomer {
            levels: Vec::of(&self.levels),
            scheduled: Vec::of(&self.scheduled),
            country: self.country.clone(),
            metadata: self.metadata.clone(),
            incomplete: incomplete.collect(),
        };
        serde_json::to_string(&stored)
            .map_err(|source| LedgerError::Unreadable { what: "a customer", source })
    }

    pub(super) fn from_body(body: &str) -> Result<Self, LedgerError> {
        let stored: StoredCustomer = serde_json::from_str(body)
            .map_err(|source| LedgerError::Unreadable { what: "a customer of a closed month", source })?;
        let incomplete = stored.incomplete.into_iter().map(|(subscription, item, missing, since)| {
            (subscription.into(), item.into(), missing, Instant(since))
        });
        Ok(Self {
            levels: stored.levels.restore(),
            scheduled: stored.scheduled.restore(),
            country: stored.country,
            metadata: stored.metadata,
            incomplete: incomplete.collect(),
        })
    }
}

/// Gives each posting the month whose books it is in as the closings now stand.
pub fn place<'p>(postings: impl IntoIterator<Item = &'p mut Posting>, closings: &Closings) {
    for posting in postings {
        posting.posted_in = closings.books_of(posting.month, posting.seq);
    }
}

/// Of postings, those that stand among them: what takes nothing back and is not taken back.
#[must_use]
pub fn standing_among(postings: Vec<Posting>) -> Vec<Posting> {
    let gone: BTreeSet<i64> = postings.iter().filter_map(|posting| posting.reverses).collect();
    let stands = |posting: &Posting| posting.reverses.is_none() && !gone.contains(&posting.seq);
    postings.into_iter().filter(stands).collect()
}

/// Postings without those that were taken back among them, and without what took these back.
fn without_undone(postings: Vec<Posting>) -> Vec<Posting> {
    let here: BTreeSet<i64> = postings.iter().map(|posting| posting.seq).collect();
    let undone: BTreeSet<i64> =
        postings.iter().filter_map(|posting| posting.reverses).filter(|seq| here.contains(seq)).collect();
    let is_left = |posting: &Posting| {
        !undone.contains(&posting.seq) && posting.reverses.is_none_or(|reversed| !undone.contains(&reversed))
    };
    postings.into_iter().filter(is_left).collect()
}

/// The digest of a month's books: over the digest of the month before and all that the postings say, in the
/// ledger's order.
///
/// # Errors
///
/// [`LedgerError`] of a bridge that can't be written.
pub fn books_digest(before: Option<&str>, postings: &[&Posting]) -> Result<String, LedgerError> {
    let mut digest = Sha256::new();
    digest.update(before.unwrap_or_default());
    for posting in postings {
        let key = CustomerKey { book: posting.book.clone(), customer: posting.customer.clone() };
        let evidence = &posting.movement.evidence;
        let parts = [
            posting.seq.to_string(),
            posting.id.clone(),
            movement_text(&key, &posting.movement)?,
            posting.month.to_string(),
            posting.recorded_at.to_string(),
            evidence.grade.as_str().to_owned(),
            evidence.sha256.to_string(),
            posting.engine.clone(),
            posting.policy.clone(),
            posting.reverses.map(|seq| seq.to_string()).unwrap_or_default(),
        ];
        digest.update("\u{1d}");
        digest.update(parts.join("\u{1e}"));
    }
    Ok(hex::encode(digest.finalize()))
}

/// The digest over what is kept of customers, in the order of their ids.
pub(super) fn kept_digest<'k>(bodies: impl Iterator<Item = (&'k str, &'k str)>) -> String {
    let mut digest = Sha256::new();
    for (customer, body) in bodies {
        digest.update(customer);
        digest.update("\u{1e}");
        digest.update(body);
        digest.update("\u{1d}");
    }
    hex::encode(digest.finalize())
}
