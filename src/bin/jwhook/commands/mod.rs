//! The commands, one module for each.

pub mod create;
pub mod delete;
pub mod doctor;
pub mod files;
pub mod list;
pub mod man;
pub mod missed;
pub mod recover;
pub mod rotate;
pub mod send;
pub mod show;
pub mod tail;
pub mod update;
pub mod verify;
