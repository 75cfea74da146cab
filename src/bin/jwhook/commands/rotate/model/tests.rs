//! What the search finds.

use super::search::explore;
use super::*;

const TIMES: Times =
    Times { ttl: 2, pause: 1, lag: 1, delay: 1, count_lag: 0, settle: 2, overlap: 2, grace: 3 };

#[test]
fn measure() {
    for (command, operators, places) in [
        (Command::Create, 1, 1),
        (Command::Create, 1, 2),
        (Command::Create, 2, 1),
        (Command::Create, 2, 2),
        (Command::Rotate, 1, 1),
        (Command::Rotate, 1, 2),
        (Command::Rotate, 2, 1),
        (Command::Rotate, 2, 2),
    ] {
        let began = std::time::Instant::now();
        let found = explore(&Model::new(command, TIMES, operators, places));
        eprintln!("{command:?} {operators} {places}: {} {:?}", found.states, began.elapsed());
        if let Some((fault, trace)) = found.fault {
            eprintln!("{fault:?}\n{trace}");
        }
    }
}
