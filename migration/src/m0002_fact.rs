//! Facts, and where each customer stands.

use sea_orm_migration::prelude::*;

use crate::schema;

/// The timelines of customers.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_fact"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await?;
        schema::compress_fast(manager, "fact").await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// One row of the inbox may say several things about one customer: they are its `part`s.
const TABLES: &[&str] = &[
    "CREATE TABLE fact (
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        inbox_seq INTEGER NOT NULL REFERENCES inbox (seq),
        part INTEGER NOT NULL,
        at INTEGER NOT NULL,
        reaches_back_to INTEGER NOT NULL,
        subscription TEXT,
        event_id TEXT NOT NULL,
        status TEXT,
        body TEXT NOT NULL,
        PRIMARY KEY (book, customer, inbox_seq, part)
    ) STRICT",
    "CREATE INDEX fact_at ON fact (book, customer, at)",
    "CREATE INDEX fact_inbox ON fact (inbox_seq)",
    "CREATE INDEX fact_event ON fact (book, event_id)",
    "CREATE TABLE rules (
        digest TEXT PRIMARY KEY,
        body TEXT NOT NULL,
        first_used_at INTEGER NOT NULL
    ) STRICT",
    "CREATE TABLE customer (
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        revision INTEGER NOT NULL,
        checkpoint TEXT,
        checkpoint_at INTEGER,
        due_at INTEGER,
        poisoned TEXT,
        settled_at INTEGER NOT NULL,
        rules TEXT NOT NULL,
        PRIMARY KEY (book, customer)
    ) STRICT",
    "CREATE INDEX customer_due ON customer (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX customer_rules ON customer (rules)",
    "CREATE INDEX customer_poisoned ON customer (book) WHERE poisoned IS NOT NULL",
];
