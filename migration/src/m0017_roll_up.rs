//! What reports read instead of all postings: sums of customers' months, the customers that changed since, and how
//! far each book is told of.

use sea_orm_migration::prelude::*;

use crate::schema;

/// Roll-ups.
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0017_roll_up"
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

/// The sums of an existing store are made the first time they are asked for: they depend on the time zone and the
/// segments that are configured. Of each book there are two editions while one is made anew beside the one that is
/// read. `through` is empty where facts were read anew, until it is looked for again.
const TABLES: &[&str] = &[
    "CREATE TABLE told (
        book TEXT PRIMARY KEY,
        through INTEGER
    ) STRICT",
    "INSERT INTO told (book, through) SELECT book, MAX(at) FROM fact GROUP BY book",
    "CREATE TABLE roll_up (
        book TEXT NOT NULL,
        edition INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        generation INTEGER NOT NULL,
        is_ready INTEGER NOT NULL,
        from_month TEXT NOT NULL,
        to_month TEXT NOT NULL,
        firsts BLOB NOT NULL,
        PRIMARY KEY (book, edition)
    ) STRICT",
    "CREATE TABLE roll_up_month (
        book TEXT NOT NULL,
        edition INTEGER NOT NULL,
        month TEXT NOT NULL,
        year BLOB NOT NULL,
        sums BLOB NOT NULL,
        PRIMARY KEY (book, edition, month)
    ) STRICT",
    "CREATE TABLE roll_up_touched (
        book TEXT NOT NULL,
        edition INTEGER NOT NULL,
        customer TEXT NOT NULL,
        touches INTEGER NOT NULL,
        through_posting INTEGER NOT NULL,
        was TEXT NOT NULL,
        PRIMARY KEY (book, edition, customer)
    ) STRICT",
    "CREATE TABLE roll_up_closed (
        book TEXT NOT NULL,
        closing INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        years BLOB NOT NULL,
        firsts BLOB NOT NULL,
        sums BLOB NOT NULL,
        listed TEXT NOT NULL,
        PRIMARY KEY (book, closing)
    ) STRICT",
    "CREATE INDEX attribute_subscription ON attribute (subscription) WHERE subscription <> ''",
    "CREATE INDEX finding_matter ON finding (matter, book, at)",
    "DROP INDEX posting_month",
    "CREATE INDEX posting_month ON posting (book, month, seq)",
    "CREATE INDEX posting_late ON posting (book, seq) WHERE month <> posted_in",
];
