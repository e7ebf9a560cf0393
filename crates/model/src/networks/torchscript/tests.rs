use std::path::Path;

use tch::{CModule, Device};

use super::*;
use crate::{Freeze, Spec, network::Network, tensors::Tensors};

/// A module that libtorch traces from a function, as a file.
fn traced(side: i64, function: impl Fn(&Tensor) -> Tensor) -> Vec<u8> {
    let images = Tensor::zeros([2, 3, side, side], (Kind::Float, Device::Cpu));
    let mut run = |inputs: &[Tensor]| vec![function(&inputs[0])];
    let module = CModule::create_by_tracing("Traced", "forward", &[images], &mut run).unwrap();
    module::save(&module, "backbone").unwrap()
}

fn load(file: Vec<u8>) -> Result<Module> {
    Module::load(file, Path::new("b.pt"), 16, Device::Cpu)
}

fn problem(file: Vec<u8>) -> String {
    load(file).err().expect("it is wrong").to_string()
}

fn spec() -> Spec {
    Spec {
        task: metrics::Task::MultiClass,
        architecture: &TORCHSCRIPT,
        classes: vec!["a".to_owned(), "b".to_owned()],
        image_size: 16,
        interpolation: data::Interpolation::Nearest,
        formats: Some(data::Formats::All),
        input_scale: InputScale::Unit,
        normalisation: None,
        precision: Precision::F32,
    }
}

fn network(module: Module) -> Network {
    let module = Rc::new(module);
    let (_, shapes) = Network::declared(&spec(), Some(&module)).unwrap().unwrap();
    let mut tensors = Tensors::fresh(&shapes, std::collections::HashMap::new(), 28, Device::Cpu).unwrap();
    Network::new(&spec(), Some(&module), &mut tensors).unwrap()
}

fn frozen(module: Module) -> Network {
    let mut network = network(module);
    network.freeze(&Freeze::All, false).unwrap();
    network
}

#[test]
fn vectors_and_maps_become_features() {
    let images = Tensor::rand([4, 3, 16, 16], (Kind::Float, Device::Cpu));
    let vector = load(traced(16, |x| x.mean_dim([2, 3].as_slice(), false, Kind::Float))).unwrap();
    let map = load(traced(16, |x| x * 1.0)).unwrap();
    assert_eq!((vector.features, map.features), (3, 3));
    let (vector, map) = (frozen(vector), frozen(map));
    assert_eq!(vector.tensors()[0].0, "head.hidden_1.weight");
    assert_eq!(vector.tensors()[0].1.size(), [200, 3]);
    let (a, b) = (vector.features(&images).unwrap(), map.features(&images).unwrap());
    assert_eq!((a.size(), b.size()), (vec![4, 3], vec![4, 3]));
    assert!(f64::try_from((a - b).abs().max()).unwrap() < 1e-6);
}

#[test]
fn what_is_no_backbone_is_refused() {
    let text = problem(traced(16, |x| x.mean_dim([3].as_slice(), false, Kind::Float)));
    assert_eq!(
        text,
        "backbone `b.pt`: it makes [2, 3, 16] of images [2, 3, 16, 16], where features [2, F] or [2, F, h, w] are wanted"
    );
    let text = problem(traced(16, |x| x.mean(Kind::Float)));
    assert!(text.contains("it makes [] of images"), "{text}");
    // Made for another size.
    let weight = Tensor::zeros([3 * 32 * 32, 8], (Kind::Float, Device::Cpu));
    let text = problem(traced(32, |x| x.flatten(1, -1).matmul(&weight)));
    assert!(text.starts_with("backbone `b.pt`: it cannot be run on images [2, 3, 16, 16]: "), "{text}");
    assert!(text.contains("768") && text.contains("3072") && !text.contains('\n'), "{text}");

    let whole = traced(16, |x| x * 1.0);
    assert_eq!(
        problem(whole[..whole.len() - 100].to_vec()),
        "`b.pt` is no TorchScript module: it is cut off"
    );
    assert_eq!(
        problem(b"not a module".to_vec()),
        "`b.pt` is no TorchScript module: it is no archive of the kind that `torch.jit.save` writes"
    );
}

#[test]
fn without_trainable_parameters_only_all_of_it_can_be_frozen() {
    let mut backbone = network(load(traced(16, |x| x * 1.0)).unwrap());
    let error = backbone.freeze(&Freeze::None, false).unwrap_err().to_string();
    assert!(error.starts_with("none of the backbone's parameters is trainable"), "{error}");
    let error = backbone.freeze(&Freeze::Through("layer1".to_owned()), false).unwrap_err().to_string();
    assert_eq!(error, "torchscript has no block `layer1`: freeze `none` or `all` of it");
    backbone.freeze(&Freeze::All, false).unwrap();
    assert_eq!(backbone.parameters().len(), 8);
    assert!(backbone.is_frozen());
}

/// A module with a branch in it cannot be recognised beforehand: the traced file is tried.
#[test]
fn a_backbone_is_recorded_with_its_head() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.pt");
    std::fs::write(&path, traced(16, |x| x.avg_pool2d(4, 4, 0, false, true, None::<i64>).relu())).unwrap();
    let given = crate::Pretrained::File { path: &path, pinned: false };
    let classifier = crate::Classifier::new(spec(), given, 28, Device::Cpu).unwrap();
    assert!(classifier.export(b"{}").unwrap().difference <= 1e-5);
}
