//! Exchange rates, which are only ever added: a later row of the same day and pair takes the place of
//! an earlier one, which stays on record.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Exchange rates.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_rate"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await?;
        schema::append_only(manager, "rate").await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// A rate is text: an exact decimal of any length, as its source wrote it.
const TABLES: &[&str] = &[
    "CREATE TABLE rate (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        date TEXT NOT NULL,
        from_currency TEXT NOT NULL,
        to_currency TEXT NOT NULL,
        rate TEXT NOT NULL,
        source TEXT NOT NULL,
        line INTEGER NOT NULL,
        imported_at INTEGER NOT NULL
    ) STRICT",
    "CREATE INDEX rate_date ON rate (date)",
];
