//! Settings: the times and sizes of every link.

use std::time::Duration;

use port::TIME_MAX;
use protocol::frame::FRAME_BYTES_FULL;

use crate::reason::CloseReason;

/// The times and sizes of a link. Both ends should have the same heartbeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The time between two pings of the server end. Whole milliseconds, because engine.io
    /// announces it in milliseconds. 500 ms by default.
    pub heartbeat_interval: Duration,
    /// How long the server end waits for the answer to a ping, and the client end for an
    /// overdue ping. Whole milliseconds. 1 s by default.
    pub heartbeat_timeout: Duration,
    /// The longest time until the peer is admitted. The server end counts from the moment of
    /// accepting the connection, the client end from the moment of dialling. 2 s by default.
    pub connect_deadline: Duration,
    /// The longest time for a write without progress, and for an orderly close. 2 s by default.
    pub write_deadline: Duration,
    /// The size at which a frame is full, in bytes: the next message begins another one.
    /// [`FRAME_BYTES_FULL`] by default.
    pub frame_bytes_full: usize,
    /// How many bytes a [`Sender`](crate::Sender) holds for a peer that reads more slowly than
    /// this side sends; over the limit the link closes. Counted in frames: a growing frame
    /// counts once it is full or taken. At least four full frames. 16 MiB by default.
    pub queue_bytes_max: usize,
    /// How many packets may wait for a peer at the server end. An [`Observer`](crate::Observer)
    /// with more is dropped. A link never has as many, because it counts bytes. At least
    /// [`OBSERVER_PACKETS_LEAST`](Self::OBSERVER_PACKETS_LEAST). 128 by default.
    pub observer_packets_max: usize,
    /// How many times to yield before writing a frame, so that more messages join it. A yield
    /// takes up to a microsecond if no other task is ready, and a frame costs both ends some
    /// twenty. 1 by default.
    pub turns_before_frame: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_millis(500),
            heartbeat_timeout: Duration::from_secs(1),
            connect_deadline: Duration::from_secs(2),
            write_deadline: Duration::from_secs(2),
            frame_bytes_full: FRAME_BYTES_FULL,
            queue_bytes_max: 16 << 20,
            observer_packets_max: 128,
            turns_before_frame: 1,
        }
    }
}

/// Settings outside of their limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// A time of less than a millisecond.
    #[error("the link's {0} is below a millisecond: make it longer")]
    TooShort(&'static str),
    /// A time of more than an hour.
    #[error("the link's {0} is above an hour: make it shorter")]
    TooLong(&'static str),
    /// A queue too small for a few frames.
    #[error(
        "the link's queue of {got} bytes is too small for its frames: give it at least {least}"
    )]
    QueueTooSmall {
        /// The size of the queue, in bytes.
        got: usize,
        /// The least size of the queue, in bytes.
        least: usize,
    },
    /// A queue too small for the packets sent at once.
    #[error(
        "{0} packets for an observer are too few: allow {least} at least",
        least = Settings::OBSERVER_PACKETS_LEAST
    )]
    ObserverPacketsTooFew(usize),
}

impl Settings {
    /// A queue has room for this many full frames. The last one may be some messages larger.
    const FRAMES_QUEUED_LEAST: usize = 4;

    /// A queue of packets has room for pings and frames of links too.
    pub const OBSERVER_PACKETS_LEAST: usize = 16;

    /// The longest time from a peer's death until the other end closes the link; the same for
    /// both ends.
    ///
    /// A live peer that answers but does not read is dropped by
    /// [`write_deadline`](Self::write_deadline) instead.
    pub fn detection(&self) -> Duration {
        self.heartbeat_interval.saturating_add(self.heartbeat_timeout)
    }

    /// The close reason of a peer with too many waiting packets.
    pub(crate) fn packet_queue_full(&self) -> CloseReason {
        CloseReason::QueueFull { limit: self.observer_packets_max, unit: "packets" }
    }

    /// Checks whether a link can live with these settings. Call it after reading a
    /// configuration.
    ///
    /// # Errors
    ///
    /// Names the first setting outside of its limits.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        let times = [
            ("heartbeat interval", self.heartbeat_interval),
            ("heartbeat timeout", self.heartbeat_timeout),
            ("connect deadline", self.connect_deadline),
            ("write deadline", self.write_deadline),
        ];
        for (name, time) in times {
            if time < Duration::from_millis(1) {
                return Err(InvalidSettings::TooShort(name));
            }
            if time > TIME_MAX {
                return Err(InvalidSettings::TooLong(name));
            }
        }
        let least = self.frame_bytes_full.saturating_mul(Self::FRAMES_QUEUED_LEAST);
        if self.queue_bytes_max < least {
            return Err(InvalidSettings::QueueTooSmall { got: self.queue_bytes_max, least });
        }
        if self.observer_packets_max < Self::OBSERVER_PACKETS_LEAST {
            return Err(InvalidSettings::ObserverPacketsTooFew(self.observer_packets_max));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_notice_a_dead_peer_in_a_second_and_a_half() {
        assert_eq!(Settings::default().validate(), Ok(()));
        assert_eq!(Settings::default().detection(), Duration::from_millis(1500));
    }

    #[test]
    fn a_setting_that_leaves_no_time_or_room_or_no_end_is_named() {
        let none = Settings { write_deadline: Duration::ZERO, ..Settings::default() };
        assert_eq!(none.validate(), Err(InvalidSettings::TooShort("write deadline")));
        let long = Settings { heartbeat_timeout: Duration::MAX, ..Settings::default() };
        assert_eq!(long.validate(), Err(InvalidSettings::TooLong("heartbeat timeout")));
        let small = Settings { queue_bytes_max: 1, ..Settings::default() };
        let least = 4 * FRAME_BYTES_FULL;
        assert_eq!(small.validate(), Err(InvalidSettings::QueueTooSmall { got: 1, least }));
        let few = Settings { observer_packets_max: 1, ..Settings::default() };
        assert_eq!(few.validate(), Err(InvalidSettings::ObserverPacketsTooFew(1)));
    }
}
