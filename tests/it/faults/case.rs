//! Requests from JW and from others, each with the only allowed result.

use super::event::Event;
use crate::support::{Delivery, Message, OTHER_SECRET, Random, SECRET, millis, sign, token};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::time::Duration;

/// The webhook that exists from the beginning, and the webhook that a rotation adds.
pub const WEBHOOK: &str = "7Rav0hC5";
pub const NEW_WEBHOOK: &str = "c0Y6ebVU";

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const ATTACKERS_KEY: &str = "a key that an attacker made up, long enough";

/// The settings that a schedule uses for all its requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    pub fifo: bool,
    pub ring: bool,
    /// Whether a new webhook's key is added to the ring during the schedule.
    pub rotation: bool,
    /// Whether the new webhook sends as soon as its key is in the ring. In such a schedule, no
    /// earlier request may cause a recheck, because in the pause after a recheck the function
    /// refuses the new webhook's events.
    pub at_once: bool,
}

#[derive(Clone)]
pub struct Case {
    pub delivery: Delivery,
    /// Lambda's timeout for this request.
    pub within: Duration,
    /// Whether the request must wait until the new webhook's key is in the ring.
    pub after_rotation: bool,
    pub outcome: Outcome,
}

/// The allowed result of a request.
#[derive(Clone)]
pub enum Outcome {
    /// Queued as this message. During a fault, answered 503 instead.
    Queued(Message),
    /// Refused with this verdict. If the verdict needs the secret and no secret is available,
    /// answered 503.
    Refused { verdict: &'static str, takes_secret: bool },
}

impl Outcome {
    /// Whether the function needs the secret to decide about this request.
    pub fn takes_secret(&self) -> bool {
        matches!(self, Outcome::Queued(_) | Outcome::Refused { takes_secret: true, .. })
    }

    /// Whether the request is refused because no key in the ring signed it.
    pub fn is_forged(&self) -> bool {
        const FORGED: [&str; 2] = ["401 webhook_unknown", "401 signature_invalid"];
        matches!(self, Outcome::Refused { verdict, .. } if FORGED.contains(verdict))
    }
}

impl Case {
    /// The request with this number. Three in four requests are JW's. `rotated` says that the
    /// request comes after the rotation.
    pub fn generate(setting: Setting, number: usize, rotated: bool, random: &mut Random) -> Self {
        let after_rotation = setting.rotation && rotated && random.one_in(2);
        let by_new = setting.ring && (after_rotation || (!setting.rotation && random.one_in(2)));
        let event = Event::generate(number, if by_new { NEW_WEBHOOK } else { WEBHOOK }, random);
        // Enough time for a retry after a call that hangs, plus the second that the function
        // reserves for its answer. An event signed with a new webhook's key also needs time to wait
        // for the secret and for another fetch.
        let within = if after_rotation { 6_000 } else { *random.pick(&[2_000, 2_500, 3_000]) };
        let within = millis(within);
        if random.one_in(4) {
            let mut refused = refused(setting, &event, random);
            if setting.at_once && refused.rechecks && !rotated {
                refused = without_authorization(&event);
            }
            let Refused { delivery, verdict, takes_secret, rechecks } = refused;
            let after_rotation = after_rotation || setting.at_once && rechecks;
            let outcome = Outcome::Refused { verdict, takes_secret };
            return Self { delivery, within, after_rotation, outcome };
        }
        let outcome = Outcome::Queued(event.message(setting));
        Self { delivery: event.delivery(random), within, after_rotation, outcome }
    }

    /// A request from JW with the longest timeout.
    pub fn plain(setting: Setting, number: usize, random: &mut Random) -> Self {
        let event = Event::generate(number, WEBHOOK, random);
        let outcome = Outcome::Queued(event.message(setting));
        let delivery = event.delivery(random);
        Self { delivery, within: millis(15_000), after_rotation: false, outcome }
    }
}

/// A request that somebody else sent, or that somebody changed after JW sent it.
struct Refused {
    delivery: Delivery,
    verdict: &'static str,
    takes_secret: bool,
    /// Whether the request makes the function fetch the secret again.
    rechecks: bool,
}

fn refused(setting: Setting, event: &Event, random: &mut Random) -> Refused {
    let (claims, key) = (event.claims(), event.key());
    let good = Delivery::signed(&claims, key);
    let signed = token(HEADER, &claims, key);
    let parts: Vec<_> = signed.split('.').collect();
    let of_another = event.with("media_id", "another0").claims();
    let unknown = if setting.ring { "401 webhook_unknown" } else { "401 signature_invalid" };
    let twice = claims.replacen('{', r#"{"event":"media_deleted","#, 1);
    let unreadable = if setting.ring { unknown } else { "401 claims_malformed" };
    let forged =
        |delivery, verdict| Refused { delivery, verdict, takes_secret: true, rechecks: true };
    let changed =
        |delivery, verdict| Refused { delivery, verdict, takes_secret: true, rechecks: false };
    let malformed =
        |delivery, verdict| Refused { delivery, verdict, takes_secret: false, rechecks: false };
    match random.below(14) {
        0 => forged(Delivery::signed(claims, ATTACKERS_KEY), "401 signature_invalid"),
        1 => {
            let claims = event.with("webhook_id", "unknown0").claims();
            forged(Delivery::signed(claims, ATTACKERS_KEY), unknown)
        }
        2 => {
            let exchanged = BASE64_URL_SAFE_NO_PAD.encode(&of_another);
            let token = format!("{}.{exchanged}.{}", parts[0], parts[2]);
            forged(good.token(&token).body(of_another), "401 signature_invalid")
        }
        3 => {
            let of_the_other_webhook = if key == SECRET { OTHER_SECRET } else { SECRET };
            forged(Delivery::signed(claims, of_the_other_webhook), "401 signature_invalid")
        }
        4 if setting.ring => forged(Delivery::signed(&twice, key), unreadable),
        4 => changed(Delivery::signed(&twice, key), unreadable),
        5 => changed(good.body(of_another), "401 body_mismatch"),
        6 => changed(good.body(&claims[1..]), "400 body_malformed"),
        7 => {
            let expired = claims.replacen('{', r#"{"exp":1700000000,"#, 1);
            changed(Delivery::signed(expired, key), "401 claims_not_valid")
        }
        8 => {
            let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
            let input = format!("{none}.{}", parts[1]);
            let token = format!("{input}.{}", sign(&input, key));
            malformed(good.token(&token), "401 algorithm_not_allowed")
        }
        9 => malformed(good.token(&format!("{signed}=")), "401 authorization_malformed"),
        10 => malformed(good.token(&parts[..2].join(".")), "401 token_malformed"),
        11 => malformed(good.method("GET"), "405 method_not_allowed"),
        12 => {
            malformed(good.header("content-encoding", "gzip"), "415 content_encoding_unsupported")
        }
        _ => without_authorization(event),
    }
}

fn without_authorization(event: &Event) -> Refused {
    let delivery = Delivery::signed(event.claims(), event.key()).without_header("authorization");
    Refused { delivery, verdict: "401 authorization_missing", takes_secret: false, rechecks: false }
}
