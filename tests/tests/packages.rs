//! What is installed and downloaded: the staged directory, the archive, the Debian package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sema_tests::{Scratch, outcome, root, runtime, semac, skip};

/// A script of `tools`, with the executables under test in place of the optimised ones.
fn tool(name: &str, scratch: &Scratch) -> Command {
    let notices = scratch.write("NOTICES.txt", "the licences");
    let mut command = Command::new("sh");
    command.arg(root().join("tools").join(name));
    command.env("SEMAC", semac().get_program());
    command.env("RUNTIME", runtime());
    command.env("DYNAMIC", runtime());
    command.env("RUNTIMES", scratch.file("no-runtimes"));
    command.env("NOTICES", notices);
    command
        .env("COMPRESSION", "1")
        .env("DEB_COMPRESSION", "none");
    command
}

fn host() -> String {
    let text = outcome(Command::new("rustc").arg("-vV"), b"")
        .succeeded()
        .stdout;
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.unwrap().to_owned()
}

/// The files below a directory, as relative paths.
fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut work: Vec<PathBuf> = vec![directory.to_owned()];
    while let Some(path) = work.pop() {
        if path.is_dir() {
            work.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            let relative = path.strip_prefix(directory).unwrap();
            found.push(relative.to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

/// An installed semac builds and runs without anything of the source tree.
fn works(prefix: &Path) {
    let project = Scratch::with(&[(
        "app.sema",
        "(println \"installed\" (base64/encode \"a\"))\n",
    )]);
    let mut build = Command::new(prefix.join("bin/semac"));
    build.env_clear().current_dir(project.path());
    build.args(["build", "app.sema", "--bundle"]);
    outcome(&mut build, b"").succeeded();
    let mut run = Command::new(project.file("app"));
    run.env_clear().env("PATH", prefix.join("bin"));
    let got = outcome(&mut run, b"").succeeded();
    assert_eq!(got.stdout, "installed YQ==\n");
    let mut build = Command::new(prefix.join("bin/semac"));
    build.env_clear().current_dir(project.path());
    build.args(["build", "app.sema", "--dynamic", "-o", "dynamic"]);
    outcome(&mut build, b"").succeeded();
}

#[test]
fn the_archive_holds_an_installation_and_is_reproducible() {
    let scratch = Scratch::new();
    for name in ["one", "two"] {
        let mut command = tool("archive.sh", &scratch);
        command
            .arg(scratch.file(&format!("{name}/semac.tar.gz")))
            .arg("semac-1");
        outcome(&mut command, b"").succeeded();
    }
    let bytes =
        ["one", "two"].map(|name| fs::read(scratch.file(&format!("{name}/semac.tar.gz"))).unwrap());
    assert!(bytes[0] == bytes[1], "equal files, unequal archives");
    let check = |directory: &Path, sums: &str| {
        let mut command = Command::new("sha256sum");
        command
            .args(["--check", "--quiet", sums])
            .current_dir(directory);
        outcome(&mut command, b"").succeeded();
    };
    check(&scratch.file("one"), "semac.tar.gz.sha256");
    let mut tar = Command::new("tar");
    tar.args(["-xzf", "one/semac.tar.gz"])
        .current_dir(scratch.path());
    outcome(&mut tar, b"").succeeded();
    let prefix = scratch.file("semac-1");
    check(&prefix, "SHA256SUMS");
    let found = files(&prefix);
    let sums = fs::read_to_string(prefix.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count() + 1, found.len());
    let dynamic = format!("lib/semac/runtimes/{}/sema-rt-dynamic", host());
    for expected in [
        "bin/semac",
        "bin/sema-rt",
        &dynamic,
        "share/bash-completion/completions/semac",
        "share/doc/semac/LICENSE",
        "share/doc/semac/NOTICES.txt",
        "share/fish/vendor_completions.d/semac.fish",
        "share/man/man1/semac.1",
        "share/man/man1/semac-build.1",
        "share/zsh/site-functions/_semac",
    ] {
        assert!(
            found.iter().any(|file| file == expected),
            "{expected}: {found:#?}"
        );
    }
    works(&prefix);
}

#[test]
fn manual_pages_say_what_help_says() {
    let scratch = Scratch::new();
    let mut command = semac();
    outcome(command.args(["man", "-o"]).arg(scratch.path()), b"").succeeded();
    let page = fs::read_to_string(scratch.file("semac-build.1")).unwrap();
    assert!(page.starts_with(".ie"), "{page}");
    assert!(page.contains(".TH semac-build 1"), "{page}");
    for words in ["\\-\\-include", "Examples:", "SYNOPSIS"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // Every command that help names has one.
    let help = outcome(semac().arg("--help"), b"").succeeded().stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        // Long descriptions go on, further to the right.
        .filter_map(|line| {
            line.strip_prefix("  ")?
                .split(' ')
                .next()
                .filter(|name| !name.is_empty())
        })
        .collect();
    assert!(
        commands.contains(&"build") && commands.contains(&"man"),
        "{help}"
    );
    for command in commands {
        assert!(
            scratch.file(&format!("semac-{command}.1")).exists(),
            "{command}"
        );
    }
}

#[test]
fn the_debian_package_holds_the_same() {
    let found = Command::new("dpkg-deb").arg("--version").output();
    if found.is_err() {
        skip("there is no dpkg-deb");
        return;
    }
    let scratch = Scratch::new();
    let mut packages = Vec::new();
    for name in ["one", "two"] {
        let mut command = tool("deb.sh", &scratch);
        let got = outcome(command.arg(scratch.file(name)).arg("1.2.3"), b"").succeeded();
        packages.push(PathBuf::from(got.stdout.trim()));
    }
    assert!(fs::read(&packages[0]).unwrap() == fs::read(&packages[1]).unwrap());
    let mut info = Command::new("dpkg-deb");
    let text = outcome(info.arg("-I").arg(&packages[0]), b"")
        .succeeded()
        .stdout;
    for line in [
        "Package: semac",
        "Version: 1.2.3",
        "Description: ahead-of-time compiler",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let mut extract = Command::new("dpkg-deb");
    extract
        .arg("-x")
        .arg(&packages[0])
        .arg(scratch.file("root"));
    outcome(&mut extract, b"").succeeded();
    let found = files(&scratch.file("root"));
    for expected in [
        "usr/bin/semac",
        "usr/bin/sema-rt",
        "usr/share/doc/semac/copyright",
        "usr/share/man/man1/semac.1.gz",
        "usr/share/zsh/vendor-completions/_semac",
    ] {
        assert!(
            found.iter().any(|file| file == expected),
            "{expected}: {found:#?}"
        );
    }
    works(&scratch.file("root/usr"));
}
