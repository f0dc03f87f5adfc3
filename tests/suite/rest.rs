//! REST: every call and every error, as HTTP clients see them.
//!
//! | module | what it shows |
//! |---|---|
//! | [`users`] | the four calls |
//! | [`ids`] | which ids there are, how paths name them, and those that the gateway makes |
//! | [`preconditions`] | `ETag`, `If-Match` and `If-None-Match` |
//! | [`bodies`] | what is read of a body: its type, its size, its JSON |
//! | [`fields`] | each fault of a field is named |
//! | [`texts`] | names and addresses in any script come back as they were sent |
//! | [`routes`] | paths and methods |
//! | [`cluster`] | what the gateway tells of itself, also before there is a cluster |
//! | [`lost`] | what an operator reads and does when data is lost for good |
//! | [`served_by`] | which copy answers, where that is shown |
//! | [`metrics`] | the formats of metrics |
//! | [`unavailable`] | what is certainly not done, and what is not known |

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
