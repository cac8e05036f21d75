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

/// What is denied is denied under all its names; what is allowed only under its own.
#[test]
fn addresses_have_many_spellings() {
    let spellings = [
        "127.0.0.1:80",
        "127.1:80",
        "127.0.1:80",
        "2130706433:80",
        "0x7f.1:80",
        "0x7f000001:80",
        "0177.0.0.1:80",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:7f00:1]:80",
    ];
    let denied = policy("deny network 127.0.0.1");
    let allowed = policy("allow network 127.1");
    for spelling in spellings {
        assert!(
            !permits(&denied, Capability::Network, spelling),
            "{spelling}"
        );
        assert!(
            permits(&allowed, Capability::Network, spelling),
            "{spelling}"
        );
    }
    for other in [
        "0.0.0.0:80",
        "[::]:80",
        "localhost:80",
        "127.0.0.2:80",
        "[::1]:80",
    ] {
        assert!(!permits(&denied, Capability::Network, other), "{other}");
        assert!(!permits(&allowed, Capability::Network, other), "{other}");
    }
    let name = policy("deny network localhost:80");
    assert!(!permits(&name, Capability::Network, "127.0.0.1:80"));
    assert!(permits(&name, Capability::Network, "127.0.0.1:81"));
    for free in [
        "10.0.0.1:80",
        "1.2.3.4.5:80",
        "127.0.0.256:80",
        "example.com:80",
        "0x:80",
        "[fe80::1%eth0]:80",
    ] {
        assert!(permits(&denied, Capability::Network, free), "{free}");
        assert!(!permits(&allowed, Capability::Network, free), "{free}");
    }
}

#[test]
fn denied_programs_are_denied_however_they_are_called() {
    for (rule, target, expected) in [
        ("echo", "echo", false),
        ("echo", "/bin/echo", false),
        ("echo", "../bin/echo", false),
        ("echo", "/bin/cat", true),
        ("ec*", "/bin/echo", false),
        ("/bin/echo", "echo", false),
        ("/bin/echo", "/usr/../bin/echo", false),
        ("/bin/echo", "./echo", false),
        ("/bin/echo", "/opt/other/echo", true),
        ("/bin/echo", "cat", true),
        ("/bin/sh", "sh", false),
    ] {
        let policy = policy(&format!("deny process {rule}"));
        assert_eq!(
            permits(&policy, Capability::Process, target),
            expected,
            "{rule} {target}"
        );
    }
    // A link of another name.
    let root = std::env::temp_dir().join(format!("sema-programs-{}", std::process::id()));
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("tool"), "").unwrap();
    std::os::unix::fs::symlink("tool", root.join("other")).unwrap();
    let policy = Policy::parse("deny process tool", &root).unwrap();
    assert!(!permits(&policy, Capability::Process, "./other"));
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn files_that_show_the_environment_need_it() {
    let limited = policy("allow env-read HOME");
    let denied = policy("deny env-read");
    for policy in [&limited, &denied] {
        for path in [
            "/proc/self/environ",
            "/proc/1/../self/environ",
            "/proc/1/task/1/environ",
        ] {
            assert!(!permits(policy, Capability::FsRead, path), "{path}");
        }
        assert!(permits(policy, Capability::FsRead, "/proc/self/status"));
        assert!(permits(policy, Capability::FsRead, "/base/environ"));
        assert!(policy.is_about(Capability::FsRead));
    }
    let free = policy("deny env-write HOME");
    assert!(permits(&free, Capability::FsRead, "/proc/self/environ"));
    assert!(!free.is_about(Capability::FsRead));
}

#[test]
fn directories_with_something_denied_are_known() {
    let policy = policy("deny fs-read w/p/private\nallow fs-write w");
    for (path, expected) in [
        ("w/p", true),
        ("w", true),
        ("w/q", false),
        ("w/p/private/x", false),
        ("w/p/pri", false),
    ] {
        let denies = policy.denies_below(Capability::FsRead, path, Last::Itself);
        assert_eq!(denies, expected, "{path}");
        assert!(
            !policy.denies_below(Capability::FsWrite, path, Last::Itself),
            "{path}"
        );
    }
}
