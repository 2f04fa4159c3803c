//! What comparisons with Stripe's own figures found, for reports to say.

use sea_orm_migration::prelude::*;

use crate::schema;

/// What was found of a month.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0023_compared"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await?;
        schema::append_only(manager, "compared").await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// A row is a month in one currency, as one run compared it with files of one form; the newest stands. Amounts are
/// text: they are sums over a book, in millionths of the minor unit. No customer is named.
const TABLES: &[&str] = &[
    "CREATE TABLE compared (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        book TEXT NOT NULL,
        month TEXT NOT NULL,
        currency TEXT NOT NULL,
        form TEXT NOT NULL,
        compared_at INTEGER NOT NULL,
        exported_at INTEGER NOT NULL,
        ours TEXT NOT NULL,
        theirs TEXT NOT NULL,
        agreed INTEGER NOT NULL,
        rounded INTEGER NOT NULL,
        explained INTEGER NOT NULL,
        unknown INTEGER NOT NULL,
        unreadable INTEGER NOT NULL
    ) STRICT",
    "CREATE INDEX compared_month ON compared (book, month, currency)",
];
