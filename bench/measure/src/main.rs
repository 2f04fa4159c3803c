//! What upswell is measured against.
//!
//! usage: upswell-measure parse FILE            reads FILE and parses each line, on all cores
//!        upswell-measure insert FILE DATABASE  one prepared statement in one transaction: each line a row
//!        upswell-measure load FILE --secret WHSEC [--url URL] [--rate N] [--seconds N] [--prefix WORD]
//!                                              signed webhooks, at a rate that waits for nobody; WORD makes
//!                                              their ids other ones than the file's
//!
//! Each prints one JSON object.

mod limits;
mod load;

use std::path::Path;
use std::process::ExitCode;

/// What went wrong, for people.
type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let told = match words.as_slice() {
        ["parse", file] => limits::parse(Path::new(file)),
        ["insert", file, database] => limits::insert(Path::new(file), Path::new(database)),
        ["load", file, options @ ..] => load::run(Path::new(file), options),
        _ => Err("usage: upswell-measure parse FILE | insert FILE DATABASE | load FILE --secret WHSEC \
                  [--url URL] [--rate N] [--seconds N]"
            .into()),
    };
    match told {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("upswell-measure: {fault}");
            ExitCode::from(2)
        }
    }
}
