//! Numbers as pixels: all the letters that a colour bar needs, so that no font does.

/// Pixels that a dot of a letter takes, either way.
const DOT: usize = 2;
/// Dots from one letter to the next.
const PITCH: usize = 6;
/// Height of a letter in pixels.
pub(super) const HEIGHT: usize = 7 * DOT;

/// Letters of 5 dots across and 7 down, the leftmost dot in the highest bit.
const LETTERS: [(char, [u8; 7]); 13] = [
    ('0', [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110]),
    ('1', [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('2', [0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111]),
    ('3', [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110]),
    ('4', [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010]),
    ('5', [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110]),
    ('6', [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110]),
    ('7', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000]),
    ('8', [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110]),
    ('9', [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100]),
    ('.', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100]),
    ('-', [0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000]),
    ('e', [0b00000, 0b00000, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110]),
];

/// Width of a text in pixels.
pub(super) fn width(text: &str) -> usize {
    text.chars().count() * PITCH * DOT
}

/// Calls `dot` with row and column of each pixel of a text whose upper left corner is given; what is no such letter is a space.
pub(super) fn write(text: &str, [top, left]: [usize; 2], dot: &mut dyn FnMut(usize, usize)) {
    for (at, letter) in text.chars().enumerate() {
        let Some((_, rows)) = LETTERS.iter().find(|(known, _)| *known == letter) else { continue };
        for (row, bits) in rows.iter().enumerate() {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                for pixel in 0..DOT * DOT {
                    let down = row * DOT + pixel / DOT;
                    dot(top + down, left + (at * PITCH + column) * DOT + pixel % DOT);
                }
            }
        }
    }
}
