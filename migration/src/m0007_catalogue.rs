//! What is learnt about prices, products, coupons and items, and which customers ask for it.

use sea_orm_migration::prelude::*;

use crate::schema;

/// The catalogue that events and lists teach.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_catalogue"
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

/// One row of the inbox may teach several things: they are its `part`s. A customer's `catalogue_seq` is
/// the last row that it was derived with.
const TABLES: &[&str] = &[
    "CREATE TABLE catalogue (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        book TEXT NOT NULL,
        kind TEXT NOT NULL,
        topic TEXT NOT NULL,
        at INTEGER NOT NULL,
        inbox_seq INTEGER NOT NULL REFERENCES inbox (seq),
        part INTEGER NOT NULL,
        event_id TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (inbox_seq, part)
    ) STRICT",
    "CREATE INDEX catalogue_book ON catalogue (book, seq)",
    "CREATE TABLE asks (
        book TEXT NOT NULL,
        kind TEXT NOT NULL,
        topic TEXT NOT NULL,
        customer TEXT NOT NULL,
        PRIMARY KEY (book, kind, topic, customer)
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX asks_customer ON asks (book, customer)",
    "ALTER TABLE customer ADD COLUMN catalogue_seq INTEGER NOT NULL DEFAULT 0",
];
