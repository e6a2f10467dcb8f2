//! Writes `.olean` files with the objects that name their imports, for tests and benchmarks. Holds
//! no proofs: Lean itself could not use them.

/// A file to be written.
#[derive(Debug, Clone)]
pub(crate) struct OleanFile {
    /// Bytes of a word: 8, or 4 as for core Lean.
    pub(crate) word: usize,
    /// Version of the header: 1 or 2.
    pub(crate) header: u8,
    /// The Lean that it says it comes from; only in headers of version 2.
    pub(crate) lean: String,
    /// Whether the word that leads to everything else comes last, as in old files, and not first.
    pub(crate) root_last: bool,
    /// Whether it tells how each module is imported, as new files do.
    pub(crate) flags: bool,
    /// The modules that it imports.
    pub(crate) imports: Vec<String>,
    /// Bytes of other content.
    pub(crate) filling: usize,
}

impl Default for OleanFile {
    fn default() -> Self {
        Self {
            word: 8,
            header: 2,
            lean: "4.28.0".to_owned(),
            root_last: false,
            flags: true,
            imports: Vec::new(),
            filling: 0,
        }
    }
}

impl OleanFile {
    /// The whole file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut image = Image {
            word: self.word,
            bytes: self.start(),
        };
        let first = image.bytes.len();
        if !self.root_last {
            image.words(&[0]);
        }
        let imports = self
            .imports
            .iter()
            .map(|name| self.import(&mut image, name));
        let imports: Vec<u64> = imports.collect::<Vec<_>>();
        let imports = image.array(&imports);
        let filling = image.scalars(self.filling);
        let empty = image.array(&[]);
        let scalars = if self.flags { self.word } else { 0 };
        let fields = [imports, empty, filling, empty, empty];
        let root = image.constructor(0, &fields, &vec![0; scalars]);
        if self.root_last {
            // The object that ended old files: a header of a kind that no other object has.
            image.header(16, 0, 254);
            image.words(&[root]);
        } else {
            let root = image.as_bytes(root);
            image.bytes.splice(first..first + self.word, root);
        }
        image.bytes
    }

    /// Everything up to the address at which Lean would map the file.
    fn start(&self) -> Vec<u8> {
        let mut bytes = b"olean".to_vec();
        bytes.push(self.header);
        if self.header == 1 {
            bytes.resize(48, 0);
        } else {
            bytes.push(1);
            bytes.extend(self.lean.as_bytes());
            bytes.resize(80, 0);
        }
        bytes.extend(BASE.to_le_bytes().iter().take(self.word));
        bytes
    }

    /// One import.
    fn import(&self, image: &mut Image, module: &str) -> u64 {
        let mut name = ANONYMOUS;
        for part in module.split('.') {
            let text = image.string(part);
            name = image.constructor(1, &[name, text], &[7; 8]);
        }
        let mut scalars = vec![0; self.word];
        if self.flags {
            // The second one: whether importers of this module see it too.
            scalars.splice(1..2, [1]);
        }
        image.constructor(0, &[name], &scalars)
    }
}

/// Where the file would be mapped.
const BASE: u64 = 0x3f13_0000;

/// The name without parts, and anything else that is a constructor without fields.
const ANONYMOUS: u64 = 1;

/// What is written so far.
struct Image {
    /// Bytes of a word.
    word: usize,
    /// The file from its start.
    bytes: Vec<u8>,
}

impl Image {
    /// A number as it is stored.
    fn as_bytes(&self, value: u64) -> Vec<u8> {
        value.to_le_bytes().into_iter().take(self.word).collect()
    }

    /// Adds words.
    fn words(&mut self, values: &[u64]) {
        for value in values {
            let bytes = self.as_bytes(*value);
            self.bytes.extend(bytes);
        }
    }

    /// Begins an object; the answer is its address.
    fn header(&mut self, size: u16, other: u8, tag: u8) -> u64 {
        let start = self.bytes.len().next_multiple_of(self.word);
        self.bytes.resize(start, 0);
        self.bytes.extend([0; 4]);
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend([other, tag]);
        BASE + start as u64
    }

    /// Adds a constructor.
    fn constructor(&mut self, tag: u8, fields: &[u64], scalars: &[u8]) -> u64 {
        let size = 8 + fields.len() * self.word + scalars.len();
        let size = u16::try_from(size).unwrap_or(1);
        let count = u8::try_from(fields.len()).unwrap_or(u8::MAX);
        let address = self.header(size, count, tag);
        self.words(fields);
        self.bytes.extend(scalars);
        address
    }

    /// Adds an array.
    fn array(&mut self, items: &[u64]) -> u64 {
        let address = self.header(1, 0, 246);
        self.words(&[items.len() as u64, items.len() as u64]);
        self.words(items);
        address
    }

    /// Adds an array of bytes that are not all alike.
    fn scalars(&mut self, count: usize) -> u64 {
        let address = self.header(1, 1, 248);
        self.words(&[count as u64, count as u64]);
        let byte = |at: usize| u8::try_from(at / 64 % 251).unwrap_or(0);
        self.bytes.extend((0..count).map(byte));
        address
    }

    /// Adds a text.
    fn string(&mut self, text: &str) -> u64 {
        let size = text.len() as u64 + 1;
        let address = self.header(1, 0, 249);
        self.words(&[size, size, text.chars().count() as u64]);
        self.bytes.extend(text.bytes());
        self.bytes.push(0);
        address
    }
}
