//! ZIP archives.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rawzip::time::UtcDateTime;
use rawzip::{
    CompressionMethod, ErrorKind, MAX_CENTRAL_DIRECTORY_RECORD_SIZE, ZipArchive, ZipArchiveWriter,
};

use super::extract::{Limits, Target, extraction};
use super::source::{Member, OpenMember, creation, open};
use super::{Bounded, Done, Failure, in_background};
use crate::std::new_file::NewFile;
use sema_machine::host::Host;
use sema_machine::host::arguments::text;
use sema_machine::host::condition::Outcome;
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::task::Cancelled;
use sema_machine::{natives, with_descriptors};
use sema_vfs::Overlay;

natives! {
    /// Makes a ZIP archive of files, each under the last part of its path, and gives their number. The archive appears
    /// when it is complete.
    /// (begin (file/write "z1.txt" "one") (file/write "z2.txt" "two") (zip/create "z.zip" (list "z1.txt" "z2.txt"))) => 2
    /// (zip/create "none.zip" (list "no-such-file")) => error No such file or directory
    "zip/create" (archive: String, files: Sequence) -> Count, needs(Capability::FsRead), needs(Capability::FsWrite), touches(Touches::ToFrom) => with_descriptors!(create);

    /// Unpacks a ZIP archive into a directory, which is made if it is missing, and gives the number of entries. Entries
    /// that would lie outside of the directory are left out. Options are `:max-bytes` (4 GiB) and `:max-entries`
    /// (a million), beyond which it raises.
    /// (begin (file/write "x.txt" "in") (zip/create "x.zip" (list "x.txt")) (zip/extract "x.zip" "unzipped") (file/read "unzipped/x.txt")) => "in"
    /// (begin (file/write "y.txt" "long") (zip/create "y.zip" (list "y.txt")) (zip/extract "y.zip" "unzipped" {:max-bytes 3})) => error larger than the limit
    "zip/extract" (archive: String, directory: String, options?: Map) -> Count, needs(Capability::FsRead), needs(Capability::FsWrite), touches(Touches::FromTo), options(2, &["max-bytes", "max-entries"]) => with_descriptors!(extract);

    /// The names of the entries of a ZIP archive, in its order.
    /// (begin (file/write "l.txt" "") (zip/create "l.zip" (list "l.txt")) (zip/list "l.zip")) => ("l.txt")
    /// (begin (file/write "no.zip" "text") (zip/list "no.zip")) => error zip/list: no.zip
    "zip/list" (archive: String) -> List, needs(Capability::FsRead) => with_descriptors!(list);
}

/// The method that a member of no bytes needs no decoder for.
const STORE: CompressionMethod = CompressionMethod::STORE;

fn create(host: &Host, args: &[Value]) -> Outcome {
    creation(host, "zip/create", args, write)
}

fn write(archive: &str, members: Vec<OpenMember>, cancelled: &Cancelled) -> Done<()> {
    let failed = |error: io::Error| Failure::of(archive, error);
    let (file, output) = NewFile::create(archive).map_err(failed)?;
    let mut writer = ZipArchiveWriter::new(output);
    for (member, opened) in members {
        let mut left = u64::MAX;
        let mut content = Bounded {
            inner: opened.content,
            left: &mut left,
            cancelled,
        };
        let modified = UtcDateTime::from_unix(opened.modified.clamp(0, u32::MAX.into()));
        add(&mut writer, &member, &mut content, opened.mode, modified)
            .map_err(|error| member.failure(archive, error))?;
    }
    let mut output = writer.finish().map_err(|error| failed(system(error)))?;
    output.flush().map_err(failed)?;
    file.finish().map_err(failed)
}

/// The crate's error as the system's, if it is one.
fn system(error: rawzip::Error) -> io::Error {
    match error.into_kind() {
        ErrorKind::IO(error) => error,
        kind => io::Error::other(kind.to_string()),
    }
}

fn add<W: Write>(
    writer: &mut ZipArchiveWriter<W>,
    member: &Member,
    content: &mut dyn Read,
    mode: u32,
    modified: UtcDateTime,
) -> io::Result<()> {
    let (mut entry, config) = writer
        .new_file(member.name.as_str())
        .compression_method(CompressionMethod::DEFLATE)
        .unix_permissions(mode)
        .last_modified(modified)
        .start()
        .map_err(system)?;
    let encoder = DeflateEncoder::new(&mut entry, Compression::default());
    let mut data = config.wrap(encoder);
    io::copy(content, &mut data)?;
    let (encoder, descriptor) = data.finish().map_err(system)?;
    encoder.finish()?;
    entry.finish(descriptor).map_err(system)?;
    Ok(())
}

/// Opens an archive; `buffer` holds parts of it.
fn open_archive(
    files: &Overlay,
    path: &str,
    buffer: &mut [u8],
) -> Done<ZipArchive<impl rawzip::ReaderAt + use<>>> {
    let opened = open(files, path)?;
    ZipArchive::from_seekable(opened.content, buffer)
        .map_err(|error| Failure::of(path, system(error)))
}

fn list(host: &Host, args: &[Value]) -> Outcome {
    let archive = text(host, "zip/list", args, 0)?.to_owned();
    let files = host.files.clone();
    in_background(
        host,
        "zip/list",
        move |cancelled| names(&files, &archive, cancelled),
        |host, names| {
            let names: Vec<Value> = names.iter().map(|name| host.heap.string(name)).collect();
            Ok(host.heap.list(&names))
        },
    )
}

/// The characters of code page 437 from 128 on.
const UPPER_HALF: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The name of an entry. What is no UTF-8 is from the time before it, when names were in code page 437.
fn name_of(bytes: &[u8]) -> String {
    if let Ok(name) = std::str::from_utf8(bytes) {
        return name.to_owned();
    }
    let character = |byte: &u8| match byte.checked_sub(128) {
        None => char::from(*byte),
        Some(at) => {
            let found = UPPER_HALF.chars().nth(usize::from(at));
            found.unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    };
    bytes.iter().map(character).collect()
}

fn names(files: &Overlay, path: &str, cancelled: &Cancelled) -> Done<Vec<String>> {
    let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = open_archive(files, path, &mut buffer)?;
    let mut entries = archive.entries(&mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries
        .next_entry()
        .map_err(|error| Failure::of(path, system(error)))?
    {
        if cancelled.is_set() {
            return Err(Failure::content(path, "cancelled"));
        }
        names.push(name_of(entry.file_path().as_ref()));
    }
    Ok(names)
}

fn extract(host: &Host, args: &[Value]) -> Outcome {
    extraction(host, "zip/extract", args, unpack)
}

fn unpack(
    files: &Overlay,
    path: &str,
    directory: &str,
    limits: Limits,
    cancelled: &Cancelled,
) -> Done<usize> {
    let failed = |error: rawzip::Error| Failure::of(path, system(error));
    let mut buffer = vec![0; MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let archive = open_archive(files, path, &mut buffer)?;
    let mut target = Target::new(path, directory, limits, cancelled)?;
    let mut used = Ranges::default();
    let mut entries = archive.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(failed)? {
        let name = name_of(entry.file_path().as_ref());
        let Some(place) = target.place(name.as_bytes())? else {
            continue;
        };
        if entry.is_dir() {
            target.directory(&place)?;
            continue;
        }
        // Links are left out: what is unpacked later could go through them.
        const KIND: u32 = 0o170_000;
        if !matches!(entry.mode().value() & KIND, 0 | 0o100_000) {
            continue;
        }
        if entry.flags().is_encrypted() {
            return Err(Failure::content(path, "an entry is encrypted"));
        }
        let method = entry.compression_method();
        let found = archive.get_entry(entry.wayfinder()).map_err(failed)?;
        if !used.add(found.compressed_data_range()) {
            return Err(Failure::content(path, "entries overlap"));
        }
        let decoder: Box<dyn Read> = match method {
            STORE => Box::new(found.reader()),
            CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(found.reader())),
            _ => {
                let problem = "an entry is compressed in a way that is not supported";
                return Err(Failure::content(path, problem));
            }
        };
        let mode = entry.mode().permissions();
        target.file(&place, mode, found.verifying_reader(decoder))?;
    }
    Ok(target.count)
}

/// Where the data of entries lies. Entries that share data are a bomb: few bytes become many.
#[derive(Default)]
struct Ranges(std::collections::BTreeMap<u64, u64>);

impl Ranges {
    /// Takes in a range; whether it overlaps with no other.
    fn add(&mut self, (start, end): (u64, u64)) -> bool {
        let before = self.0.range(..=start).next_back();
        let after = self.0.range(start..).next();
        if start == end {
            return true;
        }
        if before.is_some_and(|(_, end)| *end > start) || after.is_some_and(|(next, _)| *next < end)
        {
            return false;
        }
        self.0.insert(start, end);
        true
    }
}
