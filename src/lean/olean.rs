//! What an `.olean` file says about itself: the Lean that wrote it and the modules it imports. Never
//! opens a file and never reads a declaration.
//!
//! The file is an image of Lean's objects (`olean_header` in library/module.cpp, `object_compactor`
//! in runtime/compact.cpp, object layouts in include/lean/lean.h), so its shape depends on the
//! machine that wrote it: pointers have 4 or 8 bytes, and the header comes in two versions. Nothing
//! here trusts it: every place and length is checked, and what is read is bounded.

#[cfg(test)]
#[path = "../../tests/olean_file.rs"]
pub(crate) mod olean_file;

use std::fmt;

use crate::lean::module_name::ModuleName;

/// Most bytes that are read to learn the imports of one file.
const MAX_READ_BYTES: u64 = 16 * 1024 * 1024;

/// Longest part of a module's name that is taken.
const MAX_PART_BYTES: u64 = 1024;

/// Most parts of a module's name that are taken.
const MAX_PARTS: usize = 256;

/// Length of the header before the address, by its version.
const HEADER_BYTES: [(u8, u64); 2] = [(1, 48), (2, 80)];

/// Where the version of Lean stands in a header of version 2.
const LEAN_VERSION: (u64, usize) = (7, 33);

/// Size of what every object begins with.
const OBJECT_HEADER_BYTES: u64 = 8;

/// The tags of objects that are no constructors (`LeanArray`, `LeanString`).
const ARRAY: u8 = 246;
const STRING: u8 = 249;

/// The pointer that stands for `Name.anonymous`: the constructor 0 without fields.
const ANONYMOUS: u64 = 1;

/// The bytes of a file, wherever they are.
pub trait Contents {
    /// How many there are.
    fn length(&self) -> u64;

    /// Copies those from `at` on; says whether there were enough.
    fn read(&self, at: u64, into: &mut [u8]) -> bool;
}

impl Contents for [u8] {
    fn length(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn read(&self, at: u64, into: &mut [u8]) -> bool {
        let bytes = usize::try_from(at)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(into.len())?));
        match bytes {
            Some(bytes) => into.copy_from_slice(bytes),
            None => return false,
        }
        true
    }
}

/// What a file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Olean {
    /// The Lean that wrote it, such as `4.28.0`; older ones did not say.
    pub lean_version: Option<String>,
    /// The modules it imports, in their order.
    pub imports: Vec<Import>,
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module.
    pub module: ModuleName,
    /// How it is imported, if the file comes from a Lean with modules.
    pub flags: Option<Flags>,
}

/// How a module is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// Private declarations too.
    pub all: bool,
    /// For the importers of the importing module too.
    pub exported: bool,
    /// For code that runs at compile time.
    pub meta: bool,
}

/// Why a file tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not begin as such a file does, or ends before its header does.
    NoOlean,
    /// Its header is of a version that is not known here.
    Version(u8),
    /// Its objects are not those of a module: cut short, damaged, or a pickle.
    NoModule,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOlean => f.write_str("it is no `.olean` file"),
            Self::Version(version) => write!(f, "its header is of the unknown version {version}"),
            Self::NoModule => f.write_str("it holds no module, or is cut short"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads what a file says about itself.
///
/// # Errors
/// A file that is none, is damaged, or holds something else than a module.
pub fn read(contents: &(impl Contents + ?Sized)) -> Result<Olean, Unreadable> {
    let mut start = [0; 6];
    if !contents.read(0, &mut start) {
        return Err(Unreadable::NoOlean);
    }
    let [magic @ .., version] = start;
    if &magic != b"olean" {
        return Err(Unreadable::NoOlean);
    }
    let header_bytes = HEADER_BYTES
        .iter()
        .find_map(|(known, bytes)| (*known == version).then_some(*bytes))
        .ok_or(Unreadable::Version(version))?;
    let lean_version = (version == 2).then(|| lean_version(contents)).flatten();
    // Nothing says how long a pointer is, and only the right guess leads to a module.
    [8, 4]
        .into_iter()
        .find_map(|word| Image::new(contents, word, header_bytes)?.imports())
        .map(|imports| Olean {
            lean_version,
            imports,
        })
        .ok_or(Unreadable::NoModule)
}

/// The version of Lean in the header.
fn lean_version(contents: &(impl Contents + ?Sized)) -> Option<String> {
    let (at, length) = LEAN_VERSION;
    let mut text = vec![0; length];
    if !contents.read(at, &mut text) {
        return None;
    }
    let text = text.split(|byte| *byte == 0).next()?;
    let is_plain = !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
    is_plain
        .then(|| String::from_utf8(text.to_vec()).ok())
        .flatten()
}

/// The objects of a file, for one guess of the length of a word.
struct Image<'a, C: ?Sized> {
    /// The file.
    contents: &'a C,
    /// Bytes of a word.
    word: u64,
    /// Where the objects begin in the file.
    first: u64,
    /// The address of the file's first byte.
    base: u64,
    /// How much may still be read.
    left: u64,
}

/// What every object begins with.
struct Object {
    /// Where it begins in the file.
    at: u64,
    /// Its size, for small objects.
    size: u64,
    /// How many pointers a constructor holds.
    fields: u64,
    /// Which constructor or kind.
    tag: u8,
}

impl<'a, C: Contents + ?Sized> Image<'a, C> {
    /// The objects behind a header of that length.
    fn new(contents: &'a C, word: u64, header_bytes: u64) -> Option<Self> {
        let mut image = Self {
            contents,
            word,
            first: header_bytes + word,
            base: 0,
            left: MAX_READ_BYTES,
        };
        image.base = image.number(header_bytes)?;
        Some(image)
    }

    /// The imports of the module. The way to it stands first; in older files (v4.9) last.
    fn imports(&mut self) -> Option<Vec<Import>> {
        let last = self.contents.length().checked_sub(self.word)?;
        [self.first, last].into_iter().find_map(|at| {
            let root = self.number(at)?;
            self.module(root)
        })
    }

    /// The imports of a `ModuleData`: its first pointer.
    fn module(&mut self, pointer: u64) -> Option<Vec<Import>> {
        let module = self.object(pointer)?;
        if module.tag != 0 || module.fields < 5 {
            return None;
        }
        // `isModule` is its only field that is no pointer, and came with the flags of imports.
        let has_flags = module.size > OBJECT_HEADER_BYTES + module.fields * self.word;
        let array = self.field(&module, 0)?;
        let array = self.object(array)?;
        if array.tag != ARRAY {
            return None;
        }
        let count = self.field(&array, 0)?;
        let mut imports = Vec::new();
        for index in 0..count {
            let import = self.field(&array, index.checked_add(2)?)?;
            imports.push(self.import(import, has_flags)?);
        }
        Some(imports)
    }

    /// One `Import`: a name and, behind it, its flags.
    fn import(&mut self, pointer: u64, has_flags: bool) -> Option<Import> {
        let import = self.object(pointer)?;
        if import.tag != 0 || import.fields != 1 {
            return None;
        }
        let name = self.field(&import, 0)?;
        let module = self.name(name)?;
        let flags = if has_flags {
            let mut flags = [0; 3];
            self.copy(import.at + OBJECT_HEADER_BYTES + self.word, &mut flags)?;
            // In the order of their declaration; anything else than 0 and 1 is no flag.
            let [all, exported, meta] = flags;
            flags.iter().all(|flag| *flag < 2).then_some(Flags {
                all: all == 1,
                exported: exported == 1,
                meta: meta == 1,
            })
        } else {
            None
        };
        Some(Import { module, flags })
    }

    /// A `Name`, from its last part to its first.
    fn name(&mut self, pointer: u64) -> Option<ModuleName> {
        let mut parts = Vec::new();
        let mut pointer = pointer;
        while pointer != ANONYMOUS {
            let name = self.object(pointer)?;
            // `Name.str`; a part that is a number names no file.
            if name.tag != 1 || name.fields != 2 || parts.len() == MAX_PARTS {
                return None;
            }
            let text = self.field(&name, 1)?;
            parts.push(self.string(text)?);
            pointer = self.field(&name, 0)?;
        }
        parts.reverse();
        ModuleName::new(parts)
    }

    /// A `String`, which ends in a NUL.
    fn string(&mut self, pointer: u64) -> Option<String> {
        let string = self.object(pointer)?;
        let length = self.field(&string, 0)?.checked_sub(1)?;
        if string.tag != STRING || length > MAX_PART_BYTES {
            return None;
        }
        let mut text = vec![0; usize::try_from(length).ok()?];
        self.copy(string.at + OBJECT_HEADER_BYTES + 3 * self.word, &mut text)?;
        String::from_utf8(text).ok()
    }

    /// The object at that address.
    fn object(&mut self, pointer: u64) -> Option<Object> {
        let at = pointer.checked_sub(self.base)?;
        // An odd address is a small number, not an object.
        if pointer % 2 == 1 || at < self.first {
            return None;
        }
        let mut header = [0; 8];
        self.copy(at, &mut header)?;
        let [_, _, _, _, low, high, fields, tag] = header;
        Some(Object {
            at,
            size: u64::from(u16::from_le_bytes([low, high])),
            fields: u64::from(fields),
            tag,
        })
    }

    /// A word behind the header of an object.
    fn field(&mut self, object: &Object, index: u64) -> Option<u64> {
        let distance = index.checked_mul(self.word)?;
        self.number(
            object
                .at
                .checked_add(OBJECT_HEADER_BYTES)?
                .checked_add(distance)?,
        )
    }

    /// The word at that place of the file.
    fn number(&mut self, at: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        let length = usize::try_from(self.word).ok()?;
        self.copy(at, bytes.get_mut(..length)?)?;
        Some(u64::from_le_bytes(bytes))
    }

    /// Copies bytes of the file, within what may be read.
    fn copy(&mut self, at: u64, into: &mut [u8]) -> Option<()> {
        let length = u64::try_from(into.len()).ok()?;
        self.left = self.left.checked_sub(length)?;
        self.contents.read(at, into).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::olean_file::OleanFile;
    use super::*;
    use proptest::prelude::*;

    /// The imports of the test files.
    const NAMES: [&str; 3] = ["Init", "Mathlib.Data.Nat.Basic", "Überbau.α"];

    /// Every shape that such a file comes in.
    fn shapes() -> impl Iterator<Item = OleanFile> {
        (0..16_u8).map(|bits| OleanFile {
            word: if bits & 1 == 0 { 8 } else { 4 },
            header: if bits & 2 == 0 { 2 } else { 1 },
            root_last: bits & 4 != 0,
            flags: bits & 8 == 0,
            imports: NAMES.map(str::to_owned).into(),
            filling: 100,
            ..OleanFile::default()
        })
    }

    /// The names of the imports in a file.
    fn names(bytes: &[u8]) -> Result<Vec<String>, Unreadable> {
        let name = |import: &Import| import.module.to_string();
        read(bytes).map(|olean| olean.imports.iter().map(name).collect())
    }

    #[test]
    fn the_imports_are_read_in_every_shape_of_the_file() {
        for file in shapes() {
            let bytes = file.bytes();
            assert_eq!(names(&bytes).unwrap(), NAMES, "{file:?}");
            let olean = read(&*bytes).unwrap();
            let version = (file.header == 2).then_some("4.28.0");
            assert_eq!(olean.lean_version.as_deref(), version);
            let exported = Flags {
                all: false,
                exported: true,
                meta: false,
            };
            let flags = olean.imports.first().unwrap().flags;
            assert_eq!(flags, file.flags.then_some(exported), "{file:?}");
        }
    }

    #[test]
    fn a_file_without_imports_has_none() {
        let file = OleanFile::default().bytes();
        assert_eq!(names(&file).unwrap(), [""; 0]);
    }

    #[test]
    fn another_file_a_later_version_and_a_short_file_are_told_apart() {
        assert_eq!(names(b"").unwrap_err(), Unreadable::NoOlean);
        assert_eq!(names(b"\x7fELF....").unwrap_err(), Unreadable::NoOlean);
        assert_eq!(names(b"olean\x09").unwrap_err(), Unreadable::Version(9));
        let file = OleanFile {
            imports: vec!["Init".to_owned()],
            ..OleanFile::default()
        };
        let bytes = file.bytes();
        let (start, _) = bytes.split_at(bytes.len() / 2);
        assert_eq!(names(start).unwrap_err(), Unreadable::NoModule);
    }

    #[test]
    fn a_file_with_more_imports_than_may_be_read_is_given_up() {
        let bytes = OleanFile {
            imports: vec!["A".to_owned(); 300_000],
            ..OleanFile::default()
        }
        .bytes();
        assert_eq!(names(&bytes).unwrap_err(), Unreadable::NoModule);
    }

    proptest! {
        #[test]
        fn damage_never_panics(shape in 0..16_usize, cut in 0..2000_usize, at in 0..2000_usize, byte: u8) {
            let mut bytes = shapes().nth(shape).unwrap().bytes();
            bytes.truncate(cut);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = read(&*bytes);
        }

        #[test]
        fn noise_never_panics(version in 1..3_u8, noise: Vec<u8>) {
            let mut bytes = b"olean".to_vec();
            bytes.push(version);
            bytes.resize(80, 0);
            bytes.extend(noise);
            let _ = read(&*bytes);
        }
    }
}
