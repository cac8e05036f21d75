//! What the engine does beside what it does.
//!
//! All of it has one type, a boxed future: each other type is more than a kilobyte of code that polls, wakes and drops its tasks.

use std::future::Future;
use std::pin::Pin;

use hyper::rt::Executor;

/// A future that is run for what it does.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a future until it ends. To be called by the engine.
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    spawn_boxed(Box::pin(work));
}

fn spawn_boxed(work: Work) {
    tokio::spawn(work);
}

/// By which hyper has its own futures run.
#[derive(Clone, Copy)]
pub struct Works;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Works {
    fn execute(&self, work: F) {
        spawn(work);
    }
}
