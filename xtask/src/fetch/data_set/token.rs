//! The user's Kaggle token: found in the places of Kaggle's own programs, sent to Kaggle alone, never shown.

use crate::failure::Advice;
use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use ureq::http::HeaderValue;

/// Credentials for Kaggle.
pub(super) struct KaggleToken {
    /// Value of the `Authorization` header.
    header: HeaderValue,
    /// Place where it was found, for messages.
    pub(super) source: String,
}

/// Content of `kaggle.json`, in Kaggle's format.
#[derive(Deserialize)]
struct Legacy {
    username: String,
    key: String,
}

impl KaggleToken {
    /// Finds the first token in the order of Kaggle's own programs: `KAGGLE_API_TOKEN` or `access_token`, the new kind,
    /// then `KAGGLE_USERNAME` with `KAGGLE_KEY` or `kaggle.json`, the old one.
    pub(super) fn find() -> Result<Option<Self>> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        if let Some(token) = set("KAGGLE_API_TOKEN") {
            return Self::bearer(&token, "KAGGLE_API_TOKEN".into()).map(Some);
        }
        let folder = folder();
        let read = |name: &str| {
            let path = folder.as_ref()?.join(name);
            path.is_file().then(|| text(&path).map(|text| (text, format!("`{}`", path.display()))))
        };
        if let Some(file) = read("access_token") {
            let (token, source) = file?;
            return Self::bearer(&token, source).map(Some);
        }
        if let (Some(username), Some(key)) = (set("KAGGLE_USERNAME"), set("KAGGLE_KEY")) {
            return Self::basic(&Legacy { username, key }, "KAGGLE_KEY".into()).map(Some);
        }
        let Some(file) = read("kaggle.json") else { return Ok(None) };
        let (text, source) = file?;
        // serde's own message could quote the key.
        let legacy = serde_json::from_str(&text).map_err(|_| unusable(&source))?;
        Self::basic(&legacy, source).map(Some)
    }

    fn bearer(token: &str, source: String) -> Result<Self> {
        Self::new(&format!("Bearer {}", token.trim()), source)
    }

    fn basic(legacy: &Legacy, source: String) -> Result<Self> {
        let pair = format!("{}:{}", legacy.username.trim(), legacy.key.trim());
        Self::new(&format!("Basic {}", STANDARD.encode(pair)), source)
    }

    fn new(value: &str, source: String) -> Result<Self> {
        let mut header = HeaderValue::from_str(value).map_err(|_| unusable(&source))?;
        header.set_sensitive(true); // a log of the request leaves it out
        Ok(Self { header, source })
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

/// Returns the settings folder of Kaggle's own programs.
fn folder() -> Option<PathBuf> {
    let set = std::env::var_os("KAGGLE_CONFIG_DIR").filter(|value| !value.is_empty()).map(PathBuf::from);
    set.or_else(|| std::env::home_dir().map(|home| home.join(".kaggle")))
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| {
        let hint = "make it readable for you, or move it away: the data set can be had without a token";
        Advice::new(format!("cannot read `{}`", path.display()), hint)
    })
}

fn unusable(source: &str) -> anyhow::Error {
    let hint = "make a new token on https://www.kaggle.com/settings, or take this one away: the data set can be had \
                without";
    anyhow!(Advice::new(format!("{source} holds no Kaggle token"), hint))
}
