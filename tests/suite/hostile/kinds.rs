//! The kinds of hostile requests. Each makes a script for any route from drawn values.
//!
//! | module | owns |
//! |---|---|
//! | [`bodies`] | faults of a body: its fields, its JSON, its length |
//! | [`connections`] | the timing of sending and reading |
//! | [`frames`] | frames after a handshake at the port of links |
//! | [`heads`] | faults of a request's line and headers |
//! | [`mutations`] | random changes of all other kinds |

mod bodies;
mod connections;
mod frames;
mod heads;
mod mutations;

pub(super) use connections::first_to;

use super::random::Draw;
use super::request::Request;
use super::routes::Route;
use super::script::Script;
use crate::harness::wire::AnswerTo;

/// Makes a script for a route.
type Make = fn(&Route, &mut Draw) -> Script;

/// A kind of hostile requests.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    make: Make,
}

impl Kind {
    /// Makes a script for a route.
    pub(super) fn script(&self, route: &Route, draw: &mut Draw) -> Script {
        (self.make)(route, draw)
    }
}

const fn kind(name: &'static str, make: Make) -> Kind {
    Kind { name, make }
}

/// All kinds. The last one, [`mutations::mutated`], draws from those before it.
pub(super) const KINDS: &[Kind] = &[
    kind("huge versions", heads::huge_versions),
    kind("preconditions", heads::preconditions),
    kind("ids", heads::ids),
    kind("hosts and origins", heads::hosts),
    kind("accept", heads::accept),
    kind("methods", heads::methods),
    kind("handshakes", heads::handshakes),
    kind("queries", heads::queries),
    kind("credentials", heads::credentials),
    kind("odd heads", heads::odd_heads),
    kind("large heads", heads::large_heads),
    kind("unknown fields", bodies::unknown_fields),
    kind("addresses", bodies::addresses),
    kind("texts", bodies::texts),
    kind("numbers", bodies::numbers),
    kind("duplicates", bodies::duplicates),
    kind("nesting", bodies::nesting),
    kind("bad JSON", bodies::bad_json),
    kind("media types", bodies::media_types),
    kind("chunks", bodies::chunks),
    kind("unread bodies", bodies::unread),
    kind("half-closed", connections::half_closed),
    kind("slow readers", connections::slow_reader),
    kind("slow senders", connections::slow_sender),
    kind("idle", connections::idle),
    kind("pipelined", connections::pipelined),
    kind("cut", connections::cut),
    kind("mutated", mutations::mutated),
];

/// The script of a valid HTTP request. It must be answered.
fn answered(request: &Request) -> Script {
    Script::answered(request.bytes(), to(request))
}

fn to(request: &Request) -> AnswerTo {
    if request.is_head() { AnswerTo::Head } else { AnswerTo::Other }
}
