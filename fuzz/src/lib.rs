//! What the fuzz targets share: inputs with a structure, and what has to hold for each of them.
//!
//! The rooms under test are compiled here by path, as they are: they know none of the others
//! (`tests/it/tidy.rs` holds that), so that a target builds without the store and the server.

#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../src/backfill/mod.rs"]
pub mod backfill;
#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../src/mrr/mod.rs"]
pub mod mrr;
#[allow(dead_code, unused_imports, missing_docs)]
#[path = "../../src/stripe/mod.rs"]
pub mod stripe;

/// The words of the core's own tests.
#[allow(dead_code, unused_imports)]
#[path = "../../src/mrr/tests/testing.rs"]
mod testing;

pub mod derived;
pub mod documents;
mod listed;
mod planned;
pub mod rendering;
pub mod signed;
pub mod skeleton;
pub mod timeline;
pub mod translated;
mod values;
