//! Times InceptionV3's training steps and inference on random images, and the machine's matrix product: one JSON object.
//! `cargo xtask bench` calls it beside the same work in Keras, PyTorch and ONNX Runtime.

use std::{collections::BTreeMap, error::Error, time::Instant};

use base::random;
use data::{Batch, Interpolation};
use model::{Classifier, DropoutStep, Freeze, InputScale, Mode, Precision, Pretrained, Spec};
use tch::{Device, Kind, Tensor};
use train::Adam;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Number of rows and columns of the matrices whose product is timed.
const MATRIX: i64 = 3000;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let work = words.next().ok_or("say what to time: full, frozen, inference or matmul")?;
    let mut flags = BTreeMap::new();
    while let Some(flag) = words.next() {
        flags.insert(flag, words.next().ok_or("a flag without its value")?);
    }
    let flag = |name: &str| flags.get(name).ok_or(format!("{name} is missing"));
    let number = |name: &str| -> Result<usize> { Ok(flag(name)?.parse()?) };
    let (warmup, steps) = (number("--warmup")?, number("--steps")?);
    let (images, side) = (number("--batch-size")?, number("--image-size")?);
    let precision: Precision = flag("--precision")?.parse()?;
    model::init(number("--threads")?);

    let mut timed = match work.as_str() {
        "full" => training(Freeze::None, precision, images, side)?,
        "frozen" => training(Freeze::Through("mixed_6".to_owned()), precision, images, side)?,
        "inference" => inference(precision, images, side)?,
        "matmul" => product(precision),
        other => return Err(format!("`{other}` is none of full, frozen, inference and matmul").into()),
    };
    let mut seconds = Vec::with_capacity(steps);
    for step in 0..warmup + steps {
        let start = Instant::now();
        timed(step as u64)?;
        if step >= warmup {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    let median = (seconds[(steps - 1) / 2] + seconds[steps / 2]) / 2.0;
    let result = match work.as_str() {
        "matmul" => serde_json::json!({"gflops": 2.0 * (MATRIX as f64).powi(3) / median / 1e9}),
        _ => serde_json::json!({
            "median_seconds": median,
            "min_seconds": seconds[0],
            "steps": steps,
            "images": images,
            "precision": precision,
            "versions": {"thorax": env!("CARGO_PKG_VERSION"), "libtorch": model::LIBTORCH},
        }),
    };
    #[expect(clippy::print_stdout, reason = "a program of its own: this is its result")]
    {
        println!("{result}");
    }
    Ok(())
}

fn classifier(precision: Precision, image_size: usize) -> Result<Classifier> {
    let spec = Spec {
        task: metrics::Task::MultiClass,
        architecture: &model::INCEPTION_V3,
        classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        image_size,
        interpolation: Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: InputScale::Signed,
        normalisation: None,
        precision,
    };
    Ok(Classifier::new(spec, Pretrained::None, 28, Device::Cpu)?)
}

fn batch(n: usize, image_size: usize) -> Batch {
    use random::Rng as _;
    let mut pixels = vec![0; n * image_size * image_size * 3];
    let key = random::Key { seed: 28, epoch: 0, step: 0, purpose: random::Purpose::Phantom };
    key.generator(0).fill_bytes(&mut pixels);
    Batch { pixels, n, filled: n, image_size }
}

type Timed = Box<dyn FnMut(u64) -> Result<()>>;

/// Runs forward, backward and Adam on one batch; a frozen part's features were computed before.
fn training(freeze: Freeze, precision: Precision, images: usize, side: usize) -> Result<Timed> {
    let mut classifier = classifier(precision, side)?;
    classifier.freeze(&freeze, false)?;
    let mut adam = Adam::new(&classifier.parameters(), 0.0)?;
    let batch = batch(images, side);
    let labels = Tensor::from_slice(&(0..images as i64).map(|i| i % 3).collect::<Vec<_>>());
    let weights = Tensor::from_slice(&[3.8_f32, 0.7, 0.8]).index_select(0, &labels);
    let kept = classifier.is_frozen().then(|| classifier.features(&classifier.input(&batch)?)).transpose()?;
    Ok(Box::new(move |step| {
        let features = match &kept {
            Some(features) => features.shallow_clone(),
            None => classifier.features(&classifier.input(&batch)?)?,
        };
        let logits =
            classifier.forward(&features, Mode::Train(DropoutStep { seed: 28, epoch: 1, batch: step }))?;
        let loss = train::weighted_crossentropy(&logits, &labels, &weights)?;
        let parameters = classifier.parameters();
        let leaves: Vec<&Tensor> = parameters.iter().map(|parameter| parameter.tensor).collect();
        let gradients = Tensor::f_run_backward(&[&loss], &leaves, false, false)?;
        Ok(adam.step(&parameters, &gradients, &|_| 1e-3)?)
    }))
}

fn inference(precision: Precision, images: usize, side: usize) -> Result<Timed> {
    // The network lives as long as the program, so that what is prepared from it can be kept.
    let classifier: &'static Classifier = Box::leak(Box::new(classifier(precision, side)?));
    let prepared = classifier.inference()?;
    let batch = batch(images, side);
    Ok(Box::new(move |_| {
        prepared.probabilities(&batch)?;
        Ok(())
    }))
}

fn product(precision: Precision) -> Timed {
    let kind = match precision {
        Precision::F32 => Kind::Float,
        Precision::Bf16 => Kind::BFloat16,
    };
    let ramp = Tensor::linspace(-1.0, 1.0, MATRIX * MATRIX, (Kind::Float, Device::Cpu));
    let a = ramp.view([MATRIX, MATRIX]).to_kind(kind);
    Box::new(move |_| {
        let _ = a.f_matmul(&a)?;
        Ok(())
    })
}
