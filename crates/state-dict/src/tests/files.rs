//! Files of weights as PyTorch and safetensors write them, made without them. The fuzz targets start from these, too.

use std::io::{Cursor, Write as _};

/// Tensor to be written, of f32 unless a class of storages is named.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    /// Key of the storage.
    pub(crate) key: &'static str,
    /// Elements of the storage.
    pub(crate) elements: i64,
    pub(crate) offset: i64,
    pub(crate) shape: Vec<i64>,
    pub(crate) strides: Vec<i64>,
}

impl Written {
    pub(crate) fn new(
        name: &'static str,
        key: &'static str,
        elements: i64,
        shape: &[i64],
        strides: &[i64],
    ) -> Self {
        let (shape, strides) = (shape.to_vec(), strides.to_vec());
        Self { name, class: "FloatStorage", key, elements, offset: 0, shape, strides }
    }
}

/// Pickle of protocol 2 under construction.
#[derive(Clone)]
pub(crate) struct Pickle(pub(crate) Vec<u8>);

impl Pickle {
    pub(crate) fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// Appends instructions as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(crate) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub(crate) fn integer(self, value: i64) -> Self {
        match u8::try_from(value) {
            Ok(small) => self.raw(&[b'K', small]),
            Err(_) => self.raw(&[0x8a, 8]).raw(&value.to_le_bytes()),
        }
    }

    pub(crate) fn integers(self, values: &[i64]) -> Self {
        values.iter().fold(self.raw(b"("), |pickle, &value| pickle.integer(value)).raw(b"t")
    }

    /// Appends the persistent id of a storage.
    pub(crate) fn storage(self, tensor: &Written, view: &[u8]) -> Self {
        let id = self.raw(b"(").text("storage").global("torch", tensor.class).text(tensor.key).text("cpu");
        id.integer(tensor.elements).raw(view).raw(b"tQ")
    }

    /// Appends a tensor; `view` is the sixth item of the persistent id, which only streams have.
    pub(crate) fn tensor(self, tensor: &Written, view: &[u8]) -> Self {
        let call = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage(tensor, view);
        let call = call.integer(tensor.offset).integers(&tensor.shape).integers(&tensor.strides);
        call.raw(b"\x89").ordered_dict().raw(b"tR")
    }

    pub(crate) fn ordered_dict(self) -> Self {
        self.global("collections", "OrderedDict").raw(b")R")
    }

    /// Appends an `OrderedDict` of tensors with its `_metadata`.
    pub(crate) fn tensors(self, tensors: &[Written], view: &[u8]) -> Self {
        let items = |pickle: Self, tensor: &Written| pickle.text(tensor.name).tensor(tensor, view);
        let dict = tensors.iter().fold(self.ordered_dict().raw(b"("), items).raw(b"u");
        dict.raw(b"}").text("_metadata").ordered_dict().raw(b"sb")
    }

    pub(crate) fn end(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

/// Makes the zip form of a pickle and storages by key.
pub(crate) fn zip(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let mut entries =
        vec![("x/data.pkl".to_owned(), pickle), ("x/byteorder".to_owned(), b"little".as_slice())];
    entries.extend(storages.iter().map(|(key, bytes)| (format!("x/data/{key}"), *bytes)));
    let entries: Vec<_> = entries.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    archive(&entries, zip::CompressionMethod::Stored)
}

/// Makes a zip archive of entries.
pub(crate) fn archive(entries: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in entries {
        writer.start_file(*name, options).expect("the name is new");
        writer.write_all(bytes).expect("into memory");
    }
    writer.finish().expect("into memory").into_inner()
}

/// Magic number and protocol at the beginning of the stream form.
pub(crate) const STREAM: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";

/// Makes the stream form: pickles, then the storages with the numbers of their elements.
pub(crate) fn stream(pickle: &[u8], storages: &[(&str, i64, &[u8])]) -> Vec<u8> {
    let facts = Pickle::new().raw(b"}").text("little_endian").raw(b"\x88s").end();
    let keys = storages.iter().fold(Pickle::new().raw(b"]("), |pickle, (key, _, _)| pickle.text(key));
    let mut file = [STREAM, &facts, pickle, &keys.raw(b"e").end()].concat();
    for (_, elements, bytes) in storages {
        file.extend(elements.to_le_bytes());
        file.extend(*bytes);
    }
    file
}

/// Makes a safetensors file.
pub(crate) fn safetensors(header: &str, tensors: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), tensors].concat()
}

/// Bytes of the numbers 0, 1, 2 and so on, as f32.
pub(crate) fn counting(elements: usize) -> Vec<u8> {
    (0..elements).flat_map(|value| (value as f32).to_le_bytes()).collect()
}

/// Tensors of every kind of place: a whole storage, a transposed and a shifted part of another, a number, nothing.
pub(crate) fn usual() -> Vec<Written> {
    let mut shifted = Written::new("b.shifted", "1", 12, &[2, 2], &[4, 2]);
    shifted.offset = 5;
    let mut count = Written::new("count", "2", 1, &[], &[]);
    count.class = "LongStorage";
    vec![
        Written::new("a", "0", 6, &[2, 3], &[3, 1]),
        Written::new("b.transposed", "1", 12, &[4, 3], &[1, 4]),
        shifted,
        count,
        Written::new("empty", "3", 0, &[0, 3], &[3, 1]),
    ]
}

/// Files with [`usual`] tensors: zip, stream with view metadata, checkpoint around a state dict, safetensors.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let (six, twelve, count) = (counting(6), counting(12), 7_i64.to_le_bytes());
    let zipped: [(&str, &[u8]); 4] = [("0", &six), ("1", &twelve), ("2", &count), ("3", &[])];
    let streamed: [(&str, i64, &[u8]); 4] =
        [("0", 6, &six), ("1", 12, &twelve), ("2", 1, &count), ("3", 0, &[])];
    let bare = Pickle::new().tensors(&usual(), b"").end();
    let checkpoint = Pickle::new().raw(b"}(").text("epoch").integer(3).text("state_dict");
    let checkpoint = checkpoint.tensors(&usual(), b"").text("loss").raw(b"G\0\0\0\0\0\0\0\0u").end();
    let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
"h":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}"#;
    vec![
        zip(&bare, &zipped),
        stream(&Pickle::new().tensors(&usual(), b"N").end(), &streamed),
        zip(&checkpoint, &zipped),
        safetensors(header, &[six.as_slice(), &[0x80, 0x3f]].concat()),
    ]
}
