//! How the allocator of the C library is set up. Besides `before_exec` the only place of unsafe code;
//! never allocates or frees anything itself.

/// How many regions threads share. The default is eight for each core, and each keeps some megabytes
/// of what its threads have freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const REGIONS: libc::c_int = 2;

/// From this size on, memory comes from the system and goes back to it when it is freed. By default
/// the limit rises to the largest that was ever freed, and regions keep twice as much at their ends.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BYTES: libc::c_int = 128 * 1024;

/// Has freed memory go back to the system, for a process that lives long and meets large replies in
/// many threads. To be called before these are started; what cannot be set stays as it was.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "the C library's allocator has no other way to be told, but variables at exec"
)]
pub(crate) fn give_back() {
    // SAFETY: `mallopt` takes two numbers and no pointer. It locks what it changes; memory that was
    // allocated before stays valid (mallopt(3)).
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, REGIONS);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
    }
}

/// Other allocators are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
