//! Tar archives, with or without gzip.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, Entry, EntryType, Header};

use super::extract::{Limits, Target, extraction, inside};
use super::gzip::Decompressed;
use super::source::{OpenMember, creation, open};
use super::{Bounded, Done, Failure};
use crate::std::new_file::NewFile;
use sema_machine::host::Host;
use sema_machine::host::condition::Outcome;
use sema_machine::host::native::{Capability, Touches};
use sema_machine::memory::value::Value;
use sema_machine::platform::files;
use sema_machine::task::Cancelled;
use sema_machine::{natives, with_descriptors};
use sema_vfs::Overlay;

natives! {
    /// Makes a tar archive of files, each under the last part of its path, and gives their number. If the name of the archive ends
    /// in `.gz` or `.tgz` it is compressed with gzip. The archive appears when it is complete.
    /// (begin (file/write "t1.txt" "one") (file/write "t2.txt" "two") (tar/create "t.tar.gz" (list "t1.txt" "t2.txt"))) => 2
    /// (tar/create "none.tar" (list "no-such-file")) => error No such file or directory
    "tar/create" (archive: String, files: Sequence) -> Count, needs(Capability::FsRead), needs(Capability::FsWrite), touches(Touches::ToFrom) => with_descriptors!(create);

    /// Unpacks a tar archive, compressed with gzip or not, into a directory, which is made if it is missing, and gives the number
    /// of entries. Entries and links that would lead outside of the directory, and devices, are left out. Options are
    /// `:max-bytes` (4 GiB) and `:max-entries` (a million), beyond which it raises.
    /// (begin (file/write "u.txt" "in") (tar/create "u.tgz" (list "u.txt")) (tar/extract "u.tgz" "untarred") (file/read "untarred/u.txt")) => "in"
    /// (tar/extract "no-such.tar" "untarred") => error No such file or directory
    "tar/extract" (archive: String, directory: String, options?: Map) -> Count, needs(Capability::FsRead), needs(Capability::FsWrite), touches(Touches::FromTo), options(2, &["max-bytes", "max-entries"]) => with_descriptors!(extract);
}

fn create(host: &Host, args: &[Value]) -> Outcome {
    creation(host, "tar/create", args, write)
}

fn write(archive: &str, members: Vec<OpenMember>, cancelled: &Cancelled) -> Done<()> {
    let failed = |error: io::Error| Failure::of(archive, error);
    let (file, mut output) = NewFile::create(archive).map_err(failed)?;
    if archive.ends_with(".gz") || archive.ends_with(".tgz") {
        let mut encoder = GzEncoder::new(&mut output, Compression::default());
        write_members(&mut encoder, archive, members, cancelled)?;
        encoder.finish().map_err(failed)?;
    } else {
        write_members(&mut output, archive, members, cancelled)?;
    }
    output.flush().map_err(failed)?;
    file.finish().map_err(failed)
}

fn write_members(
    output: &mut dyn Write,
    archive: &str,
    members: Vec<OpenMember>,
    cancelled: &Cancelled,
) -> Done<()> {
    let failed = |error: io::Error| Failure::of(archive, error);
    let mut builder = Builder::new(output);
    for (member, opened) in members {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(opened.bytes);
        header.set_mode(opened.mode);
        header.set_mtime(opened.modified.try_into().unwrap_or(0));
        let mut left = u64::MAX;
        let content = Bounded {
            inner: opened.content,
            left: &mut left,
            cancelled,
        };
        let content = Exactly {
            inner: content,
            left: opened.bytes,
        };
        builder
            .append_data(&mut header, &member.name, content)
            .map_err(|error| member.failure(archive, error))?;
    }
    builder.finish().map_err(failed)
}

/// As many bytes as the header says, also of a file that changes while it is read.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let count = match buffer.get_mut(..most) {
            Some([]) | None => return Ok(0),
            Some(part) => self.inner.read(part)?,
        };
        if count == 0 {
            return Err(io::Error::other(
                "the file became shorter while it was read",
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

fn extract(host: &Host, args: &[Value]) -> Outcome {
    extraction(host, "tar/extract", args, unpack)
}

fn unpack(
    files: &Overlay,
    path: &str,
    directory: &str,
    limits: Limits,
    cancelled: &Cancelled,
) -> Done<usize> {
    let failed = |error: io::Error| Failure::of(path, error);
    let mut content = BufReader::new(open(files, path)?.content);
    let is_compressed = content
        .fill_buf()
        .map_err(failed)?
        .starts_with(&[0x1f, 0x8b]);
    let content: Box<dyn Read> = if is_compressed {
        Box::new(Decompressed::new(content))
    } else {
        Box::new(content)
    };
    // Headers and what lies between them count as well: a bomb may consist of nothing else.
    let mut left = limits.bytes.saturating_mul(2).saturating_add(1 << 20);
    let content = Bounded {
        inner: content,
        left: &mut left,
        cancelled,
    };
    let mut content = content;
    let mut archive = Archive::new(&mut content);
    let mut entries = archive.entries().map_err(failed)?;
    // Nothing is made for what is no archive.
    let mut next = entries.next().transpose().map_err(|error| match error {
        error if error.raw_os_error().is_some() => failed(error),
        error => Failure::content(path, format_args!("this is no tar archive: {error}")),
    })?;
    let mut target = Target::new(path, directory, limits, cancelled)?;
    while let Some(mut entry) = next {
        unpack_entry(&mut target, &mut entry)?;
        next = entries.next().transpose().map_err(failed)?;
    }
    if is_compressed {
        // The checksum of all lies behind the end of the archive.
        io::copy(&mut content, &mut io::sink()).map_err(failed)?;
    }
    Ok(target.count)
}

fn unpack_entry<R: Read>(target: &mut Target<'_>, entry: &mut Entry<'_, R>) -> Done<()> {
    let name = entry.path_bytes().into_owned();
    let Some(place) = target.place(&name)? else {
        return Ok(());
    };
    let mode = entry.header().mode().unwrap_or(0);
    match entry.header().entry_type() {
        EntryType::Directory => target.directory(&place),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            if name.ends_with(b"/") {
                return target.directory(&place);
            }
            target.file(&place, mode, entry)
        }
        kind @ (EntryType::Symlink | EntryType::Link) => {
            let Some(to) = entry.link_name_bytes() else {
                return Ok(());
            };
            let Some(to) = files::path(&to) else {
                return Ok(());
            };
            if kind == EntryType::Symlink {
                symbolic_link(target, &place, to)
            } else {
                hard_link(target, &place, to)
            }
        }
        // Devices and pipes.
        _ => Ok(()),
    }
}

/// A link to something in the directory, told from where the link is.
fn symbolic_link(target: &mut Target<'_>, place: &Path, to: &Path) -> Done<()> {
    let above = target.relative(place).and_then(Path::parent);
    if to.is_absolute() || above.is_none_or(|above| inside(&above.join(to)).is_none()) {
        return Ok(());
    }
    target.make_room(place)?;
    files::link(to, place).map_err(|error| Failure::of(place.to_string_lossy(), error))?;
    target.count += 1;
    Ok(())
}

/// A second name of a file that has been unpacked, told from the directory.
fn hard_link(target: &mut Target<'_>, place: &Path, to: &Path) -> Done<()> {
    let Some(existing) = target.existing(to) else {
        return Ok(());
    };
    target.make_room(place)?;
    std::fs::hard_link(existing, place)
        .map_err(|error| Failure::of(place.to_string_lossy(), error))?;
    target.count += 1;
    Ok(())
}
