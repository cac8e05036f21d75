//! A limit of time for work that is nearly always done long before.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::time::{Instant, Sleep, sleep_until};

/// The result of work, `None` if the time is over first.
///
/// A timer is set when the work is asked for the second time and is still not done: to set one for each request and to take it back
/// some microseconds later is a good part of the work for a request. So whoever runs this must ask again before the time is over, whatever
/// happens; what cannot be sure of it sets `at_once`.
pub async fn within<T>(until: Instant, at_once: bool, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    let mut is_due = at_once;
    poll_fn(|context| {
        if let Poll::Ready(result) = work.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        if !std::mem::replace(&mut is_due, true) {
            return Poll::Pending;
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::*;
    use crate::net::http::engine::race::{First, race};

    fn run(work: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(work);
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    #[test]
    fn what_is_done_in_time_is_given() {
        run(async {
            let work = async {
                yield_now().await;
                42
            };
            assert_eq!(within(soon(), false, work).await, Some(42));
        });
    }

    #[test]
    fn what_is_not_done_ends_when_it_is_asked_for_again() {
        let never = std::future::pending::<()>;
        run(async move {
            assert_eq!(within(soon(), true, never()).await, None);
            let asking = async {
                yield_now().await;
                never().await;
            };
            let asked_once = race(asking, within(soon(), false, never())).await;
            assert!(matches!(asked_once, First::Other(None)));
            let forgotten = within(soon(), false, never());
            assert!(timeout(Duration::from_millis(100), forgotten).await.is_ok());
        });
    }
}
