//! How the machine wakes what the engine does.
//!
//! The event loop is woken by a system call, and it makes one for each of its tasks that another thread wakes. So the machine
//! puts those to be woken into a list, and wakes one task that wakes all of them: what has come to the list before that one's turn costs nothing.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::core::system::device::lock;

#[derive(Default)]
struct State {
    /// Whom to wake.
    tasks: Vec<Waker>,
    /// The task that does it, when it has nothing to do.
    postman: Option<Waker>,
}

/// Who is to be woken by the engine.
#[derive(Default)]
pub struct Post(Mutex<State>);

impl Post {
    /// Has a task of the engine woken, from any thread.
    pub fn wake(&self, task: Waker) {
        let postman = {
            let mut state = lock(&self.0);
            state.tasks.push(task);
            state.postman.take()
        };
        if let Some(postman) = postman {
            postman.wake();
        }
    }

    fn carry(&self, context: &Context<'_>) {
        let tasks = {
            let mut state = lock(&self.0);
            state.postman = Some(context.waker().clone());
            std::mem::take(&mut state.tasks)
        };
        for task in tasks {
            task.wake();
        }
    }

    /// Wakes those who are to be woken, as long as the engine runs.
    pub async fn carry_on(self: Arc<Self>) {
        poll_fn(|context| {
            self.carry(context);
            Poll::<()>::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn several_tasks_cost_one_waking() {
        let post = Post::default();
        let (postman, task) = (Arc::<Count>::default(), Arc::<Count>::default());
        let waker = Waker::from(postman.clone());
        let turn = || post.carry(&Context::from_waker(&waker));
        turn();
        for _ in 0..3 {
            post.wake(task.clone().into());
        }
        let counts = || {
            (
                postman.0.load(Ordering::Relaxed),
                task.0.load(Ordering::Relaxed),
            )
        };
        assert_eq!(counts(), (1, 0));
        turn();
        assert_eq!(counts(), (1, 3));
        turn();
        post.wake(task.clone().into());
        assert_eq!(
            counts(),
            (2, 3),
            "it is woken again when it has had its turn"
        );
    }
}
