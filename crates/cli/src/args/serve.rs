use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use data::Formats;

use super::{
    PredictorArgs,
    values::{at_most, bytes},
};

#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) predictor: PredictorArgs,
    /// Address to listen on; port 0 takes any free port. `0.0.0.0` or `[::]` lets other machines in, and needs a token
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// File with a token of 16 characters or more that every user must give
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Further host name that browsers use, such as that of a proxy before the server
    #[arg(long, value_name = "NAME[:PORT]")]
    pub(crate) host: Vec<serve::HostName>,
    /// Further web origin that may use the server, such as `https://pacs.example.org`
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// Largest upload, in bytes or with kB, MB or GB
    #[arg(long, value_name = "SIZE", default_value = "64MB", value_parser = upload)]
    pub(crate) max_upload: u64,
    /// Largest number of pixels that an image may announce
    #[arg(long, value_name = "N", default_value_t = 1 << 26, value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    pub(crate) max_pixels: u64,
    /// Rules for decoding images: all or keras [default: the model's own]
    #[arg(long, value_name = "RULES")]
    pub(crate) formats: Option<Formats>,
    /// Largest number of images computed together
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = at_most::<4096>, allow_negative_numbers = true)]
    pub(crate) max_batch: usize,
    /// Largest number of images waiting for their answers; one more is refused (429)
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = at_most::<100_000>, allow_negative_numbers = true)]
    pub(crate) queue: usize,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let number = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let wrong = "give an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";
    number.as_deref().unwrap_or(text).parse().map_err(|_| wrong.to_owned())
}

fn upload(text: &str) -> Result<u64, String> {
    let size = bytes(text)?;
    if (1024..=4 << 30).contains(&size) { Ok(size) } else { Err("must be 1 kB to 4 GB".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_this_machine() {
        let local = Ok("127.0.0.1:80".parse().unwrap());
        assert_eq!([address("localhost:80"), address("127.0.0.1:80")], [local.clone(), local]);
        assert!(address("[::1]:0").is_ok());
        for text in ["", "8080", "127.0.0.1", "example.org:80", "localhost:", "localhost:70000"] {
            assert!(address(text).is_err(), "{text}");
        }
        assert_eq!(
            (upload("64MB"), upload("0").is_err(), upload("5GB").is_err()),
            (Ok(64_000_000), true, true)
        );
    }
}
