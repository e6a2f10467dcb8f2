//! Spreads rows over shards, with threads that own some of the shards each: a shard sees its rows in the order
//! in which they were pushed, however many threads there are.

use std::collections::BTreeMap;
use std::mem;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::error::WriteError;
use super::file::{Format, Shard, ShardFile};
use super::key::shard_of_line;
use crate::table::fault::malformed;
use crate::table::schema::Schema;

/// How much goes to a thread at once, in bytes of rows.
const CHUNK_BYTES: usize = 64 * 1024;

/// How many chunks wait for a thread at most.
const WAITING_CHUNKS: usize = 4;

/// How a table is cut into files.
#[derive(Debug, Clone)]
pub struct ShardOptions {
    /// The column whose value chooses the shard of a row.
    pub key: String,
    /// How many shards there are. One without rows has no file.
    pub shards: NonZeroU32,
    /// How many rows of a shard make a row group. That many of each shard are in memory.
    pub batch_rows: NonZeroUsize,
    /// How many threads encode. The files do not depend on it.
    pub threads: NonZeroUsize,
}

/// Writes a table as `part-000.parquet` and so on. Dropped before [`ShardWriter::finish`], it leaves files
/// without a footer, so the directory should be a private one.
pub struct ShardWriter {
    format: Arc<Format>,
    options: ShardOptions,
    threads: Vec<Encoder>,
    /// How many rows were pushed.
    rows: u64,
}

impl ShardWriter {
    /// A table in an existing directory, in which none of its files exists.
    ///
    /// # Errors
    /// The key is not a column, or no thread can be started.
    pub fn new(dir: &Path, schema: Schema, options: ShardOptions) -> Result<Self, WriteError> {
        if schema.field(&options.key).is_none() {
            return Err(WriteError::NoKey(options.key));
        }
        let format = Format::new(schema, dir, options.batch_rows.get());
        let format = Arc::new(format);
        let count = options.threads.get().min(options.shards.get() as usize);
        let threads = (0..count).map(|_| Encoder::start(&format));
        Ok(Self {
            threads: threads.collect::<Result<_, _>>()?,
            format,
            options,
            rows: 0,
        })
    }

    /// Adds a row: one JSON object on one line, as [`Schema::check`] takes it. Waits while the threads have
    /// enough to do. An error may be about an earlier row; no more can be pushed after it.
    ///
    /// # Errors
    /// A row that does not fit, a file that cannot be written.
    pub fn push(&mut self, line: &str) -> Result<(), WriteError> {
        self.rows += 1;
        let number = self.rows;
        let shard = shard_of_line(line, &self.options.key, self.options.shards);
        let shard = shard.map_err(|err| {
            // The check knows more about the line, and refuses all that is refused here.
            let checked = self.format.schema.check(line);
            let error = checked.err().unwrap_or_else(|| malformed(&err));
            WriteError::Row { row: number, error }
        })?;
        let index = shard as usize % self.threads.len().max(1);
        let thread = self.threads.get_mut(index).ok_or(WriteError::Lost)?;
        thread.push(
            Row {
                shard,
                number,
                bytes: line.len(),
            },
            line,
        )
    }

    /// Ends all files; gives them in the order of their numbers.
    ///
    /// # Errors
    /// As [`ShardWriter::push`].
    pub fn finish(mut self) -> Result<Vec<Shard>, WriteError> {
        // All are asked before any is waited for.
        for thread in &mut self.threads {
            thread.send_chunk()?;
            thread.send(Message::Finish)?;
        }
        let mut shards = BTreeMap::new();
        for thread in &mut self.threads {
            shards.append(&mut thread.join()?);
        }
        Ok(shards.into_values().collect())
    }
}

/// What a thread is asked.
enum Message {
    /// Take these rows.
    Rows(Chunk),
    /// End the files; none comes after it.
    Finish,
}

/// Rows on the way to a thread.
#[derive(Default)]
struct Chunk {
    /// Their lines without anything between them.
    lines: String,
    /// Each of them in order.
    rows: Vec<Row>,
}

/// A row in a chunk.
struct Row {
    shard: u32,
    /// Its number among all rows, from 1.
    number: u64,
    /// The length of its line.
    bytes: usize,
}

/// A thread that encodes, and the way to it.
struct Encoder {
    /// None once it was joined.
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<Result<BTreeMap<u32, Shard>, WriteError>>>,
    /// What goes to it next.
    chunk: Chunk,
}

impl Encoder {
    /// Starts a thread.
    fn start(format: &Arc<Format>) -> Result<Self, WriteError> {
        let (sender, receiver) = sync_channel(WAITING_CHUNKS);
        let format = Arc::clone(format);
        let thread = std::thread::Builder::new()
            .name("parquet".to_owned())
            .spawn(move || encode(&format, &receiver))
            .map_err(WriteError::Thread)?;
        Ok(Self {
            sender: Some(sender),
            thread: Some(thread),
            chunk: Chunk::default(),
        })
    }

    /// Adds a row to the chunk and sends that if it is full.
    fn push(&mut self, row: Row, line: &str) -> Result<(), WriteError> {
        self.chunk.lines.push_str(line);
        self.chunk.rows.push(row);
        if self.chunk.lines.len() < CHUNK_BYTES {
            return Ok(());
        }
        self.send_chunk()
    }

    /// Sends what is in the chunk.
    fn send_chunk(&mut self) -> Result<(), WriteError> {
        let chunk = mem::take(&mut self.chunk);
        self.send(Message::Rows(chunk))
    }

    /// Sends a message. If the thread does not take it, the error is that of the thread.
    fn send(&mut self, message: Message) -> Result<(), WriteError> {
        let sender = self.sender.as_ref().ok_or(WriteError::Lost)?;
        if sender.send(message).is_ok() {
            return Ok(());
        }
        // A thread that takes nothing any more has failed.
        self.join()?;
        Err(WriteError::Lost)
    }

    /// Waits for the end of the thread, which writes what it was sent.
    fn join(&mut self) -> Result<BTreeMap<u32, Shard>, WriteError> {
        self.sender = None;
        let thread = self.thread.take().ok_or(WriteError::Lost)?;
        thread.join().unwrap_or(Err(WriteError::Lost))
    }
}

impl Drop for Encoder {
    /// Nothing writes to the directory any more once the writer is gone.
    fn drop(&mut self) {
        let _unwanted = self.join();
    }
}

/// What a thread does: encodes the rows of its shards until it is asked to finish, or until there is no one to
/// ask.
fn encode(
    format: &Arc<Format>,
    messages: &Receiver<Message>,
) -> Result<BTreeMap<u32, Shard>, WriteError> {
    let mut files = BTreeMap::new();
    for message in messages {
        let Message::Rows(chunk) = message else {
            let finished = files
                .into_iter()
                .map(|(shard, file): (u32, ShardFile)| Ok((shard, file.finish()?)));
            return finished.collect();
        };
        let mut lines = chunk.lines.as_str();
        for row in chunk.rows {
            let (line, rest) = lines.split_at_checked(row.bytes).ok_or(WriteError::Lost)?;
            lines = rest;
            let file = files.entry(row.shard);
            let file = file.or_insert_with(|| ShardFile::new(format, row.shard));
            file.push(line, row.number)?;
        }
    }
    Ok(BTreeMap::new())
}
