//! What a program of Linux needs of the system it runs on: its processor, the shared libraries and the
//! version of the C library. Reads the dynamic section of an ELF file of 64 bits; pure.

use std::collections::BTreeMap;

/// Type of a program header that names the loader: only a program that needs shared libraries has one.
const INTERPRETER: u32 = 3;
/// Type of a program header that is loaded into memory.
const LOAD: u32 = 1;
/// Type of the program header of the dynamic section.
const DYNAMIC: u32 = 2;

/// Tag of an entry of the dynamic section that names a shared library.
const NEEDED: u64 = 1;
/// Tag of the address of the names.
const NAMES: u64 = 5;
/// Tag of their length.
const NAMES_BYTES: u64 = 10;

/// What a program needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The processor, as Docker names it; none if it is another one than those that Docker knows here.
    pub(crate) architecture: Option<&'static str>,
    /// Whether it brings all libraries with it.
    pub(crate) is_static: bool,
    /// The shared libraries that it loads by name.
    pub(crate) libraries: Vec<String>,
    /// The least version of glibc that has all it calls, such as (2, 34).
    pub(crate) glibc: Option<(u32, u32)>,
}

/// What the program in these bytes needs; none if they are no such program.
pub(crate) fn needs(file: &[u8]) -> Option<Needs> {
    if file.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let architecture = match half(file, 18)? {
        62 => Some("amd64"),
        183 => Some("arm64"),
        _ => None,
    };
    let headers = headers(file)?;
    let dynamic = headers.get(&DYNAMIC).and_then(|all| all.first());
    let names = dynamic.and_then(|dynamic| names(file, dynamic, headers.get(&LOAD)?));
    let mut libraries = Vec::new();
    let mut glibc = None;
    if let (Some(dynamic), Some(names)) = (dynamic, names) {
        let needed = entries(file, dynamic).filter(|(tag, _)| *tag == NEEDED);
        libraries.extend(needed.filter_map(|(_, at)| text(names, at)));
        // The names of versions stand among all others.
        let versions = names.split(|byte| *byte == 0).filter_map(version);
        glibc = versions.max();
    }
    Some(Needs {
        architecture,
        is_static: !headers.contains_key(&INTERPRETER) && libraries.is_empty(),
        libraries,
        glibc,
    })
}

/// A piece of the file that a program header describes.
#[derive(Debug, Clone, Copy)]
struct Piece {
    offset: u64,
    address: u64,
    /// How long it is in the file.
    bytes: u64,
}

/// The program headers by their type.
fn headers(file: &[u8]) -> Option<BTreeMap<u32, Vec<Piece>>> {
    let start = long(file, 32)?;
    let size = u64::from(half(file, 54)?);
    let count = u64::from(half(file, 56)?);
    let mut found: BTreeMap<u32, Vec<Piece>> = BTreeMap::new();
    for index in 0..count {
        let at = usize::try_from(start.checked_add(index * size)?).ok()?;
        let field = |offset: usize| long(file, at.checked_add(offset)?);
        let piece = Piece {
            offset: field(8)?,
            address: field(16)?,
            bytes: field(32)?,
        };
        found.entry(word(file, at)?).or_default().push(piece);
    }
    Some(found)
}

/// The entries of the dynamic section: tag and value.
fn entries<'a>(file: &'a [u8], dynamic: &Piece) -> impl Iterator<Item = (u64, u64)> + 'a {
    let piece = slice(file, dynamic.offset, dynamic.bytes).unwrap_or_default();
    let (entries, _rest) = piece.as_chunks::<16>();
    entries
        .iter()
        .filter_map(|entry| Some((long(entry, 0)?, long(entry, 8)?)))
        .take_while(|(tag, _)| *tag != 0)
}

/// The names that the dynamic section refers to.
fn names<'a>(file: &'a [u8], dynamic: &Piece, loaded: &[Piece]) -> Option<&'a [u8]> {
    let value = |wanted: u64| {
        let mut found = entries(file, dynamic).filter(|(tag, _)| *tag == wanted);
        found.next().map(|(_, value)| value)
    };
    let address = value(NAMES)?;
    let holds = |piece: &&Piece| {
        let into = address.checked_sub(piece.address);
        into.is_some_and(|into| into < piece.bytes)
    };
    let piece = loaded.iter().find(holds)?;
    let offset = piece.offset.checked_add(address - piece.address)?;
    slice(file, offset, value(NAMES_BYTES)?)
}

/// The text that begins there and ends with a zero byte.
fn text(names: &[u8], at: u64) -> Option<String> {
    let rest = names.get(usize::try_from(at).ok()?..)?;
    let name = rest.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// The version in the name of a version of glibc.
fn version(name: &[u8]) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(name).ok()?;
    let mut parts = text.strip_prefix("GLIBC_")?.split('.');
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next()?.parse().ok()?))
}

/// A part of the file.
fn slice(file: &[u8], offset: u64, bytes: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(bytes).ok()?)?;
    file.get(start..end)
}

/// A number of 2 bytes.
fn half(file: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

/// A number of 4 bytes.
fn word(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

/// A number of 8 bytes.
fn long(file: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use proptest::prelude::*;

    /// The beginning of this program.
    static HEAD: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut head = vec![0; 8192];
        let mut file = std::fs::File::open("/proc/self/exe").unwrap();
        std::io::Read::read_exact(&mut file, &mut head).unwrap();
        head
    });

    #[test]
    fn this_program_is_understood() {
        let file = std::fs::read("/proc/self/exe").unwrap();
        let needs = needs(&file).unwrap();
        assert_eq!(needs.architecture.is_some(), cfg!(target_os = "linux"));
        if cfg!(target_env = "gnu") && !cfg!(target_feature = "crt-static") {
            assert!(!needs.is_static);
            assert!(needs.libraries.iter().any(|name| name == "libc.so.6"));
            assert!(needs.glibc.unwrap() >= (2, 2));
        }
    }

    #[test]
    fn what_is_no_program_has_no_needs() {
        for bytes in [
            &b""[..],
            b"#!/bin/sh\n",
            b"\x7fELF\x01\x01",
            b"\x7fELF\x02\x01",
        ] {
            assert_eq!(needs(bytes), None);
        }
        assert_eq!(version(b"GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(version(b"GLIBC_PRIVATE"), None);
        assert_eq!(version(b"GLIBCXX_3.4"), None);
    }

    proptest! {
        #[test]
        fn a_broken_program_is_no_panic(cut in 0..4096_usize, at in 0..4096_usize, byte: u8) {
            let mut file = HEAD.clone();
            file.truncate(4096 + cut);
            file[at] = byte;
            let _either = needs(&file);
        }
    }
}
