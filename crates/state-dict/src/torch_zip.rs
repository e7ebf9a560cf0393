//! Files of `torch.save` since PyTorch 1.6: a zip archive of stored entries in one folder, whose name is free.
//!
//! `data.pkl` is the object's pickle, `data/KEY` the bytes of a storage, and `byteorder` says `little` or `big`; files before
//! PyTorch 2.1 lack it and are little-endian.

use std::io::{Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use crate::{
    StateDict,
    assembly::{Assembly, read_bytes},
    error::{ReadProblem, shown},
    limits::MAX_PICKLE,
    pickle::{PickleInput, run},
};

/// Longest end of an archive: the end record and its comment.
const END: u64 = 22 + 65535;

pub(crate) fn read<R: Read + Seek>(file: &mut R, length: u64) -> Result<StateDict, ReadProblem> {
    if !has_end(file, length)? {
        return Err(ReadProblem::CutOff("the directory at the end of the zip archive is missing".to_owned()));
    }
    let mut archive = TorchArchive::open(file, length)?;
    let is_big = match archive.find("byteorder") {
        None => false,
        Some(entry) => match archive.bytes(entry, "byteorder", 16)?.as_slice() {
            b"little" => false,
            b"big" => true,
            _ => return Err(ReadProblem::damaged("its byte order is neither little nor big")),
        },
    };
    let entry = archive.find("data.pkl").ok_or_else(|| {
        ReadProblem::NotWeights("it is a zip archive without `data.pkl`, so none of `torch.save`".to_owned())
    })?;
    let bytes = archive.bytes(entry, "data.pkl", MAX_PICKLE)?;
    let pickle = run(&mut PickleInput::new(&mut bytes.as_slice()))?;
    let mut assembly = Assembly::new(&pickle, length)?;
    let storages = pickle.objects.storages().entries();
    let mut read: u64 = 0;
    for (index, storage) in storages.iter().enumerate() {
        if !assembly.needs(index) {
            continue;
        }
        let name = format!("data/{}", storage.key);
        let missing = || ReadProblem::Damaged(format!("storage `{}` is missing", shown(&storage.key)));
        let entry = archive.find(&name).ok_or_else(missing)?;
        // Entries that share bytes would make much work of a small file.
        read = read.saturating_add(storage.bytes());
        if read > length {
            return Err(ReadProblem::damaged("its storages are larger than the file"));
        }
        let mut bytes = archive.bytes(entry, &name, storage.bytes())?;
        if bytes.len() as u64 != storage.bytes() {
            let problem =
                format!("storage `{}` has another size than its tensors expect", shown(&storage.key));
            return Err(ReadProblem::Damaged(problem));
        }
        if is_big {
            bytes.chunks_exact_mut(storage.dtype.size()).for_each(<[u8]>::reverse);
        }
        assembly.fill(index, bytes)?;
    }
    assembly.finish(storages)
}

/// True where the archive's end record is in its place; the zip crate would search the whole file for it.
fn has_end<R: Read + Seek>(file: &mut R, length: u64) -> Result<bool, ReadProblem> {
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    file.take(END).read_to_end(&mut tail)?;
    file.rewind()?;
    Ok(tail.windows(4).any(|bytes| bytes == b"PK\x05\x06"))
}

/// Zip archive of `torch.save`, whose entries are in one folder.
struct TorchArchive<'a, R> {
    zip: ZipArchive<&'a mut R>,
    /// Name of the folder, with its slash.
    folder: Vec<u8>,
    length: u64,
}

impl<'a, R: Read + Seek> TorchArchive<'a, R> {
    fn open(file: &'a mut R, length: u64) -> Result<Self, ReadProblem> {
        let zip = ZipArchive::new(file).map_err(|error| problem(error, "its directory"))?;
        if zip.has_duplicate_names() {
            return Err(ReadProblem::damaged("two entries of its zip archive have one name"));
        }
        // The first entry's, as `PyTorchStreamReader` takes it (`caffe2/serialize/inline_container.cc`).
        let first = zip.file_names_raw().next().unwrap_or_default();
        let end = first.iter().position(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let archive = Self { folder: first[..end].to_vec(), zip, length };
        match archive.find("constants.pkl") {
            Some(_) => {
                Err(ReadProblem::OtherForm("a TorchScript module, which holds code beside its weights"))
            }
            None => Ok(archive),
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.zip.index_for_name_raw(&[&self.folder, name.as_bytes()].concat())
    }

    /// Reads an entry of at most `most` bytes, and checks it against its checksum.
    fn bytes(&mut self, entry: usize, name: &str, most: u64) -> Result<Vec<u8>, ReadProblem> {
        let shown_name = shown(name);
        let mut entry = self.zip.by_index(entry).map_err(|error| problem(error, &shown_name))?;
        if entry.compression() != CompressionMethod::Stored {
            let problem = format!("entry `{shown_name}` is compressed, which `torch.save` never does");
            return Err(ReadProblem::Damaged(problem));
        }
        let size = entry.size();
        if size != entry.compressed_size() || size > self.length {
            return Err(ReadProblem::Damaged(format!("entry `{shown_name}` has a size that cannot be")));
        }
        if size > most {
            return Err(ReadProblem::TooLarge(format!(
                "entry `{shown_name}` has {size} bytes, expected {most}"
            )));
        }
        let bytes = read_bytes(&mut entry, size, "entry", name)?;
        // The checksum is compared where the reader is asked for more than there is.
        match entry.read(&mut [0]) {
            Ok(0) => Ok(bytes),
            Ok(_) => Err(ReadProblem::Damaged(format!("entry `{shown_name}` has more bytes than it says"))),
            Err(_) => Err(ReadProblem::Damaged(format!("entry `{shown_name}` does not match its checksum"))),
        }
    }
}

fn problem(error: ZipError, what: &str) -> ReadProblem {
    match error {
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => ReadProblem::Io(error),
        error => ReadProblem::Damaged(format!("{what} cannot be read from the zip archive ({error})")),
    }
}
