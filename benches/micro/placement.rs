//! Finding the partition of a user, by size of the ring.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};

use crate::samples::{ring, user_id};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("placement");
    for size in [2, 3, 5, 7, 1024] {
        let (ring, id) = (ring(size), user_id(4711));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| ring.partition_of(black_box(&id)));
        });
    }
    group.finish();
}
