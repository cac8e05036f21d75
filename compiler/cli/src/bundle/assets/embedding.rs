//! The files of a program with the names under which it finds them.

use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Component, Path, PathBuf};

use sema_vfs::{
    Archive, ArchiveBuilder, EntryKind, NAMES, Overlay, VfsPath, WriteError, names_metadata,
};
use semac_core::link::reads::Embedded;

use super::{Asset, Excludes, Include, IncludeError, Pattern, collect, place_of};

/// Up to so many bytes lie in memory when a program runs at once; more are written to a temporary file.
const MOST_IN_MEMORY: u64 = 32 << 20;

/// How many names are tried for a temporary file.
const MOST_ATTEMPTS: u32 = 64;

/// Why a program that is not built cannot be given its files.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// They cannot be put together.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The temporary file cannot be made.
    #[error("cannot write the temporary file '{}': {source}", path.display())]
    Temporary {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What was put together cannot be read.
    #[error(transparent)]
    Read(#[from] sema_vfs::VfsError),
    /// A name that no entry can have.
    #[error(transparent)]
    Path(#[from] sema_vfs::PathError),
}

/// What `--include` and a project file put into a program.
#[derive(Clone, Debug, Default)]
pub struct Embedding {
    /// The files, sorted by their paths.
    pub assets: Vec<Asset>,
    /// Other names of files and directories, each with its path. See [`sema_vfs::NAMES`].
    names: Vec<(String, String)>,
    /// What semac made and is therefore not among them.
    pub left_out: Vec<PathBuf>,
}

impl Embedding {
    /// What these includes mean: see [`collect`].
    ///
    /// # Errors
    /// See [`IncludeError`].
    pub fn new(
        includes: &[Include],
        defaults: &[Include],
        excludes: &Excludes,
        entry: &Path,
    ) -> Result<Embedding, IncludeError> {
        let (assets, left_out) = collect(includes, defaults, excludes, entry)?;
        let all = includes.iter().chain(defaults);
        let mut names: Vec<(String, String)> = all
            .filter_map(|include| other_name(include, entry))
            .collect();
        names.sort();
        names.dedup();
        Ok(Embedding {
            assets,
            names,
            left_out,
        })
    }

    /// The paths of the files, as the compiler asks for them.
    #[must_use]
    pub fn paths(&self) -> Embedded {
        Embedded::new(self.assets.iter().map(|asset| asset.path.to_string()))
    }

    /// The paths that a normalised path means, by itself and by other names.
    fn meant<'a>(&'a self, path: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        let named = self.names.iter().filter_map(move |(name, target)| {
            let below = Path::new(path).strip_prefix(name).ok()?;
            Some(Path::new(target).join(below))
        });
        std::iter::once(PathBuf::from(path)).chain(named)
    }

    /// Whether there is a file, or a directory with one, at a normalised path.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let assets = || self.assets.iter().map(|asset| asset.path.as_str());
        self.meant(path)
            .any(|meant| assets().any(|asset| Path::new(asset).starts_with(&meant)))
    }

    /// Whether a pattern of paths means one of the files.
    #[must_use]
    pub fn matches(&self, pattern: &str) -> bool {
        let Ok(pattern) = Pattern::new(pattern) else {
            return false;
        };
        let paths = self.assets.iter().map(|asset| asset.path.as_str());
        paths
            .into_iter()
            .any(|path| pattern.matches(Path::new(path)))
    }

    /// The content of the metadata about names, if there are any.
    #[must_use]
    pub fn names(&self) -> Option<Vec<u8>> {
        let names = self.names.iter();
        let names = names.map(|(name, path)| (name.as_str(), path.as_str()));
        (!self.names.is_empty()).then(|| names_metadata(names))
    }

    /// The files as a built program would see them, for one that runs here and now.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn served(&self) -> Result<Overlay, ServeError> {
        if self.assets.is_empty() {
            return Ok(Overlay::default());
        }
        let mut builder = ArchiveBuilder::new().without_compression();
        let mut bytes = 0u64;
        for asset in &self.assets {
            builder.add_file(EntryKind::Asset, asset.path.clone(), &asset.file)?;
            bytes += fs::metadata(&asset.file).map_or(0, |metadata| metadata.len());
        }
        if let Some(names) = self.names() {
            builder.add_bytes(EntryKind::Metadata, VfsPath::metadata(NAMES)?, names)?;
        }
        let archive = match bytes > MOST_IN_MEMORY {
            true => in_temporary_file(&builder)?,
            false => Archive::from_bytes(builder.to_bytes()?)?,
        };
        Ok(Overlay::new(Some(archive)))
    }
}

/// The archive, mapped from a file that has no name any more.
fn in_temporary_file(builder: &ArchiveBuilder) -> Result<Archive, ServeError> {
    let (path, file) = temporary_file()?;
    let write = || -> Result<Archive, ServeError> {
        builder.write_to(&mut BufWriter::new(file))?;
        Ok(Archive::open_file(&path)?)
    };
    let archive = write();
    // Where it cannot be removed it is only a file more in the directory for such.
    let _ = fs::remove_file(&path);
    archive
}

/// A new file for the user alone.
fn temporary_file() -> Result<(PathBuf, File), ServeError> {
    let process = std::process::id();
    let mut attempts = 0..MOST_ATTEMPTS;
    loop {
        let number = attempts.next();
        let name = format!("semac-{process}-{}.tmp", number.unwrap_or(MOST_ATTEMPTS));
        let path = std::env::temp_dir().join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            // A process that was killed has left it there.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number.is_some() => {
            }
            Err(source) => return Err(ServeError::Temporary { path, source }),
        }
    }
}

/// What a file or a directory is called without the directories that lead to it, as another name of its place.
fn other_name(include: &Include, entry: &Path) -> Option<(String, String)> {
    let disk = include.on_disk();
    if include.place.is_some() || !disk.exists() {
        return None;
    }
    let name = include.path.file_name()?.to_str()?.to_owned();
    let place = place_of(include, &include.path, &disk, entry);
    let parts = place.components();
    let place: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    let place = VfsPath::from_relative(&place).ok()?.to_string();
    (name != place).then_some((name, place))
}
