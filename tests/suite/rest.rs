//! REST: every call and every error, as HTTP clients see them.
//!
//! | module | shows |
//! |---|---|
//! | [`users`] | the four calls |
//! | [`ids`] | valid ids, ids in paths, and ids made by the gateway |
//! | [`preconditions`] | `ETag`, `If-Match` and `If-None-Match` |
//! | [`bodies`] | reading a body: its type, its size, its JSON |
//! | [`fields`] | each fault of a field is named |
//! | [`texts`] | names and addresses in any script come back unchanged |
//! | [`routes`] | paths and methods |
//! | [`cluster`] | the gateway's account of itself, also before there is a cluster |
//! | [`lost`] | an operator's view and command when data is lost for good |
//! | [`served_by`] | the answering copy, where it is shown |
//! | [`metrics`] | the formats of metrics |
//! | [`unavailable`] | requests certainly not done, and those with an unknown outcome |

mod bodies;
mod client;
mod cluster;
mod fields;
mod ids;
mod lost;
mod metrics;
mod preconditions;
mod raw;
mod routes;
mod served_by;
mod shared;
mod texts;
mod unavailable;
mod users;
