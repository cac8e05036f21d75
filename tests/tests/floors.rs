//! The floors of the house: a crate depends on crates below it, a room of a crate uses rooms below it.
//!
//! The order is written here once. What the test reads are the `use` lines and the paths that begin with `crate::`
//! in the sources, and the dependencies in the manifests; what is only compiled for tests is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The crates (directory, name), lowest first.
const CRATES: [(&str, &str); 9] = [
    ("format", "sema-format"),
    ("vfs", "sema-vfs"),
    ("runtime/machine", "sema-machine"),
    ("runtime/natives", "sema-natives"),
    ("runtime/embed", "sema-embed"),
    ("runtime/rt", "sema-rt"),
    ("compiler/core", "semac-core"),
    ("compiler/rt", "sema-rt-dynamic"),
    ("compiler/cli", "semac"),
];

/// Crates that neither use one another nor are used by those above: `runtime/rt` is an executable, and the
/// compiler carries it as a file.
const LEAVES: [&str; 4] = ["sema-embed", "sema-rt", "sema-rt-dynamic", "semac"];

/// The rooms of a crate, lowest first.
struct House {
    directory: &'static str,
    rooms: &'static [&'static str],
    /// Pairs of rooms (lower, upper) that still use each other, with the reason why.
    knots: &'static [(&'static str, &'static str, &'static str)],
}

/// The crates whose rooms are floors.
const HOUSES: [House; 4] = [
    House {
        directory: "runtime/machine",
        rooms: &["platform", "memory", "host", "data", "task", "vm", "launch"],
        knots: &[(
            "host",
            "task",
            "the host owns the scheduler, and what a task waits for ends with a value of the host",
        )],
    },
    House {
        directory: "runtime/natives",
        rooms: &["table", "core", "std", "net", "full"],
        knots: &[],
    },
    House {
        directory: "compiler/core",
        rooms: &[
            "hashing", "phases", "ir", "front", "middle", "link", "back", "live", "driver",
        ],
        knots: &[],
    },
    House {
        directory: "compiler/cli",
        rooms: &["paths", "codes", "bundle", "project", "oci", "cli"],
        knots: &[],
    },
];

/// One use of a room by another.
struct Arrow {
    from: String,
    to: String,
    /// `file:line: text`
    place: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The source files below a directory, in order.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The text without comments and without what only tests compile; lines stay where they are.
///
/// The sources are formatted, so that an item ends where a line with its own indentation closes it.
fn shipped(text: &str) -> String {
    let mut shipped = String::new();
    // The indentation of an item for tests.
    let mut skipping = None;
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default().trim_end();
        let indentation = code.len() - code.trim_start().len();
        if skipping.is_none() && code.trim_start() == "#[cfg(test)]" {
            skipping = Some(indentation);
        } else if let Some(of_item) = skipping {
            if indentation == of_item && code.ends_with(['}', ';', ',']) {
                skipping = None;
            }
        } else {
            shipped.push_str(code);
        }
        shipped.push('\n');
    }
    shipped
}

/// The first names of the paths that follow `crate::` in a text, with their lines (from 1).
fn paths(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, prefix) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|character| character.is_alphanumeric() || "_$".contains(character)) {
            continue;
        }
        let line = text[..at].matches('\n').count() + 1;
        let rest = &text[at + prefix.len()..];
        // `crate::{a::b, c}`: the names at depth one.
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut name, mut reading) = (1, String::new(), true);
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                match character {
                    _ if depth == 0 => break,
                    ',' if depth == 1 => reading = true,
                    _ if character.is_whitespace() => {}
                    _ if reading && (character.is_alphanumeric() || character == '_') => {
                        name.push(character);
                        continue;
                    }
                    _ => reading = false,
                }
                if !name.is_empty() {
                    found.push((line, std::mem::take(&mut name)));
                }
            }
            if !name.is_empty() {
                found.push((line, name));
            }
        } else {
            let end = rest
                .find(|character: char| !character.is_alphanumeric() && character != '_')
                .unwrap_or(rest.len());
            found.push((line, rest[..end].to_owned()));
        }
    }
    found
}

/// What the rooms of a crate use of one another.
fn arrows(house: &House) -> Vec<Arrow> {
    let directory = root().join(house.directory).join("src");
    let mut files = Vec::new();
    sources(&directory, &mut files);
    let mut arrows = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&directory).unwrap();
        let first = inside.iter().next().unwrap().to_str().unwrap();
        let from = first.strip_suffix(".rs").unwrap_or(first);
        if !house.rooms.contains(&from) || inside.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, to) in paths(&shipped(&text)) {
            if to == from || !house.rooms.contains(&to.as_str()) {
                continue;
            }
            let shown = text.lines().nth(line - 1).unwrap_or_default().trim();
            let place = format!(
                "{}/src/{}:{line}: {shown}",
                house.directory,
                inside.display()
            );
            arrows.push(Arrow {
                from: from.to_owned(),
                to,
                place,
            });
        }
    }
    arrows
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut wrong = String::new();
    for house in &HOUSES {
        let floor = |room: &str| house.rooms.iter().position(|other| *other == room);
        let arrows = arrows(house);
        let mut tied = BTreeSet::new();
        for arrow in &arrows {
            if floor(&arrow.to) <= floor(&arrow.from) {
                continue;
            }
            let knot = (house.knots.iter())
                .position(|(lower, upper, _)| (*lower, *upper) == (&arrow.from, &arrow.to));
            match knot {
                Some(knot) => {
                    tied.insert(knot);
                }
                None => {
                    let (from, to) = (&arrow.from, &arrow.to);
                    writeln!(wrong, "{}\n    {from} is below {to}", arrow.place).unwrap();
                }
            }
        }
        for (number, (lower, upper, _)) in house.knots.iter().enumerate() {
            if !tied.contains(&number) {
                writeln!(
                    wrong,
                    "{}: {lower} no longer uses {upper}: take the knot off the list",
                    house.directory
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that point up:\n{wrong}");
}

/// Every folder and file directly below `src` stands in the order, so that none escapes the test.
/// What panics is denied in all code that ships: each exception stands with its reason where it is.
#[test]
fn what_panics_is_denied_in_every_crate() {
    for (directory, name) in CRATES {
        let source = root().join(directory).join("src");
        let files = ["lib.rs", "main.rs"].map(|file| source.join(file));
        let crates = files.iter().filter(|file| file.exists());
        for file in crates {
            let text = std::fs::read_to_string(file).unwrap();
            for lint in ["unwrap_used", "expect_used", "panic", "indexing_slicing"] {
                let denied = text.contains(&format!("clippy::{lint}"));
                assert!(denied, "{name}: {} does not deny {lint}", file.display());
            }
        }
    }
}

#[test]
fn every_room_has_a_floor() {
    for house in &HOUSES {
        let root_file = root().join(house.directory).join("src/lib.rs");
        let root_file = shipped(&std::fs::read_to_string(root_file).unwrap());
        for entry in std::fs::read_dir(root().join(house.directory).join("src")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let room = name.strip_suffix(".rs").unwrap_or(&name);
            // The root of the crate, and modules that are there for tests only.
            let outside = !root_file.contains(&format!("mod {room};"));
            assert!(
                outside || house.rooms.contains(&room),
                "{}/src/{name} has no floor: write it into the order of this test and of the crate's documentation",
                house.directory
            );
        }
    }
}

/// The order in the documentation of the crates is that of the test.
#[test]
fn the_documentation_names_the_same_order() {
    for directory in ["runtime/machine", "compiler/core"] {
        let house = (HOUSES.iter()).find(|house| house.directory == directory);
        let text = std::fs::read_to_string(root().join(directory).join("src/lib.rs")).unwrap();
        let named: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("//! - [`")?.split('`').next())
            .collect();
        assert_eq!(named, house.unwrap().rooms, "{directory}/src/lib.rs");
    }
}

/// The names of a section of dependencies in a manifest, with their lines (from 1).
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]") && !line.contains("dev-dependencies");
        } else if inside && line.starts_with(|first: char| first.is_alphabetic()) {
            let end = line
                .find(|character: char| " .=".contains(character))
                .unwrap_or(line.len());
            found.push((index + 1, line[..end].to_owned()));
        }
    }
    found
}

#[test]
fn crates_depend_only_on_crates_below_them() {
    let floors: BTreeMap<&str, usize> = CRATES
        .iter()
        .enumerate()
        .map(|(floor, (_, name))| (*name, floor))
        .collect();
    let mut wrong = String::new();
    let mut seen = 0;
    for (floor, (directory, name)) in CRATES.iter().enumerate() {
        let path = root().join(directory).join("Cargo.toml");
        let Ok(manifest) = std::fs::read_to_string(&path) else {
            continue;
        };
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{directory}"
        );
        for (line, dependency) in dependencies(&manifest) {
            let Some(other) = floors.get(dependency.as_str()) else {
                continue;
            };
            seen += 1;
            if *other >= floor || LEAVES.contains(&dependency.as_str()) {
                writeln!(
                    wrong,
                    "{directory}/Cargo.toml:{line}: {name} depends on {dependency}"
                )
                .unwrap();
            }
        }
    }
    assert!(seen >= 12, "only {seen} dependencies were read");
    assert!(wrong.is_empty(), "dependencies that point up:\n{wrong}");
}

/// All crates of the workspace but the tests have a floor.
#[test]
fn every_crate_has_a_floor() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, members) = manifest.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members = members
        .split(',')
        .map(|member| member.trim().trim_matches('"'));
    for member in members.filter(|member| !member.is_empty() && *member != "tests") {
        let known = CRATES.iter().any(|(directory, _)| *directory == member);
        assert!(known, "{member} has no floor in this test");
    }
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let text = "use crate::a::b;\nuse crate::{c::{d, e}, f};\nlet x = crate::g::h();\nmycrate::i; $crate::j;\n// crate::k\n#[cfg(test)]\nmod tests {\n    use crate::l;\n}\nuse crate::m;\n";
    let names: Vec<(usize, String)> = paths(&shipped(text));
    let names: Vec<(usize, &str)> = names.iter().map(|(line, name)| (*line, &**name)).collect();
    assert_eq!(names, [(1, "a"), (2, "c"), (2, "f"), (3, "g"), (10, "m")]);
}
