pub(crate) mod files;
mod hostile;
mod names;

use std::path::Path;

use crate::{Dtype, Error, StateDict, decode};
use files::{Pickle, Written, counting, files, safetensors, stream, zip};

/// Decodes a file under the name `w.pth`.
fn decoded(file: &[u8]) -> Result<StateDict, Error> {
    decode(file, Path::new("w.pth"))
}

/// Message of a file that is refused, without its name.
fn refusal(file: &[u8]) -> String {
    let text = decoded(file).expect_err("it is refused").to_string();
    assert!(!text.contains('\n'), "{text}");
    text.strip_prefix("`w.pth` ").expect("it begins with the file").to_owned()
}

fn floats(state_dict: &StateDict, name: &str) -> (Vec<usize>, Vec<f32>) {
    let tensor = state_dict.get(name).expect("it is there");
    (tensor.shape.clone(), tensor.to_f32().expect("it has floats"))
}

#[test]
fn zip_and_stream_hold_the_same_tensors() {
    let files = files();
    for (file, unwrapped, ignored) in [
        (&files[0], None, &[][..]),
        (&files[1], None, &[]),
        (&files[2], Some("state_dict"), &["epoch", "loss"]),
    ] {
        let state_dict = decoded(file).unwrap();
        let names: Vec<_> = state_dict.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b.transposed", "b.shifted", "count", "empty"]);
        assert_eq!(floats(&state_dict, "a"), (vec![2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        let transposed = vec![0.0, 4.0, 8.0, 1.0, 5.0, 9.0, 2.0, 6.0, 10.0, 3.0, 7.0, 11.0];
        assert_eq!(floats(&state_dict, "b.transposed"), (vec![4, 3], transposed));
        assert_eq!(floats(&state_dict, "b.shifted"), (vec![2, 2], vec![5.0, 7.0, 9.0, 11.0]));
        let count = state_dict.get("count").unwrap();
        assert_eq!(
            (count.dtype, &*count.shape, &*count.bytes),
            (Dtype::I64, &[][..], &7_i64.to_le_bytes()[..])
        );
        assert_eq!(floats(&state_dict, "empty"), (vec![0, 3], vec![]));
        assert_eq!((state_dict.unwrapped(), state_dict.ignored().len()), (unwrapped, ignored.len()));
        assert_eq!(state_dict.ignored(), ignored);
    }
}

#[test]
fn safetensors_are_read_in_the_order_of_the_file() {
    let state_dict = decoded(&files()[3]).unwrap();
    let tensors = state_dict.into_tensors();
    assert_eq!((tensors[0].0.as_str(), &*tensors[0].1.shape), ("a", &[2, 3][..]));
    assert_eq!((tensors[1].0.as_str(), tensors[1].1.to_f32()), ("h", Some(vec![1.0])));
}

#[test]
fn a_file_is_told_by_its_content_and_read_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any name.bin");
    for file in files() {
        std::fs::write(&path, &file).unwrap();
        assert_eq!(crate::read(&path).unwrap(), decode(&file, &path).unwrap());
    }
    let error = crate::read(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("`{}` cannot be read", folder.path().display()));
    assert_eq!(crate::read(&folder.path().join("absent")).unwrap_err().hint(), None);
}

#[test]
fn big_endian_files_are_turned_around() {
    let pickle = Pickle::new().tensors(&[Written::new("a", "0", 2, &[2], &[1])], b"").end();
    let numbers = [1.5_f32.to_be_bytes(), 2.5_f32.to_be_bytes()].concat();
    let entries: [(&str, &[u8]); 3] =
        [("y/data.pkl", &pickle), ("y/byteorder", b"big"), ("y/data/0", &numbers)];
    let file = files::archive(&entries, ::zip::CompressionMethod::Stored);
    assert_eq!(floats(&decoded(&file).unwrap(), "a").1, [1.5, 2.5]);
}

#[test]
fn parameters_and_sizes_are_plain_data() {
    let tensor = Written::new("a", "0", 2, &[2], &[1]);
    let call = Pickle::new().raw(b"}").text("a").global("torch._utils", "_rebuild_parameter").raw(b"(");
    let pickle = call.tensor(&tensor, b"").raw(b"\x88").ordered_dict().raw(b"tRs").end();
    let numbers = counting(2);
    assert_eq!(floats(&decoded(&zip(&pickle, &[("0", &numbers)])).unwrap(), "a").1, [0.0, 1.0]);
    // The shape as `torch.Size`, the function of PyTorch 0.3, and pairs of Python 2 in an OrderedDict.
    let call = Pickle::new().global("collections", "OrderedDict").raw(b"]](").text("a");
    let call = call.global("torch._utils", "_rebuild_tensor").raw(b"(").storage(&tensor, b"").integer(0);
    let call = call.global("torch", "Size").integers(&[2]).raw(b"\x85R").integers(&[1]).raw(b"tR");
    let pickle = call.raw(b"ea\x85R").end();
    assert_eq!(floats(&decoded(&stream(&pickle, &[("0", 2, &numbers)])).unwrap(), "a").1, [0.0, 1.0]);
    // A dtype and a text beside the tensors are left out.
    let beside = Pickle::new().raw(b"}").text("a").tensor(&tensor, b"").raw(b"s");
    let beside =
        beside.text("dtype").global("torch", "float32").raw(b"s").text("by").text("me").raw(b"s").end();
    assert_eq!(decoded(&zip(&beside, &[("0", &numbers)])).unwrap().ignored(), ["dtype", "by"]);
}

#[test]
fn a_view_of_a_storage_begins_where_its_metadata_says() {
    let tensor = Written::new("a", "r", 6, &[2], &[1]);
    let view = |start, elements| {
        let view = Pickle(Vec::new()).raw(b"(").text("v").integer(start).integer(elements).raw(b"t").0;
        stream(&Pickle::new().tensors(std::slice::from_ref(&tensor), &view).end(), &[("r", 6, &counting(6))])
    };
    assert_eq!(floats(&decoded(&view(3, 3)).unwrap(), "a").1, [3.0, 4.0]);
    assert_eq!(refusal(&view(3, 1)), "is damaged: tensor `a` lies outside of its storage");
    assert_eq!(refusal(&view(4, 3)), "is damaged: its pickle names a storage in another way than PyTorch");
}

#[test]
fn storages_that_no_tensor_needs_are_left_out() {
    let numbers = counting(2);
    let [used, unused] = ["0", "1"].map(|key| Written::new("a", key, 2, &[2], &[1]));
    let pickle =
        Pickle::new().raw(b"}(").text("optimizer").raw(b"}").text("x").tensor(&unused, b"").raw(b"s");
    let pickle = pickle.text("model").tensors(&[used], b"").raw(b"u").end();
    // The zip lacks the other storage altogether; in the stream it comes first.
    for file in [zip(&pickle, &[("0", &numbers)]), stream(&pickle, &[("1", 2, &[9; 8]), ("0", 2, &numbers)])]
    {
        let state_dict = decoded(&file).unwrap();
        assert_eq!(floats(&state_dict, "a").1, [0.0, 1.0]);
        assert_eq!(
            (state_dict.unwrapped(), state_dict.ignored()),
            (Some("model"), &["optimizer".to_owned()][..])
        );
    }
}

#[test]
fn every_type_is_known_in_every_form() {
    for (class, name, dtype) in [
        ("DoubleStorage", "F64", Dtype::F64),
        ("FloatStorage", "F32", Dtype::F32),
        ("HalfStorage", "F16", Dtype::F16),
        ("BFloat16Storage", "BF16", Dtype::Bf16),
        ("LongStorage", "I64", Dtype::I64),
        ("IntStorage", "I32", Dtype::I32),
        ("ShortStorage", "I16", Dtype::I16),
        ("CharStorage", "I8", Dtype::I8),
        ("ByteStorage", "U8", Dtype::U8),
        ("BoolStorage", "BOOL", Dtype::Bool),
    ] {
        let bytes: Vec<u8> = (1..=3 * dtype.size() as u8).collect();
        let mut tensor = Written::new("a", "0", 3, &[3], &[1]);
        tensor.class = class;
        let pickle = Pickle::new().tensors(&[tensor], b"").end();
        let end = bytes.len();
        let header = format!(r#"{{"a":{{"dtype":"{name}","shape":[3],"data_offsets":[0,{end}]}}}}"#);
        for file in [
            zip(&pickle, &[("0", &bytes)]),
            stream(&pickle, &[("0", 3, &bytes)]),
            safetensors(&header, &bytes),
        ] {
            let state_dict = decoded(&file).unwrap();
            let tensor = state_dict.get("a").unwrap();
            assert_eq!(
                (tensor.dtype, &tensor.bytes, tensor.to_f32().is_some()),
                (dtype, &bytes, dtype.is_float())
            );
        }
    }
}
