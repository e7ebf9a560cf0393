//! Recipes, as far as they go without a flag's meaning. The code is the program's own file: a program cannot be linked.

#[path = "../../../crates/cli/src/recipe/file.rs"]
mod file;

use file::MAX_BYTES;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    assert!(text.len() as u64 <= MAX_BYTES);
    match file::settings(text) {
        Ok(settings) => settings.values().for_each(|value| drop(file::words(value))),
        Err((line, _)) => assert!((1..=text.split('\n').count()).contains(&line)),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts: [&str; 4] = [
        include_str!("../../../crates/cli/recipes/best.toml"),
        "seed = 7\nlearning-rate = 1e-2\nfreeze-batch-norm = true\nclasses = [\"a\", 'b']\n",
        "a = { b = [1, [2, 3.5]], c = 1979-05-27T07:32:00Z }\n[x.y]\n\"q\" = \"\"\"\n\\u00e9\"\"\"\n[[z]]\n",
        "n = 0xff\nm = -inf\no = nan\np = 1_000\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
