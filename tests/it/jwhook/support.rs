//! What the tests of the command line share: JW's API, an AWS account with a stack, and the binary.

mod account;
mod command;
mod deployment;
mod endpoint;
mod jw_api;
mod jw_media;
mod ministack;
mod server;

pub use crate::support::TestFile;
pub use account::{Account, QueueType};
pub use command::{API_SECRET, Jwhook, Ran};
pub use endpoint::Endpoint;
pub use jw_api::{Call, FUNCTION_URL, JwApi, WEBHOOK_URL, webhook};
pub use jw_media::{medium, written};
pub use server::{Meet, Until};
