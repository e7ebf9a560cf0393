"""A frame of a DICOM file as pydicom and its plugins decode it, shown by the rules of `--formats all`."""
import numpy as np
import pydicom
from pydicom import pixels, uid

WINDOW = ("WindowCenter", "WindowWidth", "VOILUTFunction")
RESCALE = ("RescaleIntercept", "RescaleSlope", "RescaleType")


def read(path):
    ds = pydicom.dcmread(path, force=True)
    if not hasattr(ds, "file_meta"):
        ds.file_meta = pydicom.dataset.FileMetaDataset()
    if not ds.file_meta.get("TransferSyntaxUID"):
        implicit, little = ds.original_encoding
        ds.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
    return ds


def shown(ds, frame=0):
    """[height, width, 3] from 0 to 255: modality LUT, then the frame's first usable window or else its VOI LUT or else the
    range of its own values without padding, MONOCHROME1 inverted; colours as 8-bit RGB."""
    array = pixels.pixel_array(ds, index=frame)
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        depth = ds.RedPaletteColorLookupTableDescriptor[2]
        # pydicom takes the words of a big-endian table for little-endian ones.
        if not ds.original_encoding[1] and depth == 16:
            for name in (f"{channel}PaletteColorLookupTableData" for channel in ("Red", "Green", "Blue")):
                if name in ds:
                    ds[name].value = np.frombuffer(ds[name].value, ">u2").astype("<u2").tobytes()
        return pixels.apply_color_lut(array, ds)[..., :3].astype(np.float64) * 255 / (2**depth - 1)
    if ds.get("SamplesPerPixel", 1) == 3:
        return array.astype(np.float64) * 255 / (2**ds.BitsStored - 1)
    hoist(ds, frame)
    values = pixels.apply_modality_lut(array, ds)
    low, high = (0, 2**ds.BitsStored - 1) if ds.PixelRepresentation == 0 else (-(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1)
    if "ModalityLUTSequence" in ds:
        low, high = 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    elif "RescaleSlope" in ds:
        low, high = low * ds.RescaleSlope + ds.RescaleIntercept, high * ds.RescaleSlope + ds.RescaleIntercept
    if "WindowWidth" in ds:
        values = pixels.apply_windowing(values, ds)
    elif "VOILUTSequence" in ds:
        values = pixels.apply_voi(values, ds)
        low, high = 0, 2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        own = values[~is_padding(array, ds)]
        own = own if own.size else values
        low, high = own.min(), own.max()
    low, high = float(min(low, high)), float(max(low, high))
    values = values.astype(np.float64)
    white = np.clip((values - low) / (high - low) * 255, 0, 255) if high > low else np.zeros(values.shape)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        white = 255 - white
    return np.repeat(white[..., None], 3, -1)


def hoist(ds, frame):
    """Windows and rescaling of a frame's functional groups to the top, and away with what is empty or cannot be used."""
    groups = [sequence[index] for keyword, index in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame))
              if len(sequence := ds.get(keyword) or []) > index]
    for group in groups:
        for sequence, names in (("FrameVOILUTSequence", WINDOW), ("PixelValueTransformationSequence", RESCALE)):
            for name in names:
                if group.get(sequence) and name in group[sequence][0]:
                    setattr(ds, name, group[sequence][0][name].value)
    for name in ("ModalityLUTSequence", "VOILUTSequence"):
        if name in ds and not (ds[name].value and ds[name][0].get("LUTData")):
            del ds[name]
    slope, intercept = ds.get("RescaleSlope"), ds.get("RescaleIntercept")
    for name in RESCALE:
        if name in ds:
            del ds[name]
    if slope not in (None, 0) or intercept is not None:
        ds.RescaleSlope, ds.RescaleIntercept = slope or 1, intercept or 0
    listed = lambda value: [] if value is None else list(value) if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]
    least = 1 if ds.get("VOILUTFunction") in (None, "", "LINEAR") else 1e-300
    windows = [(center, width) for center, width in zip(listed(ds.get("WindowCenter")), listed(ds.get("WindowWidth"))) if width >= least]
    for name in ("WindowCenter", "WindowWidth"):
        if name in ds:
            del ds[name]
    if windows:
        ds.WindowCenter, ds.WindowWidth = windows[0]


def is_padding(array, ds):
    ends = [ds.get("PixelPaddingValue"), ds.get("PixelPaddingRangeLimit")]
    ends = [int(end) for end in ends if end is not None]
    return (array >= min(ends)) & (array <= max(ends)) if ds.get("PixelPaddingValue") is not None else np.zeros(array.shape, bool)
