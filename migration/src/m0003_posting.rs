//! The ledger itself: postings, which are only ever added.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Postings.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_posting"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await?;
        schema::append_only(manager, "posting").await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// A posting is reversed at most once.
const TABLES: &[&str] = &[
    "CREATE TABLE posting (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL,
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        subscription TEXT NOT NULL,
        item TEXT NOT NULL,
        product_before TEXT,
        product_after TEXT,
        price_before TEXT,
        price_after TEXT,
        quantity_before INTEGER,
        quantity_after INTEGER,
        item_mrr_before INTEGER,
        item_mrr_after INTEGER,
        currency TEXT NOT NULL,
        class TEXT NOT NULL,
        kind TEXT NOT NULL,
        cause TEXT NOT NULL,
        motion TEXT NOT NULL,
        is_metered INTEGER NOT NULL,
        delta INTEGER NOT NULL CHECK (delta <> 0),
        customer_mrr_before INTEGER NOT NULL,
        customer_mrr_after INTEGER NOT NULL,
        bridge TEXT,
        effective_at INTEGER NOT NULL,
        month TEXT NOT NULL,
        recorded_at INTEGER NOT NULL,
        posted_in TEXT NOT NULL,
        grade TEXT NOT NULL,
        event TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        engine TEXT NOT NULL,
        policy TEXT NOT NULL,
        reverses INTEGER REFERENCES posting (seq),
        adjusts TEXT
    ) STRICT",
    "CREATE INDEX posting_customer ON posting (book, customer, effective_at)",
    "CREATE INDEX posting_month ON posting (book, month)",
    "CREATE INDEX posting_id ON posting (id)",
    "CREATE UNIQUE INDEX posting_reverses ON posting (reverses) WHERE reverses IS NOT NULL",
];
