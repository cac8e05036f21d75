//! Import and export records: bincode with string indices, so that a name that is
//! also a global's or a function's is stored once.

use serde::{Deserialize, Serialize};

use super::layout::Section;
use crate::error::FormatError;
use crate::model::{Arity, Export, ExportKind, Import};

/// Compact integers, little-endian; part of the format.
pub(crate) const CONFIG: bincode::config::Configuration = bincode::config::standard();

#[derive(Serialize, Deserialize)]
pub(crate) struct ImportRecord {
    path: u32,
    resolved: u32,
    names: Option<Vec<u32>>,
    bindings: Vec<(u32, u32)>,
    whole: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ExportRecord {
    name: u32,
    kind: ExportKind,
    arity: Option<Arity>,
    doc: Option<u32>,
    line: u32,
    column: u32,
    global: u32,
}

impl ImportRecord {
    pub(crate) fn resolve<'a>(
        self,
        string: impl Fn(u32) -> Result<&'a str, FormatError>,
    ) -> Result<Import<&'a str>, FormatError> {
        Ok(Import {
            path: string(self.path)?,
            resolved: string(self.resolved)?,
            names: match self.names {
                Some(names) => Some(names.into_iter().map(&string).collect::<Result<_, _>>()?),
                None => None,
            },
            bindings: self
                .bindings
                .into_iter()
                .map(|(name, global)| Ok((string(name)?, global)))
                .collect::<Result<_, _>>()?,
            whole: self.whole,
        })
    }

    #[cfg(feature = "write")]
    pub(crate) fn intern<E>(
        import: &Import,
        mut string: impl FnMut(&str) -> Result<u32, E>,
    ) -> Result<ImportRecord, E> {
        Ok(ImportRecord {
            path: string(&import.path)?,
            resolved: string(&import.resolved)?,
            names: match &import.names {
                Some(names) => Some(
                    names
                        .iter()
                        .map(|name| string(name))
                        .collect::<Result<_, _>>()?,
                ),
                None => None,
            },
            bindings: import
                .bindings
                .iter()
                .map(|(name, global)| Ok((string(name)?, *global)))
                .collect::<Result<_, E>>()?,
            whole: import.whole,
        })
    }
}

impl ExportRecord {
    pub(crate) fn resolve<'a>(
        self,
        string: impl Fn(u32) -> Result<&'a str, FormatError>,
    ) -> Result<Export<&'a str>, FormatError> {
        Ok(Export {
            name: string(self.name)?,
            kind: self.kind,
            arity: self.arity,
            doc: self.doc.map(&string).transpose()?,
            line: self.line,
            column: self.column,
            global: self.global,
        })
    }

    /// `positions` keeps the line and column, `docs` the documentation.
    #[cfg(feature = "write")]
    pub(crate) fn intern<E>(
        export: &Export,
        positions: bool,
        docs: bool,
        mut string: impl FnMut(&str) -> Result<u32, E>,
    ) -> Result<ExportRecord, E> {
        Ok(ExportRecord {
            name: string(&export.name)?,
            kind: export.kind,
            arity: export.arity,
            doc: match &export.doc {
                Some(doc) if docs => Some(string(doc)?),
                _ => None,
            },
            line: if positions { export.line } else { 0 },
            column: if positions { export.column } else { 0 },
            global: export.global,
        })
    }
}

/// Decodes all of `bytes`. Allocation is bounded: serde caps what a length prefix may reserve, and
/// every element takes at least one byte of input.
pub(crate) fn decode<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    section: Section,
) -> Result<T, FormatError> {
    match bincode::serde::borrow_decode_from_slice(bytes, CONFIG) {
        Ok((value, used)) if used == bytes.len() => Ok(value),
        Ok(_) => Err(FormatError::damaged(
            section,
            "bytes follow the last record",
        )),
        Err(_) => Err(FormatError::damaged(section, "a record cannot be decoded")),
    }
}

#[cfg(feature = "write")]
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, bincode::error::EncodeError> {
    bincode::serde::encode_to_vec(value, CONFIG)
}
