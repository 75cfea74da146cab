//! SQS may be slow, throttle, reset connections, send wrong answers, reject calls or be unreachable.
//! Even then no valid event gets a 4xx, every event with a 2xx is in the queue, and every verified
//! event that could not be queued is in the log exactly once.

mod advice;
mod passing;
mod staying;
