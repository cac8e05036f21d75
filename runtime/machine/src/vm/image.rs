//! Where the content of a loaded module lies: in the compiler's memory, or in a file that is used in
//! place.

use std::sync::Arc;

use sema_format::model::{Handler, Import};
use sema_format::verify::verify_with;
use sema_format::{
    AlignedBytes, Debug, FormatError, FunctionEntry, Module, ModuleView, VerifyError,
};
use sema_vfs::SharedBytes;

use super::load_error::LoadError;
use crate::host::native::Native;

/// A module that is to be loaded.
pub struct ModuleImage(Image);

pub(super) enum Image {
    /// Made by the compiler in this process.
    Owned(Box<Module>),
    /// A module file.
    File(Box<FileImage>),
}

/// A module file in memory that stays where it is.
pub(super) struct FileImage {
    /// Borrows from `bytes`, see [`FileImage::parse`]; [`FileImage::view`] gives it out with the
    /// right lifetime.
    view: ModuleView<'static>,
    /// Nobody has proved yet that the code is well formed.
    foreign: bool,
    /// Keeps what `view` borrows.
    _bytes: Bytes,
}

enum Bytes {
    /// Part of an open archive.
    Archive(SharedBytes),
    /// A file of its own, read into memory.
    Memory(Arc<AlignedBytes>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Archive(bytes) => bytes,
            Bytes::Memory(bytes) => bytes.as_bytes(),
        }
    }
}

impl From<Module> for ModuleImage {
    fn from(module: Module) -> ModuleImage {
        ModuleImage(Image::Owned(Box::new(module)))
    }
}

impl ModuleImage {
    /// The names of the natives that the module needs.
    ///
    /// # Errors
    /// [`LoadError::Format`]
    pub fn native_names(&self) -> Result<Vec<&str>, LoadError> {
        let damaged = |error| LoadError::format(self.0.name().unwrap_or_default(), error);
        self.0.native_names().map_err(damaged)
    }

    /// A module of the running program's own archive, used in place. `bytes` come checked from the
    /// archive; that the compiler of this release wrote them is taken for granted, like the code of
    /// the runtime that they are appended to.
    ///
    /// # Errors
    /// [`LoadError::Format`]; `name` is for its message.
    pub fn embedded(name: &str, bytes: SharedBytes) -> Result<ModuleImage, LoadError> {
        FileImage::parse(name, Bytes::Archive(bytes), false)
    }

    /// A module of an archive that came from elsewhere, used in place: loading verifies it. The archive
    /// must be one in memory, or its file must not change.
    ///
    /// # Errors
    /// [`LoadError::Format`]; `name` is for its message.
    pub fn foreign(name: &str, bytes: SharedBytes) -> Result<ModuleImage, LoadError> {
        FileImage::parse(name, Bytes::Archive(bytes), true)
    }

    /// A module file that was read into memory: loading verifies it.
    ///
    /// # Errors
    /// [`LoadError::Format`]; `name` is for its message.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<ModuleImage, LoadError> {
        ModuleImage::from_shared(name, Arc::new(AlignedBytes::copy_of(bytes)))
    }

    /// The same for bytes that several machines may share.
    ///
    /// # Errors
    /// [`LoadError::Format`]; `name` is for its message.
    pub fn from_shared(name: &str, bytes: Arc<AlignedBytes>) -> Result<ModuleImage, LoadError> {
        FileImage::parse(name, Bytes::Memory(bytes), true)
    }

    pub(super) fn into_inner(self) -> Image {
        self.0
    }
}

impl FileImage {
    fn parse(name: &str, bytes: Bytes, foreign: bool) -> Result<ModuleImage, LoadError> {
        let refused = |error| LoadError::format(name, error);
        let view = ModuleView::parse(bytes.as_slice()).map_err(refused)?;
        // The archive has checked the bytes of its own modules when it gave them out.
        if foreign {
            view.check_content().map_err(refused)?;
        }
        // SAFETY: only the lifetime changes. The bytes lie in a mapping or in heap memory that `bytes`
        // holds by reference count: moving `bytes` does not move them, they are never written, and
        // they stay until `bytes` is dropped. The view is stored beside `bytes`, and what is borrowed
        // from it is given out for the lifetime of the borrow of the `FileImage` only.
        let view = unsafe { std::mem::transmute::<ModuleView<'_>, ModuleView<'static>>(view) };
        Ok(ModuleImage(Image::File(Box::new(FileImage {
            view,
            foreign,
            _bytes: bytes,
        }))))
    }

    pub(super) fn view(&self) -> &ModuleView<'_> {
        &self.view
    }

    /// Proves what running the code relies on, unless that is known. `natives` are those that the
    /// module names, by index.
    pub(super) fn verify(&self, natives: &[&Native]) -> Result<(), Box<VerifyError>> {
        if !self.foreign {
            return Ok(());
        }
        let accepts = |index: u32, count: u32| {
            natives
                .get(index as usize)
                .is_some_and(|native| native.arity.accepts(count as usize))
        };
        verify_with(self.view(), accepts).map_err(Box::new)
    }

    fn entry(&self, function: u32) -> Option<FunctionEntry> {
        // The loader read all entries, so there is no error left to meet here.
        self.view().function(function).ok()
    }
}

/// What the loader needs of a function.
pub(super) struct FunctionParts<'a> {
    pub code: &'a [u32],
    pub registers: u32,
    pub required: u16,
    pub parameters: u16,
    pub rest: bool,
    /// Whether it catches anything.
    pub has_handlers: bool,
}

/// What the allocator adds to each piece of memory, about.
const BYTES_OF_PIECE: usize = 16;

/// What a vector takes outside of itself.
fn bytes_of<T>(items: &Vec<T>) -> usize {
    match items.capacity() {
        0 => 0,
        capacity => capacity * size_of::<T>() + BYTES_OF_PIECE,
    }
}

impl Image {
    /// Forgets what a loaded module that shares its globals with others does not need: its constants have become values, and
    /// the globals have their names in the namespace.
    pub(super) fn forget_what_is_known(&mut self) {
        if let Image::Owned(module) = self {
            module.constants = Vec::new();
            module.globals = Vec::new();
            module.natives = Vec::new();
            for function in &mut module.functions {
                function.locals = Vec::new();
                function.code.shrink_to_fit();
                function.lines.shrink_to_fit();
            }
        }
    }

    /// Bytes that it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let Image::Owned(module) = self else {
            return size_of::<FileImage>();
        };
        let text = |text: &String| text.capacity() + BYTES_OF_PIECE;
        let functions = module.functions.iter().map(|function| {
            bytes_of(&function.code)
                + bytes_of(&function.handlers)
                + bytes_of(&function.lines)
                + bytes_of(&function.inlined)
                + function.name.as_ref().map_or(0, text)
        });
        size_of::<Module>()
            + bytes_of(&module.functions)
            + functions.sum::<usize>()
            + bytes_of(&module.files)
            + module.files.iter().map(text).sum::<usize>()
            + text(&module.name)
    }

    pub(super) fn name(&self) -> Result<&str, FormatError> {
        match self {
            Image::Owned(module) => Ok(&module.name),
            Image::File(file) => file.view().name(),
        }
    }

    pub(super) fn native_names(&self) -> Result<Vec<&str>, FormatError> {
        match self {
            Image::Owned(module) => Ok(module.natives.iter().map(String::as_str).collect()),
            Image::File(file) => file.view().natives().collect(),
        }
    }

    pub(super) fn global_count(&self) -> usize {
        match self {
            Image::Owned(module) => module.globals.len(),
            Image::File(file) => file.view().global_count() as usize,
        }
    }

    pub(super) fn global_name(&self, index: usize) -> Option<&str> {
        match self {
            Image::Owned(module) => module.globals.get(index).map(String::as_str),
            Image::File(file) => file.view().global_name(u32::try_from(index).ok()?).ok(),
        }
    }

    pub(super) fn function_count(&self) -> usize {
        match self {
            Image::Owned(module) => module.functions.len(),
            Image::File(file) => file.view().function_count() as usize,
        }
    }

    pub(super) fn function(&self, index: usize) -> Result<Option<FunctionParts<'_>>, FormatError> {
        match self {
            Image::Owned(module) => Ok(module.functions.get(index).map(|function| FunctionParts {
                code: &function.code,
                registers: function.registers,
                required: function.required,
                parameters: function.parameters,
                rest: function.rest,
                has_handlers: !function.handlers.is_empty(),
            })),
            Image::File(file) => {
                let entry = file.view().function(index as u32)?;
                Ok(Some(FunctionParts {
                    code: file.view().function_code(&entry)?,
                    registers: entry.registers,
                    required: entry.required,
                    parameters: entry.parameters,
                    rest: entry.rest,
                    has_handlers: file.view().handlers(&entry)?.next().is_some(),
                }))
            }
        }
    }

    pub(super) fn function_name(&self, index: u32) -> Option<&str> {
        match self {
            Image::Owned(module) => module.functions.get(index as usize)?.name.as_deref(),
            Image::File(file) => file.view().function_name(&file.entry(index)?).ok()?,
        }
    }

    pub(super) fn is_library(&self, function: u32) -> bool {
        match self {
            Image::Owned(module) => module
                .functions
                .get(function as usize)
                .is_some_and(|function| function.library),
            Image::File(file) => file.entry(function).is_some_and(|entry| entry.library),
        }
    }

    /// The first handler of a function that covers word `at`.
    pub(super) fn handler(&self, function: u32, at: u32) -> Option<Handler> {
        let covers = |handler: &Handler| handler.start <= at && at < handler.end;
        match self {
            Image::Owned(module) => {
                let handlers = &module.functions.get(function as usize)?.handlers;
                handlers.iter().find(|handler| covers(handler)).copied()
            }
            Image::File(file) => {
                let mut handlers = file.view().handlers(&file.entry(function)?).ok()?;
                handlers.find(covers)
            }
        }
    }

    pub(super) fn imports(&self) -> Result<Vec<Import>, FormatError> {
        match self {
            Image::Owned(module) => Ok(module.imports.clone()),
            Image::File(file) => {
                let imports = file.view().imports()?;
                Ok(imports.iter().map(Import::to_owned_strings).collect())
            }
        }
    }

    /// Names and functions of the modules that are parts of this one.
    pub(super) fn parts(&self) -> Result<Vec<(&str, u32)>, FormatError> {
        match self {
            Image::Owned(module) => Ok(module
                .parts
                .iter()
                .map(|part| (part.name.as_str(), part.function))
                .collect()),
            Image::File(file) => file.view().parts().collect(),
        }
    }

    /// Names and globals of the exports, sorted by name; of several with one name the first comes
    /// first.
    pub(super) fn exports(&self) -> Result<Vec<(Box<str>, u32)>, FormatError> {
        let mut exports: Vec<(Box<str>, u32)> = match self {
            Image::Owned(module) => module
                .exports
                .iter()
                .map(|export| (export.name.as_str().into(), export.global))
                .collect(),
            Image::File(file) => file
                .view()
                .exports()?
                .iter()
                .map(|export| (export.name.into(), export.global))
                .collect(),
        };
        exports.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(exports)
    }

    /// The decoded debug information of a file. Damaged debug information counts as missing: it is asked
    /// for when an error is being reported, and that error is what the user must see.
    pub(super) fn debug(&self) -> Option<Debug> {
        match self {
            Image::Owned(_) => None,
            Image::File(file) => file.view().debug().ok().flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use sema_format::isa::Instruction;
    use sema_format::model::{Constant, Export, ExportKind, Function, LineEntry};
    use sema_format::{WriteOptions, write};
    use sema_vfs::{Archive, ArchiveBuilder, EntryKind, VfsPath};

    use super::super::module::LoadedModule;
    use super::*;
    use crate::host::Host;
    use crate::host::native::{Native, exactly, native};
    use crate::host::natives::Natives;
    use crate::host::output::Output;
    use crate::natives_of;

    fn sample() -> Module {
        let code = [
            Instruction::LoadConst { a: 0, bx: 0 },
            Instruction::DefineGlobal { a: 0, x: 1 },
            Instruction::Throw { a: 0 },
            Instruction::Return { a: 0 },
        ];
        let code: Vec<u32> = code
            .into_iter()
            .flat_map(|instruction| {
                let (first, second) = instruction.encode();
                [Some(first), second].into_iter().flatten()
            })
            .collect();
        let export = |name: &str, global| Export {
            name: name.to_owned(),
            kind: ExportKind::Value,
            arity: None,
            doc: None,
            line: 1,
            column: 1,
            global,
        };
        Module {
            name: "sample.semac".to_owned(),
            constants: vec![
                Constant::Str("text".to_owned()),
                Constant::Keyword("key".to_owned()),
                Constant::Map(vec![(1, 0)]),
                Constant::BigInt {
                    negative: true,
                    magnitude: vec![0, 0, 0, 0, 0, 0, 0, 0, 1],
                },
                Constant::F64Array(vec![1.5f64.to_bits()]),
            ],
            globals: vec!["a".to_owned(), "b".to_owned()],
            exports: vec![export("second", 1), export("first", 0)],
            files: vec!["sample.sema".to_owned()],
            functions: vec![Function {
                name: Some("main".to_owned()),
                registers: 2,
                handlers: vec![Handler {
                    start: 1,
                    end: 3,
                    target: 4,
                    register: 1,
                }],
                lines: vec![LineEntry {
                    pc: 1,
                    file: 0,
                    line: 7,
                    column: 2,
                    context: 0,
                }],
                code,
                ..Function::default()
            }],
            ..Module::default()
        }
    }

    fn embedded(file: Vec<u8>) -> Result<ModuleImage, LoadError> {
        let mut builder = ArchiveBuilder::new();
        let path = VfsPath::new("sample.semac").unwrap();
        builder.add_bytes(EntryKind::Module, path, file).unwrap();
        let archive = Archive::from_bytes(builder.to_bytes().unwrap()).unwrap();
        let entry = archive.find(EntryKind::Module, "sample.semac").unwrap();
        ModuleImage::embedded("sample.semac", entry.shared().unwrap())
        // The image keeps the archive.
    }

    #[test]
    fn all_kinds_of_images_load_alike() {
        let file = write(&sample(), &WriteOptions::default()).unwrap();
        let images = [
            ModuleImage::from(sample()),
            embedded(file.clone()).unwrap(),
            ModuleImage::from_bytes("sample.semac", &file).unwrap(),
        ];
        for image in images {
            let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
            let module = LoadedModule::load(&host, "key".to_owned(), image, None).unwrap();
            assert_eq!(module.name, "sample.semac");
            assert_eq!(module.functions.len(), 1);
            assert_eq!(module.functions[0].registers, 2);
            assert_eq!(module.function_name(0), Some("main"));
            assert_eq!(module.function_name(1), None);
            assert!(!module.is_library(0));
            let position = |pc| {
                let mut found = None;
                module.frames(0, pc, false, &mut |frame| {
                    found = frame
                        .location
                        .map(|l| (l.file.to_owned(), l.line, l.column));
                });
                found
            };
            assert_eq!(position(0), None);
            assert_eq!(position(2), Some(("sample.sema".to_owned(), 7, 2)));
            assert_eq!(module.handler(0, 0), None);
            assert_eq!(module.handler(0, 2).map(|handler| handler.target), Some(4));
            assert_eq!(module.handler(0, 3), None);
            assert_eq!(module.export("first"), Some(0));
            assert_eq!(module.export("second"), Some(1));
            assert_eq!(module.export("third"), None);
            assert_eq!(module.global_name(1), Some("b"));
            assert_eq!(module.global_index("b"), Some(1));
            assert_eq!(module.global_index("c"), None);
            assert!(module.import(0).is_none());
            // SAFETY: the function has one instruction at least.
            assert_eq!(unsafe { *module.functions[0].code } as u8, 1);
        }
    }

    #[test]
    fn files_run_in_place() {
        let file = write(&sample(), &WriteOptions::default()).unwrap();
        let image = embedded(file).unwrap();
        let Image::File(parsed) = &image.0 else {
            panic!("not a file");
        };
        let bytes = parsed._bytes.as_slice().as_ptr_range();
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let module = LoadedModule::load(&host, "key".to_owned(), image, None).unwrap();
        assert!(bytes.contains(&module.functions[0].code.cast()));
    }

    #[test]
    fn foreign_code_is_verified() {
        let mut invalid = sample();
        invalid.functions[0].registers = 0;
        let file = write(&invalid, &WriteOptions::default()).unwrap();
        let image = ModuleImage::from_bytes("sample.semac", &file).unwrap();
        let host = Host::new(Output::memory(), &crate::host::natives::Natives::NONE);
        let refused = LoadedModule::load(&host, "key".to_owned(), image, None);
        assert!(matches!(refused, Err(LoadError::Invalid { .. })));
    }

    #[test]
    fn arities_of_natives_are_verified() {
        let mut module = sample();
        module.natives = vec!["one".to_owned()];
        let code = [
            Instruction::CallNative {
                a: 0,
                b: 0,
                c: 2,
                x: 0,
            },
            Instruction::Return { a: 0 },
        ];
        module.functions[0].handlers.clear();
        module.functions[0].code = code
            .into_iter()
            .flat_map(|instruction| {
                let (first, second) = instruction.encode();
                [Some(first), second].into_iter().flatten()
            })
            .collect();
        let file = write(&module, &WriteOptions::default()).unwrap();
        let image = ModuleImage::from_bytes("sample.semac", &file).unwrap();
        static ONE: &[&[Native]] = &[&[native("one", exactly(1), |_, args| Ok(args[0]))]];
        static NATIVES: Natives = natives_of!(ONE);
        let host = Host::new(Output::memory(), &NATIVES);
        let refused = LoadedModule::load(&host, "key".to_owned(), image, None);
        assert!(matches!(refused, Err(LoadError::Invalid { .. })));
    }

    #[test]
    fn damaged_files_are_refused() {
        let file = write(&sample(), &WriteOptions::default()).unwrap();
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x40;
            let image = ModuleImage::from_bytes("sample.semac", &damaged);
            assert!(matches!(image, Err(LoadError::Format { .. })), "byte {at}");
        }
    }
}
