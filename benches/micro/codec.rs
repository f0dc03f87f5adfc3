//! Encoding and decoding of each message for a read and for an update, by size of record and of
//! batch.

use std::fmt::Debug;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use protocol::entry::Answer;
use protocol::frame;
use protocol::id::{PartitionId, Seq};
use protocol::message::{
    Action, CallId, CopyMessage, Data, FromNode, Operation, RecordRow, Reply, Request, Rows,
    ToNode, Update,
};
use protocol::precondition::Precondition;
use protocol::version::{Version, Versions};
use protocol::view::{Member, View};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::samples::{
    BATCHES, EPOCH, RECORD_BYTES, both, entry, position, record, request_id, ring, user, user_id,
};

const USED: Version = Versions::SPOKEN.highest;

pub(crate) fn bench(criterion: &mut Criterion) {
    let view = both(&ring(3), 0);
    for batch in BATCHES {
        measure(criterion, "read", batch, 0, |call| request(call, Operation::Read(user_id(call))));
        measure(criterion, "durable", batch, 0, |seq| CopyMessage::Durable {
            session: 1,
            seq: Seq(seq),
            data: seq,
            written: Seq(seq + 1),
        });
        for bytes in RECORD_BYTES {
            measure(criterion, "create", batch, bytes, |call| request(call, creation(call, bytes)));
            measure(criterion, "found", batch, bytes, |call| FromNode::Reply {
                call: CallId(call),
                reply: Reply::Done(Answer::Found {
                    position: position(call),
                    record: record(call, bytes),
                }),
            });
        }
    }
    // One message with the whole batch.
    for (batch, bytes) in BATCHES.into_iter().flat_map(|batch| RECORD_BYTES.map(|b| (batch, b))) {
        let entries = (1..=batch).map(|seq| entry(seq, bytes)).collect();
        let append = Data::Append { previous: position(0), entries };
        measure_frame(criterion, "append", batch, bytes, &[data(view, append)]);
        let row = |seq| RecordRow {
            id: user_id(seq),
            position: position(seq),
            record: record(seq, bytes),
        };
        let rows = Rows::Records((1..=batch).map(row).collect());
        let chunk = Data::Chunk { rows, then: None };
        measure_frame(criterion, "chunk", batch, bytes, &[data(view, chunk)]);
    }
}

fn request(call: u64, operation: Operation) -> ToNode {
    ToNode::Request(Request {
        call: CallId(call),
        partition: PartitionId(0),
        member: Member::Home,
        epoch: EPOCH,
        operation,
    })
}

fn creation(call: u64, bytes: usize) -> Operation {
    let action = Action::Create { user: user(call, bytes), precondition: Precondition::NONE };
    Operation::Update(Update { request: request_id(call), unsettled_from: call, action })
}

fn data(view: View, data: Data) -> CopyMessage {
    CopyMessage::Data { session: 1, view, data }
}

/// Measures a frame with a batch of messages.
fn measure<M>(
    criterion: &mut Criterion,
    name: &str,
    batch: u64,
    bytes: usize,
    message: impl Fn(u64) -> M,
) where
    M: Serialize + DeserializeOwned + Debug,
{
    let messages = (1..=batch).map(message).collect::<Vec<_>>();
    measure_frame(criterion, name, batch, bytes, &messages);
}

fn measure_frame<M>(criterion: &mut Criterion, name: &str, batch: u64, bytes: usize, messages: &[M])
where
    M: Serialize + DeserializeOwned + Debug,
{
    let mut group = criterion.benchmark_group(format!("codec/{name}"));
    group.throughput(Throughput::Elements(batch));
    let parameters = format!("{batch} of {bytes} bytes");
    let encode = || frame::encode(USED, black_box(messages)).expect("it is valid");
    let encoded = encode();
    group.bench_function(BenchmarkId::new("encode", &parameters), |bencher| bencher.iter(encode));
    group.bench_function(BenchmarkId::new("decode", &parameters), |bencher| {
        bencher.iter(|| frame::decode::<M>(USED, black_box(&encoded)));
    });
    group.finish();
}
