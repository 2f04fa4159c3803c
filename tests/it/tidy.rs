//! The rules of the house that a compiler does not hold. Every message says what to do instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Which rooms a room may name, beside itself. `mrr` knows nobody.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("mrr", &[]),
    ("config", &["mrr"]),
    ("log", &["config"]),
    ("stripe", &["mrr"]),
    ("ledger", &["mrr"]),
    ("api", &[]),
    ("pipeline", &["api", "stripe", "ledger", "mrr"]),
    ("pull", &["api", "backfill", "ledger", "pipeline", "stripe"]),
    ("backfill", &[]),
    ("report", &["ledger", "mrr"]),
    ("export", &["mrr", "report"]),
    ("deliver", &["ledger", "mrr", "report"]),
    ("reconcile", &["backfill", "ledger", "mrr", "report", "stripe"]),
    ("explain", &["pipeline", "ledger", "mrr"]),
    ("doctor", &["api", "ledger", "mrr", "pull", "report", "stripe"]),
    ("metrics", &[]),
    ("http", &["doctor", "explain", "ledger", "metrics", "mrr", "pipeline", "report"]),
];

/// Words that would make the pure core impure (domain: a function of the timeline only).
const NOT_IN_MRR: &[&str] = &[
    "async fn",
    ".await",
    "tokio",
    "serde",
    "tracing",
    "sea_orm",
    "sqlx",
    "axum",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "f32",
    "f64",
    "println!",
    "rand::",
];

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository below a directory, by its path from the root.
fn files(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(below)];
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["target", ".git", "node_modules"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "rs");
    files(below).into_iter().filter(is_rust).map(|path| (path.clone(), text(&path))).collect()
}

/// A source without its inline tests, and with comments blanked out so that line numbers stay.
fn code(source: &str) -> String {
    let own = source.find("\n#[cfg(test)]\nmod ").map_or(source, |at| {
        let is_inline = source[at..].lines().nth(2).is_some_and(|line| line.ends_with('{'));
        if is_inline { &source[..at] } else { source }
    });
    own.lines()
        .map(|line| if line.trim_start().starts_with("//") { "" } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The room a file belongs to: `src/mrr/price.rs` to `mrr`, `src/log.rs` to `log`.
fn room(path: &Path) -> String {
    let part = path.components().nth(1).unwrap().as_os_str().to_string_lossy();
    part.trim_end_matches(".rs").to_owned()
}

/// Whether a word stands in a line as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let starts_plain = word.starts_with(|c: char| !c.is_alphanumeric());
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let ends_plain = word.ends_with(|c: char| !c.is_alphanumeric());
        (starts_plain || !is_part(before)) && (ends_plain || !is_part(after))
    })
}

/// Collects faults and fails with all of them at once.
#[derive(Default)]
struct Faults(String);

impl Faults {
    fn add(&mut self, path: &Path, line: usize, remedy: &str) {
        writeln!(self.0, "{}:{}: {remedy}", path.display(), line + 1).unwrap();
    }

    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

#[test]
fn rooms_know_only_whom_they_may() {
    let table: BTreeMap<_, _> = MAY_KNOW.iter().copied().collect();
    let mut faults = Faults::default();
    for (path, source) in sources("src") {
        let room = room(&path);
        let Some(may_know) = table.get(room.as_str()) else {
            continue;
        };
        for (number, line) in code(&source).lines().enumerate() {
            for (at, _) in line.match_indices("crate::") {
                let named: String = line[at + "crate::".len()..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if named != room && !may_know.contains(&named.as_str()) {
                    let remedy = format!(
                        "`{room}` may not know `{named}`; pass what it needs as an argument, or \
                         move the code to a room that may (table in tests/it/tidy.rs and \
                         ARCHITECTURE.md)"
                    );
                    faults.add(&path, number, &remedy);
                }
            }
        }
    }
    faults.none();
}

#[test]
fn the_core_is_pure() {
    let mut faults = Faults::default();
    for (path, source) in sources("src/mrr") {
        for (number, line) in code(&source).lines().enumerate() {
            for word in NOT_IN_MRR.iter().filter(|word| has_word(line, word)) {
                let remedy = format!(
                    "`{word}` has no place in the pure core; take what it gives as an argument, \
                     and amounts as integers (R1)"
                );
                faults.add(&path, number, &remedy);
            }
        }
    }
    faults.none();
}

#[test]
fn rows_and_environment_have_one_reader_each() {
    let mut faults = Faults::default();
    for (path, source) in sources("src") {
        let room = room(&path);
        for (number, line) in code(&source).lines().enumerate() {
            if room != "ledger" && (has_word(line, "sea_orm") || has_word(line, "sqlx")) {
                faults.add(&path, number, "rows stop at src/ledger; ask the ledger's door instead");
            }
            // A test is told its store by its runner.
            let is_test = path.ends_with("tests.rs");
            if room != "config" && !is_test && (line.contains("env::var") || line.contains("env::set_var")) {
                faults.add(&path, number, "read it in src/config and pass the value on");
            }
            if room != "stripe" && line.contains("async_stripe") {
                faults.add(&path, number, "Stripe's words stop at src/stripe; convert there");
            }
        }
    }
    faults.none();
}

#[test]
fn files_are_small_enough_to_read() {
    let mut faults = Faults::default();
    for below in ["src", "migration", "tests"] {
        for (path, source) in sources(below) {
            if code(&source).lines().count() > MAX_FILE_LINES {
                let remedy = format!("over {MAX_FILE_LINES} lines; split it by what it is about");
                faults.add(&path, MAX_FILE_LINES, &remedy);
            }
        }
    }
    faults.none();
}

fn begins_function(line: &str) -> bool {
    let mut words = line
        .split_whitespace()
        .skip_while(|word| word.starts_with("pub") || ["const", "async", "unsafe", "in"].contains(word));
    words.next() == Some("fn")
}

#[test]
fn functions_are_small_enough_to_read() {
    let mut faults = Faults::default();
    for below in ["src", "migration"] {
        for (path, source) in sources(below) {
            let code = code(&source);
            let lines: Vec<_> = code.lines().collect();
            for (number, line) in lines.iter().enumerate().filter(|(_, l)| begins_function(l)) {
                let indent = line.len() - line.trim_start().len();
                let closing = format!("{}}}", " ".repeat(indent));
                let length = lines[number..].iter().position(|l| *l == closing).unwrap_or(0) + 1;
                if length > MAX_FUNCTION_LINES {
                    let remedy = format!(
                        "{length} lines, over {MAX_FUNCTION_LINES}; name its steps and make them \
                         functions"
                    );
                    faults.add(&path, number, &remedy);
                }
            }
        }
    }
    faults.none();
}

#[test]
fn nothing_is_left_over() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX", "#[ignore]"];
    let mut faults = Faults::default();
    for below in ["src", "migration", "tests"] {
        for (path, source) in sources(below) {
            if path.ends_with("tidy.rs") {
                continue;
            }
            for (number, line) in source.lines().enumerate() {
                for word in words.iter().filter(|word| line.contains(**word)) {
                    faults.add(&path, number, &format!("`{word}` is left over; finish or remove it"));
                }
            }
        }
    }
    faults.none();
}

#[test]
fn no_path_of_a_builder_s_machine_stands_in_the_repository() {
    let words = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/tm", "p/w")];
    let mut faults = Faults::default();
    for path in files("").into_iter().filter(|path| !path.ends_with("Cargo.lock")) {
        for (number, line) in text(&path).lines().enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                faults.add(&path, number, &format!("`{word}` is one machine's; write a relative path"));
            }
        }
    }
    faults.none();
}

#[test]
fn every_fixture_is_read_by_something() {
    let mut readers: String = ["src", "tests", "benches"]
        .iter()
        .flat_map(|below| sources(below))
        .map(|(_, source)| source)
        .collect();
    readers.push_str(&text(Path::new("fixtures/README.md")));
    let mut faults = Faults::default();
    for path in files("fixtures") {
        let directory = path.parent().unwrap().to_string_lossy().replace('\\', "/");
        let top: PathBuf = path.components().take(2).collect();
        let is_read = readers.contains(&directory) || readers.contains(top.to_str().unwrap());
        if !is_read {
            faults.add(&path, 0, "nothing reads this fixture; name its directory in a test or remove it");
        }
    }
    faults.none();
}
