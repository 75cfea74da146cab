//! With SQS slow, throttling, resetting, lying, refusing or gone, no good event gets a 4xx, every
//! 2xx is in the queue, and a verified event that could not be queued is in the log once.

mod advice;
mod passing;
mod staying;
