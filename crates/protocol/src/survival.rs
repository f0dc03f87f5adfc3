//! Tests of the values sent or stored as JSON: hellos, and values kept by nodes in a form
//! readable for people. Each must survive the JSON unchanged. The messages of frames are tested
//! beside [`frame`](crate::frame).

use std::fmt::Debug;

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame;
use crate::hello::{GatewayPeer, Hello, Membership, NodePeer, Secret};
use crate::message::{Cursor, Operation, Request, ToNode};
use crate::user::{Email, Name, UserId};
use crate::version::Versions;
use crate::view::View;

fn secret() -> Secret {
    Secret::new("correct horse").expect("it is long enough")
}

/// The role read by a peer from the text of a hello.
fn understood<Role: Serialize + DeserializeOwned>(role: Role) -> Role {
    let text = serde_json::to_string(&Hello::new(secret(), role)).expect("it serialises");
    let auth = serde_json::from_str(&text).expect("it is JSON");
    Hello::authenticate(&auth, &secret()).expect("it is let in").role
}

fn survives_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: T,
) -> Result<(), TestCaseError> {
    let text = serde_json::to_string(&value).expect("it serialises");
    prop_assert_eq!(serde_json::from_str::<T>(&text).map_err(|error| error.to_string()), Ok(value));
    Ok(())
}

proptest! {
    #[test]
    fn the_hello_of_a_node_or_an_observer_is_understood(role: GatewayPeer) {
        match (role.clone(), understood(role)) {
            (GatewayPeer::Node(said), GatewayPeer::Node(heard)) => prop_assert_eq!(said, heard),
            (GatewayPeer::Observer, GatewayPeer::Observer) => {}
            (said, heard) => prop_assert!(false, "{:?} is understood as {:?}", said, heard),
        }
    }

    #[test]
    fn the_hello_of_a_neighbour_is_understood(role: NodePeer) {
        let (NodePeer::Home(said), NodePeer::Home(heard)) = (role.clone(), understood(role));
        prop_assert_eq!(said, heard);
    }

    #[test]
    fn what_is_kept_as_json_survives_it(
        view: View, membership: Membership, cursor: Cursor, id: UserId, name: Name, email: Email,
    ) {
        survives_json(view)?;
        survives_json(membership)?;
        survives_json(cursor)?;
        survives_json((id, name, email))?;
    }

    #[test]
    fn a_request_is_far_smaller_than_a_frame(request: Request) {
        let is_read = matches!(request.operation, Operation::Read(_));
        let frame = frame::encode(Versions::SPOKEN.highest, &[ToNode::Request(request)]).expect("it serialises");
        prop_assert!(frame.len() <= if is_read { 256 } else { 8_192 }, "{} bytes", frame.len());
    }
}
