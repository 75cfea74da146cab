//! Everything that takes part in a rotation: JW, which sends each event to its current webhooks,
//! warm functions, the secret and the queue.

use super::sent::Sent;
use crate::jwhook::support::{Account, JwApi, Jwhook, QueueType, Until, WEBHOOK_URL, webhook};
use crate::support::{Answer, Aws, Delivery, Function, SECRET, event, millis, seconds};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The webhook to rotate.
pub const OLD: &str = "7Rav0hC5";

/// The secret's TTL in the functions.
pub const TTL: Duration = seconds(2);

/// The longest time until JW sends events to a webhook's new URL. JW may also do so at once.
const LAG: Duration = millis(500);

pub struct World {
    pub account: Account,
    pub jw: JwApi,
    pub metadata: Value,
    functions: Vec<Function>,
    aws: Aws,
    pause: Duration,
    lag: Duration,
    rechecks: usize,
}

impl World {
    /// Starts functions with this TTL, and a sender with this pause between two events.
    pub async fn start(functions: usize, ttl: Duration, pause: Duration) -> Self {
        let ring = json!({ OLD: SECRET });
        let ttl = ttl.as_secs().to_string();
        let parameters = [("SecretTtlSeconds", ttl.as_str())];
        let account = Account::with(&ring.to_string(), QueueType::Standard, &parameters).await;
        let jw = JwApi::start([webhook(OLD, "newsroom"), of_zapier()]).await;
        let metadata = webhook(OLD, "newsroom")["metadata"].clone();
        let aws = Aws::start().await;
        aws.keep(ring);
        let mut world = Self {
            account,
            jw,
            metadata,
            functions: Vec::new(),
            aws,
            pause,
            lag: LAG,
            rechecks: 4,
        };
        for _ in 0..functions {
            let mut start = Function::of(&world.aws)
                .env("QUEUE_URL", &world.account.queue_url)
                .env("WEBHOOK_SECRET_ID", &world.account.secret_arn)
                .env("SECRET_TTL_SECONDS", &ttl)
                .without("AWS_SESSION_TOKEN");
            for (name, value) in world.account.environment() {
                start = start.env(&name, &value);
            }
            world.functions.push(start.start().await);
        }
        world
    }

    /// Sets the longest time until JW sends events to a webhook's new URL.
    pub fn with_lag(mut self, lag: Duration) -> Self {
        self.lag = lag;
        self
    }

    /// Sets the number of rechecks before the rotation. Each recheck doubles the pause after it.
    pub fn with_rechecks(mut self, rechecks: usize) -> Self {
        self.rechecks = rechecks;
        self
    }

    /// `jwhook rotate` of the old webhook, with the shortest waits that are safe.
    pub fn rotate(&self) -> Jwhook {
        self.rotate_with(&["--settle", "3", "--overlap", "2", "--grace", "1"])
    }

    pub fn rotate_with(&self, waits: &[&str]) -> Jwhook {
        let arguments = [&["rotate", OLD, "--yes", "--output", "json"], waits].concat();
        Jwhook::of(&self.account, &self.jw, &arguments)
    }

    /// `jwhook create` of a second webhook.
    pub fn create(&self, waits: &[&str]) -> Jwhook {
        let create =
            "create --name second --event media_available --site jsPxIVHl --yes --output json";
        let create: Vec<&str> = create.split(' ').collect();
        Jwhook::of(&self.account, &self.jw, &[&create[..], waits].concat())
    }

    /// Sends events as JW does, from shortly before `rotation` begins until shortly after it ends.
    pub async fn while_sending<T>(&self, rotation: impl Future<Output = T>) -> (Sent, T) {
        self.flood().await;
        let over = Cell::new(false);
        let rotation = async {
            tokio::time::sleep(millis(300)).await;
            let outcome = rotation.await;
            tokio::time::sleep(millis(300)).await;
            over.set(true);
            outcome
        };
        tokio::join!(self.send_until(&over), rotation)
    }

    /// Sends forged events until every function pauses its rechecks for several seconds. Four
    /// rechecks, at 0, 0.5, 1.5 and 3.5 s, cause a pause of 4 s. A fifth recheck, at 7.5 s, causes
    /// a pause of 8 s.
    async fn flood(&self) {
        let mut fetches = (1 + self.rechecks) * self.functions.len(); // one fetch at the start
        let began = Instant::now();
        while self.account.count(Until::Performed, "GetSecretValue") < fetches {
            assert!(began.elapsed() < seconds(40), "the flood caused too few rechecks in 40 s");
            for function in &self.functions {
                let (verdict, delayed) = verdict(function, &forged()).await;
                assert_eq!(verdict, "401 signature_invalid");
                fetches += delayed;
            }
            tokio::time::sleep(millis(50)).await;
        }
    }

    async fn send_until(&self, over: &Cell<bool>) -> Sent {
        let mut sent = Sent::default();
        let mut calling_since = BTreeMap::from([(OLD.to_owned(), Instant::now() - self.lag)]);
        loop {
            let is_last = over.get(); // one more event after the command checks its last change
            let calling = self.calling();
            for id in &calling {
                calling_since.entry(id.clone()).or_insert_with(Instant::now);
            }
            let number = sent.events.len();
            if calling.iter().all(|id| calling_since[id].elapsed() < self.lag) {
                sent.faults.push(format!("JW may send event {number} to nobody"));
            }
            // Forged requests keep the rechecks paused. So a function learns the new key only
            // during the command's waits.
            let refused = self.function(number).invoke(&forged()).await;
            assert!([401, 503].contains(&refused.status), "{}", refused.verdict());
            for id in &calling {
                let answer = self.deliver(number, id).await;
                sent.judge(number, id, &answer);
            }
            if !calling.contains(OLD) {
                let late = self.deliver(number, OLD).await;
                // every function must accept the old key as long as the ring has it
                if self.account.ring_ids().await.contains(&OLD.to_owned()) {
                    sent.judge(number, OLD, &late);
                    sent.late += 1;
                } else if late.status == 200 {
                    sent.take(OLD, &late);
                }
            }
            sent.events.push(calling);
            if is_last {
                return sent;
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    /// The webhooks that call the endpoint.
    fn calling(&self) -> BTreeSet<String> {
        let webhooks = self.jw.webhooks().into_iter();
        webhooks
            .filter(|webhook| webhook["metadata"]["webhook_url"] == WEBHOOK_URL)
            .map(|webhook| webhook["id"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn deliver(&self, number: usize, id: &str) -> Answer {
        let claims = event(json!({"media_id": format!("m{number:07}"), "webhook_id": id}));
        let secret = if id == OLD { SECRET.to_owned() } else { self.jw.secret(id) };
        self.function(number).invoke(&Delivery::signed(claims, secret)).await
    }

    /// The function that receives event `number`.
    fn function(&self, number: usize) -> &Function {
        &self.functions[number % self.functions.len()]
    }

    /// Checks the end of a rotation, however often it was restarted: every valid event was accepted
    /// and is in the queue, only the new webhook is left, and the ring has only the new webhook's
    /// key.
    pub async fn check(&self, sent: &Sent) -> String {
        assert_eq!(sent.faults, Vec::<String>::new());
        let new = self.jw.ids().into_iter().find(|id| id != "zapier01").unwrap();
        assert_eq!(self.jw.ids(), ["zapier01", &new]);
        assert_ne!(new, OLD);
        assert_eq!(self.jw.webhook(&new).unwrap()["metadata"], self.metadata);
        assert_eq!(self.jw.webhook("zapier01"), Some(of_zapier()));
        assert_eq!(self.account.ring_ids().await, [new.as_str()]);

        assert_eq!(sent.queued(&self.account).await, sent.taken);
        let of = |ids: &[&str]| {
            let ids: BTreeSet<_> = ids.iter().map(|&id| id.to_owned()).collect();
            sent.events.iter().filter(|event| **event == ids).count()
        };
        let counts = [of(&[OLD]), of(&[OLD, &new]), of(&[&new])];
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
        assert_eq!(
            counts.iter().sum::<usize>(),
            sent.events.len(),
            "no event is for another webhook"
        );

        tokio::time::sleep(TTL + millis(100)).await;
        for (number, function) in self.functions.iter().enumerate() {
            let good = self.deliver(number, &new).await;
            assert_eq!(good.verdict(), "200 accepted");
            let old = Delivery::signed(event(json!({})), SECRET);
            assert_eq!(verdict(function, &old).await.0, "401 webhook_unknown");
        }
        self.watch_for_secrets();
        new
    }

    /// Checks the state after `create`: every valid event of either webhook was accepted and is in
    /// the queue, and the new webhook sent some of the events.
    pub async fn check_created(&self, sent: &Sent, new: &str) {
        assert_eq!(sent.faults, Vec::<String>::new());
        assert!(self.calling().contains(new));
        assert!(
            sent.events.iter().any(|webhooks| webhooks.contains(new)),
            "no event was sent for {new}"
        );
        assert_eq!(self.account.ring_ids().await, [OLD, new]);
        assert_eq!(sent.queued(&self.account).await, sent.taken);
        self.watch_for_secrets();
    }

    /// When the test ends, each function searches its output for all secrets that ever existed.
    pub fn watch_for_secrets(&self) {
        let secrets = self.jw.state().secrets.clone();
        for (_, secret) in secrets {
            self.aws.keep(secret);
        }
    }
}

/// The verdict on an event that needs a recheck, and how many of its rechecks failed. On a busy
/// machine the emulator's answer can take longer than the second that a request waits for a
/// recheck. Such an event is answered 503, and the next recheck may start 1 s later.
async fn verdict(function: &Function, delivery: &Delivery) -> (String, usize) {
    for delayed in 0..10 {
        let verdict = function.invoke(delivery).await.verdict();
        if verdict != "503 secret_unavailable" {
            return (verdict, delayed);
        }
        tokio::time::sleep(seconds(1)).await;
    }
    panic!("ten rechecks took longer than a second each");
}

fn forged() -> Delivery {
    Delivery::signed(event(json!({})), "a key that an attacker made up, x32")
}

/// A webhook in the same JW account that somebody else created.
fn of_zapier() -> Value {
    let mut webhook = webhook("zapier01", "newsroom");
    webhook["metadata"]["webhook_url"] = json!("https://hooks.zapier.com/hooks/catch/1");
    webhook
}
