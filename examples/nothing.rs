//! A Lambda function that answers 200 and does nothing. `make bench` measures it beside the forwarder, to show how much
//! of each value is due to Lambda's runtime. It reads the event as JSON text, as the forwarder does.

use std::convert::Infallible;

use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use serde_json::json;
use serde_json::value::RawValue;

/// Answers 200 to every event.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let answer =
        async |_: LambdaEvent<Box<RawValue>>| Ok::<_, Infallible>(json!({ "statusCode": 200 }));
    Runtime::new(service_fn(answer)).run_concurrent().await
}
