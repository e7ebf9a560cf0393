"""The cases of `compare_pixels.py`: files of every kind, made by Pillow and pydicom or by hand where these write none."""
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from pydicom import pixels, uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate


def picture(bits=8, height=90, width=128):
    """Something like a chest: smooth, with edges, a text-like corner, and the whole range."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    lungs = np.exp(-((x - 0.3) ** 2 / 0.02 + (y - 0.5) ** 2 / 0.08)) + np.exp(-((x - 0.7) ** 2 / 0.02 + (y - 0.5) ** 2 / 0.08))
    v = 0.75 - 0.5 * lungs + 0.15 * np.sin(14 * y) * np.cos(5 * x) + 0.1 * y
    v[4:10, 4:16] = 1
    v[12:16, 4:16] = 0
    v = (v - v.min()) / (v.max() - v.min())
    return np.round(v * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)


def coloured(bits=8):
    v = picture(bits)
    return np.stack([v, v[::-1], v[:, ::-1]], -1)


def alpha(bits=8, shape=(90, 128)):
    return np.round(np.linspace(0, 1, shape[1]) * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)[None].repeat(shape[0], 0)


def png(array, depth, colour, interlaced=False, palette=b"", transparent=b"", exif=b""):
    """A PNG of any kind: `array` is [height, width(, samples)]."""
    if array.ndim == 2:
        array = array[..., None]

    def rows(part):
        raw = b""
        for row in part:
            if depth == 16:
                line = row.astype(">u2").tobytes()
            elif depth == 8:
                line = row.astype(np.uint8).tobytes()
            else:
                bits = ((row.reshape(-1, 1) >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8).reshape(-1)
                line = np.packbits(bits).tobytes()
            raw += b"\0" + line
        return raw

    passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
    parts = [array[y::dy, x::dx] for x, dx, y, dy in passes] if interlaced else [array]
    raw = b"".join(rows(part) for part in parts if part.size)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = array.shape[:2]
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    for kind, data in ((b"PLTE", palette), (b"tRNS", transparent), (b"eXIf", exif)):
        out += chunk(kind, data) if data else b""
    return out + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def without_segment(jpeg, marker):
    """A JPEG without its first segment of this marker."""
    at = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2:at + 4], "big"):]


def over_black(values, a, most):
    return values.astype(np.float64) * a[..., None].astype(np.float64) / most


def picture_cases():
    """(name, extension, bytes, exact values by the rules of `all` where Pillow cannot give them)"""
    gray, rgb, a8, a16 = picture(), coloured(), alpha(), alpha(16)
    gray16, rgb16 = picture(16), coloured(16)
    wide = lambda values: values.astype(np.float64) * 255 / 65535
    repeated = lambda values: np.repeat(values[..., None], 3, -1)
    L, RGB = Image.fromarray(gray), Image.fromarray(rgb)
    RGBA = Image.fromarray(np.dstack([rgb, a8]))

    for depth in (1, 2, 4, 8, 16):
        values = picture(depth)
        expected = repeated(values.astype(np.float64) * 255 / (2**depth - 1))
        yield f"png gray {depth} bit", "png", png(values, depth, 0), expected
        yield f"png gray {depth} bit interlaced", "png", png(values, depth, 0, interlaced=True), expected
    yield "png rgb 8 bit interlaced", "png", png(rgb, 8, 2, interlaced=True), None
    yield "png rgb 16 bit", "png", png(rgb16, 16, 2), wide(rgb16)
    yield "png gray alpha 8 bit", "png", png(np.dstack([gray, a8]), 8, 4), None
    yield "png gray alpha 16 bit", "png", png(np.dstack([gray16, a16]), 16, 4), wide(over_black(repeated(gray16), a16, 65535))
    yield "png rgba 8 bit", "png", png(np.dstack([rgb, a8]), 8, 6), None
    yield "png rgba 8 bit interlaced", "png", png(np.dstack([rgb, a8]), 8, 6, interlaced=True), None
    yield "png rgba 16 bit", "png", png(np.dstack([rgb16, a16]), 16, 6), wide(over_black(rgb16, a16, 65535))
    palette = bytes(np.random.default_rng(1).integers(0, 256, 48, np.uint8))
    for depth in (1, 2, 4, 8):
        values = picture(min(depth, 4))
        yield f"png palette {depth} bit", "png", png(values, depth, 3, palette=palette[:3 * 2 ** min(depth, 4)]), None
        yield f"png palette {depth} bit transparent", "png", png(values, depth, 3, palette=palette[:3 * 2 ** min(depth, 4)], transparent=b"\x00\x80"), None
    yield "png gray transparent colour", "png", png(gray, 8, 0, transparent=struct.pack(">H", int(gray[0, 0]))), None
    yield "png rgb transparent colour", "png", png(rgb, 8, 2, transparent=struct.pack(">HHH", *map(int, rgb[0, 0]))), None
    for orientation in range(1, 9):
        yield f"png turned {orientation}", "png", png(rgb, 8, 2, exif=exif(orientation)[6:]), None
        yield f"jpeg turned {orientation}", "jpg", saved(RGB, "JPEG", quality=95, exif=exif(orientation)), None
        yield f"webp turned {orientation}", "webp", saved(RGB, "WEBP", lossless=True, exif=exif(orientation)), None
        yield f"tiff turned {orientation}", "tif", saved(RGB, "TIFF", tiffinfo={0x0112: orientation}), None

    profile = np.random.default_rng(2).integers(0, 256, 3000, np.uint8).tobytes()
    yield "jpeg gray", "jpg", saved(L, "JPEG", quality=90), None
    yield "jpeg gray progressive", "jpg", saved(L, "JPEG", quality=90, progressive=True), None
    yield "jpeg gray with ICC", "jpg", saved(L, "JPEG", quality=90, icc_profile=profile), None
    for name, subsampling in (("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)):
        yield f"jpeg {name}", "jpg", saved(RGB, "JPEG", quality=90, subsampling=subsampling), None
        yield f"jpeg {name} progressive", "jpg", saved(RGB, "JPEG", quality=90, subsampling=subsampling, progressive=True), None
    yield "jpeg with ICC", "jpg", saved(RGB, "JPEG", quality=90, icc_profile=profile), None
    yield "jpeg rgb (adobe 0)", "jpg", saved(RGB, "JPEG", quality=90, keep_rgb=True), None
    # Pillow takes these for cut off, though every pixel is there: it is asked for the whole files.
    for name, image in (("", RGB), ("gray ", L)):
        whole = saved(image, "JPEG", quality=90)
        yield f"jpeg {name}without end marker", "jpg", whole[:-2], np.asarray(Image.open(io.BytesIO(whole)).convert("RGB")).astype(np.float64)
    cmyk = np.dstack([255 - rgb, gray // 3])
    cmyk_jpeg = saved(Image.frombytes("CMYK", (128, 90), cmyk.tobytes()), "JPEG", quality=95)
    yield "jpeg cmyk (adobe 0, inverted)", "jpg", cmyk_jpeg, None
    yield "jpeg cmyk without adobe marker", "jpg", without_segment(cmyk_jpeg, 0xEE), None
    ycck = np.dstack([np.asarray(RGB.convert("YCbCr")), 255 - gray // 3])
    ycck_jpeg = saved(Image.frombytes("CMYK", (128, 90), (255 - ycck).tobytes()), "JPEG", quality=95)
    at = ycck_jpeg.index(b"Adobe") + 11
    yield "jpeg ycck (adobe 2)", "jpg", ycck_jpeg[:at] + b"\x02" + ycck_jpeg[at + 1:], None

    for name, image in (("gray", L), ("rgb", RGB), ("1 bit", L.convert("1")), ("palette", RGB.quantize(64))):
        yield f"bmp {name}", "bmp", saved(image, "BMP"), None
        if name != "palette":
            yield f"pnm {name}", "ppm", saved(image, "PPM"), None
    yield "bmp rgba", "bmp", saved(RGBA, "BMP"), None
    yield "pgm 16 bit", "pgm", b"P5 128 90 65535\n" + gray16.astype(">u2").tobytes(), repeated(wide(gray16))
    yield "pgm of 0 to 4095", "pgm", b"P5 128 90 4095\n" + picture(12).astype(">u2").tobytes(), repeated(picture(12) * 255.0 / 4095)
    yield "ppm 16 bit", "ppm", b"P6 128 90 65535\n" + rgb16.astype(">u2").tobytes(), wide(rgb16)
    yield "pgm in text", "pgm", b"P2 128 90 255\n" + " ".join(map(str, gray.ravel())).encode(), None

    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        for name, image in (("gray", L), ("rgb", RGB)):
            yield f"tiff {name} {compression}", "tif", saved(image, "TIFF", compression=compression), None
    yield "tiff gray 16 bit", "tif", saved(Image.fromarray(gray16), "TIFF"), repeated(wide(gray16))
    yield "tiff gray 16 bit lzw", "tif", saved(Image.fromarray(gray16), "TIFF", compression="tiff_lzw"), repeated(wide(gray16))
    yield "tiff rgb 16 bit", "tif", tiff_rgb16(rgb16), wide(rgb16)
    yield "tiff 1 bit", "tif", saved(L.convert("1"), "TIFF"), None
    yield "tiff 1 bit group4", "tif", saved(L.convert("1"), "TIFF", compression="group4"), None
    yield "tiff rgb jpeg", "tif", saved(RGB, "TIFF", compression="jpeg", quality=95), None
    yield "tiff gray jpeg", "tif", saved(L, "TIFF", compression="jpeg", quality=95), None
    yield "tiff rgba", "tif", saved(RGBA, "TIFF"), None
    yield "tiff cmyk", "tif", saved(Image.frombytes("CMYK", (128, 90), cmyk.tobytes()), "TIFF"), None
    yield "tiff palette", "tif", saved(RGB.quantize(64), "TIFF"), None

    yield "webp lossless", "webp", saved(RGB, "WEBP", lossless=True), None
    yield "webp lossless alpha", "webp", saved(RGBA, "WEBP", lossless=True, exact=True), None
    yield "webp lossy", "webp", saved(RGB, "WEBP", quality=90), None
    yield "webp lossy alpha", "webp", saved(RGBA, "WEBP", quality=90), None
    yield "webp of two frames", "webp", saved(RGB, "WEBP", lossless=True, save_all=True, append_images=[L.convert("RGB")]), None
    yield "gif", "gif", saved(RGB.quantize(64), "GIF"), None
    yield "gif gray", "gif", saved(L, "GIF"), None
    yield "gif transparent", "gif", saved(RGB.quantize(64), "GIF", transparency=3), None
    yield "gif of two frames", "gif", saved(RGB.quantize(64), "GIF", save_all=True, append_images=[L.quantize(64)]), None


def tiff_rgb16(values):
    """Pillow writes none: little endian, one strip."""
    height, width = values.shape[:2]
    data = values.astype("<u2").tobytes()
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 8 + len(data)), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 8),
            (277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data))]
    after = 8 + len(data) + 6
    return (b"II*\0" + struct.pack("<I", after) + data + struct.pack("<HHH", 16, 16, 16) + struct.pack("<H", len(tags))
            + b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0))


def lossless_jpeg(values, precision):
    """One scan of SOF3, predictor 1 (left), every difference category with a code of five bits."""
    v = values.astype(np.int64)
    prediction = np.empty_like(v)
    prediction[:, 1:], prediction[1:, 0], prediction[0, 0] = v[:, :-1], v[:-1, 0], 1 << (precision - 1)
    bits = []
    # Differences count modulo 2^16; 32768, the only one of 16 bits, has none behind its category.
    for d in ((v - prediction + 32767) % 65536 - 32767).ravel().tolist():
        size = abs(d).bit_length()
        bits.append(format(size, "05b") + (format(d if d > 0 else d + (1 << size) - 1, f"0{size}b") if 0 < size < 16 else ""))
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")
    segment = lambda marker, body: bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    height, width = values.shape
    return (b"\xff\xd8" + segment(0xC3, struct.pack(">BHHBBBB", precision, height, width, 1, 1, 0x11, 0))
            + segment(0xC4, b"\0" + bytes([0, 0, 0, 0, 17] + [0] * 11) + bytes(range(17)))
            + segment(0xDA, bytes([1, 1, 0, 1, 0, 0])) + data + b"\xff\xd9")


def extended_jpeg(values, precision=12, restart=0, quantization=1):
    """One scan of SOF1: every difference category and every run and size with a code of its own, of equal length."""
    height, width = values.shape
    padded = np.pad(values.astype(np.float64), ((0, -height % 8), (0, -width % 8)), "edge") - (1 << (precision - 1))
    x = np.arange(8)
    basis = np.cos((2 * x[None] + 1) * x[:, None] * np.pi / 16) * np.where(x == 0, 0.5**0.5, 1)[:, None] / 2
    zigzag = sorted(((v, u) for v in range(8) for u in range(8)), key=lambda p: (p[0] + p[1], p[1] if (p[0] + p[1]) % 2 == 0 else p[0]))
    bits, mean, data = [], 0, b""
    sized = lambda v: format(v if v > 0 else v + (1 << abs(v).bit_length()) - 1, f"0{abs(v).bit_length()}b") if v else ""

    def packed():
        stream = "".join(bits)
        stream += "1" * (-len(stream) % 8)
        return int("0" + stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")

    count = 0
    for top in range(0, padded.shape[0], 8):
        for left in range(0, padded.shape[1], 8):
            if restart and count and count % restart == 0:
                data += packed() + bytes([0xFF, 0xD0 + (count // restart - 1) % 8])
                bits, mean = [], 0
            count += 1
            block = np.round(basis @ padded[top:top + 8, left:left + 8] @ basis.T / quantization).astype(int)
            line = [int(block[p]) for p in zigzag]
            bits.append(format(abs(line[0] - mean).bit_length(), "05b") + sized(line[0] - mean))
            mean, zeros = line[0], 0
            last = max([i for i in range(64) if line[i]], default=0)
            for value in line[1:last + 1]:
                if value == 0:
                    zeros += 1
                    continue
                while zeros > 15:
                    bits.append(format(0xF0, "09b"))
                    zeros -= 16
                bits.append(format(zeros << 4 | abs(value).bit_length(), "09b") + sized(value))
                zeros = 0
            if last < 63:
                bits.append(format(0, "09b"))
    data += packed()
    segment = lambda marker, body: bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    return (b"\xff\xd8" + segment(0xDB, b"\0" + bytes([quantization] * 64)) + segment(0xC1, struct.pack(">BHHBBBB", precision, height, width, 1, 1, 0x11, 0))
            + segment(0xC4, b"\0" + bytes([0, 0, 0, 0, 16] + [0] * 11) + bytes(range(16)))
            + segment(0xC4, b"\x10" + bytes([0] * 8 + [255] + [0] * 7) + bytes(range(255)))
            + (segment(0xDD, struct.pack(">H", restart)) if restart else b"")
            + segment(0xDA, bytes([1, 1, 0, 0, 63, 0])) + data + b"\xff\xd9")


def data_set(values, stored=8, syntax=uid.ExplicitVRLittleEndian, signed=False, frames=1, **attributes):
    """A DICOM file with every patient field filled in."""
    ds = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "2.25.1"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.Modality = "Doe^Jane", "4711", "19700101", "DX"
    shape = values.shape[1:] if frames > 1 else values.shape
    ds.Rows, ds.Columns = shape[:2]
    ds.SamplesPerPixel = 3 if len(shape) == 3 else 1
    ds.PhotometricInterpretation = "RGB" if len(shape) == 3 else "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (16 if stored > 8 else 8), stored, stored - 1
    ds.PixelRepresentation = int(signed)
    if len(shape) == 3:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    kind = ("i" if signed else "u") + ("2" if stored > 8 else "1")
    ds.PixelData = values.astype("<" + kind).tobytes() + b"\0" * (values.size % 2 if stored <= 8 else 0)
    ds["PixelData"].VR = "OW" if stored > 8 else "OB"
    for name, value in attributes.items():
        setattr(ds, name, value)
    return ds


def written(ds):
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def encapsulated(ds, frames):
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def lut(first, values, bits):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.LUTData = [int(v) for v in values]
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    return [item]


def dicom_cases():
    """(name, bytes), or (name, (bytes, bytes of a file that shows the same)) of what pydicom does not read."""
    signed = lambda bits: picture(bits).astype(np.int32) - 2 ** (bits - 1)
    window = dict(WindowCenter=1500, WindowWidth=2000)
    for syntax, name in ((uid.ExplicitVRLittleEndian, "explicit"), (uid.ImplicitVRLittleEndian, "implicit"), (uid.DeflatedExplicitVRLittleEndian, "deflated")):
        yield f"dicom 12 bit {name}", written(data_set(picture(12), 12, syntax))
    yield "dicom 8 bit", written(data_set(picture(8), 8))
    yield "dicom 10 bit", written(data_set(picture(10), 10))
    yield "dicom 16 bit", written(data_set(picture(16), 16))
    yield "dicom 8 bit signed", written(data_set(signed(8), 8, signed=True))
    yield "dicom 12 bit signed", written(data_set(signed(12), 12, signed=True))
    yield "dicom 16 bit signed", written(data_set(signed(16), 16, signed=True))
    yield "dicom window", written(data_set(picture(12), 12, **window))
    yield "dicom two windows", written(data_set(picture(12), 12, WindowCenter=[1500, 100], WindowWidth=[2000, 10]))
    yield "dicom window linear exact", written(data_set(picture(12), 12, VOILUTFunction="LINEAR_EXACT", **window))
    yield "dicom window sigmoid", written(data_set(picture(12), 12, VOILUTFunction="SIGMOID", **window))
    yield "dicom window of width 1", written(data_set(picture(12), 12, WindowCenter=1500, WindowWidth=1))
    yield "dicom rescale", written(data_set(picture(12), 12, RescaleSlope=2, RescaleIntercept=-1024))
    yield "dicom rescale, negative slope", written(data_set(picture(12), 12, RescaleSlope=-1, RescaleIntercept=4095))
    yield "dicom rescale and window", written(data_set(picture(12), 12, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=3000))
    yield "dicom signed, rescale and window", written(data_set(signed(12), 12, signed=True, RescaleSlope="0.5", RescaleIntercept=100, WindowCenter=0, WindowWidth=900))
    yield "dicom monochrome1", written(data_set(picture(12), 12, PhotometricInterpretation="MONOCHROME1"))
    yield "dicom monochrome1 window", written(data_set(picture(12), 12, PhotometricInterpretation="MONOCHROME1", **window))
    curve = np.round(255 * np.sqrt(np.linspace(0, 1, 4096)))
    yield "dicom voi lut", written(data_set(picture(12), 12, VOILUTSequence=lut(0, curve * 16, 12)))
    yield "dicom modality lut", written(data_set(picture(12), 12, ModalityLUTSequence=lut(0, curve * 257, 16)))
    yield "dicom modality lut and window", written(data_set(picture(12), 12, ModalityLUTSequence=lut(100, curve[:3000] * 257, 16), WindowCenter=30000, WindowWidth=40000))
    frames = np.stack([picture(12), picture(12)[::-1], picture(12) // 2])
    yield "dicom of three frames", written(data_set(frames, 12, frames=3))
    yield "dicom rgb", written(data_set(coloured(), 8))
    yield "dicom rgb planar", written(data_set_planar(coloured()))
    ybr = pixels.convert_color_space(coloured(), "RGB", "YBR_FULL")
    yield "dicom ybr full", written(data_set(ybr, 8, PhotometricInterpretation="YBR_FULL"))
    yield "dicom palette", written(palette_colour(8))
    yield "dicom palette 16 bit", written(palette_colour(16))
    yield "dicom without preamble", written(data_set(picture(12), 12))[132:]

    for name, values, stored in (("8 bit", picture(8), 8), ("12 bit", picture(12), 12), ("rgb", coloured(), 8)):
        ds = data_set(values, stored)
        ds.compress(uid.RLELossless, generate_instance_uid=False)
        yield f"dicom rle {name}", written(ds)
    ds = data_set(signed(16), 16, signed=True)
    ds.compress(uid.RLELossless, generate_instance_uid=False)
    yield "dicom rle 16 bit signed", written(ds)
    ds = data_set(frames, 12, frames=3)
    ds.compress(uid.RLELossless, generate_instance_uid=False)
    yield "dicom rle of three frames", written(ds)

    L, RGB = Image.fromarray(picture()), Image.fromarray(coloured())
    jpeg = saved(L, "JPEG", quality=90)
    yield "dicom jpeg baseline", written(encapsulated(data_set(picture(), 8, uid.JPEGBaseline8Bit), [jpeg]))
    for subsampling in (0, 1, 2):
        ds = data_set(coloured(), 8, uid.JPEGBaseline8Bit, PhotometricInterpretation="YBR_FULL_422")
        yield f"dicom jpeg baseline colour {subsampling}", written(encapsulated(ds, [saved(RGB, "JPEG", quality=90, subsampling=subsampling)]))
    ds = data_set(coloured(), 8, uid.JPEGBaseline8Bit)
    yield "dicom jpeg baseline rgb", written(encapsulated(ds, [saved(RGB, "JPEG", quality=90, keep_rgb=True)]))
    ds = data_set(np.stack([picture()] * 2), 8, uid.JPEGBaseline8Bit, frames=2)
    yield "dicom jpeg of two frames", written(encapsulated(ds, [jpeg, saved(ImageOps.flip(L), "JPEG")]))
    for bits in (8, 12, 16):
        ds = data_set(picture(bits), bits, uid.JPEGLosslessSV1)
        yield f"dicom jpeg lossless {bits} bit", written(encapsulated(ds, [lossless_jpeg(picture(bits), bits)]))
    ds = data_set(signed(12), 12, uid.JPEGLossless, signed=True, WindowCenter=0, WindowWidth=3000)
    yield "dicom jpeg lossless 12 bit signed", written(encapsulated(ds, [lossless_jpeg(signed(12) & 0xFFF, 12)]))
    for name, values, stored, extra in (("8 bit", picture(8), 8, {}), ("12 bit", picture(12), 12, {}), ("16 bit", picture(16), 16, {}),
                                        ("12 bit signed", signed(12), 12, {"signed": True}), ("rgb", coloured(), 8, {})):
        ds = data_set(values, stored, **extra)
        try:
            ds.compress(uid.JPEG2000Lossless, generate_instance_uid=False)
        except Exception as error:
            yield f"dicom jpeg 2000 lossless {name}", error
            continue
        yield f"dicom jpeg 2000 lossless {name}", written(ds)
    yield from odd_dicom_cases(signed, frames, window)
    for near, name in ((0, "lossless"), (3, "near-lossless")):
        for bits in (8, 12, 16):
            yield f"dicom jpeg-ls {name} {bits} bit", jpeg_ls(data_set(picture(bits), bits), picture(bits), near)
        yield f"dicom jpeg-ls {name} rgb", jpeg_ls(data_set(coloured(), 8), coloured(), near)
    yield "dicom jpeg-ls lossless 12 bit signed", jpeg_ls(data_set(signed(12), 12, signed=True), signed(12).astype(np.int16), 0)
    ds = data_set(picture(12), 12)
    try:
        ds.compress(uid.JPEG2000, j2k_cr=[6], generate_instance_uid=False)
        yield "dicom jpeg 2000 lossy 12 bit", written(ds)
    except Exception as error:
        yield "dicom jpeg 2000 lossy 12 bit", error


def data_set_planar(values):
    ds = data_set(values, 8)
    ds.PlanarConfiguration = 1
    ds.PixelData = np.moveaxis(values, -1, 0).tobytes()
    return ds


def palette_colour(bits):
    ds = data_set(picture(8), 8, PhotometricInterpretation="PALETTE COLOR")
    random = np.random.default_rng(3)
    for channel in ("Red", "Green", "Blue"):
        setattr(ds, f"{channel}PaletteColorLookupTableDescriptor", [256, 0, bits])
        ds[f"{channel}PaletteColorLookupTableDescriptor"].VR = "US"
        values = random.integers(0, 2**bits, 256)
        setattr(ds, f"{channel}PaletteColorLookupTableData", values.astype("<u2" if bits == 16 else np.uint8).tobytes())
    return ds


def odd_dicom_cases(signed, frames, window):
    """Files without a window, with odd heads, and of rare kinds."""
    narrow = picture(12) // 4 + 700
    yield "dicom 10 of 16 bits without window", written(data_set(narrow.astype(np.uint16), 16))
    padded = narrow.astype(np.int32)
    padded[:20] = -2000
    yield "dicom with padding", written(data_set(padded, 16, signed=True, PixelPaddingValue=-2000))
    padded[10:20] = -1500
    yield "dicom with a range of padding", written(data_set(padded, 16, signed=True, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1500))
    empty = Dataset()
    yield "dicom with empty look-up tables", written(data_set(picture(8), 8, ModalityLUTSequence=[empty], VOILUTSequence=[empty]))
    yield "dicom with an unusable first window", written(data_set(picture(12), 12, WindowCenter=[0, 1500], WindowWidth=[0, 2000]))
    plain = data_set(picture(12), 12, **window)
    explicit, implicit = written(plain), written(data_set(picture(12), 12, uid.ImplicitVRLittleEndian, **window))
    yield "dicom explicit, called implicit", (written_as(plain, uid.ImplicitVRLittleEndian), explicit)
    yield "dicom implicit, called explicit", (written_as(data_set(picture(12), 12, uid.ImplicitVRLittleEndian, **window), uid.ExplicitVRLittleEndian), explicit)
    yield "dicom native, called jpeg", (written_as(plain, uid.JPEGBaseline8Bit), explicit)
    yield "dicom native, called deflated", (written_as(plain, uid.DeflatedExplicitVRLittleEndian), explicit)
    start = lambda data: data[data.index(b"\x08\0\x16\0"):]
    yield "dicom bare, explicit", (start(explicit), explicit)
    yield "dicom bare, implicit", (start(implicit), implicit)
    yield "dicom bare, from its modality on", (implicit[implicit.index(b"\x08\0\x60\0"):], implicit)
    jpeg = saved(Image.fromarray(picture()), "JPEG", quality=90)
    whole = written(encapsulated(data_set(picture(), 8, uid.JPEGBaseline8Bit), [jpeg]))
    yield "dicom jpeg without end marker", (written(encapsulated(data_set(picture(), 8, uid.JPEGBaseline8Bit), [jpeg[:-2]])), whole)
    yield "dicom jpeg without delimiter", (whole[:-8], whole)
    yield "dicom jpeg, called native", (written_as(encapsulated(data_set(picture(), 8, uid.JPEGBaseline8Bit), [jpeg]), uid.ExplicitVRLittleEndian), whole)
    bits = picture(1)
    ds = data_set(bits, 8)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 1, 1, 0
    ds.PixelData = pixels.pack_bits(bits)
    yield "dicom 1 bit", written(ds)
    for name, values in (("unsigned", picture(16).astype(np.uint32) * 3000 + 7), ("signed", picture(16).astype(np.int32) * 3000 - 9000)):
        ds = data_set(values, 8, signed=name == "signed")
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 32, 32, 31
        ds.PixelData, ds["PixelData"].VR = values.tobytes(), "OW"
        yield f"dicom 32 bit {name}", written(ds)
    big = data_set(picture(12), 12, **window)
    big.PixelData = picture(12).astype(">u2").tobytes()
    big.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    big.set_original_encoding(False, False)
    yield "dicom big endian", written(big)
    ybr = pixels.convert_color_space(coloured(), "RGB", "YBR_FULL")
    halves = np.stack([ybr[:, 0::2, 0], ybr[:, 1::2, 0], ybr[:, 0::2, 1], ybr[:, 0::2, 2]], -1)
    ds = data_set(coloured(), 8, PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = halves.tobytes()
    yield "dicom ybr full 422", written(ds)
    ds = palette_colour(8)
    for channel in ("Red", "Green", "Blue"):
        delattr(ds, f"{channel}PaletteColorLookupTableData")
        setattr(ds, f"Segmented{channel}PaletteColorLookupTableData", bytes([0, 2, 9, 30, 1, 120, 250, 1, 100, len(channel), 0, 2, 7, 99, 2, 2, 0, 0, 0, 0]))
        ds[f"{channel}PaletteColorLookupTableDescriptor"].value = [256, 0, 8]
    yield "dicom segmented palette", written(ds)
    ds = data_set(frames, 12, frames=3)
    groups = []
    for center, width in ((1500, 2000), (800, 500), (300, 300)):
        window_item, item = Dataset(), Dataset()
        window_item.WindowCenter, window_item.WindowWidth = center, width
        item.FrameVOILUTSequence = [window_item]
        groups.append(item)
    shared, rescale = Dataset(), Dataset()
    rescale.RescaleIntercept, rescale.RescaleSlope, rescale.RescaleType = -100, 1, "US"
    shared.PixelValueTransformationSequence = [rescale]
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], groups
    yield "dicom enhanced, a window a frame", written(ds)
    ds = data_set(picture(12), 12, uid.JPEGExtended12Bit)
    yield "dicom jpeg extended 12 bit", (written(encapsulated(ds, [extended_jpeg(picture(12), quantization=2)])), written(data_set(picture(12), 12)))
    yield "dicom jpeg extended 12 bit with restarts", (written(encapsulated(ds, [extended_jpeg(picture(12), restart=5)])), written(data_set(picture(12), 12)))


def written_as(ds, syntax):
    """A file whose head names another transfer syntax than it is written in."""
    data = written(ds)
    old, new = str(ds.file_meta.TransferSyntaxUID).encode(), str(syntax).encode()
    old, new = old + b"\0" * (len(old) % 2), new + b"\0" * (len(new) % 2)
    return data.replace(struct.pack("<H", len(old)) + old, struct.pack("<H", len(new)) + new)


def jpeg_ls(ds, values, near):
    """The file in JPEG-LS by CharLS, or why there is none."""
    syntax = uid.JPEGLSNearLossless if near else uid.JPEGLSLossless
    try:
        ds.compress(syntax, arr=values, jls_error=near or None, generate_instance_uid=False)
    except Exception as error:
        return error
    return written(ds)
