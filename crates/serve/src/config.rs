//! Configuration of a server.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use axum::http::{HeaderValue, Uri, uri::Authority};
use subtle::ConstantTimeEq as _;

use crate::{Error, Result};

/// Address to listen at, access rules, and limits.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen at; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Host names of the server besides its own addresses, as browsers send them: behind a proxy, or in a local network.
    pub hosts: Vec<HostName>,
    /// Origins of other web pages that may use the server.
    pub allow_origins: Vec<HeaderValue>,
    /// Secret that is required for all but the page; needed if other machines can reach the server.
    pub token: Option<Token>,
    /// Limits on size, number and time.
    pub limits: Limits,
    /// Function that returns the bytes of memory that the process may still take. Uploads and decoding stay below its value at
    /// the start, and large images are refused while it returns less.
    pub free_memory: fn() -> u64,
}

/// Limits on size, number and time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body of a request in bytes, at least 1.
    pub upload: u64,
    /// Bytes of all bodies that are in memory at a time, at least `upload`.
    pub uploads: u64,
    /// Largest number of images of a batch, at least 1.
    pub batch: usize,
    /// Longest time that a batch that is not full waits for more images.
    pub batch_wait: Duration,
    /// Number of images that wait for their answer at a time, at least 1; one more is refused.
    pub queue: usize,
    /// Number of small images that are decoded at a time, at least 1; half as many large ones are decoded besides.
    pub decoders: usize,
    /// Number of connections at a time, at least 1; one more replaces the one that has been idle longest.
    pub connections: usize,
    /// Time limit for the head of a request, and between two requests.
    pub head_time: Duration,
    /// Time limit for a request's body.
    pub body_time: Duration,
    /// Time limit from the end of the body to the answer: waiting for a decoder, decoding, waiting for the network and computing.
    pub answer_time: Duration,
    /// Time limit for a client to accept any part of an answer that is sent to it.
    pub write_time: Duration,
    /// Time limit for requests in progress when the server stops.
    pub drain_time: Duration,
    /// Time limit for a client to send or accept any more when the server stops, or when others need its connection.
    pub stall_time: Duration,
}

impl Limits {
    /// Returns these limits with uploads that take at most an eighth of these bytes of memory: buffers grow by doubling.
    pub(crate) fn within(&self, free_memory: u64) -> Self {
        let most = (free_memory / 8).max(1);
        Self { upload: self.upload.min(most), uploads: self.uploads.min(most), ..self.clone() }
    }
}

impl Config {
    /// Checks that a server that other machines can reach has a token.
    ///
    /// # Errors
    /// An address that other machines reach, without a token.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.listen.ip().is_loopback() && self.token.is_none() {
            return Err(Error::NoToken { address: self.listen });
        }
        Ok(())
    }
}

/// Secret that every user of the server must send.
#[derive(Clone)]
pub struct Token(String);

/// Prints the type only, never the token itself.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl FromStr for Token {
    type Err = Error;

    /// Parses a token; white space around it, such as a file's last line break, is removed.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        match text.len() {
            0..16 => Err(Error::Token("needs at least 16 characters")),
            1025.. => Err(Error::Token("has at most 1024 characters")),
            _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err(Error::Token("is made of ASCII letters, digits and signs, without blanks"))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl Token {
    /// Compares tokens in a time that does not depend on the content.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

/// Host name that browsers may use for the server, with a port if only that port is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    host: String,
    port: Option<u16>,
}

impl FromStr for HostName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::HostName(text.to_owned());
        let authority: Authority = text.parse().map_err(|_| wrong())?;
        // An invalid port, such as one above 65535, must not be taken for a name without a port.
        let bad_port = authority.as_str().len() > authority.host().len() && authority.port_u16().is_none();
        if text.contains('@') || authority.host().is_empty() || bad_port {
            return Err(wrong());
        }
        Ok(Self { host: authority.host().to_ascii_lowercase(), port: authority.port_u16() })
    }
}

impl HostName {
    pub(crate) fn is(&self, authority: &Authority) -> bool {
        self.host.eq_ignore_ascii_case(authority.host())
            && self.port.is_none_or(|port| authority.port_u16() == Some(port))
    }
}

impl Config {
    /// Parses an origin in the form that browsers send: `https://pacs.example.org`.
    ///
    /// # Errors
    /// Anything else.
    pub fn origin(text: &str) -> Result<HeaderValue> {
        let wrong = || Error::Origin(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.path_and_query().is_none_or(|path| path == "/")
            && !text.ends_with('/');
        if !is_origin || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong());
        }
        HeaderValue::from_str(text).map_err(|_| wrong())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Makes small limits.
    pub(crate) fn limits() -> Limits {
        let seconds = Duration::from_secs;
        Limits {
            upload: 1 << 20,
            uploads: 8 << 20,
            batch: 4,
            batch_wait: Duration::from_millis(20),
            queue: 8,
            decoders: 2,
            connections: 8,
            head_time: seconds(1),
            body_time: seconds(1),
            answer_time: seconds(10),
            write_time: seconds(1),
            drain_time: seconds(1),
            stall_time: seconds(1),
        }
    }

    #[test]
    fn a_token_is_long_and_plain_and_never_shown() {
        let token: Token = " 0123456789abcdef\n".parse().unwrap();
        assert!(token.is(b"0123456789abcdef"));
        assert!(!token.is(b"0123456789abcdeg") && !token.is(b"0123456789abcde") && !token.is(b""));
        assert!(!format!("{token:?}").contains("0123"));
        for (text, words) in [
            ("", "a token needs at least 16 characters"),
            ("0123456789abcde\n", "a token needs at least 16 characters"),
            ("0123456789 abcdef", "a token is made of ASCII letters, digits and signs, without blanks"),
            ("0123456789äbcdef", "a token is made of ASCII letters, digits and signs, without blanks"),
        ] {
            assert_eq!(text.parse::<Token>().unwrap_err().to_string(), words, "{text}");
        }
        assert!("x".repeat(1025).parse::<Token>().is_err());
    }

    #[test]
    fn names_and_origins_are_what_browsers_write() {
        let is = |name: &str, asked: &str| {
            name.parse::<HostName>().unwrap().is(&asked.parse::<Authority>().unwrap())
        };
        assert!(is("xray.example", "XRAY.example") && is("xray.example", "xray.example:8443"));
        assert!(is("xray.example:80", "xray.example:80") && !is("xray.example:80", "xray.example"));
        assert!(!is("xray.example", "evil-xray.example"));
        for name in ["", "a b", "me@host", "host:", "host/path", "host:99999999"] {
            assert!(name.parse::<HostName>().is_err(), "{name}");
        }
        assert_eq!(Config::origin("https://pacs.example.org:8443").unwrap(), "https://pacs.example.org:8443");
        for origin in ["*", "null", "pacs.example.org", "https://a.org/", "https://a.org/x", "ftp://a.org"] {
            assert!(Config::origin(origin).is_err(), "{origin}");
        }
    }
}
