//! Tests of `completions` and `man`: they hold every command, shells and `man` accept them, and no existing file is lost.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::world::World;

/// Returns the commands that the help of a command lists.
fn commands(world: &World, of: &[&str]) -> Vec<String> {
    let help = world.thorax(&[of, &["--help"]].concat());
    let lines = help.ok().stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
    // Further lines of a long description are indented more.
    let names = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

fn bash(world: &World, script: &str) -> Output {
    Command::new("bash")
        .args(["--norc", "-c", script])
        .current_dir(world.path(""))
        .output()
        .expect("bash runs")
}

/// Returns the words that bash offers for the last of these words.
fn offered(world: &World, words: &[&str]) -> Vec<String> {
    let [.., previous, word] = words else { panic!("two words at least") };
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let output = bash(
        world,
        &format!(
            "source thorax.bash && complete -p thorax >&2 && COMP_WORDS=({}) COMP_CWORD={} && \
             _thorax thorax '{word}' '{previous}' && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted.join(" "),
            words.len() - 1
        ),
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("-F _thorax"), "{said}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    let world = World::new();
    let script = world.thorax(&["completions", "bash"]);
    fs::write(world.path("thorax.bash"), &script.ok().stdout).unwrap();
    let checked = bash(&world, "bash -n thorax.bash");
    assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");

    assert_eq!(offered(&world, &["thorax", "pre"]), ["predict"]);
    assert_eq!(offered(&world, &["thorax", "data", "sc"]), ["scan"]);
    assert_eq!(offered(&world, &["thorax", "predict", "--unc"]), ["--uncertain-below"]);
    assert_eq!(offered(&world, &["thorax", "completions", "po"]), ["powershell"]);
    fs::create_dir(world.path("radiographs")).unwrap();
    // The value of a flag that takes a path.
    assert_eq!(offered(&world, &["thorax", "train", "--data", "radio"]), ["radiographs"]);
}

#[test]
fn every_shell_is_told_every_command() {
    let world = World::new();
    let all: Vec<String> = [commands(&world, &[]), commands(&world, &["data"])].concat();
    for name in ["train", "serve", "completions", "man", "audit"] {
        assert!(all.iter().any(|known| known == name), "no {name} in {all:?}");
    }
    for (shell, mark) in [
        ("bash", "complete -F _thorax"),
        ("zsh", "#compdef thorax"),
        ("fish", "complete -c thorax"),
        ("elvish", "edit:completion:arg-completer[thorax]"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = world.thorax(&["completions", shell]);
        let script = &script.ok().stdout;
        assert!(script.contains(mark), "{shell}: {script}");
        for name in &all {
            assert!(script.contains(name.as_str()), "{shell} does not know {name}");
        }
        assert!(script.contains("uncertain-below"), "{shell} does not know a flag of predict");
        fs::write(world.path(shell), script).unwrap();
        // The shell itself may not be installed.
        if let Ok(output) = Command::new(shell).arg("-n").arg(world.path(shell)).output() {
            assert!(output.status.success() || shell == "powershell", "{output:?}");
        }
    }
    world.refuses(&["completions", "csh"], &["error: ", "csh", "bash, elvish, fish, powershell, zsh"]);
    world.refuses(&["completions"], &["error: ", "<SHELL>"]);
}

/// Reads a page with `man`, where it is installed: the text without overstruck letters, and the warnings.
fn read(page: &Path) -> Option<(String, String)> {
    let mut man = Command::new("man");
    man.args(["--warnings", "--pager=cat", "-Tutf8", "-l"]).arg(page).env("LC_ALL", "C.UTF-8");
    let output = man.output().ok()?;
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut text = String::new();
    for letter in printed.chars() {
        match letter {
            '\u{8}' => drop(text.pop()),
            _ => text.push(letter),
        }
    }
    Some((text, String::from_utf8(output.stderr).unwrap()))
}

#[test]
fn every_command_has_a_page() {
    let world = World::new();
    let mut names = vec!["thorax".to_owned()];
    names.extend(commands(&world, &[]).iter().map(|command| format!("thorax-{command}")));
    names.extend(commands(&world, &["data"]).iter().map(|command| format!("thorax-data-{command}")));
    let done = world.thorax(&["man", "--out", "share/man1"]);
    assert_eq!(done.ok().stdout, format!("{} pages in share/man1\n", names.len()));
    assert_eq!(fs::read_dir(world.path("share/man1")).unwrap().count(), names.len());
    for name in &names {
        let path = world.path(&format!("share/man1/{name}.1"));
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(page.contains(&format!("\n.TH {name} 1 ")) && page.contains("\n.SH OPTIONS\n"), "{page}");
        if let Some((text, warnings)) = read(&path) {
            assert_eq!(warnings, "", "{name}");
            assert!(text.contains("--verbose") && text.contains("Thorax Manual"), "{text}");
        }
    }
    let flags = fs::read_to_string(world.path("share/man1/thorax-predict.1")).unwrap();
    assert!(flags.contains(r"\-\-uncertain\-below"), "{flags}");
    // Without a folder, the main page.
    let main = world.thorax(&["man"]);
    assert_eq!(main.ok().stdout, fs::read_to_string(world.path("share/man1/thorax.1")).unwrap());
}

#[test]
fn pages_that_are_there_are_kept_but_by_force() {
    let world = World::new();
    fs::create_dir(world.path("man1")).unwrap();
    fs::write(world.path("man1/other.1"), "another program's").unwrap();
    fs::write(world.path("man1/thorax-train.1"), "of the user's own").unwrap();
    world.refuses(
        &["man", "--out", "man1"],
        &["error: `man1/thorax-train.1` is there already\n", "hint: ", "`--out`", "`--force`"],
    );
    world.thorax(&["man", "--out", "man1", "--force"]).ok();
    assert_eq!(fs::read(world.path("man1/other.1")).unwrap(), b"another program's");
    assert!(fs::read_to_string(world.path("man1/thorax-train.1")).unwrap().contains(".TH thorax-train"));
    world.refuses(&["man", "--out", "man1"], &["error: `man1/thorax.1` is there already, and ", " more\n"]);
}

#[test]
fn a_folder_for_pages_that_cannot_be_made() {
    let world = World::new();
    fs::write(world.path("file"), "a text").unwrap();
    world.refuses(&["man", "--out", "file/man1"], &["error: cannot create `file/man1`", "caused by: "]);
    world.refuses(&["man", "--out", "file"], &["error: cannot create `file`", "caused by: "]);
    world.refuses(&["man", "--force"], &["error: ", "--out <DIR>"]);
}
