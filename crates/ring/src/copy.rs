//! The two copies of a node, and what they have in common.
//!
//! | module | owns |
//! |---|---|
//! | [`replica`] | what a copy is, whichever it is: made of the five below |
//! | [`acting`] | the view that a copy acts on, and the one it is storing |
//! | [`tail`] | entries that are not committed yet |
//! | [`release`] | answers that wait for their position to be committed |
//! | [`applied`] | the table of applied request ids |
//! | [`durability`] | which entry a sync has covered |
//! | [`home`], [`next`] | the two kinds of copies |

pub(crate) mod acting;
pub(crate) mod applied;
pub(crate) mod context;
pub(crate) mod durability;
pub mod home;
pub mod next;
pub(crate) mod release;
pub(crate) mod replica;
pub(crate) mod tail;
