//! What a server is told.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use axum::http::{HeaderValue, Uri, uri::Authority};
use data::Decoding;
use subtle::ConstantTimeEq as _;

use crate::{Error, Result};

/// Where to listen, whom to answer, and how much to take.
#[derive(Clone, Debug)]
pub struct Config {
    /// Port 0 takes any that is free.
    pub listen: SocketAddr,
    /// What the server is called besides its own addresses, as browsers name it: behind a proxy, or by a name in a network.
    pub hosts: Vec<HostName>,
    /// Other web pages that may use it.
    pub allow_origins: Vec<HeaderValue>,
    /// What everyone must know who asks for more than the page; needed where others than this machine can reach it.
    pub token: Option<Token>,
    /// How uploads become pixels.
    pub decoding: Decoding,
    /// How much is taken, and for how long.
    pub limits: Limits,
    /// Tells the bytes of memory that the process may still take. Uploads and decoding keep below what it says at the start,
    /// and large images are refused while it says less.
    pub free_memory: fn() -> u64,
}

/// How much is taken, and for how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's body, at least 1.
    pub upload: u64,
    /// Bytes of all bodies that are in memory at a time, at least as many.
    pub uploads: u64,
    /// Images of a batch, at least 1.
    pub batch: usize,
    /// How long a batch that is not full waits for more.
    pub batch_wait: Duration,
    /// Images that wait for their answer at a time, at least 1; one more is refused.
    pub queue: usize,
    /// Small images that are decoded at a time, at least 1; half as many large ones are besides.
    pub decoders: usize,
    /// Connections at a time, at least 1; one more takes the place of the one that has been idle longest.
    pub connections: usize,
    /// For the head of a request, and between two of them.
    pub head_time: Duration,
    /// For a request's body.
    pub body_time: Duration,
    /// From the end of the body to the answer: waiting for a decoder, decoding, waiting for the network and computing.
    pub answer_time: Duration,
    /// For a client to take any of an answer that it was sent.
    pub write_time: Duration,
    /// For requests at hand when the server stops.
    pub drain_time: Duration,
    /// For a client to send or take any more when the server stops, or when others need its connection.
    pub stall_time: Duration,
}

impl Limits {
    /// The same with uploads that take at most an eighth of these bytes of memory: buffers grow by doubling.
    pub(crate) fn within(&self, free_memory: u64) -> Self {
        let most = (free_memory / 8).max(1);
        Self { upload: self.upload.min(most), uploads: self.uploads.min(most), ..self.clone() }
    }
}

impl Config {
    /// # Errors
    /// An address that other machines reach, without a token.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.listen.ip().is_loopback() && self.token.is_none() {
            return Err(Error::NoToken { address: self.listen });
        }
        Ok(())
    }
}

/// What everyone must know who uses the server.
#[derive(Clone)]
pub struct Token(String);

/// Never the token itself.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl FromStr for Token {
    type Err = Error;

    /// White space around it, such as a file's last line end, is no part of it.
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
    /// Takes as long for any other token of this length.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

/// A host that browsers may call the server by, with a port where only that one is meant.
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
        // A port that is none, such as one above 65535, is no name without a port.
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
    /// An origin as browsers write it: `https://pacs.example.org`.
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

    /// Small ones.
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
