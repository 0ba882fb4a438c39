//! The fixed tree in which blocks are merged, so that the grouping never depends on who finished first.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Something that absorbs its right neighbour.
pub trait Merge {
    /// Adds what `right`, the next in order, has seen.
    fn merge(&mut self, right: Self);
}

/// A place in the tree: 2^height blocks from block `first` on, which is a multiple of that number.
///
/// Two nodes either have no block in common, or one holds the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Node {
    /// Number of the first block.
    pub first: u64,
    /// Levels above a single block.
    pub height: u32,
}

/// No run has 2^this blocks.
const HIGHEST: u32 = 53;

impl Node {
    /// The node of one block.
    pub fn block(block: u64) -> Self {
        Self { first: block, height: 0 }
    }

    /// The blocks below it.
    pub fn blocks(self) -> Range<u64> {
        self.first..self.first + (1 << self.height)
    }

    /// Whether it is a node of the tree at all: one read from a file might not be.
    pub fn is_sound(self) -> bool {
        self.height <= HIGHEST && self.first.is_multiple_of(1 << self.height) && self.first < 1 << HIGHEST
    }

    fn sibling(self) -> Self {
        Self { first: self.first ^ (1 << self.height), height: self.height }
    }

    fn parent(self) -> Self {
        Self { first: self.first.min(self.sibling().first), height: self.height + 1 }
    }
}

/// Finished nodes. Siblings are merged as soon as both are there, so a contiguous range of n blocks keeps O(log n) nodes.
#[derive(Debug, Clone)]
pub struct Tree<T> {
    nodes: BTreeMap<Node, T>,
    /// Numbers of blocks, ascending, that no node may reach across: what lies before each can be told by itself.
    cuts: Vec<u64>,
}

impl<T: Merge> Default for Tree<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Merge> Tree<T> {
    /// A tree without blocks.
    pub fn new() -> Self {
        Self::with_cuts(Vec::new())
    }

    /// A tree without blocks whose nodes keep to one side of every cut (ascending).
    pub fn with_cuts(cuts: Vec<u64>) -> Self {
        Self { nodes: BTreeMap::new(), cuts }
    }

    /// Adds a node, none of whose blocks may be there already.
    pub fn insert(&mut self, node: Node, value: T) {
        let (mut node, mut value) = (node, value);
        while node.height < HIGHEST && !self.is_cut(node.parent()) {
            let Some(other) = self.nodes.remove(&node.sibling()) else { break };
            let (mut left, right) = if node.first < node.sibling().first { (value, other) } else { (other, value) };
            left.merge(right);
            (node, value) = (node.parent(), left);
        }
        self.nodes.insert(node, value);
    }

    /// Whether a cut lies inside `node`.
    pub fn is_cut(&self, node: Node) -> bool {
        let Range { start, end } = node.blocks();
        let next = self.cuts.partition_point(|cut| *cut <= start);
        self.cuts.get(next).is_some_and(|cut| *cut < end)
    }

    /// The nodes, in the order of their blocks.
    pub fn nodes(&self) -> impl Iterator<Item = (Node, &T)> {
        self.nodes.iter().map(|(node, value)| (*node, value))
    }

    /// The nodes themselves.
    pub fn into_nodes(self) -> impl Iterator<Item = (Node, T)> {
        self.nodes.into_iter()
    }

    /// Merges all there is, in the order of the blocks; `None` without blocks.
    pub fn finish(self) -> Option<T> {
        Self::join(self.nodes.into_values())
    }

    /// The same of the blocks from `first` on up to the first one missing.
    pub fn finish_prefix(self, first: u64) -> Option<T> {
        let mut next = first;
        Self::join(self.nodes.into_iter().filter(|(node, _)| node.first >= first).map_while(|(node, value)| {
            let follows = node.first == next;
            next = node.blocks().end;
            follows.then_some(value)
        }))
    }

    fn join(values: impl Iterator<Item = T>) -> Option<T> {
        values.reduce(|mut left, right| {
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

    fn tree(blocks: &[u64], cuts: &[u64]) -> Tree<String> {
        let mut tree = Tree::with_cuts(cuts.to_vec());
        blocks.iter().for_each(|block| tree.insert(Node::block(*block), block.to_string()));
        tree
    }

    #[test]
    fn the_grouping_does_not_depend_on_the_order_of_arrival() {
        for order in [[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0], [3, 0, 6, 2, 5, 1, 4]] {
            let tree = tree(&order, &[]);
            assert_eq!(tree.nodes.len(), 3);
            assert_eq!(tree.finish().as_deref(), Some("((((01)(23))(45))6)"));
        }
    }

    /// Nodes made apart, in any pieces, with cuts or without, are merged into the same tree.
    #[test]
    fn pieces_make_the_same_tree() {
        let whole = tree(&(0..13).collect::<Vec<_>>(), &[]).finish();
        for (split, cuts) in [(5, vec![]), (8, vec![3, 4]), (1, vec![1, 2, 12])] {
            let pieces = [tree(&(0..split).collect::<Vec<_>>(), &cuts), tree(&(split..13).collect::<Vec<_>>(), &cuts)];
            let mut joined = Tree::new();
            for piece in pieces.into_iter().rev() {
                piece.nodes.into_iter().for_each(|(node, value)| joined.insert(node, value));
            }
            assert_eq!(joined.finish(), whole);
        }
    }

    #[test]
    fn no_node_reaches_across_a_cut_and_what_lies_before_it_is_a_tree() {
        for cut in 1..16 {
            let divided = tree(&(0..16).collect::<Vec<_>>(), &[cut]);
            let mut before = Tree::new();
            for (node, value) in divided.nodes().filter(|(node, _)| node.first < cut) {
                assert!(node.blocks().end <= cut && !divided.is_cut(node), "{node:?}");
                before.insert(node, value.clone());
            }
            assert_eq!(before.finish(), tree(&(0..cut).collect::<Vec<_>>(), &[]).finish());
        }
    }

    #[test]
    fn a_prefix_ends_at_the_first_gap() {
        assert_eq!(tree(&[0, 1, 2, 4, 5], &[]).finish_prefix(0).as_deref(), Some("((01)2)"));
        assert_eq!(tree(&[4, 5, 6, 9], &[]).finish_prefix(4).as_deref(), Some("((45)6)"));
        assert_eq!(tree(&[1, 2], &[]).finish_prefix(0), None);
    }

    #[test]
    fn impossible_nodes_are_told() {
        assert!(Node { first: 8, height: 3 }.is_sound() && Node::block(7).is_sound());
        assert!(!Node { first: 4, height: 3 }.is_sound() && !Node { first: 0, height: 64 }.is_sound());
    }
}
