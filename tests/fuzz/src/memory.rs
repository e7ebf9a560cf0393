//! Memory that an input may take: an allocation beyond it ends the program, which libFuzzer takes for a finding.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);
static TOLD: AtomicBool = AtomicBool::new(false);

/// The system's allocator, counted.
pub(crate) struct Counting;

fn take(bytes: usize) {
    let now = NOW.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    if now > MOST.load(Relaxed) && now < usize::MAX / 2 && !TOLD.swap(true, Relaxed) {
        MOST.store(usize::MAX, Relaxed);
        let whence = std::backtrace::Backtrace::force_capture();
        eprintln!("fuzz: {} MiB are taken at once, the last of them {bytes} bytes\n{whence}", now >> 20);
        std::process::abort();
    }
}

// SAFETY: all calls go to the system's allocator as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take(size);
        let moved = unsafe { System.realloc(pointer, layout, size) };
        NOW.fetch_sub(layout.size(), Relaxed);
        moved
    }
}

/// Runs `work`, which may take so much beyond what is taken already.
pub(crate) fn limited(megabytes: usize, work: impl FnOnce()) {
    MOST.store(NOW.load(Relaxed).saturating_add(megabytes << 20), Relaxed);
    work();
    MOST.store(usize::MAX, Relaxed);
}
