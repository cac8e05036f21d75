//! Which of two is done first.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// The one that was done first.
pub enum First<A, B> {
    /// The first of the two.
    One(A),
    /// The second.
    Other(B),
}

/// What the one that is done first gives; the other one is dropped. The first of the two is asked first.
pub async fn race<A, B>(
    one: impl Future<Output = A>,
    other: impl Future<Output = B>,
) -> First<A, B> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| {
        if let Poll::Ready(found) = one.as_mut().poll(context) {
            return Poll::Ready(First::One(found));
        }
        other.as_mut().poll(context).map(First::Other)
    })
    .await
}
