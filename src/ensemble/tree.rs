//! The fixed tree in which blocks are merged, so that the grouping never depends on who finished first.

use std::collections::BTreeMap;

/// Something that absorbs its right neighbour.
pub trait Merge {
    /// Adds what `right`, the next in order, has seen.
    fn merge(&mut self, right: Self);
}

/// Finished nodes by (index of first block, height): a node of height h covers 2^h aligned blocks. Siblings are merged as
/// soon as both are there, so a contiguous range of n blocks keeps O(log n) nodes.
#[derive(Debug, Clone)]
pub struct Tree<T> {
    nodes: BTreeMap<(u64, u32), T>,
}

impl<T: Merge> Tree<T> {
    /// A tree without blocks.
    pub fn new() -> Self {
        Self { nodes: BTreeMap::new() }
    }

    /// Adds block number `block`; each may be added once.
    pub fn insert(&mut self, block: u64, value: T) {
        let (mut first, mut height, mut value) = (block, 0, value);
        loop {
            let span = 1 << height;
            let is_left = first & span == 0;
            let sibling = if is_left { first + span } else { first - span };
            let Some(other) = self.nodes.remove(&(sibling, height)) else { break };
            let (mut left, right) = if is_left { (value, other) } else { (other, value) };
            left.merge(right);
            (first, height, value) = (first.min(sibling), height + 1, left);
        }
        self.nodes.insert((first, height), value);
    }

    /// Merges what is left, in the order of the blocks; `None` without blocks.
    pub fn finish(self) -> Option<T> {
        self.nodes.into_values().reduce(|mut left, right| {
            left.merge(right);
            left
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Merge for String {
        fn merge(&mut self, right: Self) {
            *self = format!("({self}{right})");
        }
    }

    #[test]
    fn the_grouping_does_not_depend_on_the_order_of_arrival() {
        let orders = [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 2, 5, 1, 4]];
        for order in orders {
            let mut tree = Tree::new();
            for block in order {
                tree.insert(block, block.to_string());
            }
            assert_eq!(tree.nodes.len(), 3);
            assert_eq!(tree.finish().as_deref(), Some("((((01)(23))(45))6)"));
        }
    }
}
