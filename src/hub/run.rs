//! Stored events of one source, one after the other, shown to many at once.
//!
//! Everything of a committed group that goes to the same members is joined: a receiver takes one piece, made once and shared
//! by all, however many events are in it. Who sent some of them takes the pieces between its own.

use std::cell::OnceCell;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::act::Post;
use super::link::Encode;

/// Events of one run; more begin another one.
const MOST_EVENTS: usize = 128;

/// Bytes of content after which another run is begun.
const MOST_BYTES: usize = 32 * 1024;

/// Stored events of one source in the order of their positions.
pub(super) struct Run<'a> {
    posts: &'a [Post],
    encode: &'a Encode,
    joined: OnceCell<Joined>,
}

/// The encoded events, and where each ends.
struct Joined {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl<'a> Run<'a> {
    pub(super) fn new(posts: &'a [Post], encode: &'a Encode) -> Self {
        Self {
            posts,
            encode,
            joined: OnceCell::new(),
        }
    }

    /// Whether a run of so many events, which say so many bytes, takes no more. A piece that is larger than what may wait for
    /// a reader would get one cut off that keeps up.
    pub(super) fn is_full(count: usize, bytes: usize) -> bool {
        count >= MOST_EVENTS || bytes >= MOST_BYTES
    }

    pub(super) fn posts(&self) -> &[Post] {
        self.posts
    }

    /// The frames of some events. Encoded when somebody is shown any of them.
    pub(super) fn bytes(&self, range: Range<usize>) -> Bytes {
        let joined = self.joined.get_or_init(|| self.join());
        let end = |index: usize| if index == 0 { 0 } else { joined.ends[index - 1] };
        joined.bytes.slice(end(range.start)..end(range.end))
    }

    fn join(&self) -> Joined {
        if let [post] = self.posts {
            let bytes = (self.encode)(&post.event);
            let ends = vec![bytes.len()];
            return Joined { bytes, ends };
        }
        let (mut joined, mut ends) = (BytesMut::new(), Vec::with_capacity(self.posts.len()));
        for post in self.posts {
            joined.extend_from_slice(&(self.encode)(&post.event));
            ends.push(joined.len());
        }
        Joined {
            bytes: joined.freeze(),
            ends,
        }
    }
}
