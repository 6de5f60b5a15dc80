use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tests::cases;

fn node(id: u64, parent: u64, own: Option<u64>) -> Node<u64> {
    Node { id: SpanId::from(id), parent: SpanId::from(parent), own }
}

/// Any forest, in any order: a parent is an earlier span, none, or one that is not there.
fn forest() -> impl Strategy<Value = Vec<Node<u64>>> {
    let own = prop_oneof![2 => Just(None), 1 => (1..100_u64).prop_map(Some)];
    let parts = vec((any::<prop::sample::Index>(), 0..8_u8, own), 0..24);
    let nodes = parts.prop_map(|parts| {
        let mut nodes = Vec::new();
        for (id, (index, kind, own)) in (1..).zip(parts) {
            let parent = match kind {
                0 => 0,
                1 => 1_000 + id,
                _ if nodes.is_empty() => 0,
                _ => 1 + index.index(nodes.len()) as u64,
            };
            nodes.push(node(id, parent, own));
        }
        nodes
    });
    nodes.prop_shuffle()
}

/// The definition: from each root down, a span that reports something is counted, and nothing below.
fn defined(nodes: &[Node<u64>]) -> Option<u64> {
    fn below(nodes: &[Node<u64>], node: &Node<u64>) -> Option<u64> {
        let children = nodes.iter().filter(|child| child.parent == node.id);
        node.own.or_else(|| children.filter_map(|child| below(nodes, child)).reduce(|a, b| a + b))
    }
    let is_root = |node: &&Node<u64>| !nodes.iter().any(|other| other.id == node.parent);
    let roots = nodes.iter().filter(is_root);
    roots.filter_map(|root| below(nodes, root)).reduce(|a, b| a + b)
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn it_is_what_the_recursive_definition_says(nodes in forest()) {
        prop_assert_eq!(total(&nodes, |a, b| a + b), defined(&nodes));
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_spans_is_no_trouble() {
    let mut chain: Vec<_> = (1..=100_000).map(|id| node(id, id - 1, None)).collect();
    chain[0].own = Some(7);
    chain[99_999].own = Some(5);
    assert_eq!(total(&chain, |a, b| a + b), Some(7));
    chain.reverse();
    assert_eq!(total(&chain, |a, b| a + b), Some(7));
}

#[test]
fn ids_in_a_circle_end() {
    let circle = [node(1, 2, None), node(2, 1, None), node(3, 2, Some(3)), node(4, 4, Some(4))];
    assert_eq!(total(&circle, |a, b| a + b), Some(3));
}
