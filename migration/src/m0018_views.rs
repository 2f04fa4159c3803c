//! Views for those who ask the database itself: Metabase, dbt. `docs/warehouse.md` says what each column means.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Views.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0018_views"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, VIEWS).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// A movement that came shows what it became, one that went what it was. Months follow one another without gaps, from a
/// book's first movement to its last.
const VIEWS: &[&str] = &[
    "CREATE VIEW movements AS
    SELECT p.id, p.seq, p.book, p.customer, p.subscription, p.item,
        COALESCE(p.product_after, p.product_before) AS product,
        COALESCE(p.price_after, p.price_before) AS price,
        p.product_before, p.product_after, p.price_before, p.price_after, p.quantity_before, p.quantity_after,
        p.item_mrr_before AS item_mrr_before_micro, p.item_mrr_after AS item_mrr_after_micro,
        p.currency, p.class, p.kind, p.cause, p.motion, p.is_metered,
        p.delta AS delta_micro,
        p.customer_mrr_before AS customer_mrr_before_micro, p.customer_mrr_after AS customer_mrr_after_micro,
        p.month, p.month || '-01' AS month_begins,
        p.effective_at, p.recorded_at, p.grade AS evidence, p.event, p.sha256
    FROM posting p
    WHERE p.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM posting r WHERE r.reverses = p.seq)",
    "CREATE VIEW book_months AS
    WITH RECURSIVE follow (book, month, last_month) AS (
        SELECT book, MIN(month), MAX(month) FROM posting GROUP BY book
        UNION ALL
        SELECT book, CASE
            WHEN SUBSTR(month, 6, 2) = '12' THEN '' || (CAST(SUBSTR(month, 1, 4) AS INTEGER) + 1) || '-01'
            WHEN SUBSTR(month, 6, 2) < '09' THEN
                SUBSTR(month, 1, 5) || '0' || (CAST(SUBSTR(month, 6, 2) AS INTEGER) + 1)
            ELSE SUBSTR(month, 1, 5) || (CAST(SUBSTR(month, 6, 2) AS INTEGER) + 1) END, last_month
        FROM follow WHERE month < last_month
    )
    SELECT book, month, month || '-01' AS month_begins FROM follow",
    "CREATE VIEW customer_mrr_monthly AS
    SELECT m.book, moved.customer, moved.currency, m.month, m.month_begins,
        CAST(SUM(moved.delta) AS INTEGER) AS ending_mrr_micro
    FROM book_months m JOIN (
        SELECT book, customer, currency, month, SUM(delta_micro) AS delta FROM movements
        GROUP BY book, customer, currency, month
    ) AS moved ON moved.book = m.book AND moved.month <= m.month
    GROUP BY m.book, moved.customer, moved.currency, m.month, m.month_begins
    HAVING SUM(moved.delta) <> 0",
    "CREATE VIEW month_activity AS
    SELECT book, currency, month, month_begins, class, kind, motion,
        CAST(SUM(delta_micro) AS INTEGER) AS delta_micro,
        COUNT(*) AS movements, COUNT(DISTINCT customer) AS customers
    FROM movements GROUP BY book, currency, month, month_begins, class, kind, motion",
];
