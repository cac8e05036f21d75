use super::*;
use crate::testing::{Bench, Folder, eval_message, io_message, type_message};

/// Under any name. Its brothers: `stream/copy` (streams.rs), `file/rename`, which the system does right but for a link that would
/// take the place of what it leads to.
#[test]
fn a_file_copied_onto_itself_stays() {
    let bench = Bench::new();
    let folder = Folder::new("copy-itself");
    let path = folder.path("a.txt");
    bench.call("file/write", &[bench.text(&path), bench.text("precious")]);
    let (hard, soft) = (folder.path("hard"), folder.path("soft"));
    fs::hard_link(&path, &hard).unwrap();
    std::os::unix::fs::symlink(&path, &soft).unwrap();
    for name in [&path, &folder.path("./a.txt"), &hard, &soft] {
        for native in ["file/copy", "file/rename"] {
            if native == "file/rename" && name == &soft {
                continue;
            }
            bench.call(native, &[bench.text(&path), bench.text(name)]);
            assert_eq!(
                bench.string(bench.call("file/read", &[bench.text(&path)])),
                "precious"
            );
        }
    }
    bench.call("file/rename", &[bench.text(&soft), bench.text(&path)]);
    assert_eq!(
        bench.string(bench.call("file/read", &[bench.text(&path)])),
        "precious"
    );
}

#[test]
fn writes_and_reads_back() {
    let bench = Bench::new();
    let folder = Folder::new("files");
    let path = bench.text(&folder.path("a.txt"));
    bench.call("file/write", &[path, bench.text("héllo\r\nb\n")]);
    bench.call("file/append", &[path, bench.text("c")]);
    assert_eq!(
        bench.string(bench.call("file/read", &[path])),
        "héllo\r\nb\nc"
    );
    assert_eq!(
        bench.strings(bench.call("file/read-lines", &[path])),
        ["héllo", "b", "c"]
    );
    let items = bench.host.heap.list(&[bench.text("x"), bench.text("y")]);
    bench.call("file/write-lines", &[path, items]);
    assert_eq!(bench.string(bench.call("file/read", &[path])), "x\ny");
    bench.call(
        "file/write-bytes",
        &[path, bench.host.heap.bytevector(&[255])],
    );
    let error = io_message(bench.error("file/read", &[path]));
    assert!(
        error.ends_with("stream did not contain valid UTF-8"),
        "{error}"
    );
    bench.call("file/delete", &[path]);
    assert_eq!(bench.call("file/exists?", &[path]), Value::FALSE);
}

#[test]
fn errors_name_function_path_and_cause() {
    let bench = Bench::new();
    let folder = Folder::new("file-errors");
    let missing = folder.path("nope");
    let path = bench.text(&missing);
    for function in [
        "file/read",
        "file/read-lines",
        "file/info",
        "file/list",
        "file/delete",
    ] {
        assert_eq!(
            io_message(bench.error(function, &[path])),
            format!("{function} {missing}: No such file or directory (os error 2)")
        );
    }
    let directory = bench.text(&folder.path(""));
    for function in ["file/read", "file/delete"] {
        let message = eval_message(bench.error(function, &[directory]));
        assert!(
            message.ends_with("is a directory, not a regular file"),
            "{message}"
        );
    }
    let error = bench.error("file/write", &[path, Value::small(5)]);
    assert_eq!(
        type_message(error),
        "file/write argument 2 expected string, got int"
    );
}

#[test]
fn directories() {
    let bench = Bench::new();
    let folder = Folder::new("directories");
    let deep = bench.text(&folder.path("d/e"));
    bench.call("file/mkdir", &[deep]);
    bench.call("file/mkdir", &[deep]);
    assert_eq!(bench.call("file/is-directory?", &[deep]), Value::TRUE);
    let names = bench.call("file/list", &[bench.text(&folder.path("d"))]);
    assert_eq!(bench.strings(names), ["e"]);
    let info = bench.call("file/info", &[deep]);
    let is_dir = sorted_map::get(&bench.host, info, bench.host.keyword("is-dir"));
    assert_eq!(is_dir, Some(Value::TRUE));
}
