//! Reports that are sent: since when somebody is to have them, and what was sent.

use sea_orm_migration::prelude::*;

use crate::schema;

/// What was sent to whom.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0016_dispatch"
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

/// A row is a report of one period for one name of the configuration: `sending` until `again_at` by whoever took it,
/// `failed` and tried again then, or `sent`. No address stands here.
const TABLES: &[&str] = &[
    "CREATE TABLE dispatch_plan (
        name TEXT NOT NULL PRIMARY KEY,
        since_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID",
    "CREATE TABLE dispatch (
        name TEXT NOT NULL,
        period TEXT NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        begun_at INTEGER NOT NULL,
        again_at INTEGER NOT NULL,
        sent_at INTEGER,
        sha256 TEXT,
        reason TEXT,
        PRIMARY KEY (name, period)
    ) STRICT, WITHOUT ROWID",
];
