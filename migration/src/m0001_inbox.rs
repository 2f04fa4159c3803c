//! The inbox: every delivery exactly as it came, what was kept aside, and what became of each.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Deliveries and their dispositions.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_inbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await?;
        schema::compress_fast(manager, "inbox").await?;
        schema::append_only(manager, "inbox").await?;
        schema::append_only(manager, "conflict").await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// The body stands last in its row, so that reading the other columns need not read it. The unique
/// constraint begins with the event, by which duplicates are looked for.
const TABLES: &[&str] = &[
    "CREATE TABLE inbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        book TEXT NOT NULL,
        account TEXT NOT NULL DEFAULT '',
        event_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        created INTEGER NOT NULL,
        livemode INTEGER NOT NULL,
        api_version TEXT,
        sha256 BLOB NOT NULL,
        digest BLOB NOT NULL,
        signed_at INTEGER,
        received_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        place TEXT,
        body BLOB NOT NULL,
        UNIQUE (event_id, account)
    ) STRICT",
    "CREATE TABLE conflict (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        book TEXT NOT NULL,
        account TEXT NOT NULL DEFAULT '',
        event_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        created INTEGER NOT NULL,
        livemode INTEGER NOT NULL,
        api_version TEXT,
        sha256 BLOB NOT NULL,
        digest BLOB NOT NULL,
        signed_at INTEGER,
        received_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        place TEXT,
        body BLOB NOT NULL,
        UNIQUE (event_id, account, sha256)
    ) STRICT",
    "CREATE TABLE pending (
        inbox_seq INTEGER PRIMARY KEY REFERENCES inbox (seq),
        received_at INTEGER NOT NULL
    ) STRICT",
    "CREATE TABLE disposition (
        inbox_seq INTEGER PRIMARY KEY REFERENCES inbox (seq),
        outcome TEXT NOT NULL,
        reason TEXT,
        path TEXT,
        decided_at INTEGER NOT NULL,
        engine TEXT NOT NULL
    ) STRICT",
    "CREATE INDEX disposition_outcome ON disposition (outcome, reason)",
];
