//! `data scan` and `data sample`.

use anyhow::Result;
use data::{Cache, Formats, Interpolation, Preprocess, SampleOptions};
use serde_json::json;

use crate::{
    args::{DataCacheArgs, SampleArgs, ScanArgs},
    compute::use_threads,
    dataset::{self, marked},
    output::Output,
    progress,
    status::Status,
    table::table,
};

/// Lists a folder's classes, and reads every image to find those that cannot be read.
pub(crate) fn scan(args: &ScanArgs, output: &Output) -> Result<Status> {
    use_threads(args.threads)?;
    let listing = data::scan(&args.data, args.classes.as_deref())?;
    let labels = listing.labels();
    let bar = progress::bar(output, listing.samples.len(), "reading images");
    // The size does not matter: every byte of a file is decoded at any size.
    let preprocess = Preprocess { image_size: 1, interpolation: Interpolation::Nearest };
    let loaded =
        data::load(&listing.samples, &preprocess, &args.read.decoding(Formats::Keras), None, &|| bar.inc(1));
    bar.finish_and_clear();

    let images = &loaded.images;
    let (counts, readable) = (listing.counts(), data::counts(images.samples(), labels.len()));
    let mut gray = vec![0; labels.len()];
    for (i, sample) in images.samples().iter().enumerate() {
        gray[sample.label] += usize::from(images.channels(i) == 1);
    }
    if args.json {
        let classes = (0..labels.len()).map(|class| {
            json!({"label": labels[class], "images": counts[class], "gray": gray[class],
                   "unreadable": counts[class] - readable[class]})
        });
        let bad =
            loaded.bad.iter().map(|bad| json!({"path": bad.path.display().to_string(), "error": bad.reason}));
        output.result(
            json!({"data": args.data.display().to_string(), "synthetic": listing.is_synthetic(),
                   "classes": classes.collect::<Vec<_>>(), "unreadable": bad.collect::<Vec<_>>()})
            .to_string(),
        );
    } else {
        output.result(format!("{}{}", args.data.display(), marked(listing.is_synthetic())));
        let mut rows = vec![["class", "images", "gray", "colour", "unreadable"].map(str::to_owned).to_vec()];
        for (class, label) in labels.iter().enumerate() {
            let colour = readable[class] - gray[class];
            let numbers = [counts[class], gray[class], colour, counts[class] - readable[class]];
            rows.push([label.clone()].into_iter().chain(numbers.map(|n| n.to_string())).collect());
        }
        output.result(table(&rows));
        if !loaded.bad.is_empty() {
            output.result(dataset::describe(&loaded.bad, listing.samples.len()));
        }
    }
    Ok(if loaded.bad.is_empty() { Status::Done } else { Status::BadInput })
}

/// What is in the cache, or was.
pub(crate) fn cache(args: &DataCacheArgs, output: &Output) -> Result<Status> {
    let cache = Cache { folder: args.cache.clone(), limit: 0 };
    let size = if args.clear { cache.clear()? } else { cache.size()? };
    if args.json {
        let folder = args.cache.display().to_string();
        let result =
            json!({"cache": folder, "cleared": args.clear, "files": size.files, "bytes": size.bytes});
        output.result(result.to_string());
    } else {
        let files = if size.files == 1 { "file" } else { "files" };
        let megabytes = size.bytes as f64 / 1e6;
        let what = if args.clear { "removed " } else { "" };
        output.result(format!("{}: {what}{} {files}, {megabytes:.1} MB", args.cache.display(), size.files));
    }
    Ok(Status::Done)
}

/// Makes the synthetic sample.
pub(crate) fn sample(args: &SampleArgs, output: &Output) -> Result<Status> {
    use_threads(args.threads)?;
    let options = SampleOptions {
        count: args.count,
        test_per_class: args.test_per_class,
        image_size: args.image_size,
        seed: args.seed,
    };
    let bar = progress::bar(output, args.count + 3 * args.test_per_class, "drawing");
    let summary = data::write_sample(&args.out, &options, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let mut rows = vec![["class", "training", "test"].map(str::to_owned).to_vec()];
    for (class, label) in summary.classes.iter().enumerate() {
        rows.push(vec![label.clone(), summary.training[class].to_string(), summary.test[class].to_string()]);
    }
    output.result(format!("{}{}", args.out.display(), marked(true)));
    output.result(table(&rows));
    Ok(Status::Done)
}
