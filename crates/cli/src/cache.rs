//! Command `data cache`: the size of the cache of decoded images.

use anyhow::Result;
use data::Cache;
use serde_json::json;

use crate::{args::DataCacheArgs, output::Output, status::Status};

/// Prints the size of the cache, or with `--clear` what was removed.
pub(crate) fn run(args: &DataCacheArgs, output: &Output) -> Result<Status> {
    let cache = Cache { folder: args.cache.clone(), limit: 0 };
    let size = if args.clear { cache.clear()? } else { cache.size()? };
    if args.json {
        let folder = base::stored(&args.cache);
        let result =
            json!({"cache": folder, "cleared": args.clear, "files": size.files, "bytes": size.bytes});
        output.data(result.to_string());
    } else {
        let files = if size.files == 1 { "file" } else { "files" };
        let megabytes = size.bytes as f64 / 1e6;
        let what = if args.clear { "removed " } else { "" };
        output.result(format!(
            "{}: {what}{} {files}, {megabytes:.1} MB",
            base::shown(&args.cache),
            size.files
        ));
    }
    Ok(Status::Done)
}
