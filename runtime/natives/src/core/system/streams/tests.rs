use super::*;
use crate::core::system::input::Input;
use crate::testing::{Bench, Folder, eval_message, type_message};

fn octets(bench: &Bench, value: Value) -> Vec<u8> {
    bench.host.heap.as_bytevector(value).unwrap().to_vec()
}

#[test]
fn reads_texts() {
    let bench = Bench::new();
    let stream = bench.call("stream/from-string", &[bench.text("ab\r\nc")]);
    assert_eq!(
        octets(
            &bench,
            bench.call("stream/read", &[stream, Value::small(1)])
        ),
        b"a"
    );
    assert_eq!(bench.string(bench.call("stream/read-line", &[stream])), "b");
    assert_eq!(
        bench.call("stream/read-byte", &[stream]),
        Value::small(b'c'.into())
    );
    assert_eq!(bench.call("stream/read-byte", &[stream]), Value::NIL);
    assert_eq!(bench.call("stream/read-line", &[stream]), Value::NIL);
    let error = bench.error("stream/write-string", &[stream, bench.text("x")]);
    assert_eq!(
        eval_message(error),
        "stream/write: stream is read-only (string stream)"
    );
    bench.call("stream/close", &[stream]);
    bench.call("stream/close", &[stream]);
    let error = bench.error("stream/read-line", &[stream]);
    assert_eq!(eval_message(error), "stream/read: stream is closed");
}

#[test]
fn byte_buffers_are_written_and_read() {
    let bench = Bench::new();
    let buffer = bench.call("stream/byte-buffer", &[]);
    bench.call("stream/write-string", &[buffer, bench.text("abc")]);
    bench.call("stream/read", &[buffer, Value::small(2)]);
    bench.call("stream/write-byte", &[buffer, Value::small(b'Z'.into())]);
    assert_eq!(
        octets(&bench, bench.call("stream/read-all", &[buffer])),
        b"cZ"
    );
    assert_eq!(
        bench.string(bench.call("stream/to-string", &[buffer])),
        "abcZ"
    );
    bench.call("stream/close", &[buffer]);
    let content = bench.call("stream/to-string", &[buffer]);
    assert_eq!(bench.string(content), "abcZ");
    let buffer = bench.call("stream/byte-buffer", &[]);
    let error = bench.error("stream/write-byte", &[buffer, Value::small(256)]);
    assert_eq!(
        eval_message(error),
        "stream/write-byte: value 256 out of range 0..255"
    );
    let error = bench.error("stream/read", &[Value::NIL, Value::NIL]);
    assert_eq!(type_message(error), "expected stream, got nil");
}

#[test]
fn copies_up_to_a_limit() {
    let bench = Bench::new();
    let buffer = bench.call("stream/byte-buffer", &[]);
    let source = || bench.call("stream/from-string", &[bench.text("abc")]);
    assert_eq!(
        bench.call("stream/copy", &[source(), buffer]),
        Value::small(3)
    );
    let error = bench.error("stream/copy", &[source(), buffer, Value::small(2)]);
    assert_eq!(
        eval_message(error),
        "stream/copy: input exceeds the configured 2-byte cap"
    );
    let error = bench.error("stream/read-all", &[source(), Value::small(2)]);
    assert_eq!(
        eval_message(error),
        "stream/read-all: input exceeds the configured 2-byte cap"
    );
}

#[test]
fn files() {
    let bench = Bench::new();
    let folder = Folder::new("streams");
    let path = bench.text(&folder.path("o.txt"));
    let output = bench.call("stream/open-output", &[path]);
    assert_eq!(
        bench.string(bench.call("stream/type", &[output])),
        "file-output"
    );
    bench.call("stream/write-string", &[output, bench.text("héllo")]);
    bench.call("stream/close", &[output]);
    let input = bench.call("stream/open-input", &[path]);
    assert_eq!(
        octets(&bench, bench.call("stream/read-all", &[input])),
        "héllo".as_bytes()
    );
    let missing = bench.text(&folder.path("nope"));
    assert!(eval_message(bench.error("stream/open-input", &[missing])).ends_with("(os error 2)"));
}

#[test]
fn a_file_copied_onto_itself_stays() {
    let bench = Bench::new();
    let folder = Folder::new("stream-copy-itself");
    let path = folder.path("a.txt");
    std::fs::write(&path, "precious").unwrap();
    std::fs::hard_link(&path, folder.path("b.txt")).unwrap();
    for name in ["a.txt", "./a.txt", "b.txt"] {
        let input = bench.call("stream/open-input", &[bench.text(&path)]);
        let output = bench.call("stream/open-output", &[bench.text(&folder.path(name))]);
        assert_eq!(bench.call("stream/copy", &[input, output]), Value::small(0));
        bench.call("stream/close", &[output]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        bench.call("stream/close", &[input]);
    }
    // What is written, or written nothing and closed, is emptied all the same.
    for written in ["", "new"] {
        std::fs::write(&path, "precious").unwrap();
        let input = bench.call("stream/open-input", &[bench.text(&path)]);
        let output = bench.call("stream/open-output", &[bench.text(&path)]);
        if !written.is_empty() {
            bench.call("stream/write-string", &[output, bench.text(written)]);
        }
        bench.call("stream/close", &[output]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), written);
        bench.call("stream/close", &[input]);
    }
}

#[test]
fn standard_streams() {
    let bench = Bench::new();
    bench
        .host
        .with_extension::<Input, _>(|input| *input = Input::memory(b"one\ntwo".to_vec()));
    let [input, output] = [0, 1].map(|number| standard_stream(&bench.host, number).unwrap());
    assert_eq!(
        bench.string(bench.call("stream/read-line", &[input])),
        "one"
    );
    assert_eq!(
        octets(&bench, bench.call("stream/read", &[input, Value::small(9)])),
        b"two"
    );
    bench.call("stream/write-string", &[output, bench.text("out")]);
    assert_eq!(bench.written(), "out");
    let error = bench.error("stream/read-byte", &[output]);
    assert_eq!(eval_message(error), "stream/read: *stdout* is write-only");
    let error = bench.error("stream/write-byte", &[input, Value::small(1)]);
    assert_eq!(eval_message(error), "stream/write: *stdin* is read-only");
}
