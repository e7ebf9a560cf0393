//! Command `data sample`: the synthetic sample.

use anyhow::Result;
use phantoms::{MultiLabelOptions, Pathology, SampleOptions, least_nodule_radius};

use crate::{
    args::{ImagesPerPatient, Prevalence, SampleArgs},
    compute::use_threads,
    dataset::marked,
    output::Output,
    progress,
    status::Status,
    table::table,
};

/// Makes the synthetic sample.
pub(crate) fn sample(args: &SampleArgs, output: &Output) -> Result<Status> {
    use_threads(args.threads)?;
    if args.multi_label {
        multi_label(args, output)?;
    } else {
        classes(args, output)?;
    }
    Ok(Status::Done)
}

/// Makes folders of classes.
fn classes(args: &SampleArgs, output: &Output) -> Result<()> {
    let options = SampleOptions {
        count: args.count,
        test_per_class: args.test_per_class as usize,
        image_size: args.image_size,
        seed: args.seed,
    };
    let out = args.out();
    let bar = progress::bar(output, args.count + 3 * args.test_per_class as usize, "drawing");
    let summary = phantoms::write_sample(&out, &options, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let mut rows = vec![["class", "training", "test"].map(str::to_owned).to_vec()];
    for (class, label) in summary.classes.iter().enumerate() {
        rows.push(vec![label.clone(), summary.training[class].to_string(), summary.test[class].to_string()]);
    }
    output.result(format!("{}{}", out.display(), marked(true)));
    output.result(table(&rows));
    Ok(())
}

/// Makes images with several findings, and their label file.
fn multi_label(args: &SampleArgs, output: &Output) -> Result<()> {
    let (Prevalence(prevalence), ImagesPerPatient(images_per_patient)) =
        (args.prevalence, args.images_per_patient);
    let options = MultiLabelOptions {
        count: args.count,
        test_count: args.test_count as usize,
        images_per_patient,
        prevalence,
        correlation: args.correlation,
        unknown: args.unknown,
        uncertain: args.uncertain,
        image_size: args.image_size,
        seed: args.seed,
    };
    let bar = progress::bar(output, options.count + options.test_count, "drawing");
    let summary = phantoms::write_multi_label_sample(&args.out(), &options, &|| bar.inc(1))?;
    bar.finish_and_clear();

    let heading = ["label", "positive", "negative", "uncertain", "unknown", "test positive"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (pathology, counts) in Pathology::ALL.into_iter().zip(&summary.labels) {
        let numbers =
            [counts.positive, counts.negative, counts.uncertain, counts.unknown, counts.test_positive];
        let cells = numbers.into_iter().map(|number| number.to_string());
        rows.push([pathology.name().to_owned()].into_iter().chain(cells).collect());
    }
    output.result(format!("{}{}", summary.label_file.display(), marked(true)));
    output.result(table(&rows));
    for (images, patients, part) in [
        (options.count, summary.training_patients, "training"),
        (options.test_count, summary.test_patients, "test"),
    ] {
        output.result(format!("{part}: {images} images of {patients} patients"));
    }
    let unknown: usize = summary.labels.iter().map(|counts| counts.unknown).sum();
    let share = 100.0 * unknown as f64 / (options.count * Pathology::ALL.len()) as f64;
    output.result(format!("unknown training labels: {share:.1} %"));
    let radius = least_nodule_radius(options.image_size);
    output.result(format!("least radius of a nodule: {radius:.1} pixels"));
    Ok(())
}
