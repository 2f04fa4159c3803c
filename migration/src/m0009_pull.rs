//! How far the lists of Stripe's API were read.

use sea_orm_migration::prelude::*;

use crate::schema;

/// The cursors of a pull.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0009_pull"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// A row is a list of an account, or what was made there in a span of time; `after_id` is the last object that is
/// stored of it. The index finds the newest delivery without a walk through what was backfilled since.
const TABLES: &[&str] = &[
    "CREATE TABLE pull (
        account TEXT NOT NULL,
        livemode INTEGER NOT NULL,
        list TEXT NOT NULL,
        since_at INTEGER NOT NULL,
        until_at INTEGER NOT NULL,
        after_id TEXT,
        reached_at INTEGER,
        pages INTEGER NOT NULL DEFAULT 0,
        objects INTEGER NOT NULL DEFAULT 0,
        done_at INTEGER,
        PRIMARY KEY (account, livemode, list, since_at, until_at)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX inbox_webhook ON inbox (account, livemode, seq) WHERE source = 'webhook'",
];
