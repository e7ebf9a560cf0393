//! Server with a small network of fresh weights.

use std::{net::SocketAddr, sync::mpsc, thread::JoinHandle, time::Duration};

use data::{Batch, Decoding, Formats, Interpolation, Pixels, encode_png};
use model::{
    CONVNET, Classifier, Device, InputReader, InputRules, InputScale, Precision, PredictOptions, Predictor,
    Pretrained, Spec,
};
use serde_json::Value;
use serve::{About, Config, Limits, Server, Stop};

pub(crate) const CLASSES: [&str; 3] = ["COVID-19", "NORMAL", "Viral Pneumonia"];
pub(crate) const SIDE: usize = 16;

/// Running server; it is stopped when this is dropped, and must end without a fault.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    stop: Stop,
    served: Option<JoinHandle<serve::Result<()>>>,
}

fn classifier() -> Classifier {
    let spec = Spec {
        task: metrics::Task::MultiClass,
        architecture: &CONVNET,
        classes: CLASSES.map(str::to_owned).to_vec(),
        image_size: SIDE,
        interpolation: Interpolation::Nearest,
        formats: Some(Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision: Precision::F32,
    };
    Classifier::new(spec, Pretrained::None, 28, Device::Cpu).unwrap()
}

pub(crate) fn config() -> Config {
    let seconds = Duration::from_secs;
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        hosts: Vec::new(),
        allow_origins: Vec::new(),
        token: None,
        limits: Limits {
            upload: 1 << 20,
            uploads: 8 << 20,
            batch: 8,
            batch_wait: Duration::from_millis(5),
            queue: 64,
            decoders: 2,
            connections: 64,
            head_time: seconds(5),
            body_time: seconds(5),
            answer_time: seconds(20),
            write_time: seconds(5),
            drain_time: seconds(5),
            stall_time: seconds(1),
        },
        free_memory: || 4 << 30,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: Config) -> Self {
        Self::reading(config, Decoding { max_pixels: 1 << 20, ..Decoding::new(Formats::All) })
    }

    /// Starts a server that decodes uploads by these rules.
    pub(crate) fn reading(config: Config, decoding: Decoding) -> Self {
        let (stop, (sender, address)) = (Stop::new(), mpsc::channel());
        let asked = stop.clone();
        // No tensor crosses a thread: the network is made on the thread that computes.
        let served = std::thread::spawn(move || {
            let server = Server::bind(config)?;
            let address = server.address();
            let about = About {
                name: "test".to_owned(),
                epoch: 3,
                version: "0.0.0".to_owned(),
                tested: Value::Null,
                synthetic: true,
            };
            let classifier = classifier();
            let predictor = Predictor::new(&[&classifier], PredictOptions::default()).unwrap();
            let inputs =
                InputReader::new(std::iter::once((&classifier, InputRules { decoding, note: None })));
            server.run(&predictor, inputs, about, &asked, || sender.send(address).unwrap())
        });
        Self { address: address.recv().unwrap(), stop, served: Some(served) }
    }

    /// Requests the stop without waiting for it.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.request();
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self) {
        self.served.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(served) = self.served.take().filter(|_| !std::thread::panicking()) {
            served.join().unwrap().unwrap();
        }
    }
}

/// Makes a gradient that no other `seed` gives.
pub(crate) fn pixels(side: usize, seed: usize) -> Pixels {
    let data = (0..side * side).map(|i| (i * (seed + 3) / side) as u8).collect();
    Pixels { width: side, height: side, channels: 1, data }
}

pub(crate) fn png(side: usize, seed: usize) -> Vec<u8> {
    encode_png(&pixels(side, seed)).unwrap()
}

/// Computes the network's probabilities of an image in a batch like the ones that `predict` makes.
pub(crate) fn expected(image: &Pixels) -> Vec<f32> {
    let classifier = classifier();
    let resized = data::resize(image, SIDE, Interpolation::Nearest).unwrap();
    classifier.inference().unwrap().probabilities(&Batch::of(&[&resized], SIDE).padded()).unwrap()
}

/// Checks that an answer's probabilities are these.
#[track_caller]
pub(crate) fn says(answer: &Value, expected: &[f32]) {
    for (class, expected) in CLASSES.iter().zip(expected) {
        let found = answer["probabilities"][class].as_f64().unwrap();
        assert!((found - f64::from(*expected)).abs() <= 1e-4, "{class}: {found}, not {expected}");
    }
}
