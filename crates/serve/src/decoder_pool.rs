//! Decoding threads within a budget of memory: smaller images come first, and none waits for ever.
//!
//! Small images have threads of their own, so that large ones never block them. In each lane, the image with the earliest due
//! time is next: its arrival, plus a second for each [`PER_SECOND`] bytes of pixels. So later small images overtake a large one
//! only for a time that its own size accounts for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use data::DecodeCost;
use tokio::sync::oneshot;

use crate::{Error, Result, THREAD, refusal::Refusal, worker::without_panic};

/// Smallest number of bytes of stored pixels with which an image counts as large.
const LARGE: u64 = 1 << 26;

/// Smallest budget, for a server that starts while no memory is free: the machine may have some later.
const LEAST: u64 = 128 << 20;

/// Memory that is enough for most images, except photographs of a dozen megapixels.
const ORDINARY: u64 = 32 << 20;

/// Bytes of stored pixels that move an image's turn back by a second.
const PER_SECOND: u64 = 1 << 24;

/// Pool of decoding threads and their queue; when it is dropped, the threads end after their current image.
pub(crate) struct DecoderPool {
    shared: Arc<Shared>,
    /// Largest number of bytes that a small image may take, and a large one.
    most: [u64; 2],
}

struct Shared {
    state: Mutex<State>,
    /// Wake-up signals of the threads for small images, and for large ones.
    wake: [Condvar; 2],
    free_memory: fn() -> u64,
}

struct State {
    /// Waiting small images and large ones, by their turn.
    waiting: [BTreeMap<Turn, Waiting>; 2],
    next: u64,
    /// Bytes that are left for large images.
    unused: u64,
    /// Bytes that all images in decoding may take.
    in_use: u64,
    is_closed: bool,
}

/// Due time and a number of its own.
type Turn = (Instant, u64);

struct Waiting {
    memory: u64,
    work: Work,
}

/// Work that decodes, or refuses for lack of memory.
type Work = Box<dyn FnOnce(Option<Refusal>) + Send>;

/// Place of a waiting image: once this is dropped, the image is not decoded any more.
struct Ticket {
    shared: Arc<Shared>,
    lane: usize,
    turn: Turn,
}

impl DecoderPool {
    /// Starts `threads` threads for small images and half as many more for large ones. Together they take no more than half of
    /// the memory that is free now, `free_memory()` in bytes, nor more than is free later.
    pub(crate) fn start(threads: usize, free_memory: fn() -> u64) -> Result<Self> {
        let (threads, large_threads) = (threads.max(1), (threads / 2).max(1));
        let budget = (free_memory() / 2).max(LEAST);
        let share = |part: u64| budget / part / threads as u64;
        let small = share(4).max(share(2).min(ORDINARY));
        let large = budget - small * threads as u64;
        let state = State {
            waiting: [BTreeMap::new(), BTreeMap::new()],
            next: 0,
            unused: large,
            in_use: 0,
            is_closed: false,
        };
        let wake = [Condvar::new(), Condvar::new()];
        let pool = Self {
            shared: Arc::new(Shared { state: Mutex::new(state), wake, free_memory }),
            most: [small, large],
        };
        for (lane, count) in [threads, large_threads].into_iter().enumerate() {
            for _ in 0..count {
                let shared = Arc::clone(&pool.shared);
                let thread = std::thread::Builder::new().name(THREAD.to_owned());
                thread.spawn(move || shared.serve(lane)).map_err(Error::Threads)?;
            }
        }
        Ok(pool)
    }

    /// Decodes an image of this cost when its turn comes; not at all if the caller no longer waits for it.
    ///
    /// # Errors
    /// An image that needs more memory than there is, ever or now; a panic of `work`.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        cost: DecodeCost,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::result::Result<T, Refusal> {
        let memory = cost.memory_bytes;
        let lane = usize::from(cost.stored_bytes >= LARGE || memory > self.most[0]);
        if memory > self.most[1] {
            return Err(Refusal::MemoryNever { needed: memory, most: self.most[1] });
        }
        let (reply, result) = oneshot::channel();
        let work = move |refusal: Option<Refusal>| {
            let result = match refusal {
                Some(refusal) => Err(refusal),
                None => without_panic(work),
            };
            // A caller that has gone needs no result.
            let _ = reply.send(result);
        };
        let delay = Duration::from_millis(1000 * cost.stored_bytes.min(1 << 40) / PER_SECOND);
        let ticket = self.shared.queue(lane, delay, Waiting { memory, work: Box::new(work) });
        let result = result.await;
        drop(ticket);
        result.map_err(|_| Refusal::Stopping)?
    }
}

impl Drop for DecoderPool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
        self.shared.wake.iter().for_each(Condvar::notify_all);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let waiting = self.shared.lock().waiting[self.lane].remove(&self.turn);
        if waiting.is_some() && self.lane == 1 {
            // Another one may be next, and may need less.
            self.shared.wake[1].notify_one();
        }
    }
}

impl Shared {
    /// Locks the state, which is consistent at each end of a lock, even after a panic of its holder.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(self: &Arc<Self>, lane: usize, delay: Duration, waiting: Waiting) -> Ticket {
        let mut state = self.lock();
        let turn = (Instant::now() + delay, state.next);
        state.next += 1;
        state.waiting[lane].insert(turn, waiting);
        drop(state);
        self.wake[lane].notify_one();
        Ticket { shared: Arc::clone(self), lane, turn }
    }

    /// Decodes the next image of a lane, again and again until the pool is closed.
    fn serve(&self, lane: usize) {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return;
            }
            let Some(Waiting { memory, work }) = state.take_next(lane) else {
                state = self.wake[lane].wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let in_use = state.in_use;
            drop(state);
            // Memory that other programs have taken since the start is not available any more. For few bytes the check is not
            // worth it.
            let is_there = memory < LARGE || in_use <= (self.free_memory)() && can_be_had(memory);
            work((!is_there).then_some(Refusal::MemoryNow { needed: memory }));
            state = self.lock();
            state.give_back(lane, memory);
            if lane == 1 {
                self.wake[1].notify_all();
            }
        }
    }
}

impl State {
    /// Takes the next image of a lane, if there is memory for it: smaller ones do not overtake it, or it would never get enough.
    fn take_next(&mut self, lane: usize) -> Option<Waiting> {
        let next = self.waiting[lane].first_entry()?;
        let memory = next.get().memory;
        if lane == 1 {
            self.unused = self.unused.checked_sub(memory)?;
        }
        self.in_use += memory;
        Some(next.remove())
    }

    fn give_back(&mut self, lane: usize, memory: u64) {
        self.in_use -= memory;
        if lane == 1 {
            self.unused += memory;
        }
    }
}

/// Checks that the system grants the process so many bytes, without touching them.
fn can_be_had(bytes: u64) -> bool {
    let mut taken: Vec<u8> = Vec::new();
    let had = usize::try_from(bytes).is_ok_and(|bytes| taken.try_reserve_exact(bytes).is_ok());
    // Without this the compiler may remove both.
    std::hint::black_box(&taken);
    had
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }

    fn cost(stored_bytes: u64, memory_bytes: u64) -> DecodeCost {
        DecodeCost { pixels: stored_bytes, stored_bytes, memory_bytes }
    }

    const ENOUGH: fn() -> u64 = || 1 << 40;

    /// Waits until this many images wait in a lane.
    fn until_waiting(pool: &DecoderPool, lane: usize, count: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        while pool.shared.lock().waiting[lane].len() != count {
            assert!(Instant::now() < end, "never {count} in lane {lane}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn a_panic_is_the_answer_of_its_own_image_alone() {
        let (runtime, pool) = (runtime(), DecoderPool::start(1, ENOUGH).unwrap());
        for _ in 0..3 {
            let panicked = runtime.block_on(pool.run(cost(1, 1), || panic!("on purpose")));
            assert!(matches!(panicked, Err::<(), _>(Refusal::Fault)));
            assert_eq!(runtime.block_on(pool.run(cost(1, 1), || 7)).unwrap(), 7);
        }
    }

    #[test]
    fn small_images_do_not_wait_for_large_ones_and_smaller_ones_go_first() {
        let (runtime, pool) = (runtime(), Arc::new(DecoderPool::start(1, ENOUGH).unwrap()));
        let (hold, held) = mpsc::channel::<()>();
        let (start, started) = mpsc::channel();
        let (done, order) = mpsc::channel();
        let spawn = |name: &'static str, size: u64, hold: Option<mpsc::Receiver<()>>| {
            let (pool, start, done) = (Arc::clone(&pool), start.clone(), done.clone());
            runtime.spawn(async move {
                let work = move || {
                    start.send(()).unwrap();
                    hold.map(|hold| hold.recv());
                    done.send(name).unwrap();
                };
                pool.run(cost(size, size), work).await.unwrap();
            });
        };
        spawn("first", LARGE, Some(held));
        started.recv_timeout(Duration::from_secs(20)).unwrap();
        spawn("huge", 40 * LARGE, None);
        until_waiting(&pool, 1, 1);
        spawn("larger", 2 * LARGE, None);
        until_waiting(&pool, 1, 2);
        spawn("small", 1, None);
        assert_eq!(order.recv_timeout(Duration::from_secs(20)), Ok("small"));
        drop(hold);
        let rest: Vec<_> = (0..3).map(|_| order.recv_timeout(Duration::from_secs(20)).unwrap()).collect();
        assert_eq!(rest, ["first", "larger", "huge"]);
    }

    #[test]
    fn one_that_nobody_waits_for_is_not_decoded() {
        let (runtime, pool) = (runtime(), Arc::new(DecoderPool::start(1, ENOUGH).unwrap()));
        let (hold, held) = mpsc::channel::<()>();
        let (start, started) = mpsc::channel();
        let blocking = Arc::clone(&pool);
        let first = runtime.spawn(async move {
            let work = move || {
                start.send(()).unwrap();
                held.recv().is_err()
            };
            blocking.run(cost(1, 1), work).await
        });
        // Two tasks of the runtime may be polled in either order.
        started.recv_timeout(Duration::from_secs(20)).unwrap();
        let (ran, runs) = mpsc::channel();
        let waits = {
            let (pool, ran) = (Arc::clone(&pool), ran.clone());
            runtime.spawn(async move { pool.run(cost(2, 1), move || ran.send(())).await.map(|_| ()) })
        };
        until_waiting(&pool, 0, 1);
        waits.abort();
        until_waiting(&pool, 0, 0);
        drop((hold, ran));
        assert!(runtime.block_on(first).unwrap().unwrap());
        assert!(runs.recv_timeout(Duration::from_secs(20)).is_err());
    }

    #[test]
    fn memory_that_is_never_there_and_memory_that_is_not_there_now_are_told_apart() {
        let runtime = runtime();
        let pool = DecoderPool::start(2, || 8 << 30).unwrap();
        // 4 GiB in total, of which 512 MiB for each of two small ones.
        let most = 3 << 30;
        assert_eq!(pool.most, [512 << 20, most]);
        let never = runtime.block_on(pool.run(cost(1, most + 1), || 0));
        assert!(matches!(never, Err(Refusal::MemoryNever { needed, .. }) if needed == most + 1));
        assert_eq!(runtime.block_on(pool.run(cost(1, LARGE), || 5)).unwrap(), 5);

        static FREE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(8 << 30);
        let pool = DecoderPool::start(2, || FREE.load(std::sync::atomic::Ordering::Relaxed)).unwrap();
        FREE.store(1 << 20, std::sync::atomic::Ordering::Relaxed);
        let now = runtime.block_on(pool.run(cost(1, LARGE), || 0));
        assert!(matches!(now, Err(Refusal::MemoryNow { needed: LARGE })));
        // The refused attempt costs nothing.
        FREE.store(8 << 30, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(runtime.block_on(pool.run(cost(1, LARGE), || 5)).unwrap(), 5);
        // A thread gives its memory back once it has answered.
        let state = || {
            let state = pool.shared.lock();
            (state.unused, state.in_use)
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while state() != (most, 0) && Instant::now() < deadline {
            thread::yield_now();
        }
        assert_eq!(state(), (most, 0));
    }
}
