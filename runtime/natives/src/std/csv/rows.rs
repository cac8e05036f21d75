//! The records of CSV, one after the other, from bytes that come in parts.

use crate::std::names::sort_places;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use sema_machine::host::Host;
use sema_machine::memory::value::Value;

/// Bytes and fields of one record at most.
const LONGEST: usize = 256 << 20;
const MOST_FIELDS: usize = 1 << 20;

/// Why the records cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A record is shorter or longer than the first one.
    #[error(
        "parse error at line {line}: found record with {found} fields, but the previous record has {expected} fields"
    )]
    Length {
        /// Line at which the record starts, from 1.
        line: u64,
        /// Its fields.
        found: usize,
        /// Those of the first record.
        expected: usize,
    },
    /// Bytes of a stream are not UTF-8.
    #[error("parse error at line {line}: invalid UTF-8 in field {field}")]
    Utf8 {
        /// Line at which the record starts, from 1.
        line: u64,
        /// The field, from 1.
        field: usize,
    },
    /// A record is too long.
    #[error(
        "parse error at line {line}: a record exceeds the limit of {LONGEST} bytes or {MOST_FIELDS} fields"
    )]
    TooLong {
        /// Line at which the record starts, from 1.
        line: u64,
    },
    /// Two columns have the same name.
    #[error("duplicate header \"{0}\"")]
    DuplicateHeader(String),
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A record is in [`Rows`].
    Record,
    /// More bytes are needed.
    Nothing,
    /// The last record has been read.
    End,
}

/// Splits bytes into records.
pub struct Rows {
    core: Reader,
    fields: Vec<u8>,
    /// Bytes of `fields` that are in use.
    length: usize,
    ends: Vec<usize>,
    count: usize,
    /// Line at which the record starts.
    line: u64,
    expected: Option<usize>,
    /// Whether the record is finished, so that the next one begins.
    finished: bool,
}

impl Rows {
    /// A reader of records whose fields are separated by this byte.
    pub fn new(separator: u8) -> Rows {
        Rows {
            core: ReaderBuilder::new().delimiter(separator).build(),
            fields: vec![0; 1 << 10],
            length: 0,
            ends: vec![0; 64],
            count: 0,
            line: 1,
            expected: None,
            finished: true,
        }
    }

    /// Reads on in `input`, from which it takes what it has read; none means the end of the text.
    ///
    /// # Errors
    /// What is wrong with the record.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Next, Problem> {
        if std::mem::take(&mut self.finished) {
            self.length = 0;
            self.count = 0;
            self.line = self.core.line();
        }
        loop {
            let output = self.fields.get_mut(self.length..).unwrap_or_default();
            let ends = self.ends.get_mut(self.count..).unwrap_or_default();
            let (result, read, written, ended) = self.core.read_record(input, output, ends);
            *input = input.get(read..).unwrap_or_default();
            self.length += written;
            self.count += ended;
            match result {
                ReadRecordResult::InputEmpty => return Ok(Next::Nothing),
                ReadRecordResult::End => return Ok(Next::End),
                ReadRecordResult::OutputFull if self.fields.len() < LONGEST => {
                    self.fields.resize(self.fields.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MOST_FIELDS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(Problem::TooLong { line: self.line });
                }
                ReadRecordResult::Record => {
                    self.finished = true;
                    let expected = *self.expected.get_or_insert(self.count);
                    if self.count != expected {
                        return Err(Problem::Length {
                            line: self.line,
                            found: self.count,
                            expected,
                        });
                    }
                    return Ok(Next::Record);
                }
            }
        }
    }

    /// The fields of the record as strings.
    ///
    /// # Errors
    /// When they are not UTF-8.
    pub fn fields(&self, host: &Host, values: &mut Vec<Value>) -> Result<(), Problem> {
        values.clear();
        self.each_field(|text| values.push(host.heap.string(text)))
    }

    /// The fields of the record.
    ///
    /// # Errors
    /// When they are not UTF-8.
    pub fn each_field<'r>(&'r self, mut take: impl FnMut(&'r str)) -> Result<(), Problem> {
        let bytes = self.fields.get(..self.length).unwrap_or_default();
        let ends = self.ends.get(..self.count).unwrap_or_default();
        let mut start = 0;
        // All at once if that goes: what is no UTF-8 is looked for only then.
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(self.not_utf8(bytes, ends));
        };
        for (field, end) in ends.iter().enumerate() {
            let Some(part) = text.get(start..*end) else {
                return Err(Problem::Utf8 {
                    line: self.line,
                    field: field + 1,
                });
            };
            take(part);
            start = *end;
        }
        Ok(())
    }

    #[cold]
    fn not_utf8(&self, bytes: &[u8], ends: &[usize]) -> Problem {
        let mut start = 0;
        let field = ends.iter().position(|end| {
            let field = bytes.get(start..*end).unwrap_or_default();
            start = *end;
            std::str::from_utf8(field).is_err()
        });
        Problem::Utf8 {
            line: self.line,
            field: field.unwrap_or(0) + 1,
        }
    }
}

/// The columns of a table with a header.
#[derive(Default)]
pub struct Columns {
    /// The keywords of the columns in the order of a map, and the places of their fields.
    sorted: Vec<(Value, usize)>,
}

impl Columns {
    /// The columns of a header. Keywords are never collected, so they may be kept anywhere.
    ///
    /// # Errors
    /// Two columns have the same name.
    pub fn new(host: &Host, header: &Rows) -> Result<Columns, Problem> {
        let mut names = Vec::new();
        header.each_field(|name| names.push(name))?;
        let mut order: Vec<usize> = (0..names.len()).collect();
        let name = |place: usize| names.get(place).copied().unwrap_or_default();
        sort_places(&mut order, &name);
        for two in order.windows(2) {
            if let [a, b] = two
                && name(*a) == name(*b)
            {
                return Err(Problem::DuplicateHeader(name(*a).to_owned()));
            }
        }
        let sorted = (order.into_iter())
            .map(|place| (host.keyword(name(place)), place))
            .collect();
        Ok(Columns { sorted })
    }

    /// The map of a record.
    pub fn map(&self, host: &Host, fields: &[Value]) -> Value {
        let entries: Vec<[Value; 2]> = (self.sorted.iter())
            .map(|(key, place)| [*key, fields.get(*place).copied().unwrap_or(Value::NIL)])
            .collect();
        sema_machine::data::collections::sorted_map::from_few_sorted(&host.heap, &entries)
    }
}
