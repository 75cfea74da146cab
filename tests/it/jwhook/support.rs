//! What the command line's tests need: JW's API, an AWS account with a stack in it, and the binary.

mod account;
mod command;
mod endpoint;
mod file;
mod jw_api;
mod ministack;
mod server;

pub use account::{Account, QueueType};
pub use command::{API_SECRET, Jwhook, Ran};
pub use endpoint::Endpoint;
pub use file::TestFile;
pub use jw_api::{Call, JwApi, WEBHOOK_URL, webhook};
pub use server::{Meet, Until};
