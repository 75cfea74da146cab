//! The command line from outside: the real binary, against a stand-in for JW's API and an emulator
//! of AWS.

mod doctor;
mod drill;
mod keeping;
mod recovering;
mod rotating;
mod sending;
mod changing;
mod creating;
mod files;
mod keeping;
mod listing;
mod support;
mod tailing;
mod verifying;
