//! Answers, and refusals with their statuses.

use std::thread;

use crate::{
    client::{FORM, form, get, post, request},
    world::{CLASSES, World, expected, pixels, png, says},
};

#[test]
fn images_get_the_networks_probabilities_as_a_form_or_a_body() {
    let world = World::new();
    let (image, expected) = (png(40, 5), expected(&pixels(40, 5)));
    for (kind, body) in [
        (FORM, form(&[("image", &image)])),
        (FORM, form(&[("file", &image)])),
        ("application/octet-stream", image.clone()),
        ("image/png", image.clone()),
    ] {
        let answer = post(world.address, "/v1/predict", kind, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let value = answer.json();
        says(&value, &expected);
        let best = CLASSES.iter().zip(&expected).max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert_eq!(value["predicted"], *best);
        assert_eq!(
            (&value["warnings"], &value["operating_points"]),
            (&serde_json::json!([]), &serde_json::Value::Null)
        );
        assert!(value.get("image").is_none());
    }
    let view = post(world.address, "/v1/predict?view=true", "image/png", &image).json();
    assert_eq!((&view["image"]["width"], &view["image"]["height"]), (&40.into(), &40.into()));
    says(&view, &expected);
}

#[test]
fn many_at_once_get_each_its_own() {
    let world = World::new();
    let address = world.address;
    let clients: Vec<_> = (0..48)
        .map(|seed| thread::spawn(move || post(address, "/v1/predict", "image/png", &png(33, seed))))
        .collect();
    for (seed, client) in clients.into_iter().enumerate() {
        says(&client.join().unwrap().json(), &expected(&pixels(33, seed)));
    }
    let text = get(address, "/metrics").body;
    assert!(text.contains("thorax_requests_total{path=\"/v1/predict\",status=\"200\"} 48\n"), "{text}");
    assert!(
        text.contains("thorax_batch_images_sum 48.0\n") && text.contains("thorax_waiting_images 0\n"),
        "{text}"
    );
}

#[test]
fn a_heat_map_is_of_the_class_that_is_named() {
    let world = World::new();
    let image = png(40, 9);
    let of = |query: &str| post(world.address, &format!("/v1/explain{query}"), "image/png", &image);
    let value = of("").json();
    says(&value, &expected(&pixels(40, 9)));
    let explanation = &value["explanation"];
    assert_eq!((&explanation["class"], &explanation["method"]), (&value["predicted"], &"hires-cam".into()));
    for picture in ["colours", "map"] {
        let text = explanation[picture].as_str().unwrap();
        assert!(text.starts_with("iVBORw0KGgo"), "{text}");
    }
    let named = of("?class=Viral%20Pneumonia&method=occlusion&view=true").json();
    assert_eq!(named["explanation"]["class"], "Viral Pneumonia");
    assert_eq!(named["explanation"]["method"], "occlusion");
    assert!(named["image"]["png"].is_string());
    let refused = of("?class=Flu");
    refused.refused(
        422,
        "unknown_class",
        "there is no class `Flu`; there are COVID-19, NORMAL, Viral Pneumonia",
    );
    of("?method=magic").refused(400, "bad_query", "unknown method `magic`");
}

#[test]
fn colour_is_warned_of() {
    let world = World::new();
    let data = [200, 30, 30].repeat(900);
    let image = data::encode_png(&data::Pixels { width: 30, height: 30, channels: 3, data }).unwrap();
    let answer = post(world.address, "/v1/predict", "image/png", &image).json();
    assert_eq!(
        answer["warnings"],
        serde_json::json!(["the image has colour in 100 % of its pixels: radiographs have none"])
    );
}

#[test]
fn bad_uploads_are_told_apart() {
    let world = World::new();
    let image = png(40, 5);
    let predict = |kind: &str, body: &[u8]| post(world.address, "/v1/predict", kind, body);
    predict(FORM, &form(&[])).refused(400, "no_image", "send one as the form field `image`");
    predict(FORM, &form(&[("image", b"")])).refused(400, "no_image", "");
    predict("image/png", b"").refused(400, "no_image", "");
    predict(FORM, &form(&[("picture", &image)])).refused(422, "unknown_field", "no form field `picture`");
    predict(FORM, &form(&[("image", &image), ("file", &image)])).refused(422, "two_images", "");
    let whole = form(&[("image", &image)]);
    predict(FORM, &whole[..whole.len() - 30]).refused(400, "body_cut_off", "ends too early");
    predict("multipart/form-data", &whole).refused(400, "bad_form", "boundary");
    predict("application/x-www-form-urlencoded", &image).refused(
        415,
        "media_type",
        "application/octet-stream",
    );
    predict("image/png", b"a text that is no image").refused(415, "not_an_image", "the file is no image");
    predict("image/png", &image[..image.len() / 2]).refused(422, "image_cut_off", "the file is cut off");
    let mut damaged = image.clone();
    damaged[20] ^= 1;
    assert_eq!(predict("image/png", &damaged).status, 422);
    let large = png(1200, 0);
    predict("image/png", &large).refused(413, "image_too_large", "1200×1200 pixels");
    predict("image/png", &vec![0; (1 << 20) + 1]).refused(413, "body_too_large", "more than 1048576 bytes");
    let query = |path: &str| post(world.address, path, "image/png", &image);
    query("/v1/predict?model=other").refused(400, "bad_query", "model");
    query("/v1/predict?view=perhaps").refused(400, "bad_query", "");
    query("/v1/nothing").refused(404, "not_found", "/openapi.json");
    let answer = get(world.address, "/v1/predict");
    assert!(answer.refused(405, "method_not_allowed", "").head.contains("allow: post"), "{answer:?}");
    // None of that has a lasting effect.
    assert_eq!(predict("image/png", &image).status, 200);
}

#[test]
fn the_card_and_the_files_are_there_and_every_answer_is_guarded() {
    let world = World::new();
    let card = get(world.address, "/v1/model").json();
    assert_eq!(card["classes"], serde_json::json!(CLASSES));
    assert_eq!((&card["kind"], &card["epoch"]), (&"convnet".into(), &3.into()));
    assert!(card["notice"].as_str().unwrap().starts_with("Not for clinical use"));
    assert_eq!(get(world.address, "/healthz").json(), serde_json::json!({"status": "ok"}));
    assert_eq!(get(world.address, "/openapi.json").json()["openapi"], "3.1.0");
    for (path, kind) in [
        ("/", "text/html"),
        ("/page.js", "text/javascript"),
        ("/page.css", "text/css"),
        ("/metrics", "application/openmetrics-text"),
        ("/missing", "application/json"),
    ] {
        let answer = get(world.address, path);
        assert!(answer.head.contains(&format!("content-type: {kind}")), "{answer:?}");
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(answer.head.contains(header), "{path}: {header}");
        }
        assert!(!answer.head.contains("access-control"), "{answer:?}");
    }
    let page = get(world.address, "/").body;
    assert!(
        page.contains("Not for clinical use") && !page.contains("://") && !page.contains(" style="),
        "{page}"
    );
    assert_eq!(request(world.address, "HEAD /", &[], b"").body, "");
}
