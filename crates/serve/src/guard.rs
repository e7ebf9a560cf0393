//! Access check: no web page but this server's own, and no client without the token if one is set.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header, uri::Authority},
};

use crate::{Config, HostName, Token, connection::Local, refusal::Refusal};

pub(crate) struct AccessPolicy {
    hosts: Vec<HostName>,
    origins: Vec<HeaderValue>,
    token: Option<Token>,
    address: SocketAddr,
}

/// Paths that are open without the token, because they hold nothing of model or images.
pub(crate) const OPEN: [&str; 5] = ["/", "/page.js", "/page.css", "/openapi.json", "/healthz"];

/// Tells if a path is open without the token.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.contains(&path)
}

impl AccessPolicy {
    pub(crate) fn new(config: &Config, address: SocketAddr) -> Self {
        let (hosts, origins) = (config.hosts.clone(), config.allow_origins.clone());
        Self { hosts, origins, token: config.token.clone(), address }
    }

    /// Checks host, origin and token of a request.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Refusal> {
        let host = host(request)?;
        let local = request.extensions().get::<Local>().map_or(self.address, |local| local.0);
        // Another page's host name can resolve to this address (DNS rebinding), and would then be of the same origin.
        if !self.is_our_name(&host, local) {
            return Err(Refusal::ForeignHost(host.to_string()));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            self.check_origin(request.headers(), &host)?;
        }
        match &self.token {
            Some(token) if !is_open(request.uri().path()) => check_token(request.headers(), token),
            _ => Ok(()),
        }
    }

    fn is_our_name(&self, host: &Authority, local: SocketAddr) -> bool {
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        let local_ip = local.ip().to_canonical();
        let own = match name.parse::<IpAddr>() {
            Ok(ip) => ip == local_ip || ip.is_loopback() && local_ip.is_loopback(),
            Err(_) => name.eq_ignore_ascii_case("localhost") && local_ip.is_loopback(),
        };
        own && host.port_u16().unwrap_or(80) == local.port() || self.hosts.iter().any(|name| name.is(host))
    }

    /// Refuses requests of other web pages. Browsers send the origin of a request; other programs send none.
    fn check_origin(&self, headers: &HeaderMap, host: &Authority) -> Result<(), Refusal> {
        let origin = headers.get(header::ORIGIN);
        if origin.is_some_and(|origin| self.origins.contains(origin)) {
            return Ok(());
        }
        let of_origin = |origin: &HeaderValue| {
            let (scheme, authority) = origin.to_str().ok()?.split_once("://")?;
            Some(matches!(scheme, "http" | "https") && authority.eq_ignore_ascii_case(host.as_str()))
        };
        let same = origin.is_none_or(|origin| of_origin(origin) == Some(true));
        let site = headers.get("sec-fetch-site");
        if same && site.is_none_or(|site| site == "same-origin" || site == "none") {
            return Ok(());
        }
        Err(Refusal::ForeignOrigin)
    }
}

/// Returns the one host that a request names.
fn host(request: &Request) -> Result<Authority, Refusal> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return Err(Refusal::NoHost) };
    let host: Authority = (host.to_str().ok())
        .filter(|text| !text.contains('@'))
        .and_then(|text| text.parse().ok())
        .ok_or(Refusal::NoHost)?;
    match request.uri().authority() {
        Some(other) if *other != host => Err(Refusal::NoHost),
        _ => Ok(host),
    }
}

fn check_token(headers: &HeaderMap, token: &Token) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).ok_or(Refusal::NoToken)?;
    let (scheme, given) = given.as_bytes().split_at_checked(7).ok_or(Refusal::WrongToken)?;
    if scheme.eq_ignore_ascii_case(b"bearer ") && token.is(given.trim_ascii()) {
        return Ok(());
    }
    Err(Refusal::WrongToken)
}
