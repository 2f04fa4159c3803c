//! What pages look up in a large ledger without walking through it: movements of a class or of an
//! event, and which event types came.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Looked up.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0019_looked_up"
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

/// Movements of a class lie in the ledger's order in both indexes; what is of another kind or class is seen in the index
/// and not read. `kind_told` has the newest event of each type up to a delivery, `through`; it is made from the inbox.
const TABLES: &[&str] = &[
    "DROP INDEX posting_month",
    "CREATE INDEX posting_month ON posting (book, month, seq, class, kind)",
    "CREATE INDEX posting_class ON posting (book, class, seq, kind)",
    "CREATE INDEX posting_event ON posting (event)",
    "CREATE TABLE kind_told (
        kind TEXT PRIMARY KEY,
        newest INTEGER NOT NULL,
        through INTEGER NOT NULL
    ) STRICT",
];
