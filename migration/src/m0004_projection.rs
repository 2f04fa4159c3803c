//! What follows from facts and can be made again from them: levels, findings, the forward view.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Projections.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_projection"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        schema::run(manager, TABLES).await?;
        for table in ["level", "finding", "scheduled"] {
            schema::number_rows(manager, table).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        schema::no_way_back(self)
    }
}

/// An attribute of the customer itself stands under the empty subscription.
const TABLES: &[&str] = &[
    "CREATE TABLE level (
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        subscription TEXT NOT NULL,
        item TEXT NOT NULL,
        product TEXT NOT NULL,
        price TEXT NOT NULL,
        currency TEXT NOT NULL,
        is_metered INTEGER NOT NULL,
        quantity INTEGER NOT NULL,
        mrr INTEGER NOT NULL,
        is_at_risk INTEGER NOT NULL,
        from_at INTEGER NOT NULL,
        until_at INTEGER
    ) STRICT",
    "CREATE INDEX level_customer ON level (book, customer, from_at)",
    "CREATE TABLE finding (
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        at INTEGER NOT NULL,
        subscription TEXT NOT NULL,
        matter TEXT NOT NULL,
        item TEXT,
        detail TEXT,
        event TEXT NOT NULL
    ) STRICT",
    "CREATE INDEX finding_customer ON finding (book, customer, at)",
    "CREATE TABLE scheduled (
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        effective_at INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT",
    "CREATE INDEX scheduled_customer ON scheduled (book, customer, effective_at)",
    "CREATE TABLE attribute (
        book TEXT NOT NULL,
        customer TEXT NOT NULL,
        subscription TEXT NOT NULL,
        country TEXT,
        metadata TEXT NOT NULL,
        at INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (book, customer, subscription)
    ) STRICT",
];
