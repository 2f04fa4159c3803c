//! The description of the API: sound in itself, of every route, and true of what is answered.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::{all, ask, get, told, value};
use crate::process::{Place, rows};

fn document() -> Value {
    value(&Place::new().output(&["openapi"]))
}

/// Every value of a document, with the path to it.
fn walk<'v>(at: &str, value: &'v Value, see: &mut dyn FnMut(&str, &'v Value)) {
    see(at, value);
    match value {
        Value::Object(entries) => {
            entries.iter().for_each(|(name, value)| walk(&format!("{at}/{name}"), value, see));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| walk(&format!("{at}/{index}"), value, see));
        }
        _ => {}
    }
}

/// The operations, by path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let of = item.as_object().unwrap();
            of.iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

/// The schema of an answer that refuses every name it does not describe, so that nothing is left undescribed.
fn strict(document: &Value, path: &str, status: &str, form: &str) -> jsonschema::Validator {
    let found = &document["paths"][path]["get"]["responses"][status]["content"][form]["schema"];
    assert!(found.is_object(), "{path} has no {status} as {form}");
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [closed(document, found)],
        "components": closed(document, &document["components"]),
    });
    jsonschema::validator_for(&schema).unwrap()
}

/// A schema whose objects take no names but those that it gives; one that is composed of several is made one first.
fn closed(document: &Value, schema: &Value) -> Value {
    match schema {
        Value::Object(entries) if entries.contains_key("allOf") => {
            let (mut properties, mut required) = (serde_json::Map::new(), Vec::new());
            for part in entries["allOf"].as_array().unwrap() {
                let part = part["$ref"].as_str().map_or(part, |to| document.pointer(&to[1..]).unwrap());
                assert!(part["properties"].is_object(), "only objects are composed: {part}");
                for (name, property) in part["properties"].as_object().unwrap() {
                    properties.insert(name.clone(), closed(document, property));
                }
                required.extend(part["required"].as_array().into_iter().flatten().cloned());
            }
            json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
        }
        Value::Object(entries) => {
            let each = entries.iter().map(|(name, value)| (name.clone(), closed(document, value)));
            let mut schema: serde_json::Map<String, Value> = each.collect();
            if schema.get("type") == Some(&json!("object")) && schema.contains_key("properties") {
                schema.entry("additionalProperties").or_insert(json!(false));
            }
            Value::Object(schema)
        }
        Value::Array(values) => values.iter().map(|value| closed(document, value)).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_document_is_sound() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "upswell");
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
        assert!(ids.insert(id), "{id} is the name of two");
        let says = ["summary", "description"].iter().any(|name| operation[*name].is_string());
        assert!(says, "{method} {path} is not described");
        let named: BTreeSet<&str> =
            path.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let described = parameters.iter().filter(|parameter| parameter["in"] == "path");
        assert_eq!(
            described.map(|of| of["name"].as_str().unwrap()).collect::<BTreeSet<_>>(),
            named,
            "{path}"
        );
        for parameter in parameters {
            assert!(!parameter["description"].as_str().unwrap_or_default().is_empty(), "{path}: {parameter}");
            assert!(parameter["schema"].is_object(), "{path}: {parameter}");
            let is_needed = parameter["in"] != "query";
            assert_eq!(parameter["required"], json!(is_needed), "{path}: {parameter}");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!((200..600).contains(&status.parse::<u16>().unwrap()), "{path}: {status}");
            assert!(!response["description"].as_str().unwrap_or_default().is_empty(), "{path} {status}");
        }
    }
    let mut faults = Vec::new();
    walk("", &document, &mut |at, value| {
        if let Some(to) = value.get("$ref").and_then(Value::as_str) {
            let pointed = to.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            if pointed.is_none() {
                faults.push(format!("{at} leads to {to}, which is not there"));
            }
        }
    });
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if !jsonschema::meta::is_valid(schema) {
            faults.push(format!("{name} is no schema"));
        }
        if !schema["description"].is_string() {
            faults.push(format!("{name} is not described"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_route_of_the_router_is_described() {
    let document = document();
    let described: BTreeSet<&str> = operations(&document).into_iter().map(|(path, _, _)| path).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut open = vec![folder];
    let mut found = 0;
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // Pages are for people.
                open.extend((!path.ends_with("pages")).then_some(path));
                continue;
            }
            let source = std::fs::read_to_string(path).unwrap();
            for route in source.split(".route(").skip(1).filter_map(|rest| rest.split('"').nth(1)) {
                found += 1;
                assert!(described.contains(route), "{route} is not described; see src/http/api/document.rs");
            }
        }
    }
    assert!(found >= 5, "routes are no longer found in the sources: {found}");
    // And nothing is described that is not there.
    let place = Place::new();
    let server = place.serve();
    for (path, method, _) in operations(&document) {
        let asked = path.replace("{month}", "2025-10").replace("{id}", "cus_1");
        let head = format!(
            "{} {asked} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
            method.to_uppercase()
        );
        let answer = server.connect().unwrap().ask(&head, b"").unwrap();
        assert!(
            answer.status != 405 && !answer.body.contains("\"not_found\""),
            "{method} {path}: {}",
            answer.body
        );
    }
    assert_eq!(value(&get(&server, "/api/openapi.json")), document);
}

#[test]
fn every_answer_is_as_it_is_described() {
    let place = told();
    let server = place.serve();
    let document = document();
    let movements = rows(&place.output(&["movements", "--format", "ndjson"]));
    // Of every class, kind, cause and grade one, and what its id, its customer and its evidence lead to.
    let (mut seen, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for movement in &movements {
        let of = ["class", "kind", "cause", "motion"].map(|name| movement[name].to_string());
        if !seen.insert((of, movement["evidence"]["grade"].to_string())) {
            continue;
        }
        for name in ["customer", "subscription", "id", "product", "price"] {
            ids.extend(movement[name].as_str().map(str::to_owned));
        }
        ids.insert(movement["evidence"]["event"].as_str().unwrap().to_owned());
    }
    let mut asked: Vec<(&str, String)> = Vec::new();
    for row in all(&server, "/api/v1/months", 1_000) {
        let month = row["month"].as_str().unwrap();
        for query in ["", "?restated=true"] {
            asked.push(("/api/v1/reports/{month}", format!("/api/v1/reports/{month}{query}")));
        }
        asked.push(("/api/v1/customers", format!("/api/v1/customers?all=true&limit=1000&month={month}")));
    }
    asked.push(("/api/v1/reports/{month}", "/api/v1/reports/2025-10?view=finance".to_owned()));
    for query in
        ["from=2025-09&to=2025-11", "trailing=true&month=2026-10&view=sales", "from=2031-01&to=2031-01"]
    {
        asked.push(("/api/v1/reports", format!("/api/v1/reports?{query}")));
    }
    for id in &ids {
        asked.push(("/api/v1/explain/{id}", format!("/api/v1/explain/{id}")));
        if id.starts_with("cus_") {
            asked.push(("/api/v1/customers/{id}", format!("/api/v1/customers/{id}?month=2025-10")));
        }
    }
    asked.push(("/api/v1/movements", "/api/v1/movements?all=true&limit=1000".to_owned()));
    asked.push(("/api/v1/movements", "/api/v1/movements?limit=1".to_owned()));
    asked.push(("/api/v1/months", "/api/v1/months?limit=1".to_owned()));
    asked.sort();
    let mut schema: Option<(&str, jsonschema::Validator)> = None;
    for (path, address) in &asked {
        if schema.as_ref().is_none_or(|(of, _)| of != path) {
            schema = Some((path, strict(&document, path, "200", "application/json")));
        }
        let (_, schema) = schema.as_ref().unwrap();
        let answer = ask(&server, address);
        // Some price or product of a story is known by its id alone.
        if answer.status == 404 && *path == "/api/v1/explain/{id}" {
            continue;
        }
        let answer = value(&answer.body);
        let faults: Vec<String> = schema
            .iter_errors(&answer)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .take(5)
            .collect();
        assert!(faults.is_empty(), "{address} is not as src/http/api describes it:\n{}", faults.join("\n"));
    }
}

#[test]
fn every_refusal_is_as_it_is_described() {
    let place = told();
    let server = place.serve();
    let document = document();
    for (path, address, status) in [
        ("/api/v1/movements", "/api/v1/movements?moth=1", "400"),
        ("/api/v1/movements", "/api/v1/movements?limit=0", "400"),
        ("/api/v1/customers", "/api/v1/customers?book=nowhere", "404"),
        ("/api/v1/customers/{id}", "/api/v1/customers/cus_nobody", "404"),
        ("/api/v1/explain/{id}", "/api/v1/explain/cus_nobody", "404"),
        ("/api/v1/reports/{month}", "/api/v1/reports/nonsense", "404"),
        ("/api/v1/reports/{month}", "/api/v1/reports/2025-10?currency=consolidated", "400"),
        ("/api/v1/reports", "/api/v1/reports?from=2025-10", "400"),
        ("/api/v1/reports", "/api/v1/reports?trailing=true&currency=consolidated", "400"),
    ] {
        let schema = strict(&document, path, status, "application/problem+json");
        let answer = ask(&server, address);
        assert_eq!(answer.status.to_string(), status, "{address}");
        let answer = value(&answer.body);
        assert!(schema.is_valid(&answer), "{address}: {answer}");
        assert!(!schema.is_valid(&json!({"code": "another"})), "{path} takes any code");
    }
    let mut forwarded = server.connect().unwrap();
    let answer = forwarded.get("/api/v1/months", "X-Forwarded-For: 203.0.113.1\r\n").unwrap();
    let schema = strict(&document, "/api/v1/months", "403", "application/problem+json");
    assert!(schema.is_valid(&value(&answer.body)), "{}", answer.body);
}
