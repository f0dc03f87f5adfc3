//! The controller's file.

use gateway::state;
use protocol::id::{ClusterId, GatewayBoot};
use ring_core::gateway::{Gateway, GatewaySettings};
use ring_core::time::Time;
use uuid::Uuid;

/// Reads a file, and starts a gateway from it if it is valid.
///
/// Writing a parsed state and parsing it again must give the same state.
pub fn state(data: &[u8]) {
    let Ok(found) = state::parse(data) else { return };
    assert_eq!(state::parse(&state::to_text(&found)), Ok(found.clone()));
    if let Ok(ring) = found.validate() {
        let (boot, cluster) = (GatewayBoot(Uuid::nil()), ClusterId(Uuid::nil()));
        let settings = GatewaySettings::default();
        let gateway = Gateway::recovered(ring, boot, cluster, Some(found), &settings, Time::ZERO);
        assert!(gateway.is_ok(), "a state that is valid is one to go on from");
    }
}
