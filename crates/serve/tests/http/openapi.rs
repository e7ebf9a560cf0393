//! OpenAPI document compared with the program: its paths, its codes, its fields.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    client::{get, post, request},
    world::{World, png},
};

fn document(world: &World) -> Value {
    get(world.address, "/openapi.json").json()
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
fn its_paths_take_its_methods_and_no_other() {
    let world = World::new();
    let document = document(&world);
    for (path, methods) in document["paths"].as_object().unwrap() {
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
    for (part, pointer) in [("image", "/Image"), ("explanation", "/Explanation")] {
        let schema = document.pointer(&format!("/components/schemas{pointer}")).unwrap();
        let answer = send("/v1/explain?view=true");
        assert_eq!(keys(&answer[part]), fields(&document, schema).0, "{part}");
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
