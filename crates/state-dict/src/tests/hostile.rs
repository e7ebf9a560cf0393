//! Files that are cut off, damaged or made to take much: each gets one line.

use super::{decoded, refusal};
use crate::tests::files::{Pickle, Written, archive, counting, files, safetensors, stream, zip};
use ::zip::CompressionMethod::{Deflated, Stored};

fn pickle(tensors: &[Written]) -> Vec<u8> {
    Pickle::new().tensors(tensors, b"").end()
}

fn one() -> Written {
    Written::new("a", "0", 2, &[2], &[1])
}

#[test]
fn other_files_are_named_as_such() {
    assert_eq!(refusal(b""), "holds no weights: it is empty");
    let neither = "holds no weights: it is neither a safetensors file nor one of `torch.save`";
    for other in [b"\x89HDF\r\n\x1a\n........".as_slice(), b"x", b"\x80", b"\x80\x01", b"PK"] {
        assert_eq!(refusal(other), neither);
    }
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    assert_eq!(refusal(&tar), "is a tar file, which PyTorch wrote before version 0.1.10");
    assert_eq!(refusal(b"\x80\x02}."), "holds no weights: it is a pickle, but none of `torch.save`");
    let module = archive(&[("m/data.pkl", b"\x80\x02}."), ("m/constants.pkl", b"\x80\x02).")], Stored);
    assert_eq!(refusal(&module), "is a TorchScript module, which holds code beside its weights");
    assert_eq!(
        refusal(&archive(&[("m/other", b"")], Stored)),
        "holds no weights: it is a zip archive without `data.pkl`, so none of `torch.save`"
    );
    let empty = "holds no weights: its pickle returns a dict without tensors";
    assert_eq!(refusal(&zip(b"\x80\x02}.", &[])), empty);
    assert_eq!(
        refusal(&zip(b"\x80\x02].", &[])),
        "holds no weights: its pickle returns no dict, and a state dict is one"
    );
    assert_eq!(
        refusal(&safetensors("{}", b"")),
        "holds no weights: it is a safetensors file without tensors"
    );
    let huge = [&[0xff; 8], b"{".as_slice()].concat();
    assert_eq!(
        refusal(&huge),
        "holds no weights: it would be a safetensors file with a header of more than 16 MiB"
    );
}

#[test]
fn every_file_that_is_cut_off_is_refused() {
    for (which, file) in files().into_iter().enumerate() {
        for length in 0..file.len() {
            let error = decoded(&file[..length]).map(|_| ()).expect_err("it is cut off");
            let text = error.to_string();
            assert!(text.starts_with("`w.pth` ") && !text.contains('\n'), "{which} at {length}: {text}");
        }
    }
    let [zip, stream, _, safetensors] = files().try_into().unwrap();
    assert_eq!(
        refusal(&zip[..zip.len() - 30]),
        "is cut off: the directory at the end of the zip archive is missing"
    );
    assert_eq!(refusal(&stream[..100]), "is cut off: it ends within its pickle");
    // The last storage, of no elements, has its count alone; before it is one of 8 bytes.
    assert_eq!(refusal(&stream[..stream.len() - 9]), "is cut off: storage `2` has 7 of 8 bytes");
    let length = safetensors.len();
    let cut = format!("is cut off: {} of {length} bytes are there", length - 1);
    assert_eq!(refusal(&safetensors[..length - 1]), cut);
    assert!(refusal(&safetensors[..20]).starts_with("is cut off: its header has 12 of "));
    assert!(decoded(&zip[..zip.len() - 1]).unwrap_err().hint().unwrap().contains("again"));
}

#[test]
fn no_change_of_a_byte_is_a_panic() {
    for file in files() {
        for at in 0..file.len() {
            for change in [1, 0x80, 0xff] {
                let mut file = file.clone();
                file[at] ^= change;
                if let Ok(state_dict) = decoded(&file) {
                    for (_, tensor) in state_dict.iter() {
                        let elements: usize = tensor.shape.iter().product();
                        assert_eq!(tensor.bytes.len(), elements * tensor.dtype.size());
                    }
                }
            }
        }
    }
}

#[test]
fn storages_must_be_what_their_tensors_expect() {
    let numbers = counting(2);
    let pickled = pickle(&[one()]);
    let missing = "is damaged: storage `0` is missing";
    assert_eq!(refusal(&zip(&pickled, &[])), missing);
    assert_eq!(refusal(&stream(&pickled, &[])), missing);
    let other = "is damaged: storage `0` has another size than its tensors expect";
    assert_eq!(refusal(&zip(&pickled, &[("0", &numbers[..4])])), other);
    assert_eq!(refusal(&stream(&pickled, &[("0", 1, &numbers)])), other);
    assert_eq!(refusal(&stream(&pickled, &[("0", -1, &numbers)])), other);
    assert_eq!(
        refusal(&zip(&pickled, &[("0", &counting(3))])),
        "takes too much: entry `data/0` has 12 bytes, expected 8"
    );
    let twice = stream(&pickled, &[("0", 2, &numbers), ("0", 2, &numbers)]);
    assert_eq!(refusal(&twice), "is damaged: storage `0` is there twice");
    let listed = stream(&pickled, &[("9", 2, &numbers)]);
    assert_eq!(refusal(&listed), "is damaged: storage `9` is listed, but no tensor is in it");
    let mut longer = one();
    (longer.name, longer.elements) = ("b", 3);
    assert_eq!(
        refusal(&zip(&pickle(&[one(), longer]), &[])),
        "is damaged: storage `0` has two sizes or types"
    );
    assert_eq!(refusal(&zip(&pickle(&[one(), one()]), &[])), "is damaged: the name `a` is there twice");
    let mut unknown = one();
    unknown.class = "ComplexFloatStorage";
    assert_eq!(
        refusal(&zip(&pickle(&[unknown]), &[])),
        "has a storage of type ComplexFloat, which is not read"
    );
}

#[test]
fn tensors_must_lie_in_their_storage() {
    let outside = "is damaged: tensor `a` lies outside of its storage";
    for (offset, shape, strides) in
        [(1, 2, 1), (0, 3, 1), (0, 2, 2), (i64::MAX, 2, i64::MAX), (0, i64::MAX, i64::MAX)]
    {
        let mut tensor = Written::new("a", "0", 2, &[shape], &[strides]);
        tensor.offset = offset;
        assert_eq!(refusal(&zip(&pickle(&[tensor]), &[("0", &counting(2))])), outside);
    }
    let negative = Written::new("a", "0", 2, &[2], &[-1]);
    assert_eq!(
        refusal(&zip(&pickle(&[negative]), &[])),
        "is damaged: tensor `a` has no shape of whole numbers"
    );
    let huge = Written::new("a", "0", i64::MAX, &[2], &[1]);
    assert_eq!(refusal(&zip(&pickle(&[huge]), &[])), "is damaged: storage `0` is larger than memory");
    let large = Written::new("a", "0", 1 << 50, &[1 << 50], &[1]);
    assert!(
        refusal(&zip(&pickle(&[large]), &[])).starts_with("takes too much: its tensors have 4294967296 MiB")
    );
}

#[test]
fn repeated_values_take_no_more_than_the_limit() {
    let numbers = counting(2);
    let repeated = |side| zip(&pickle(&[Written::new("a", "0", 2, &[side], &[0])]), &[("0", &numbers)]);
    assert_eq!(decoded(&repeated(4 << 20)).unwrap().get("a").unwrap().bytes.len(), 16 << 20);
    let file = repeated(5 << 20);
    assert_eq!(
        refusal(&file),
        format!(
            "takes too much: its tensors have 20 MiB, and at most 16 MiB are made of a file of {} bytes",
            file.len()
        )
    );
    let many: Vec<Written> = ["a", "b", "c", "d", "e"].map(|name| Written { name, ..one() }).to_vec();
    assert_eq!(decoded(&zip(&pickle(&many), &[("0", &numbers)])).unwrap().len(), 5);
}

#[test]
fn archives_that_lie_are_refused() {
    let pickled = pickle(&[one()]);
    let numbers = counting(2);
    let entries: [(&str, &[u8]); 2] = [("x/data.pkl", &pickled), ("x/data/0", &numbers)];
    assert_eq!(
        refusal(&archive(&entries, Deflated)),
        "is damaged: entry `data.pkl` is compressed, which `torch.save` never does"
    );
    let whole = archive(&entries, Stored);
    let mut changed = whole.clone();
    let at = changed.windows(8).position(|bytes| bytes == numbers).unwrap();
    changed[at] ^= 1;
    assert_eq!(refusal(&changed), "is damaged: entry `data/0` does not match its checksum");
    // Sizes of the second entry in the directory: compressed, then uncompressed.
    let directory = whole.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    let mut longer = whole.clone();
    longer[directory + 24] = 12;
    assert_eq!(refusal(&longer), "is damaged: entry `data/0` has a size that cannot be");
    longer[directory + 20..directory + 28].copy_from_slice(&[0, 0, 0, 64, 0, 0, 0, 64]);
    assert_eq!(refusal(&longer), "is damaged: entry `data/0` has a size that cannot be");
    // The writer refuses equal names, so that one is renamed in both of its places.
    let mut double = archive(&[entries[0], entries[1], ("x/data/1", &numbers)], Stored);
    while let Some(at) = double.windows(8).position(|bytes| bytes == b"x/data/1") {
        double[at + 7] = b'0';
    }
    assert_eq!(refusal(&double), "is damaged: two entries of its zip archive have one name");
    let order = archive(&[("x/byteorder", b"middle"), entries[0], entries[1]], Stored);
    assert_eq!(refusal(&order), "is damaged: its byte order is neither little nor big");
}

#[test]
fn entries_that_share_their_bytes_are_not_read_again_and_again() {
    let keys = ["0", "1", "2", "3"];
    let tensors = keys.map(|key| Written::new(key, key, 4096, &[1], &[1]));
    let file = archive(&[("x/data.pkl", &pickle(&tensors)), ("x/data/0", &counting(4096))], Stored);
    // Further names of the last entry in the directory, and the numbers of entries and bytes in the end record.
    let directory = file.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    let end = file.windows(4).rposition(|bytes| bytes == b"PK\x05\x06").unwrap();
    let (record, mut tail) = (file[directory..end].to_vec(), file[end..].to_vec());
    let more = keys[1..].iter().flat_map(|key| {
        let mut record = record.clone();
        let name = record.windows(8).position(|bytes| bytes == b"x/data/0").unwrap();
        record[name + 7] = key.as_bytes()[0];
        record
    });
    let more: Vec<u8> = more.collect();
    let bytes = u32::from_le_bytes(tail[12..16].try_into().unwrap()) + more.len() as u32;
    (tail[8], tail[10]) = (5, 5);
    tail[12..16].copy_from_slice(&bytes.to_le_bytes());
    let shared = [&file[..end], &more, &tail].concat();
    assert_eq!(refusal(&shared), "is damaged: its storages are larger than the file");
}

#[test]
fn safetensors_that_lie_are_refused() {
    let tensor = |dtype: &str, shape: &str, offsets: &str| {
        let header = format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#);
        refusal(&safetensors(&header, &counting(2)))
    };
    assert!(tensor("F32", "[3]", "[0,8]").starts_with("is damaged: its header is invalid"));
    assert!(tensor("F32", "[2]", "[8,0]").starts_with("is damaged: its header is invalid"));
    assert!(
        tensor("F32", "[4294967296,4294967296]", "[0,8]").starts_with("is damaged: its header is invalid")
    );
    assert_eq!(tensor("F32", "[1]", "[0,4]"), "is damaged: 4 bytes follow its last tensor");
    assert_eq!(tensor("U32", "[2]", "[0,8]"), "has tensor `a` of type U32, which is not read");
    assert!(refusal(&safetensors("{\"a\":", b"")).starts_with("is damaged: its header is invalid"));
}

#[test]
fn pickles_that_contradict_themselves_are_refused() {
    let damaged = |instructions: &[u8]| {
        let text = refusal(&zip(&Pickle::new().raw(instructions).end(), &[]));
        text.strip_prefix("is damaged: its pickle ").map_or(text.clone(), str::to_owned)
    };
    assert_eq!(damaged(b"0"), "takes from an empty stack");
    assert_eq!(damaged(b"N(0"), "takes from an empty stack");
    assert_eq!(damaged(b"Nt"), "lacks a mark on its stack");
    assert_eq!(damaged(b"h\x07"), "recalls what it has not stored");
    assert_eq!(damaged(b"NNa"), "appends to what is no list");
    assert_eq!(damaged(b"}(Nu"), "inserts into what is no dict, or a key without a value");
    assert_eq!(damaged(b"NNNs"), "inserts into what is no dict, or a key without a value");
    assert_eq!(damaged(b"NN\x93"), "names something by what is no text");
    assert_eq!(damaged(b"\x80\x06"), "has a protocol that Python does not know");
    assert_eq!(damaged(b"I1\n"), "holds the byte 0x49 at 2, which is no instruction of `torch.save`");
    assert_eq!(damaged(b"X\xff\xff\xff\x7f"), "takes too much: its pickle has more than 16 MiB");
    assert_eq!(
        damaged(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"),
        "takes too much: its pickle has more than 16 MiB"
    );
    // A dict that holds itself, and a list that does.
    assert_eq!(
        damaged(b"}q\x01X\x01\0\0\0ah\x01s"),
        "holds no weights: its pickle returns a dict without tensors"
    );
    assert_eq!(
        damaged(b"]q\x01h\x01a"),
        "holds no weights: its pickle returns no dict, and a state dict is one"
    );
}

#[test]
fn pickles_that_stack_much_meet_a_limit() {
    let limited = |instructions: &[u8], times: usize| {
        let repeated = instructions.repeat(times);
        refusal(&zip(&Pickle::new().raw(&repeated).end(), &[]))
    };
    let most = crate::MAX_OBJECTS;
    assert_eq!(limited(b"N", most + 1), format!("takes too much: its pickle makes more than {most} objects"));
    assert_eq!(
        limited(b"(", most + 1),
        format!("takes too much: its pickle stacks more than {most} objects")
    );
    assert_eq!(
        limited(&[b"N".as_slice(), &b"2".repeat(1000)].concat(), most / 1000),
        format!("takes too much: its pickle stacks more than {most} objects")
    );
    // One long list that is made a dict again and again.
    let list = [b"](".as_slice(), &b"]NaNa".repeat(10_000), b"eq\x01"].concat();
    let calls = b"ccollections\nOrderedDict\nh\x01\x85R0".repeat(1000);
    assert_eq!(
        limited(&[list, calls].concat(), 1),
        format!("takes too much: its pickle fills containers with more than {most} entries")
    );
}
