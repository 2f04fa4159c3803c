//! What became of files, told: as text, and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::parked::PARKED_FILE;
use crate::ledger::Posted;

/// So many parked rows of a file are told one by one; all of them are in the file of parked rows.
const TOLD_PARKED: usize = 1_000;

/// A row that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parked {
    /// The file and the line.
    pub(super) place: String,
    pub(super) reason: String,
    /// The JSON path that does not fit, of one that is stored.
    pub(super) path: Option<String>,
    /// Whether it is in the file of parked rows.
    pub(super) is_kept: bool,
}

/// What became of a file's rows.
#[derive(Debug, Clone, Default)]
pub(super) struct FileSummary {
    pub(super) name: String,
    /// What it holds, for people.
    pub(super) form: &'static str,
    pub(super) rows: u64,
    /// Rows that are joined with those of other tables when all files are read.
    put_aside: u64,
    /// Whether it is no file, but what was put aside of all of them: then `rows` are the objects.
    is_joined: bool,
    pub(super) accepted: u64,
    pub(super) known: u64,
    pub(super) kept_aside: u64,
    pub(super) other_books: u64,
    pub(super) ignored: BTreeMap<String, i64>,
    parked: Vec<Parked>,
    parked_count: u64,
    /// Rows that could not be read.
    unreadable: u64,
    pub(super) posted: Posted,
    pub(super) milliseconds: u64,
    /// Why it was not read to its end.
    pub(super) fault: Option<String>,
}

/// What became of all files.
#[derive(Debug, Clone, Default)]
pub(super) struct Summary {
    files: Vec<Value>,
    count: u64,
    pub(super) total: FileSummary,
    /// What was read of Stripe's API, by account; nothing where it was not asked for.
    api: Option<Vec<Value>>,
    /// What was fetched that events leave out.
    completed: Option<Value>,
    /// Whether not every file was read to its end, and every row of them.
    pub(super) is_faulty: bool,
}

impl FileSummary {
    /// A file that begins.
    pub(super) fn of(name: String, form: &'static str) -> Self {
        Self { name, form, ..Self::default() }
    }

    /// What was put aside of all files.
    pub(super) fn of_joined() -> Self {
        let form = "rows of several tables that tell of one object";
        Self { name: "joined rows".to_owned(), form, is_joined: true, ..Self::default() }
    }

    /// Takes rows that were put aside.
    pub(super) fn put_aside(&mut self, rows: u64) {
        self.rows += rows;
        self.put_aside += rows;
    }

    /// Takes a row that could not be read.
    pub(super) fn park(&mut self, parked: Parked) {
        self.unreadable += 1;
        self.tell_parked(parked);
    }

    /// Takes a row that is stored and can't be used by this version.
    pub(super) fn tell_parked(&mut self, parked: Parked) {
        self.parked_count += 1;
        if self.parked.len() < TOLD_PARKED {
            self.parked.push(parked);
        }
    }

    fn rows_per_second(&self) -> u64 {
        self.rows.saturating_mul(1_000) / self.milliseconds.max(1)
    }

    fn seconds(&self) -> String {
        format!("{}.{:03}", self.milliseconds / 1_000, self.milliseconds % 1_000)
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let read = if self.is_joined { "objects" } else { "rows read" };
        let mut text = format!(
            "{}: {} {read}, {} accepted, {} already known\n",
            self.name, self.rows, self.accepted, self.known
        );
        let mut line = |told: String| {
            // Writing to a text does not fail.
            let _ = writeln!(text, "  {told}");
        };
        if self.put_aside > 0 {
            let told = "joined with the rows of other tables when all files are read";
            line(format!("put aside {}: {told}", self.put_aside));
        }
        self.ignored.iter().for_each(|(reason, count)| line(format!("ignored {count}: {reason}")));
        for parked in &self.parked {
            let path = parked.path.as_ref().map(|path| format!(" at {path}")).unwrap_or_default();
            let kept = if parked.is_kept { format!("; kept in {PARKED_FILE}") } else { String::new() };
            line(format!("parked {}: {}{path}{kept}", parked.place, parked.reason));
        }
        let more = self.parked_count - self.parked.len() as u64;
        if more > 0 {
            line(format!("parked {more} more"));
        }
        if self.kept_aside > 0 {
            line(format!("kept aside {}: a known event that says something else", self.kept_aside));
        }
        if self.other_books > 0 {
            line(format!("passed over {}: of another book", self.other_books));
        }
        if let Some(fault) = &self.fault {
            line(format!("fault: {fault}"));
        }
        line(format!("movements posted {}, taken back {}", self.posted.posted, self.posted.reversed));
        text
    }

    fn figures(&self) -> Value {
        json!({
            "rows": self.rows,
            "put_aside": self.put_aside,
            "accepted": self.accepted,
            "known": self.known,
            "ignored": self.ignored.values().sum::<i64>(),
            "parked": self.parked_count,
            "kept_aside": self.kept_aside,
            "passed_over": self.other_books,
            "movements_posted": self.posted.posted,
            "movements_taken_back": self.posted.reversed,
            "seconds": self.seconds(),
            "rows_per_second": self.rows_per_second(),
        })
    }

    fn json(&self) -> Value {
        let mut json = self.figures();
        json["file"] = self.name.clone().into();
        json["form"] = self.form.into();
        json["fault"] = self.fault.clone().into();
        let ignored = self.ignored.iter().map(|(reason, count)| json!({"reason": reason, "count": count}));
        json["ignored_by_reason"] = ignored.collect();
        let parked = self.parked.iter().map(|parked| {
            let Parked { place, reason, path, is_kept } = parked;
            json!({"place": place, "reason": reason, "path": path, "kept": is_kept})
        });
        json["parked_rows"] = parked.collect();
        json
    }
}

impl Summary {
    /// Takes a file that is over.
    pub(super) fn add(&mut self, file: FileSummary) {
        self.files.push(file.json());
        self.is_faulty |= file.fault.is_some() || file.unreadable > 0;
        let total = &mut self.total;
        // What was put aside was counted with its file.
        if !file.is_joined {
            self.count += 1;
            total.rows += file.rows;
            total.put_aside += file.put_aside;
        }
        total.accepted += file.accepted;
        total.known += file.known;
        total.kept_aside += file.kept_aside;
        total.other_books += file.other_books;
        total.parked_count += file.parked_count;
        total.posted += file.posted;
        total.milliseconds += file.milliseconds;
        for (reason, count) in file.ignored {
            *total.ignored.entry(reason).or_default() += count;
        }
    }

    /// Takes what was read of Stripe's API.
    pub(super) fn add_api(&mut self, accounts: Vec<Value>, is_clean: bool) {
        self.api = Some(accounts);
        self.is_faulty |= !is_clean;
    }

    /// Takes what was fetched that events leave out, and what it healed.
    pub(super) fn complete(&mut self, objects: usize, posted: Posted) {
        self.completed = Some(json!({
            "objects": objects,
            "movements_posted": posted.posted,
            "movements_taken_back": posted.reversed,
        }));
    }

    /// The sums, for people; nothing where one file alone says the same.
    pub(super) fn text(&self) -> Option<String> {
        let total = &self.total;
        (self.count > 1).then(|| {
            format!(
                "all {} files: {} rows read, {} accepted, {} already known, {} parked; movements posted {}, taken \
                 back {}; {} s, {} rows a second\n",
                self.count,
                total.rows,
                total.accepted,
                total.known,
                total.parked_count,
                total.posted.posted,
                total.posted.reversed,
                total.seconds(),
                total.rows_per_second()
            )
        })
    }

    /// As one JSON object, for programs.
    pub(super) fn json(&self) -> String {
        let Self { files, total, api, completed, .. } = self;
        let total = total.figures();
        format!("{}\n", json!({"files": files, "total": total, "api": api, "completed": completed}))
    }
}
