//! OpenAPI document compared with the program: its paths, its codes, its fields.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use crate::{
    client::{get, post, request},
    world::{World, png},
};

/// Source of the routes, and sources of the statuses and codes of refusals.
const ROUTES: &str = include_str!("../../src/app.rs");
const REFUSALS: [&str; 2] = [include_str!("../../src/refusal.rs"), include_str!("../../src/connection.rs")];

/// Collects the text between two words, for each occurrence.
fn between<'a>(text: &'a str, start: &str, end: &str) -> BTreeSet<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split_once(end)).map(|(inner, _)| inner).collect()
}

fn document(world: &World) -> Value {
    get(world.address, "/openapi.json").json()
}

/// Finds a status by the name of its constant.
fn number(name: &str) -> String {
    let is = |status: &StatusCode| {
        let reason = status.canonical_reason().unwrap_or_default();
        reason.to_uppercase().replace([' ', '-'], "_") == name
    };
    (400..600).filter_map(|number| StatusCode::from_u16(number).ok()).find(is).unwrap().as_str().to_owned()
}

/// Collects every reference in a value.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn it_names_every_path_and_no_other() {
    let world = World::new();
    let document = document(&world);
    let paths = document["paths"].as_object().unwrap();
    let routed: BTreeSet<&str> = between(ROUTES, ".route(\"", "\"");
    let named: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    // Files of the page are not part of the document.
    let files: Vec<&&str> = routed.difference(&named).collect();
    assert_eq!((files, named.difference(&routed).count()), (vec![&"/page.css", &"/page.js"], 0));
    for (path, methods) in paths {
        let methods: Vec<String> =
            methods.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect();
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let status = request(world.address, &format!("{method} {path}"), &[], b"").status;
            assert_eq!(status != 405, methods.iter().any(|name| name == method), "{method} {path}: {status}");
            assert_ne!(status, 404, "{method} {path}");
        }
    }
}

#[test]
fn its_references_lead_somewhere_and_its_operations_have_names_of_their_own() {
    let world = World::new();
    let document = document(&world);
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() >= 5, "{found:?}");
    for reference in found {
        let target = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some_and(Value::is_object), "{reference}");
    }
    let operations: Vec<&Value> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .collect();
    let names: BTreeSet<&str> = operations.iter().map(|of| of["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), operations.len());
    for operation in operations {
        assert!(operation["summary"].is_string() && operation["responses"]["200"]["content"].is_object());
    }
}

#[test]
fn it_names_every_code_and_status_of_a_refusal() {
    let world = World::new();
    let document = document(&world);
    let code = &document["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"];
    let named: BTreeSet<&str> =
        code["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let mut said = between(REFUSALS[1], "\\\"code\\\":\\\"", "\\\"");
    for pair in between(REFUSALS[0], "(S::", "\")") {
        let (status, code) = pair.split_once(", \"").unwrap();
        said.insert(code);
        let status = number(status);
        // These belong to other paths and other methods.
        if !["404", "405"].contains(&status.as_str()) {
            for path in ["predict", "explain"] {
                let responses = &document["paths"][format!("/v1/{path}")]["post"]["responses"];
                assert!(responses[&status].is_object(), "{pair} is no answer of {path}");
            }
        }
    }
    assert!(said.len() > 25, "{said:?}");
    assert_eq!(said, named);
}

/// Returns the fields of a schema: the required ones, and the ones that an answer may lack.
fn fields<'a>(document: &'a Value, schema: &'a Value) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fields(document, document.pointer(&reference[1..]).unwrap());
    }
    let names =
        |of: Option<&'a Value>| of.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut all: BTreeSet<&str> =
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| &**name).collect();
    let mut required: BTreeSet<&str> = names(schema.get("required")).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, needed) = fields(document, part);
        all.extend(more);
        required.extend(needed);
    }
    (all, required)
}

#[test]
fn answers_have_the_fields_that_it_names() {
    let world = World::new();
    let document = document(&world);
    let image = png(30, 1);
    let send = |path: &str| post(world.address, path, "image/png", &image).json();
    for (name, full, short) in [
        ("Prediction", send("/v1/predict?view=true"), send("/v1/predict")),
        ("Explained", send("/v1/explain?view=true"), send("/v1/explain")),
        ("Model", get(world.address, "/v1/model").json(), get(world.address, "/v1/model").json()),
        ("Error", get(world.address, "/nowhere").json(), get(world.address, "/nowhere").json()),
    ] {
        let schema = &document["components"]["schemas"][name];
        let (all, required) = fields(&document, schema);
        assert_eq!(keys(&full), all, "{name}");
        assert_eq!(keys(&short), required, "{name}");
    }
    for (part, pointer) in [("image", "/Image"), ("explanation", "/Explained/allOf/1/properties/explanation")]
    {
        let schema = document.pointer(&format!("/components/schemas{pointer}")).unwrap();
        let answer = send("/v1/explain?view=true");
        assert_eq!(keys(&answer[part]), fields(&document, schema).0, "{part}");
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
