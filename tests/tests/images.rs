//! Container images, as the programs that load images see them.

use std::fs;
use std::process::Command;

use sema_tests::{Scratch, outcome, peers, runtime, semac_in};

const PROGRAM: &str = r#"(println "args" (rest (sys/args)) (env "MODE"))
(file/write "/tmp/semac-image-test" "x")
(file/delete "/tmp/semac-image-test")
"#;

/// Builds `app.tar` of [`PROGRAM`].
fn image(options: &[&str]) -> Scratch {
    let scratch = Scratch::with(&[("app.sema", PROGRAM)]);
    let mut command = semac_in(scratch.path());
    command.args(["build", "app.sema", "--image", "app.tar", "--runtime"]);
    let built = outcome(command.arg(runtime()).args(options), b"").succeeded();
    assert!(built.stderr.contains("Built app.tar (image "), "{built:?}");
    scratch
}

#[test]
fn equal_programs_make_equal_images() {
    let images = [image(&[]), image(&[])];
    let bytes = images
        .each_ref()
        .map(|scratch| fs::read(scratch.file("app.tar")).unwrap());
    assert_eq!(bytes[0], bytes[1]);
    assert_eq!(
        images[0].names(),
        ["app.sema", "app.tar"],
        "an executable only with -o"
    );
}

#[test]
fn what_an_image_says_of_itself() {
    let options = [
        "--image-name",
        "registry.example:5000/team/app:1.2",
        "--image-label",
        "org.opencontainers.image.source=https://app.example",
        "--image-env",
        "MODE=slow",
        "--image-env",
        "MODE=fast",
        "--image-port",
        "8080",
        "--image-user",
        "1000:1000",
        "--target",
        "host",
        "-o",
        "app",
        "--json",
    ];
    let scratch = image(&options);
    assert_eq!(scratch.names(), ["app", "app.sema", "app.tar"]);
    if !peers(&[("skopeo", "skopeo")]) {
        return;
    }
    for format in ["oci-archive:app.tar:1.2", "docker-archive:app.tar"] {
        let mut command = Command::new("skopeo");
        command
            .args(["inspect", "--config", format])
            .current_dir(scratch.path());
        let text = outcome(&mut command, b"").succeeded().stdout;
        let configuration: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(configuration["os"], "linux", "{text}");
        assert_eq!(configuration["created"], "1970-01-01T00:00:00Z");
        let run = &configuration["config"];
        assert_eq!(
            run["Entrypoint"],
            serde_json::json!(["/app"]),
            "{format}: {text}"
        );
        assert_eq!(run["User"], "1000:1000");
        assert_eq!(run["Env"], serde_json::json!(["MODE=fast"]));
        assert_eq!(run["ExposedPorts"], serde_json::json!({ "8080/tcp": {} }));
        assert_eq!(
            run["Labels"]["org.opencontainers.image.source"],
            "https://app.example"
        );
    }
}

#[test]
fn an_image_runs_in_nothing_but_itself() {
    if !peers(&[("skopeo", "skopeo"), ("umoci", "umoci")]) {
        return;
    }
    let scratch = image(&["--image-env", "MODE=fast"]);
    let in_scratch = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(scratch.path());
        outcome(&mut command, b"").succeeded()
    };
    in_scratch(
        "skopeo",
        &["copy", "oci-archive:app.tar:latest", "oci:layout:latest"],
    );
    in_scratch(
        "umoci",
        &["unpack", "--rootless", "--image", "layout:latest", "bundle"],
    );
    let text = fs::read_to_string(scratch.file("bundle/config.json")).unwrap();
    let configuration: serde_json::Value = serde_json::from_str(&text).unwrap();
    let process = &configuration["process"];
    assert_eq!(process["args"], serde_json::json!(["/app"]));
    assert_eq!(
        (&process["user"]["uid"], &process["user"]["gid"]),
        (&65532.into(), &65532.into())
    );
    let mut names: Vec<_> = fs::read_dir(scratch.file("bundle/rootfs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    // Runtimes that may use TLS bring certificates along.
    if names.contains(&"etc".to_owned()) {
        let file = scratch.file("bundle/rootfs/etc/ssl/certs/ca-certificates.crt");
        let certificates = fs::read_to_string(file).unwrap();
        assert!(certificates.matches("-----END CERTIFICATE-----\n").count() > 50);
    }
    names.retain(|name| name != "etc");
    assert_eq!(names, ["app", "tmp"]);
    // A runtime of the debug loop needs the libraries of this machine, so it cannot run in the image's root.
    let is_static = Command::new("ldd")
        .arg(scratch.file("bundle/rootfs/app"))
        .output()
        .is_ok_and(|ldd| !ldd.status.success());
    let may_change_root = || {
        let mut root = Command::new("chroot");
        let tried = root.args(["/", "true"]).status();
        tried.is_ok_and(|status| status.success())
    };
    let mut command = if is_static && may_change_root() {
        let mut command = Command::new("chroot");
        command.args(["--userspec=65532:65532", "bundle/rootfs", "/app"]);
        command
    } else {
        Command::new(scratch.file("bundle/rootfs/app"))
    };
    command
        .arg("one")
        .current_dir(scratch.path())
        .env_clear()
        .env("MODE", "fast")
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    let got = outcome(&mut command, b"").succeeded();
    assert_eq!(got.stdout, "args (\"one\") fast\n");
}

#[test]
fn names_that_mean_something_else() {
    let project = Scratch::with(&[(".wh.x.sema", "1")]);
    let mut command = semac_in(project.path());
    command
        .args(["build", ".wh.x.sema", "--image", "x.tar", "--runtime"])
        .arg(runtime());
    outcome(&mut command, b"").failed_with(1, "cannot be called '.wh.x'");
    let mut command = semac_in(project.path());
    command.args([
        "build",
        ".wh.x.sema",
        "--image",
        "x.tar",
        "--image-name",
        "a/".repeat(140).trim_end_matches('/'),
    ]);
    outcome(&mut command, b"").failed_with(2, "at most 255");
}

#[test]
fn refusals() {
    let scratch = Scratch::with(&[("app.sema", "1\n"), ("data.tar", "precious")]);
    let build = |options: &[&str]| {
        let mut command = semac_in(scratch.path());
        command
            .args(["build", "app.sema", "--runtime"])
            .arg(runtime())
            .args(options);
        outcome(&mut command, b"")
    };
    build(&["--image", "a.tar", "--image-name", "Upper"]).failed_with(2, "lower-case letters");
    build(&["--image", "a.tar", "--image-user", "root"]).failed_with(2, "it has to be a number");
    build(&["--image", "a.tar", "--image-port", "0"]).failed_with(2, "from 1 to 65535");
    build(&["--image", "a.tar", "--image-label", "x"]).failed_with(2, "NAME=VALUE");
    build(&["--image-name", "app"]).failed_with(2, "--image <OUT>");
    build(&["--image", "app.sema"]).failed_with(1, "would overwrite 'app.sema'");
    build(&["--image", "data.tar", "--include", "data.tar"])
        .failed_with(1, "would overwrite 'data.tar'");
    build(&["--image", "app", "-o", "./app"]).failed_with(1, "would overwrite");
    build(&["--image", "a.tar", "--image-name", "a..b"]).failed_with(2, "lower-case letters");
    build(&["--image", "a.tar", "--image-user", "2147483648"]).failed_with(2, "2147483647");
    assert_eq!(scratch.names(), ["app.sema", "data.tar"]);
}

/// The name that the project file gives a program is that of its image and of its executables.
#[test]
fn the_project_names_the_image() {
    let project = "[build]\nentry = \"main.sema\"\noutput = \"out/report\"\n";
    let scratch = Scratch::with(&[("main.sema", "1\n"), ("sema.toml", project)]);
    let build = |options: &[&str]| {
        let mut command = semac_in(scratch.path());
        command.args(["build", "--runtime"]).arg(runtime());
        outcome(command.args(options), b"")
    };
    let said = build(&["--image", "i.tar"]).succeeded().stderr;
    assert!(said.contains("image report:latest"), "{said}");
    build(&["-o", "dist/"]).succeeded();
    assert!(scratch.file("dist/report").exists());
    for name in ["tmp", "etc", "proc"] {
        scratch.write("sema.toml", project.replace("out/report", name));
        build(&["--image", "i.tar"]).failed_with(1, "cannot be called");
    }
    // No output takes the place of the project file.
    scratch.write("sema.toml", project.replace("out/report", "sema.toml"));
    build(&[]).failed_with(1, "project file");
    scratch.write("sema.toml", project);
    build(&["-o", "sema.toml"]).failed_with(1, "project file");
    build(&["--sbom", "sema.toml"]).failed_with(1, "project file");
    assert_eq!(
        std::fs::read_to_string(scratch.file("sema.toml")).unwrap(),
        project
    );
}
