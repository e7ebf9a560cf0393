//! Malformed forms.

use proptest::prelude::*;

use crate::{
    client::{FORM, form, get, post},
    world::{World, png},
};

/// Generates valid and invalid pieces of forms.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "--b0\r\n",
        "--b0--",
        "\r\n\r\n",
        "\r\n",
        "--b0",
        "Content-Disposition: form-data; name=\"image\"\r\n\r\n",
        "Content-Disposition: form-data; name=\"image\"; filename=\"../../x\0\"\r\n",
        "Content-Disposition: form-data; name*=UTF-8''%ff\r\n\r\n",
        "Content-Type: multipart/mixed; boundary=b0\r\n\r\n",
        "\u{feff}\"\\\"",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => Just(png(20, 1)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_is_answered(forms in prop::collection::vec(prop::collection::vec(piece(), 0..8), 1..6)) {
        let world = world();
        for pieces in forms {
            let answer = post(world.address, "/v1/predict", FORM, &pieces.concat());
            prop_assert!([200, 400, 415, 422].contains(&answer.status), "{answer:?}");
        }
    }

    #[test]
    fn a_good_form_with_a_few_bytes_changed_is_answered(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5), cut in any::<prop::sample::Index>()) {
        let world = world();
        let mut body = form(&[("image", &png(20, 1))]);
        for (at, value) in changes {
            let at = at.index(body.len());
            body[at] = value;
        }
        for body in [&body[..], &body[..cut.index(body.len())]] {
            let answer = post(world.address, "/v1/explain", FORM, body);
            prop_assert!([200, 400, 413, 415, 422].contains(&answer.status), "{answer:?}");
        }
        prop_assert_eq!(get(world.address, "/healthz").status, 200);
    }
}

/// Returns one server for all cases; it ends with the tests.
fn world() -> &'static World {
    static WORLD: std::sync::OnceLock<World> = std::sync::OnceLock::new();
    WORLD.get_or_init(World::new)
}
