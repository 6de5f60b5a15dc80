//! Counts what is allocated, by a thread and by all of them, when it is told to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting;
/// Off, an allocation costs three instructions more than without all this.
static ON: AtomicBool = AtomicBool::new(false);
static TIMES: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static COUNTED: Cell<Allocated> = const { Cell::new(Allocated { times: 0, bytes: 0 }) };
}

/// Allocations and reallocations, and the bytes that were asked for in them.
#[derive(Clone, Copy, Default)]
pub struct Allocated {
    pub times: u64,
    pub bytes: u64,
}

impl Allocated {
    fn by_all() -> Self {
        Self { times: TIMES.load(Ordering::Relaxed), bytes: BYTES.load(Ordering::Relaxed) }
    }
}

impl Sub for Allocated {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { times: self.times - before.times, bytes: self.bytes - before.bytes }
    }
}

/// Runs `work`, then `rest`; says what this thread allocated in `work`, and all threads in both.
pub fn counted(work: impl FnOnce(), rest: impl FnOnce()) -> [Allocated; 2] {
    let before = [COUNTED.get(), Allocated::by_all()];
    ON.store(true, Ordering::Relaxed);
    work();
    let caller = COUNTED.get();
    rest();
    ON.store(false, Ordering::Relaxed);
    [caller - before[0], Allocated::by_all() - before[1]]
}

fn count(bytes: usize) {
    if ON.load(Ordering::Relaxed) {
        let bytes = bytes as u64;
        TIMES.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(bytes, Ordering::Relaxed);
        let Allocated { times, bytes: so_far } = COUNTED.get();
        COUNTED.set(Allocated { times: times + 1, bytes: so_far + bytes });
    }
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor
// unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
