//! Reading requests: each within a limit, and all that are held at once within another.

use std::sync::Arc;

use axum::body::Body;
use bulkhead_rpc::Problem;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many times the limit of a body is read before the caller is cut off.
const THROWN_AWAY: usize = 4;
/// How many bodies of the largest size may be held at once; of usual ones, thousands.
const LARGEST_AT_ONCE: usize = 4;
/// What is counted in, because a semaphore counts no further than to its permits' number.
const UNIT_BYTES: usize = 1024;

/// What may be read.
#[derive(Clone)]
pub(crate) struct Bodies {
    limit_bytes: usize,
    room: Arc<Semaphore>,
}

/// The room that a body takes, given back when this is dropped.
pub(crate) struct Held(Option<OwnedSemaphorePermit>);

impl Bodies {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        let units = (limit_bytes.saturating_mul(LARGEST_AT_ONCE) / UNIT_BYTES).max(1);
        Self { limit_bytes, room: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))) }
    }

    /// Reads a whole body. More than the limit is read too, up to a point, and thrown away: a caller that is cut off while it still
    /// sends sees a broken connection instead of the answer.
    pub(crate) async fn read(&self, body: Body) -> Result<(Vec<u8>, Held), Box<Problem>> {
        let mut chunks = body.into_data_stream();
        let (mut kept, mut size, mut held) = (Vec::new(), 0, Held(None));
        let mut is_full = false;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| Box::new(Problem::new(400, "malformed-request", error.to_string())))?;
            size += chunk.len();
            if size > self.limit_bytes.saturating_mul(THROWN_AWAY) {
                break;
            }
            is_full = is_full || !self.take(&mut held, chunk.len());
            if size <= self.limit_bytes && !is_full {
                kept.extend_from_slice(&chunk);
            } else {
                (kept, held) = (Vec::new(), Held(None));
            }
        }
        if size > self.limit_bytes {
            let limit = self.limit_bytes;
            let detail = format!("the request with its inputs takes more than {limit} bytes: pass less of them");
            return Err(Box::new(Problem::new(413, "request-too-large", detail)));
        }
        if is_full {
            let detail = "the requests that wait hold as much as this executor takes; try again in a moment";
            return Err(Box::new(Problem::new(429, "queue-full", detail)));
        }
        Ok((kept, held))
    }

    /// Takes room for so many bytes more, if there is any.
    fn take(&self, held: &mut Held, bytes: usize) -> bool {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.room).try_acquire_many_owned(units) else { return false };
        match &mut held.0 {
            Some(permit) => permit.merge(more),
            none => *none = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn body(bytes: usize) -> Body {
        Body::from(vec![b' '; bytes])
    }

    async fn status(bodies: &Bodies, bytes: usize) -> u16 {
        bodies.read(body(bytes)).await.map_or_else(|problem| problem.status, |_| 200)
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_takes_no_room() {
        let bodies = Bodies::new(10_000);

        assert_eq!(status(&bodies, 10_001).await, 413);
        assert_eq!(status(&bodies, 1_000_000).await, 413);
        assert_eq!(status(&bodies, 10_000).await, 200);
    }

    #[tokio::test]
    async fn bodies_that_are_held_leave_no_room_until_they_are_let_go() {
        let bodies = Bodies::new(10_240);
        let mut held = Vec::new();
        for _ in 0..LARGEST_AT_ONCE {
            held.push(bodies.read(body(10_240)).await.map_err(|problem| problem.detail).unwrap());
        }

        assert_eq!(status(&bodies, 100).await, 429);
        held.pop();
        assert_eq!(status(&bodies, 100).await, 200);
    }
}
