//! How a body lies in the inbox, as it came or compressed, and who settles what.

use sea_orm_migration::prelude::*;

use crate::schema;

/// The codec of stored bodies.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0008_codec"
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

/// Rows that are there stay as they are, under codec 0. What a body says is compared by the bodies, where it has to
/// be, and a fact is found by its delivery, and that by its event: a digest and an index more to make for
/// each of them.
const TABLES: &[&str] = &[
    "ALTER TABLE inbox ADD COLUMN codec INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE conflict ADD COLUMN codec INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE inbox DROP COLUMN digest",
    "ALTER TABLE conflict DROP COLUMN digest",
    "DROP INDEX fact_event",
    "CREATE TABLE claim (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        until INTEGER NOT NULL
    ) STRICT",
    "ALTER TABLE pending ADD COLUMN run INTEGER",
    "CREATE INDEX pending_run ON pending (run, inbox_seq)",
];
