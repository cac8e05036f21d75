//! Values.

use std::ffi::{c_char, c_uint};
use std::ptr::{null, null_mut};

use super::{free, get, give, guard, name, slice};
use crate::Data;

/// `SEMA_NIL` and its like.
pub(super) mod kind {
    use std::ffi::c_uint;

    pub(super) const NIL: c_uint = 0;
    pub(super) const BOOL: c_uint = 1;
    pub(super) const INT: c_uint = 2;
    pub(super) const BIGINT: c_uint = 3;
    pub(super) const FLOAT: c_uint = 4;
    pub(super) const CHAR: c_uint = 5;
    pub(super) const STRING: c_uint = 6;
    pub(super) const KEYWORD: c_uint = 7;
    pub(super) const SYMBOL: c_uint = 8;
    pub(super) const BYTES: c_uint = 9;
    pub(super) const LIST: c_uint = 10;
    pub(super) const VECTOR: c_uint = 11;
    pub(super) const MAP: c_uint = 12;
    pub(super) const HANDLE: c_uint = 13;
}

/// How deep values may be nested that C makes: as deep as a machine takes them.
const MOST_DEPTH: usize = 500;

/// `sema_value`: data whose parts C can point to.
#[derive(Clone)]
pub struct SemaValue {
    kind: c_uint,
    /// The value, unless it has items; text and bytes are in `text`.
    plain: Data,
    /// Text or bytes, and a zero.
    text: Vec<u8>,
    /// Keys and values of a map in turn.
    items: Vec<SemaValue>,
    depth: usize,
}

impl SemaValue {
    fn plain(kind: c_uint, plain: Data) -> SemaValue {
        SemaValue {
            kind,
            plain,
            text: Vec::new(),
            items: Vec::new(),
            depth: 0,
        }
    }

    fn with_text(kind: c_uint, mut text: Vec<u8>) -> SemaValue {
        text.push(0);
        SemaValue {
            text,
            ..SemaValue::plain(kind, Data::Nil)
        }
    }

    fn with_items(kind: c_uint, items: Vec<SemaValue>) -> SemaValue {
        let depth = items.iter().map(|item| item.depth + 1).max();
        SemaValue {
            items,
            depth: depth.unwrap_or(0),
            ..SemaValue::plain(kind, Data::Nil)
        }
    }

    fn bytes(&self) -> &[u8] {
        self.text.split_last().map_or(&[], |(_, bytes)| bytes)
    }

    /// The data that it stands for.
    pub(super) fn data(&self) -> Data {
        let text = || String::from_utf8_lossy(self.bytes()).into_owned();
        let items = || self.items.iter().map(SemaValue::data).collect();
        match self.kind {
            kind::BIGINT => Data::BigInt(text()),
            kind::STRING => Data::String(text()),
            kind::KEYWORD => Data::Keyword(text()),
            kind::SYMBOL => Data::Symbol(text()),
            kind::BYTES => Data::Bytes(self.bytes().to_owned()),
            kind::LIST => Data::List(items()),
            kind::VECTOR => Data::Vector(items()),
            kind::MAP => {
                let (entries, _) = self.items.as_chunks();
                let entries = entries.iter();
                Data::Map(
                    entries
                        .map(|[key, value]| (key.data(), value.data()))
                        .collect(),
                )
            }
            _ => self.plain.clone(),
        }
    }
}

impl From<Data> for SemaValue {
    fn from(data: Data) -> SemaValue {
        let all = |items: Vec<Data>| items.into_iter().map(SemaValue::from).collect();
        match data {
            Data::BigInt(digits) => SemaValue::with_text(kind::BIGINT, digits.into_bytes()),
            Data::String(text) => SemaValue::with_text(kind::STRING, text.into_bytes()),
            Data::Keyword(name) => SemaValue::with_text(kind::KEYWORD, name.into_bytes()),
            Data::Symbol(name) => SemaValue::with_text(kind::SYMBOL, name.into_bytes()),
            Data::Bytes(bytes) => SemaValue::with_text(kind::BYTES, bytes),
            Data::List(items) => SemaValue::with_items(kind::LIST, all(items)),
            Data::Vector(items) => SemaValue::with_items(kind::VECTOR, all(items)),
            Data::Map(entries) => {
                let items = entries.into_iter().flat_map(|(key, value)| [key, value]);
                SemaValue::with_items(kind::MAP, items.map(SemaValue::from).collect())
            }
            Data::Nil => SemaValue::plain(kind::NIL, data),
            Data::Bool(_) => SemaValue::plain(kind::BOOL, data),
            Data::Int(_) => SemaValue::plain(kind::INT, data),
            Data::Float(_) => SemaValue::plain(kind::FLOAT, data),
            Data::Char(_) => SemaValue::plain(kind::CHAR, data),
            Data::Handle(_) => SemaValue::plain(kind::HANDLE, data),
        }
    }
}

/// A value as the caller's; null if there is none, or making it panics.
fn made(make: impl FnOnce() -> Option<SemaValue>) -> *mut SemaValue {
    guard(null_mut(), || make().map_or(null_mut(), give))
}

#[unsafe(no_mangle)]
extern "C" fn sema_nil() -> *mut SemaValue {
    made(|| Some(Data::Nil.into()))
}

#[unsafe(no_mangle)]
extern "C" fn sema_bool(value: bool) -> *mut SemaValue {
    made(|| Some(Data::Bool(value).into()))
}

#[unsafe(no_mangle)]
extern "C" fn sema_int(value: i64) -> *mut SemaValue {
    made(|| Some(Data::Int(value).into()))
}

#[unsafe(no_mangle)]
extern "C" fn sema_float(value: f64) -> *mut SemaValue {
    made(|| Some(Data::Float(value).into()))
}

#[unsafe(no_mangle)]
extern "C" fn sema_char(code_point: u32) -> *mut SemaValue {
    made(|| Some(Data::Char(char::from_u32(code_point)?).into()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_text(kind: c_uint, text: *const c_char, length: usize) -> *mut SemaValue {
    // SAFETY: by the rules of sema.h it is null or valid for so many bytes.
    let bytes = unsafe { slice(text.cast::<u8>(), length) };
    made(|| {
        let textual = [kind::STRING, kind::KEYWORD, kind::SYMBOL, kind::BIGINT].contains(&kind);
        let text = std::str::from_utf8(bytes?).ok().filter(|_| textual)?;
        Some(SemaValue::with_text(kind, text.as_bytes().to_owned()))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_string(text: *const c_char) -> *mut SemaValue {
    // SAFETY: by the rules of sema.h it is null or a C string.
    let text = unsafe { name(text) };
    made(|| Some(Data::from(text?).into()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_bytes(bytes: *const u8, length: usize) -> *mut SemaValue {
    // SAFETY: by the rules of sema.h it is null or valid for so many bytes.
    let bytes = unsafe { slice(bytes, length) };
    made(|| Some(Data::from(bytes?).into()))
}

/// Copies of the values behind pointers; `None` if one is null.
///
/// # Safety
/// `items` is null or valid for `count` pointers, each null or valid.
pub(super) unsafe fn copies(
    items: *const *const SemaValue,
    count: usize,
) -> Option<Vec<SemaValue>> {
    // SAFETY: the caller's promise.
    let items = unsafe { slice(items, count) }?;
    // SAFETY: the caller's promise.
    let items = items.iter().map(|item| unsafe { get(*item) }.cloned());
    items.collect()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_items(
    kind: c_uint,
    items: *const *const SemaValue,
    count: usize,
) -> *mut SemaValue {
    made(|| {
        // SAFETY: by the rules of sema.h it is null or valid for so many pointers, each null or valid.
        let items = unsafe { copies(items, count) }?;
        let fits = match kind {
            kind::LIST | kind::VECTOR => true,
            kind::MAP => items.len() % 2 == 0,
            _ => false,
        };
        let value = SemaValue::with_items(kind, items);
        (fits && value.depth <= MOST_DEPTH).then_some(value)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_value_copy(value: *const SemaValue) -> *mut SemaValue {
    // SAFETY: by the rules of sema.h it is null or valid.
    let value = unsafe { get(value) };
    made(|| value.cloned())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_value_free(value: *mut SemaValue) {
    // SAFETY: by the rules of sema.h it is null or the caller's, and not used any more.
    unsafe { free(value) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_type_of(value: *const SemaValue) -> c_uint {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { get(value) }.map_or(kind::NIL, |value| value.kind)
}

/// The value that is not text, bytes or items; nil for those, and for null.
///
/// # Safety
/// The pointer is null, or valid as long as the result is used.
unsafe fn plain<'a>(value: *const SemaValue) -> &'a Data {
    // SAFETY: the caller's promise.
    unsafe { get(value) }.map_or(&Data::Nil, |value| &value.plain)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_as_bool(value: *const SemaValue) -> bool {
    // SAFETY: by the rules of sema.h it is null or valid.
    matches!(unsafe { plain(value) }, Data::Bool(true))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_as_int(value: *const SemaValue) -> i64 {
    // SAFETY: by the rules of sema.h it is null or valid.
    match unsafe { plain(value) } {
        Data::Int(value) => *value,
        _ => 0,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_as_float(value: *const SemaValue) -> f64 {
    // SAFETY: by the rules of sema.h it is null or valid.
    match unsafe { plain(value) } {
        Data::Float(value) => *value,
        _ => 0.0,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_as_char(value: *const SemaValue) -> u32 {
    // SAFETY: by the rules of sema.h it is null or valid.
    match unsafe { plain(value) } {
        Data::Char(value) => (*value).into(),
        _ => 0,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_as_text(value: *const SemaValue, length: *mut usize) -> *const c_char {
    // SAFETY: by the rules of sema.h it is null or valid.
    let value = unsafe { get(value) }.filter(|value| !value.text.is_empty());
    if !length.is_null() {
        // SAFETY: by the rules of sema.h it is null or valid for writing.
        unsafe { length.write(value.map_or(0, |value| value.bytes().len())) };
    }
    value.map_or(null(), |value| value.text.as_ptr().cast())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_count(value: *const SemaValue) -> usize {
    // SAFETY: by the rules of sema.h it is null or valid.
    unsafe { get(value) }.map_or(0, |value| value.items.len())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_item(value: *const SemaValue, index: usize) -> *const SemaValue {
    // SAFETY: by the rules of sema.h it is null or valid.
    let item = unsafe { get(value) }.and_then(|value| value.items.get(index));
    item.map_or(null(), std::ptr::from_ref)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sema_get(map: *const SemaValue, keyword: *const c_char) -> *const SemaValue {
    // SAFETY: by the rules of sema.h they are null or valid.
    let (map, keyword) = unsafe { (get(map), name(keyword)) };
    let (Some(map), Some(keyword)) = (map.filter(|map| map.kind == kind::MAP), keyword) else {
        return null();
    };
    let (entries, _) = map.items.as_chunks();
    let wanted =
        |[key, _]: &&[SemaValue; 2]| key.kind == kind::KEYWORD && key.bytes() == keyword.as_bytes();
    let found = entries.iter().rev().find(wanted);
    found.map_or(null(), |[_, value]| std::ptr::from_ref(value))
}
