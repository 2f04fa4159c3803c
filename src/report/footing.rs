//! Tables that foot both ways as they are printed: every row in itself, and every column to a total that stands
//! elsewhere in the report (R1).

/// Rows of which each is rounded to units and foots, moved so that each column comes to its total as well.
///
/// In a row, what it ends with counts against it, so that a row that foots sums to zero; so do the totals. `exact` is
/// what the rows are finely. A column's lack is made up in the rows whose amounts it moves least from what they are;
/// amounts of whole units stay as they are where others can take it.
pub(super) fn both_ways(
    exact: &[Vec<i128>],
    mut rounded: Vec<Vec<i128>>,
    unit: i128,
    totals: &[i128],
) -> Vec<Vec<i128>> {
    if rounded.is_empty() {
        return rounded;
    }
    let column = |(at, total): (usize, &i128)| total - rounded.iter().map(|row| row[at]).sum::<i128>();
    let mut lacks: Vec<i128> = totals.iter().enumerate().map(column).collect();
    while let Some((up, down)) = most_lacking(&lacks) {
        let mut rows: Vec<usize> = (0..rounded.len()).collect();
        rows.sort_by_key(|row| {
            let strain = |at: usize, by| strain(exact[*row][at], rounded[*row][at], by, unit);
            strain(up, 1) + strain(down, -1)
        });
        let many = usize::try_from(lacks[up].min(-lacks[down])).unwrap_or(usize::MAX);
        for row in rows.into_iter().take(many) {
            rounded[row][up] += 1;
            rounded[row][down] -= 1;
            lacks[up] -= 1;
            lacks[down] += 1;
        }
    }
    rounded
}

/// The column that lacks most, and the one that has most too much; `None` where either is missing.
fn most_lacking(lacks: &[i128]) -> Option<(usize, usize)> {
    let up = (0..lacks.len()).max_by_key(|at| lacks[*at]).filter(|at| lacks[*at] > 0)?;
    let down = (0..lacks.len()).min_by_key(|at| lacks[*at]).filter(|at| lacks[*at] < 0)?;
    Some((up, down))
}

/// How much farther from what it is an amount goes by a unit; far more where it is of whole units.
fn strain(exact: i128, rounded: i128, by: i128, unit: i128) -> i128 {
    let off = |rounded: i128| (rounded * unit - exact).abs();
    let whole = if exact % unit == 0 { 4 * unit } else { 0 };
    let nothing = if exact == 0 { 4 * unit } else { 0 };
    off(rounded + by) - off(rounded) + whole + nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::scale::largest_remainder;
    use proptest::prelude::*;

    #[test]
    fn thirds_that_change_places_take_the_unit_that_the_total_has() {
        // Three rows of a third each, at the start and at the end: both totals are one whole unit.
        let exact = vec![vec![333_333, 0, -333_333], vec![333_333, 0, -333_333], vec![333_334, 0, -333_334]];
        let printed = both_ways(&exact, vec![vec![0, 0, 0]; 3], 1_000_000, &[1, 0, -1]);
        assert_eq!(printed, [vec![0, 0, 0], vec![0, 0, 0], vec![1, 0, -1]]);
    }

    proptest! {
        #[test]
        fn rows_and_columns_foot_and_no_amount_is_two_units_off(
            rows in prop::collection::vec(prop::collection::vec(-3_000_000_i128..3_000_000, 4), 1..30),
            whole in prop::collection::vec(any::<bool>(), 30),
        ) {
            const UNIT: i128 = 1_000_000;
            let exact: Vec<Vec<i128>> = rows
                .iter()
                .zip(whole)
                .map(|(row, is_whole)| {
                    let row = row.iter().map(|amount| if is_whole { amount / UNIT * UNIT } else { *amount });
                    let mut row: Vec<i128> = row.collect();
                    row.push(-row.iter().sum::<i128>());
                    row
                })
                .collect();
            let sums: Vec<i128> = (0..5).map(|at| exact.iter().map(|row| row[at]).sum()).collect();
            let totals = largest_remainder(&sums, UNIT, 0);
            let apart: Vec<Vec<i128>> = exact.iter().map(|row| largest_remainder(row, UNIT, 0)).collect();
            let printed = both_ways(&exact, apart, UNIT, &totals);
            for (row, exact) in printed.iter().zip(&exact) {
                prop_assert_eq!(row.iter().sum::<i128>(), 0);
                for (units, exact) in row.iter().zip(exact) {
                    prop_assert!((units * UNIT - exact).abs() < 2 * UNIT, "{} is not {}", units, exact);
                }
            }
            for (at, total) in totals.iter().enumerate() {
                prop_assert_eq!(printed.iter().map(|row| row[at]).sum::<i128>(), *total);
            }
        }
    }
}
