//! Tests of the command line from outside: the real binary, against a stand-in for JW's API and an
//! emulator of AWS.

mod certificates;
mod changing;
mod creating;
mod doctor;
mod drill;
mod files;
mod held_keys;
mod keeping;
mod listing;
mod meanwhile;
mod missing;
mod recovering;
mod rotating;
mod sending;
mod support;
mod tailing;
mod verifying;
