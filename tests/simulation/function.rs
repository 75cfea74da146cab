//! Runs one instance of the function at a time. Each instance is the whole library in its own tokio
//! runtime. While the runtime does not run, the instance is frozen: its tasks stop, but the
//! schedule's time advances.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use aws_config::Region;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, future};
use jw_webhook_forwarder::aws;
use jw_webhook_forwarder::forwarder::Forwarder;
use jw_webhook_forwarder::queue::EventQueue;
use jw_webhook_forwarder::queue::held::HeldQueue;
use jw_webhook_forwarder::queue_url::QueueUrl;
use jw_webhook_forwarder::secrets::SecretStore;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{advance, sleep};

use crate::aws::Network;
use crate::clock::{self, Ms, Wall};
use crate::invocation::invoke;
use crate::schedule::{FunctionSetting, Gap, Schedule, Step};
use crate::sqs::{FIFO_QUEUE, HELD_QUEUE, STANDARD_QUEUE};
use crate::world::{Name, Shared, Thaw};

pub struct Function {
    index: usize,
    seed: u64,
    setting: FunctionSetting,
    world: Shared,
    instance: Option<Instance>,
    starts: u64,
    /// The time of the last freeze.
    frozen: Ms,
}

struct Instance {
    forwarder: Arc<Forwarder>,
    network: Network,
    runtime: Runtime,
}

impl Drop for Function {
    fn drop(&mut self) {
        self.end();
    }
}

impl Function {
    pub fn new(index: usize, schedule: &Schedule, world: Shared) -> Self {
        let setting = schedule.functions[index];
        Self { index, seed: schedule.seed, setting, world, instance: None, starts: 0, frozen: 0 }
    }

    /// Serves the first of these steps and every step that arrives before the instance is idle
    /// again.
    pub fn serve(&mut self, steps: &mut VecDeque<(usize, Step)>) {
        let Some((_, first)) = steps.front().copied() else { return };
        if first.cold || self.instance.is_none() {
            self.start(first.at);
        }
        let this = &*self;
        let instance = this.instance.as_ref().expect("started");
        let (world, concurrency) = (&this.world, this.setting.concurrency);
        let mut gap = Some(first.gap).filter(|_| this.frozen < first.at);
        let mut is_first = true;
        instance.runtime.block_on(async {
            clock::run(this.frozen, this.setting.clock);
            let mut under_way = FuturesUnordered::new();
            loop {
                while under_way.len() < concurrency {
                    let is_due = |step: &Step| is_first || !step.cold && step.at <= clock::now();
                    let Some((number, step)) = steps.front().copied() else { break };
                    if !is_due(&step) {
                        break;
                    }
                    steps.pop_front();
                    is_first = false;
                    let gap = gap.take();
                    under_way.push(async move {
                        if let Some(gap) = gap {
                            this.pass(gap, step.at).await;
                        }
                        let Instance { forwarder, network, .. } = instance;
                        invoke(forwarder, network.instance, world, number, step).await;
                    });
                }
                if under_way.is_empty() {
                    break;
                }
                let next = match steps.front() {
                    Some((_, step)) if under_way.len() < concurrency && !step.cold => {
                        step.at.saturating_sub(clock::now()).max(1)
                    }
                    _ => 1 << 32,
                };
                tokio::select! {
                    biased;
                    _ = under_way.next() => {}
                    () = sleep(Duration::from_millis(next)) => {}
                }
            }
            clock::stop();
        });
        self.frozen = clock::now();
        self.world.lock().read_log(&clock::take_log());
    }

    /// Lets time pass until the next invocation.
    async fn pass(&self, gap: Gap, until: Ms) {
        let time = until.saturating_sub(clock::now());
        match gap {
            Gap::Awake => sleep(Duration::from_millis(time)).await,
            Gap::Frozen { monotonic, invocation_first, sockets } => {
                let network = &self.instance.as_ref().expect("it is served").network;
                let instance = network.instance;
                let at = until.max(clock::now());
                {
                    let mut world = self.world.lock();
                    world.trace(|| format!("{} was frozen: {gap:?}", Name(instance)));
                    world.thaws.push(Thaw { instance, at });
                }
                network.thaw(sockets);
                if !monotonic {
                    clock::run(at, self.setting.clock);
                } else if invocation_first {
                    // a single poll moves the clock and runs no other task
                    let mut moves = Box::pin(advance(Duration::from_millis(time)));
                    future::poll_fn(|cx| {
                        let _ = moves.as_mut().poll(cx);
                        std::task::Poll::Ready(())
                    })
                    .await;
                } else {
                    advance(Duration::from_millis(time)).await;
                }
            }
        }
    }

    /// Ends the instance, and abandons the calls that it has begun.
    fn end(&mut self) {
        clock::stay(self.frozen);
        if let Some(instance) = self.instance.take() {
            self.world.lock().give_up(instance.network.instance);
        }
    }

    /// Starts a new instance and returns once the instance is warm.
    fn start(&mut self, at: Ms) {
        self.end();
        self.starts += 1;
        let at = at.max(self.frozen);
        let instance = self.index * 1_000 + usize::try_from(self.starts).expect("few");
        let network = Network::new(self.world.clone(), instance, self.seed);
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        let setting = self.world.lock().schedule.setting;
        let forwarder = runtime.block_on(async {
            clock::run(at, self.setting.clock);
            self.world.lock().trace(|| format!("{} starts", Name(instance)));
            let sdk = aws::loader(aws_smithy_runtime_api::client::http::http_client_fn({
                let connector =
                    aws_smithy_runtime_api::client::http::SharedHttpConnector::new(network.clone());
                move |_, _| connector.clone()
            }))
            .region(Region::new("eu-west-1"))
            .credentials_provider(network.clone())
            .time_source(Wall)
            .load()
            .await;
            let url = |url| QueueUrl::parse(url).expect("a URL");
            let sqs = aws_sdk_sqs::Client::new(&sdk);
            let secrets = SecretStore::new(
                aws_sdk_secretsmanager::Client::new(&sdk),
                "jw/webhooks".to_owned(),
                Duration::from_millis(setting.ttl),
                Duration::from_millis(setting.max_stale),
                clock::PROCESS.wall_clock,
            );
            let queue = if setting.fifo { FIFO_QUEUE } else { STANDARD_QUEUE };
            let held = setting.holding.then(|| HeldQueue::new(sqs.clone(), url(HELD_QUEUE)));
            let queue = EventQueue::new(sqs, url(queue));
            let forwarder = Forwarder::new(secrets, queue, held, None, clock::PROCESS);
            forwarder.warm_up().await;
            clock::stop();
            forwarder
        });
        self.frozen = clock::now();
        self.instance = Some(Instance { forwarder: forwarder.into(), network, runtime });
    }
}
