//! Command `test`: a saved model on test sets; and the printing of figures, here and after training.

mod calibration;
mod gaps;
mod model;
mod occluded;
mod outcome;
pub(crate) mod print;
mod sets;

use std::collections::HashSet;

use anyhow::Result;
use data::ImageSet;
use experiment::{ModelComparison, PredictionTable, TestFigures};
use model::Model;
use outcome::{Against, OutFolder, Outcomes, SetResult};
use sets::TestSet;

pub(crate) use occluded::{occluded, print_occluded};

use crate::{
    args::TestArgs, compare, compute::use_threads, dataset::marked, output::Output, progress, status::Status,
    subgroups, unlike,
};

pub(crate) fn run(args: &TestArgs, output: &Output) -> Result<Status> {
    progress::catch_interrupts()?;
    let named = sets::named(&args.data)?;
    use_threads(args.compute.threads)?;
    let model = Model::load(args.saved.as_ref().and_then(Option::as_deref), args, output)?;
    let other = args.against.as_deref().map(|path| Model::load(Some(path), args, output)).transpose()?;
    other.iter().try_for_each(|other| model.check_same_classes(other))?;
    let sets = sets::open(named.clone(), &model, &args.findings, output)?;
    // The folder may lie in one of the sets, and is no class of it: it is created after they are listed.
    let out = args.out.as_deref().map(|folder| OutFolder::new(folder, &named)).transpose()?;
    model.introduce(&sets, output);
    other.iter().for_each(|other| other.introduce(&sets, output));
    for set in &sets {
        let name = set.name.as_ref().map_or(String::new(), |name| format!("{name}: "));
        let listing = &set.listing;
        output.note(format!("data   {name}{}{}", listing.root.display(), marked(listing.is_synthetic())));
    }
    let images = model.images(&sets, args, output)?;
    let others = other.as_ref().map(|other| other.images(&sets, args, output)).transpose()?;
    warn_of_what_lacks(&model, &sets, &images, output);
    if let Some(guard) = model.classifier.guard() {
        for images in &images {
            unlike::warn(train::unlike(guard, images)?, images.len(), output);
        }
    }

    let (mut tested, mut predictions) = (Vec::new(), Vec::new());
    for (at, (set, images)) in sets.iter().zip(&images).enumerate() {
        let against = other.as_ref().zip(others.as_ref().map(|others| &others[at]));
        let Some((outcome, predicted)) = test(&model, against, (set, images), args, output)? else {
            return Ok(Status::Interrupted);
        };
        tested.push((set.name.clone(), outcome));
        predictions.push(predicted);
    }
    let Some(outcomes) = Outcomes::new(tested) else { return Ok(Status::Done) };
    if let Some(out) = &out {
        out.write(&outcomes, &predictions, args.csv_safe)?;
    }
    if args.json {
        output.data(serde_json::to_string(&outcomes)?);
    } else {
        print_all(&model, &outcomes, output);
    }
    Ok(Status::Done)
}

/// Tests a set as the flags ask; `None` if the user stopped it.
fn test(
    model: &Model,
    against: Option<(&Model, &ImageSet)>,
    (set, images): (&TestSet, &ImageSet),
    args: &TestArgs,
    output: &Output,
) -> Result<Option<(SetResult, PredictionTable)>> {
    let attributes = &set.listing.attributes;
    let Some((mut figures, predicted)) = model.test(images, attributes, output)? else { return Ok(None) };
    subgroups::add(&mut figures, &predicted, args.by.settings()?.as_ref(), output)?;
    let checkpoint = model.checkpoint();
    let hidden = occluded(&model.classifier, checkpoint, images, &args.occlude, output)?;
    let Some(occluded) = hidden else { return Ok(None) };
    let against = match against {
        Some((other, images)) => {
            let Some((figures, of_other)) = other.test(images, attributes, output)? else { return Ok(None) };
            let names = [checkpoint, other.checkpoint()].map(|path| path.display().to_string());
            let comparison = ModelComparison::new((&names[0], &predicted), (&names[1], &of_other))?;
            let [_, checkpoint] = names;
            Some(Against { checkpoint, figures, comparison })
        }
        None => None,
    };
    Ok(Some((SetResult { figures, occluded, against }, predicted)))
}

/// Warns of classes that a set has no image of, and of images that sets share.
fn warn_of_what_lacks(model: &Model, sets: &[TestSet], images: &[ImageSet], output: &Output) {
    let classes = &model.classifier.spec().classes;
    for (set, images) in sets.iter().zip(images) {
        let counts = data::counts(images.samples(), classes.len());
        let lacking = classes.iter().zip(counts).filter(|(_, count)| *count == 0);
        let lacking: Vec<String> = lacking.map(|(class, _)| format!("`{class}`")).collect();
        if !lacking.is_empty() {
            output.warn(format!(
                "`{}` holds no image of {}: figures that need one have no value",
                set.title(),
                lacking.join(", ")
            ));
        }
    }
    let Some((first, others)) = images.split_first() else { return };
    let digests: HashSet<&[u8; 32]> = (0..first.len()).map(|index| first.digest(index)).collect();
    for (set, images) in sets.iter().skip(1).zip(others) {
        let shared = (0..images.len()).filter(|&index| digests.contains(images.digest(index))).count();
        if shared > 0 {
            output.warn(format!(
                "{shared} of {} images of `{}` have the same pixels as images of `{}`: the gap between the two says little",
                images.len(),
                set.title(),
                sets[0].title()
            ));
        }
    }
}

fn print_all(model: &Model, outcomes: &Outcomes, output: &Output) {
    match outcomes {
        Outcomes::One(outcome) => {
            let name = format!("saved (epoch {})", model.epoch);
            print::models(&[(name.clone(), &outcome.figures)], output);
            print_beside(model, &name, outcome, output);
        }
        Outcomes::Sets { sets, gaps } => {
            let of =
                |(name, outcome): &(String, SetResult)| format!("{name} ({} images)", outcome.figures.images);
            let synthetic = sets.iter().any(|(_, outcome)| outcome.figures.synthetic);
            let named = sets.iter().map(of).collect::<Vec<_>>().join(", ");
            output.result(format!("Test results on {named}{}", marked(synthetic)));
            let figures: Vec<(String, &TestFigures)> =
                sets.iter().map(|(name, outcome)| (name.clone(), &outcome.figures)).collect();
            print::figures(&figures, output);
            gaps::print(gaps, output);
            for (name, outcome) in sets {
                print::by_label(name, &outcome.figures, output);
                print_beside(model, name, outcome, output);
            }
        }
    }
}

/// Prints the occlusion tests and the comparison of a set, where the flags ask for them.
fn print_beside(model: &Model, name: &str, outcome: &SetResult, output: &Output) {
    subgroups::print(&outcome.figures, output);
    print_occluded(name, &outcome.figures, &outcome.occluded, output);
    if let Some(against) = &outcome.against {
        output.result("");
        let names = [model.checkpoint().display().to_string(), against.checkpoint.clone()];
        compare::print(&names, &against.comparison, output);
    }
}
