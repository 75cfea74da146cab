//! A Lambda function that answers 200 and does nothing: what `make bench` sets beside the forwarder, to show what of a
//! figure is Lambda's runtime.

use std::convert::Infallible;

use lambda_http::{Body, Error, Request, Response, run, service_fn};

/// Answers.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(Body::Empty)) })).await
}
