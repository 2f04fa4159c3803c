//! Work that wants the processor, on all of its cores and off the threads that wait for the store.

use std::panic::resume_unwind;

use rayon::prelude::*;

/// So little work is done where it is: to hand it over would take longer.
const LITTLE: usize = 8;

/// Does one thing to each of many, and gives the results in their order.
pub(super) async fn in_parallel<W, R>(work: Vec<W>, act: impl Fn(W) -> R + Send + Sync + 'static) -> Vec<R>
where
    W: Send + 'static,
    R: Send + 'static,
{
    if work.len() <= LITTLE {
        return work.into_iter().map(act).collect();
    }
    let on_all_cores = move || work.into_par_iter().map(act).collect();
    match tokio::task::spawn_blocking(on_all_cores).await {
        Ok(done) => done,
        Err(failed) => resume_unwind(failed.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_come_in_the_order_of_the_work_however_much_there_is() {
        for count in [0, 1, LITTLE, LITTLE + 1, 1_000, 1_001] {
            let done = in_parallel((0..count).collect(), |number| number * 2).await;
            assert_eq!(done, (0..count).map(|number| number * 2).collect::<Vec<_>>());
        }
    }
}
