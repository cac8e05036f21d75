//! Scopes: what they cover and what they do not.

use super::*;

fn policy(text: &str) -> Policy {
    Policy::parse(text, Path::new("/base")).unwrap()
}

fn permits(policy: &Policy, capability: Capability, target: &str) -> bool {
    policy.permits(capability, target, Last::Followed)
}

#[test]
fn paths_are_compared_after_they_are_resolved() {
    let policy =
        policy("allow fs-read data\ndeny fs-read data/secret\nallow fs-write /nowhere/out");
    for (capability, target, expected) in [
        (Capability::FsRead, "data", true),
        (Capability::FsRead, "data/a/b", true),
        (Capability::FsRead, "/base/data/a", true),
        (Capability::FsRead, "./x/../data/a", true),
        (Capability::FsRead, "data/../other", false),
        (Capability::FsRead, "data2", false),
        (Capability::FsRead, "data/secret/key", false),
        (Capability::FsRead, "data/x/../secret", false),
        (Capability::FsRead, "/etc/passwd", false),
        (Capability::FsWrite, "data/a", false),
        (Capability::FsWrite, "/nowhere/out/a", true),
        (Capability::Network, "example.com:80", true),
    ] {
        assert_eq!(
            permits(&policy, capability, target),
            expected,
            "{capability:?} {target}"
        );
    }
}

#[test]
fn links_lead_where_they_lead() {
    let root = std::env::temp_dir().join(format!("sema-policy-{}", std::process::id()));
    let root = {
        std::fs::create_dir_all(root.join("inside")).unwrap();
        std::fs::canonicalize(&root).unwrap()
    };
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, root.join(name)).unwrap();
    };
    link("/etc", "inside/out");
    link("../nothing", "inside/dangling");
    link("inside", "in");
    link("circle", "circle");
    let policy = Policy::parse("allow fs-write inside", &root).unwrap();
    for (target, last, expected) in [
        ("inside/a", Last::Followed, true),
        ("in/a", Last::Followed, true),
        ("inside/out/passwd", Last::Followed, false),
        ("inside/out", Last::Followed, false),
        // Removing the link itself changes what is inside.
        ("inside/out", Last::Itself, true),
        ("in", Last::Itself, false),
        // A file that would be made where the link leads.
        ("inside/dangling", Last::Followed, false),
        ("circle", Last::Followed, false),
        ("inside/out/..", Last::Followed, false),
    ] {
        assert_eq!(
            policy.permits(Capability::FsWrite, target, last),
            expected,
            "{target} {last:?}"
        );
    }
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn hosts_names_and_programs() {
    let policy = policy(
        "allow network example.com\nallow network *.api.test:443\nallow network [::1]:80\n\
         allow env-read HOME\nallow env-read APP_*\ndeny env-read APP_KEY\n\
         allow process git\nallow process /usr/bin/env\nallow shell sh",
    );
    for (capability, target, expected) in [
        (Capability::Network, "example.com:80", true),
        (Capability::Network, "EXAMPLE.com.:8080", true),
        (Capability::Network, "www.example.com:80", false),
        (Capability::Network, "notexample.com:80", false),
        (Capability::Network, "a.api.test:443", true),
        (Capability::Network, "a.api.test:80", false),
        (Capability::Network, "api.test:443", false),
        (Capability::Network, "[::1]:80", true),
        (Capability::Network, "[::1]:81", false),
        (Capability::EnvRead, "HOME", true),
        (Capability::EnvRead, "HOMES", false),
        (Capability::EnvRead, "APP_MODE", true),
        (Capability::EnvRead, "APP_KEY", false),
        (Capability::Process, "git", true),
        (Capability::Process, "/tmp/git", false),
        (Capability::Process, "/usr/../usr/bin/env", true),
        (Capability::Shell, "rm", false),
    ] {
        assert_eq!(
            permits(&policy, capability, target),
            expected,
            "{capability:?} {target}"
        );
    }
}

#[test]
fn what_is_no_rule_is_refused() {
    for text in [
        "permit fs-read",
        "allow flying",
        "allow",
        "allow fs-read ",
        "allow serial x",
        "allow network a:b",
    ] {
        assert_eq!(
            Policy::parse(text, Path::new("/")).unwrap_err(),
            PolicyError(text.to_owned())
        );
    }
}
