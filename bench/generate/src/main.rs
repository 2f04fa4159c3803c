//! Writes the events of a business that never was, as Stripe writes them: one a line, oldest first.
//!
//! usage: upswell-generate [--events N] [--months N] [--seed N] [--licensed] >events.ndjson
//!
//! A business of N events (1,000,000 unless told otherwise) has a customer for every fifty of them, over 36
//! months up to the end of October 2026. The same arguments give the same bytes. `--licensed` leaves out
//! what is billed by use.

mod business;
mod catalogue;
mod wire;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Events that a customer comes to, about.
const EVENTS_A_CUSTOMER: u64 = 50;

/// What was asked for.
struct Asked {
    events: u64,
    months: u64,
    seed: u64,
    is_licensed: bool,
}

fn main() -> ExitCode {
    let told =
        asked(std::env::args().skip(1)).and_then(|asked| write(&asked).map_err(|error| error.to_string()));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("upswell-generate: {reason}");
            ExitCode::from(2)
        }
    }
}

fn asked(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { events: 1_000_000, months: 36, seed: 1, is_licensed: false };
    while let Some(name) = args.next() {
        let number = match name.as_str() {
            "--events" => &mut asked.events,
            "--months" => &mut asked.months,
            "--seed" => &mut asked.seed,
            "--licensed" => {
                asked.is_licensed = true;
                continue;
            }
            _ => {
                let known = "--events, --months, --seed and --licensed";
                return Err(format!("there is no option `{name}`; there are {known}"));
            }
        };
        let told = args.next().and_then(|text| text.replace('_', "").parse().ok());
        *number = told.ok_or_else(|| format!("{name} takes a number, for example {name} 1000"))?;
    }
    if asked.months == 0 { Err("--months takes 1 or more".to_owned()) } else { Ok(asked) }
}

fn write(asked: &Asked) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let customers = asked.events.div_ceil(EVENTS_A_CUSTOMER);
    let mut business = business::Business::new(asked.seed, customers, asked.months);
    business.sells_use = !asked.is_licensed;
    let mut line = String::with_capacity(16 << 10);
    for number in 0..asked.events {
        line.clear();
        if !business.next_event(number, &mut line) {
            eprintln!("upswell-generate: the business came to {number} events");
            break;
        }
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}
