//! Recall of the audit: planted copies that it finds, and other pairs that it takes for copies.
//!
//! `cargo run --release -p data --example audit_recall -- DATA TEST [SEED…]` splits DATA, takes TEST as the test set, and
//! for each seed puts into another set than the original's: 30 exact copies (renamed, or stored in another format
//! without loss), and 10 near copies of each kind: JPEG of quality 60; resized by 0.7; 4 % of each side cropped; and
//! beyond what is asked for, 4 % cropped at every edge, and all three with another brightness and contrast. Other pairs
//! that are found are listed for looking at.

#![expect(clippy::print_stdout, reason = "a program of its own")]

mod planting;

use std::{path::Path, time::Instant};

use data::{Classes, OpenOptions};
use planting::{KINDS, Result, plant};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, test, seeds @ ..] = &arguments[..] else { return Err("give DATA TEST [SEED…]".into()) };
    let seeds: Vec<u64> = seeds.iter().map(|seed| seed.parse()).collect::<std::result::Result<_, _>>()?;
    let listing = data::open(Path::new(data), &OpenOptions::KERAS)?;
    let classes = Classes::Exactly(&listing.classes);
    let test = data::open(Path::new(test), &OpenOptions { classes, ..OpenOptions::KERAS })?;
    for seed in if seeds.is_empty() { vec![1, 2, 3, 4, 5] } else { seeds } {
        let folder = tempfile::tempdir()?;
        let planted = plant(&listing, &test, folder.path(), seed)?;
        let start = Instant::now();
        let audit = planted.audit(listing.classes.len());
        println!("seed {seed}: {} images in {:.1} s", audit.images.len(), start.elapsed().as_secs_f64());
        let found = planted.judge(&audit);
        for ((name, count), likenesses) in KINDS.iter().zip(&found.kinds) {
            let least = likenesses.iter().copied().fold(1.0, f32::min);
            println!("  {name}: {} of {count}, least similarity {least:.3}", likenesses.len());
        }
        println!("  other pairs: {}", found.others.len());
        for (similarity, a, b) in found.others {
            println!("    {similarity:.3} {} {}", a.display(), b.display());
        }
    }
    Ok(())
}
