//! The rules that customers were settled by, kept so that the ledger can be proved by what it was made
//! with, whatever is configured later.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sql::{Table, all, one, statement};
use super::{CustomerKey, Ledger, LedgerError};
use crate::mrr::{Catalogue, ChurnPolicy, Counting, DiscountPolicy, PastDuePolicy, Policy};

/// All that a derivation depends on beside the facts and the time of the run (R22).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementRules {
    /// The version that derives.
    pub engine: String,
    /// The choices in force.
    pub policy: Policy,
    /// What is known about products and prices.
    pub catalogue: Catalogue,
    /// The time zone whose calendar months are the periods.
    pub zone: chrono_tz::Tz,
}

/// Rules that customers of a book were settled by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedRules {
    /// The rules.
    pub rules: SettlementRules,
    /// How many customers were last settled by them.
    pub customers: u64,
}

/// The stored form; add fields as optional ones, never rename one.
#[derive(Serialize, Deserialize)]
struct StoredRules {
    engine: String,
    zone: String,
    churn: String,
    past_due_lapses_after_days: Option<u32>,
    paused: String,
    trialing: String,
    discounts: String,
    usage_window: u32,
    transfer_window_seconds: i64,
    ladders: Vec<Vec<String>>,
    add_ons: Vec<String>,
    not_seats: Vec<String>,
    successors: BTreeMap<String, String>,
}

#[derive(FromQueryResult)]
struct RulesRow {
    body: String,
}

#[derive(FromQueryResult)]
struct UsedRow {
    body: String,
    many: i64,
}

const RULES: Table =
    Table { name: "rules", columns: &["digest", "body", "first_used_at"], tail: "ON CONFLICT DO NOTHING" };

impl SettlementRules {
    /// The digest of the policy and the catalogue, which each posting carries (R23).
    ///
    /// # Errors
    ///
    /// A form that JSON can't hold; none of ours is.
    pub fn policy_digest(&self) -> Result<String, LedgerError> {
        let same_everywhere = Self { engine: String::new(), zone: chrono_tz::UTC, ..self.clone() };
        same_everywhere.digest()
    }

    /// The digest of all of it: a customer settled under another one is settled anew.
    ///
    /// # Errors
    ///
    /// A form that JSON can't hold; none of ours is.
    pub fn digest(&self) -> Result<String, LedgerError> {
        Ok(hex::encode(&Sha256::digest(self.body()?)[..8]))
    }

    fn body(&self) -> Result<String, LedgerError> {
        let Policy { churn, past_due, paused, trialing, discounts, usage_window, transfer_window_seconds } =
            &self.policy;
        let stored = StoredRules {
            engine: self.engine.clone(),
            zone: self.zone.name().to_owned(),
            churn: churn.as_str().to_owned(),
            past_due_lapses_after_days: match past_due {
                PastDuePolicy::Counts => None,
                PastDuePolicy::LapsesAfterDays(days) => Some(*days),
            },
            paused: paused.as_str().to_owned(),
            trialing: trialing.as_str().to_owned(),
            discounts: discounts.as_str().to_owned(),
            usage_window: *usage_window,
            transfer_window_seconds: *transfer_window_seconds,
            ladders: self.catalogue.ladders.clone(),
            add_ons: self.catalogue.add_ons.iter().cloned().collect(),
            not_seats: self.catalogue.not_seats.iter().cloned().collect(),
            successors: self.catalogue.successors.clone(),
        };
        serde_json::to_string(&stored).map_err(|source| LedgerError::Unreadable { what: "the rules", source })
    }
}

impl StoredRules {
    fn restore(self) -> Result<SettlementRules, LedgerError> {
        let unknown =
            |what: &'static str, word: &str| LedgerError::UnknownWord { what, word: word.to_owned() };
        let counting = |word: &str| Counting::parse(word).ok_or_else(|| unknown("counting", word));
        Ok(SettlementRules {
            zone: self.zone.parse().map_err(|_| unknown("time zone", &self.zone))?,
            policy: Policy {
                churn: ChurnPolicy::parse(&self.churn).ok_or_else(|| unknown("churn policy", &self.churn))?,
                past_due: self
                    .past_due_lapses_after_days
                    .map_or(PastDuePolicy::Counts, PastDuePolicy::LapsesAfterDays),
                paused: counting(&self.paused)?,
                trialing: counting(&self.trialing)?,
                discounts: DiscountPolicy::parse(&self.discounts)
                    .ok_or_else(|| unknown("discount policy", &self.discounts))?,
                usage_window: self.usage_window,
                transfer_window_seconds: self.transfer_window_seconds,
            },
            catalogue: Catalogue {
                ladders: self.ladders,
                add_ons: self.add_ons.into_iter().collect(),
                not_seats: self.not_seats.into_iter().collect(),
                successors: self.successors,
                learnt: std::sync::Arc::default(),
            },
            engine: self.engine,
        })
    }
}

impl Ledger {
    /// The rules that a customer was settled by; `None` of one that never was.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn rules_of(&self, key: &CustomerKey) -> Result<Option<SettlementRules>, LedgerError> {
        let sql = "SELECT r.body FROM customer c JOIN rules r ON r.digest = c.rules \
                   WHERE c.book = $1 AND c.customer = $2";
        let values = vec![key.book.clone().into(), key.customer.to_string().into()];
        self.read_rules(sql, values).await
    }

    /// The rules that most of a book's customers were settled by, which its reports print; `None` of an
    /// empty book.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn rules_in_force(&self, book: &str) -> Result<Option<SettlementRules>, LedgerError> {
        // Nearly always all customers were settled by the same ones, which takes no counting.
        let only = "SELECT body FROM rules WHERE digest = (SELECT MIN(rules) FROM customer) \
                    AND digest = (SELECT MAX(rules) FROM customer) \
                    AND EXISTS (SELECT 1 FROM customer WHERE book = $1)";
        if let Some(rules) = self.read_rules(only, vec![book.into()]).await? {
            return Ok(Some(rules));
        }
        let sql = "SELECT r.body FROM rules r JOIN (\
                     SELECT rules, COUNT(*) AS many FROM customer WHERE book = $1 GROUP BY rules\
                   ) AS used ON used.rules = r.digest ORDER BY used.many DESC, r.digest LIMIT 1";
        self.read_rules(sql, vec![book.into()]).await
    }

    /// All rules that a book's customers were settled by, those of most customers first: one, but
    /// while a change of them is being adopted.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn rules_used(&self, book: &str) -> Result<Vec<UsedRules>, LedgerError> {
        let sql = "SELECT r.body, used.many FROM rules r JOIN (\
                     SELECT rules, COUNT(*) AS many FROM customer WHERE book = $1 GROUP BY rules\
                   ) AS used ON used.rules = r.digest ORDER BY used.many DESC, r.digest";
        let rows: Vec<UsedRow> =
            all(self.reader(), "read the rules", statement(sql, vec![book.into()])).await?;
        let used = |row: UsedRow| {
            let customers = u64::try_from(row.many).unwrap_or_default();
            Ok(UsedRules { rules: restored(&row.body)?, customers })
        };
        rows.into_iter().map(used).collect()
    }

    /// The rules of a digest; `None` of one that nothing was settled or closed by.
    ///
    /// # Errors
    ///
    /// The store's refusal, or a row this version can't read.
    pub async fn rules(&self, digest: &str) -> Result<Option<SettlementRules>, LedgerError> {
        self.read_rules("SELECT body FROM rules WHERE digest = $1", vec![digest.into()]).await
    }

    async fn read_rules(
        &self,
        sql: &str,
        values: Vec<sea_orm::Value>,
    ) -> Result<Option<SettlementRules>, LedgerError> {
        let row: Option<RulesRow> = one(self.reader(), "read the rules", statement(sql, values)).await?;
        row.map(|row| restored(&row.body)).transpose()
    }
}

fn restored(body: &str) -> Result<SettlementRules, LedgerError> {
    let stored: StoredRules =
        serde_json::from_str(body).map_err(|source| LedgerError::Unreadable { what: "the rules", source })?;
    stored.restore()
}

/// Keeps rules that are used.
pub(super) async fn keep<C: ConnectionTrait>(
    db: &C,
    rules: &SettlementRules,
    now: i64,
) -> Result<(), LedgerError> {
    let values = vec![rules.digest()?.into(), rules.body()?.into(), now.into()];
    RULES.insert(db, values).await.map(drop)
}
