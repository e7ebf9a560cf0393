//! Images that do not look like radiographs.

use data::Pixels;

use super::facts::FileFacts;

/// Reason why an image is unlike a radiograph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Oddity {
    /// Real colour: the share of pixels that have it.
    Colour(f32),
    /// All but a single gray level: the span that holds 98 % of its pixels.
    Blank(u8),
    /// Light with a little that is dark, as a page of text: the share of light pixels.
    Page(f32),
    /// Areas of a few even gray levels, as a drawing or a screen: the bits that a pixel carries.
    Drawing(f32),
    /// One side is more than twice the other: width over height.
    Aspect(f64),
    /// Too small to show anything: the shorter side in pixels.
    Tiny(usize),
}

impl std::fmt::Display for Oddity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Colour(share) => write!(f, "colour in {:.0} % of its pixels", (100.0 * share).max(1.0)),
            Self::Blank(span) => write!(f, "blank: nearly all pixels within {span} gray levels"),
            Self::Page(share) => {
                write!(f, "like a page of text: {:.0} % white, hardly any gray", 100.0 * share)
            }
            Self::Drawing(bits) => {
                write!(f, "like a drawing or a screen: few gray levels ({bits:.1} bits a pixel)")
            }
            Self::Aspect(aspect) if *aspect >= 1.0 => write!(f, "{aspect:.2} times as wide as high"),
            Self::Aspect(aspect) => write!(f, "{:.2} times as high as wide", 1.0 / aspect),
            Self::Tiny(side) => write!(f, "tiny: {side} pixels"),
        }
    }
}

/// The least span, in gray levels, between the darkest and the lightest hundredth.
const SPAN: u8 = 12;
/// Least level of light, levels of gray, and the least share of the one and largest of the other in a page.
const LIGHT: usize = 225;
const GRAY: std::ops::Range<usize> = 48..208;
const PAGE: (f32, f32) = (0.6, 0.2);
/// The fewest bits a pixel carries in a radiograph.
const BITS: f32 = 3.0;
/// The shortest side that shows anything.
const SHORTEST: usize = 64;

/// Finds all that is odd about an image; `gray` is the same in gray.
pub(super) fn oddities(image: &Pixels, gray: &Pixels, facts: &FileFacts) -> Vec<Oddity> {
    let mut found = Vec::new();
    let pixels = (image.width * image.height) as f32;
    found.extend(image.coloured().map(Oddity::Colour));
    let mut histogram = [0_u32; 256];
    gray.data.iter().for_each(|&value| histogram[usize::from(value)] += 1);
    let share = |levels: std::ops::Range<usize>| histogram[levels].iter().sum::<u32>() as f32 / pixels;
    let span = span(&histogram, pixels);
    let bits = bits(&histogram, pixels);
    if span < SPAN {
        found.push(Oddity::Blank(span));
    } else if share(LIGHT..256) >= PAGE.0 && share(GRAY) <= PAGE.1 {
        found.push(Oddity::Page(share(LIGHT..256)));
    } else if bits < BITS {
        found.push(Oddity::Drawing(bits));
    }
    let aspect = facts.aspect();
    if !(0.5..=2.0).contains(&aspect) {
        found.push(Oddity::Aspect(aspect));
    }
    let shorter = image.width.min(image.height);
    if shorter < SHORTEST {
        found.push(Oddity::Tiny(shorter));
    }
    found
}

/// Gray levels between the darkest and the lightest hundredth of an image.
fn span(histogram: &[u32; 256], pixels: f32) -> u8 {
    let sums = histogram.iter().scan(0, |sum: &mut u32, &count| {
        *sum += count;
        Some(*sum as f32 / pixels)
    });
    let within = sums.filter(|below| (0.01..0.99).contains(below)).count();
    within as u8
}

/// Shannon's entropy of the gray levels.
fn bits(histogram: &[u32; 256], pixels: f32) -> f32 {
    let shares = histogram.iter().filter(|&&count| count > 0).map(|&count| count as f32 / pixels);
    shares.map(|share| -share * share.log2()).sum()
}
