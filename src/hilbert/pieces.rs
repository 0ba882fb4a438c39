//! Work on large kets in pieces: threads that have nothing else to do take some of them.

/// Cells up to which nothing is divided: some ten microseconds of work, many times what dividing costs.
const PIECE: usize = 1 << 16;

/// Calls `work` on pieces of `parts`, which are equally long, with the cell where the pieces begin, a multiple of `unit`.
///
/// Every cell must come out the same however they are divided: there are about as many pieces as the pool has threads, fewer of small
/// parts, and they stay with this thread when the others are busy.
pub fn in_pieces<const N: usize>(parts: [&mut [f64]; N], unit: usize, work: &(impl Fn(usize, [&mut [f64]; N]) + Sync)) {
    let cells = parts.first().map_or(0, |part| part.len());
    if cells <= PIECE {
        return work(0, parts);
    }
    divide(0, parts, unit, PIECE.max(cells.div_ceil(rayon::current_num_threads())), work);
}

fn divide<const N: usize>(
    start: usize,
    parts: [&mut [f64]; N],
    unit: usize,
    most: usize,
    work: &(impl Fn(usize, [&mut [f64]; N]) + Sync),
) {
    let cells = parts.first().map_or(0, |part| part.len());
    let middle = (cells / 2).next_multiple_of(unit);
    if cells <= most || middle >= cells {
        return work(start, parts);
    }
    let mut right: [&mut [f64]; N] = std::array::from_fn(|_| Default::default());
    let mut places = right.iter_mut();
    let left = parts.map(|part| {
        let (left, rest) = part.split_at_mut(middle);
        if let Some(place) = places.next() {
            *place = rest;
        }
        left
    });
    rayon::join(|| divide(start, left, unit, most, work), || divide(start + middle, right, unit, most, work));
}

#[cfg(test)]
mod tests {
    use super::in_pieces;

    #[test]
    fn every_cell_is_met_once() {
        for cells in [7, 24, 9 * 70_000] {
            let (mut a, mut b) = (vec![0.0; cells], vec![1.0; cells]);
            let unit = if cells == 7 { 7 } else { 24 };
            in_pieces([&mut a, &mut b], unit, &|start, [a, b]| {
                assert_eq!((start % unit, a.len()), (0, b.len()));
                for (i, (a, b)) in a.iter_mut().zip(b).enumerate() {
                    *a += (start + i) as f64;
                    *b += 1.0;
                }
            });
            assert!(a.iter().enumerate().all(|(i, a)| *a == i as f64) && b.iter().all(|b| *b == 2.0));
        }
    }
}
