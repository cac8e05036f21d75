//! What the arguments embed.

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("semac-assets-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, name).unwrap();
        path
    }

    fn paths(&self, includes: &[&str]) -> Result<Vec<String>, IncludeError> {
        self.all(includes, &[], &[])
    }
}

impl Scratch {
    /// The paths in the program of includes of the command line and of a project file, without excludes.
    fn all(
        &self,
        includes: &[&str],
        defaults: &[&str],
        excludes: &[&str],
    ) -> Result<Vec<String>, IncludeError> {
        let absolute = |name: &&str| parsed(self.0.join(name));
        let includes: Vec<Include> = includes.iter().map(absolute).collect();
        let relative = |name: &&str| Include::parse(name.as_ref(), &self.0);
        let defaults: Vec<Include> = defaults.iter().map(relative).collect();
        let excludes = Excludes::new(excludes.iter().copied())?;
        let (assets, _) = collect(&includes, &defaults, &excludes, &self.0.join("main.sema"))?;
        let path = |one: &Asset| {
            let file = one.file.strip_prefix(&self.0).unwrap();
            match one.path.as_str() {
                path if Path::new(path) == file => path.to_owned(),
                path => format!("{path} from {}", file.display()),
            }
        };
        Ok(assets.iter().map(path).collect())
    }
}

fn parsed(path: impl AsRef<Path>) -> Include {
    Include::parse(path.as_ref().as_os_str(), Path::new(""))
}

fn collect_one(path: &str) -> IncludeError {
    let excludes = Excludes::default();
    collect(&[parsed(path)], &[], &excludes, Path::new("main.sema")).unwrap_err()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn directories_are_walked_in_order_and_overlaps_are_fine() {
    let scratch = Scratch::new("walk");
    for name in ["data/b.txt", "data/a/z.txt", "x.csv"] {
        scratch.file(name);
    }
    let paths = scratch.paths(&["x.csv", "data", "data/b.txt"]).unwrap();
    assert_eq!(paths, ["data/a/z.txt", "data/b.txt", "x.csv"]);
}

#[test]
fn absolute_paths_become_relative() {
    let scratch = Scratch::new("absolute");
    let file = scratch.file("data/a.txt");
    let entry = scratch.0.join("main.sema");
    assert_eq!(embedded_path(&file, &entry), Path::new("data/a.txt"));
    let elsewhere = Path::new("/nowhere/main.sema");
    assert_eq!(embedded_path(&file, elsewhere), Path::new("a.txt"));
    assert_eq!(embedded_path(Path::new("a/b"), &entry), Path::new("a/b"));
}

#[test]
fn refusals() {
    let scratch = Scratch::new("refusals");
    let missing = scratch.paths(&["none"]).unwrap_err();
    assert!(
        matches!(missing, IncludeError::Unreadable { .. }),
        "{missing}"
    );
    assert!(missing.hint().is_some());
    scratch.file(".semac/entry");
    let reserved = scratch.paths(&[".semac"]).unwrap_err();
    assert!(reserved.to_string().contains("reserved"), "{reserved}");
    let null = collect_one("/dev/null");
    assert!(matches!(null, IncludeError::Special { .. }), "{null}");
    let parent = collect_one("../../Cargo.toml");
    assert!(parent.to_string().contains("'..'"), "{parent}");
    assert!(parent.hint().is_some());
}

#[cfg(unix)]
#[test]
fn loops_of_links_end() {
    let scratch = Scratch::new("loop");
    scratch.file("data/a.txt");
    std::os::unix::fs::symlink(scratch.0.join("data"), scratch.0.join("data/again")).unwrap();
    assert_eq!(scratch.paths(&["data"]).unwrap(), ["data/a.txt"]);
    // Several of them, which a search would go around in each order.
    for name in ["b", "c", "d", "e"] {
        std::os::unix::fs::symlink("..", scratch.0.join("data").join(name)).unwrap();
    }
    assert_eq!(
        scratch.all(&[], &["data/**/a.txt"], &[]).unwrap(),
        ["data/a.txt"]
    );
}

/// What is left out is not looked at: neither links that lead nowhere, nor pipes, nor names that are no text.
#[cfg(unix)]
#[test]
fn what_is_excluded_is_not_looked_at() {
    use std::os::unix::ffi::OsStrExt;
    let scratch = Scratch::new("pruned");
    scratch.file("data/a.txt");
    scratch.file("data/old/b.txt");
    std::os::unix::fs::symlink("nowhere", scratch.0.join("data/old/dangling")).unwrap();
    std::os::unix::fs::symlink("nowhere", scratch.0.join("data/x.bak")).unwrap();
    fs::write(
        scratch
            .0
            .join("data/old")
            .join(std::ffi::OsStr::from_bytes(b"\xff")),
        "",
    )
    .unwrap();
    for includes in [&["data"], &["data/**"], &["./data"]] {
        let found = scratch.all(&[], includes, &["old", "*.bak"]).unwrap();
        assert_eq!(found, ["data/a.txt"], "{includes:?}");
    }
    assert!(scratch.all(&[], &["data"], &["*.bak"]).is_err());
}

#[test]
fn no_path_is_a_file_and_a_directory() {
    let scratch = Scratch::new("nested");
    scratch.file("a.txt");
    scratch.file("sub/b.txt");
    let error = scratch
        .all(&[], &["a.txt=x", "sub/b.txt=x/y/z"], &[])
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("'x' would be a file and a directory"),
        "{text}"
    );
}

#[test]
fn patterns_places_and_excludes() {
    let scratch = Scratch::new("patterns");
    for name in [
        "data/a.csv",
        "data/b.txt",
        "data/deep/c.csv",
        "data/deep/d.csv.bak",
        "x.csv",
        "odd=name",
    ] {
        scratch.file(name);
    }
    let all = |includes: &[&str], defaults: &[&str], excludes: &[&str]| {
        scratch
            .all(includes, defaults, excludes)
            .map_err(|error| error.to_string())
    };
    assert_eq!(all(&["data/*.csv"], &[], &[]).unwrap(), ["data/a.csv"]);
    assert_eq!(
        all(&[], &["**/*.csv"], &[]).unwrap(),
        ["data/a.csv", "data/deep/c.csv", "x.csv"]
    );
    // A directory that matches goes in whole, as a shell would give it.
    assert_eq!(
        all(&[], &["data/d*"], &[]).unwrap(),
        ["data/deep/c.csv", "data/deep/d.csv.bak"]
    );
    assert_eq!(
        all(&["data=files"], &[], &["*.bak", "files/b.txt"]).unwrap(),
        [
            "files/a.csv from data/a.csv",
            "files/deep/c.csv from data/deep/c.csv"
        ]
    );
    assert_eq!(
        all(
            &[],
            &["x.csv=in/", "data/*.txt=in", "data/deep/c.csv=y.csv"],
            &[]
        )
        .unwrap(),
        [
            "in/b.txt from data/b.txt",
            "in/x.csv from x.csv",
            "y.csv from data/deep/c.csv"
        ]
    );
    assert_eq!(all(&[], &["odd=name"], &[]).unwrap(), ["odd=name"]);
    // The command line wins.
    assert_eq!(
        all(&["data/a.csv=x.csv"], &["x.csv"], &[]).unwrap(),
        ["x.csv from data/a.csv"]
    );
    let conflict = all(&[], &["data/a.csv=x.csv", "x.csv"], &[]).unwrap_err();
    assert!(conflict.contains("cannot include both"), "{conflict}");
}

#[test]
fn including_nothing_is_an_error() {
    let scratch = Scratch::new("nothing");
    scratch.file("data/a.txt");
    fs::create_dir(scratch.0.join("empty")).unwrap();
    for (includes, excludes, why) in [
        (["empty"], [""; 0].as_slice(), "has no files"),
        (["data/*.csv"], &[], "no file matches"),
        (["no/*.csv"], &[], "no file matches"),
        (["data"], &["*.txt"], "left out by --exclude"),
    ] {
        let error = scratch.all(&[], &includes, excludes).unwrap_err();
        assert!(matches!(error, IncludeError::Empty { .. }), "{error}");
        assert!(error.hint().is_some());
        assert!(error.to_string().contains(why), "{error}");
    }
}
