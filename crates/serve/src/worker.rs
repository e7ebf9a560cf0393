//! Computing thread: images that wait together become a batch.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Instant,
};

use model::{Assessment, HeatMapMethod, Predictor, PreparedImage};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{Limits, metrics::Metrics, refusal::Refusal};

/// Image that waits, with the channel for its answer.
pub(crate) struct Job {
    pub(crate) image: PreparedImage,
    pub(crate) task: JobKind,
    pub(crate) place: OwnedSemaphorePermit,
    pub(crate) reply: oneshot::Sender<Result<Assessment, Refusal>>,
}

/// Kind of job to do for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    Classify,
    /// Heat map, of the predicted class if none is named.
    Explain {
        class: Option<usize>,
        method: HeatMapMethod,
    },
}

/// Computes until no sender of jobs is left.
pub(crate) fn work(predictor: &Predictor<'_>, jobs: &Receiver<Job>, limits: &Limits, metrics: &Metrics) {
    let mut held = None;
    while let Some(first) = held.take().or_else(|| jobs.recv().ok()) {
        match first.task {
            JobKind::Classify => {
                let mut batch = vec![first];
                held = fill(&mut batch, jobs, limits);
                // A client that closed its connection needs no answer.
                batch.retain(|job| !job.reply.is_closed());
                classify(predictor, batch, metrics);
            }
            JobKind::Explain { .. } if first.reply.is_closed() => {}
            JobKind::Explain { class, method } => explain(predictor, first, class, method, metrics),
        }
    }
}

/// Adds jobs that arrive in time; returns a job that cannot be part of a batch.
fn fill(batch: &mut Vec<Job>, jobs: &Receiver<Job>, limits: &Limits) -> Option<Job> {
    let end = Instant::now() + limits.batch_wait;
    while batch.len() < limits.batch {
        match jobs.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(job) if job.task == JobKind::Classify => batch.push(job),
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    None
}

fn classify(predictor: &Predictor<'_>, jobs: Vec<Job>, metrics: &Metrics) {
    if jobs.is_empty() {
        return;
    }
    let start = Instant::now();
    let assessed = without_panic(|| {
        let images: Vec<&PreparedImage> = jobs.iter().map(|job| &job.image).collect();
        predictor.assess(&images)
    });
    if jobs.len() > 1 && matches!(assessed, Ok(Err(model::Error::NotFinite { .. }))) {
        // One image may overflow and others not: each is computed alone.
        return jobs.into_iter().for_each(|job| classify(predictor, vec![job], metrics));
    }
    metrics.computed(jobs.len(), start.elapsed());
    match assessed {
        Ok(Ok(assessed)) => jobs.into_iter().zip(assessed).for_each(|(job, one)| reply(job, Ok(one))),
        failed => {
            if let Ok(Err(error)) = failed {
                tracing::error!("a batch could not be classified: {error}");
            }
            jobs.into_iter().for_each(|job| reply(job, Err(Refusal::Fault)));
        }
    }
}

fn explain(
    predictor: &Predictor<'_>,
    job: Job,
    class: Option<usize>,
    method: HeatMapMethod,
    metrics: &Metrics,
) {
    let start = Instant::now();
    let explained = without_panic(|| predictor.explain(&[&job.image], &[class], method));
    metrics.computed(1, start.elapsed());
    let outcome = explained.and_then(|explained| match explained {
        Ok(mut explained) => explained.pop().ok_or(Refusal::Fault),
        Err(error @ model::Error::NoMaps { .. }) => Err(Refusal::Explanation(error.to_string())),
        Err(error) => {
            tracing::error!("an image could not be explained: {error}");
            Err(Refusal::Fault)
        }
    });
    reply(job, outcome);
}

/// Runs `compute` and treats a panic as a fault of these images alone; the panic hook has reported it.
pub(crate) fn without_panic<T>(compute: impl FnOnce() -> T) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(compute)).map_err(|_| Refusal::Fault)
}

/// Sends the answer. The place is freed before, so that the client's next request finds one.
fn reply(job: Job, outcome: Result<Assessment, Refusal>) {
    let Job { place, reply, .. } = job;
    drop(place);
    // A client that has gone needs no answer.
    let _ = reply.send(outcome);
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::{Arc, mpsc},
    };

    use data::{Interpolation, Pixels};
    use metrics::Calibration;
    use model::{
        CONVNET, Classifier, Device, InputScale, Meta, Metric, Precision, PredictOptions, Pretrained, Spec,
    };
    use tokio::sync::Semaphore;

    use super::*;

    fn job(task: JobKind, places: &Arc<Semaphore>) -> Job {
        let place = Arc::clone(places).try_acquire_owned().unwrap();
        let pixels = Pixels { width: 1, height: 1, channels: 1, data: vec![0] };
        Job { image: PreparedImage::of_pixels(pixels), task, place, reply: oneshot::channel().0 }
    }

    #[test]
    fn a_batch_is_full_or_late_and_holds_nothing_but_classification() {
        let limits = crate::config::tests::limits();
        let (places, (sender, jobs)) = (Arc::new(Semaphore::new(100)), mpsc::channel());
        let send = |task, count| {
            (0..count).for_each(|_| sender.send(job(task, &places)).unwrap());
        };
        let next = |jobs: &Receiver<Job>| {
            let mut batch = vec![jobs.recv().unwrap()];
            let held = fill(&mut batch, jobs, &limits);
            (batch.len(), held.map(|job| job.task))
        };
        send(JobKind::Classify, limits.batch + 2);
        assert_eq!(next(&jobs), (limits.batch, None));
        let start = Instant::now();
        assert_eq!(next(&jobs), (2, None));
        assert!(start.elapsed() >= limits.batch_wait);
        let explain = JobKind::Explain { class: None, method: HeatMapMethod::Occlusion };
        send(JobKind::Classify, 1);
        send(explain, 1);
        assert_eq!(next(&jobs), (1, Some(explain)));
        assert_eq!(places.available_permits(), 100);
    }

    /// Makes a ConvNet whose dense weights overflow at every image but a black one.
    fn overflowing() -> Classifier {
        let spec = Spec {
            task: metrics::Task::MultiClass,
            architecture: &CONVNET,
            classes: ["a", "b"].map(str::to_owned).to_vec(),
            image_size: 8,
            interpolation: Interpolation::Nearest,
            formats: None,
            input_scale: InputScale::Unit,
            normalisation: None,
            precision: Precision::F32,
        };
        let metric = Metric { name: "val_loss".to_owned(), value: 1.0 };
        let meta = Meta {
            spec: spec.clone(),
            metric,
            epoch: 1,
            calibration: Calibration::default(),
            guard: None,
            training: None,
        };
        let classifier = Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap();
        let mut checkpoint = classifier.checkpoint(meta).unwrap();
        let hidden = checkpoint.tensors.iter_mut().find(|tensor| tensor.name == "hidden.weight").unwrap();
        hidden.values.fill(1e38);
        Classifier::from_checkpoint(&checkpoint, Path::new("overflowing"), Device::Cpu).unwrap()
    }

    #[test]
    fn an_image_that_overflows_spoils_no_other_of_its_batch() {
        let classifier = overflowing();
        let predictor = Predictor::new(&[&classifier], PredictOptions::default()).unwrap();
        let (places, metrics) = (Arc::new(Semaphore::new(3)), Metrics::new("", ""));
        let (jobs, mut replies): (Vec<_>, Vec<_>) = [0, 255, 0]
            .into_iter()
            .map(|gray| {
                let (reply, answer) = oneshot::channel();
                let place = Arc::clone(&places).try_acquire_owned().unwrap();
                let pixels = Pixels { width: 8, height: 8, channels: 1, data: vec![gray; 64] };
                let image = PreparedImage::of_pixels(pixels);
                (Job { image, task: JobKind::Classify, place, reply }, answer)
            })
            .unzip();
        classify(&predictor, jobs, &metrics);
        let answers: Vec<_> = replies.iter_mut().map(|reply| reply.try_recv().unwrap()).collect();
        let black = |at: usize| answers[at].as_ref().ok().map(|outcome| outcome.probabilities.clone());
        assert!(black(0).is_some_and(|row| row.len() == 2 && row.iter().all(|value| value.is_finite())));
        assert_eq!(black(0), black(2));
        assert!(matches!(answers[1], Err(Refusal::Fault)));
    }
}
