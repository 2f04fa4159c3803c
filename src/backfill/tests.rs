//! Claims of the reader.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{self, Read, Write};

use proptest::prelude::*;

use super::{Contents, Document, Progress, ReadError, documents, each, parts, paths};

/// Gives its bytes in small pieces, so that every boundary falls between any two of them.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    size: usize,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.size.min(into.len()).min(self.bytes.len() - self.at);
        into[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// What is read: documents as text with their lines, and the lines of errors.
fn read(bytes: &[u8]) -> (Vec<(u64, String)>, Vec<ReadError>) {
    let source = Pieces { bytes: bytes.to_vec(), at: 0, size: 7 };
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for document in documents(source).unwrap() {
        match document {
            Ok(document) => {
                assert_eq!(document.index, found.len() as u64 + 1);
                found.push((document.line, String::from_utf8(document.bytes).unwrap()));
            }
            Err(error) => errors.push(error),
        }
    }
    // Only the words of what is wrong with a line may be others.
    let lines = |errors: &[ReadError]| errors.iter().map(line_of).collect::<Vec<_>>();
    let by_line = read_by_line(bytes);
    assert_eq!((&by_line.0, lines(&by_line.1)), (&found, lines(&errors)));
    (found, errors)
}

/// The same, where lines are taken as they stand and looked at closely if they are no single object.
fn read_by_line(bytes: &[u8]) -> (Vec<(u64, String)>, Vec<ReadError>) {
    let source = Pieces { bytes: bytes.to_vec(), at: 0, size: 7 };
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let mut keep = |document: Result<Document, ReadError>| match document {
        Ok(document) => found.push((document.line, String::from_utf8(document.bytes).unwrap())),
        Err(error) => errors.push(error),
    };
    for document in documents(source).unwrap().by_line() {
        match document {
            Ok(document) if !document.is_checked => {
                let is_event = serde_json::from_slice::<serde_json::Value>(&document.bytes)
                    .is_ok_and(|json| json["object"] != "list" && !json["data"].is_array());
                if is_event {
                    keep(Ok(document));
                } else {
                    parts(document.bytes.into(), document.line).for_each(&mut keep);
                }
            }
            other => keep(other),
        }
    }
    (found, errors)
}

fn line_of(error: &ReadError) -> Option<u64> {
    match error {
        ReadError::Unreadable { line, .. }
        | ReadError::BrokenOff { line, .. }
        | ReadError::NotJson { line, .. } => Some(*line),
        _ => None,
    }
}

fn texts(text: &str) -> Vec<String> {
    let (found, errors) = read(text.as_bytes());
    assert!(errors.is_empty(), "{errors:?}");
    found.into_iter().map(|(_, text)| text).collect()
}

fn lines_of(errors: &[ReadError]) -> Vec<u64> {
    let line = |error: &ReadError| match error {
        ReadError::Unreadable { line, .. } => *line,
        other => panic!("{other}"),
    };
    errors.iter().map(line).collect()
}

const A: &str = r#"{"id":"evt_a","n":1}"#;
const B: &str = r#"{"id": "evt_b", "data": {"object": {"items": {"object": "list", "data": [{}]}}}}"#;

#[test]
fn every_form_gives_the_same_documents() {
    for text in [
        format!("{A}\n{B}\n"),
        format!("{A}\r\n\r\n{B}"),
        format!("{A}{B}"),
        format!("{A},\n{B}\n"),
        format!("[{A},{B}]"),
        format!("  [\n  {A},\n  {B}\n]\n"),
        format!("{{\"object\":\"list\",\"data\":[{A},{B}],\"has_more\":false,\"url\":\"/v1/events\"}}"),
        format!("{{\"data\":[{A},{B}],\"has_more\":false,\"object\":\"list\"}}"),
        format!("{{\"object\":\"list\",\"data\":[{A}]}}\n{{\"object\":\"list\",\"data\":[{B}]}}"),
        format!("[{{\"object\":\"list\",\"data\":[{A}]}},[],[{B}]]"),
        format!("\u{feff}{A}\n\u{feff}{B}"),
        format!("\u{1e}{A}\n\u{1e}{B}\n"),
    ] {
        assert_eq!(texts(&text), [A, B], "{text}");
    }
}

#[test]
fn pretty_printed_documents_keep_their_bytes_and_tell_their_lines() {
    let pretty = "{\n  \"id\": \"evt\",\n  \"s\": \"} ] \\\" {\"\n}";
    let (found, errors) = read(format!("{pretty}\n{pretty}\n").as_bytes());
    assert!(errors.is_empty());
    assert_eq!(found, [(1, pretty.to_owned()), (5, pretty.to_owned())]);
}

#[test]
fn envelopes_pass_as_they_are() {
    for text in [
        r#"{"version":"0","detail-type":"customer.subscription.updated","detail":{"id":"evt_1"}}"#,
        r#"{"specversion":"1.0","type":"x","data":{"id":"evt_1"}}"#,
        r#"{"object":"event","data":[1,2]}"#,
    ] {
        assert_eq!(texts(text), [text]);
    }
}

#[test]
fn nothing_is_no_document() {
    for text in ["", "\n \t\r\n", "\u{feff}", "[]", r#"{"object":"list","data":[]}"#] {
        assert!(texts(text).is_empty(), "{text:?}");
    }
}

#[test]
fn a_broken_line_is_told_and_the_next_ones_are_read() {
    for broken in [
        r#"{"id":"evt_x","#,
        r#"{"id":"ev"#,
        r#"{"id":"ev\"#,
        r#"{"id":"#,
        r#"{"id":[1,"#,
        "garbage",
        r#"{"id":01}"#,
        r#"{"id":"\x"}"#,
        "{}}",
        "42",
    ] {
        let (found, errors) = read(format!("{A}\n{broken}\n{B}\n{A}\n").as_bytes());
        let at: Vec<_> = found.iter().map(|(line, text)| (*line, text.as_str())).collect();
        let read: Vec<_> = at.into_iter().filter(|(line, _)| *line != 2).collect();
        assert_eq!(read, [(1, A), (3, B), (4, A)], "{broken}");
        assert_eq!(lines_of(&errors), [2], "{broken}");
    }
}

#[test]
fn a_line_that_is_not_utf_8_is_told_and_the_next_ones_are_read() {
    let (found, errors) = read(b"{\"id\":\"\xff\"}\n{\"id\":\"evt\"}\n");
    assert_eq!((found.len(), lines_of(&errors)), (1, vec![1]));
}

#[test]
fn a_cut_pretty_document_costs_only_itself() {
    let pretty = "{\n  \"id\": \"evt\",\n  \"data\": {\n    \"a\": 1\n  }\n}\n";
    for cut in ["{\n  \"id\": \"evt\",\n  \"data\": {\n", "{\n  \"id\":\n", "{\n"] {
        let (found, errors) = read(format!("{cut}{pretty}{pretty}").as_bytes());
        assert_eq!((found.len(), lines_of(&errors)), (2, vec![1]), "{cut}");
    }
}

#[test]
fn a_broken_element_of_a_pretty_list_costs_only_itself() {
    let text = "{\n  \"object\": \"list\",\n  \"data\": [\n    {\n      \"id\": \"evt_1\"\n    },\n    \
                {\n      \"id\": oops\n    },\n    {\n      \"id\": \"evt_3\"\n    }\n  ]\n}\n{\"id\":\"evt_4\"}";
    let (found, errors) = read(text.as_bytes());
    let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!((lines, lines_of(&errors)), (vec![4, 10, 15], vec![7]));
}

#[test]
fn a_cut_page_costs_nothing_of_the_next_one() {
    let page = "{\n  \"data\": [\n    {\n      \"id\": \"evt\"\n    }\n  ]\n}\n";
    let cut = "{\n  \"data\": [\n    {\n      \"id\": \"evt\"\n    },\n    {\n      \"i\n";
    let (found, errors) = read(format!("{cut}{page}{page}").as_bytes());
    assert_eq!((found.len(), lines_of(&errors)), (3, vec![6]));
}

#[test]
fn a_missing_comma_costs_nothing() {
    let (found, errors) = read(format!("[\n{A}\n{B},\n{A}\n]").as_bytes());
    assert_eq!((found.len(), lines_of(&errors)), (3, vec![3]));
}

#[test]
fn a_list_that_is_cut_short_is_told() {
    let (found, errors) = read(format!("[{A},\n").as_bytes());
    assert_eq!((found.len(), errors.len()), (1, 1));
    assert!(errors[0].to_string().contains("cut short"), "{}", errors[0]);
}

#[test]
fn lists_too_deep_in_one_another_are_told_and_reading_ends() {
    let deep = "{\"data\":[\n".repeat(40);
    let (found, errors) = read(format!("{{\"id\":1}}\n{deep}").as_bytes());
    assert_eq!(found.len(), 1);
    assert!(errors.len() <= 42, "{}", errors.len());
    assert!(errors[0].to_string().contains("too deep"), "{}", errors[0]);
}

#[test]
fn what_is_no_json_is_named_once_with_the_remedy() {
    for (bytes, word) in [(b"\xff\xfe{\0".as_slice(), "iconv"), (b"PK\x03\x04zip".as_slice(), "unpack")] {
        let (_, errors) = read(bytes);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains(word), "{}", errors[0]);
    }
    let csv = "id,amount\n".repeat(1000);
    let (_, errors) = read(csv.as_bytes());
    assert_eq!(errors.len(), 20);
    assert!(matches!(errors.last(), Some(ReadError::NotJson { .. })));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

#[test]
fn compression_is_undone_whatever_the_name_and_however_often() {
    let plain = format!("{A}\n{B}\n").into_bytes();
    let joined = [gzip(format!("{A}\n").as_bytes()), gzip(B.as_bytes())].concat();
    let frames = [zstd(format!("{A}\n").as_bytes()), zstd(B.as_bytes())].concat();
    for bytes in [gzip(&plain), zstd(&plain), zstd(&gzip(&plain)), joined, frames] {
        assert_eq!(read(&bytes).0.len(), 2);
    }
}

#[test]
fn a_cut_compressed_file_gives_what_it_holds_and_then_an_error() {
    let text: String = (0..20_000).map(|n| format!("{{\"id\":\"evt_{n}\"}}\n")).collect();
    for whole in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let (found, errors) = read(&whole[..whole.len() / 2]);
        assert!(found.len() < 20_000);
        assert!(matches!(errors.as_slice(), [ReadError::BrokenOff { .. }]), "{errors:?}");
    }
}

#[test]
fn a_bomb_is_not_opened() {
    let layers = (0..6).fold(A.as_bytes().to_vec(), |bytes, _| gzip(&bytes));
    let error = documents(io::Cursor::new(layers)).err().unwrap();
    assert!(error.to_string().contains("rest can't be read"), "{error}");
}

#[test]
fn a_directory_and_a_missing_file_are_named_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let error = paths(&[directory.path().to_owned()]).err().unwrap().to_string();
    assert!(error.contains("no files are read"), "{error}");
    let error = paths(&[directory.path().join("none.json")]).err().unwrap().to_string();
    assert!(error.contains("none.json"), "{error}");
}

#[test]
fn progress_ends_at_the_size_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events");
    std::fs::write(&path, gzip(format!("{A}\n").repeat(1000).as_bytes())).unwrap();
    let found = paths(std::slice::from_ref(&path)).unwrap();
    let progress = Progress::default();
    let mut count = 0;
    let went = each(&path, &progress, &mut |_, contents| {
        if let Ok(Contents::Documents(documents)) = contents {
            count += documents.count();
        }
        std::ops::ControlFlow::Continue(())
    });
    assert!(went.is_continue());
    assert_eq!((count, Some(progress.read_bytes())), (1000, found.total_bytes));
}

/// What is told of a file's contents.
fn told(bytes: &[u8]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let mut told = Vec::new();
    let went = each(&path, &Progress::default(), &mut |name, contents| {
        let inside = name.trim_start_matches(&*path.to_string_lossy());
        told.push(match contents {
            Ok(Contents::Documents(documents)) => format!("{inside} {} documents", documents.count()),
            Ok(Contents::Table(table)) => format!("{inside} table of {}", table.columns.join(" ")),
            Err(error) => format!("{inside} {error}"),
        });
        std::ops::ControlFlow::Continue(())
    });
    assert!(went.is_continue());
    told
}

#[test]
fn what_a_file_holds_is_found_from_its_beginning() {
    let json_in_a_cell = "id,note\n1,\"{\n \"\"a\"\": 1\n}\"\n";
    for (bytes, expected) in [
        (A.as_bytes(), " 1 documents"),
        (b"id;name\n1;2\n", " table of id name"),
        (json_in_a_cell.as_bytes(), " table of id note"),
        (b"id,name\n1,M\xfcller\n", " table of id name"),
        ("id,name\n{\"id\":\"evt_1\"}\n".as_bytes(), " 2 documents"),
        (b"", " 0 documents"),
    ] {
        assert_eq!(told(bytes), [expected]);
    }
    for (bytes, word) in [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), "this is no text"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "this is no text"),
        (b"PAR1\x15\x04\x15 PAR1", "the Parquet file can't be read"),
        (b"PK\x03\x04 and no archive", "archive can't be read"),
    ] {
        let told = told(bytes);
        assert!(told.len() == 1 && told[0].contains(word), "{told:?}");
    }
}

#[test]
fn a_spreadsheet_is_named_with_the_remedy() {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for name in ["[Content_Types].xml", "xl/worksheets/sheet1.xml"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(b"<xml/>").unwrap();
    }
    let told = told(&zip.finish().unwrap().into_inner());
    assert!(told.len() == 1 && told[0].contains("save its sheet as CSV"), "{told:?}");
}

/// Any JSON, with the signs that could mislead a scanner.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[a-z{}\\[\\]\",:\\\\\n\u{e9}\u{1f600} ]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("[a-z\"{}\\\\]{0,5}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn document() -> impl Strategy<Value = serde_json::Value> {
    prop::collection::btree_map("[a-z\"{}]{1,4}x", json(), 0..5)
        .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()))
}

fn laid_out(documents: &[serde_json::Value], form: usize) -> (String, Vec<String>) {
    let compact = documents.iter().map(ToString::to_string);
    let pretty = documents.iter().map(|d| serde_json::to_string_pretty(d).unwrap());
    let parts: Vec<_> = if form.is_multiple_of(2) { compact.collect() } else { pretty.collect() };
    let text = match form / 2 {
        0 => parts.join("\n"),
        1 => format!("[{}]", parts.join(",")),
        2 => format!("{{\"object\": \"list\", \"data\": [{}], \"x\": 1}}", parts.join(" ,\n")),
        _ => parts.concat(),
    };
    (text, parts)
}

proptest! {
    #[test]
    fn any_documents_in_any_form_come_back_byte_for_byte(
        documents in prop::collection::vec(document(), 0..6),
        form in 0..8_usize,
    ) {
        let (text, parts) = laid_out(&documents, form);
        let (found, errors) = read(text.as_bytes());
        prop_assert!(errors.is_empty(), "{errors:?}");
        let found: Vec<_> = found.into_iter().map(|(_, text)| text).collect();
        prop_assert_eq!(found, parts);
    }

    #[test]
    fn a_line_cut_anywhere_costs_only_itself(
        documents in prop::collection::vec(document(), 2..6),
        which in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut lines: Vec<_> = documents.iter().map(ToString::to_string).collect();
        let which = which.index(lines.len());
        let mut at = cut.index(lines[which].len());
        while !lines[which].is_char_boundary(at) { at -= 1; }
        lines[which].truncate(at);
        let (found, _) = read(lines.join("\n").as_bytes());
        lines.remove(which);
        let found: Vec<_> = found.into_iter().map(|(_, text)| text).collect();
        prop_assert_eq!(found, lines);
    }

    #[test]
    fn no_bytes_make_it_panic_or_run_for_ever(bytes in prop::collection::vec(
        prop_oneof![Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'),
            Just(b','), Just(b':'), Just(b'\n'), Just(b' '), Just(b'1'), any::<u8>()], 0..200)) {
        if let Ok(documents) = documents(io::Cursor::new(bytes)) {
            prop_assert!(documents.take(1000).count() < 1000);
        }
    }

    #[test]
    fn no_lists_in_one_another_run_for_ever(parts in prop::collection::vec(
        prop_oneof![Just("{\"data\":["), Just("["), Just("]"), Just("}"), Just("\n"), Just("{\"id\":1}"), Just(","),
            Just("{"), Just("n"), Just(" ")], 0..100)) {
        if let Ok(documents) = documents(io::Cursor::new(parts.concat().into_bytes())) {
            prop_assert!(documents.take(1000).count() < 1000);
        }
    }
}

const ITEM: &str = r#"{"id": "si_1", "object": "subscription_item", "subscription": "sub_1"}"#;

#[test]
fn a_list_of_a_subscriptions_items_is_one_document_and_other_lists_are_cut() {
    let items = format!("{{\n \"object\": \"list\",\n \"data\": [{ITEM},\n {ITEM}],\n \"has_more\": false}}");
    assert_eq!(texts(&items), [items.as_str()]);
    let sorted = r#"{"data":[{"created":1,"discounts":[{"object":"x"}],"object":"subscription_item"}],"object":"list"}"#;
    assert_eq!(texts(sorted), [sorted]);
    assert_eq!(texts(&format!("{A}\n{items}[{items}]{B}")), [A, &items, &items, B]);
    let price = r#"{"id": "price_1", "object": "price", "tiers": [{"up_to": null}]}"#;
    let prices = format!(r#"{{"object": "list", "data": [{price},{price}], "has_more": true}}"#);
    assert_eq!(texts(&prices), [price, price]);
    assert_eq!(texts(&format!("[{ITEM},{ITEM}]")), [ITEM, ITEM]);
}
