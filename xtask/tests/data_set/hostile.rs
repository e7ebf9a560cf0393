//! Malicious or damaged archives: refused as a whole, in one line, and nothing of them is left.

use crate::forge::{EVIL, Field, get, set, with, with_deflated, with_link, with_name};
use crate::server::File;
use crate::world::{IMAGES, World, image, members, release, zip};

/// Checks that an archive is refused with these words, and that nothing of it is left anywhere.
#[track_caller]
fn assert_refused(archive: &[u8], why: &str) {
    let world = World::new();
    let said = world.fetch_from(archive, &[]);
    let message = format!("`{}` {why}", world.path("archive.zip").display());
    said.assert_error(&message, "nothing of it is used; open https://page.example");
    assert_eq!(
        said.stderr.lines().filter(|line| line.starts_with("  caused by")).count(),
        0,
        "{}",
        said.stderr
    );
    world.assert_nothing();
    let beside: Vec<String> = world.names("..").into_iter().filter(|name| name.contains("evil")).collect();
    assert_eq!(beside, [""; 0]);
}

#[test]
fn a_name_that_leads_outside() {
    let outside = tempfile::tempdir().expect("a temporary folder");
    let absolute = format!("{}/evil.png", outside.path().display());
    let upwards = "COVID-19_Radiography_Dataset/COVID/images/../../../../../evil.png";
    for name in [
        "../evil.png",
        upwards,
        &absolute,
        "C:evil.png",
        "C:/evil.png",
        "..\\evil.png",
        "\\\\host\\evil.png",
        "a\0evil.png",
    ] {
        let why = format!(
            "holds `{}`, which would lie outside the folder it is unpacked to",
            name.replace('\0', "\\u{0}")
        );
        assert_refused(&with_name(name), &why);
    }
    assert_eq!(std::fs::read_dir(outside.path()).expect("it is there").count(), 0);
}

#[test]
fn a_name_that_no_file_should_have() {
    let name = "COVID-19_Radiography_Dataset/COVID/images/\u{1b}[2Jevil.png";
    let why = "holds `COVID-19_Radiography_Dataset/COVID/images/\\u{1b}[2Jevil.png`, whose name has control characters";
    assert_refused(&with_name(name), why);
    let long = format!("COVID-19_Radiography_Dataset/COVID/images/{}.png", "x".repeat(252));
    assert_refused(&with(&long, b""), &format!("holds `{long}`, whose name is too long"));
}

#[test]
fn a_link_or_a_device() {
    for target in ["/etc/passwd", "COVID-1.png"] {
        assert_refused(&with_link(EVIL, target), &format!("holds `{EVIL}`, which is a link"));
    }
    // A device, a pipe, a socket.
    for mode in [0o020_666_u32, 0o010_666, 0o140_666] {
        let mut archive = with(EVIL, &image("evil.png"));
        set(&mut archive, EVIL, Field::Attributes, &(mode << 16).to_le_bytes());
        assert_refused(&archive, &format!("holds `{EVIL}`, which is neither file nor folder"));
    }
}

#[test]
fn one_name_twice() {
    // Also adjacent and at the end, positions at which a list without duplicates looks the same.
    let first = "COVID-19_Radiography_Dataset/COVID/images/COVID-1.png";
    let last = format!("COVID-19_Radiography_Dataset/Viral Pneumonia/images/Viral Pneumonia-{IMAGES}.png");
    for name in [first, &last] {
        let stand_in = "N".repeat(name.len());
        for at_end in [false, true] {
            let mut members = members(IMAGES);
            let place = members.iter().position(|(other, _)| other == name).expect("it is there") + 1;
            members.insert(if at_end { members.len() } else { place }, (stand_in.clone(), b"evil".to_vec()));
            let mut archive = zip(&members);
            while let Some(at) = archive.windows(name.len()).position(|window| window == stand_in.as_bytes())
            {
                archive[at..at + name.len()].copy_from_slice(name.as_bytes());
            }
            assert_refused(&archive, &format!("holds `{name}`, which is there twice"));
        }
    }
}

#[test]
fn two_names_for_one_place() {
    let other_case = "COVID-19_Radiography_Dataset/covid/images/Covid-1.png";
    let why = format!(
        "holds `{other_case}`, whose name is also that of `COVID-19_Radiography_Dataset/COVID/images/COVID-1.png`"
    );
    assert_refused(&with(other_case, &image("x")), &why);
    let beside = "COVID-19_Radiography_Dataset/COVID/covid-1.png";
    let why = format!(
        "holds `{beside}`, which would take the place of `COVID-19_Radiography_Dataset/COVID/images/COVID-1.png`"
    );
    assert_refused(&with(beside, &image("x")), &why);
    let second = "COVID-19_Radiography_Dataset/COVID-19/other.png";
    assert_refused(
        &with(second, &image("x")),
        &format!("holds `{second}`, which lies in a second folder of its class"),
    );
}

#[test]
fn an_encrypted_member() {
    let mut archive = with(EVIL, &image("evil.png"));
    set(&mut archive, EVIL, Field::Flags, &[1, 0]);
    assert_refused(&archive, &format!("holds `{EVIL}`, which is encrypted"));
}

#[test]
fn a_bomb() {
    // One member of an absurd size,
    let mut archive = with(EVIL, &image("evil.png"));
    set(&mut archive, EVIL, Field::Size, &0xF000_0000_u32.to_le_bytes());
    assert_refused(
        &archive,
        &format!("holds `{EVIL}`, which would unpack to 3.75 GiB, more than any radiograph"),
    );
    // one that is next to nothing but for its size,
    let blank = vec![0; 40 << 20];
    assert_refused(&with_deflated(EVIL, &blank), &format!("holds `{EVIL}`, which would unpack to 10"));
    // many that are small enough each,
    let mut many = members(IMAGES);
    many.extend((0..20_500).map(|i| (format!("small/{i:05}evil"), b"x".to_vec())));
    let mut archive = zip(&many);
    let start = archive.windows(9).rposition(|window| window == b"small/000").expect("it is there");
    let mut at = archive[..start].windows(4).position(|window| window == b"PK\x01\x02").expect("the list");
    while archive[at..].starts_with(b"PK\x01\x02") {
        let length = |at: usize| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]]));
        let next = at + 46 + length(at + 28) + length(at + 30) + length(at + 32);
        archive[at + 24..at + 28].copy_from_slice(&(1_u32 << 20).to_le_bytes());
        at = next;
    }
    let why = "evil`, with which it would unpack to more than 20.00 GiB";
    let world = World::new();
    world.fetch_from(&archive, &[]).assert_error(why, "nothing of it is used");
    world.assert_nothing();
    // and several that share their bytes.
    let mut archive = with(EVIL, &image("evil.png"));
    let first = get(&archive, "COVID-19_Radiography_Dataset/COVID/images/COVID-1.png", Field::Offset);
    set(&mut archive, EVIL, Field::Offset, &first);
    assert_refused(&archive, "holds members that share bytes");
}

#[test]
fn none_or_too_many_members() {
    assert_refused(&zip(&[]), "holds 0 members, not 1 to 200000");
    let many: Vec<_> = (0..200_001).map(|i| (format!("{i}"), Vec::new())).collect();
    assert_refused(&zip(&many), "holds 200001 members, not 1 to 200000");
    let long: Vec<_> = (0..600).map(|i| (format!("{i}{}", "x".repeat(60_000)), Vec::new())).collect();
    assert_refused(&zip(&long), "is no readable zip file (i/o error: its list of members is too long)");
}

#[test]
fn bytes_that_are_not_what_the_list_says() {
    // Fewer or more than announced,
    for (by, why) in
        [(1, "has another size than the archive says"), (-1, "cannot be unpacked (File is larger than")]
    {
        let mut archive = with_deflated(EVIL, &image("evil.png"));
        let size = u32::from_le_bytes(get(&archive, EVIL, Field::Size)).saturating_add_signed(by);
        set(&mut archive, EVIL, Field::Size, &size.to_le_bytes());
        assert_refused(&archive, &format!("holds `{EVIL}`, which {why}"));
    }
    // others than announced,
    let mut archive = with(EVIL, &image("evil.png"));
    let bytes = image("evil.png");
    let at = archive.windows(bytes.len()).position(|window| window == bytes).expect("it is stored");
    archive[at + 100] ^= 1;
    assert_refused(&archive, &format!("holds `{EVIL}`, which cannot be unpacked (Invalid checksum)"));
    // in an unknown way,
    let mut archive = with(EVIL, &image("evil.png"));
    set(&mut archive, EVIL, Field::Method, &[99, 0]);
    assert_refused(&archive, &format!("holds `{EVIL}`, which cannot be unpacked ("));
    // and no image at all.
    for bytes in [&b"<html>"[..], b"", b"\x89PN"] {
        assert_refused(
            &with(EVIL, bytes),
            &format!("holds `{EVIL}`, which is neither a PNG nor a JPEG file"),
        );
    }
}

#[test]
fn a_jpeg_is_welcome() {
    let world = World::new();
    let jpeg = "COVID-19_Radiography_Dataset/COVID/images/COVID-46.jpg";
    let said = world.fetch_from(&with(jpeg, b"\xff\xd8\xff\xe0rest"), &[]);
    assert!(said.sentence().contains("(COVID-19 6, NORMAL 5, Viral Pneumonia 5)"), "{}", said.stdout);
}

#[test]
fn one_from_the_network_is_not_kept() {
    let (world, server) = World::with_server(with_name("../evil.png"));
    let said = world.fetch(&[]);
    let message =
        "Kaggle's archive holds `../evil.png`, which would lie outside the folder it is unpacked to";
    said.assert_error(message, "nothing of it is used; open https://page.example");
    world.assert_nothing();
    server.change(File { bytes: release(), etag: Some("\"one\""), ..File::default() });
    world.fetch(&[]).sentence();
    assert_eq!(server.header("range"), [None, None]);
}

#[test]
fn what_is_there_outlives_a_bad_archive() {
    let world = World::new();
    world.fetch_from(&release(), &[]).sentence();
    let before = world.files("data");
    let mut archive = with(EVIL, &image("evil.png"));
    let bytes = image("evil.png");
    let at = archive.windows(bytes.len()).position(|window| window == bytes).expect("it is stored");
    archive[at + 100] ^= 1;
    world.fetch_from(&archive, &["--force"]).assert_error(EVIL, "nothing of it is used");
    let mut after = world.files("data");
    after.retain(|name, _| name != ".fetch.lock");
    assert_eq!(after.len() + 1, before.len());
    assert!(after.iter().all(|(name, bytes)| before[name] == *bytes));
}
