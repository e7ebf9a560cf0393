use crate::workspace::World;

#[test]
fn the_demo_makes_a_sample_trains_tests_and_shows_the_run() {
    let world = World::new();
    let said = world.xtask(&["demo"], "");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let steps = [
        "thorax data sample --out data/sample/Phantoms",
        "thorax train --data data/sample/Phantoms",
        "thorax test --saved",
    ];
    assert_eq!(world.log(), steps);
    for words in ["2 to 4 minutes", "making a synthetic sample in `data/sample/Phantoms`"] {
        assert!(said.stderr.contains(words), "no `{words}` in:\n{}", said.stderr);
    }
    assert!(said.stdout.starts_with("trained\ntested\n\nThe run is in data/runs/fake:\n"), "{}", said.stdout);
    let listed = |name: &str| said.stdout.lines().any(|line| line.trim_start().starts_with(name));
    assert!(listed("run.json") && listed("history.csv") && listed("test.json"), "{}", said.stdout);
    let last = said.stdout.lines().last().expect("it says something");
    assert!(last.starts_with("All of it took ") && last.ends_with(" s."), "{last}");

    // The sample is made once, and the user's own data set takes precedence.
    assert!(world.xtask(&["demo"], "").stderr.contains("using the synthetic sample"));
    assert_eq!(world.log(), steps[1..]);
    world.write("tree/data/COVID-19 Radiography Database/NORMAL/1.png", "");
    assert_eq!(world.xtask(&["demo"], "").code, Some(0));
    assert_eq!(world.log(), ["thorax train --data data/COVID-19 Radiography Database", steps[2]]);
}

#[test]
fn a_step_that_fails_ends_the_demo_and_is_named() {
    let world = World::new();
    let said = world.xtask(&["demo"], "train");
    said.assert_error(
        "-- train --data data/sample/Phantoms` failed (exit status: 1)",
        "its own words are above",
    );
    assert!(said.stderr.contains("error: told to fail"), "{}", said.stderr);
    assert!(!said.stdout.contains("The run is in"), "{}", said.stdout);
}
