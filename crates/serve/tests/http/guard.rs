//! Requests of other web pages, with other host names, and without the token.

use std::net::SocketAddr;

use serve::{Config, Error, Server};

use crate::{
    client::{Answer, get, post, request},
    world::{World, config, png},
};

fn predict(address: SocketAddr, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[("Content-Type", "image/png")], headers].concat();
    request(address, "POST /v1/predict", &headers, &png(20, 1))
}

#[test]
fn only_own_names_are_answered() {
    let world = World::with(Config { hosts: vec!["xray.example".parse().unwrap()], ..config() });
    let port = world.address.port();
    let status = |host: &str| request(world.address, "GET /v1/model", &[("Host", host)], b"").status;
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"] {
        assert_eq!(status(&format!("{host}:{port}")), 200, "{host}");
        assert_eq!(status(host), 421, "{host} without a port");
        assert_eq!(status(&format!("{host}:{}", port ^ 1)), 421, "{host} of another port");
    }
    assert_eq!((status("xray.example"), status("xray.example:443")), (200, 200));
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "0.0.0.0"] {
        let host = format!("{host}:{port}");
        let answer = request(world.address, "GET /", &[("Host", &host)], b"");
        answer.refused(421, "foreign_host", &host);
    }
    for headers in
        [&[("Host", "")][..], &[("Host", "a@localhost")], &[("Host", "localhost"), ("Host", "localhost")]]
    {
        request(world.address, "GET /", headers, b"").refused(400, "no_host", "");
    }
    let absolute = request(world.address, &format!("GET http://evil.example:{port}/"), &[], b"");
    assert_eq!(absolute.status, 400, "{absolute:?}");
}

#[test]
fn no_other_page_may_use_it_unless_it_is_named() {
    let named = "https://pacs.example.org";
    let world = World::with(Config { allow_origins: vec![Config::origin(named).unwrap()], ..config() });
    let (address, own) = (world.address, format!("http://{}", world.address));
    assert_eq!(predict(address, &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")]).status, 200);
    for headers in [
        &[("Origin", "http://evil.example")][..],
        &[("Origin", "null")],
        &[("Origin", "https://pacs.example.org.evil.example")],
        &[("Origin", "http://127.0.0.1")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", &own), ("Sec-Fetch-Site", "cross-site")],
    ] {
        let answer = predict(address, headers);
        answer.refused(403, "foreign_origin", "--allow-origin");
        assert!(!answer.head.contains("access-control-allow-origin"), "{answer:?}");
    }
    let answer = predict(address, &[("Origin", named), ("Sec-Fetch-Site", "cross-site")]);
    assert!(
        answer.status == 200 && answer.head.contains(&format!("access-control-allow-origin: {named}")),
        "{answer:?}"
    );
    let preflight = |origin: &str| {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "POST")];
        request(address, "OPTIONS /v1/predict", &headers, b"").head
    };
    assert!(preflight(named).contains("access-control-allow-methods: get,post"), "{}", preflight(named));
    assert!(!preflight("http://evil.example").contains("access-control-allow-origin"));
}

#[test]
fn without_the_token_there_is_nothing_but_the_page() {
    let token = "0123456789abcdef-secret";
    let world = World::with(Config { token: Some(token.parse().unwrap()), ..config() });
    for path in ["/v1/model", "/metrics", "/missing"] {
        let answer = get(world.address, path);
        assert!(
            answer
                .refused(401, "no_token", "Authorization: Bearer")
                .head
                .contains("www-authenticate: bearer")
        );
    }
    post(world.address, "/v1/predict", "image/png", b"x").refused(401, "no_token", "");
    for given in ["Bearer 0123456789abcdef-secreT", "Bearer ", "Basic 0123456789abcdef-secret", "x", token] {
        predict(world.address, &[("Authorization", given)]).refused(401, "wrong_token", "");
    }
    assert_eq!(predict(world.address, &[("Authorization", &format!("Bearer {token}"))]).status, 200);
    assert_eq!(predict(world.address, &[("Authorization", &format!("bearer {token}"))]).status, 200);
    for path in ["/", "/page.js", "/page.css", "/healthz", "/openapi.json"] {
        let answer = get(world.address, path);
        assert!(answer.status == 200 && !answer.body.contains(token), "{path}");
    }
}

#[test]
fn strangers_are_kept_out_before_anything_is_served() {
    let open = Config { listen: "0.0.0.0:0".parse().unwrap(), ..config() };
    let error = Server::bind(open.clone()).err().unwrap();
    assert!(matches!(error, Error::NoToken { .. }), "{error}");
    let words = "0.0.0.0:0 can be reached from other machines, and there is no token to keep strangers out";
    assert_eq!(error.to_string(), words);
    assert!(Server::bind(Config { token: Some("0123456789abcdef".parse().unwrap()), ..open }).is_ok());
    let first = Server::bind(config()).unwrap();
    let error = Server::bind(Config { listen: first.address(), ..config() }).err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen at {}", first.address()));
}
