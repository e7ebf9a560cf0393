//! Requests to Kaggle, and the interpretation of its answers.
//!
//! Kaggle answers with a redirect to a storage host, whose address is made for this one request. Redirects are followed
//! here and not by ureq, so that the token goes to Kaggle alone and no address with a signature in it is ever shown.

use super::super::remote::{agent, text};
use super::token::KaggleToken;
use crate::failure::Advice;
use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;
use ureq::Body;
use ureq::http::{Response, Uri, header};

/// Addresses of the archive.
#[derive(Deserialize)]
pub(in super::super) struct Pins {
    /// Download address.
    pub(super) url: String,
    /// Address of the web page for reading about it and downloading it by hand.
    pub(super) page: String,
}

impl Default for Pins {
    fn default() -> Self {
        let name = "tawsifurrahman/covid19-radiography-database";
        Self {
            url: format!("https://www.kaggle.com/api/v1/datasets/download/{name}"),
            page: format!("https://www.kaggle.com/datasets/{name}"),
        }
    }
}

/// Part of the archive that is wanted: everything after so many bytes of the version with this ETag.
pub(super) struct Rest<'a> {
    pub(super) start: u64,
    pub(super) etag: &'a str,
}

/// Largest number of redirects that are followed.
const REDIRECTS: usize = 10;

impl Pins {
    /// Returns the hint for a machine without network access.
    pub(super) fn by_hand(&self) -> String {
        format!(
            "open {}, press Download, leave the file as `archive.zip` in `~/Downloads`, and run: \
             cargo xtask fetch-data --from ~/Downloads/archive.zip",
            self.page
        )
    }

    /// Requests the archive, or the rest of it (206). The status is 416 if there is no such rest.
    pub(super) fn ask(&self, token: Option<&KaggleToken>, rest: Option<&Rest<'_>>) -> Result<Response<Body>> {
        let response = self.follow(token, rest).map_err(|error| self.failed(error, self.by_hand()))?;
        let status = response.status();
        match status.as_u16() {
            200 | 206
                if text(&response, header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/")) =>
            {
                Err(self.failed(anyhow!("the answer is a page, not the archive"), self.by_hand()))
            }
            200 | 206 => Ok(response),
            416 if rest.is_some() => Ok(response),
            code => {
                let wait = text(&response, header::RETRY_AFTER).and_then(|value| value.parse::<u32>().ok());
                let hint = format!("{}, or {}", self.mend(code, token, wait), self.by_hand());
                Err(self.failed(anyhow!("the server answers `{status}`"), hint))
            }
        }
    }

    fn failed(&self, cause: anyhow::Error, hint: String) -> anyhow::Error {
        let advice = Advice::new("the data set could not be fetched from Kaggle", hint);
        cause.context(format!("cannot fetch {}", self.url)).context(advice)
    }

    /// Returns the remedy for a refusal, to try before a download by hand.
    fn mend(&self, status: u16, token: Option<&KaggleToken>, wait: Option<u32>) -> String {
        match (status, token) {
            (401 | 403, None) => {
                "give a Kaggle token (KAGGLE_USERNAME and KAGGLE_KEY, or `~/.kaggle/kaggle.json`) \
                                  and run this again"
                    .into()
            }
            (401 | 403, Some(token)) => format!(
                "make a new token in place of that in {} on https://www.kaggle.com/settings and run this again",
                token.source
            ),
            (429, _) => wait.map_or_else(
                || "wait a while and run this again".into(),
                |seconds| format!("wait {seconds} s and run this again"),
            ),
            (500..=599, _) => "run this again later".into(),
            _ => "see whether the data set has moved".into(),
        }
    }

    fn follow(&self, token: Option<&KaggleToken>, rest: Option<&Rest<'_>>) -> Result<Response<Body>> {
        let home: Uri = self.url.parse().context("its address cannot be read")?;
        let agent = agent(0);
        let mut uri = home.clone();
        for _ in 0..=REDIRECTS {
            // With compression, the bytes counted would not be the file's.
            let mut request = agent.get(&uri).header(header::ACCEPT_ENCODING, "identity");
            if let Some(Rest { start, etag }) = rest {
                request = request.header(header::RANGE, format!("bytes={start}-"));
                request = request.header(header::IF_RANGE, *etag);
            }
            if let Some(token) = token.filter(|_| same_origin(&uri, &home)) {
                request = request.header(header::AUTHORIZATION, token.header());
            }
            let host = uri.host().unwrap_or_default().to_owned();
            let response = request.call().with_context(|| format!("{host} cannot be reached"))?;
            match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => {
                    let location = text(&response, header::LOCATION).unwrap_or_default();
                    uri = target(&uri, location).with_context(|| format!("{host} redirects, but"))?;
                }
                _ => return Ok(response),
            }
        }
        bail!("more than {REDIRECTS} redirects")
    }
}

/// Returns the target of a redirect: another host, or another path of the same one, and never from encryption to none.
fn target(from: &Uri, location: &str) -> Result<Uri> {
    let (scheme, host) = (from.scheme_str().unwrap_or_default(), from.authority());
    let whole = match (location, host) {
        (location, _) if location.starts_with("//") => format!("{scheme}:{location}"),
        (location, Some(host)) if location.starts_with('/') => format!("{scheme}://{host}{location}"),
        _ => location.to_owned(),
    };
    // The address is not quoted: it may contain a signature.
    let uri: Uri = whole.split('#').next().unwrap_or_default().parse().context("to no address")?;
    match uri.scheme_str() {
        Some("http") if scheme == "https" => bail!("to an address without encryption"),
        Some("http" | "https") if uri.host().is_some() => Ok(uri),
        _ => bail!("to no address of the web"),
    }
}

fn same_origin(a: &Uri, b: &Uri) -> bool {
    let origin = |uri: &Uri| {
        let scheme = uri.scheme_str().unwrap_or_default().to_owned();
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        (scheme, uri.host().unwrap_or_default().to_lowercase(), port)
    };
    origin(a) == origin(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().expect("an address")
    }

    #[test]
    fn a_redirect_is_followed_to_where_a_browser_would_go() {
        let from = uri("https://www.kaggle.com/api/v1/x?y=1");
        for (location, to) in [
            ("https://storage.googleapis.com/b/a.zip?sig=1", "https://storage.googleapis.com/b/a.zip?sig=1"),
            ("/account/login?next=x", "https://www.kaggle.com/account/login?next=x"),
            ("//other.example/a.zip", "https://other.example/a.zip"),
            ("https://other.example/a.zip#part", "https://other.example/a.zip"),
        ] {
            assert_eq!(target(&from, location).expect("it leads there"), uri(to), "{location}");
        }
        for location in ["", "file:///etc/passwd", "ftp://host/a.zip", "a.zip", "javascript:x", "http://"] {
            target(&from, location).expect_err(location);
        }
        let error = target(&from, "http://storage.googleapis.com/a.zip").expect_err("it is open to all");
        assert_eq!(error.to_string(), "to an address without encryption");
    }

    #[test]
    fn another_host_scheme_or_port_is_another_origin() {
        let home = uri("https://www.kaggle.com/api/v1/x");
        for same in ["https://www.kaggle.com/y", "https://WWW.kaggle.com:443/"] {
            assert!(same_origin(&uri(same), &home), "{same}");
        }
        for other in [
            "http://www.kaggle.com/y",
            "https://www.kaggle.com:444/y",
            "https://kaggle.com/y",
            "https://www.kaggle.com.evil.example/y",
            "https://www.kaggle.com@evil.example/y",
        ] {
            assert!(!same_origin(&uri(other), &home), "{other}");
        }
    }
}
