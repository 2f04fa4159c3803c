//! `.env.example` and the list of variables say the same.

use upswell::config::VARIABLES;

const TEXT: &str = include_str!("../../.env.example");

fn entries() -> Vec<(&'static str, &'static str)> {
    let lines = TEXT.lines().map(|line| line.trim_start_matches("# "));
    lines
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .collect()
}

#[test]
fn env_example_lists_every_variable_in_order_with_its_example() {
    let known: Vec<_> = VARIABLES.iter().map(|v| (v.name, v.example)).collect();
    assert_eq!(entries(), known, "bring .env.example and VARIABLES in src/config/variables.rs in step");
}

#[test]
fn env_example_says_meaning_and_default_of_every_variable() {
    let is_entry = |line: &str| entries().iter().any(|(name, _)| line.contains(&format!("{name}=")));
    let mut comment = String::new();
    for line in TEXT.lines() {
        if is_entry(line) {
            assert!(comment.contains("Default: "), "`{line}`: write its default above it");
            comment.clear();
        } else {
            comment.push_str(line);
        }
    }
}
