//! What the C library keeps of the memory that was given back to it.

/// Gives freed memory back to the system, but for so much at the heap's end. Left to itself glibc opens an arena for
/// each thread, librdkafka's among them, and raises the size from which memory is mapped, and so returned, with the
/// first large batch: a catch-up would cost ten megabytes for good. To be called before any other thread is there.
#[cfg(target_env = "gnu")]
#[expect(
    unsafe_code,
    reason = "no safe crate offers mallopt; it sets three numbers, before any other thread is there"
)]
pub fn keep_small(end_kibibytes: i32) {
    const KIB: libc::c_int = 1024;
    let settings = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 128 * KIB),
        (libc::M_TRIM_THRESHOLD, end_kibibytes * KIB),
    ];
    for (option, value) in settings {
        // SAFETY: `mallopt` takes two integers by value and touches the allocator's own settings only.
        if unsafe { libc::mallopt(option, value) } != 1 {
            tracing::debug!(option, "the allocator keeps its own way");
        }
    }
}

/// Other C libraries keep little anyway.
#[cfg(not(target_env = "gnu"))]
pub fn keep_small(_end_kibibytes: i32) {}
