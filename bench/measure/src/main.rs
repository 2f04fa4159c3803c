//! What upswell is measured against.
//!
//! usage: upswell-measure parse FILE            reads FILE and parses each line, on all cores
//!        upswell-measure insert FILE DATABASE  one prepared statement in one transaction: each line a row
//!        upswell-measure copy FILE URL         one COPY into a table of PostgreSQL: each line a row
//!        upswell-measure load FILE --secret WHSEC [--url URL] [--rate N] [--seconds N] [--prefix WORD]
//!                                              signed webhooks, at a rate that waits for nobody; WORD makes
//!                                              their ids other ones than the file's
//!        upswell-measure webhooks FILE --secret WHSEC [--address HOST:PORT] [--connections N] [--seconds N]
//!                                      [--rate N] [--from N] [--events N] [--prefix WORD]
//!                                              signed webhooks over connections that stay open: without a rate each
//!                                              sends the next one once it is answered
//!        upswell-measure commits FILE URL BODIES SECONDS
//!                                              the bare loop: so many bodies a commit, each commit on disk
//!
//! Each prints one JSON object.

mod commits;
mod limits;
mod load;
mod webhooks;

use std::path::Path;
use std::process::ExitCode;

/// What went wrong, for people.
type Fault = Box<dyn std::error::Error + Send + Sync>;

fn numbers(bodies: &str, seconds: &str) -> Result<(usize, u64), Fault> {
    Ok((bodies.parse()?, seconds.parse()?))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let told = match words.as_slice() {
        ["parse", file] => limits::parse(Path::new(file)),
        ["insert", file, database] => limits::insert(Path::new(file), Path::new(database)),
        ["copy", file, url] => limits::copy(Path::new(file), url),
        ["load", file, options @ ..] => load::run(Path::new(file), options),
        ["webhooks", file, options @ ..] => webhooks::run(Path::new(file), options),
        ["commits", file, url, bodies, seconds] => numbers(bodies, seconds)
            .and_then(|(bodies, seconds)| commits::run(Path::new(file), url, bodies, seconds)),
        _ => Err("usage: upswell-measure parse FILE | insert FILE DATABASE | copy FILE URL | load FILE --secret WHSEC \
                  [--url URL] [--rate N] [--seconds N] | webhooks FILE --secret WHSEC [OPTION…] | \
                  commits FILE URL BODIES SECONDS"
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
