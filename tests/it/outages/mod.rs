//! What breaks around upswell while it works: the network to the database, the database, the disk, the clock, the file.
//! Each time no event that was answered is lost, none is counted twice, the ledger is proved, and the server goes on by
//! itself once it can. These tests name their stores, so that they run once.

mod clock;
mod database;
mod disk;
mod file;
mod network;
mod relay;
mod world;
