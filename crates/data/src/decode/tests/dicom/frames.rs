//! Choice of the frame that is shown, and of its window.

use super::*;

fn frame(bytes: &[u8], frame: u32) -> Result<Decoded, DecodeError> {
    super::super::super::decode(bytes, &Decoding { frame, ..ALL })
}

#[test]
fn the_frame_that_is_asked_for_is_shown_and_noted() {
    let mut made = Made::new((2, 2), 8, &[1, 2, 3, 4]);
    made.pixels.extend([9, 5, 7, 8, 0, 0, 0, 1]);
    made.extra = element(0x0028_0008, b"IS", b"3");
    let bytes = made.bytes();
    for (number, expected) in [(1, [0, 85, 170, 255]), (2, [255, 0, 128, 191]), (3, [0, 0, 0, 255])] {
        let decoded = frame(&bytes, number).unwrap();
        assert_eq!(decoded.pixels.data, expected, "{number}");
        assert_eq!(decoded.notes.frame, Some([number, 3]));
    }
    assert_eq!(frame(&bytes, 4).unwrap_err().to_string(), "has no frame 4: it has 3");
    // Fewer frames are there than the file says.
    made.pixels.truncate(6);
    assert!(matches!(frame(&made.bytes(), 2), Err(DecodeError::CutOff)));
    // Of one frame, nothing is said.
    let one = Made::new((2, 2), 8, &[1, 2, 3, 4]);
    assert_eq!(frame(&one.bytes(), 1).unwrap().notes.frame, None);
    assert_eq!(frame(&one.bytes(), 2).unwrap_err().to_string(), "has no frame 2: it has 1");
    // Frames of single bits follow each other without a gap.
    let mut bits = Made { allocated: 1, stored: 1, ..Made::new((3, 1), 8, &[]) };
    bits.pixels = vec![0b0101_0001, 0b1];
    bits.extra = element(0x0028_0008, b"IS", b"3");
    for (number, expected) in [(1, [255, 0, 0]), (2, [0, 255, 0]), (3, [255, 0, 255])] {
        assert_eq!(frame(&bits.bytes(), number).unwrap().pixels.data, expected, "{number}");
    }
}

#[test]
fn a_compressed_frame_is_found_by_offsets_or_ends() {
    let with = |syntax, size, offsets: &[u32], fragments: &[&[u8]], number| {
        let mut made = Made::new(size, 8, &[]);
        made.extra = element(0x0028_0008, b"IS", b"3");
        let mut bytes = made.data_set();
        bytes.truncate(bytes.len() - 12);
        bytes.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff");
        bytes.extend(item(&offsets.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()));
        fragments.iter().for_each(|fragment| bytes.extend(item(fragment)));
        bytes.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
        frame(&file(syntax, &bytes), number).map(|decoded| decoded.pixels.data)
    };
    let rle = [[1, 2, 3, 4], [9, 5, 7, 8], [0, 0, 0, 1]].map(|values| Made::rle(&[&values]));
    let [a, b, c] = &rle;
    let starts: Vec<u32> = (0..3).map(|i| i * (a.len().next_multiple_of(2) as u32 + 8)).collect();
    let rle_syntax = "1.2.840.10008.1.2.5";
    for (number, expected) in [(1, [0, 85, 170, 255]), (2, [255, 0, 128, 191]), (3, [0, 0, 0, 255])] {
        for offsets in [&[][..], &starts] {
            assert_eq!(with(rle_syntax, (2, 2), offsets, &[a, b, c], number).unwrap(), expected);
        }
        // The second in two fragments.
        let (first, second) = b.split_at(66);
        let later = [0, starts[1], starts[2] + 8];
        assert_eq!(with(rle_syntax, (2, 2), &later, &[a, first, second, c], number).unwrap(), expected);
    }
    // JPEG says itself where it ends. Frames of different pictures, by a gray one that is cut at a row of blocks.
    let jpeg = "1.2.840.10008.1.2.4.50";
    let (start, end) = BASELINE.split_at(300);
    let whole = with(jpeg, (20, 24), &[], &[BASELINE, BASELINE, BASELINE], 1).unwrap();
    for number in 1..=3 {
        let fragments = [BASELINE, start, end, BASELINE];
        assert_eq!(with(jpeg, (20, 24), &[], &fragments, number).unwrap(), whole, "{number}");
    }
    assert!(matches!(with(jpeg, (20, 24), &[], &[BASELINE, start], 3), Err(DecodeError::CutOff)));
}

/// A sequence with one item.
fn sequence(tag: u32, content: &[u8]) -> Vec<u8> {
    element(tag, b"SQ", &item(content))
}

/// Enhanced multi-frame: PS3.3, C.7.6.16.2.9 and C.7.6.16.2.10.
#[test]
fn a_frame_has_the_window_of_its_functional_groups() {
    let window = |center: &str, width: &str| {
        let window =
            [element(0x0028_1050, b"DS", center.as_bytes()), element(0x0028_1051, b"DS", width.as_bytes())];
        sequence(0x0028_9132, &window.concat())
    };
    let rescale = |slope: &str| {
        let rescale = [element(0x0028_1052, b"DS", b"0"), element(0x0028_1053, b"DS", slope.as_bytes())];
        sequence(0x0028_9145, &rescale.concat())
    };
    let of = |shared: Vec<u8>, frames: &[Vec<u8>], number| {
        let mut made = Made::new((3, 1), 8, &[0, 100, 200]);
        made.pixels.extend([0, 100, 200]);
        made.extra = element(0x0028_0008, b"IS", b"2");
        let mut bytes = made.data_set();
        let at = bytes.windows(4).position(|four| four == b"\xe0\x7f\x10\0").unwrap();
        let frames: Vec<u8> = frames.iter().flat_map(|frame| item(frame)).collect();
        let groups = [sequence(0x5200_9229, &shared), element(0x5200_9230, b"SQ", &frames)].concat();
        bytes.splice(at..at, groups);
        frame(&file(EXPLICIT, &bytes), number).unwrap()
    };
    // Each of its own: 0 to 100 and 100 to 200.
    let own = [window("50.5", "101"), window("150.5", "101")];
    assert_eq!(of(vec![], &own, 1).pixels.data, [0, 255, 255]);
    assert_eq!(of(vec![], &own, 2).pixels.data, [0, 0, 255]);
    // One for all, with slopes of their own.
    let shared = window("100.5", "201");
    assert_eq!(of(shared.clone(), &[vec![], vec![]], 2).pixels.data, [0, 128, 255]);
    assert_eq!(of(shared.clone(), &[rescale("1"), rescale("2")], 1).pixels.data, [0, 128, 255]);
    let decoded = of(shared, &[rescale("1"), rescale("2")], 2);
    assert_eq!(decoded.pixels.data, [0, 255, 255]);
    assert!(!decoded.notes.without_window);
    // None, and groups that are damaged.
    let decoded = of(vec![], &[vec![], vec![1, 2, 3]], 2);
    assert_eq!((decoded.pixels.data, decoded.notes.without_window), (vec![0, 128, 255], true));
}
