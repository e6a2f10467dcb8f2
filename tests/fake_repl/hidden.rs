//! Memory and sockets as only the kernel's calls give them: memory that is in no process's own pages.
//! Nothing is given back until the process ends.

use std::fs::File;
use std::io::{self, Write};

/// The size of a file in the temporary folder.
const FILE_BYTES: usize = 8 * 1024 * 1024;

/// Fills so many bytes of a file.
fn fill(file: &mut File, bytes: usize) -> io::Result<()> {
    let chunk = vec![1; 1024 * 1024];
    let mut left = bytes;
    while left > 0 {
        let part = chunk.get(..left).unwrap_or(&chunk);
        file.write_all(part)?;
        left -= part.len();
    }
    Ok(())
}

/// What keeps a file.
#[derive(Debug, PartialEq)]
pub(crate) enum Files {
    /// Its name.
    Named,
    /// That it is open.
    Removed,
    /// That a page of it is mapped.
    Mapped,
}

/// Fills files of so many bytes in all in the temporary folder.
pub(crate) fn files(bytes: usize, kept_by: &Files) -> io::Result<()> {
    let folder = std::env::temp_dir();
    for number in 0..bytes.div_ceil(FILE_BYTES) {
        let path = folder.join(format!("file-{number}"));
        let mut options = File::options();
        options.read(true).write(true).create(true);
        let mut file = options.truncate(true).open(&path)?;
        if *kept_by != Files::Named {
            std::fs::remove_file(&path)?;
        }
        fill(&mut file, FILE_BYTES)?;
        if *kept_by == Files::Mapped {
            map(&file)?;
        } else {
            std::mem::forget(file);
        }
    }
    Ok(())
}

/// Maps the first page of a file.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no other way to get a mapping")]
fn map(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let (access, kind) = (libc::PROT_READ, libc::MAP_PRIVATE);
    // SAFETY: a new mapping at a place of the kernel's choice overlaps nothing.
    let page = unsafe {
        let place = std::ptr::null_mut();
        libc::mmap(place, 4096, access, kind, file.as_raw_fd(), 0)
    };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Makes a file without a name in the temporary folder.
#[cfg(target_os = "linux")]
pub(crate) fn file_without_name() -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::TMPFILE.bits().cast_signed();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).custom_flags(flags);
    options.open(std::env::temp_dir()).map(|_| ())
}

/// Fills a file of so many bytes that is in memory and has no name.
#[cfg(target_os = "linux")]
pub(crate) fn memfd(bytes: usize) -> io::Result<()> {
    let file = rustix::fs::memfd_create("hidden", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(file);
    fill(&mut file, bytes)?;
    std::mem::forget(file);
    Ok(())
}

/// Fills so many bytes of shared memory, which stays mapped.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no other way to get a mapping")]
pub(crate) fn shared(bytes: usize) -> io::Result<()> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at a place of the kernel's choice overlaps nothing.
    let memory = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
    if memory == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is that long, may be written, and nobody else knows of it.
    unsafe { std::ptr::write_bytes(memory.cast::<u8>(), 1, bytes) };
    Ok(())
}

/// Makes a pair of sockets of this type.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the standard library makes no pair of this type"
)]
pub(crate) fn socket_pair(kind: &str) -> io::Result<()> {
    let kind = match kind {
        "stream" => libc::SOCK_STREAM,
        "stream-cloexec" => libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
        "datagram" => libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
        "raw" => libc::SOCK_RAW,
        "packets" => libc::SOCK_SEQPACKET | libc::SOCK_NONBLOCK,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let mut pair = [0; 2];
    // SAFETY: there is room for the two numbers that it writes.
    match unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// There is nothing of that kind here.
#[cfg(not(target_os = "linux"))]
fn map(_file: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is nothing of that kind here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn file_without_name() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is nothing of that kind here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn memfd(_bytes: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is nothing of that kind here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn shared(_bytes: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is nothing of that kind here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn socket_pair(_kind: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
