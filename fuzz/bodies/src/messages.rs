//! Frames and hellos.

use std::fmt::Debug;

use proptest::arbitrary::{Arbitrary, any};
use proptest::collection::vec;
use protocol::frame::{decode, encode};
use protocol::hello::{GatewayPeer, Hello, NodePeer, Secret};
use protocol::message::{CopyMessage, FromNode, ToNode};
use protocol::version::{Version, Versions};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::draw::draw;

/// Reads a frame of one kind of link, or an `auth`; or draws messages for such a frame. The
/// first byte chooses.
///
/// Encoding the decoded messages and decoding them again must give the same messages.
pub fn messages(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind {
        0 => frame::<ToNode>(data),
        1 => frame::<FromNode>(data),
        2 => frame::<CopyMessage>(data),
        3 => drawn::<ToNode>(data),
        4 => drawn::<FromNode>(data),
        5 => drawn::<CopyMessage>(data),
        6 => hello::<GatewayPeer>(data),
        _ => hello::<NodePeer>(data),
    }
}

fn frame<M: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) {
    // The frame names its own version. So an input found with frames of one version is useful
    // with frames of another.
    let Some((version, _)) = data.split_first_chunk() else { return };
    if let Ok(messages) = decode::<M>(Version(u16::from_be_bytes(*version)), data) {
        same(messages);
    }
}

fn drawn<M: Arbitrary + Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) {
    // A few messages are enough: a defect is within one message, or between two of them.
    if let Some(messages) = draw(&vec(any::<M>(), 1..4), data) {
        same(messages);
    }
}

fn same<M: Serialize + DeserializeOwned + PartialEq + Debug>(messages: Vec<M>) {
    if !messages.is_empty() {
        let version = Versions::SPOKEN.highest;
        let frame = encode(version, &messages).expect("messages serialise");
        assert_eq!(decode(version, &frame), Ok(messages));
    }
}

fn hello<Role: DeserializeOwned>(data: &[u8]) {
    let secret = Secret::new("0123456789abcdef").expect("long enough");
    if let Ok(auth) = serde_json::from_slice(data) {
        let _ = Hello::<Role>::authenticate(&auth, &secret);
    }
}
