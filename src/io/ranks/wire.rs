//! What ranks need of the network: bytes to and from a numbered process, on two channels.

/// Messages of one tag between two processes arrive in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Requests, orders and blocks.
    Talk,
    /// Word that blocks in hand are not wanted any more; it overtakes the rest.
    Recall,
}

/// Processes that were started together, numbered from 0.
pub trait Wire: Sync {
    /// The number of this one.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Sends `message` to process `rank`; may wait until that listens.
    fn send(&self, rank: usize, tag: Tag, message: &[u8]);

    /// A message that has come, and from whom; never waits.
    fn poll(&self, tag: Tag) -> Option<(usize, Vec<u8>)>;

    /// Ends all processes.
    fn abort(&self) -> !;
}
