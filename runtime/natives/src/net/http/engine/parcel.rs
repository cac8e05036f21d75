//! One thing that the machine gives to a task of the engine.
//!
//! tokio's `oneshot` would wake that task at once, by a system call for each; this wakes it by the [`Post`].

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::post::Post;
use crate::core::system::device::lock;

struct State<T> {
    content: Option<T>,
    /// Whether there will be no other content.
    is_final: bool,
    taker: Option<Waker>,
}

type Shared<T> = Arc<Mutex<State<T>>>;

/// The machine's end. Dropped without having given anything, it makes the engine see that nothing will come.
pub struct Giver<T> {
    shared: Shared<T>,
    post: Arc<Post>,
}

/// The engine's end: what the machine gives; `None` if it gives nothing.
pub struct Taker<T>(Shared<T>);

/// Both ends. The task that takes is woken by `post`.
pub fn parcel<T>(post: &Arc<Post>) -> (Giver<T>, Taker<T>) {
    let shared = Arc::new(Mutex::new(State {
        content: None,
        is_final: false,
        taker: None,
    }));
    let giver = Giver {
        shared: shared.clone(),
        post: post.clone(),
    };
    (giver, Taker(shared))
}

impl<T> Giver<T> {
    /// What wakes the task that takes.
    pub fn post(&self) -> &Arc<Post> {
        &self.post
    }

    /// Gives it. The task may be gone: then nobody wants it.
    pub fn give(self, content: T) {
        lock(&self.shared).content = Some(content);
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let taker = {
            let mut state = lock(&self.shared);
            state.is_final = true;
            state.taker.take()
        };
        if let Some(taker) = taker {
            self.post.wake(taker);
        }
    }
}

impl<T> Future for Taker<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.0);
        if state.is_final {
            return Poll::Ready(state.content.take());
        }
        state.taker = Some(context.waker().clone());
        Poll::Pending
    }
}
