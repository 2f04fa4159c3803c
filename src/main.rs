//! upswell.
fn main() {}
