//! Closings of months and reopenings, and what the reports of closed months are made of beside postings.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Closed months.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_closing"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await?;
        schema::append_only(manager, "closing").await?;
        schema::append_only(manager, "closed_customer").await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// A reopening opens its month and every later one. A customer's row stands from its closing on, until a
/// later closing has another one.
const TABLES: &[&str] = &[
    "CREATE TABLE closing (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        book TEXT NOT NULL,
        month TEXT NOT NULL,
        act TEXT NOT NULL CHECK (act IN ('close', 'reopen')),
        acted_at INTEGER NOT NULL,
        through_posting INTEGER NOT NULL,
        through_delivery INTEGER NOT NULL,
        data_through INTEGER,
        zone TEXT,
        rules TEXT,
        segment_keys TEXT,
        postings INTEGER,
        digest TEXT,
        kept TEXT,
        why TEXT
    ) STRICT",
    "CREATE INDEX closing_book ON closing (book, seq)",
    "CREATE TABLE closed_customer (
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        closing INTEGER NOT NULL REFERENCES closing (seq),
        body TEXT NOT NULL,
        PRIMARY KEY (book, customer, closing)
    ) STRICT",
];
