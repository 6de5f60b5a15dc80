//! What the system says of this process: CPU time and memory.

use std::fs;
use std::time::Duration;

/// CPU time of this thread, in nanoseconds.
pub fn thread_cpu() -> u128 {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time of all threads, in nanoseconds.
pub fn process_cpu() -> u128 {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn clock(id: libc::clockid_t) -> u128 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that lives through the call.
    let failed = unsafe { libc::clock_gettime(id, &raw mut time) };
    assert_eq!(failed, 0, "the clocks of Linux exist");
    let seconds = time.tv_sec.try_into().expect("time is positive");
    Duration::new(seconds, time.tv_nsec.try_into().expect("less than a second")).as_nanos()
}

/// Bytes of memory that this process has.
pub fn resident() -> f64 {
    status("VmRSS:")
}

/// The most bytes of memory that this process had since [`forget_most`].
pub fn most_resident() -> f64 {
    status("VmHWM:")
}

pub fn forget_most() {
    fs::write("/proc/self/clear_refs", "5").expect("a process may forget its own peak");
}

/// Gives memory that was freed back to the system.
pub fn trim() {
    // SAFETY: it takes no pointer, and may be called at any time by any thread.
    unsafe { libc::malloc_trim(0) };
}

fn status(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kibibytes.expect("every process has memory") * 1_024.0
}
